/** What a semaphore is, of threads or of processes: `core/permits.ts` with a name and a handle. */
import { inspect } from "node:util";
import { ObjectKind } from "../../trace/events.js";
import { AcquirableBase } from "../core/acquirable.js";
import { checkOptions, NAME_OPTIONS, refuseSignal } from "../core/check-options.js";
import { describe } from "../core/describe-value.js";
import { type Crossing, type Handle, type Pins, toHandle } from "../core/handles.js";
import { type HeapHandle, type HeapKind, HeapObject } from "../core/heap-object.js";
import { MAX_PERMITS, PERMITS_WORDS, Permits } from "../core/permits.js";
import type { Realm } from "../core/realm.js";
import type { AcquireOptions, AcquireSyncOptions, NameOptions, SemaphoreLike } from "../types.js";

/** Semaphores among those of a realm. */
export const semaphoreKind = (realm: Realm, bounded: boolean): HeapKind => ({
  realm,
  name: bounded ? "BoundedSemaphore" : "Semaphore",
  kind: bounded ? ObjectKind.BoundedSemaphore : ObjectKind.Semaphore,
  words: PERMITS_WORDS,
});

/** Throws `TypeError` for what is no number, `RangeError` for one that is not whole, or below `least`. */
function checkCount(n: number, what: string, least: number): number {
  if (typeof n !== "number") throw new TypeError(`${what} must be a number, not ${describe(n)}`);
  if (!Number.isInteger(n) || n < least) throw new RangeError(`${what} must be a whole number >= ${least}, not ${n}`);
  if (n > MAX_PERMITS) throw new RangeError(`${what} must be at most ${MAX_PERMITS}`);
  return n;
}

export abstract class SemaphoreBase extends AcquirableBase implements SemaphoreLike {
  #self: HeapObject;
  #permits: Permits;
  #realm: Realm;

  constructor(of: HeapKind, value: number, options: NameOptions | undefined, handle: HeapHandle | undefined) {
    super();
    if (handle === undefined) checkCount(value, "the initial value", 0);
    checkOptions(options, NAME_OPTIONS);
    this.#self = new HeapObject(of, this, options?.name, handle, value);
    this.#permits = new Permits(this.#self);
    this.#realm = of.realm;
    if (handle === undefined) this.#permits.begin(value, of.kind === ObjectKind.BoundedSemaphore ? value : null);
  }

  get name(): string {
    return this.#self.name;
  }

  /** Takes a permit, or resolves with false if time is up. Rejects with the signal's reason; `RangeError` for a bad timeout. */
  acquire(options?: AcquireOptions): Promise<boolean> {
    let timeout: number;
    try {
      timeout = this.#realm.acquireTimeout(options);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#permits.acquire(timeout, options?.signal);
  }

  /** Blocking {@link acquire}. */
  acquireSync(options?: AcquireSyncOptions): boolean {
    refuseSignal(options);
    const timeout = this.#realm.acquireTimeout(options);
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

  [inspect.custom](): string {
    return `<${this.constructor.name} name='${this.name}' value=${this.getValue()}>`;
  }

  /** How it crosses. */
  [toHandle](crossing: Crossing, pins: Pins): Handle {
    return this.#self.toHandle(this, crossing, pins);
  }
}
