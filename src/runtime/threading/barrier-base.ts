/** What a barrier is, of threads or of processes. How its rounds work stands in `barrier-rounds.ts`. */
import { inspect } from "node:util";
import { callSite, emitAt, now, recording } from "../../recorder/emit.js";
import { EventFlag, EventKind, ObjectKind, SignalKind, WaitReason } from "../../trace/events.js";
import { checkOptions, type KnownOptions, knownOptions, refuseSignal, WAIT_OPTIONS } from "../core/check-options.js";
import { CrossingFunction } from "../core/crossing-function.js";
import { checkTimeout, deadlineIn, slice } from "../core/deadline.js";
import { describe } from "../core/describe-value.js";
import { BrokenBarrierError, RuntimeError } from "../core/errors.js";
import type { FunctionReference } from "../core/function-reference.js";
import { type Crossing, type Handle, type Pins, toHandle } from "../core/handles.js";
import { type HeapHandle, type HeapKind, HeapObject } from "../core/heap-object.js";
import type { Holders } from "../core/holder.js";
import { act } from "../core/predicate.js";
import type { Realm } from "../core/realm.js";
import { beginWait, endWait, neverWaited } from "../core/wait-record.js";
import type { SharedWords } from "../core/words.js";
import type { BarrierLike, BarrierOptions, TimeoutOptions, WaitOptions } from "../types.js";
import { type Arrival, BARRIER_WORDS, BarrierRounds, BreakReason, Outcome } from "./barrier-rounds.js";

/** Barriers among those of a realm. */
export const barrierKind = (realm: Realm): HeapKind => ({
  realm,
  name: "Barrier",
  kind: ObjectKind.Barrier,
  words: BARRIER_WORDS,
});

export interface BarrierHandle extends HeapHandle {
  readonly parties: number;
  readonly timeout: number;
  readonly action: FunctionReference | null;
}

export const BARRIER_OPTIONS: KnownOptions = knownOptions(
  '{ name: "start", timeout: 1000 }',
  "name",
  "timeout",
  "action",
);

/** As many as there is room for in a round: far more than there can be threads. */
const MOST_PARTIES = 1_000_000;

/** What a broken barrier says of the thread that broke it. */
const REASONS: Readonly<Record<number, (who: string) => string>> = {
  [BreakReason.Abort]: (who) => `${who} aborted it`,
  [BreakReason.Timeout]: (who) => `${who} waited longer than its timeout`,
  [BreakReason.Action]: (who) => `its action threw in ${who}`,
  [BreakReason.Reset]: (who) => `${who} reset it while others waited`,
  [BreakReason.Death]: (who) => `${who} died in it`,
};

export abstract class BarrierBase implements BarrierLike {
  #self: HeapObject;
  #rounds: BarrierRounds;
  #words: SharedWords;
  #holders: Holders;
  #timeout: number;
  #action: CrossingFunction<() => unknown> | null = null;

  constructor(of: HeapKind, parties: number, options: BarrierOptions | undefined, handle: BarrierHandle | undefined) {
    checkOptions(options, BARRIER_OPTIONS);
    if (typeof parties !== "number") throw new TypeError(`parties must be a number, not ${describe(parties)}`);
    if (!Number.isSafeInteger(parties) || parties < 1 || parties > MOST_PARTIES) {
      throw new RangeError(`parties must be a whole number from 1 to ${MOST_PARTIES}, not ${parties}`);
    }
    this.#timeout = handle?.timeout ?? checkTimeout(options?.timeout);
    const action = options?.action;
    if (handle !== undefined) {
      if (handle.action !== null) this.#action = CrossingFunction.arrived(handle.action);
    } else if (action !== undefined && action !== null) {
      if (typeof action !== "function") throw new TypeError(`action must be a function, not ${describe(action)}`);
      this.#action = CrossingFunction.of(action);
    }
    this.#self = new HeapObject(of, this, options?.name, handle, parties);
    this.#rounds = new BarrierRounds(this.#self.heap, this.#self.index, parties);
    this.#words = this.#self.heap.words;
    this.#holders = this.#self.heap.holders;
  }

  get name(): string {
    return this.#self.name;
  }

  /** How many have to come. */
  get parties(): number {
    return this.#rounds.parties;
  }

  /** How many are waiting. */
  get nWaiting(): number {
    return this.#rounds.waiting;
  }

  /** True after an abort, a timeout or a failed action, until `reset`. */
  get broken(): boolean {
    return this.#rounds.broken;
  }

  /**
   * Waits for all and resolves with an index from 0, to each another. When `timeout` milliseconds are over the barrier
   * breaks: `BrokenBarrierError` for all. With an aborted signal only this wait is given up: it rejects with the
   * signal's reason, and another has to come instead, unless all had come already.
   */
  async wait(options?: WaitOptions): Promise<number> {
    const timeout = this.#timeoutOf(options);
    const signal = options?.signal;
    signal?.throwIfAborted();
    const rounds = this.#rounds;
    // Before it comes, since it can lose its core right after: in the trace the round would be over by then.
    let wait = recording && rounds.willWait ? beginWait(this.#self.object, WaitReason.Barrier, EventFlag.Async) : -1;
    let by = 0;
    try {
      let arrival = rounds.arrive();
      while (arrival.round === 0) {
        if (arrival.broken) throw this.#brokenError();
        if (wait < 0) wait = beginWait(this.#self.object, WaitReason.Barrier, EventFlag.Async);
        const left = slice(Number.POSITIVE_INFINITY);
        const outcome = await this.#words.waitAsync(rounds.turnWord, arrival.turn, { timeout: left, signal });
        if (outcome === "timed-out") rounds.breakIfDead();
        arrival = rounds.arrive();
      }
      if (arrival.last) {
        this.#pass(arrival);
        by = this.#holders.ownNumber;
        return arrival.place;
      }
      if (wait < 0) wait = beginWait(this.#self.object, WaitReason.Barrier, EventFlag.Async);
      const { round, place } = arrival;
      const word = rounds.outcomeWord(round);
      let deadline = deadlineIn(timeout);
      let given: AbortSignal | undefined = signal;
      while (this.#words.load(word) === Outcome.Waiting) {
        const left = slice(deadline);
        if (left <= 0) {
          if (!this.#timedOut(round)) deadline = Number.POSITIVE_INFINITY;
          continue;
        }
        try {
          const outcome = await this.#words.waitAsync(word, Outcome.Waiting, { timeout: left, signal: given });
          if (outcome === "timed-out") rounds.breakIfDead();
        } catch (reason) {
          if (this.#words.load(word) === Outcome.Waiting && rounds.leave(round, place)) throw reason;
          // All have come: it goes on with them.
          given = undefined;
        }
      }
      by = this.#depart(arrival);
      return place;
    } finally {
      if (wait >= 0) endWait(this.#self.object, wait, by, by !== 0, EventFlag.Async | this.#holders.flag);
      else neverWaited(this.#self.object, by !== 0);
    }
  }

  /** Blocking {@link wait}. */
  waitSync(options?: TimeoutOptions): number {
    refuseSignal(options);
    const timeout = this.#timeoutOf(options);
    const rounds = this.#rounds;
    // Before it comes, since it can lose its core right after: in the trace the round would be over by then.
    let wait = recording && rounds.willWait ? beginWait(this.#self.object, WaitReason.Barrier, 0) : -1;
    let by = 0;
    try {
      let arrival = rounds.arrive();
      while (arrival.round === 0) {
        if (arrival.broken) throw this.#brokenError();
        if (rounds.runsActionHere) {
          throw new RuntimeError(`the action of ${this.name} cannot wait for its own barrier: it would never end`);
        }
        if (wait < 0) wait = beginWait(this.#self.object, WaitReason.Barrier, 0);
        const outcome = this.#words.wait(rounds.turnWord, arrival.turn, slice(Number.POSITIVE_INFINITY));
        if (outcome === "timed-out") rounds.breakIfDead();
        arrival = rounds.arrive();
      }
      if (arrival.last) {
        this.#pass(arrival);
        by = this.#holders.ownNumber;
        return arrival.place;
      }
      if (wait < 0) wait = beginWait(this.#self.object, WaitReason.Barrier, 0);
      const word = rounds.outcomeWord(arrival.round);
      let deadline = deadlineIn(timeout);
      while (this.#words.load(word) === Outcome.Waiting) {
        const left = slice(deadline);
        if (left <= 0) {
          if (!this.#timedOut(arrival.round)) deadline = Number.POSITIVE_INFINITY;
        } else if (this.#words.wait(word, Outcome.Waiting, left) === "timed-out") rounds.breakIfDead();
      }
      by = this.#depart(arrival);
      return arrival.place;
    } finally {
      if (wait >= 0) endWait(this.#self.object, wait, by, by !== 0, this.#holders.flag);
      else neverWaited(this.#self.object, by !== 0);
    }
  }

  #timeoutOf(options: TimeoutOptions | undefined): number {
    checkOptions(options, WAIT_OPTIONS);
    const timeout = options?.timeout;
    return timeout === undefined || timeout === null ? this.#timeout : checkTimeout(timeout);
  }

  /** The last party has come: runs the action and lets the round pass. */
  #pass({ round, place }: Arrival): void {
    const rounds = this.#rounds;
    try {
      if (!rounds.breakIfDead()) {
        try {
          if (this.#action !== null) act(this.#action.get());
        } catch (error) {
          this.#break(BreakReason.Action, round);
          throw error;
        }
      }
      const t = recording ? now() : 0;
      const woken = rounds.pass(round);
      if (woken < 0) throw this.#brokenError(round);
      if (recording) {
        // Looking where the caller is costs more than all the rest.
        const site = woken > 0 ? callSite() : 0;
        emitAt(t, EventKind.Signal, this.#self.object, site, SignalKind.Pass, woken, 0);
      }
    } finally {
      rounds.leave(round, place);
    }
  }

  /** Leaves a round that has ended. Returns the number of the thread that let it pass, or throws. */
  #depart({ round, place }: Arrival): number {
    const { outcome, by } = this.#rounds.result(round);
    const error = outcome === Outcome.Passed ? null : this.#brokenError(round);
    this.#rounds.leave(round, place);
    if (error !== null) throw error;
    return this.#holders.numberOf(by);
  }

  /** Breaks the barrier as a wait's time is over. False if the round is complete after all. */
  #timedOut(round: number): boolean {
    return this.#break(BreakReason.Timeout, round);
  }

  #break(reason: BreakReason, only = 0): boolean {
    const t = recording ? now() : 0;
    const woken = this.#rounds.break(reason, only);
    if (woken < 0) return false;
    if (recording) {
      const kind = reason === BreakReason.Reset ? SignalKind.Reset : SignalKind.Break;
      emitAt(t, EventKind.Signal, this.#self.object, callSite(), kind, woken, 0);
    }
    return true;
  }

  /** Why the barrier, or a round of it, is broken. */
  #brokenError(round = 0): BrokenBarrierError {
    const { reason, by } = round === 0 ? this.#rounds.breakage : this.#rounds.result(round);
    return new BrokenBarrierError(
      `${this.name} is broken: ${REASONS[reason]?.(this.#holders.describe(by)) ?? "somebody broke it"}`,
    );
  }

  /** Makes it empty and whole again; those waiting get `BrokenBarrierError`. */
  reset(): void {
    this.#break(BreakReason.Reset);
  }

  /** Breaks it: those waiting and those to come get `BrokenBarrierError`. */
  abort(): void {
    this.#break(BreakReason.Abort);
  }

  [inspect.custom](): string {
    const state = this.broken ? "broken" : `waiters=${this.nWaiting}/${this.parties}`;
    return `<${this.constructor.name} name='${this.name}' ${state}>`;
  }

  /** How it crosses. Throws `DataCloneError` if its action closes over something. */
  [toHandle](crossing: Crossing, pins: Pins): Handle {
    const action = this.#action?.reference("action") ?? null;
    const { tag, value } = this.#self.toHandle(this, crossing, pins);
    return { tag, value: { ...(value as object), parties: this.parties, timeout: this.#timeout, action } };
  }
}
