/**
 * A pool of processes, children of the server. A client hands in whole rounds of calls, and gets what came of each; how
 * they are put into chunks and in order is its own affair (`../pool-proxy.ts`).
 */
import type { TimeoutOptions } from "../../../types.js";
import { Pool, type PoolOptions } from "../../pool/pool.js";
import type { Caller } from "../caller.js";
import { Managed } from "./managed.js";

/** What came of a call. */
export type Outcome = readonly [failed: boolean, value: unknown];

export class ManagedPool extends Managed {
  static override readonly exposed: readonly string[] = ["run", "close", "terminate", "join"];
  readonly #pool: Pool<unknown[]>;

  constructor(options: PoolOptions<unknown[]>) {
    super();
    this.#pool = new Pool(options);
  }

  /** Calls `fn` with each of some lists of arguments. Resolves when all calls have ended. */
  run(_: Caller, fn: (...args: unknown[]) => unknown, rounds: readonly (readonly unknown[])[]): Promise<Outcome[]> {
    const results = rounds.map((args) => this.#pool.applyAsync(fn, [...args]));
    return Promise.all(
      results.map((result) =>
        result.get().then(
          (value): Outcome => [false, value],
          (error): Outcome => [true, error],
        ),
      ),
    );
  }

  close(): void {
    this.#pool.close();
  }

  terminate(): void {
    this.#pool.terminate();
  }

  /** Resolves when it has ended, or after the timeout. */
  async join(caller: Caller, { timeout }: TimeoutOptions = {}): Promise<void> {
    await this.#pool.join({ timeout, signal: caller.signal });
  }

  override dropped(): void {
    this.#pool.terminate();
  }
}
