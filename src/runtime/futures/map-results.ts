/**
 * The results of `Executor.map`, in the order of the input.
 *
 * All calls are submitted at once, or, with `bufferSize`, so many, and one more for each result that is read. Whatever
 * ends the sequence early (an error of a call, the timeout, a `break` of the loop) cancels the calls that have not
 * begun, as the end of Python's generator does.
 */
import { TimeoutError } from "../core/errors.js";
import type { ResultIterator, TimeoutOptions, WaitOptions } from "../core/types.js";
import { deadlineAfter } from "./deadline.js";
import type { Future } from "./future.js";

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

/** What is needed of an executor. */
interface Submitting {
  submit(fn: (...items: unknown[]) => unknown, ...items: unknown[]): Future<unknown>;
}

/** An executor that has it. */
interface Chunking {
  [submitChunk]?(fn: (...items: unknown[]) => unknown, rounds: unknown[][]): Future<unknown[]>;
}

const END = { done: true, value: undefined } as const;

export class MapCalls implements MapResults<unknown> {
  readonly #executor: Submitting;
  readonly #fn: (...items: unknown[]) => unknown;
  readonly #deadline: number;
  readonly #iterators: Iterator<unknown>[];
  /** Calls per future; 0: one call a future, whose value is the result itself. */
  readonly #chunk: number;
  /** Under way or unread, in order. */
  readonly #futures: Future<unknown>[] = [];
  #firstFuture = 0;
  /** Results of a chunk that was taken apart. */
  #unread: unknown[] = [];
  #nextUnread = 0;
  #inputEnded = false;
  #ended = false;
  #all: Promise<unknown[]> | null = null;
  /** Calls of `next` go one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(
    executor: Submitting,
    fn: (...items: unknown[]) => unknown,
    iterables: readonly Iterable<unknown>[],
    options: MapOptions,
  ) {
    this.#executor = executor;
    this.#fn = fn;
    this.#deadline = deadlineAfter(options.timeout);
    const { bufferSize, chunkSize } = options;
    if (bufferSize !== undefined && bufferSize !== null) {
      if (!Number.isInteger(bufferSize)) throw new TypeError("bufferSize must be an integer");
      if (bufferSize < 1) throw new RangeError("bufferSize must be at least 1");
    }
    this.#chunk = 0;
    if (submitChunk in executor && chunkSize !== undefined) {
      if (!Number.isInteger(chunkSize)) {
        if (typeof chunkSize !== "number" || !(chunkSize < 1)) throw new TypeError("chunkSize must be an integer");
      }
      if (chunkSize < 1) throw new RangeError("chunkSize must be >= 1.");
      if (chunkSize > 1) this.#chunk = chunkSize;
    }
    this.#iterators = iterables.map((iterable) => iterable[Symbol.iterator]());
    // With chunks, as many chunks as hold bufferSize calls.
    const buffered = bufferSize === undefined || bufferSize === null ? Number.POSITIVE_INFINITY : bufferSize;
    const futures = this.#chunk === 0 ? buffered : Math.max(1, Math.ceil(buffered / this.#chunk));
    try {
      for (let i = 0; i < futures && this.#submitNext(); i++);
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
    const unread = this.#read();
    if (unread !== null) return unread;
    const future = this.#futures[this.#firstFuture]!;
    const own = deadlineAfter(options?.timeout);
    if (!future.done()) {
      const left = Math.min(own, this.#deadline) - performance.now();
      // Told apart from a TimeoutError that the task itself threw: that one comes with the future done.
      await future.exception({ timeout: left, signal: options?.signal }).catch((error) => {
        if (future.done()) return;
        if (error instanceof TimeoutError && this.#deadline <= own) this.#end();
        throw error;
      });
    }
    return this.#take(future);
  }

  nextSync(options?: TimeoutOptions): IteratorResult<unknown, undefined> {
    const unread = this.#read();
    if (unread !== null) return unread;
    const future = this.#futures[this.#firstFuture]!;
    const own = deadlineAfter(options?.timeout);
    if (!future.done()) {
      const left = Math.min(own, this.#deadline) - performance.now();
      try {
        future.exceptionSync({ timeout: left });
      } catch (error) {
        if (!future.done()) {
          if (error instanceof TimeoutError && this.#deadline <= own) this.#end();
          throw error;
        }
      }
    }
    return this.#take(future);
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

  // biome-ignore lint/suspicious/noThenProperty: the results are awaited by themselves
  then<R1 = unknown[], R2 = never>(
    onFulfilled?: ((value: unknown[]) => R1 | PromiseLike<R1>) | null,
    // biome-ignore lint/suspicious/noExplicitAny: as in PromiseLike
    onRejected?: ((error: any) => R2 | PromiseLike<R2>) | null,
  ): Promise<R1 | R2> {
    this.#all ??= this.#collect();
    return this.#all.then(onFulfilled, onRejected);
  }

  async #collect(): Promise<unknown[]> {
    const results: unknown[] = [];
    for (;;) {
      const step = await this.next();
      if (step.done) return results;
      results.push(step.value);
    }
  }

  /** The end of a `for await` that breaks. */
  async return(): Promise<IteratorResult<unknown, undefined>> {
    this.#end();
    return END;
  }

  /** What needs no waiting: the rest of a chunk, or the end. */
  #read(): IteratorResult<unknown, undefined> | null {
    if (this.#ended) return END;
    if (this.#nextUnread < this.#unread.length) return { done: false, value: this.#unread[this.#nextUnread++] };
    if (this.#firstFuture < this.#futures.length) return null;
    this.#end();
    return END;
  }

  /** The result of the first future, which is done. */
  #take(future: Future<unknown>): IteratorResult<unknown, undefined> {
    // A concurrent end took everything away.
    if (this.#ended) return END;
    let value: unknown;
    try {
      value = future.resultSync();
      this.#firstFuture++;
      if (this.#firstFuture > 1024 && this.#firstFuture * 2 > this.#futures.length) {
        this.#futures.splice(0, this.#firstFuture);
        this.#firstFuture = 0;
      }
      if (!this.#inputEnded) this.#submitNext();
    } catch (error) {
      this.#end();
      throw error;
    }
    if (this.#chunk === 0) return { done: false, value };
    this.#unread = value as unknown[];
    this.#nextUnread = 1;
    return { done: false, value: this.#unread[0] };
  }

  /** Submits the next call or chunk. Returns false if the input is at its end. */
  #submitNext(): boolean {
    if (this.#chunk === 0) {
      const round = this.#nextRound();
      if (round === null) return false;
      this.#futures.push(this.#executor.submit(this.#fn, ...round));
      return true;
    }
    const rounds: unknown[][] = [];
    for (let round = this.#nextRound(); round !== null; round = this.#nextRound()) {
      rounds.push(round);
      if (rounds.length === this.#chunk) break;
    }
    if (rounds.length === 0) return false;
    this.#futures.push((this.#executor as Chunking)[submitChunk]!(this.#fn, rounds));
    return true;
  }

  /** One item of each iterable, or null when the shortest has ended. */
  #nextRound(): unknown[] | null {
    if (this.#inputEnded) return null;
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

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (let i = this.#firstFuture; i < this.#futures.length; i++) this.#futures[i]!.cancel();
    this.#futures.length = 0;
    if (!this.#inputEnded) {
      this.#inputEnded = true;
      for (const iterator of this.#iterators) iterator.return?.();
    }
  }
}
