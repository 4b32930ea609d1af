/**
 * What a lock is that its owner can take again, of threads or of processes. The mutex below it knows the thread; two
 * words more say which async context of that thread it belongs to, and how deep it is taken. Only threads that hold the
 * mutex write them, so they need no atomic operations. Taking it again writes no event: nothing changes for anybody else.
 */
import { inspect } from "node:util";
import { ObjectKind } from "../../trace/events.js";
import { AcquirableBase } from "../core/acquirable.js";
import { currentContext } from "../core/async-context.js";
import { checkOptions, NAME_OPTIONS, refuseSignal } from "../core/check-options.js";
import { RuntimeError } from "../core/errors.js";
import { type Crossing, type Handle, type Pins, toHandle } from "../core/handles.js";
import { type HeapHandle, type HeapKind, HeapObject } from "../core/heap-object.js";
import type { Holders } from "../core/holder.js";
import { MUTEX_WORDS, Mutex } from "../core/mutex.js";
import type { Realm } from "../core/realm.js";
import type { SharedWords } from "../core/words.js";
import type { AcquireOptions, AcquireSyncOptions, NameOptions, RLockLike } from "../types.js";

/** Words behind those of the mutex. */
const CONTEXT = MUTEX_WORDS;
const DEPTH = MUTEX_WORDS + 1;

/** RLocks among those of a realm. */
export const rlockKind = (realm: Realm): HeapKind => ({
  realm,
  name: "RLock",
  kind: ObjectKind.RLock,
  words: MUTEX_WORDS + 2,
});

/** What stands in the word of the context: nobody, the whole thread, or the context's number and 1. */
const NOBODY = 0;
const THREAD = 1;
const ownContext = (): number => currentContext() + 1;

const yes = Promise.resolve(true);

/** Python's `_release_save` and `_acquire_restore`: how a condition lets go of it while it waits. */
export const releaseSave: unique symbol = Symbol("releaseSave");
export const restore: unique symbol = Symbol("restore");
export const restoreSync: unique symbol = Symbol("restoreSync");

/** Who owned an RLock, and how deep. */
export interface RLockState {
  readonly context: number;
  readonly depth: number;
}

export abstract class RLockBase extends AcquirableBase implements RLockLike {
  #self: HeapObject;
  #mutex: Mutex;
  #realm: Realm;
  #words: SharedWords;
  #holders: Holders;

  constructor(of: HeapKind, options: NameOptions | undefined, handle: HeapHandle | undefined) {
    super();
    checkOptions(options, NAME_OPTIONS);
    this.#self = new HeapObject(of, this, options?.name, handle);
    this.#mutex = new Mutex(this.#self, this.#self, true);
    this.#realm = of.realm;
    this.#words = this.#self.heap.words;
    this.#holders = this.#self.heap.holders;
  }

  get name(): string {
    return this.#self.name;
  }

  /**
   * Takes it, once more if the calling context or the thread owns it, or resolves with false if time is up. Rejects
   * with the signal's reason, `RangeError` for a bad timeout, and `RuntimeError` when the owner's thread is found dead.
   */
  acquire(options?: AcquireOptions): Promise<boolean> {
    let timeout: number;
    try {
      timeout = this.#realm.acquireTimeout(options);
    } catch (error) {
      return Promise.reject(error);
    }
    const signal = options?.signal;
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#takeAgain()) return yes;
    const context = ownContext();
    if (this.#mutex.takeAtOnce()) {
      this.#own(context, 1);
      return yes;
    }
    return this.#ownWhen(this.#mutex.acquire(timeout, signal), { context, depth: 1 });
  }

  async #ownWhen(taken: Promise<boolean>, { context, depth }: RLockState): Promise<boolean> {
    if (!(await taken)) return false;
    this.#own(context, depth);
    return true;
  }

  /** Blocking {@link acquire}: the whole thread then owns it, unless the calling context already does. */
  acquireSync(options?: AcquireSyncOptions): boolean {
    refuseSignal(options);
    const timeout = this.#realm.acquireTimeout(options);
    if (this.#takeAgain()) return true;
    if (timeout === Number.POSITIVE_INFINITY && this.#isHeldHere()) {
      throw new RuntimeError(
        `${this.name} is owned by another async context of this thread, which cannot go on while the thread is blocked: ` +
          "the wait would never end; use acquire()",
      );
    }
    if (!(timeout === 0 ? this.#mutex.tryAcquire() : this.#mutex.acquireSync(timeout))) return false;
    this.#own(THREAD, 1);
    return true;
  }

  /**
   * Gives it back once. Throws `RuntimeError` if the caller does not own it, unless the owner's thread is dead: then it
   * is free again.
   */
  release(): void {
    const { index } = this.#self;
    if (!this.isOwned()) {
      if (!this.#mutex.checkAbandoned()) throw new RuntimeError("release of an RLock that the caller does not own");
      this.#mutex.release();
      return;
    }
    const depth = this.#words.peek(index + DEPTH);
    if (depth > 1) {
      this.#words.note(index + DEPTH, depth - 1);
      return;
    }
    this.#own(NOBODY, 0);
    this.#mutex.release();
  }

  #own(context: number, depth: number): void {
    const { index } = this.#self;
    this.#words.note(index + CONTEXT, context);
    this.#words.note(index + DEPTH, depth);
  }

  /** Counts up if the caller owns it. */
  #takeAgain(): boolean {
    if (!this.isOwned()) return false;
    const at = this.#self.index + DEPTH;
    this.#words.note(at, this.#words.peek(at) + 1);
    return true;
  }

  #isHeldHere(): boolean {
    const { self } = this.#holders;
    return self !== 0 && this.#mutex.isHeldBy(self);
  }

  /** True if the caller owns it: the calling thread, and the calling context unless all of the thread does. */
  isOwned(): boolean {
    if (!this.#isHeldHere()) return false;
    const context = this.#words.peek(this.#self.index + CONTEXT);
    return context === THREAD || context === ownContext();
  }

  /** How often the caller has taken it; 0 when it is not the owner. */
  depth(): number {
    return this.isOwned() ? this.#words.peek(this.#self.index + DEPTH) : 0;
  }

  /** Whose it is now, or null. */
  get owner(): { readonly pid: number; readonly nativeId: number } | null {
    const { holder } = this.#mutex;
    if (holder === 0) return null;
    return { pid: this.#holders.pidOf(holder), nativeId: this.#holders.nativeIdOf(holder) };
  }

  /** True while anybody holds it. */
  locked(): boolean {
    return this.#mutex.held;
  }

  /**
   * For a condition: gives it back however deep it is taken, and tells what {@link restore} needs. Throws `RuntimeError`
   * if the caller does not own it.
   */
  [releaseSave](): RLockState {
    if (!this.isOwned()) throw new RuntimeError("release of an RLock that the caller does not own");
    const { index } = this.#self;
    const state = { context: this.#words.peek(index + CONTEXT), depth: this.#words.peek(index + DEPTH) };
    this.#own(NOBODY, 0);
    this.#mutex.release();
    return state;
  }

  /** Takes it again, for the same owner and as deep. Rejects with `RuntimeError` when its owner's thread is found dead. */
  async [restore](state: RLockState): Promise<void> {
    await this.#ownWhen(this.#mutex.acquire(Number.POSITIVE_INFINITY, undefined), state);
  }

  /** Blocking {@link restore}. */
  [restoreSync](state: RLockState): void {
    this.#mutex.acquireSync(Number.POSITIVE_INFINITY);
    this.#own(state.context, state.depth);
  }

  [inspect.custom](): string {
    const { owner } = this;
    const depth = this.#words.peek(this.#self.index + DEPTH);
    const state = owner === null ? "unlocked" : `locked pid=${owner.pid} nativeId=${owner.nativeId} depth=${depth}`;
    return `<${this.constructor.name} name='${this.name}' ${state}>`;
  }

  /** How it crosses. */
  [toHandle](crossing: Crossing, pins: Pins): Handle {
    return this.#self.toHandle(this, crossing, pins);
  }
}
