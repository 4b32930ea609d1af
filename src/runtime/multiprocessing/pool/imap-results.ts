/**
 * The results of `imap` and `imapUnordered`: calls are handed in while results are read.
 *
 * The input is read in the background, as Python's pool does by a thread: some at once, and more whenever calls end,
 * whether or not somebody reads their results. So an input without an end works, and a pool that is closed still runs
 * all that its inputs give. An error of the input comes in its place in the sequence, which it ends.
 */

import { checkBlockingOptions, checkOptions, WAIT_OPTIONS } from "../../core/check-options.js";
import { deadlineAfter } from "../../core/deadline.js";
import type { ResultIterator, TimeoutOptions, WaitOptions } from "../../core/types.js";
import { Future, linkToPool, settle } from "../../futures/future.js";
import { takeInArrivals } from "../../futures/inbox.js";
import type { AnyFunction, PoolEngine } from "./pool-engine.js";

const END = { done: true, value: undefined } as const;
/** So many calls are under way at most, so that reading a long input does not keep the thread. */
const UNDER_WAY = 1024;

interface Outcome {
  readonly failed: boolean;
  readonly value: unknown;
}

export class ImapResults<T> implements ResultIterator<T> {
  readonly #engine: PoolEngine;
  readonly #fn: AnyFunction;
  readonly #input: Iterator<unknown>;
  readonly #chunk: number;
  readonly #ordered: boolean;
  readonly #inputRead: () => void;
  /** Results by place if ordered, else in the order in which they came. */
  readonly #outcomes = new Map<number, Outcome>();
  #came = 0;
  /** Place of the next to be read. */
  #next = 0;
  #handedIn = 0;
  #underWay = 0;
  #inputEnded = false;
  #reading = false;
  #gate: Future<void> | null = null;
  /** Calls of `next` go one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  /** `inputRead` is called once, when the input has ended. */
  constructor(
    engine: PoolEngine,
    fn: AnyFunction,
    items: Iterable<unknown>,
    chunk: number,
    ordered: boolean,
    inputRead: () => void,
  ) {
    this.#engine = engine;
    this.#fn = fn;
    this.#input = items[Symbol.iterator]();
    this.#chunk = chunk;
    this.#ordered = ordered;
    this.#inputRead = inputRead;
  }

  /** Hands in what may be under way. */
  feed(): void {
    // Its own generator may be what is running now.
    if (this.#reading) return;
    this.#reading = true;
    while (!this.#inputEnded && this.#underWay < UNDER_WAY) this.#handIn();
    this.#reading = false;
  }

  /** Reads no more of the input. */
  stop(): void {
    if (this.#inputEnded) return;
    this.#endOfInput();
    // A generator that is running cannot be ended.
    if (!this.#reading) this.#input.return?.();
  }

  #handIn(): void {
    const list: unknown[] = [];
    let failure: Outcome | null = null;
    try {
      while (list.length < this.#chunk) {
        const step = this.#input.next();
        if (this.#inputEnded) return;
        if (step.done) {
          this.#endOfInput();
          break;
        }
        list.push(step.value);
      }
    } catch (error) {
      failure = { failed: true, value: error };
      this.#endOfInput();
    }
    const place = this.#handedIn;
    this.#handedIn += list.length + (failure === null ? 0 : 1);
    this.#underWay += list.length;
    if (list.length > 0) {
      try {
        this.#engine.call(this.#fn, { list, spread: false }, place, this.#chunk, this.#ended);
      } catch (error) {
        for (let i = 0; i < list.length; i++) this.#ended(place + i, true, error);
      }
    }
    if (failure !== null) this.#arrive(this.#handedIn - 1, failure);
  }

  readonly #ended = (place: number, failed: boolean, value: unknown): void => {
    this.#underWay--;
    this.#arrive(place, { failed, value });
    if (!this.#inputEnded && this.#underWay * 2 < UNDER_WAY) this.feed();
  };

  #arrive(place: number, outcome: Outcome): void {
    const at = this.#ordered ? place : this.#came++;
    this.#outcomes.set(at, outcome);
    if (at === this.#next) this.#open();
  }

  #endOfInput(): void {
    this.#inputEnded = true;
    this.#open();
    this.#inputRead();
  }

  /** Whoever waits looks again. */
  #open(): void {
    const gate = this.#gate;
    this.#gate = null;
    if (gate !== null) settle(gate, false, undefined);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Resolves with the next result. Rejects with what its call threw, or `TimeoutError`; then it may be called again. */
  next(options?: WaitOptions): Promise<IteratorResult<T, undefined>> {
    const step = this.#turn.then(() => this.#nextStep(options));
    this.#turn = step.catch(() => {});
    return step;
  }

  async #nextStep(options: WaitOptions | undefined): Promise<IteratorResult<T, undefined>> {
    checkOptions(options, WAIT_OPTIONS);
    const deadline = deadlineAfter(options?.timeout);
    for (;;) {
      const step = this.#look();
      if (step !== null) return step;
      await this.#nextGate().result({ timeout: deadline - performance.now(), signal: options?.signal });
    }
  }

  /** Settled when there is something to look at. */
  #nextGate(): Future<void> {
    if (this.#gate === null) {
      this.#gate = new Future<void>();
      linkToPool(this.#gate, this.#engine.poolNumber);
    }
    return this.#gate;
  }

  /** Blocking {@link next}. */
  nextSync(options?: TimeoutOptions): IteratorResult<T, undefined> {
    checkBlockingOptions(options);
    const deadline = deadlineAfter(options?.timeout);
    for (;;) {
      const step = this.#look();
      if (step !== null) return step;
      this.#nextGate().resultSync({ timeout: deadline - performance.now() });
    }
  }

  /** The same results as a plain iterable that blocks the thread at each step. */
  *sync(): Generator<T, undefined> {
    for (;;) {
      const step = this.nextSync();
      if (step.done) return;
      yield step.value;
    }
  }

  /** What `next` gives as things stand; null: nothing yet. Throws what the call threw. */
  #look(): IteratorResult<T, undefined> | null {
    if (!this.#outcomes.has(this.#next)) takeInArrivals();
    const outcome = this.#outcomes.get(this.#next);
    if (outcome === undefined) return this.#inputEnded && this.#next === this.#handedIn ? END : null;
    this.#outcomes.delete(this.#next);
    this.#next++;
    if (outcome.failed) throw outcome.value;
    return { done: false, value: outcome.value as T };
  }
}
