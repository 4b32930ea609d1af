/**
 * A pool of processes, children of the server. A client hands in whole rounds of calls, and gets what came of each; how
 * they are put into chunks and in order is its own affair (`../pool-proxy.ts`).
 */
import { availableParallelism } from "node:os";
import { RuntimeError } from "../../../core/errors.js";
import { ProcessPoolExecutor } from "../../../futures/process-pool-executor.js";
import type { TimeoutOptions } from "../../../types.js";
import type { Caller } from "../caller.js";
import { Managed } from "./managed.js";

/** What came of a call. */
export type Outcome = readonly [failed: boolean, value: unknown];

interface Options {
  readonly processes?: number;
  readonly maxTasksPerChild?: number;
  readonly initializer?: (...args: unknown[]) => unknown;
  readonly initArgs?: readonly unknown[];
}

export class ManagedPool extends Managed {
  static override readonly exposed: readonly string[] = ["run", "close", "terminate", "join"];
  readonly #workers: ProcessPoolExecutor;
  #state: "running" | "closed" | "terminated" = "running";
  #ended: Promise<void> | null = null;

  constructor({ processes = availableParallelism(), maxTasksPerChild, initializer, initArgs }: Options) {
    super();
    if (typeof processes !== "number") throw new TypeError("processes must be a number");
    if (!(processes >= 1)) throw new RangeError("Number of processes must be at least 1");
    this.#workers = new ProcessPoolExecutor({
      maxWorkers: processes,
      ...(maxTasksPerChild === undefined ? {} : { maxTasksPerChild }),
      ...(initializer === undefined ? {} : { initializer, initArgs: [...(initArgs ?? [])] }),
    } as ConstructorParameters<typeof ProcessPoolExecutor>[0]);
  }

  /** Calls `fn` with each of some lists of arguments. Resolves when all calls have ended. */
  run(_caller: Caller, fn: unknown, rounds: readonly (readonly unknown[])[]): Promise<Outcome[]> {
    if (this.#state !== "running") throw new RangeError("Pool not running");
    if (typeof fn !== "function") throw new TypeError("a pool calls a function");
    return Promise.all(
      rounds.map(async (args): Promise<Outcome> => {
        try {
          return [false, await this.#workers.submit(fn as (...args: unknown[]) => unknown, ...args)];
        } catch (error) {
          return [true, error];
        }
      }),
    );
  }

  close(): void {
    if (this.#state !== "running") return;
    this.#state = "closed";
    this.#ended = this.#workers.shutdown();
  }

  terminate(): void {
    if (this.#state === "terminated") return;
    this.#state = "terminated";
    this.#ended = this.#workers.shutdown({ cancelFutures: true });
  }

  /** Resolves with whether it has ended in time. */
  join(caller: Caller, { timeout }: TimeoutOptions = {}): Promise<void> {
    const ended = this.#ended;
    if (ended === null) throw new RangeError("Pool is still running");
    return new Promise((resolve, reject) => {
      const timer = timeout === undefined ? undefined : setTimeout(resolve, Math.max(0, timeout));
      caller.onCancel(() => {
        clearTimeout(timer);
        reject(new RuntimeError("cancelled"));
      });
      ended.then(() => {
        clearTimeout(timer);
        resolve();
      }, reject);
    });
  }

  override dropped(): void {
    this.terminate();
  }
}
