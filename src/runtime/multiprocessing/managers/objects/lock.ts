/**
 * The locks of a server. They are handed over in order of arrival. One whose holder's client is gone is abandoned, as a
 * lock between threads is: what it guards may be half changed, so whoever wants it, or waits, gets an error that names
 * the client, until somebody releases it.
 */
import { acquireTimeout } from "../../../core/acquirable.js";
import { RuntimeError } from "../../../core/errors.js";
import type { AcquireSyncOptions } from "../../../types.js";
import { type Caller, type Client, type Holdable, WHOLE_THREAD } from "../caller.js";
import { Deferred } from "../deferred.js";
import { Managed, WaitLine } from "./managed.js";

/** The error for what a client that is gone has left behind. */
export function abandoned(name: string, client: string): RuntimeError {
  return new RuntimeError(
    `${name} will never be released: ${client} was gone while it held it. What it guards may be left halfway; ` +
      "release() makes it free again.",
  );
}

/** How a lock was held before a condition's wait. */
export interface LockState {
  readonly owner: number;
  readonly depth: number;
}

/** What a condition needs of a lock. */
export interface ConditionLock {
  readonly name: string;
  acquire(caller: Caller, options?: AcquireSyncOptions): boolean | Deferred<boolean>;
  release(caller: Caller): void;
  /** Throws unless the caller may wait and notify. */
  checkHeld(caller: Caller, what: string): void;
  releaseAll(caller: Caller): LockState;
  restore(caller: Caller, state: LockState): Deferred<boolean>;
}

export class ManagedLock extends Managed implements Holdable, ConditionLock {
  static override readonly exposed: readonly string[] = ["acquire", "release", "locked"];
  protected holder: Client | null = null;
  /** The name of the client that held it to its end. */
  protected left: string | null = null;
  readonly #line = new WaitLine<boolean, LockState>();

  acquire(caller: Caller, options?: AcquireSyncOptions): boolean | Deferred<boolean> {
    return this.take(caller, acquireTimeout(options), { owner: caller.owner, depth: 1 });
  }

  protected take(caller: Caller, timeout: number, state: LockState): boolean | Deferred<boolean> {
    if (this.left !== null) throw abandoned(this.name, this.left);
    if (this.holder === null) {
      this.own(caller.client, state);
      return true;
    }
    if (timeout <= 0) return false;
    return this.#line.wait(caller, timeout, state, () => false);
  }

  protected own(client: Client, _state: LockState): void {
    this.holder = client;
    client.holds.add(this);
  }

  release(_caller: Caller): void {
    if (this.holder === null && this.left === null) throw new RuntimeError("release of a lock that is not held");
    this.free();
  }

  protected free(): void {
    this.left = null;
    this.holder?.holds.delete(this);
    this.holder = null;
    this.#line.serveBy(({ caller, data }) => {
      this.own(caller.client, data);
      return true;
    });
  }

  /** The thread that has it, 0 if that is not known. */
  get holderThread(): number {
    return this.holder?.thread ?? 0;
  }

  locked(_caller?: Caller): boolean {
    return this.holder !== null || this.left !== null;
  }

  checkHeld(_caller: Caller, what: string): void {
    if (this.holder === null) throw new RuntimeError(`cannot ${what} on a lock that is not held`);
  }

  releaseAll(caller: Caller): LockState {
    this.release(caller);
    return { owner: caller.owner, depth: 1 };
  }

  restore(caller: Caller, state: LockState): Deferred<boolean> {
    const taken = this.take(caller, Number.POSITIVE_INFINITY, state);
    if (taken instanceof Deferred) return taken;
    const deferred = new Deferred<boolean>();
    deferred.resolve(taken);
    return deferred;
  }

  clientGone(client: Client): void {
    if (this.holder !== client) return;
    this.left = client.name;
    this.holder = null;
    this.#line.failAll(() => abandoned(this.name, client.name));
  }
}

/** A lock that its owner, a thread or an async context of a client, can take again. */
export class ManagedRLock extends ManagedLock {
  static override readonly exposed: readonly string[] = ["acquire", "release", "locked", "isOwned", "depth"];
  #owner = WHOLE_THREAD;
  #depth = 0;

  override acquire(caller: Caller, options?: AcquireSyncOptions): boolean | Deferred<boolean> {
    const timeout = acquireTimeout(options);
    if (this.isOwned(caller)) {
      this.#depth++;
      return true;
    }
    if (caller.blocking && timeout === Number.POSITIVE_INFINITY && this.holder === caller.client) {
      throw new RuntimeError(
        `${this.name} is owned by another async context of this thread, which cannot go on while the thread is blocked: ` +
          "the wait would never end; use acquire()",
      );
    }
    return this.take(caller, timeout, { owner: caller.owner, depth: 1 });
  }

  protected override own(client: Client, { owner, depth }: LockState): void {
    super.own(client, { owner, depth });
    this.#owner = owner;
    this.#depth = depth;
  }

  override release(caller: Caller): void {
    if (this.left === null) {
      if (!this.isOwned(caller)) throw new RuntimeError("release of an RLock that the caller does not own");
      if (--this.#depth > 0) return;
    }
    this.free();
  }

  protected override free(): void {
    this.#depth = 0;
    this.#owner = WHOLE_THREAD;
    super.free();
  }

  /** True if the caller owns it: its client, and its context unless the client's whole thread does. */
  isOwned(caller: Caller): boolean {
    return this.holder === caller.client && (this.#owner === WHOLE_THREAD || this.#owner === caller.context);
  }

  depth(caller: Caller): number {
    return this.isOwned(caller) ? this.#depth : 0;
  }

  override checkHeld(caller: Caller, what: string): void {
    if (!this.isOwned(caller)) throw new RuntimeError(`cannot ${what} on a lock that the caller does not own`);
  }

  override releaseAll(caller: Caller): LockState {
    this.checkHeld(caller, "wait");
    const state = { owner: this.#owner, depth: this.#depth };
    this.free();
    return state;
  }
}
