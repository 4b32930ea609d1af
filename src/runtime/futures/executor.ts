/** The base of all executors: `map` and the ends of `using` blocks over `submit` and `shutdown`. */
import { type KnownOptions, knownOptions } from "../core/check-options.js";
import { checkCallable } from "../core/crossing-refusal.js";
import { DataCloneError } from "../core/errors.js";
import { type Handle, toHandle } from "../core/handles.js";
import { isIterable } from "../core/iterable.js";
import type { Future } from "./future.js";
import { MapCalls, type MapOptions, type MapResults, type MapSequence, mapCalls } from "./map-results.js";

export { submitChunk } from "./map-results.js";

/** One iterable for each parameter. */
export type Iterables<A extends unknown[]> = { [K in keyof A]: Iterable<A[K]> };

export interface ShutdownOptions {
  /** False not to wait for the tasks that are queued or running; they end all the same. */
  wait?: boolean | undefined;
  /** True to cancel the tasks that have not begun. */
  cancelFutures?: boolean | undefined;
}

/**
 * Runs functions somewhere else. An engine of one's own extends this class with `submit`, `shutdown` and
 * `shutdownSync`; the rest is built on them.
 *
 * @example
 * ```ts
 * import { Executor, Future } from "heddle/futures";
 *
 * // Runs every call here and at once: for tests and for debugging.
 * class Inline extends Executor {
 *   override submit<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Future<Awaited<R>> {
 *     const future = new Future<Awaited<R>>();
 *     future.setRunningOrNotifyCancel();
 *     try {
 *       future.setResult(fn(...args) as Awaited<R>);
 *     } catch (error) {
 *       future.setException(error);
 *     }
 *     return future;
 *   }
 *   override async shutdown() {}
 *   override shutdownSync() {}
 * }
 *
 * await using inline = new Inline();
 * console.log(await inline.map((n: number) => n * n, [1, 2, 3])); // prints [ 1, 4, 9 ]
 * ```
 */
export abstract class Executor implements Disposable, AsyncDisposable {
  /** Queues a call. Throws `RuntimeError` after `shutdown`, `BrokenExecutor` or `DataCloneError`. */
  abstract submit<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Future<Awaited<R>>;

  /** Stops accepting work and waits for what was accepted. May be repeated. */
  abstract shutdown(options?: ShutdownOptions): Promise<void>;

  /** Blocking {@link shutdown}. */
  abstract shutdownSync(options?: ShutdownOptions): void;

  /** Queues a call for each item, now, and gives the results in order. */
  map<T, R>(fn: (item: T) => R, items: Iterable<T>, options?: MapOptions): MapResults<Awaited<R>>;
  /** Queues a call for each round of items, one from each iterable, until the shortest ends. */
  map<A extends unknown[], R>(
    fn: (...items: A) => R,
    ...iterables: [...Iterables<A>, options?: MapOptions]
  ): MapResults<Awaited<R>>;
  map(fn: (...items: unknown[]) => unknown, ...rest: unknown[]): MapResults<unknown> {
    checkCallable(fn, "fn");
    const { iterables, options } = split(rest);
    return this[mapCalls](fn, iterables, options);
  }

  /** How `map` hands in its calls; an executor that has a better way than a future for each overrides it. */
  [mapCalls](
    fn: (...items: unknown[]) => unknown,
    iterables: readonly Iterable<unknown>[],
    options: MapOptions,
  ): MapSequence {
    return new MapCalls(this, fn, iterables, options);
  }

  /** Blocking {@link map}, until all results are there. */
  mapSync<T, R>(fn: (item: T) => R, items: Iterable<T>, options?: MapOptions): Awaited<R>[];
  /** Blocking {@link map}, until all results are there. */
  mapSync<A extends unknown[], R>(
    fn: (...items: A) => R,
    ...iterables: [...Iterables<A>, options?: MapOptions]
  ): Awaited<R>[];
  mapSync(fn: (...items: unknown[]) => unknown, ...rest: unknown[]): unknown[] {
    checkCallable(fn, "fn");
    const { iterables, options } = split(rest);
    return this[mapCalls](fn, iterables, options).allSync();
  }

  /** It does not cross: its futures belong to the thread that made it. */
  [toHandle](): Handle {
    throw new DataCloneError("an executor belongs to the thread that made it; make one where it is used");
  }

  /** The end of `using`: `shutdownSync()`. */
  [Symbol.dispose](): void {
    this.shutdownSync();
  }

  /** The end of `await using`: `shutdown()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }
}

/** What {@link ShutdownOptions} has. */
export const SHUTDOWN_OPTIONS: KnownOptions = knownOptions("{ wait: false }", "wait", "cancelFutures");

/** The options stand last and are no iterable. */
function split(rest: unknown[]): { iterables: Iterable<unknown>[]; options: MapOptions } {
  const iterables = [...rest];
  const last = iterables.at(-1);
  let options: MapOptions = {};
  if (iterables.length > 0 && !isIterable(last) && !isAsyncIterable(last)) {
    if (last !== undefined && last !== null && typeof last !== "object") {
      throw new TypeError(`map takes iterables and options, not ${typeof last}`);
    }
    options = (last as MapOptions | null | undefined) ?? {};
    iterables.pop();
  }
  if (iterables.length === 0) throw new TypeError("map takes at least one iterable");
  for (const [i, iterable] of iterables.entries()) {
    if (isIterable(iterable)) continue;
    const what = isAsyncIterable(iterable) ? "can only be read asynchronously; collect it first" : "is not iterable";
    throw new TypeError(`map: argument ${i + 2} ${what}`);
  }
  return { iterables: iterables as Iterable<unknown>[], options };
}

/** A generator that was declared `async`, a stream: the calls are handed in without waiting. */
function isAsyncIterable(value: unknown): boolean {
  return typeof (value as AsyncIterable<unknown> | null | undefined)?.[Symbol.asyncIterator] === "function";
}
