/** `concurrent.futures.ProcessPoolExecutor`: the face of a {@link ProcessPool}. */
import { availableParallelism } from "node:os";
import { callSite, recordObject } from "../../recorder/emit.js";
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
import { ProcessPool } from "../multiprocessing/process-pool.js";
import { Executor, SHUTDOWN_OPTIONS, type ShutdownOptions } from "./executor.js";
import type { Future } from "./future.js";
import { submitChunk } from "./map-results.js";

const EXECUTOR_OPTIONS = knownOptions(
  "{ maxWorkers: 4 }",
  "maxWorkers",
  "maxTasksPerChild",
  "initializer",
  "initArgs",
  "name",
);

export type ProcessPoolExecutorOptions<I extends unknown[]> = NameOptions & {
  /** The most processes, by default the processors. Below 1 is a `RangeError`. */
  maxWorkers?: number | undefined;
  /** After how many tasks a process is replaced; never by default. Below 1 is a `RangeError`. */
  maxTasksPerChild?: number | undefined;
} & InitializerOptions<I>;

type AnyFunction = (...args: never[]) => unknown;

let made = 0;

/** An executor that nobody has any more ends its processes when they are done. */
const forgotten = new FinalizationRegistry<ProcessPool>((pool) => pool.beginShutdown(false));

/**
 * Runs calls in processes. The death of one breaks it: all open futures fail with `BrokenProcessPool`.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { ProcessPoolExecutor } from "heddle/futures";
 *
 * function sum(from: number, to: number) {
 *   let total = 0;
 *   for (let n = from; n < to; n++) total += n;
 *   return total;
 * }
 *
 * if (isMain) {
 *   await using pool = new ProcessPoolExecutor({ maxWorkers: 2 });
 *   const halves = await pool.map(sum, [0, 500_000], [500_000, 1_000_000]);
 *   console.log(halves[0]! + halves[1]!); // prints 499999500000
 * }
 * ```
 */
export class ProcessPoolExecutor<I extends unknown[] = []> extends Executor {
  readonly #pool: ProcessPool;

  /**
   * Makes a pool; its processes start on demand. Throws `RangeError` for counts below 1, `TypeError` for options of the
   * wrong kind and `DataCloneError` if the initializer or its arguments cannot cross.
   */
  constructor(options: ProcessPoolExecutorOptions<I> = {} as ProcessPoolExecutorOptions<I>) {
    super();
    checkOptions(options, EXECUTOR_OPTIONS);
    const { name, maxWorkers, maxTasksPerChild, initializer, initArgs } = options as ProcessPoolExecutorOptions<
      unknown[]
    >;
    const workers = positive(maxWorkers, "maxWorkers", availableParallelism());
    checkName(name ?? undefined);
    checkInitializer(initializer);
    this.#pool = new ProcessPool({
      name: name ?? `ProcessPoolExecutor-${made++}`,
      maxWorkers: workers,
      maxTasksPerChild: positive(maxTasksPerChild, "maxTasksPerChild", Number.POSITIVE_INFINITY),
      replaces: false,
      initializer: initializer ? referenceTo(initializer, "initializer") : null,
      initArgs: encode(checkInitArgs(initArgs), { crossing: "process", path: "initArgs" }),
    });
    recordObject(this.#pool.poolNumber, ObjectKind.ProcessPoolExecutor, name ?? "", callSite(), workers);
    forgotten.register(this, this.#pool);
  }

  /**
   * Queues a call. Throws `RuntimeError` after `shutdown` and while the script is still being imported,
   * `BrokenProcessPool` after the death of a worker, `DataCloneError` if the function or its arguments cannot cross.
   */
  submit<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Future<Awaited<R>> {
    return this.#pool.submit(this.#pool.functionFor(checked(fn)), args) as Future<Awaited<R>>;
  }

  /** Queues several calls that travel together; the future's value is the array of their values. */
  [submitChunk](fn: (...items: unknown[]) => unknown, rounds: unknown[][]): Future<unknown[]> {
    return this.#pool.submitTogether(this.#pool.functionFor(checked(fn)), rounds);
  }

  /** Stops accepting work and waits for what was accepted and for the processes to end. May be repeated. */
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

function checked(fn: unknown): AnyFunction {
  if (typeof fn !== "function") throw new TypeError("submit takes a function");
  return fn as AnyFunction;
}
