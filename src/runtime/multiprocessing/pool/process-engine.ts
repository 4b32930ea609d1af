/** The engine of a pool of processes: a `ProcessPool`. */
import { DataCloneError } from "../../core/errors.js";
import type { PoolFunction } from "../pool-functions.js";
import type { ProcessPool } from "../process-pool.js";
import { type AnyFunction, type CallEnded, type Items, WorkersEngine } from "./pool-engine.js";

export class ProcessEngine extends WorkersEngine<ProcessPool> {
  call(fn: AnyFunction, { list, spread }: Items, place: number, chunk: number, ended: CallEnded): void {
    const callee = this.pool.functionFor(fn);
    for (let at = 0; at < list.length; at += chunk) {
      const part = list.length <= chunk ? list : list.slice(at, at + chunk);
      this.#callTogether(callee, part, spread, place + at, ended);
    }
  }

  #callTogether(fn: PoolFunction, list: readonly unknown[], spread: boolean, place: number, ended: CallEnded): void {
    try {
      this.pool.call(fn, list, spread, place, ended);
    } catch (error) {
      if (!(error instanceof DataCloneError)) throw error;
      if (list.length === 1) {
        ended(place, true, error);
        return;
      }
      // The others can do nothing for it: each goes alone.
      list.forEach((item, i) => {
        this.#callTogether(fn, [item], spread, place + i, ended);
      });
    }
  }
}
