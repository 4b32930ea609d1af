/** `concurrent.futures.ThreadPoolExecutor`: the face of a {@link ThreadPool}. */
import { availableParallelism } from "node:os";
import { callSite, recording, recordObject } from "../../recorder/emit.js";
import { ObjectKind } from "../../trace/events.js";
import {
  checkInitArgs,
  checkInitializer,
  checkName,
  checkOptions,
  knownOptions,
  positive,
} from "../core/check-options.js";
import { referenceTo } from "../core/function-reference.js";
import { encode } from "../core/structured-clone.js";
import type { InitializerOptions, NameOptions } from "../core/types.js";
import { Executor, SHUTDOWN_OPTIONS, type ShutdownOptions } from "./executor.js";
import type { Future } from "./future.js";
import { type MapOptions, type MapSequence, mapCalls } from "./map-results.js";
import { ThreadMapCalls } from "./thread-map-calls.js";
import { ThreadPool } from "./thread-pool.js";

const EXECUTOR_OPTIONS = knownOptions(
  "{ maxWorkers: 4 }",
  "maxWorkers",
  "threadNamePrefix",
  "initializer",
  "initArgs",
  "name",
);

export type ThreadPoolExecutorOptions<I extends unknown[]> = NameOptions & {
  /** The most threads, by default the processors plus 4 and at most 32. Below 1 is a `RangeError`. */
  maxWorkers?: number | undefined;
  /** The beginning of the threads' names. */
  threadNamePrefix?: string | undefined;
} & InitializerOptions<I>;

let made = 0;

/** An executor that nobody has any more ends its threads when they are done. */
const forgotten = new FinalizationRegistry<ThreadPool>((pool) => pool.beginShutdown(false));

/**
 * Runs calls in threads, which start on demand and are used again.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { ThreadPoolExecutor } from "heddle/futures";
 *
 * function square(n: number) {
 *   return n * n;
 * }
 *
 * if (isMain) {
 *   await using pool = new ThreadPoolExecutor({ maxWorkers: 2 });
 *   const future = pool.submit(square, 7);
 *   console.log(await future); // prints 49
 *   for await (const result of pool.map(square, [1, 2, 3])) console.log(result);
 *   // prints 1
 *   // prints 4
 *   // prints 9
 * } // waits for what is still under way
 * ```
 */
export class ThreadPoolExecutor<I extends unknown[] = []> extends Executor {
  readonly #pool: ThreadPool;

  /**
   * Makes a pool without starting a thread. Throws `RangeError` for less than one worker, `TypeError` for options of the
   * wrong kind and `DataCloneError` if the initializer or its arguments cannot cross.
   */
  constructor(options?: ThreadPoolExecutorOptions<I>) {
    super();
    checkOptions(options, EXECUTOR_OPTIONS);
    const { name, maxWorkers, threadNamePrefix, initializer, initArgs } = (options ?? {}) as ThreadPoolExecutorOptions<
      unknown[]
    >;
    const workers = positive(maxWorkers, "maxWorkers", Math.min(32, availableParallelism() + 4));
    checkName(name ?? undefined);
    checkInitializer(initializer);
    this.#pool = new ThreadPool({
      maxWorkers: workers,
      prefix: threadNamePrefix || `ThreadPoolExecutor-${made++}`,
      initializer: initializer ? referenceTo(initializer, "initializer") : null,
      initArgs: encode(checkInitArgs(initArgs), { path: "initArgs" }),
    });
    if (recording) {
      const capacity = Number.isFinite(workers) ? workers : 0;
      recordObject(this.#pool.number, ObjectKind.ThreadPoolExecutor, name ?? "", callSite(), capacity);
    }
    forgotten.register(this, this.#pool);
  }

  /**
   * Queues a call; a thread is started if none is idle and there may be more. Throws `RuntimeError` after `shutdown` and
   * while the script is still being imported, `BrokenThreadPool` after the failure of a thread, `DataCloneError` if the
   * function or its arguments cannot cross.
   */
  submit<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Future<Awaited<R>> {
    return this.#pool.submit(fn as (...args: never[]) => unknown, args) as Future<Awaited<R>>;
  }

  override [mapCalls](
    fn: (...items: unknown[]) => unknown,
    iterables: readonly Iterable<unknown>[],
    options: MapOptions,
  ): MapSequence {
    return new ThreadMapCalls(this, this.#pool, fn, iterables, options);
  }

  /** Stops accepting work and waits for what was accepted. May be repeated. */
  async shutdown(options: ShutdownOptions = {}): Promise<void> {
    checkOptions(options, SHUTDOWN_OPTIONS);
    this.#pool.beginShutdown(options.cancelFutures ?? false);
    if (options.wait ?? true) await this.#pool.ended();
  }

  /** Blocking {@link shutdown}. */
  shutdownSync(options: ShutdownOptions = {}): void {
    checkOptions(options, SHUTDOWN_OPTIONS);
    this.#pool.beginShutdown(options.cancelFutures ?? false);
    if (options.wait ?? true) this.#pool.endedSync();
  }
}
