/** A place for threads to wait for news about what a lock guards. */
import { registerHeapObject } from "../core/heap-object.js";
import { threads } from "../core/realm.js";
import type { NameOptions } from "../types.js";
import { ConditionBase, type ConditionHandle, conditionKind, lockForCondition } from "./condition-base.js";
import { Lock } from "./lock.js";
import { RLock } from "./rlock.js";

const CONDITION = conditionKind(threads);
const LOCKS = {
  of: threads,
  isOne: (lock: unknown): lock is Lock | RLock => lock instanceof Lock || lock instanceof RLock,
  make: (options: NameOptions | undefined) => new RLock(options),
};

/**
 * A lock with a place to wait for news. Everything but `acquire` and `hold` needs the lock.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { Condition, Thread } from "heddle/threading";
 *
 * function cook(changed: Condition, dishes: Int32Array) {
 *   using _held = changed.holdSync();
 *   dishes[0] = 3;
 *   changed.notifyAll();
 * }
 *
 * if (isMain) {
 *   const changed = new Condition();
 *   const dishes = new Int32Array(new SharedArrayBuffer(4));
 *   const thread = new Thread({ target: cook, args: [changed, dishes] });
 *   {
 *     using _held = await changed.hold();
 *     thread.start();
 *     // Gives the lock away while it waits, and looks again whenever it is woken.
 *     await changed.waitFor(() => dishes[0]! > 0);
 *     console.log(`${dishes[0]} dishes`); // prints 3 dishes
 *   }
 *   await thread.join();
 * }
 * ```
 */
export class Condition extends ConditionBase<Lock | RLock> {
  /** `lock`: what it goes with, by default an RLock of its own. `TypeError` for anything but a Lock or RLock of threads. */
  constructor(lock?: Lock | RLock, options?: NameOptions, handle?: ConditionHandle) {
    super(CONDITION, handle === undefined ? lockForCondition(lock, options, LOCKS) : null, options, handle);
  }
}

registerHeapObject(CONDITION, Condition, (handle) => new Condition(undefined, undefined, handle as ConditionHandle));
