/** A number of permits between the threads of a process: any thread may give one back. */
import { type HeapHandle, registerHeapObject } from "../core/heap-object.js";
import { threads } from "../core/realm.js";
import type { NameOptions } from "../types.js";
import { SemaphoreBase, semaphoreKind } from "./semaphore-base.js";

const SEMAPHORE = semaphoreKind(threads, false);
const BOUNDED = semaphoreKind(threads, true);

/**
 * A number of permits, 1 at first unless the value says otherwise, that may grow. `acquire` takes one, `release` gives
 * one or more back. Nobody knows who has them: what a thread has when it dies is not given back.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { Semaphore, Thread } from "heddle/threading";
 *
 * function eat(seats: Semaphore, guest: number) {
 *   using _seat = seats.holdSync(); // waits until one of the two is free
 *   console.log(`guest ${guest} eats`);
 *   // prints guest 1 eats
 *   // prints guest 2 eats
 *   // prints guest 3 eats
 * }
 *
 * if (isMain) {
 *   const seats = new Semaphore(2, { name: "seats" });
 *   const guests = [1, 2, 3].map((guest) => new Thread({ target: eat, args: [seats, guest] }));
 *   for (const guest of guests) guest.start();
 *   for (const guest of guests) await guest.join();
 *   console.log(seats.getValue()); // prints 2
 * }
 * ```
 */
export class Semaphore extends SemaphoreBase {
  /** `value`: how many permits it begins with. Less than 0 is a `RangeError`. */
  constructor(value = 1, options?: NameOptions, handle?: HeapHandle) {
    const bounded = new.target === BoundedSemaphore || new.target.prototype instanceof BoundedSemaphore;
    super(bounded ? BOUNDED : SEMAPHORE, value, options, handle);
  }
}

/**
 * A semaphore whose `release` never goes beyond the initial value, so that one too many is an error and not a permit.
 *
 * @example
 * ```ts
 * import { BoundedSemaphore } from "heddle/threading";
 *
 * const connections = new BoundedSemaphore(10);
 * await connections.acquire();
 * connections.release();
 * try {
 *   connections.release(); // nobody has one any more
 * } catch (error) {
 *   console.log((error as Error).name); // prints RangeError
 * }
 * ```
 */
export class BoundedSemaphore extends Semaphore {}

registerHeapObject(SEMAPHORE, Semaphore, (handle) => new Semaphore(0, undefined, handle));
registerHeapObject(BOUNDED, BoundedSemaphore, (handle) => new BoundedSemaphore(0, undefined, handle));
