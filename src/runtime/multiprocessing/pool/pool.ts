/** `multiprocessing.Pool`. */
import { callSite, recording, recordObject } from "../../../recorder/emit.js";
import { ObjectKind } from "../../../trace/events.js";
import {
  checkInitArgs,
  checkInitializer,
  checkName,
  checkOptions,
  type KnownOptions,
  knownOptions,
  positive,
} from "../../core/check-options.js";
import { referenceTo } from "../../core/function-reference.js";
import { encode } from "../../core/structured-clone.js";
import { ProcessPool } from "../process-pool.js";
import { PoolBase, workersOf } from "./pool-base.js";
import { ProcessEngine } from "./process-engine.js";
import type { ThreadPoolOptions } from "./thread-pool.js";

export const POOL_OPTIONS: KnownOptions = knownOptions(
  "{ processes: 4 }",
  "processes",
  "maxTasksPerChild",
  "initializer",
  "initArgs",
  "name",
);

export type PoolOptions<I extends unknown[]> = ThreadPoolOptions<I> & {
  /** After how many tasks a worker is replaced; never by default. Below 1 is a `RangeError`. */
  maxTasksPerChild?: number | undefined;
};

let made = 0;

/** A pool that nobody has any more ends its processes when they are done. */
const forgotten = new FinalizationRegistry<ProcessPool>((pool) => pool.beginShutdown(false));

/**
 * A fixed number of processes that take calls.
 *
 * They start with the pool and are daemons: they end with the program, and can have no child processes themselves. A
 * process that dies is replaced. The calls it had (one call, or those of one chunk) fail with a `ProcessError` that has
 * its `pid`, `exitCode` and `signal`; all others are done by the others. (Python's pool never tells of such calls.)
 * When as many processes as the pool has, and at least three, end one after the other before they are ready, as when the
 * initializer throws, or when the script cannot be imported, the pool is broken: open and further calls fail with
 * `BrokenProcessPool`, whose `cause` is the error. (Python's would start processes for ever.)
 *
 * Calls travel in chunks, and chunks are what `maxTasksPerChild` counts. Numbers and short strings are packed, so a chunk
 * of a hundred thousand costs little more than its bytes.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { Pool } from "heddle/multiprocessing";
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
 *   await using pool = new Pool({ processes: 2 });
 *   console.log(await pool.apply(area, [6, 7])); // prints 42
 *   console.log(await pool.map(double, [1, 2, 3])); // prints [ 2, 4, 6 ]
 *   console.log(pool.starmapSync(area, [[1, 2], [3, 4]])); // prints [ 2, 12 ]
 *   for await (const n of pool.imap(double, [5, 6], { chunkSize: 2 })) console.log(n);
 *   // prints 10
 *   // prints 12
 *   const handle = pool.applyAsync(double, [50], { callback: (n) => console.log(`called back: ${n}`) });
 *   await handle.wait(); // prints called back: 100
 * } // terminated here
 * ```
 *
 * @example
 * A process that dies takes the call that it had with it, and no other.
 * ```ts
 * import { isMain } from "heddle";
 * import { Pool, ProcessError } from "heddle/multiprocessing";
 *
 * function careful(n: number) {
 *   if (n === 3) process.kill(process.pid, "SIGKILL");
 *   return n * n;
 * }
 *
 * if (isMain) {
 *   using pool = new Pool({ processes: 2 });
 *   const results = pool.imap(careful, [1, 2, 3, 4]);
 *   for (let i = 0; i < 4; i++) {
 *     try {
 *       console.log((await results.next()).value);
 *     } catch (error) {
 *       console.log(error instanceof ProcessError && /SIGKILL.* the call of careful/.test(error.message));
 *     }
 *   }
 *   // prints 1
 *   // prints 4
 *   // prints true
 *   // prints 16
 * }
 * ```
 */
export class Pool<I extends unknown[] = []> extends PoolBase {
  /**
   * Starts the processes. Throws `RangeError` for less than one, `TypeError` for options of the wrong kind,
   * `DataCloneError` if the initializer or its arguments cannot cross, `RuntimeError` in a daemon and while the script
   * is imported.
   */
  constructor(options?: PoolOptions<I>) {
    checkOptions(options, POOL_OPTIONS);
    const given = (options ?? {}) as PoolOptions<unknown[]>;
    const processes = workersOf(given);
    const { initializer, initArgs } = given;
    checkName(given.name ?? undefined);
    checkInitializer(initializer);
    const name = given.name ?? `Pool-${++made}`;
    const pool = new ProcessPool({
      name,
      maxWorkers: processes,
      maxTasksPerChild: positive(given.maxTasksPerChild, "maxTasksPerChild", Number.POSITIVE_INFINITY),
      replaces: true,
      initializer: initializer ? referenceTo(initializer, "initializer") : null,
      initArgs: encode(checkInitArgs(initArgs), { crossing: "process", path: "initArgs" }),
    });
    super(new ProcessEngine(pool, processes), name);
    if (recording) recordObject(pool.poolNumber, ObjectKind.Pool, given.name ?? "", callSite(), processes);
    pool.start();
    forgotten.register(this, pool);
  }
}
