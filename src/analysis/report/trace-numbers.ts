/** One pass over all slices and flows: what each object cost, and where. */
import { WaitReason } from "../../trace/events.js";
import { FlowKind, SliceKind, ThreadState, type ThreadTrack, type TraceModel } from "../model.js";
import { isSignalKind, signalKindOf } from "../signals.js";
import { withoutColumn } from "../strings.js";
import { SliceFlag } from "../thread-lane.js";
import { timeInState } from "../time-in-state.js";
import { Durations } from "./durations.js";
import type { DurationSummary } from "./report-types.js";

/** What is known of one lock, queue or pool. */
export class ObjectNumbers {
  /** Locks: waits. Queues and connections: waits of who takes. Pools: from submit to start. */
  readonly wait = new Durations();
  /** Queues and connections: waits of who puts. */
  readonly putWait = new Durations();
  /** Queues: waits until all items are done. */
  readonly joinWait = new Durations();
  /** Locks: holds. Queues: from put to get. Connections: from send to receive. Pools: tasks. */
  readonly use = new Durations();
  /** Locks: holds that were counted and not timed, and the time in which they lie. */
  untimedHolds = 0;
  untimedNs = 0;
  /** Nanoseconds waited by where, as "file:line"; of queues, by consumers and by producers; of pools, run by where handed in. */
  readonly sites = new Map<string, number>();
  readonly putSites = new Map<string, number>();
  /** Of all waits for it, those that blocked a thread; and of these, those of who puts. */
  blockedNs = 0;
  putBlockedNs = 0;
  /** Threads that waited, by index; of queues, consumers and producers. */
  readonly waiters = new Set<number>();
  readonly putWaiters = new Set<number>();
  /** Pools: how many tasks each thread handed in, by index. */
  readonly submitters = new Map<number, number>();
  firstTaskNs = Number.POSITIVE_INFINITY;
  lastTaskNs = 0;

  /** Of holds: what was timed, and in the total and mean what that tells of those that were not. */
  holdSummary(): DurationSummary {
    const timed = this.use.summary();
    if (this.untimedHolds === 0) return timed;
    const estimate = this.use.count === 0 ? this.untimedNs : Math.min(this.untimedHolds * timed.p50Ns, this.untimedNs);
    const totalNs = Math.round(timed.totalNs + estimate);
    return { ...timed, totalNs, meanNs: Math.round(totalNs / (this.use.count + this.untimedHolds)) };
  }
}

/** Where most was waited. */
export function topSites(sites: ReadonlyMap<string, number>, count: number): string[] {
  return [...sites]
    .sort((x, y) => y[1] - x[1])
    .slice(0, count)
    .map(([site]) => site);
}

/** The same over all waits for an object. */
export function sitesOf(object: ObjectNumbers, count: number): string[] {
  return topSites(new Map([...object.putSites, ...object.sites]), count);
}

export interface PauseNumbers {
  /**
   * Only while the thread was on a core: a collection also waits for V8's helper threads, which on a busy machine have no
   * core for longer than all of the collecting takes.
   */
  readonly gc: Durations;
  readonly loopDelay: Durations;
}

export interface TraceNumbers {
  /** By object index. */
  readonly objects: readonly ObjectNumbers[];
  /** By thread index. */
  readonly pauses: readonly PauseNumbers[];
}

/** Rows that are counted at a time. */
const STEP = 2000;

/**
 * Counts in short steps, for who has other things to do between them. The model may grow meanwhile: what came after it
 * was passed by is not counted.
 */
export function* countInSteps(model: TraceModel): Generator<void, TraceNumbers> {
  const numbers: MutableNumbers = { objects: [], pauses: [] };
  completeNumbers(model, numbers);
  const siteOf = siteReader(model);
  for (const thread of model.threads) {
    const { count } = thread.slices;
    for (let row = 0; row < count; row += STEP) {
      completeNumbers(model, numbers);
      countSlices(model, thread, row, Math.min(count, row + STEP), numbers, siteOf);
      yield;
    }
  }
  for (const object of model.objects) {
    const { holds } = object;
    // That a flag is up is no holding.
    if (holds === null || isSignalKind(object.kind)) continue;
    completeNumbers(model, numbers);
    const own = numbers.objects[object.index]!;
    const { count } = holds;
    for (let i = 0; i < count; i++) {
      if (i % STEP === STEP - 1) yield;
      const length = endOf(holds.end[i]!, model.endNs) - holds.start[i]!;
      if (holds.inexact[i] === 0) own.use.add(length);
      else {
        own.untimedHolds += holds.times[i]!;
        own.untimedNs += length;
      }
    }
    yield;
  }
  const { flows } = model;
  const { count } = flows;
  for (let i = 0; i < count; i++) {
    if (i % STEP === 0) {
      yield;
      completeNumbers(model, numbers);
    }
    const index = flows.object[i]!;
    if (index < 0) continue;
    const kind = flows.kind[i];
    const length = flows.toTime[i]! - flows.fromTime[i]!;
    if (kind === FlowKind.Item || kind === FlowKind.Message) numbers.objects[index]!.use.add(length);
    else if (kind === FlowKind.Task) {
      const { wait, submitters } = numbers.objects[index]!;
      wait.add(length);
      const from = flows.fromThread[i]!;
      submitters.set(from, (submitters.get(from) ?? 0) + 1);
    }
  }
  completeNumbers(model, numbers);
  return numbers;
}

interface MutableNumbers {
  readonly objects: ObjectNumbers[];
  readonly pauses: PauseNumbers[];
}

/** Makes room for objects and threads that have come since. */
export function completeNumbers({ objects, threads }: TraceModel, numbers: TraceNumbers): void {
  const { objects: ofObjects, pauses } = numbers as MutableNumbers;
  while (ofObjects.length < objects.length) ofObjects.push(new ObjectNumbers());
  while (pauses.length < threads.length) pauses.push({ gc: new Durations(), loopDelay: new Durations() });
}

/** Runs steps to their end. */
export function allSteps<T>(steps: Generator<void, T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** Sites without their column, each made once. */
function siteReader(model: TraceModel): (index: number) => string {
  const known: string[] = [];
  return (index) => {
    known[index] ??= withoutColumn(model.strings[index] ?? "");
    return known[index];
  };
}

export function endOf(end: number, endNs: number): number {
  return Number.isNaN(end) ? endNs : end;
}

function countSlices(
  model: TraceModel,
  thread: ThreadTrack,
  from: number,
  to: number,
  { objects, pauses: allPauses }: TraceNumbers,
  siteOf: (index: number) => string,
): void {
  const { slices } = thread;
  const pauses = allPauses[thread.index]!;
  for (let i = from; i < to; i++) {
    const kind = slices.kind[i]!;
    const start = slices.start[i]!;
    const length = endOf(slices.end[i]!, model.endNs) - start;
    if (kind === SliceKind.Gc) pauses.gc.add(timeInState(thread.states, start, start + length, ThreadState.Running));
    else if (kind === SliceKind.LoopDelay) pauses.loopDelay.add(length);
    const index = slices.object[i]!;
    if (index < 0) continue;
    const numbers = objects[index]!;
    if (kind === SliceKind.Task) {
      numbers.use.add(length);
      if (start < numbers.firstTaskNs) numbers.firstTaskNs = start;
      if (start + length > numbers.lastTaskNs) numbers.lastTaskNs = start + length;
      addSite(numbers.sites, siteOf(slices.site[i]!), length);
      continue;
    }
    const reason = kind === SliceKind.OtherWait ? slices.value[i]! : 0;
    const put = kind === SliceKind.QueuePutWait || reason === WaitReason.Send;
    if (put) numbers.putWait.add(length);
    else if (
      kind === SliceKind.LockWait ||
      kind === SliceKind.QueueGetWait ||
      reason === WaitReason.Receive ||
      signalKindOf(reason) !== 0
    )
      numbers.wait.add(length);
    else {
      if (reason === WaitReason.QueueJoin) numbers.joinWait.add(length);
      continue;
    }
    if ((slices.flags[i]! & SliceFlag.Async) === 0) {
      numbers.blockedNs += length;
      if (put) numbers.putBlockedNs += length;
    }
    (put ? numbers.putWaiters : numbers.waiters).add(thread.index);
    addSite(put ? numbers.putSites : numbers.sites, siteOf(slices.site[i]!), length);
  }
}

function addSite(sites: Map<string, number>, site: string, ns: number): void {
  if (site !== "") sites.set(site, (sites.get(site) ?? 0) + ns);
}
