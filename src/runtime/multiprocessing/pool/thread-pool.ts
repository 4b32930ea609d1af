/** `multiprocessing.pool.ThreadPool`: the face of processes' {@link PoolBase}, on threads. */
import { callSite, recording, recordObject } from "../../../recorder/emit.js";
import { ObjectKind } from "../../../trace/events.js";
import { checkInitArgs, checkInitializer, checkName, checkOptions, knownOptions } from "../../core/check-options.js";
import { referenceTo } from "../../core/function-reference.js";
import { encode } from "../../core/structured-clone.js";
import type { InitializerOptions, NameOptions } from "../../core/types.js";
import { ThreadPool as Threads } from "../../futures/thread-pool.js";
import { PoolBase, workersOf } from "./pool-base.js";
import { ThreadEngine } from "./thread-engine.js";

const POOL_OPTIONS = knownOptions("{ processes: 4 }", "processes", "initializer", "initArgs", "name");

export type ThreadPoolOptions<I extends unknown[]> = NameOptions & {
  /** The number of workers, by default the processors. Below 1 is a `RangeError`. */
  processes?: number | undefined;
} & InitializerOptions<I>;

let made = 0;

/** A pool that nobody has any more ends its threads when they are done. */
const forgotten = new FinalizationRegistry<Threads>((threads) => threads.beginShutdown(false));

/**
 * A fixed number of threads that take calls, with the face of `Pool`. Unlike Python's, whose threads cannot be ended,
 * `terminate` ends them at once, whatever they do. A thread that dies (`process.exit`, an error that nobody caught, out of
 * memory) is replaced; the call it ran, and no other, fails with a `RuntimeError`. When as many threads as the pool has,
 * and at least three, fail one after the other before they take a call, as when the initializer throws or the script
 * cannot be imported, the pool is broken: open and further calls fail with `BrokenThreadPool`, whose `cause` is the error.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { ThreadPool } from "heddle/multiprocessing";
 *
 * function area(width: number, height: number) {
 *   return width * height;
 * }
 *
 * function double(n: number) {
 *   return 2 * n;
 * }
 *
 * if (isMain) {
 *   using pool = new ThreadPool({ processes: 2 });
 *   console.log(await pool.apply(area, [6, 7])); // prints 42
 *   console.log(await pool.map(double, [1, 2, 3])); // prints [ 2, 4, 6 ]
 *   console.log(await pool.starmap(area, [[1, 2], [3, 4]])); // prints [ 2, 12 ]
 *   for await (const n of pool.imap(double, [5])) console.log(n); // prints 10
 * } // terminated here
 * ```
 */
export class ThreadPool<I extends unknown[] = []> extends PoolBase {
  /**
   * Starts the threads. Throws `RangeError` for less than one, `TypeError` for options of the wrong kind,
   * `DataCloneError` if the initializer or its arguments cannot cross, `RuntimeError` while the script is imported.
   */
  constructor(options?: ThreadPoolOptions<I>) {
    checkOptions(options, POOL_OPTIONS);
    const given = (options ?? {}) as ThreadPoolOptions<unknown[]>;
    const processes = workersOf(given);
    const { initializer, initArgs } = given;
    checkName(given.name ?? undefined);
    checkInitializer(initializer);
    const prefix = given.name ?? `ThreadPool-${++made}`;
    const threads = new Threads({
      maxWorkers: processes,
      prefix,
      replaces: true,
      initializer: initializer ? referenceTo(initializer, "initializer") : null,
      initArgs: encode(checkInitArgs(initArgs), { path: "initArgs" }),
    });
    super(new ThreadEngine(threads, processes), prefix);
    if (recording) recordObject(threads.number, ObjectKind.ThreadPool, given.name ?? "", callSite(), processes);
    threads.startAll();
    forgotten.register(this, threads);
  }
}
