/** A number of permits between the threads of a process: any thread may give one back. */
import { ObjectKind } from "../../trace/events.js";
import { AcquirableBase, acquireTimeout } from "../core/acquirable.js";
import { describe } from "../core/describe-value.js";
import { type Crossing, type Handle, toHandle } from "../core/handles.js";
import { words } from "../core/heap.js";
import { type HeapHandle, type HeapKind, HeapObject, registerHeapObject } from "../core/heap-object.js";
import { MAX_PERMITS, PERMITS_WORDS, Permits } from "../core/permits.js";
import type { AcquireOptions, AcquireSyncOptions, NameOptions, SemaphoreLike } from "../types.js";

const SEMAPHORE: HeapKind = { name: "Semaphore", kind: ObjectKind.Semaphore, words: PERMITS_WORDS };
const BOUNDED: HeapKind = { name: "BoundedSemaphore", kind: ObjectKind.BoundedSemaphore, words: PERMITS_WORDS };

/** Throws `TypeError` for what is no number, `RangeError` for one that is not whole, or below `least`. */
function checkCount(n: number, what: string, least: number): number {
  if (typeof n !== "number") throw new TypeError(`${what} must be a number, not ${describe(n)}`);
  if (!Number.isInteger(n) || n < least) throw new RangeError(`${what} must be a whole number >= ${least}, not ${n}`);
  if (n > MAX_PERMITS) throw new RangeError(`${what} must be at most ${MAX_PERMITS}`);
  return n;
}

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
export class Semaphore extends AcquirableBase implements SemaphoreLike {
  #self: HeapObject;
  #permits: Permits;

  /** `value`: how many permits it begins with. Less than 0 is a `RangeError`. */
  constructor(value = 1, options?: NameOptions, handle?: HeapHandle) {
    super();
    const bounded = this instanceof BoundedSemaphore;
    if (handle === undefined) checkCount(value, "the initial value", 0);
    this.#self = new HeapObject(bounded ? BOUNDED : SEMAPHORE, this, options?.name, handle, value);
    this.#permits = new Permits(words, this.#self.index, this.#self.object);
    if (handle === undefined) this.#permits.begin(value, bounded ? value : null);
  }

  get name(): string {
    return this.#self.name;
  }

  /** Takes a permit, or resolves with false if time is up. Rejects with the signal's reason; `RangeError` for a bad timeout. */
  acquire(options?: AcquireOptions): Promise<boolean> {
    let timeout: number;
    try {
      timeout = acquireTimeout(options);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#permits.acquire(timeout, options?.signal);
  }

  /** Blocking {@link acquire}. */
  acquireSync(options?: AcquireSyncOptions): boolean {
    const timeout = acquireTimeout(options);
    return timeout === 0 ? this.#permits.tryAcquire() : this.#permits.acquireSync(timeout);
  }

  /** Gives back `n` permits, 1 by default, or throws `RangeError`: for less than 1, or too many if it is bounded. */
  release(n = 1): void {
    checkCount(n, "the number of permits", 1);
    if (!this.#permits.release(n)) throw new RangeError(`${this.name} released too many times`);
  }

  /** True while no permit is left. */
  locked(): boolean {
    return this.#permits.value === 0;
  }

  /** The permits left. */
  getValue(): number {
    return this.#permits.value;
  }

  /** How it crosses to another thread. */
  [toHandle](crossing: Crossing): Handle {
    return this.#self.toHandle(this, crossing);
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

registerHeapObject(SEMAPHORE, (handle) => new Semaphore(0, undefined, handle));
registerHeapObject(BOUNDED, (handle) => new BoundedSemaphore(0, undefined, handle));
