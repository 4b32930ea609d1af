/**
 * A trace in the JSON trace-event format, which Perfetto and Chrome's tracing page read.
 *
 * What nests in a thread becomes complete events of the thread; what overlaps (promises' waits, spans across an
 * `await`) becomes async events, since the format allows no overlap within a thread. Thread states, locks and cores
 * get tracks of their own in processes that are not real.
 */
import { FlowKind, SliceKind, ThreadState, type ThreadTrack, type TraceModel } from "../analysis/model.js";

const LOCKS_PID = 1_000_000_001;
const CORES_PID = 1_000_000_002;
const STATES_TID = 1_000_000_000;

const STATE_NAMES = new Map<number, [name: string, colour: string]>([
  [ThreadState.Running, ["running", "thread_state_running"]],
  [ThreadState.Runnable, ["ready", "thread_state_runnable"]],
  [ThreadState.Blocked, ["blocked", "terrible"]],
  [ThreadState.Io, ["I/O", "thread_state_iowait"]],
  [ThreadState.Sleeping, ["sleeping", "thread_state_sleeping"]],
  [ThreadState.Idle, ["idle", "grey"]],
]);
const SLICE_NAMES = new Map<number, string>(Object.entries(SliceKind).map(([name, kind]) => [kind, name]));
const FLOW_NAMES = new Map<number, string>(Object.entries(FlowKind).map(([name, kind]) => [kind, name]));

/** Pieces of the JSON text. */
export function* traceEvents(model: TraceModel): Generator<string> {
  const other = {
    command: model.command.join(" "),
    startedAt: new Date(model.startedAt).toISOString(),
    coreSource: model.coreSource,
  };
  yield `{"displayTimeUnit":"ns","otherData":${JSON.stringify(other)},"traceEvents":[\n`;
  let first = true;
  for (const event of events(model)) {
    yield (first ? "" : ",\n") + JSON.stringify(event);
    first = false;
  }
  yield "\n]}\n";
}

type Event = Record<string, unknown>;
const micro = (ns: number) => Math.round(ns) / 1000;

function* events(model: TraceModel): Generator<Event> {
  const end = (ns: number) => (Number.isNaN(ns) ? model.endNs : ns);
  const pidOf = (thread: ThreadTrack) => model.processes[thread.process]?.pid ?? 0;
  const tidOf = (thread: ThreadTrack) => (thread.tid > 0 ? thread.tid : STATES_TID / 2 + thread.index);
  let asyncId = 0;

  for (const process of model.processes) {
    yield {
      ph: "M",
      name: "process_name",
      pid: process.pid,
      tid: 0,
      args: { name: process.name || `process ${process.pid}` },
    };
  }
  for (const thread of model.threads) {
    const pid = pidOf(thread);
    const tid = tidOf(thread);
    yield { ph: "M", name: "thread_name", pid, tid, args: { name: thread.name } };
    yield { ph: "M", name: "thread_sort_index", pid, tid, args: { sort_index: thread.index * 2 } };
    const { states, slices, marks } = thread;
    if (states.count > 0) {
      const stateTid = STATES_TID + thread.index;
      yield { ph: "M", name: "thread_name", pid, tid: stateTid, args: { name: `${thread.name} (state)` } };
      yield { ph: "M", name: "thread_sort_index", pid, tid: stateTid, args: { sort_index: thread.index * 2 + 1 } };
      for (let i = 0; i < states.count; i++) {
        const [name, cname] = STATE_NAMES.get(states.state[i]!) ?? ["?", "grey"];
        const core = states.core[i]!;
        const ts = states.start[i]!;
        yield {
          ph: "X",
          cat: "state",
          name,
          cname,
          pid,
          tid: stateTid,
          ts: micro(ts),
          dur: micro(end(states.end[i]!) - ts),
          ...(core >= 0 ? { args: { core } } : {}),
        };
      }
    }
    const nested = nestedRows(thread, model.endNs);
    for (let i = 0; i < slices.count; i++) {
      const flags = slices.flags[i]!;
      const ts = slices.start[i]!;
      const until = end(slices.end[i]!);
      const site = model.strings[slices.site[i]!] ?? "";
      const detail = model.strings[slices.detail[i]!] ?? "";
      const object = model.objects[slices.object[i]!];
      const args: Event = {};
      if (site !== "") args.site = site;
      if (object) args.object = object.name;
      if (detail !== "") args.detail = detail;
      if (flags & 2) args.failed = true;
      if (flags & 4) args.cutShort = true;
      const name = model.strings[slices.name[i]!] || (SLICE_NAMES.get(slices.kind[i]!) ?? "?");
      const cat = SLICE_NAMES.get(slices.kind[i]!) ?? "slice";
      if (nested[i] === 1) yield { ph: "X", cat, name, pid, tid, ts: micro(ts), dur: micro(until - ts), args };
      else {
        const id = `0x${(++asyncId).toString(16)}`;
        yield { ph: "b", cat, name, pid, tid, id, ts: micro(ts), args };
        yield { ph: "e", cat, name, pid, tid, id, ts: micro(until) };
      }
    }
    for (let i = 0; i < marks.count; i++) {
      const name = model.strings[marks.name[i]!] || "mark";
      const args = { site: model.strings[marks.site[i]!] ?? "", detail: model.strings[marks.detail[i]!] ?? "" };
      yield { ph: "i", s: "t", cat: "mark", name, pid, tid, ts: micro(marks.time[i]!), args };
    }
  }

  yield* objectEvents(model, end);

  const counter = (pid: number, name: string, time: number, value: number): Event => ({
    ph: "C",
    pid,
    tid: 0,
    name,
    ts: micro(time),
    args: { value },
  });
  for (const { name, unit, process, values } of model.counters) {
    const title = unit === "" ? name : `${name} (${unit})`;
    const pid = model.processes[process]?.pid ?? 0;
    for (let i = 0; i < values.count; i++) yield counter(pid, title, values.time[i]!, values.value[i]!);
  }
  const { flows, coresInUse } = model;
  if (model.cores.length > 0) {
    yield { ph: "M", name: "process_name", pid: CORES_PID, tid: 0, args: { name: "Cores" } };
    for (const [core, columns] of model.cores.entries()) {
      yield { ph: "M", name: "thread_name", pid: CORES_PID, tid: core + 1, args: { name: `core ${core}` } };
      for (let i = 0; i < columns.count; i++) {
        const name = model.threads[columns.thread[i]!]?.name || "other";
        const ts = columns.start[i]!;
        yield {
          ph: "X",
          cat: "core",
          name,
          pid: CORES_PID,
          tid: core + 1,
          ts: micro(ts),
          dur: micro(end(columns.end[i]!) - ts),
        };
      }
    }
  }
  for (let i = 0; i < coresInUse.count; i++)
    yield counter(CORES_PID, "cores in use", coresInUse.time[i]!, coresInUse.value[i]!);

  for (let i = 0; i < flows.count; i++) {
    const from = model.threads[flows.fromThread[i]!];
    const to = model.threads[flows.toThread[i]!];
    if (!from || !to) continue;
    const name = FLOW_NAMES.get(flows.kind[i]!) ?? "flow";
    const common = { cat: "flow", name, id: i + 1 };
    yield { ph: "s", ...common, pid: pidOf(from), tid: tidOf(from), ts: micro(flows.fromTime[i]!) };
    yield { ph: "f", bp: "e", ...common, pid: pidOf(to), tid: tidOf(to), ts: micro(flows.toTime[i]!) };
  }
}

function* objectEvents(model: TraceModel, end: (ns: number) => number): Generator<Event> {
  let named = false;
  let asyncId = 0;
  for (const object of model.objects) {
    const pid = model.processes[object.process]?.pid ?? 0;
    for (const kind of ["waiters", "depth", "queued", "busy"] as const) {
      const steps = object[kind];
      if (!steps) continue;
      const name = `${object.name} ${kind}`;
      for (let i = 0; i < steps.count; i++) {
        yield { ph: "C", pid, tid: 0, name, ts: micro(steps.time[i]!), args: { value: steps.value[i]! } };
      }
    }
    const { holds } = object;
    if (!holds || holds.count === 0) continue;
    if (!named)
      yield { ph: "M", name: "process_name", pid: LOCKS_PID, tid: 0, args: { name: "Locks (who holds them)" } };
    named = true;
    const tid = object.index + 1;
    yield { ph: "M", name: "thread_name", pid: LOCKS_PID, tid, args: { name: object.name } };
    let until = 0;
    for (let i = 0; i < holds.count; i++) {
      const ts = holds.start[i]!;
      const to = end(holds.end[i]!);
      const name = model.threads[holds.thread[i]!]?.name ?? "?";
      const common = { cat: "hold", name, pid: LOCKS_PID, tid };
      const site = model.strings[holds.site[i]!] ?? "";
      const args = holds.times[i] === 1 ? { site } : { site, times: holds.times[i] };
      if (ts >= until) {
        until = to;
        yield { ph: "X", ...common, ts: micro(ts), dur: micro(to - ts), args };
      } else {
        // Several at once, as a semaphore allows.
        const id = `hold${++asyncId}`;
        yield { ph: "b", ...common, id, ts: micro(ts), args };
        yield { ph: "e", ...common, id, ts: micro(to) };
      }
    }
  }
}

/** 1 for rows that lie wholly within or wholly outside of all other such rows of the thread. */
function nestedRows(thread: ThreadTrack, endNs: number): Uint8Array {
  const { slices } = thread;
  const { count } = slices;
  const nested = new Uint8Array(count);
  const endOf = (row: number) => (Number.isNaN(slices.end[row]!) ? endNs : slices.end[row]!);
  const order = Uint32Array.from({ length: count }, (_, i) => i).sort(
    (x, y) => slices.start[x]! - slices.start[y]! || endOf(y) - endOf(x) || slices.depth[x]! - slices.depth[y]!,
  );
  const open: number[] = [];
  for (const row of order) {
    if ((slices.flags[row]! & 1) !== 0) continue;
    while (open.length > 0 && open[open.length - 1]! <= slices.start[row]!) open.pop();
    const end = endOf(row);
    if (open.length > 0 && open[open.length - 1]! < end) continue;
    open.push(end);
    nested[row] = 1;
  }
  return nested;
}
