/**
 * The results of `Executor.map`, in the order of the input: what all executors have in common, and the calls of those
 * whose calls are futures.
 *
 * All calls are submitted at once, or, with `bufferSize`, so many, and one more for each result that is read. Whatever
 * ends the sequence early (an error of a call, the timeout, a `break` of the loop) cancels the calls that have not
 * begun, as the end of Python's generator does.
 */

import { checkBlockingOptions, checkOptions, knownOptions, WAIT_OPTIONS } from "../core/check-options.js";
import { deadlineAfter } from "../core/deadline.js";
import { TimeoutError } from "../core/errors.js";
import type { ResultIterator, TimeoutOptions, WaitOptions } from "../core/types.js";
import type { Future } from "./future.js";

const MAP_OPTIONS = knownOptions("{ chunkSize: 100 }", "timeout", "chunkSize", "bufferSize");

export interface MapOptions extends TimeoutOptions {
  /** The longest wait in milliseconds from the call of `map`; what has not begun by then is cancelled. */
  timeout?: number | undefined;
  /** How many calls travel to a process at once, 1 by default; where it may not be below 1 (`RangeError`); threads ignore it. */
  chunkSize?: number | undefined;
  /** How many calls may be under way or unread; all of them by default, so that the input is read at once. */
  bufferSize?: number | undefined;
}

/** The results of `Executor.map` in the order of the input; awaiting it gives them as an array. An error ends it. */
export interface MapResults<T> extends ResultIterator<T>, PromiseLike<T[]> {}

/**
 * The method of an executor whose calls can travel in chunks: one future for several calls of a function, of the array
 * of their results; the first error is that of the future. `map` uses it for a `chunkSize` above 1.
 */
export const submitChunk: unique symbol = Symbol("submitChunk") as never;

/**
 * The method of an executor that makes the results of `map` in a way of its own.
 */
export const mapCalls: unique symbol = Symbol("mapCalls") as never;

const END = { done: true, value: undefined } as const;
/** What {@link MapSequence.read} gives when the first unread call is not done. */
export const NOT_YET: unique symbol = Symbol("not yet") as never;

const arrayIterator = Array.prototype[Symbol.iterator];

type AnyFunction = (...items: unknown[]) => unknown;

/** Calls under way, in order, and the reading of their results. */
export abstract class MapSequence implements MapResults<unknown> {
  readonly #deadline: number;
  readonly #iterators: Iterator<unknown>[];
  /** How many calls may be under way or unread. */
  protected readonly buffered: number;
  #inputEnded = false;
  readonly #whole: readonly unknown[] | null;
  #ended = false;
  #all: Promise<unknown[]> | null = null;
  /** Calls of `next` go one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(iterables: readonly Iterable<unknown>[], options: MapOptions) {
    checkOptions(options, MAP_OPTIONS);
    this.#deadline = deadlineAfter(options.timeout);
    const { bufferSize } = options;
    if (bufferSize !== undefined && bufferSize !== null) {
      if (!Number.isInteger(bufferSize)) throw new TypeError("bufferSize must be an integer");
      if (bufferSize < 1) throw new RangeError("bufferSize must be at least 1");
    }
    this.buffered = bufferSize ?? Number.POSITIVE_INFINITY;
    const [first] = iterables;
    const whole = iterables.length === 1 && Array.isArray(first) && first[Symbol.iterator] === arrayIterator;
    this.#whole = whole ? first : null;
    this.#iterators = iterables.map((iterable) => iterable[Symbol.iterator]());
  }

  /** Hands in the next call, or as many as travel together. Returns false if the input is at its end. */
  protected abstract submitNext(): boolean;
  /** True if a call was handed in whose result was not read. */
  protected abstract hasUnread(): boolean;
  /** Takes the result of the first unread call; throws what it threw. {@link NOT_YET} if it is not done. */
  protected abstract read(): unknown;
  /** Takes results that are there in one go, up to the first error, when nothing is left to be handed in. */
  protected readReady(_into: unknown[]): void {}
  /** A future that gets done when the first unread call is. */
  protected abstract gate(): Future<unknown>;
  /** Takes back what has not begun, and forgets all. */
  protected abstract cancelRest(): void;

  /** Hands in what may be under way at once. To be called once by the constructor of a subclass. */
  protected fill(count: number): void {
    try {
      for (let i = 0; i < count && this.submitNext(); i++);
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(options?: WaitOptions): Promise<IteratorResult<unknown, undefined>> {
    const step = this.#turn.then(
      () => this.#next(options),
      () => this.#next(options),
    );
    this.#turn = step.catch(() => {});
    return step;
  }

  async #next(options: WaitOptions | undefined): Promise<IteratorResult<unknown, undefined>> {
    checkOptions(options, WAIT_OPTIONS);
    const own = deadlineAfter(options?.timeout);
    for (;;) {
      if (this.#isOver()) return END;
      const value = this.#read();
      if (value !== NOT_YET) return { done: false, value };
      await this.#wait(own, options?.signal);
    }
  }

  async #wait(own: number, signal: AbortSignal | undefined): Promise<void> {
    const gate = this.gate();
    const left = Math.min(own, this.#deadline) - performance.now();
    // Told apart from an error of the task itself: that one comes with the future done.
    await gate.exception({ timeout: left, signal }).catch((error) => {
      if (gate.done()) return;
      if (error instanceof TimeoutError && this.#deadline <= own) this.#end();
      throw error;
    });
  }

  nextSync(options?: TimeoutOptions): IteratorResult<unknown, undefined> {
    checkBlockingOptions(options);
    const own = deadlineAfter(options?.timeout);
    for (;;) {
      if (this.#isOver()) return END;
      const value = this.#read();
      if (value !== NOT_YET) return { done: false, value };
      this.#waitSync(own);
    }
  }

  #waitSync(own: number): void {
    const gate = this.gate();
    try {
      gate.exceptionSync({ timeout: Math.min(own, this.#deadline) - performance.now() });
    } catch (error) {
      if (gate.done()) return;
      if (error instanceof TimeoutError && this.#deadline <= own) this.#end();
      throw error;
    }
  }

  *sync(): Generator<unknown, undefined> {
    try {
      for (;;) {
        const step = this.nextSync();
        if (step.done) return;
        yield step.value;
      }
    } finally {
      this.#end();
    }
  }

  /** All results that are left. */
  allSync(): unknown[] {
    const results: unknown[] = [];
    try {
      while (!this.#isOver()) {
        const value = this.#read();
        if (value === NOT_YET) {
          this.#waitSync(Number.POSITIVE_INFINITY);
        } else {
          results.push(value);
          if (this.#inputEnded) this.readReady(results);
        }
      }
      return results;
    } finally {
      this.#end();
    }
  }

  // biome-ignore lint/suspicious/noThenProperty: the results are awaited by themselves
  then<R1 = unknown[], R2 = never>(
    onFulfilled?: ((value: unknown[]) => R1 | PromiseLike<R1>) | null,
    // biome-ignore lint/suspicious/noExplicitAny: as in PromiseLike
    onRejected?: ((error: any) => R2 | PromiseLike<R2>) | null,
  ): Promise<R1 | R2> {
    this.#all ??= this.#collect();
    return this.#all.then(onFulfilled, onRejected);
  }

  /** All results that are left, when the calls of `next` before had theirs. */
  #collect(): Promise<unknown[]> {
    const all = this.#turn.then(async () => {
      const results: unknown[] = [];
      while (!this.#isOver()) {
        const value = this.#read();
        if (value === NOT_YET) {
          await this.#wait(Number.POSITIVE_INFINITY, undefined);
        } else {
          results.push(value);
          if (this.#inputEnded) this.readReady(results);
        }
      }
      return results;
    });
    this.#turn = all.catch(() => {});
    return all;
  }

  /** The end of a `for await` that breaks. */
  async return(): Promise<IteratorResult<unknown, undefined>> {
    this.#end();
    return END;
  }

  /** True if there is nothing more to come. */
  #isOver(): boolean {
    if (this.#ended) return true;
    if (this.hasUnread()) return false;
    this.#end();
    return true;
  }

  #read(): unknown {
    try {
      const value = this.read();
      if (value !== NOT_YET && !this.#inputEnded && this.mayHandIn()) this.submitNext();
      return value;
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  /** True if the result just read made room for one more call, or for as many as travel together. */
  protected mayHandIn(): boolean {
    return true;
  }

  /** One item of each iterable, or null when the shortest has ended. */
  protected nextRound(): unknown[] | null {
    if (this.#inputEnded) return null;
    if (this.#iterators.length === 1) {
      const step = (this.#iterators[0] as Iterator<unknown>).next();
      if (!step.done) return [step.value];
      this.#inputEnded = true;
      return null;
    }
    const round: unknown[] = [];
    for (const iterator of this.#iterators) {
      const step = iterator.next();
      if (step.done) {
        this.#inputEnded = true;
        for (const other of this.#iterators) if (other !== iterator) other.return?.();
        return null;
      }
      round.push(step.value);
    }
    return round;
  }

  /** The input as an array that may be read at once, if it is one, else null; it counts as read then. */
  protected wholeInput(): readonly unknown[] | null {
    if (this.#whole === null || this.buffered !== Number.POSITIVE_INFINITY) return null;
    this.#inputEnded = true;
    return this.#whole;
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.cancelRest();
    if (!this.#inputEnded) {
      this.#inputEnded = true;
      for (const iterator of this.#iterators) iterator.return?.();
    }
  }
}

/** What is needed of an executor. */
interface Submitting {
  submit(fn: AnyFunction, ...items: unknown[]): Future<unknown>;
  [submitChunk]?(fn: AnyFunction, rounds: unknown[][]): Future<unknown[]>;
}

/** Calls that are futures, alone or in chunks. */
export class MapCalls extends MapSequence {
  readonly #executor: Submitting;
  readonly #fn: AnyFunction;
  /** Calls per future; 0: one call a future, whose value is the result itself. */
  readonly #chunk: number;
  /** Under way or unread, in order. */
  readonly #futures: Future<unknown>[] = [];
  #firstFuture = 0;
  /** Results of a chunk that was taken apart. */
  #unread: unknown[] = [];
  #nextUnread = 0;

  constructor(executor: Submitting, fn: AnyFunction, iterables: readonly Iterable<unknown>[], options: MapOptions) {
    super(iterables, options);
    this.#executor = executor;
    this.#fn = fn;
    this.#chunk = submitChunk in executor ? chunkOf(options.chunkSize) : 0;
    // With chunks, as many chunks as hold bufferSize calls.
    this.fill(this.#chunk === 0 ? this.buffered : Math.max(1, Math.ceil(this.buffered / this.#chunk)));
  }

  protected hasUnread(): boolean {
    return this.#nextUnread < this.#unread.length || this.#firstFuture < this.#futures.length;
  }

  protected read(): unknown {
    if (this.#nextUnread < this.#unread.length) return this.#unread[this.#nextUnread++];
    const future = this.#futures[this.#firstFuture]!;
    if (!future.done()) return NOT_YET;
    const value = future.resultSync();
    this.#firstFuture++;
    if (this.#firstFuture > 1024 && this.#firstFuture * 2 > this.#futures.length) {
      this.#futures.splice(0, this.#firstFuture);
      this.#firstFuture = 0;
    }
    if (this.#chunk === 0) return value;
    this.#unread = value as unknown[];
    this.#nextUnread = 1;
    return this.#unread[0];
  }

  protected override mayHandIn(): boolean {
    return this.#chunk === 0 || this.#nextUnread === 1;
  }

  protected gate(): Future<unknown> {
    return this.#futures[this.#firstFuture]!;
  }

  protected submitNext(): boolean {
    if (this.#chunk === 0) {
      const round = this.nextRound();
      if (round === null) return false;
      this.#futures.push(this.#executor.submit(this.#fn, ...round));
      return true;
    }
    const rounds: unknown[][] = [];
    for (let round = this.nextRound(); round !== null; round = this.nextRound()) {
      rounds.push(round);
      if (rounds.length === this.#chunk) break;
    }
    if (rounds.length === 0) return false;
    this.#futures.push(this.#executor[submitChunk]!(this.#fn, rounds));
    return true;
  }

  protected cancelRest(): void {
    for (let i = this.#firstFuture; i < this.#futures.length; i++) this.#futures[i]!.cancel();
    this.#futures.length = 0;
    this.#firstFuture = 0;
    this.#unread = [];
    this.#nextUnread = 0;
  }
}

/** How many calls travel together; 0 for one. */
function chunkOf(chunkSize: number | undefined): number {
  if (chunkSize === undefined) return 0;
  if (!Number.isInteger(chunkSize) && (typeof chunkSize !== "number" || !(chunkSize < 1))) {
    throw new TypeError("chunkSize must be an integer");
  }
  if (chunkSize < 1) throw new RangeError("chunkSize must be >= 1.");
  return chunkSize > 1 ? chunkSize : 0;
}
