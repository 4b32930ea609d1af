/**
 * One thread of the model while it grows: its slices with their depths, its open waits, and its state.
 *
 * Depth: a new slice takes the lowest row where nothing is open. What nests (calls, spans, blocking waits) thereby
 * stands on what it is in, and what overlaps (promises' waits, spans that cross an `await`) gets rows of its own.
 * A collection or a loop delay is only known afterwards; it takes the lowest row that was free all of its time.
 *
 * State: from the scheduler where it is seen (running on a core, preempted, or off), else from the open waits alone.
 * Why a thread is off its core: if it is in a wait of ours, that tells. Else what the system said when it was asked,
 * which it is once a thread was off for some milliseconds; the state then counts from when the thread left its core.
 * For shorter times the last answer holds that is not too old; without one, a guess by what is open.
 */
import { WaitReason } from "../trace/events.js";
import { OffReason } from "../trace/frames.js";
import { GrowingMarks, GrowingSlices, GrowingStates } from "./columns.js";
import { SliceKind, ThreadState, type ThreadTrack } from "./model.js";
import { SampledStates } from "./sampled-states.js";

const BUSY = Number.POSITIVE_INFINITY;
const MOST_DEPTHS = 65_535;

export const SliceFlag = { Async: 1, Failed: 2, CutShort: 4 } as const;

/** A thread's loop turns at least so often, if it can. */
const LOOP_PERIOD_NS = 20e6;
/** How long the system's last answer holds for times that were too short to ask again. */
const ANSWER_HOLDS_NS = 100e6;

/** Where the thread is, as far as the scheduler is seen. */
const Place = { Unknown: 0, OnCore: 1, Preempted: 2, Off: 3 } as const;

export class ThreadLane implements ThreadTrack {
  tid = 0;
  name: string;
  isMain = false;
  site = "";
  startNs = Number.NaN;
  endNs = Number.NaN;
  cpuNs = Number.NaN;
  pool = -1;
  readonly states = new GrowingStates();
  readonly slices = new GrowingSlices();
  readonly marks = new GrowingMarks();
  readonly joins = new Map<number, number>();
  readonly processJoins = new Map<number, number>();

  /** Open waits by their number: row of `slices`. */
  readonly waits = new Map<number, number>();
  /** Open spans by their number: row of `slices`. */
  readonly spans = new Map<number, number>();
  /** Open tasks by pool and number: row of `slices`. */
  readonly tasks = new Map<number, number>();
  /** Open requests to managers, and those that are served, by the client (0: this one's own) and number: row of `slices`. */
  readonly #requests = new Map<number, Map<number, number>>();
  /** The last mark, which a detail may follow. */
  lastMark = -1;

  /** Per depth: until when it is taken (BUSY: something is open). */
  #taken: number[] = [];
  /** No depth below it is free of an open slice. */
  #lowestFree = 0;
  #open = 0;

  readonly #idleRows = new Set<number>();

  #place: number = Place.Unknown;
  #core = -1;
  /** Blocking waits now open, those among them of a worker without a task, and promises' waits. */
  #blocking = 0;
  #idling = 0;
  #awaiting = 0;
  /** Among the waits, those for a time to pass: blocking, and promises'. */
  #sleeping = 0;
  #awaitingTime = 0;
  /** Why it is off its core (an OffReason, 0: not asked yet), and what was answered last. */
  #reason = 0;
  #lastReason = 0;
  #lastReasonAt = Number.NEGATIVE_INFINITY;
  #offSince = Number.NEGATIVE_INFINITY;
  #begun = false;
  #stateRow = -1;
  #sampled: SampledStates | null = null;

  constructor(
    readonly index: number,
    readonly process: number,
    public number: number,
  ) {
    this.name = number === 0 ? "" : `thread ${number}`;
  }

  // ---- slices

  /** Opens a slice and gives its row. */
  open(t: number, kind: number, name: number, object: number, site: number, flags: number, value: number): number {
    let depth = this.#lowestFree;
    while (depth < this.#taken.length && this.#taken[depth] === BUSY) depth++;
    if (depth > MOST_DEPTHS) depth = MOST_DEPTHS;
    // A late pause may have taken the row's past up to after t.
    const start = depth < this.#taken.length && this.#taken[depth] !== BUSY ? Math.max(t, this.#taken[depth]!) : t;
    this.#taken[depth] = BUSY;
    this.#lowestFree = depth + 1;
    this.#open++;
    return this.slices.push(start, Number.NaN, depth, kind, name, object, site, flags, value);
  }

  close(row: number, t: number, flags: number): void {
    const { slices } = this;
    const end = Math.max(t, slices.start[row]!);
    slices.end[row] = end;
    slices.flags[row]! |= flags;
    const depth = slices.depth[row]!;
    this.#taken[depth] = end;
    if (depth < this.#lowestFree) this.#lowestFree = depth;
    this.#open--;
  }

  /** A slice that is known only now that it is over. */
  past(start: number, end: number, kind: number, name: number, value: number): void {
    let depth = 0;
    while (depth < this.#taken.length && this.#taken[depth]! > start) depth++;
    if (depth > MOST_DEPTHS) return;
    this.#taken[depth] = end;
    this.slices.push(start, end, depth, kind, name, -1, 0, 0, value);
  }

  /**
   * How long blocking waits took between two times. Only for a time in which the thread's loop did not turn: then its
   * waits began within it, or just before.
   */
  blockedWithin(from: number, to: number): number {
    const { slices } = this;
    let sum = 0;
    let upTo = Number.POSITIVE_INFINITY;
    for (let row = slices.count - 1; row >= 0; row--) {
      const kind = slices.kind[row]!;
      const start = slices.start[row]!;
      if (kind < SliceKind.LockWait) continue;
      // Told afterwards: out of the order of time.
      if (kind > SliceKind.OtherWait) continue;
      if (start < from - LOOP_PERIOD_NS) break;
      if ((slices.flags[row]! & SliceFlag.Async) !== 0) continue;
      const end = Math.min(slices.end[row]!, to, upTo);
      const begin = Math.max(start, from);
      if (end > begin) sum += end - begin;
      // A wait within a wait counts once.
      if (begin < upTo) upTo = begin;
    }
    return sum;
  }

  // ---- requests

  /** A request to a manager begins, or its serving for a client. */
  beginRequest(
    client: number,
    number: number,
    t: number,
    kind: number,
    name: number,
    site: number,
    flags: number,
    value: number,
  ): void {
    this.endRequest(client, number, t, false);
    let ofClient = this.#requests.get(client);
    if (ofClient === undefined) {
      ofClient = new Map();
      this.#requests.set(client, ofClient);
    }
    ofClient.set(number, this.open(t, kind, name, -1, site, flags, value));
    this.stateMayChange(t);
  }

  endRequest(client: number, number: number, t: number, failed: boolean): void {
    const ofClient = this.#requests.get(client);
    const row = ofClient?.get(number);
    if (ofClient === undefined || row === undefined) return;
    ofClient.delete(number);
    this.close(row, t, failed ? SliceFlag.Failed : 0);
    this.stateMayChange(t);
  }

  // ---- waits

  beginWait(
    t: number,
    wait: number,
    kind: number,
    name: number,
    object: number,
    site: number,
    async: boolean,
    reason: number,
    idle: boolean,
  ): number {
    const before = this.waits.get(wait);
    if (before !== undefined) this.endWait(t, wait, SliceFlag.CutShort);
    const row = this.open(t, kind, name, object, site, async ? SliceFlag.Async : 0, reason);
    this.waits.set(wait, row);
    if (idle) this.#idleRows.add(row);
    this.#count(row, idle, 1);
    this.#refresh(t);
    return row;
  }
  /** Ends it and gives its row, or -1 if no such wait is open. */
  endWait(t: number, wait: number, flags: number): number {
    const row = this.waits.get(wait);
    if (row === undefined) return -1;
    this.waits.delete(wait);
    const idle = this.#idleRows.delete(row);
    this.#count(row, idle, -1);
    this.close(row, t, flags);
    this.#refresh(t);
    return row;
  }

  #count(row: number, idle: boolean, by: number): void {
    const { flags, kind, value } = this.slices;
    const sleeps = kind[row] === SliceKind.OtherWait && value[row] === WaitReason.Sleep;
    if ((flags[row]! & SliceFlag.Async) !== 0) {
      this.#awaiting += by;
      if (sleeps) this.#awaitingTime += by;
    } else {
      this.#blocking += by;
      if (idle) this.#idling += by;
      if (sleeps) this.#sleeping += by;
    }
  }

  // ---- state

  /** The thread came onto a core. */
  switchIn(t: number, core: number): void {
    this.#place = Place.OnCore;
    this.#core = core;
    this.#set(t, ThreadState.Running, core);
  }

  /** The system made the thread: it is ready, and comes onto a core when there is one. */
  born(t: number): void {
    if (this.states.count > 0 || this.#place !== Place.Unknown) return;
    this.#place = Place.Preempted;
    this.#core = -1;
    this.#refresh(t);
  }

  /** The thread left its core; preempted: it could have gone on. */
  switchOut(t: number, preempted: boolean): void {
    this.#place = preempted ? Place.Preempted : Place.Off;
    this.#offSince = t;
    this.#reason = 0;
    this.#refresh(t);
  }

  /** The system says why the thread is off its core. */
  offCore(t: number, reason: number): void {
    if (!Number.isNaN(this.endNs)) return;
    // A wait of ours tells more.
    if (this.#blocking > 0) return;
    this.#lastReason = reason;
    this.#lastReasonAt = t;
    if (this.#sampled !== null) {
      this.#offSince = t;
      this.#refresh(t);
    } else if (this.#place === Place.Off) {
      this.#reason = reason;
      const row = this.#stateRow;
      const now = row < 0 ? 0 : this.states.state[row]!;
      if (now >= ThreadState.Blocked) this.states.state[row] = this.#offState();
    }
  }

  /** From now on this thread's states come from samples of what the system counts. */
  useSamples(): void {
    this.#sampled ??= new SampledStates();
  }

  /** A sample: so long it was on a core and ready for one since its beginning, in nanoseconds. */
  sample(t: number, runNs: number, waitNs: number, core: number): number {
    if (this.#sampled === null || !Number.isNaN(this.endNs)) return 0;
    if (Number.isNaN(this.startNs)) this.startNs = Math.max(0, t - runNs);
    return this.#sampled.sample(this.startNs, t, runNs, waitNs, core, this.#setState);
  }

  get onCore(): boolean {
    return this.#place === Place.OnCore;
  }

  /** The thread begins; before its first state is known it is taken to run. */
  begin(t: number): void {
    if (Number.isNaN(this.startNs) || t < this.startNs) this.startNs = t;
    this.endNs = Number.NaN;
    this.#begun = true;
    this.#refresh(t);
  }

  /** The thread is over: nothing of it goes on. */
  finish(t: number): void {
    if (!Number.isNaN(this.endNs)) return;
    for (const wait of [...this.waits.keys()]) this.endWait(t, wait, SliceFlag.CutShort);
    for (const row of this.spans.values()) this.close(row, t, SliceFlag.CutShort);
    for (const row of this.tasks.values()) this.close(row, t, SliceFlag.CutShort);
    for (const rows of this.#requests.values()) for (const row of rows.values()) this.close(row, t, SliceFlag.CutShort);
    this.#requests.clear();
    this.spans.clear();
    this.tasks.clear();
    this.settle(t);
    if (this.#stateRow >= 0) this.states.end[this.#stateRow] = Math.max(t, this.states.start[this.#stateRow]!);
    this.#stateRow = -1;
    this.endNs = t;
  }

  /** A task or span began or ended: what the thread does when off its core may have another name now. */
  stateMayChange(t: number): void {
    if (this.#place === Place.Off || this.#sampled !== null) this.#refresh(t);
  }

  /** Nothing more is known of its states up to `t`. */
  settle(t: number): void {
    if (Number.isNaN(this.endNs)) this.#sampled?.settle(this.startNs, t, this.#setState);
  }

  /** The state the thread is in if it is not on a core. */
  #offState(): number {
    if (this.#blocking > 0) {
      return this.#idling > 0 ? ThreadState.Idle : this.#sleeping > 0 ? ThreadState.Sleeping : ThreadState.Blocked;
    }
    const idle = this.#awaiting > 0 && this.#awaiting === this.#awaitingTime ? ThreadState.Sleeping : ThreadState.Idle;
    const recent = this.#offSince - this.#lastReasonAt <= ANSWER_HOLDS_NS;
    switch (this.#reason !== 0 ? this.#reason : recent ? this.#lastReason : 0) {
      case OffReason.Loop:
        return idle;
      case OffReason.Lock:
        return ThreadState.Blocked;
      case OffReason.Sleep:
        return ThreadState.Sleeping;
      case OffReason.Io:
        return ThreadState.Io;
    }
    // Before its first line it is being started: no loop turns yet.
    if (!this.#begun) return ThreadState.Io;
    return this.#awaiting > 0 || this.#open === 0 ? idle : ThreadState.Io;
  }

  #refresh(t: number): void {
    if (!Number.isNaN(this.endNs)) return;
    if (this.#sampled !== null) {
      this.#sampled.change(t, this.#offState(), this.#blocking > 0);
      return;
    }
    if (this.#place === Place.OnCore) return;
    if (this.#place === Place.Preempted) this.#set(t, ThreadState.Runnable, this.#core);
    else if (this.#place === Place.Off || this.#blocking > 0) this.#set(t, this.#offState(), -1);
    else if (this.number > 0) this.#set(t, ThreadState.Running, -1);
  }

  readonly #setState = (t: number, state: number, core: number): void => this.#set(t, state, core);

  #set(t: number, state: number, core: number): void {
    if (!Number.isNaN(this.endNs)) return;
    const { states } = this;
    const row = this.#stateRow;
    if (row >= 0) {
      if (states.state[row] === state && states.core[row] === core) return;
      const start = states.start[row]!;
      if (t <= start) {
        // Two changes at one instant: the later one holds.
        states.state[row] = state;
        states.core[row] = core;
        return;
      }
      states.end[row] = t;
    } else if (Number.isNaN(this.startNs)) this.startNs = t;
    this.#stateRow = states.push(t, Number.NaN, state, core);
  }
}
