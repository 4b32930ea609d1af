/** What is said of a thing: its title, its facts, and the other things it leads to. */
import { FlowKind, SliceKind, ThreadState, type TraceModel } from "../../src/analysis/model.js";
import { shortSite } from "../../src/analysis/strings.js";
import { ObjectKind } from "../../src/trace/events.js";
import { type FlowIndex, flowWords } from "../model/flows.js";
import {
  displayName,
  formatBytes,
  formatDuration,
  formatInstant,
  formatPercent,
  formatValue,
  plural,
} from "../model/format.js";
import { type Lane, objectKindName } from "../model/lanes.js";
import { extentOf, type Thing } from "../model/things.js";
import type { TrackIndexes } from "../model/track-indexes.js";
import { ASYNC_FLAG, FAILED_FLAG } from "../render/slice-style.js";
import { describeMessage, requestFacts } from "./describe-traffic.js";
import { type Description, type Fact, objectName, sliceAt, threadName } from "./description.js";

const stateWords: Readonly<Record<number, readonly [string, string]>> = {
  [ThreadState.Running]: ["running", "running"],
  [ThreadState.Runnable]: ["ready", "ready, waits for a core"],
  [ThreadState.Blocked]: ["blocked", "blocked"],
  [ThreadState.Io]: ["io", "off its core: I/O, page faults"],
  [ThreadState.Sleeping]: ["sleep", "asleep"],
  [ThreadState.Idle]: ["idle", "idle"],
};

const sliceWords: Readonly<Record<number, readonly [string, string]>> = {
  [SliceKind.Span]: ["span", "span"],
  [SliceKind.Task]: ["span", "task"],
  [SliceKind.LockWait]: ["blocked", "waits for lock"],
  [SliceKind.QueuePutWait]: ["blocked", "waits for a free place"],
  [SliceKind.QueueGetWait]: ["blocked", "waits for an item"],
  [SliceKind.OtherWait]: ["blocked", "waits"],
  [SliceKind.Gc]: ["gc", "garbage collection"],
  [SliceKind.LoopDelay]: ["delay", "event loop was late"],
  [SliceKind.Request]: ["span", "request to a manager"],
  [SliceKind.Serve]: ["span", "serves a request"],
};

export function describe(
  model: TraceModel,
  indexes: TrackIndexes,
  flows: FlowIndex,
  lane: Lane | undefined,
  thing: Thing,
): Description {
  const { start, end, open } = extentOf(model, thing);
  const facts: Fact[] = [];
  const links: Fact[] = [];
  const duration = open ? `${formatDuration(end - start)} so far` : formatDuration(end - start);
  // Of an instant, as finely as the trace as a whole deserves: nobody reads nanoseconds of a second.
  const precision = Math.max(1, end > start ? (end - start) / 100 : model.endNs / 1e6);
  const when: Fact = { label: "at", value: formatInstant(start, precision) };

  switch (thing.type) {
    case "slice": {
      const { slices } = model.threads[thing.thread]!;
      const row = thing.row;
      const [tone, kind] = sliceWords[slices.kind[row]!] ?? ["span", "slice"];
      const flags = slices.flags[row]!;
      const title = displayName(model.strings[slices.name[row]!] ?? "");
      facts.push({ label: "took", value: duration }, when, { label: "thread", value: threadName(model, thing.thread) });
      const object = slices.object[row]!;
      if (object >= 0)
        facts.push({ label: objectKindName(model.objects[object]!.kind), value: objectName(model, object) });
      if (flags & ASYNC_FLAG) facts.push({ label: "how", value: "a promise: the thread went on meanwhile" });
      if (flags & FAILED_FLAG)
        facts.push({ label: "outcome", value: tone === "blocked" ? "timed out or given up" : "failed" });
      const states = new Float64Array(6);
      indexes.threads[thing.thread]!.states.times(start, end, model.endNs, states);
      if (end > start && (kind === "task" || kind === "span"))
        facts.push({ label: "of it", value: shares(states, end - start) });
      if (tone === "blocked" && object >= 0) {
        const holder = holderAt(model, object, start);
        if (holder)
          links.push({
            label: "held by",
            value: threadName(model, holder.thread),
            target: { type: "hold", lane: `lock:${object}`, object, row: holder.row },
          });
      }
      if (slices.kind[row] === SliceKind.Request || slices.kind[row] === SliceKind.Serve) {
        const request = requestFacts(model, thing.thread, row);
        facts.push(...request.facts);
        links.push(...request.links);
      } else links.push(...flowFacts(model, indexes, flows, thing.thread, start, end, tone === "blocked" && !open));
      const detail = slices.detail[row]!;
      return {
        tone: flags & FAILED_FLAG ? "failed" : tone,
        kind,
        title: title || kind,
        facts,
        links,
        site: model.strings[slices.site[row]!] ?? "",
        detail: detail ? (model.strings[detail] ?? "") : "",
      };
    }
    case "state": {
      const { states } = model.threads[thing.thread]!;
      const [tone, words] = stateWords[states.state[thing.row]!] ?? ["idle", "?"];
      facts.push({ label: "for", value: duration }, when, { label: "thread", value: threadName(model, thing.thread) });
      const core = states.core[thing.row]!;
      if (core >= 0) facts.push({ label: "core", value: String(core) });
      links.push(...flowFacts(model, indexes, flows, thing.thread, start, end, tone === "blocked" && !open));
      return { tone, kind: "state", title: words, facts, links, site: "", detail: "" };
    }
    case "mark": {
      const { marks } = model.threads[thing.thread]!;
      facts.push(when, { label: "thread", value: threadName(model, thing.thread) });
      const detail = marks.detail[thing.row]!;
      return {
        tone: "mark",
        kind: "mark",
        title: displayName(model.strings[marks.name[thing.row]!] ?? ""),
        facts,
        links,
        site: model.strings[marks.site[thing.row]!] ?? "",
        detail: detail ? (model.strings[detail] ?? "") : "",
      };
    }
    case "hold": {
      const object = model.objects[thing.object]!;
      const holds = object.holds!;
      const thread = holds.thread[thing.row]!;
      // Nobody holds an event or a barrier: the lane shows when the flag was up, and the rounds.
      const [by, what] =
        object.kind === ObjectKind.Event
          ? ["set by", "set"]
          : object.kind === ObjectKind.Barrier
            ? ["last to come", "round"]
            : ["held by", "held"];
      facts.push(
        { label: by, value: threadName(model, thread), target: sliceAt(model, indexes, thread, start) },
        { label: holds.times[thing.row]! > 1 ? "within" : "for", value: duration },
        when,
      );
      if (holds.times[thing.row]! > 1) {
        facts.push({ label: "how often", value: `${holds.times[thing.row]} times, for a moment each` });
      }
      const waiters = indexes.objects[thing.object]?.waiters;
      const waiting = waiters?.valueAt((start + end) / 2);
      if (waiting !== undefined && waiting > 0) facts.push({ label: "waiting", value: plural(waiting, "thread") });
      return {
        tone: "span",
        kind: `${objectKindName(object.kind)} ${what}`,
        title: displayName(object.name),
        facts,
        links,
        site: model.strings[holds.site[thing.row]!] || object.site,
        detail: "",
      };
    }
    case "message":
      return describeMessage(model, indexes, thing);
    case "core": {
      const thread = model.cores[thing.core]!.thread[thing.row]!;
      facts.push({ label: "for", value: duration }, when, { label: "core", value: String(thing.core) });
      return {
        tone: "running",
        kind: "on a core",
        title: thread < 0 ? "another program" : threadName(model, thread),
        facts:
          thread < 0
            ? facts
            : [
                ...facts,
                { label: "thread", value: threadName(model, thread), target: sliceAt(model, indexes, thread, start) },
              ],
        links,
        site: "",
        detail: "",
      };
    }
    case "value":
      return describeValue(model, indexes, lane, thing.time);
  }
}

function describeValue(model: TraceModel, indexes: TrackIndexes, lane: Lane | undefined, time: number): Description {
  const at: Fact = { label: "at", value: formatInstant(time, Math.max(1, model.endNs / 1e5)) };
  const none: Description = { tone: "idle", kind: "", title: "", facts: [at], links: [], site: "", detail: "" };
  if (!lane) return none;
  const number = (value: number | undefined): string =>
    value === undefined || Number.isNaN(value) ? "0" : formatValue(value);
  if (lane.kind === "counter") {
    const value = indexes.counters[lane.index]?.valueAt(time);
    return {
      ...none,
      tone: "span",
      kind: "counter",
      title: lane.title,
      facts: [{ label: lane.subtitle || "value", value: number(value) }, at],
    };
  }
  const object = model.objects[lane.index];
  const index = indexes.objects[lane.index];
  if (!object || !index) return none;
  const common = { ...none, title: displayName(object.name), kind: objectKindName(object.kind), site: object.site };
  if (lane.kind === "queue") {
    const depth = index.depth?.valueAt(time);
    const capacity = object.capacity > 0 ? ` of ${object.capacity}` : "";
    const full = object.capacity > 0 && (depth ?? 0) >= object.capacity;
    return {
      ...common,
      tone: full ? "blocked" : "span",
      facts: [
        { label: "items", value: `${number(depth)}${capacity}${full ? " (full)" : ""}` },
        { label: "most", value: number(index.depth?.greatest) },
        at,
      ],
    };
  }
  if (lane.kind === "pool") {
    return {
      ...common,
      tone: "running",
      facts: [
        {
          label: "running",
          value: `${number(index.busy?.valueAt(time))}${object.capacity ? ` of ${object.capacity}` : ""}`,
        },
        { label: "waiting", value: number(index.queued?.valueAt(time)) },
        { label: "most waiting", value: number(index.queued?.greatest) },
        at,
      ],
    };
  }
  const waiting = index.waiters?.valueAt(time);
  return {
    ...common,
    tone: waiting ? "blocked" : "idle",
    facts: [
      { label: "waiting", value: number(waiting) },
      { label: "most", value: number(index.waiters?.greatest) },
      at,
    ],
  };
}

function flowFacts(
  model: TraceModel,
  indexes: TrackIndexes,
  flows: FlowIndex,
  thread: number,
  start: number,
  end: number,
  waited: boolean,
): Fact[] {
  const facts: Fact[] = [];
  const { kind, fromThread, fromTime, toThread, toTime } = model.flows;
  const incoming = new Set([...(waited ? flows.wakeOf(thread, end) : []), ...flows.into(thread, start, start, 2)]);
  for (const flow of incoming) {
    const other = fromThread[flow]!;
    facts.push({
      label: flowWords(kind[flow]!).from,
      value: `${threadName(model, other)}${sizeOf(model, flow)}${wokenAt(model, flow)}, ${formatInstant(fromTime[flow]!, Math.max(1, model.endNs / 1e5))}`,
      target: sliceAt(model, indexes, other, fromTime[flow]!),
    });
  }
  for (const flow of flows.outOf(thread, start, end, 5)) {
    const other = toThread[flow]!;
    facts.push({
      label: flowWords(kind[flow]!).to,
      value: `${threadName(model, other)}${sizeOf(model, flow)}, ${formatInstant(toTime[flow]!, Math.max(1, model.endNs / 1e5))}`,
      target: sliceAt(model, indexes, other, toTime[flow]!),
    });
  }
  return facts;
}

/** Of a message, how large it was. */
function sizeOf({ flows }: TraceModel, flow: number): string {
  return flows.kind[flow] === FlowKind.Message ? `, ${formatBytes(flows.bytes[flow]!)}` : "";
}

/** Of a wake-up, the line that did it, where that is told. */
function wokenAt({ flows, strings }: TraceModel, flow: number): string {
  const site = flows.kind[flow] === FlowKind.Wake ? (strings[flows.fromSite[flow]!] ?? "") : "";
  return site === "" ? "" : ` at ${shortSite(site)}`;
}

function holderAt(model: TraceModel, object: number, time: number): { thread: number; row: number } | null {
  const holds = model.objects[object]?.holds;
  if (!holds) return null;
  let low = 0;
  let high = holds.count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds.start[middle]! <= time) low = middle + 1;
    else high = middle;
  }
  for (let row = low - 1; row >= 0 && row > low - 8; row--) {
    const end = holds.end[row]!;
    if (Number.isNaN(end) || end > time) return { thread: holds.thread[row]!, row };
  }
  return null;
}

function shares(states: Float64Array, length: number): string {
  const words = ["running", "ready", "blocked", "I/O", "asleep", "idle"];
  return (
    [...states]
      .map((time, i) => [time / length, words[i]!] as const)
      .filter(([part]) => part >= 0.005)
      .sort((a, b) => b[0] - a[0])
      .slice(0, 3)
      .map(([part, word]) => `${formatPercent(part)} ${word}`)
      .join(", ") || "not sampled"
  );
}
