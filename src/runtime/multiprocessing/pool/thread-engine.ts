/** The engine of a pool of threads: a `ThreadPool` of `futures`. Chunks do not matter to it, as nothing is copied twice. */
import { DataCloneError } from "../../core/errors.js";
import type { TaskSink, ThreadPool } from "../../futures/thread-pool.js";
import { TicketRuns } from "../../futures/ticket-runs.js";
import { type AnyFunction, type CallEnded, type Items, WorkersEngine } from "./pool-engine.js";

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

export class ThreadEngine extends WorkersEngine<ThreadPool> {
  call(fn: AnyFunction, { list, spread }: Items, place: number, _chunk: number, ended: CallEnded): void {
    const callee = this.pool.functionFor(fn);
    const calls = new Calls(ended);
    list.forEach((item, i) => {
      try {
        const args = spread ? (item as unknown[]) : [item];
        calls.tickets.add(this.pool.push(callee, args, calls), place + i);
      } catch (error) {
        if (!(error instanceof DataCloneError)) throw error;
        ended(place + i, true, error);
      }
    });
  }
}
