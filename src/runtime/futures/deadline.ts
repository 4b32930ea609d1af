/**
 * Points in time until which somebody waits, from the timeouts users give.
 *
 * A deadline is a reading of `performance.now()` in milliseconds, or Infinity.
 */

/** The longest delay a Node timer takes; longer ones would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * The deadline of a timeout in milliseconds that starts now. None, `null` and `Infinity` never end; below zero is zero.
 * Throws `TypeError` for what is no number and `RangeError` for NaN.
 */
export function deadlineAfter(timeout: number | null | undefined): number {
  if (timeout === undefined || timeout === null) return Number.POSITIVE_INFINITY;
  if (typeof timeout !== "number")
    throw new TypeError(`timeout is to be a number of milliseconds, not ${typeof timeout}`);
  if (Number.isNaN(timeout)) throw new RangeError("timeout is NaN: it is to be a number of milliseconds");
  return performance.now() + Math.max(0, timeout);
}

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
