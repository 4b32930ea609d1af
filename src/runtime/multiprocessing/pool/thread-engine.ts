/** The engine of a pool of threads: a `ThreadPool` of `futures`. Chunks do not matter to it, as nothing is copied twice. */
import { DataCloneError } from "../../core/errors.js";
import type { TimeoutOptions, WaitOptions } from "../../core/types.js";
import type { TaskSink, ThreadPool } from "../../futures/thread-pool.js";
import { TicketRuns } from "../../futures/ticket-runs.js";
import type { AnyFunction, CallEnded, Items, PoolEngine } from "./pool-engine.js";

class Calls implements TaskSink {
  readonly tickets = new TicketRuns();
  readonly #ended: CallEnded;

  constructor(ended: CallEnded) {
    this.#ended = ended;
  }

  settle(ticket: number, failed: boolean, value: unknown): void {
    this.#ended(this.tickets.placeOf(ticket), failed, value);
  }
}

export class ThreadEngine implements PoolEngine {
  readonly #pool: ThreadPool;
  readonly workers: number;

  constructor(pool: ThreadPool, workers: number) {
    this.#pool = pool;
    this.workers = workers;
  }

  call(fn: AnyFunction, { list, spread }: Items, place: number, _chunk: number, ended: CallEnded): void {
    const callee = this.#pool.functionFor(fn);
    const calls = new Calls(ended);
    list.forEach((item, i) => {
      try {
        const args = spread ? (item as unknown[]) : [item];
        calls.tickets.add(this.#pool.push(callee, args, calls), place + i);
      } catch (error) {
        if (!(error instanceof DataCloneError)) throw error;
        ended(place + i, true, error);
      }
    });
  }

  close(): void {
    this.#pool.beginShutdown(false);
  }

  terminate(): void {
    this.#pool.terminate();
  }

  ended(options?: WaitOptions): Promise<void> {
    return this.#pool.ended(options);
  }

  endedSync(options?: TimeoutOptions): void {
    this.#pool.endedSync(options);
  }
}
