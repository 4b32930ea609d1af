/** What every lock of threads does with the options it is given, written once. */
import type { Acquirable, AcquireOptions, AcquireSyncOptions, Hold, TimeoutOptions, WaitOptions } from "../types.js";
import { checkAcquireOptions } from "./check-options.js";
import { checkPositiveTimeout } from "./deadline.js";
import { TimeoutError } from "./errors.js";
import { HeldUntilDisposed } from "./hold.js";

/** The timeout that options mean: 0 for `blocking: false`. Throws `RangeError` as the contract says. */
export function acquireTimeout(options: AcquireSyncOptions | undefined): number {
  if (options === undefined) return Number.POSITIVE_INFINITY;
  checkAcquireOptions(options);
  const { timeout, blocking } = options;
  if (blocking !== false) return checkPositiveTimeout(timeout);
  if (timeout !== undefined && timeout !== null) {
    throw new RangeError("a call that does not block cannot have a timeout");
  }
  return 0;
}

/** `hold` and `holdSync` above `acquire` and `acquireSync`. */
export abstract class AcquirableBase implements Acquirable {
  abstract readonly name: string;
  /** Takes it, or resolves with false if time is up. */
  abstract acquire(options?: AcquireOptions): Promise<boolean>;
  /** Blocking {@link acquire}. */
  abstract acquireSync(options?: AcquireSyncOptions): boolean;
  /** Gives it back. */
  abstract release(): void;

  /** Takes it for a `using` block. Rejects with `TimeoutError` if it could not be had in time. */
  async hold(options?: WaitOptions): Promise<Hold> {
    if (await this.acquire(options)) return new HeldUntilDisposed(this);
    throw this.notInTime(options);
  }

  /** Blocking {@link hold}. */
  holdSync(options?: TimeoutOptions): Hold {
    if (this.acquireSync(options)) return new HeldUntilDisposed(this);
    throw this.notInTime(options);
  }

  private notInTime(options: TimeoutOptions | undefined): TimeoutError {
    return new TimeoutError(`${this.name} could not be had within ${options?.timeout} ms`);
  }
}
