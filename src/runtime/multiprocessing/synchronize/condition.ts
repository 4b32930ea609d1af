/** A place for processes to wait for news about what a lock guards. */
import { registerHeapObject } from "../../core/heap-object.js";
import {
  ConditionBase,
  type ConditionHandle,
  conditionKind,
  lockForCondition,
} from "../../threading/condition-base.js";
import type { NameOptions } from "../../types.js";
import { Lock } from "./lock.js";
import { processes } from "./processes.js";
import { RLock } from "./rlock.js";

const CONDITION = conditionKind(processes);
const LOCKS = {
  of: processes,
  isOne: (lock: unknown): lock is Lock | RLock => lock instanceof Lock || lock instanceof RLock,
  make: (options: NameOptions | undefined) => new RLock(options),
};

/**
 * A lock that processes share, with a place to wait for news. Everything but `acquire` and `hold` needs the lock.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { Condition, Process, RawValue } from "heddle/multiprocessing";
 *
 * function cook(changed: Condition, dishes: RawValue<"i">) {
 *   using _held = changed.holdSync();
 *   dishes.value = 3;
 *   changed.notifyAll();
 * }
 *
 * if (isMain) {
 *   const changed = new Condition();
 *   const dishes = new RawValue("i");
 *   const child = new Process({ target: cook, args: [changed, dishes] });
 *   {
 *     using _held = await changed.hold();
 *     child.start();
 *     // Gives the lock away while it waits, and looks again whenever it is woken.
 *     await changed.waitFor(() => dishes.value > 0);
 *     console.log(`${dishes.value} dishes`); // prints 3 dishes
 *   }
 *   await child.join();
 * }
 * ```
 */
export class Condition extends ConditionBase<Lock | RLock> {
  /**
   * `lock`: what it goes with, by default an RLock of its own. `TypeError` for anything but a Lock or RLock of
   * processes.
   */
  constructor(lock?: Lock | RLock, options?: NameOptions, handle?: ConditionHandle) {
    super(CONDITION, handle === undefined ? lockForCondition(lock, options, LOCKS) : null, options, handle);
  }
}

registerHeapObject(CONDITION, Condition, (handle) => new Condition(undefined, undefined, handle as ConditionHandle));
