/** A lock between the threads of a process, without an owner: any thread may release it. */
import { callSite, newObjectNumber, recording, recordObject } from "../../recorder/emit.js";
import { ObjectKind } from "../../trace/events.js";
import { AcquirableBase, acquireTimeout } from "../core/acquirable.js";
import { DataCloneError, RuntimeError } from "../core/errors.js";
import { type Crossing, type Handle, HandleCache, registerHandle, toHandle } from "../core/handles.js";
import { allocate, free, words } from "../core/heap.js";
import { MUTEX_WORDS, Mutex } from "../core/mutex.js";
import { ObjectName } from "../core/object-name.js";
import type { AcquireOptions, AcquireSyncOptions, LockLike, NameOptions } from "../types.js";

interface LockHandle {
  readonly index: number;
  readonly object: number;
  readonly name: string;
}

const cache = new HandleCache<Lock>();
/** Gives the words of locks back that never left their thread. */
const registry = new FinalizationRegistry<number>((index) => free(index, MUTEX_WORDS));

export class Lock extends AcquirableBase implements LockLike {
  #index: number;
  #object: number;
  #mutex: Mutex;
  #name: ObjectName;
  #crossed = false;

  constructor(options?: NameOptions, handle?: LockHandle) {
    super();
    this.#name = new ObjectName(handle?.name ?? options?.name, "Lock");
    this.#index = handle?.index ?? allocate(MUTEX_WORDS);
    this.#object = handle?.object ?? newObjectNumber();
    this.#mutex = new Mutex(words, this.#index, this.#object);
    if (handle !== undefined) {
      this.#crossed = true;
      return;
    }
    registry.register(this, this.#index, this);
    if (recording) recordObject(this.#object, ObjectKind.Lock, options?.name ?? "", callSite(), 0);
  }

  get name(): string {
    return this.#name.toString();
  }

  /** Takes it, or resolves with false if time is up. Rejects with the signal's reason. `RangeError` for a bad timeout. */
  acquire(options?: AcquireOptions): Promise<boolean> {
    let timeout: number;
    try {
      timeout = acquireTimeout(options);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#mutex.acquire(timeout, options?.signal);
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
    if (crossing !== "thread") {
      throw new DataCloneError("a lock of threads cannot cross to another process; use multiprocessing.Lock");
    }
    if (!this.#crossed) {
      this.#crossed = true;
      registry.unregister(this);
      cache.set(this.#index, this);
    }
    const value: LockHandle = { index: this.#index, object: this.#object, name: this.name };
    return { tag: "Lock", value };
  }
}

registerHandle<LockHandle>("Lock", (handle) => {
  let lock = cache.get(handle.index);
  if (lock === undefined) {
    lock = new Lock(undefined, handle);
    cache.set(handle.index, lock);
  }
  return lock;
});
