/** What a lock without an owner is, of threads or of processes: `core/mutex.ts` with a name and a handle. */
import { inspect } from "node:util";
import { ObjectKind } from "../../trace/events.js";
import { AcquirableBase } from "../core/acquirable.js";
import { checkOptions, NAME_OPTIONS, refuseSignal } from "../core/check-options.js";
import { type Crossing, type Handle, type Pins, toHandle } from "../core/handles.js";
import { type HeapHandle, type HeapKind, HeapObject } from "../core/heap-object.js";
import { MUTEX_WORDS, Mutex } from "../core/mutex.js";
import type { Realm } from "../core/realm.js";
import type { AcquireOptions, AcquireSyncOptions, LockLike, NameOptions } from "../types.js";

/** Locks among those of a realm. */
export const lockKind = (realm: Realm): HeapKind => ({
  realm,
  name: "Lock",
  kind: ObjectKind.Lock,
  words: MUTEX_WORDS,
});

export abstract class LockBase extends AcquirableBase implements LockLike {
  #self: HeapObject;
  #mutex: Mutex;
  #realm: Realm;

  constructor(of: HeapKind, options: NameOptions | undefined, handle: HeapHandle | undefined) {
    super();
    checkOptions(options, NAME_OPTIONS);
    this.#self = new HeapObject(of, this, options?.name, handle);
    this.#mutex = new Mutex(this.#self, this.#self, false);
    this.#realm = of.realm;
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
      timeout = this.#realm.acquireTimeout(options);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#mutex.acquire(timeout, options.signal);
  }

  /** Blocking {@link acquire}. */
  acquireSync(options?: AcquireSyncOptions): boolean {
    if (options === undefined) return this.#mutex.acquireSync(Number.POSITIVE_INFINITY);
    refuseSignal(options);
    const timeout = this.#realm.acquireTimeout(options);
    return timeout === 0 ? this.#mutex.tryAcquire() : this.#mutex.acquireSync(timeout);
  }

  /** Gives it back. Throws `RuntimeError` if nobody holds it; between processes `RangeError`. */
  release(): void {
    if (!this.#mutex.release()) throw this.#realm.notHeld("lock");
  }

  /** True while anybody holds it. */
  locked(): boolean {
    return this.#mutex.held;
  }

  [inspect.custom](): string {
    return `<${this.constructor.name} name='${this.name}' ${this.locked() ? "locked" : "unlocked"}>`;
  }

  /** How it crosses. */
  [toHandle](crossing: Crossing, pins: Pins): Handle {
    return this.#self.toHandle(this, crossing, pins);
  }
}
