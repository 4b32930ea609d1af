/** A lock between the threads of a process, without an owner: any thread may release it. */
import { type HeapHandle, registerHeapObject } from "../core/heap-object.js";
import { threads } from "../core/realm.js";
import type { NameOptions } from "../types.js";
import { LockBase, lockKind } from "./lock-base.js";

const LOCK = lockKind(threads);

/**
 * A lock without an owner: any thread may release it, and taking it twice waits.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { Lock, Thread } from "heddle/threading";
 *
 * function deposit(lock: Lock, balance: Int32Array, times: number) {
 *   for (let i = 0; i < times; i++) {
 *     using _held = lock.holdSync(); // or: await lock.hold()
 *     balance[0]! += 1;
 *   } // given back here, also when something throws
 * }
 *
 * if (isMain) {
 *   const lock = new Lock({ name: "balance" });
 *   const balance = new Int32Array(new SharedArrayBuffer(4));
 *   const tellers = [1, 2].map(() => new Thread({ target: deposit, args: [lock, balance, 1000] }));
 *   for (const teller of tellers) teller.start();
 *   for (const teller of tellers) await teller.join();
 *   console.log(balance[0]); // prints 2000
 * }
 * ```
 */
export class Lock extends LockBase {
  constructor(options?: NameOptions, handle?: HeapHandle) {
    super(LOCK, options, handle);
  }
}

registerHeapObject(LOCK, Lock, (handle) => new Lock(undefined, handle));
