/** Condition, event and barrier of a server. */
import { emit, recording } from "../../../../recorder/emit.js";
import { EventKind, SignalKind } from "../../../../trace/events.js";
import { checkOptions, WAIT_OPTIONS } from "../../../core/check-options.js";
import { checkTimeout } from "../../../core/deadline.js";
import { BrokenBarrierError, RuntimeError } from "../../../core/errors.js";
import type { AcquireSyncOptions, TimeoutOptions } from "../../../types.js";
import type { Caller } from "../caller.js";
import { Deferred } from "../deferred.js";
import { type ConditionLock, ManagedLock, ManagedRLock } from "./lock.js";
import { Managed, WaitLine } from "./managed.js";

export class ManagedCondition extends Managed {
  static override readonly exposed: readonly string[] = ["acquire", "release", "wait", "notify", "notifyAll"];
  readonly #lock: ConditionLock;
  readonly #line = new WaitLine<boolean>();

  constructor(lock?: unknown) {
    super();
    if (lock !== undefined && !(lock instanceof ManagedLock)) {
      throw new TypeError("a Condition's lock must be a Lock or RLock of the same manager");
    }
    this.#lock = lock ?? new ManagedRLock();
  }

  acquire(caller: Caller, options?: AcquireSyncOptions): boolean | Deferred<boolean> {
    return this.#lock.acquire(caller, options);
  }

  release(caller: Caller): void {
    this.#lock.release(caller);
  }

  wait(caller: Caller, options: TimeoutOptions = {}): Deferred<boolean> {
    checkOptions(options, WAIT_OPTIONS);
    const timeout = checkTimeout(options.timeout);
    this.#lock.checkHeld(caller, "wait");
    const state = this.#lock.releaseAll(caller);
    const done = new Deferred<boolean>();
    // Also who is out of time, or gives up, takes the lock again before it goes on.
    const takeAgain = (then: () => void) =>
      this.#lock.restore(caller, state).whenSettled(then, (error) => done.reject(error));
    this.#line
      .wait(caller, timeout, undefined, () => false)
      .whenSettled(
        (notified) => takeAgain(() => done.resolve(notified)),
        (reason) => {
          if (caller.client.gone) done.reject(reason);
          else takeAgain(() => done.reject(reason));
        },
      );
    return done;
  }

  notify(caller: Caller, n: number = 1): void {
    if (typeof n !== "number") throw new TypeError("n must be a number");
    this.#lock.checkHeld(caller, "notify");
    for (let rest = n; rest > 0 && this.#line.length > 0; rest--) this.#line.serve(true, caller.client.thread);
  }

  notifyAll(caller: Caller): void {
    this.#lock.checkHeld(caller, "notify");
    this.#line.serveAll(() => true, caller.client.thread);
  }
}

export class ManagedEvent extends Managed {
  static override readonly exposed: readonly string[] = ["isSet", "set", "clear", "wait"];
  #isUp = false;
  readonly #line = new WaitLine<boolean>();

  isSet(): boolean {
    return this.#isUp;
  }

  set(caller: Caller): void {
    this.#isUp = true;
    this.#line.serveAll(() => true, caller.client.thread);
  }

  clear(): void {
    this.#isUp = false;
  }

  wait(caller: Caller, options: TimeoutOptions = {}): boolean | Deferred<boolean> {
    checkOptions(options, WAIT_OPTIONS);
    const timeout = checkTimeout(options.timeout);
    if (this.#isUp || timeout <= 0) return this.#isUp;
    return this.#line.wait(caller, timeout, undefined, () => false);
  }
}

export class ManagedBarrier extends Managed {
  static override readonly exposed: readonly string[] = ["wait", "reset", "abort", "state"];
  #broken = false;
  readonly #line = new WaitLine<number>();

  constructor(
    readonly parties: number,
    readonly action: (() => unknown) | undefined,
    readonly timeout: number | undefined,
  ) {
    super();
    if (typeof parties !== "number") throw new TypeError("parties must be a number");
    if (!Number.isInteger(parties) || parties < 1) throw new RangeError("parties must be a whole number >= 1");
    if (action !== undefined && typeof action !== "function") throw new TypeError("action must be a function");
    checkTimeout(timeout);
  }

  wait(caller: Caller, options: TimeoutOptions = {}): number | Deferred<number> {
    checkOptions(options, WAIT_OPTIONS);
    const timeout = checkTimeout(options.timeout ?? this.timeout);
    if (this.#broken) throw this.#brokenError();
    const index = this.#line.length;
    if (index + 1 < this.parties) {
      const late = (): never => {
        throw new BrokenBarrierError(`${this.name}: not all ${this.parties} came in time`);
      };
      return this.#line.wait(caller, timeout, undefined, late, () => this.#break());
    }
    try {
      const result = this.action?.();
      if (typeof (result as PromiseLike<unknown> | undefined)?.then === "function") {
        throw new RuntimeError("the action of a barrier must be synchronous, and it returned a promise");
      }
    } catch (error) {
      this.#break();
      throw error;
    }
    this.#record(SignalKind.Pass);
    let next = 0;
    this.#line.serveAll(() => next++, caller.client.thread);
    return index;
  }

  #brokenError(): BrokenBarrierError {
    return new BrokenBarrierError(`${this.name} is broken`);
  }

  /** Only the server knows of it, and before anybody goes on. */
  #record(kind: SignalKind): void {
    if (recording && this.traced !== 0) emit(EventKind.Signal, this.traced, 0, kind, this.#line.length, 0);
  }

  #break(): void {
    this.#record(SignalKind.Break);
    this.#broken = true;
    this.#line.failAll(() => this.#brokenError());
  }

  reset(): void {
    this.#record(SignalKind.Reset);
    this.#line.failAll(() => new BrokenBarrierError(`${this.name} was reset`));
    this.#broken = false;
  }

  abort(): void {
    this.#break();
  }

  state(): { parties: number; nWaiting: number; broken: boolean } {
    return { parties: this.parties, nWaiting: this.#line.length, broken: this.#broken };
  }
}
