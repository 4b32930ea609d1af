/**
 * Timeouts of waits on shared words: what users give, checked as Python checks it, as a point in time.
 *
 * Waits run in slices of at most {@link SLICE} milliseconds: a thread that is terminated just when it was woken takes
 * the wake with it, and then the next in line must look for itself before long.
 */

/** The longest finite timeout in milliseconds; Python's, for a 64-bit clock of nanoseconds. */
export const TIMEOUT_MAX = 9_223_372_036_000;

/** The longest single wait on a word, in milliseconds. */
export const SLICE = 1000;

/**
 * What {@link slice} gives for a wait without a deadline. Being longer than any slice of a wait that has one, it tells
 * `words.ts` that nothing but another thread can end the wait.
 */
export const ENDLESS_SLICE = SLICE + 1;

/** Throws `TypeError` for a timeout that is no number and `RangeError` for NaN or one above {@link TIMEOUT_MAX}. */
export function checkTimeout(timeout: number | undefined | null): number {
  if (timeout === undefined || timeout === null) return Number.POSITIVE_INFINITY;
  if (typeof timeout !== "number")
    throw new TypeError(`timeout must be a number of milliseconds, not ${typeof timeout}`);
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

/** How long to wait at once for a deadline; 0 or less when it is over, {@link ENDLESS_SLICE} when it never is. */
export function slice(deadline: number): number {
  return deadline === Number.POSITIVE_INFINITY ? ENDLESS_SLICE : Math.min(SLICE, deadline - performance.now());
}
