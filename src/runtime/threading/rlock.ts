/** A lock between the threads of a process that its owner can take again. */
import { type HeapHandle, registerHeapObject } from "../core/heap-object.js";
import { threads } from "../core/realm.js";
import type { NameOptions } from "../types.js";
import { RLockBase, rlockKind } from "./rlock-base.js";

const RLOCK = rlockKind(threads);

/**
 * A lock that its owner can take again, and gives back as often.
 *
 * @example
 * ```ts
 * import { RLock } from "heddle/threading";
 *
 * const lock = new RLock();
 * let balance = 0;
 *
 * function deposit(amount: number) {
 *   using _held = lock.holdSync();
 *   balance += amount;
 * }
 *
 * function depositTwice(amount: number) {
 *   using _held = lock.holdSync();
 *   deposit(amount); // takes it once more; a Lock would wait here for ever
 *   deposit(amount);
 *   console.log(lock.depth()); // prints 1
 * }
 *
 * depositTwice(21);
 * console.log(balance, lock.locked()); // prints 42 false
 * ```
 */
export class RLock extends RLockBase {
  constructor(options?: NameOptions, handle?: HeapHandle) {
    super(RLOCK, options, handle);
  }
}

registerHeapObject(RLOCK, RLock, (handle) => new RLock(undefined, handle));
