/** A lock between the threads of a process, without an owner: any thread may release it. */
import { ObjectKind } from "../../trace/events.js";
import { AcquirableBase, acquireTimeout } from "../core/acquirable.js";
import { RuntimeError } from "../core/errors.js";
import { type Crossing, type Handle, toHandle } from "../core/handles.js";
import { words } from "../core/heap.js";
import { type HeapHandle, type HeapKind, HeapObject, registerHeapObject } from "../core/heap-object.js";
import { MUTEX_WORDS, Mutex } from "../core/mutex.js";
import type { AcquireOptions, AcquireSyncOptions, LockLike, NameOptions } from "../types.js";

const LOCK: HeapKind = { name: "Lock", kind: ObjectKind.Lock, words: MUTEX_WORDS };

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
export class Lock extends AcquirableBase implements LockLike {
  #self: HeapObject;
  #mutex: Mutex;

  constructor(options?: NameOptions, handle?: HeapHandle) {
    super();
    this.#self = new HeapObject(LOCK, this, options?.name, handle);
    this.#mutex = new Mutex(words, this.#self.index, this.#self.object, this.#self, false);
  }

  get name(): string {
    return this.#self.name;
  }

  /**
   * Takes it, or resolves with false if time is up. Rejects with the signal's reason, `RangeError` for a bad timeout,
   * and `RuntimeError` when the thread that holds it is found dead.
   */
  acquire(options?: AcquireOptions): Promise<boolean> {
    if (options === undefined) return this.#mutex.acquire(Number.POSITIVE_INFINITY, undefined);
    let timeout: number;
    try {
      timeout = acquireTimeout(options);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#mutex.acquire(timeout, options.signal);
  }

  /** Blocking {@link acquire}. */
  acquireSync(options?: AcquireSyncOptions): boolean {
    const timeout = acquireTimeout(options);
    return timeout === 0 ? this.#mutex.tryAcquire() : this.#mutex.acquireSync(timeout);
  }

  /** Gives it back. Throws `RuntimeError` if nobody holds it. */
  release(): void {
    if (!this.#mutex.release()) throw new RuntimeError("release of a lock that is not held");
  }

  /** True while anybody holds it. */
  locked(): boolean {
    return this.#mutex.held;
  }

  /** How it crosses to another thread. */
  [toHandle](crossing: Crossing): Handle {
    return this.#self.toHandle(this, crossing);
  }
}

registerHeapObject(LOCK, (handle) => new Lock(undefined, handle));
