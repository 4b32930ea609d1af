/**
 * The lock in front of a shared value or array: what `Value` and `SharedArray` have in common. Each access takes it,
 * blocking the thread for that moment; `hold` takes it over several.
 */
import { recording } from "../../../recorder/emit.js";
import { AcquirableBase } from "../../core/acquirable.js";
import { knownOptions } from "../../core/check-options.js";
import { describe } from "../../core/describe-value.js";
import type { ObjectName } from "../../core/object-name.js";
import type { Acquirable, AcquireOptions, AcquireSyncOptions, NameOptions } from "../../types.js";
import { Lock } from "../synchronize/lock.js";
import { RLock } from "../synchronize/rlock.js";

/** The lock in front of a shared value or array. `using held = v.holdSync()` holds it over several steps. */
export interface Synchronized<Raw, L extends Lock | RLock = RLock> extends Acquirable {
  /** The lock. */
  getLock(): L;
  /** The same memory without the lock. */
  getObj(): Raw;
}

/** How to make a value or array with a lock. */
export interface SynchronizedOptions<L> extends NameOptions {
  /** True, the default, for a new RLock; a lock to use that one; false for none. Anything else is a `TypeError`. */
  lock?: L | true | undefined;
}

export const OPTIONS = knownOptions("{ lock: false }", "lock", "name");

/** The lock that options ask for; null for none. Throws `TypeError` for what is no lock of processes. */
export function lockOf(options: { lock?: unknown; name?: string | undefined } | undefined, name: ObjectName) {
  const lock = options?.lock;
  if (lock === false) return null;
  if (lock instanceof Lock || lock instanceof RLock) return lock;
  if (lock !== undefined && lock !== true) {
    throw new TypeError(
      `lock must be true, false, or a Lock or RLock of heddle/multiprocessing, not ${describe(lock)}`,
    );
  }
  // To put the default name into words takes longer than to make the lock, and only a trace shows it.
  return new RLock({ name: options?.name ?? (recording ? name.toString() : undefined) });
}

export abstract class LockInFront<Raw> extends AcquirableBase implements Synchronized<Raw, Lock | RLock> {
  abstract getLock(): Lock | RLock;
  abstract getObj(): Raw;

  acquire(options?: AcquireOptions): Promise<boolean> {
    return this.getLock().acquire(options);
  }

  acquireSync(options?: AcquireSyncOptions): boolean {
    return this.getLock().acquireSync(options);
  }

  release(): void {
    this.getLock().release();
  }
}
