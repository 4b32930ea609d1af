/**
 * A lock that its owner can take again. The mutex below it knows the thread; two words more say which async context of
 * that thread it belongs to, and how deep it is taken. Only threads that hold the mutex write them, so they need no
 * atomic operations. Taking it again writes no event: nothing changes for anybody else.
 */
import { ObjectKind } from "../../trace/events.js";
import { AcquirableBase, acquireTimeout } from "../core/acquirable.js";
import { currentContext } from "../core/async-context.js";
import { RuntimeError } from "../core/errors.js";
import { type Crossing, type Handle, toHandle } from "../core/handles.js";
import { words } from "../core/heap.js";
import { type HeapHandle, type HeapKind, HeapObject, registerHeapObject } from "../core/heap-object.js";
import { nativeIdOf, self } from "../core/holder.js";
import { MUTEX_WORDS, Mutex } from "../core/mutex.js";
import type { AcquireOptions, AcquireSyncOptions, NameOptions, RLockLike } from "../types.js";

/** Words behind those of the mutex. */
const CONTEXT = MUTEX_WORDS;
const DEPTH = MUTEX_WORDS + 1;
const RLOCK: HeapKind = { name: "RLock", kind: ObjectKind.RLock, words: MUTEX_WORDS + 2 };

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

/**
 * A lock that its owner can take again, and gives back as often.
 *
 * @example
 * ```ts
 * import { RLock } from "heddle/threading";
 *
 * const lock = new RLock();
 * let balance = 0;
 *
 * function deposit(amount: number) {
 *   using _held = lock.holdSync();
 *   balance += amount;
 * }
 *
 * function depositTwice(amount: number) {
 *   using _held = lock.holdSync();
 *   deposit(amount); // takes it once more; a Lock would wait here for ever
 *   deposit(amount);
 *   console.log(lock.depth()); // prints 1
 * }
 *
 * depositTwice(21);
 * console.log(balance, lock.locked()); // prints 42 false
 * ```
 */
export class RLock extends AcquirableBase implements RLockLike {
  #self: HeapObject;
  #mutex: Mutex;

  constructor(options?: NameOptions, handle?: HeapHandle) {
    super();
    this.#self = new HeapObject(RLOCK, this, options?.name, handle);
    this.#mutex = new Mutex(words, this.#self.index, this.#self.object, this.#self, true);
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
      timeout = acquireTimeout(options);
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
    const timeout = acquireTimeout(options);
    if (this.#takeAgain()) return true;
    if (timeout === Number.POSITIVE_INFINITY && self !== 0 && this.#mutex.isHeldBy(self)) {
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
    const depth = words.peek(index + DEPTH);
    if (depth > 1) {
      words.note(index + DEPTH, depth - 1);
      return;
    }
    this.#own(NOBODY, 0);
    this.#mutex.release();
  }

  #own(context: number, depth: number): void {
    const { index } = this.#self;
    words.note(index + CONTEXT, context);
    words.note(index + DEPTH, depth);
  }

  /** Counts up if the caller owns it. */
  #takeAgain(): boolean {
    if (!this.isOwned()) return false;
    const at = this.#self.index + DEPTH;
    words.note(at, words.peek(at) + 1);
    return true;
  }

  /** True if the caller owns it: the calling thread, and the calling context unless all of the thread does. */
  isOwned(): boolean {
    if (self === 0 || !this.#mutex.isHeldBy(self)) return false;
    const context = words.peek(this.#self.index + CONTEXT);
    return context === THREAD || context === ownContext();
  }

  /** How often the caller has taken it; 0 when it is not the owner. */
  depth(): number {
    return this.isOwned() ? words.peek(this.#self.index + DEPTH) : 0;
  }

  /** Whose it is now, or null. */
  get owner(): { readonly pid: number; readonly nativeId: number } | null {
    const { holder } = this.#mutex;
    return holder === 0 ? null : { pid: process.pid, nativeId: nativeIdOf(holder) };
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
    const state = { context: words.peek(index + CONTEXT), depth: words.peek(index + DEPTH) };
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

  /** How it crosses to another thread. */
  [toHandle](crossing: Crossing): Handle {
    return this.#self.toHandle(this, crossing);
  }
}

registerHeapObject(RLOCK, (handle) => new RLock(undefined, handle));
