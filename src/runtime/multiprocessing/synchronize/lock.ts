/** A lock between processes, without an owner: any thread of any of them may release it. */
import { type HeapHandle, registerHeapObject } from "../../core/heap-object.js";
import { LockBase, lockKind } from "../../threading/lock-base.js";
import type { NameOptions } from "../../types.js";
import { processes } from "./processes.js";

const LOCK = lockKind(processes);

/**
 * A lock that processes share, without an owner: any thread of any process may release it, and taking it twice waits.
 *
 * Releasing it when nobody holds it is a `RangeError`. A negative timeout means zero. When the process that holds it is
 * killed, those who wait get a `RuntimeError` that names it.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { Lock, Process, RawValue } from "heddle/multiprocessing";
 *
 * function deposit(lock: Lock, balance: RawValue<"i">, times: number) {
 *   for (let i = 0; i < times; i++) {
 *     using _held = lock.holdSync(); // or: await lock.hold()
 *     balance.value += 1;
 *   } // given back here, also when something throws
 * }
 *
 * if (isMain) {
 *   const lock = new Lock({ name: "balance" });
 *   const balance = new RawValue("i");
 *   const tellers = [1, 2].map(() => new Process({ target: deposit, args: [lock, balance, 1000] }));
 *   for (const teller of tellers) teller.start();
 *   for (const teller of tellers) await teller.join();
 *   console.log(balance.value); // prints 2000
 * }
 * ```
 */
export class Lock extends LockBase {
  constructor(options?: NameOptions, handle?: HeapHandle) {
    super(LOCK, options, handle);
  }
}

registerHeapObject(LOCK, Lock, (handle) => new Lock(undefined, handle));
