/**
 * One lock, queue or pool of the model while it grows.
 *
 * Two threads read their clocks on their own, so what happened first can carry the later time: a waiter may seem to
 * have the lock before its holder gave it back, an item may seem to be taken before it was put. The lanes here put
 * that right where they see it, so that a lock never has two holders and no item gets lost.
 */
import { ObjectKind } from "../trace/events.js";
import { ByNumber, type GrowingFlows, GrowingHolds, GrowingSteps } from "./columns.js";
import { FoundHolds } from "./found-holds.js";
import { FlowKind, type MessageColumns, type ObjectTally, type ObjectTrack, SliceKind } from "./model.js";
import { isSignalKind, Signals } from "./signals.js";
import { shortSite } from "./strings.js";
import { Traffic } from "./traffic.js";

const KIND_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(ObjectKind).map(([name, kind]) => [kind as number, name]),
);

/** "Lock", "Queue", … */
export function kindName(kind: number): string {
  return KIND_NAMES.get(kind) ?? "Object";
}
export const isLockKind = (kind: number) => kind >= 1 && kind < 16;
export const isQueueKind = (kind: number) => kind >= 16 && kind < 32;
export const isPoolKind = (kind: number) => kind >= 32 && kind < 48;
/** Pipes and sockets. */
export const isConnectionKind = (kind: number) => kind >= 48 && kind < 64;
export const isKnownKind = (kind: number) => kind >= 1 && kind < 64;

/** Times that came by different ways can differ by their rounding. */
const TOLERANCE_NS = 1000;

export class ObjectLane implements ObjectTrack {
  name: string;
  site = "";
  capacity = 0;
  abandonedBy = -1;
  scope: ObjectTrack["scope"] = "thread";
  /** Indexes of the processes that have a number for it and have not ended. */
  readonly users = new Set<number>();
  readonly processes: number[] = [];
  /** False until its creation was seen. */
  created = false;
  readonly holds: GrowingHolds | null;
  readonly waiters: GrowingSteps | null;
  readonly depth: GrowingSteps | null;
  readonly queued: GrowingSteps | null;
  readonly busy: GrowingSteps | null;
  /** Conditions, events and barriers. */
  readonly signals: Signals | null;
  /** Connections. */
  readonly traffic: Traffic | null;
  readonly tally: ObjectTally = {
    acquisitions: 0,
    contended: 0,
    timeouts: 0,
    failedTries: 0,
    puts: 0,
    gets: 0,
    done: 0,
    unfinished: 0,
    tasks: 0,
    failed: 0,
    cancelled: 0,
    messages: 0,
    bytes: 0,
    received: 0,
  };

  constructor(
    readonly index: number,
    readonly kind: ObjectKind,
    public process: number,
    readonly number: number,
  ) {
    this.name = `${kindName(kind)} ${number}`;
    this.holds = isLockKind(kind) ? new GrowingHolds() : null;
    this.waiters = isLockKind(kind) ? new GrowingSteps() : null;
    this.depth = isQueueKind(kind) ? new GrowingSteps() : null;
    this.queued = isPoolKind(kind) ? new GrowingSteps() : null;
    this.busy = isPoolKind(kind) ? new GrowingSteps() : null;
    this.signals = isSignalKind(kind) ? new Signals(this) : null;
    this.traffic = isConnectionKind(kind) ? new Traffic(index, this.tally) : null;
  }

  get messages(): MessageColumns | null {
    return this.traffic === null ? null : this.traffic.columns;
  }

  create(name: string, site: string, capacity: number): void {
    this.created = true;
    this.site = site;
    this.capacity = capacity;
    if (name !== "") this.name = name;
    else if (site !== "") this.name = `${kindName(this.kind)} ${shortSite(site)}`;
  }

  // ---- locks

  /** Open holds: rows of `holds`. */
  readonly #held: number[] = [];
  #waiting = 0;
  #releasedBy = -1;
  #releasedAt = Number.NEGATIVE_INFINITY;
  /** Threads whose hold was ended by the next holder's acquisition, and when that was: their release is still to come. */
  readonly #overtaken = new Map<number, { toThread: number; at: number; waited: boolean }>();

  /** Rows of `holds` that are open. */
  get openHolds(): readonly number[] {
    return this.#held;
  }

  lockWait(t: number): void {
    this.tally.contended++;
    this.waiters?.push(t, ++this.#waiting);
  }

  lockWaitEnd(t: number): void {
    if (this.#waiting > 0) this.waiters?.push(t, --this.#waiting);
  }

  /** `waitStart` is NaN if it never waited. */
  acquire(t: number, thread: number, site: number, waitStart: number, flows: GrowingFlows): void {
    this.tally.acquisitions++;
    const { holds } = this;
    if (holds === null) return;
    const start = holds.count > 0 ? Math.max(t, holds.start[holds.count - 1]!) : t;
    let overtaken = false;
    if (this.kind === ObjectKind.Lock || this.kind === ObjectKind.RLock) {
      for (let i = this.#held.length - 1; i >= 0; i--) {
        const row = this.#held[i]!;
        const holder = holds.thread[row]!;
        // What was found of this thread itself is over, though it has not yet said so.
        if (holder === thread && !this.#found.has(thread, row)) continue;
        holds.end[row] = start;
        this.#lastEnd = start;
        this.#held.splice(i, 1);
        if (holder === thread) continue;
        this.#overtaken.set(holder, { toThread: thread, at: start, waited: !Number.isNaN(waitStart) });
        overtaken = true;
      }
    }
    if (!overtaken && this.#releasedAt >= waitStart) {
      flows.push(FlowKind.Wake, this.#releasedBy, this.#releasedAt, thread, start, this.index);
    }
    this.#held.push(holds.push(start, thread, site, 1, false));
  }

  /** The open hold of a thread: its place in `#held`, or -1. */
  #heldBy(thread: number): number {
    const { holds } = this;
    for (let i = this.#held.length - 1; i >= 0; i--) if (holds!.thread[this.#held[i]!] === thread) return i;
    return -1;
  }

  /**
   * A hold that began without a word, and is told now since somebody waits for its end, or its thread ends. `memory`: how
   * many of the last holds to look through for its end.
   */
  found(start: number, thread: number, site: number, inexact: boolean, memory = 16): void {
    const { holds } = this;
    if (holds === null || this.#heldBy(thread) >= 0 || this.#alreadyOver(start, thread, memory)) return;
    this.tally.acquisitions++;
    const row = holds.push(this.#noEarlier(start), thread, site, 1, inexact);
    this.#held.push(row);
    this.#found.add(thread, row);
  }

  /**
   * A hold that began without a word and is over; perhaps one that was found meanwhile. `by` gave it back, which is what
   * wakes the next holder.
   */
  held(
    start: number,
    end: number,
    thread: number,
    site: number,
    inexact: boolean,
    by: number,
    flows: GrowingFlows,
  ): void {
    const { holds } = this;
    if (holds === null) return;
    let row = this.#found.take(thread);
    if (row >= 0) {
      const open = this.#held.indexOf(row);
      if (open < 0) {
        holds.end[row] = Math.max(Math.min(end, holds.end[row]!), holds.start[row]!);
        this.#wasOvertaken(thread, flows);
        return;
      }
      this.#held.splice(open, 1);
    } else {
      this.tally.acquisitions++;
      // Where clocks cross, the next holder may have it already. Nothing is left then of this one's time.
      const next = this.#held.length > 0 ? holds.start[this.#held[0]!]! : Number.POSITIVE_INFINITY;
      row = holds.push(this.#noEarlier(start), thread, site, 1, inexact || next < end);
      end = Math.min(end, next);
    }
    this.#releasedBy = by;
    this.#releasedAt = end;
    holds.end[row] = Math.max(end, holds.start[row]!);
    this.#lastEnd = Math.max(this.#lastEnd, end);
  }

  /** Many holds, too brief to be told one by one. */
  heldBriefly(start: number, end: number, thread: number, site: number, times: number): void {
    const { holds } = this;
    if (holds === null) return;
    const among = this.#found.confirmAll(thread, (row) => holds.start[row]! <= end + TOLERANCE_NS);
    this.tally.acquisitions += times - among.length;
    for (const row of among) this.#close(row, end);
    this.#brieflyUntil.set(thread, end);
    const row = holds.push(this.#noEarlier(start), thread, site, times, true);
    holds.end[row] = Math.max(end, holds.start[row]!);
    this.#lastEnd = Math.max(this.#lastEnd, end);
  }

  /** Ends a hold of which nobody tells when exactly it ended. */
  #close(row: number, end: number): void {
    const at = this.#held.indexOf(row);
    if (at < 0) return;
    const { holds } = this;
    this.#held.splice(at, 1);
    holds!.end[row] = Math.max(end, holds!.start[row]!);
  }

  readonly #found = new FoundHolds();
  /** When each thread last began a hold that was told among others. */
  readonly #brieflyUntil = new Map<number, number>();
  #lastEnd = 0;

  /** Only one can have it at a time, and rows are sorted: a start that was estimated may lie too early. */
  #noEarlier(start: number): number {
    const { holds } = this;
    return holds!.count === 0 ? start : Math.max(start, this.#lastEnd, holds!.start[holds!.count - 1]!);
  }

  /** Whether the hold that a thread began then has come to its end before it was found. */
  #alreadyOver(start: number, thread: number, memory: number): boolean {
    if ((this.#brieflyUntil.get(thread) ?? Number.NEGATIVE_INFINITY) >= start - TOLERANCE_NS) return true;
    const holds = this.holds!;
    for (let row = holds.count - 1; row >= 0 && row >= holds.count - memory; row--) {
      if (holds.thread[row] === thread) return holds.end[row]! > start + TOLERANCE_NS;
    }
    return false;
  }

  /** `count`: how many permits. */
  release(t: number, thread: number, flows: GrowingFlows, count = 1): void {
    for (let i = 0; i < count && (i === 0 || this.#held.length > 0); i++) this.#releaseOne(t, thread, flows);
  }

  /** Whether the next holder's acquisition has already ended the hold that a thread says now to have ended. */
  #wasOvertaken(thread: number, flows: GrowingFlows): boolean {
    const overtaken = this.#overtaken.get(thread);
    if (overtaken === undefined) return false;
    this.#overtaken.delete(thread);
    if (overtaken.waited) flows.push(FlowKind.Wake, thread, overtaken.at, overtaken.toThread, overtaken.at, this.index);
    return true;
  }

  #releaseOne(t: number, thread: number, flows: GrowingFlows): void {
    const { holds } = this;
    if (holds === null) return;
    let at = this.#heldBy(thread);
    if (at < 0) {
      if (this.#wasOvertaken(thread, flows)) return;
      // Given back for somebody else, as a Lock and a Semaphore allow.
      at = 0;
    }
    this.#releasedBy = thread;
    this.#releasedAt = t;
    const row = this.#held[at];
    if (row === undefined) return;
    this.#held.splice(at, 1);
    holds.end[row] = Math.max(t, holds.start[row]!);
    if (this.kind === ObjectKind.Lock || this.kind === ObjectKind.RLock) this.#lastEnd = holds.end[row]!;
  }

  /** A wait for it is over because its thread is. */
  waitCut(t: number, kind: number, start: number): void {
    if (kind === SliceKind.LockWait) this.lockWaitEnd(t);
    else if (kind === SliceKind.OtherWait) this.signals?.waitCut(t, start);
  }

  /** The threads that it is true of have ended, and nothing else can end their holds. */
  finishHolds(t: number, ended: (thread: number) => boolean): void {
    const { holds } = this;
    if (holds === null || this.signals !== null) return;
    for (let i = this.#held.length - 1; i >= 0; i--) {
      const row = this.#held[i]!;
      if (!ended(holds.thread[row]!)) continue;
      this.#found.keep(holds.thread[row]!, row);
      holds.end[row] = Math.max(t, holds.start[row]!);
      holds.cut[row] = 1;
      this.#held.splice(i, 1);
    }
  }

  /** All of its processes are over. */
  finish(t: number): void {
    this.finishHolds(t, () => true);
    this.tally.acquisitions -= this.#found.finish();
    this.signals?.finish(t);
    this.traffic?.finish(t);
    this.#waiting = 0;
    this.waiters?.push(t, 0);
    this.#running.clear();
    this.#queued = 0;
    this.queued?.push(t, 0);
    this.busy?.push(t, 0);
  }

  // ---- queues

  readonly #putAt = new ByNumber();
  /** Items taken before their put was seen. */
  readonly #gotAt = new Map<number, [time: number, thread: number]>();

  put(t: number, thread: number, item: number, depth: number, flows: GrowingFlows): void {
    this.tally.puts++;
    this.depth?.push(t, depth);
    if (item > this.#lastPut) this.#lastPut = item;
    this.#countUnfinished();
    const early = this.#gotAt.get(item);
    if (early !== undefined) {
      this.#gotAt.delete(item);
      flows.push(FlowKind.Item, thread, Math.min(t, early[0]), early[1], early[0], this.index);
    } else this.#putAt.set(item, t, thread);
  }

  get(t: number, thread: number, item: number, depth: number, flows: GrowingFlows): void {
    this.tally.gets++;
    this.#gotBy = thread;
    this.#lastGotAt = t;
    this.depth?.push(t, depth);
    const putAt = this.#putAt.time(item);
    if (Number.isNaN(putAt)) this.#gotAt.set(item, [t, thread]);
    else flows.push(FlowKind.Item, this.#putAt.thread(item), putAt, thread, t, this.index);
  }

  /** A producer's wait for a free place is over: who made the place. */
  placeFound(t: number, thread: number, waitStart: number, flows: GrowingFlows): void {
    if (this.#lastGotAt >= waitStart) flows.push(FlowKind.Wake, this.#gotBy, this.#lastGotAt, thread, t, this.index);
  }
  #gotBy = -1;
  #lastGotAt = Number.NEGATIVE_INFINITY;

  /** The number of the last item put: numbers count up, so also how many there were. */
  #lastPut = 0;
  /** Somebody reports items done, or waits for that. */
  #tracked = false;
  /** Which report left nothing unfinished last: what ends a join. */
  #allDone = { by: -1, at: Number.NEGATIVE_INFINITY, site: 0 };

  /** `count` items have been reported done in all, which leaves `left`. */
  done(t: number, thread: number, count: number, left: number, site: number): void {
    const { tally } = this;
    this.#tracked = true;
    // Reports that come at one time can be told in another order.
    if (count > tally.done) tally.done = count;
    if (tally.done + left > this.#lastPut && count === tally.done) this.#lastPut = count + left;
    this.#countUnfinished();
    if (left === 0) this.#allDone = { by: thread, at: t, site };
  }

  joinBegan(): void {
    this.#tracked = true;
    this.#countUnfinished();
  }

  joinEnded(t: number, thread: number, start: number, flows: GrowingFlows): void {
    const { by, at, site } = this.#allDone;
    if (at >= start) flows.push(FlowKind.Wake, by, at, thread, t, this.index, 0, site);
  }

  #countUnfinished(): void {
    if (this.#tracked) this.tally.unfinished = Math.max(0, this.#lastPut - this.tally.done);
  }

  // ---- pools

  readonly #submittedAt = new ByNumber();
  readonly #startedAt = new ByNumber();
  /** Of the tasks that wait: where each was handed in, a string. */
  readonly #submittedFrom = new Map<number, number>();
  #queued = 0;
  /** Tasks that run, and their threads. */
  readonly #running = new Map<number, number>();
  /** Those whose thread ended before it had told their end, which the owner of the pool may still tell. */
  readonly #cutShort = new Set<number>();
  /** The last task that ended here. */
  endedBy = -1;
  endedAt = Number.NEGATIVE_INFINITY;

  submit(t: number, thread: number, task: number, site: number, flows: GrowingFlows): void {
    this.tally.tasks++;
    const startedAt = this.#startedAt.time(task);
    if (Number.isNaN(startedAt)) {
      this.#submittedAt.set(task, t, thread);
      this.queued?.push(t, ++this.#queued);
      if (site !== 0) this.#submittedFrom.set(task, site);
    } else flows.push(FlowKind.Task, thread, startedAt, this.#startedAt.thread(task), startedAt, this.index);
  }

  /** Gives where the task was handed in: a string, 0 if that is not known. */
  start(t: number, thread: number, task: number, flows: GrowingFlows): number {
    const site = this.#submittedFrom.get(task) ?? 0;
    this.#submittedFrom.delete(task);
    const submittedAt = this.#submittedAt.time(task);
    if (!Number.isNaN(submittedAt)) {
      this.queued?.push(t, this.#queued > 0 ? --this.#queued : 0);
      flows.push(FlowKind.Task, this.#submittedAt.thread(task), submittedAt, thread, t, this.index, 0, site);
    } else this.#startedAt.set(task, t, thread);
    this.#submittedAt.delete(task);
    this.#running.set(task, thread);
    this.busy?.push(t, this.#running.size);
    return site;
  }

  /** The end of a task, from the worker or, where that could not tell it, from the owner of the pool. */
  end(t: number, thread: number, task: number, failed: boolean): void {
    if (this.#running.delete(task)) this.busy?.push(t, this.#running.size);
    else if (this.#cutShort.delete(task)) {
      // It does not run any more.
    } else if (Number.isNaN(this.#submittedAt.time(task))) return;
    // It died with the worker that it was on its way to, or with all of them.
    else this.#leaveQueue(t, task);
    if (failed) this.tally.failed++;
    this.endedBy = thread;
    this.endedAt = t;
  }

  /** The threads that it is true of have ended, and run none of its tasks any more. */
  finishTasks(t: number, ended: (thread: number) => boolean): void {
    const before = this.#running.size;
    for (const [task, thread] of this.#running) {
      if (!ended(thread)) continue;
      this.#running.delete(task);
      this.#cutShort.add(task);
    }
    if (this.#running.size < before) this.busy?.push(t, this.#running.size);
  }

  cancel(t: number, task: number): void {
    this.tally.cancelled++;
    this.#leaveQueue(t, task);
  }

  #leaveQueue(t: number, task: number): void {
    this.#submittedAt.delete(task);
    this.#submittedFrom.delete(task);
    this.queued?.push(t, this.#queued > 0 ? --this.#queued : 0);
  }

  /** A task that waits has another number from now on. */
  renumber(from: number, to: number): void {
    const time = this.#submittedAt.time(from);
    if (Number.isNaN(time)) return;
    this.#submittedAt.set(to, time, this.#submittedAt.thread(from));
    this.#submittedAt.delete(from);
    const site = this.#submittedFrom.get(from);
    if (site !== undefined) this.#submittedFrom.set(to, site);
    this.#submittedFrom.delete(from);
  }
}
