/**
 * The state of a barrier in shared memory.
 *
 * Each round is a block of its own with one word for its outcome, on which its waiters wait: the last party to come
 * stores "passed" there, once, and wakes all. From then on the round belongs to its waiters, and whoever comes finds
 * (or makes) the next round, so rounds cannot mix however slowly somebody leaves; in Python, where all rounds share one
 * state, newcomers are held back until the round before has drained. The last to leave gives the block back.
 *
 * A party that comes takes the lowest free place of the round: its index. One that is aborted gives its place back.
 * With the last place the round is complete: it can no longer time out, and newcomers wait until it has passed, since
 * the party that came last may have an action to run first, outside of the lock, as it is the user's code.
 *
 * Threads can be killed. A round whose party (or whose runner of the action) died would never be complete, or would
 * count somebody who will not go on: the barrier breaks instead, found out by the party that comes last and, once a
 * second, by those who wait. Under the lock, what counts changes by single stores, and `#repair` sets right what
 * depends on them if a thread dies in between; a killed thread leaves at most a round's block behind.
 */
import type { HeapLock } from "../core/heap-lock.js";
import type { Heap } from "../core/shared-heap.js";
import type { SharedWords } from "../core/words.js";

/** Words of a barrier. */
const B = { Lock: 0, Broken: 2, BrokenBy: 3, Round: 4, Turn: 5, TurnWaiters: 6 } as const;
/** How many words a barrier takes. */
export const BARRIER_WORDS = 8;

/** Words of a round; then one for each place: who is there, as `holder.ts` numbers threads (0: free). */
const R = { Outcome: 0, Reason: 1, By: 2, Count: 3, Runner: 4, Places: 5 } as const;

const roundWords = (parties: number): number => R.Places + parties;
const placeAt = (round: number, place: number): number => round + R.Places + place;

export const Outcome = { Waiting: 0, Passed: 1, Broken: 2 } as const;

/** Why a barrier broke. */
export const BreakReason = { Abort: 1, Timeout: 2, Action: 3, Reset: 4, Death: 5 } as const;
export type BreakReason = (typeof BreakReason)[keyof typeof BreakReason];

/** How a try to come to the barrier ended. */
export interface Arrival {
  /** The round; 0 if the barrier is broken, or if a complete round must pass first. */
  readonly round: number;
  readonly place: number;
  /** It came last and has to let the round pass. */
  readonly last: boolean;
  /** Value of the turn word to wait on if a complete round must pass first. */
  readonly turn: number;
  readonly broken: boolean;
}

export class BarrierRounds {
  readonly #heap: Heap;
  readonly #words: SharedWords;
  readonly #view: Int32Array;
  readonly #lock: HeapLock;
  /** Whether somebody waited for the turn that this thread ended last. */
  #turnAwaited = false;

  constructor(
    heap: Heap,
    readonly index: number,
    readonly parties: number,
  ) {
    this.#heap = heap;
    this.#words = heap.words;
    this.#view = heap.words.view;
    this.#lock = heap.lock(index + B.Lock, () => this.#repair());
  }

  /** The calling thread, as it stands in a place. */
  get #me(): number {
    const { holders } = this.#heap;
    return holders.self || holders.enter();
  }

  #repair(): void {
    const round = this.#current();
    if (round === 0) return;
    let count = 0;
    for (let i = 0; i < this.parties; i++) if (this.#view[placeAt(round, i)] !== 0) count++;
    this.#view[round + R.Count] = count;
  }

  /** The round that is being filled, or 0. */
  #current(): number {
    const round = this.#view[this.index + B.Round] as number;
    return round !== 0 && this.#words.load(round + R.Outcome) === Outcome.Waiting ? round : 0;
  }

  get broken(): boolean {
    return this.#words.load(this.index + B.Broken) !== 0;
  }

  /** Why it is broken and by which thread. */
  get breakage(): { reason: number; by: number } {
    return { reason: this.#words.load(this.index + B.Broken), by: this.#words.load(this.index + B.BrokenBy) };
  }

  get waiting(): number {
    this.#lock.lock();
    const round = this.broken ? 0 : this.#current();
    const count = round === 0 ? 0 : (this.#view[round + R.Count] as number);
    this.#lock.unlock();
    return count;
  }

  /** True while the calling thread runs the action of the current round. */
  get runsActionHere(): boolean {
    this.#lock.lock();
    const round = this.#current();
    const here = round !== 0 && this.#view[round + R.Runner] === this.#heap.holders.self;
    this.#lock.unlock();
    return here;
  }

  /** Whether the next to come will wait, as far as can be told without the lock. */
  get willWait(): boolean {
    const round = this.#words.load(this.index + B.Round);
    const count = round === 0 ? 0 : this.#words.load(round + R.Count);
    return !this.broken && count + 1 < this.parties;
  }

  /** Comes to the barrier. */
  arrive(): Arrival {
    const mine = this.#me;
    this.#lock.lock();
    const turn = this.#words.load(this.index + B.Turn);
    if (this.broken) {
      this.#lock.unlock();
      return { round: 0, place: 0, last: false, turn, broken: true };
    }
    let round = this.#current();
    if (round === 0) {
      round = this.#heap.allocate(roundWords(this.parties));
      this.#words.store(this.index + B.Round, round);
    } else if (this.#view[round + R.Runner] !== 0) {
      this.#view[this.index + B.TurnWaiters] = 1;
      this.#lock.unlock();
      return { round: 0, place: 0, last: false, turn, broken: false };
    }
    let place = 0;
    while (this.#view[placeAt(round, place)] !== 0) place++;
    this.#view[placeAt(round, place)] = mine;
    const count = (this.#view[round + R.Count] as number) + 1;
    this.#view[round + R.Count] = count;
    const last = count === this.parties;
    if (last) this.#view[round + R.Runner] = mine;
    this.#lock.unlock();
    return { round, place, last, turn, broken: false };
  }

  /** The word to wait on until a complete round has passed. */
  get turnWord(): number {
    return this.index + B.Turn;
  }

  outcomeWord(round: number): number {
    return round + R.Outcome;
  }

  /** How a round ended, why, and by which thread (as `holder.ts` numbers them). */
  result(round: number): { outcome: number; reason: number; by: number } {
    const outcome = this.#words.load(round + R.Outcome);
    return { outcome, reason: this.#words.load(round + R.Reason), by: this.#words.load(round + R.By) };
  }

  /** Ends the round; with the lock held. Returns the word whose waiters are to be woken without it. */
  #end(round: number, outcome: number, reason: number, by: number): number {
    this.#view[round + R.Reason] = reason;
    this.#view[round + R.By] = by;
    this.#words.store(round + R.Outcome, outcome);
    this.#words.store(this.index + B.Round, 0);
    this.#nextTurn();
    return round + R.Outcome;
  }

  /** With the lock held. */
  #nextTurn(): void {
    this.#words.add(this.index + B.Turn, 1);
    this.#turnAwaited = this.#view[this.index + B.TurnWaiters] !== 0;
    this.#view[this.index + B.TurnWaiters] = 0;
  }

  /** Without the lock. `outcomeWord`: 0 if nobody waits for it. */
  #wake(outcomeWord: number): void {
    if (this.#turnAwaited) this.#words.notify(this.index + B.Turn);
    if (outcomeWord !== 0) this.#words.notify(outcomeWord);
  }

  /** Lets a complete round pass, unless it was broken meanwhile. Returns how many it woke, or -1. */
  pass(round: number): number {
    this.#lock.lock();
    if (this.#words.load(round + R.Outcome) !== Outcome.Waiting) {
      this.#lock.unlock();
      return -1;
    }
    const others = (this.#view[round + R.Count] as number) - 1;
    const word = this.#end(round, Outcome.Passed, 0, this.#me);
    this.#lock.unlock();
    this.#wake(others === 0 ? 0 : word);
    return others;
  }

  /**
   * Breaks the barrier, or empties it for `Reset`. `only`: if that round has not ended yet
   * and, for a timeout, is not complete. Returns how many it woke, or -1 if it did not do it.
   */
  break(reason: BreakReason, only = 0): number {
    const by = this.#me;
    this.#lock.lock();
    const round = this.#current();
    const complete = round !== 0 && this.#view[round + R.Runner] !== 0;
    if (only !== 0 && (only !== round || (reason === BreakReason.Timeout && complete))) {
      this.#lock.unlock();
      return -1;
    }
    const count = round === 0 ? 0 : (this.#view[round + R.Count] as number);
    const word = this.#breakHere(reason, by);
    this.#lock.unlock();
    this.#wake(word);
    return count;
  }

  /** With the lock held. Returns the word whose waiters are to be woken without it, or 0. */
  #breakHere(reason: BreakReason, by: number): number {
    if (reason === BreakReason.Reset) {
      this.#words.store(this.index + B.Broken, 0);
    } else {
      this.#view[this.index + B.BrokenBy] = by;
      this.#words.store(this.index + B.Broken, reason);
    }
    const round = this.#current();
    if (round !== 0 && this.#view[round + R.Count] !== 0) return this.#end(round, Outcome.Broken, reason, by);
    this.#nextTurn();
    return 0;
  }

  /** Goes away: from a round that has ended, or, aborted, from one that waits. False if that one is complete. */
  leave(round: number, place: number): boolean {
    this.#lock.lock();
    const ended = this.#words.load(round + R.Outcome) !== Outcome.Waiting;
    if (!ended && this.#view[round + R.Runner] !== 0) {
      this.#lock.unlock();
      return false;
    }
    const empty = this.#freePlace(round, place);
    if (empty && !ended) this.#words.store(this.index + B.Round, 0);
    this.#lock.unlock();
    if (empty) this.#heap.free(round, roundWords(this.parties));
    return true;
  }

  /** With the lock held. True if nobody is left in the round. */
  #freePlace(round: number, place: number): boolean {
    this.#view[placeAt(round, place)] = 0;
    const left = (this.#view[round + R.Count] as number) - 1;
    this.#view[round + R.Count] = left;
    return left === 0;
  }

  /**
   * Breaks the barrier if a thread has died that waited in the current round or ran its action. True if so. The places
   * of the dead are freed, so that the block can be given back by those who are left.
   */
  breakIfDead(): boolean {
    this.#lock.lock();
    const round = this.#current();
    let word = 0;
    let empty = false;
    for (let place = 0; round !== 0 && place < this.parties; place++) {
      const there = this.#view[placeAt(round, place)] as number;
      if (there === 0 || there === this.#heap.holders.self || !this.#heap.holders.isDead(there, true)) continue;
      if (word === 0) word = this.#breakHere(BreakReason.Death, there);
      empty = this.#freePlace(round, place);
    }
    this.#lock.unlock();
    if (word === 0) return false;
    this.#wake(word);
    if (empty) this.#heap.free(round, roundWords(this.parties));
    return true;
  }
}
