/** A meeting point of processes. */
import { registerHeapObject } from "../../core/heap-object.js";
import { BarrierBase, type BarrierHandle, barrierKind } from "../../threading/barrier-base.js";
import type { BarrierOptions } from "../../types.js";
import { processes } from "./processes.js";

const BARRIER = barrierKind(processes);

/**
 * A place where `parties` processes (or threads, or promises of them) wait for each other, round after round.
 *
 * The action crosses by reference with the barrier, since each process may be the one that runs it.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { Barrier, Process } from "heddle/multiprocessing";
 *
 * function shoot() {
 *   console.log("bang!"); // prints bang!
 * }
 *
 * function race(start: Barrier) {
 *   if (start.waitSync() === 0) console.log("all are off"); // prints all are off
 * }
 *
 * if (isMain) {
 *   const start = new Barrier(2, { action: shoot }); // the action runs in one of the two
 *   const runners = [1, 2].map(() => new Process({ target: race, args: [start] }));
 *   for (const runner of runners) runner.start();
 *   for (const runner of runners) await runner.join();
 * }
 * ```
 */
export class Barrier extends BarrierBase {
  /** `RangeError` for less than 1 party or a bad timeout. */
  constructor(parties: number, options?: BarrierOptions, handle?: BarrierHandle) {
    super(BARRIER, parties, options, handle);
  }
}

registerHeapObject(
  BARRIER,
  Barrier,
  (handle) => new Barrier((handle as BarrierHandle).parties, undefined, handle as BarrierHandle),
);
