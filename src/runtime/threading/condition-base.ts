/** What a condition is, of threads or of processes. Why it loses and doubles no news: `condition-line.ts`. */
import { inspect } from "node:util";
import { callSite, emitAt, now, recording } from "../../recorder/emit.js";
import { EventFlag, EventKind, ObjectKind, SignalKind, WaitReason } from "../../trace/events.js";
import { AcquirableBase } from "../core/acquirable.js";
import { checkBlockingOptions, checkOptions, NAME_OPTIONS, WAIT_OPTIONS } from "../core/check-options.js";
import { checkTimeout, deadlineIn } from "../core/deadline.js";
import { describe } from "../core/describe-value.js";
import { RuntimeError } from "../core/errors.js";
import { type Crossing, type Handle, type Pins, toHandle } from "../core/handles.js";
import { type HeapHandle, type HeapKind, HeapObject } from "../core/heap-object.js";
import { ask } from "../core/predicate.js";
import type { Realm } from "../core/realm.js";
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
import { LockBase } from "./lock-base.js";
import { RLockBase, type RLockState, releaseSave, restore, restoreSync } from "./rlock-base.js";

/** Conditions among those of a realm. */
export const conditionKind = (realm: Realm): HeapKind => ({
  realm,
  name: "Condition",
  kind: ObjectKind.Condition,
  words: CONDITION_WORDS,
});

export interface ConditionHandle extends HeapHandle {
  readonly lock: LockBase | RLockBase;
}

/** The classes of locks that a condition of a realm can go with. */
export interface LockClasses<L extends LockBase | RLockBase> {
  readonly of: Realm;
  isOne(lock: unknown): lock is L;
  make(options: NameOptions | undefined): L;
}

/** The lock for a new condition: the one that was given, or an RLock of its own. `TypeError` for anything else. */
export function lockForCondition<L extends LockBase | RLockBase>(
  given: unknown,
  options: NameOptions | undefined,
  classes: LockClasses<L>,
): L {
  checkOptions(options, NAME_OPTIONS);
  if (given !== undefined && given !== null) {
    if (classes.isOne(given)) return given;
    const { of } = classes.of;
    const other = given instanceof LockBase || given instanceof RLockBase;
    const what = other ? `one of ${of === "threads" ? "processes" : "threads"}` : describe(given);
    throw new TypeError(`the lock of a condition must be a Lock or RLock of ${of}, not ${what}`);
  }
  const name = options?.name;
  return classes.make(name === undefined ? undefined : { name: `lock of ${name}` });
}

export abstract class ConditionBase<L extends LockBase | RLockBase> extends AcquirableBase implements ConditionLike {
  #self: HeapObject;
  #line: ConditionLine;
  #lock: L;

  /** `lock`: null for one that is given by the handle. */
  constructor(of: HeapKind, lock: L | null, options: NameOptions | undefined, handle: ConditionHandle | undefined) {
    super();
    this.#lock = (handle?.lock as L | undefined) ?? (lock as L);
    this.#self = new HeapObject(of, this, options?.name, handle);
    this.#line = new ConditionLine(this.#self.heap, this.#self.index);
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
    if (lock instanceof RLockBase ? lock.isOwned() : lock.locked()) return;
    throw new RuntimeError(`cannot ${what} ${this.name} without holding its lock`);
  }

  #releaseWholly(): RLockState | null {
    if (this.#lock instanceof RLockBase) return this.#lock[releaseSave]();
    this.#lock.release();
    return null;
  }

  async #takeAgain(state: RLockState | null): Promise<void> {
    if (this.#lock instanceof RLockBase) await this.#lock[restore](state as RLockState);
    else await this.#lock.acquire();
  }

  #takeAgainSync(state: RLockState | null): void {
    if (this.#lock instanceof RLockBase) this.#lock[restoreSync](state as RLockState);
    else this.#lock.acquireSync();
  }

  /**
   * Releases the lock, however deep, waits to be notified and takes it again, as deep as before. Resolves with false
   * when `timeout` milliseconds pass first. With an aborted signal it takes the lock again, too, and then rejects with
   * the signal's reason. Throws `RuntimeError` without the lock.
   */
  async wait(options?: WaitOptions): Promise<boolean> {
    checkOptions(options, WAIT_OPTIONS);
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
    checkBlockingOptions(options);
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
    const by = notified ? this.#line.notifiedBy(node) : 0;
    endWait(this.#self.object, wait, by, notified, flags | this.#self.heap.holders.flag);
  }

  /**
   * Waits until a predicate is truthy or `timeout` milliseconds are over, however often it is woken. The predicate is
   * called here, under the lock. Resolves with its last value.
   */
  async waitFor<T>(predicate: () => T, options?: WaitOptions): Promise<T> {
    checkOptions(options, WAIT_OPTIONS);
    const timeout = checkTimeout(options?.timeout);
    this.#checkHeld("wait for");
    const deadline = deadlineIn(timeout);
    let value = ask(predicate);
    // As in Python, it lets go of the lock once even if there is no time to wait.
    for (let left = timeout; !value && (left === timeout || left > 0); left = deadline - performance.now()) {
      await this.wait({ timeout: left, signal: options?.signal });
      value = ask(predicate);
    }
    return value;
  }

  /** Blocking {@link waitFor}. */
  waitForSync<T>(predicate: () => T, options?: TimeoutOptions): T {
    checkBlockingOptions(options);
    const timeout = checkTimeout(options?.timeout);
    this.#checkHeld("wait for");
    const deadline = deadlineIn(timeout);
    let value = ask(predicate);
    for (let left = timeout; !value && (left === timeout || left > 0); left = deadline - performance.now()) {
      this.waitSync({ timeout: left });
      value = ask(predicate);
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
    const woken = this.#line.notify(n, this.#self.heap.holders.ownNumber);
    if (recording) {
      // Looking where the caller is costs more than all the rest.
      const site = woken > 0 ? callSite() : 0;
      emitAt(t, EventKind.Signal, this.#self.object, site, SignalKind.Notify, woken, 0);
    }
  }

  [inspect.custom](): string {
    return `<${this.constructor.name} name='${this.name}' lock=${inspect(this.#lock)}>`;
  }

  /** How it crosses: with its lock. */
  [toHandle](crossing: Crossing, pins: Pins): Handle {
    const { tag, value } = this.#self.toHandle(this, crossing, pins);
    return { tag, value: { ...(value as object), lock: this.#lock } };
  }
}
