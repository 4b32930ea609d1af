/**
 * The proxy of a pool. Chunks, order and the handles on results are those of every pool, made here by `PoolBase` above an
 * engine whose workers are behind the server.
 */
import { availableParallelism } from "node:os";
import { checkBlockingOptions, checkOptions, WAIT_OPTIONS } from "../../core/check-options.js";
import { DataCloneError } from "../../core/errors.js";
import { referenceTo } from "../../core/function-reference.js";
import { requireIterable } from "../../core/iterable.js";
import { expect, fulfil, watch } from "../../futures/inbox.js";
import type { ArgsParameter, Named, ResultIterator, TimeoutOptions, WaitOptions } from "../../types.js";
import { connectionClient } from "../connection-client.js";
import type { AsyncResult, CallbackOptions } from "../pool/async-result.js";
import { CHUNK_OPTIONS, type ChunkOptions, PoolBase } from "../pool/pool-base.js";
import type { AnyFunction, CallEnded, Items, PoolEngine } from "../pool/pool-engine.js";
import { BaseProxy, callRemote, callRemoteSync, insideOf, registerProxyClass } from "./base-proxy.js";
import type { Outcome } from "./objects/pool.js";
import { FunctionOnWire } from "./wire-values.js";

class RemoteEngine implements PoolEngine {
  /** The pool is an object of the server's. */
  readonly poolNumber = 0;
  readonly workers: number = availableParallelism();
  readonly #proxy: BaseProxy;

  constructor(proxy: BaseProxy) {
    this.#proxy = proxy;
  }

  call(fn: AnyFunction, { list, spread }: Items, place: number, chunk: number, ended: CallEnded): void {
    const rounds = spread ? (list as readonly (readonly unknown[])[]) : list.map((item) => [item]);
    const callee = new FunctionOnWire(referenceTo(fn, "fn"));
    const size = Math.max(1, Math.floor(chunk));
    for (let at = 0; at < rounds.length; at += size) this.#run(callee, rounds.slice(at, at + size), place + at, ended);
  }

  #run(fn: FunctionOnWire, rounds: readonly (readonly unknown[])[], place: number, ended: CallEnded): void {
    const { transport, token } = insideOf(this.#proxy);
    // While the thread blocks for a result, nobody but itself takes answers from the connection.
    const unwatch = watch(() => connectionClient().drain());
    expect();
    const done = (error: unknown, outcomes?: unknown) => {
      unwatch();
      rounds.forEach((_, i) => {
        const [failed, value] = error === null ? ((outcomes as Outcome[])[i] as Outcome) : [true, error];
        ended(place + i, failed, value);
      });
      fulfil();
    };
    try {
      transport.callInto(token, "run", [fn, rounds], done);
    } catch (error) {
      if (!(error instanceof DataCloneError)) throw error;
      done(error);
    }
  }

  close(): void {
    callRemote(this.#proxy, "close", []).catch(() => {});
  }

  terminate(): void {
    callRemote(this.#proxy, "terminate", []).catch(() => {});
  }

  async ended(options: WaitOptions = {}): Promise<void> {
    await callRemote(this.#proxy, "join", [options]);
  }

  endedSync(options: TimeoutOptions = {}): void {
    callRemoteSync(this.#proxy, "join", [options]);
  }
}

class RemotePool extends PoolBase {}

const pools = new WeakMap<PoolProxy, RemotePool>();

function poolOf(proxy: PoolProxy): RemotePool {
  let pool = pools.get(proxy);
  if (pool === undefined) {
    pool = new RemotePool(new RemoteEngine(proxy), insideOf(proxy).token.name);
    pools.set(proxy, pool);
  }
  return pool;
}

/** Runs all calls by one request and blocks until they have ended. Throws the first error. */
function runSync(proxy: PoolProxy, fn: unknown, rounds: readonly (readonly unknown[])[]): unknown[] {
  const callee = new FunctionOnWire(referenceTo(fn as AnyFunction, "fn"));
  return (callRemoteSync(proxy, "run", [callee, rounds]) as Outcome[]).map(([failed, value]) => {
    if (failed) throw value;
    return value;
  });
}

/**
 * A pool of processes at a server. What it may run is what the server's manager lets clients run: see `BaseManager`.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { Manager } from "heddle/multiprocessing";
 *
 * function square(n: number) {
 *   return n * n;
 * }
 *
 * if (isMain) {
 *   await using manager = await Manager();
 *   const pool = await manager.Pool({ processes: 2 });
 *   console.log(await pool.map(square, [1, 2, 3])); // prints [ 1, 4, 9 ]
 *   console.log(await pool.apply(square, [4])); // prints 16
 *   await pool.close();
 *   await pool.join();
 * }
 * ```
 */
export class PoolProxy extends BaseProxy implements Named, Disposable, AsyncDisposable {
  /** Its name on the timeline. */
  get name(): string {
    return insideOf(this).token.name;
  }

  /** Calls `fn(...args)` in a worker. Rejects with what it threw. */
  apply<A extends unknown[], R>(fn: (...args: A) => R, ...args: ArgsParameter<A>): Promise<Awaited<R>> {
    return poolOf(this).apply(fn, ...args);
  }

  /** Blocking {@link apply}. */
  applySync<A extends unknown[], R>(fn: (...args: A) => R, ...args: ArgsParameter<A>): Awaited<R> {
    return runSync(this, fn, [[...requireIterable(args[0] ?? [], "args")]])[0] as Awaited<R>;
  }

  /** Calls `fn(...args)` in a worker and gives a handle on the result. */
  applyAsync<A extends unknown[], R>(
    fn: (...args: A) => R,
    ...rest: [...ArgsParameter<A>, options?: CallbackOptions<Awaited<R>>]
  ): AsyncResult<Awaited<R>> {
    const pool = poolOf(this) as unknown as { applyAsync(...all: unknown[]): AsyncResult<Awaited<R>> };
    return pool.applyAsync(fn, ...rest);
  }

  /** Calls `fn` with each item. When all have run, resolves with all results or rejects with the first error. */
  map<T, R>(fn: (item: T) => R, items: Iterable<T>, options?: ChunkOptions): Promise<Awaited<R>[]> {
    return poolOf(this).map(fn, items, options);
  }

  /** Blocking {@link map}. */
  mapSync<T, R>(fn: (item: T) => R, items: Iterable<T>, options?: ChunkOptions): Awaited<R>[] {
    checkOptions(options, CHUNK_OPTIONS);
    const rounds = Array.from(requireIterable(items, "items"), (item) => [item]);
    return runSync(this, fn, rounds) as Awaited<R>[];
  }

  /** {@link map}, with a handle on the results. */
  mapAsync<T, R>(
    fn: (item: T) => R,
    items: Iterable<T>,
    options?: ChunkOptions & CallbackOptions<Awaited<R>[]>,
  ): AsyncResult<Awaited<R>[]> {
    return poolOf(this).mapAsync(fn, items, options);
  }

  /** {@link map} for functions of several parameters: each item is the list of arguments. */
  starmap<A extends unknown[], R>(
    fn: (...args: A) => R,
    items: Iterable<Readonly<A>>,
    options?: ChunkOptions,
  ): Promise<Awaited<R>[]> {
    return poolOf(this).starmap(fn, items, options);
  }

  /** Blocking {@link starmap}. */
  starmapSync<A extends unknown[], R>(
    fn: (...args: A) => R,
    items: Iterable<Readonly<A>>,
    options?: ChunkOptions,
  ): Awaited<R>[] {
    checkOptions(options, CHUNK_OPTIONS);
    const rounds = Array.from(requireIterable(items, "items"), (item) => [...requireIterable(item, "each item")]);
    return runSync(this, fn, rounds) as Awaited<R>[];
  }

  /** {@link starmap}, with a handle on the results. */
  starmapAsync<A extends unknown[], R>(
    fn: (...args: A) => R,
    items: Iterable<Readonly<A>>,
    options?: ChunkOptions & CallbackOptions<Awaited<R>[]>,
  ): AsyncResult<Awaited<R>[]> {
    return poolOf(this).starmapAsync(fn, items, options);
  }

  /** Calls `fn` with each item and gives the results one by one, in order. After an error it can go on. */
  imap<T, R>(fn: (item: T) => R, items: Iterable<T>, options?: ChunkOptions): ResultIterator<Awaited<R>> {
    return poolOf(this).imap(fn, items, options);
  }

  /** {@link imap}, in the order in which the calls end. */
  imapUnordered<T, R>(fn: (item: T) => R, items: Iterable<T>, options?: ChunkOptions): ResultIterator<Awaited<R>> {
    return poolOf(this).imapUnordered(fn, items, options);
  }

  /** Accepts no more work, as a round trip; the workers end when what was accepted is done. */
  async close(): Promise<void> {
    await callRemote(this, "close", []);
  }

  /** Blocking {@link close}. */
  closeSync(): void {
    callRemoteSync(this, "close", []);
  }

  /** Ends the workers at once, as a round trip; results still open never come. */
  async terminate(): Promise<void> {
    await callRemote(this, "terminate", []);
  }

  /** Blocking {@link terminate}. */
  terminateSync(): void {
    callRemoteSync(this, "terminate", []);
  }

  /** Waits for the workers to end, or for the timeout. Rejects with `RangeError` before `close` or `terminate`. */
  async join(options: WaitOptions = {}): Promise<void> {
    checkOptions(options, WAIT_OPTIONS);
    await callRemote(this, "join", [options]);
  }

  /** Blocking {@link join}. */
  joinSync(options: TimeoutOptions = {}): void {
    checkBlockingOptions(options);
    callRemoteSync(this, "join", [options]);
  }

  /** The end of `using`: `terminateSync()`. */
  [Symbol.dispose](): void {
    this.terminateSync();
  }

  /** The end of `await using`: `terminate()`, then `join()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.terminate();
    await this.join();
  }
}
registerProxyClass("PoolProxy", PoolProxy);
