/**
 * Timeouts: what users give, checked as Python checks it, as a point in time (a reading of `performance.now()` in
 * milliseconds, or Infinity). A negative one means zero, except where {@link checkPositiveTimeout} refuses it: for the
 * locks, semaphores and queues of threads.
 *
 * Waits run in slices of at most {@link SLICE} milliseconds: a thread that is terminated just when it was woken takes
 * the wake with it, and then the next in line must look for itself before long.
 */

import { describe } from "./describe-value.js";

/** The longest finite timeout in milliseconds; Python's, for a 64-bit clock of nanoseconds. */
export const TIMEOUT_MAX = 9_223_372_036_000;

/** The longest single wait on a word, in milliseconds. */
export const SLICE = 1000;

/**
 * What {@link slice} gives for a wait without a deadline. Being longer than any slice of a wait that has one, it tells
 * `words.ts` that nothing but another thread can end the wait.
 */
const ENDLESS_SLICE = SLICE + 1;

/** Throws `TypeError` for a timeout that is no number and `RangeError` for NaN or one above {@link TIMEOUT_MAX}. */
export function checkTimeout(timeout: number | undefined | null): number {
  if (timeout === undefined || timeout === null) return Number.POSITIVE_INFINITY;
  if (typeof timeout !== "number")
    throw new TypeError(`timeout must be a number of milliseconds, not ${describe(timeout)}`);
  if (Number.isNaN(timeout)) throw new RangeError("timeout must be a number of milliseconds, not NaN");
  if (timeout > TIMEOUT_MAX && timeout !== Number.POSITIVE_INFINITY) {
    throw new RangeError(`timeout must be at most TIMEOUT_MAX (${TIMEOUT_MAX} ms)`);
  }
  return timeout;
}

/** As {@link checkTimeout}, and `RangeError` for a negative one. */
export function checkPositiveTimeout(timeout: number | undefined | null): number {
  const checked = checkTimeout(timeout);
  if (checked < 0) throw new RangeError("timeout must not be negative");
  return checked;
}

/** The reading of `performance.now()` at which a timeout that begins now is over. */
export function deadlineIn(timeout: number): number {
  return timeout === Number.POSITIVE_INFINITY ? timeout : performance.now() + Math.max(0, timeout);
}

/** The deadline of a user's timeout that begins now: {@link deadlineIn} of {@link checkTimeout}. */
export function deadlineAfter(timeout: number | null | undefined): number {
  return deadlineIn(checkTimeout(timeout));
}

/** The longest delay a Node timer takes; longer ones would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Calls `expired` when the deadline is over, however far it is; the loop stays alive until then. Returns its end. */
export function atDeadline(deadline: number, expired: () => void): () => void {
  if (deadline === Number.POSITIVE_INFINITY) return () => {};
  let timer: NodeJS.Timeout;
  const arm = () => {
    const left = deadline - performance.now();
    timer = setTimeout(left > LONGEST_TIMER_MS ? arm : fire, Math.min(Math.max(0, Math.ceil(left)), LONGEST_TIMER_MS));
  };
  const fire = () => {
    // A timer may be a fraction of a millisecond early.
    if (performance.now() < deadline) arm();
    else expired();
  };
  arm();
  return () => clearTimeout(timer);
}

/** How long to wait at once for a deadline; 0 or less when it is over, {@link ENDLESS_SLICE} when it never is. */
export function slice(deadline: number): number {
  return deadline === Number.POSITIVE_INFINITY ? ENDLESS_SLICE : Math.min(SLICE, deadline - performance.now());
}
