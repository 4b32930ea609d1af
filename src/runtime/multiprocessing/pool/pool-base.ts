/**
 * A pool as Python's `multiprocessing.pool` has it, above an engine of threads or of processes: `apply`, the maps, their
 * handles, and the ends.
 */
import { availableParallelism } from "node:os";
import {
  checkBlockingOptions,
  checkOptions,
  type KnownOptions,
  knownOptions,
  WAIT_OPTIONS,
} from "../../core/check-options.js";
import { DataCloneError, TimeoutError } from "../../core/errors.js";
import { type Handle, toHandle } from "../../core/handles.js";
import { requireIterable } from "../../core/iterable.js";
import type { ArgsParameter, Named, ResultIterator, TimeoutOptions, WaitOptions } from "../../core/types.js";
import { AsyncResult, type CallbackOptions, finish } from "./async-result.js";
import { ImapResults } from "./imap-results.js";
import type { AnyFunction, CallEnded, Items, PoolEngine } from "./pool-engine.js";

const CALLBACK_OPTIONS = knownOptions("{ callback: console.log }", "callback", "errorCallback");
export const CHUNK_OPTIONS: KnownOptions = knownOptions("{ chunkSize: 100 }", "chunkSize");
const MAP_ASYNC_OPTIONS = knownOptions("{ chunkSize: 100 }", "chunkSize", "callback", "errorCallback");

export interface ChunkOptions {
  /** How many calls travel together; by default 1, or for `map` a quarter of a worker's share. Not below 1. */
  chunkSize?: number | undefined;
}

/** How many workers a pool is to have. Throws `TypeError` for what is no whole number, `RangeError` for less than one. */
export function workersOf({ processes }: { readonly processes?: number | null | undefined }): number {
  const workers = processes ?? availableParallelism();
  if (typeof workers !== "number") throw new TypeError("processes must be a number");
  if (!(workers >= 1)) throw new RangeError("Number of processes must be at least 1");
  if (!Number.isInteger(workers)) throw new TypeError("processes must be an integer");
  return workers;
}

/** What a pool does, of threads or processes. New work after `close` or `terminate` throws `RangeError`. */
export abstract class PoolBase implements Named, Disposable, AsyncDisposable {
  readonly #engine: PoolEngine;
  #state: "running" | "closed" | "terminated" = "running";
  /** Those whose input is not read to its end. */
  readonly #inputs = new Set<ImapResults<unknown>>();
  /** Its name on the timeline. */
  readonly name: string;

  constructor(engine: PoolEngine, name: string) {
    this.#engine = engine;
    this.name = name;
  }

  /** Calls `fn(...args)` in a worker. Rejects with what it threw. */
  async apply<A extends unknown[], R>(fn: (...args: A) => R, ...args: ArgsParameter<A>): Promise<Awaited<R>> {
    return await this.#apply<R>(fn as AnyFunction, args[0], undefined).get();
  }

  /** Blocking {@link apply}. */
  applySync<A extends unknown[], R>(fn: (...args: A) => R, ...args: ArgsParameter<A>): Awaited<R> {
    return this.#apply<R>(fn as AnyFunction, args[0], undefined).getSync();
  }

  /** Calls `fn(...args)` in a worker and gives a handle on the result. */
  applyAsync<A extends unknown[], R>(
    fn: (...args: A) => R,
    ...rest: [...ArgsParameter<A>, options?: CallbackOptions<Awaited<R>>]
  ): AsyncResult<Awaited<R>> {
    const [args, options] = rest as unknown as [args?: unknown[], options?: CallbackOptions<Awaited<R>>];
    return this.#apply<R>(fn as AnyFunction, args, options);
  }

  /** Calls `fn` with each item. When all have run, resolves with all results or rejects with the first error. */
  async map<T, R>(fn: (item: T) => R, items: Iterable<T>, options?: ChunkOptions): Promise<Awaited<R>[]> {
    checkOptions(options, CHUNK_OPTIONS);
    return await this.mapAsync(fn, items, options).get();
  }

  /** Blocking {@link map}. */
  mapSync<T, R>(fn: (item: T) => R, items: Iterable<T>, options?: ChunkOptions): Awaited<R>[] {
    checkOptions(options, CHUNK_OPTIONS);
    return this.mapAsync(fn, items, options).getSync();
  }

  /** {@link map}, with a handle on the results. */
  mapAsync<T, R>(
    fn: (item: T) => R,
    items: Iterable<T>,
    options?: ChunkOptions & CallbackOptions<Awaited<R>[]>,
  ): AsyncResult<Awaited<R>[]> {
    this.#check(fn, items, options, MAP_ASYNC_OPTIONS);
    return this.#callAll(fn as AnyFunction, { list: [...items], spread: false }, options);
  }

  /** {@link map} for functions of several parameters: each item is the list of arguments. */
  async starmap<A extends unknown[], R>(
    fn: (...args: A) => R,
    items: Iterable<Readonly<A>>,
    options?: ChunkOptions,
  ): Promise<Awaited<R>[]> {
    checkOptions(options, CHUNK_OPTIONS);
    return await this.starmapAsync(fn, items, options).get();
  }

  /** Blocking {@link starmap}. */
  starmapSync<A extends unknown[], R>(
    fn: (...args: A) => R,
    items: Iterable<Readonly<A>>,
    options?: ChunkOptions,
  ): Awaited<R>[] {
    checkOptions(options, CHUNK_OPTIONS);
    return this.starmapAsync(fn, items, options).getSync();
  }

  /** {@link starmap}, with a handle on the results. */
  starmapAsync<A extends unknown[], R>(
    fn: (...args: A) => R,
    items: Iterable<Readonly<A>>,
    options?: ChunkOptions & CallbackOptions<Awaited<R>[]>,
  ): AsyncResult<Awaited<R>[]> {
    this.#check(fn, items, options, MAP_ASYNC_OPTIONS);
    const list: unknown[][] = [];
    for (const item of items) list.push([...requireIterable(item, "each item")]);
    return this.#callAll(fn as AnyFunction, { list, spread: true }, options);
  }

  /** Calls `fn` with each item and gives the results one by one, in order. After an error it can go on. */
  imap<T, R>(fn: (item: T) => R, items: Iterable<T>, options?: ChunkOptions): ResultIterator<Awaited<R>> {
    return this.#imap(fn as AnyFunction, items, options, true);
  }

  /** {@link imap}, in the order in which the calls end. */
  imapUnordered<T, R>(fn: (item: T) => R, items: Iterable<T>, options?: ChunkOptions): ResultIterator<Awaited<R>> {
    return this.#imap(fn as AnyFunction, items, options, false);
  }

  /** Accepts no more work; the workers end when what was accepted is done. */
  close(): void {
    if (this.#state !== "running") return;
    this.#state = "closed";
    if (this.#inputs.size === 0) this.#engine.close();
  }

  /** Ends the workers at once; results still open never come. */
  terminate(): void {
    if (this.#state === "terminated") return;
    this.#state = "terminated";
    this.#engine.terminate();
    for (const input of [...this.#inputs]) input.stop();
  }

  /** Waits for the workers to end, or for the timeout. Rejects with `RangeError` before `close` or `terminate`. */
  async join(options?: WaitOptions): Promise<void> {
    this.#requireEnding();
    checkOptions(options, WAIT_OPTIONS);
    try {
      await this.#engine.ended(options);
    } catch (error) {
      if (!(error instanceof TimeoutError) || options?.signal?.reason === error) throw error;
    }
  }

  /** Blocking {@link join}. */
  joinSync(options?: TimeoutOptions): void {
    this.#requireEnding();
    checkBlockingOptions(options);
    try {
      this.#engine.endedSync(options);
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
    }
  }

  /** It does not cross: its results belong to the thread that made it. */
  [toHandle](): Handle {
    throw new DataCloneError("a pool belongs to the thread that made it; make one where it is used");
  }

  /** The end of `using`: `terminate()`. */
  [Symbol.dispose](): void {
    this.terminate();
  }

  /** The end of `await using`: `terminate()`, then `join()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.terminate();
    await this.join();
  }

  #requireRunning(): void {
    if (this.#state !== "running") throw new RangeError("Pool not running");
  }

  #requireEnding(): void {
    if (this.#state === "running") throw new RangeError("Pool is still running");
  }

  #check(fn: unknown, items: unknown, options: ChunkOptions | undefined, known: KnownOptions, what = "items"): void {
    this.#requireRunning();
    checkOptions(options, known);
    if (typeof fn !== "function")
      throw new TypeError(`a pool calls a function, not ${fn === null ? "null" : typeof fn}`);
    requireIterable(items, what);
    const size = options?.chunkSize;
    if (size === undefined || size === null) return;
    if (typeof size !== "number" || !(Number.isInteger(size) || size < 1)) {
      throw new TypeError("chunkSize must be an integer");
    }
    if (size < 1) throw new RangeError(`chunkSize must be 1 or more, not ${size}`);
  }

  #apply<R>(
    fn: AnyFunction,
    args: Iterable<unknown> | null | undefined,
    options: CallbackOptions<Awaited<R>> | undefined,
  ): AsyncResult<Awaited<R>> {
    this.#check(fn, args ?? [], undefined, CALLBACK_OPTIONS, "args");
    checkOptions(options, CALLBACK_OPTIONS);
    const result = new AsyncResult<Awaited<R>>(options ?? undefined, this.#engine.poolNumber);
    this.#handIn(fn, { list: [[...(args ?? [])]], spread: true }, 1, (_, failed, value) =>
      finish(result, failed, value),
    );
    return result;
  }

  #callAll<R>(
    fn: AnyFunction,
    items: Items,
    options: (ChunkOptions & CallbackOptions<R[]>) | undefined,
  ): AsyncResult<R[]> {
    const result = new AsyncResult<R[]>(options, this.#engine.poolNumber);
    const { length } = items.list;
    const values: unknown[] = new Array(length);
    let left = length;
    let failure: { readonly error: unknown } | null = null;
    if (left === 0) {
      finish(result, false, values);
      return result;
    }
    const chunk = options?.chunkSize ?? Math.ceil(left / (this.#engine.workers * 4));
    this.#handIn(fn, items, chunk, (place, failed, value) => {
      if (failed) failure ??= { error: value };
      else values[place] = value;
      if (--left === 0) finish(result, failure !== null, failure === null ? values : failure.error);
    });
    return result;
  }

  /** Hands in calls that all have to be handed in: what cannot cross is thrown here and not told. */
  #handIn(fn: AnyFunction, items: Items, chunk: number, ended: CallEnded): void {
    let handingIn = true;
    let refused: DataCloneError | null = null;
    this.#engine.call(fn, items, 0, chunk, (place, failed, value) => {
      if (handingIn && failed && value instanceof DataCloneError) refused ??= value;
      else if (refused === null) ended(place, failed, value);
    });
    handingIn = false;
    if (refused !== null) throw refused;
  }

  #imap<R>(
    fn: AnyFunction,
    items: Iterable<unknown>,
    options: ChunkOptions | undefined,
    ordered: boolean,
  ): ImapResults<R> {
    this.#check(fn, items, options, CHUNK_OPTIONS);
    const results: ImapResults<R> = new ImapResults<R>(
      this.#engine,
      fn,
      items,
      options?.chunkSize ?? 1,
      ordered,
      () => {
        this.#inputs.delete(results as ImapResults<unknown>);
        if (this.#state === "closed" && this.#inputs.size === 0) this.#engine.close();
      },
    );
    this.#inputs.add(results as ImapResults<unknown>);
    results.feed();
    return results;
  }
}
