/**
 * Where a finding is seen: the waits, tasks, pauses or states that it was made of, on which threads, from when to when,
 * and which of them is the longest. The report says it (`where`), and the timeline lights it up.
 *
 * What belongs to a finding follows from its rule and its subjects; a rule that knows better says so itself.
 */
import { SliceKind, ThreadState, type ThreadTrack, type TraceModel } from "../../model.js";
import { withoutColumn } from "../../strings.js";
import { SliceFlag } from "../../thread-lane.js";
import type { Finding, FindingPlace } from "../report-types.js";
import { endOf } from "../trace-numbers.js";
import { type EvidenceSpec, indexOfId } from "./rule.js";

/** What was found. */
export interface Evidence {
  readonly spec: EvidenceSpec;
  /** Indexes of threads, those it cost most first. */
  readonly threads: readonly number[];
  /** From the first to the last of it. */
  readonly startNs: number;
  readonly endNs: number;
  /** How many slices or times. */
  readonly count: number;
  /** The longest of them: a row of the thread's slices or states. */
  readonly longest: { readonly type: "slice" | "state"; readonly thread: number; readonly row: number } | null;
}

const { LockWait, QueuePutWait, QueueGetWait, OtherWait, Task, Gc, LoopDelay } = SliceKind;
/** Waits of a thread. */
export const WAITS: readonly SliceKind[] = [LockWait, QueuePutWait, QueueGetWait, OtherWait];

const BY_RULE: Readonly<Record<string, Partial<EvidenceSpec>>> = {
  deadlock: { kinds: WAITS, unfinished: true },
  standstill: { kinds: WAITS, unfinished: true },
  "wait-never-ended": { kinds: WAITS, unfinished: true },
  "contended-lock": { kinds: [LockWait] },
  "saturated-queue": { kinds: [QueuePutWait] },
  "starved-consumers": { kinds: [QueueGetWait] },
  "failing-tasks": { kinds: [Task], flags: SliceFlag.Failed },
  "tiny-tasks": { kinds: [Task] },
  "event-loop-blocked": { kinds: [LoopDelay] },
  "garbage-collection": { kinds: [Gc], threads: [] },
  "no-core-free": { states: [ThreadState.Runnable], threads: [] },
};

/** What to look for where nothing else is known: waits for the subjects. */
export function specOf(finding: Finding, own: Partial<EvidenceSpec> = {}): EvidenceSpec {
  const of = (isThread: boolean): number[] =>
    finding.subjects.filter((id) => id.startsWith("thread-") === isThread).map(indexOfId);
  const objects = of(false);
  return {
    kinds: objects.length > 0 ? WAITS : [],
    states: [],
    flags: 0,
    unfinished: false,
    objects,
    threads: of(true),
    fromNs: Number.NEGATIVE_INFINITY,
    toNs: Number.POSITIVE_INFINITY,
    coresBelow: 0,
    ...BY_RULE[finding.rule],
    ...own,
  };
}

/** Whether a slice is part of what a finding is about. */
export function isEvidence(
  { kinds, flags, unfinished, objects, threads }: EvidenceSpec,
  thread: ThreadTrack,
  row: number,
) {
  const { slices } = thread;
  return (
    kinds.includes(slices.kind[row]! as SliceKind) &&
    (slices.flags[row]! & flags) === flags &&
    (objects.length === 0 || objects.includes(slices.object[row]!)) &&
    (threads.length === 0 || threads.includes(thread.index)) &&
    (!unfinished || Number.isNaN(slices.end[row]!) || (slices.flags[row]! & SliceFlag.CutShort) !== 0)
  );
}

/** Rows that are looked at at a time. */
const STEP = 4000;

class Collector {
  readonly #costs = new Map<number, number>();
  #startNs = Number.POSITIVE_INFINITY;
  #endNs = Number.NEGATIVE_INFINITY;
  #count = 0;
  #longestNs = -1;
  #longest: Evidence["longest"] = null;

  constructor(readonly spec: EvidenceSpec) {}

  add(type: "slice" | "state", thread: number, row: number, from: number, to: number): void {
    const start = Math.max(from, this.spec.fromNs);
    const end = Math.min(to, this.spec.toNs);
    if (end < start) return;
    this.#count++;
    this.#costs.set(thread, (this.#costs.get(thread) ?? 0) + end - start);
    if (start < this.#startNs) this.#startNs = start;
    if (end > this.#endNs) this.#endNs = end;
    if (end - start > this.#longestNs) {
      this.#longestNs = end - start;
      this.#longest = { type, thread, row };
    }
  }

  /** Null if there is nothing to be seen. */
  found(model: TraceModel): Evidence | null {
    const { spec } = this;
    const costly = [...this.#costs].sort((x, y) => y[1] - x[1]).map(([thread]) => thread);
    const threads = this.#count > 0 ? costly : spec.threads;
    let [startNs, endNs] = [this.#startNs, this.#endNs];
    if (Number.isFinite(spec.fromNs) && Number.isFinite(spec.toNs)) [startNs, endNs] = [spec.fromNs, spec.toNs];
    else if (this.#count === 0) {
      const known = threads.flatMap((index) => model.threads[index] ?? []);
      startNs = Math.min(...known.map((thread) => thread.startNs));
      endNs = Math.max(...known.map((thread) => endOf(thread.endNs, model.endNs)));
    }
    if (!(startNs <= endNs)) return null;
    return { spec, threads, startNs, endNs, count: this.#count, longest: this.#longest };
  }
}

/** Looks for the evidence of all findings at once; in steps, between which the model may grow. */
export function* evidenceInSteps(
  model: TraceModel,
  specs: readonly EvidenceSpec[],
): Generator<void, (Evidence | null)[]> {
  const collectors = specs.map((spec) => {
    if (spec.coresBelow <= 0) return new Collector(spec);
    const [fromNs, toNs] = lowStretch(model, spec.coresBelow);
    return new Collector({ ...spec, fromNs, toNs });
  });
  const bySlice = collectors.filter(({ spec }) => spec.kinds.length > 0);
  const byState = collectors.filter(({ spec }) => spec.states.length > 0);
  for (const thread of [...model.threads]) {
    if (thread.number === 0) continue;
    const isOf = ({ spec }: Collector): boolean => spec.threads.length === 0 || spec.threads.includes(thread.index);
    const { slices, states } = thread;
    const wantedSlices = bySlice.filter(isOf);
    const wantedKinds = new Set(wantedSlices.flatMap(({ spec }) => spec.kinds as number[]));
    const sliceCount = wantedSlices.length > 0 ? slices.count : 0;
    for (let row = 0; row < sliceCount; row++) {
      if (row % STEP === STEP - 1) yield;
      if (!wantedKinds.has(slices.kind[row]!)) continue;
      for (const collector of wantedSlices) {
        if (isEvidence(collector.spec, thread, row))
          collector.add("slice", thread.index, row, slices.start[row]!, endOf(slices.end[row]!, model.endNs));
      }
    }
    const wantedStates = byState.filter(isOf);
    const stateCount = wantedStates.length > 0 ? states.count : 0;
    for (let row = 0; row < stateCount; row++) {
      if (row % STEP === STEP - 1) yield;
      const state = states.state[row]! as ThreadState;
      for (const collector of wantedStates) {
        if (collector.spec.states.includes(state))
          collector.add("state", thread.index, row, states.start[row]!, endOf(states.end[row]!, model.endNs));
      }
    }
    yield;
  }
  return collectors.map((collector) => collector.found(model));
}

/** Parts of the trace of which each has one mean number of cores in use. */
const PARTS = 240;

/**
 * The stretch of time that lost most by using less than so many cores. Single switches do not end it: what is gained
 * and lost is added up over the parts, and the stretch with the largest sum is taken (Kadane).
 */
export function lowStretch({ coresInUse, endNs }: TraceModel, below: number): [fromNs: number, toNs: number] {
  const { count, time, value } = coresInUse;
  const part = endNs / PARTS;
  const used = new Float64Array(PARTS);
  for (let i = 0; i < count; i++) {
    const to = i + 1 < count ? time[i + 1]! : endNs;
    let at = time[i]!;
    for (let p = Math.floor(at / part); p < PARTS && at < to; p++) {
      const until = Math.min(to, (p + 1) * part);
      if (until > at) used[p]! += (value[i]! * (until - at)) / part;
      at = until;
    }
  }
  let [best, bestFrom, bestTo, sum, from] = [Number.NEGATIVE_INFINITY, 0, PARTS, 0, 0];
  for (let p = 0; p < PARTS; p++) {
    if (sum <= 0) {
      sum = 0;
      from = p;
    }
    sum += below - used[p]!;
    if (sum > best) [best, bestFrom, bestTo] = [sum, from, p + 1];
  }
  return [bestFrom * part, Math.min(endNs, bestTo * part)];
}

/** The same for the report. */
export function placeOf(model: TraceModel, evidence: Evidence | null): FindingPlace | null {
  if (evidence === null) return null;
  const { threads, startNs, endNs, count, longest } = evidence;
  const ns = (time: number): number => Math.max(0, Math.round(time));
  const track = longest === null ? undefined : model.threads[longest.thread];
  const rows = longest?.type === "slice" ? track?.slices : track?.states;
  return {
    threads: threads.map((index) => `thread-${index + 1}`),
    startNs: ns(startNs),
    endNs: ns(endNs),
    count,
    longest:
      longest === null || track === undefined || rows === undefined
        ? null
        : {
            thread: `thread-${track.index + 1}`,
            startNs: ns(rows.start[longest.row]!),
            endNs: ns(endOf(rows.end[longest.row]!, model.endNs)),
            site: longest.type === "slice" ? withoutColumn(model.strings[track.slices.site[longest.row]!] ?? "") : "",
          },
  };
}
