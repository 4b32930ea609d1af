/** A lock between processes that its owner, a thread or async context of one of them, can take again. */
import { type HeapHandle, registerHeapObject } from "../../core/heap-object.js";
import { RLockBase, rlockKind } from "../../threading/rlock-base.js";
import type { NameOptions } from "../../types.js";
import { processes } from "./processes.js";

const RLOCK = rlockKind(processes);

/**
 * A lock that processes share and that its owner can take again, and gives back as often. `owner` tells whose it is: the
 * process and the thread.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { Process, RLock } from "heddle/multiprocessing";
 *
 * function twice(lock: RLock) {
 *   using _outer = lock.holdSync();
 *   using _inner = lock.holdSync(); // a Lock would wait here for ever
 *   console.log(lock.depth(), lock.owner?.pid === process.pid); // prints 2 true
 * }
 *
 * if (isMain) {
 *   const lock = new RLock();
 *   const child = new Process({ target: twice, args: [lock] });
 *   child.start();
 *   await child.join();
 *   console.log(lock.owner); // prints null
 * }
 * ```
 */
export class RLock extends RLockBase {
  constructor(options?: NameOptions, handle?: HeapHandle) {
    super(RLOCK, options, handle);
  }
}

registerHeapObject(RLOCK, RLock, (handle) => new RLock(undefined, handle));
