/** A place to wait for news about what a lock guards. Why it loses and doubles none: `condition-line.ts`. */
import { callSite, emitAt, now, recording, threadNumber } from "../../recorder/emit.js";
import { EventFlag, EventKind, ObjectKind, SignalKind, WaitReason } from "../../trace/events.js";
import { AcquirableBase } from "../core/acquirable.js";
import { checkTimeout, deadlineIn } from "../core/deadline.js";
import { describe } from "../core/describe-value.js";
import { RuntimeError } from "../core/errors.js";
import { type Crossing, type Handle, toHandle } from "../core/handles.js";
import { type HeapHandle, type HeapKind, HeapObject, registerHeapObject } from "../core/heap-object.js";
import { beginWait, endWait } from "../core/wait-record.js";
import type {
  AcquireOptions,
  AcquireSyncOptions,
  ConditionLike,
  NameOptions,
  TimeoutOptions,
  WaitOptions,
} from "../types.js";
import { CONDITION_WORDS, ConditionLine } from "./condition-line.js";
import { Lock } from "./lock.js";
import { RLock, type RLockState, releaseSave, restore, restoreSync } from "./rlock.js";

const CONDITION: HeapKind = { name: "Condition", kind: ObjectKind.Condition, words: CONDITION_WORDS };

interface ConditionHandle extends HeapHandle {
  readonly lock: Lock | RLock;
}

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
export class Condition extends AcquirableBase implements ConditionLike {
  #self: HeapObject;
  #line: ConditionLine;
  #lock: Lock | RLock;

  /** `lock`: what it goes with, by default an RLock of its own. `TypeError` for anything but a Lock or RLock of threads. */
  constructor(lock?: Lock | RLock, options?: NameOptions, handle?: ConditionHandle) {
    super();
    if (lock !== undefined && lock !== null && !(lock instanceof Lock) && !(lock instanceof RLock)) {
      throw new TypeError(`the lock of a condition must be a Lock or RLock of threads, not ${describe(lock)}`);
    }
    this.#self = new HeapObject(CONDITION, this, options?.name, handle);
    this.#line = new ConditionLine(this.#self.index);
    const name = options?.name;
    this.#lock = handle?.lock ?? lock ?? new RLock(name === undefined ? undefined : { name: `lock of ${name}` });
  }

  get name(): string {
    return this.#self.name;
  }

  /** Takes its lock; see there. */
  acquire(options?: AcquireOptions): Promise<boolean> {
    return this.#lock.acquire(options);
  }

  /** Blocking {@link acquire}. */
  acquireSync(options?: AcquireSyncOptions): boolean {
    return this.#lock.acquireSync(options);
  }

  /** Gives its lock back; see there. */
  release(): void {
    this.#lock.release();
  }

  /** A plain lock does not know who holds it. */
  #checkHeld(what: string): void {
    const lock = this.#lock;
    if (lock instanceof RLock ? lock.isOwned() : lock.locked()) return;
    throw new RuntimeError(`cannot ${what} ${this.name} without holding its lock`);
  }

  #releaseWholly(): RLockState | null {
    if (this.#lock instanceof RLock) return this.#lock[releaseSave]();
    this.#lock.release();
    return null;
  }

  async #takeAgain(state: RLockState | null): Promise<void> {
    if (this.#lock instanceof RLock) await this.#lock[restore](state as RLockState);
    else await this.#lock.acquire();
  }

  #takeAgainSync(state: RLockState | null): void {
    if (this.#lock instanceof RLock) this.#lock[restoreSync](state as RLockState);
    else this.#lock.acquireSync();
  }

  /**
   * Releases the lock, however deep, waits to be notified and takes it again, as deep as before. Resolves with false
   * when `timeout` milliseconds pass first. With an aborted signal it takes the lock again, too, and then rejects with
   * the signal's reason. Throws `RuntimeError` without the lock.
   */
  async wait(options?: WaitOptions): Promise<boolean> {
    const timeout = checkTimeout(options?.timeout);
    this.#checkHeld("wait for");
    options?.signal?.throwIfAborted();
    const node = this.#line.join();
    let wait = 0;
    let notified = false;
    try {
      wait = beginWait(this.#self.object, WaitReason.Condition, EventFlag.Async);
      const state = this.#releaseWholly();
      try {
        notified = await this.#line.wait(node, timeout, options?.signal);
      } finally {
        this.#waitOver(node, wait, notified, EventFlag.Async);
        await this.#takeAgain(state);
      }
    } finally {
      this.#line.leave(node);
    }
    return notified;
  }

  /** Blocking {@link wait}. */
  waitSync(options?: TimeoutOptions): boolean {
    const timeout = checkTimeout(options?.timeout);
    this.#checkHeld("wait for");
    const node = this.#line.join();
    let notified = false;
    try {
      const wait = beginWait(this.#self.object, WaitReason.Condition, 0);
      const state = this.#releaseWholly();
      notified = this.#line.waitSync(node, timeout);
      this.#waitOver(node, wait, notified, 0);
      this.#takeAgainSync(state);
    } finally {
      // Only now: who is killed before leaves its notification to the next.
      this.#line.leave(node);
    }
    return notified;
  }

  #waitOver(node: number, wait: number, notified: boolean, flags: number): void {
    endWait(this.#self.object, wait, notified ? this.#line.notifiedBy(node) : 0, notified, flags);
  }

  /**
   * Waits until a predicate is truthy or `timeout` milliseconds are over, however often it is woken. The predicate is
   * called here, under the lock. Resolves with its last value.
   */
  async waitFor<T>(predicate: () => T, options?: WaitOptions): Promise<T> {
    const timeout = checkTimeout(options?.timeout);
    this.#checkHeld("wait for");
    const deadline = deadlineIn(timeout);
    let value = predicate();
    // As in Python, it lets go of the lock once even if there is no time to wait.
    for (let left = timeout; !value && (left === timeout || left > 0); left = deadline - performance.now()) {
      await this.wait({ timeout: left, signal: options?.signal });
      value = predicate();
    }
    return value;
  }

  /** Blocking {@link waitFor}. */
  waitForSync<T>(predicate: () => T, options?: TimeoutOptions): T {
    const timeout = checkTimeout(options?.timeout);
    this.#checkHeld("wait for");
    const deadline = deadlineIn(timeout);
    let value = predicate();
    for (let left = timeout; !value && (left === timeout || left > 0); left = deadline - performance.now()) {
      this.waitSync({ timeout: left });
      value = predicate();
    }
    return value;
  }

  /**
   * Wakes up to `n` waiters, 1 by default, which go on once the lock is released. Nobody waiting: no effect. Throws
   * `RuntimeError` without the lock.
   */
  notify(n = 1): void {
    if (typeof n !== "number") throw new TypeError(`the number to notify must be a number, not ${describe(n)}`);
    if (Number.isNaN(n)) throw new RangeError("the number to notify must not be NaN");
    this.#notify(Math.min(n, Number.MAX_SAFE_INTEGER));
  }

  /** Wakes all waiters. */
  notifyAll(): void {
    this.#notify(Number.POSITIVE_INFINITY);
  }

  #notify(n: number): void {
    this.#checkHeld("notify");
    const t = recording ? now() : 0;
    const woken = this.#line.notify(n, threadNumber);
    if (recording) emitAt(t, EventKind.Signal, this.#self.object, callSite(), SignalKind.Notify, woken, 0);
  }

  /** How it crosses to another thread: with its lock. */
  [toHandle](crossing: Crossing): Handle {
    const { tag, value } = this.#self.toHandle(this, crossing);
    const whole: ConditionHandle = { ...(value as HeapHandle), lock: this.#lock };
    return { tag, value: whole };
  }
}

registerHeapObject(CONDITION, (handle) => new Condition(undefined, undefined, handle as ConditionHandle));
