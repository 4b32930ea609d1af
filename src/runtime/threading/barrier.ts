/** A meeting point of threads. */
import { registerHeapObject } from "../core/heap-object.js";
import { threads } from "../core/realm.js";
import type { BarrierOptions } from "../types.js";
import { BarrierBase, type BarrierHandle, barrierKind } from "./barrier-base.js";

const BARRIER = barrierKind(threads);

/**
 * A place where `parties` threads (or promises) wait for each other, round after round.
 *
 * The action crosses to other threads by reference with the barrier, since each of them may be the one that runs it.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { Barrier, Thread } from "heddle/threading";
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
 *   const start = new Barrier(3, { action: shoot }); // the action runs in one of the three
 *   const runners = [1, 2, 3].map(() => new Thread({ target: race, args: [start] }));
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
