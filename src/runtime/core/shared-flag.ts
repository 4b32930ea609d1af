/**
 * A flag that any number of threads wait for, on shared words: what Event and Timer are made of.
 *
 * Word 0 holds the flag in bit 0, in bit 1 whether somebody may be waiting, and above these how often it was raised. Who
 * waits reads the word once, and if the flag
 * is down then, waits for the count to change: so it sees that the flag was raised even if it was lowered again before
 * the waiter ran, and a raise between its look and its wait makes the wait return at once. Every raise wakes all who
 * wait; nobody passes a wake on, so none is lost with a thread that dies. A raise for which nobody waits, as the mark
 * tells, is one atomic operation. The count comes round after 2^30 raises: a waiter would have to sleep through all of
 * them and wake just then to be fooled.
 *
 * Word 1 is the number of the thread that raised it last, for the trace.
 */
import { deadlineIn, slice } from "./deadline.js";
import type { SharedWords } from "./words.js";

/** How many words a flag takes. */
export const FLAG_WORDS = 2;

const UP = 1;
const WAITERS = 2;
const ONE_RAISE = 4;
const COUNT_SHIFT = 2;

export class SharedFlag {
  constructor(
    private readonly words: SharedWords,
    private readonly index: number,
  ) {}

  /** A reading of the flag, to wait from. */
  read(): number {
    return this.words.load(this.index);
  }

  /** True while the flag is up. */
  get up(): boolean {
    return SharedFlag.isUp(this.words.load(this.index));
  }

  /** True if the flag was up at a reading. */
  static isUp(reading: number): boolean {
    return (reading & UP) !== 0;
  }

  /** The number of the thread that raised it last. */
  get raisedBy(): number {
    return this.words.load(this.index + 1);
  }

  /** Raises it and wakes all who wait, in the name of thread `by`. Returns how many wait by a wake-up call. */
  raise(by: number): number {
    const { words, index } = this;
    words.note(index + 1, by);
    for (;;) {
      const seen = words.load(index);
      const next = ((seen & ~WAITERS) + ONE_RAISE) | UP;
      if (words.compareExchange(index, seen, next) !== seen) continue;
      return (seen & WAITERS) === 0 ? 0 : words.notify(index);
    }
  }

  /** Lowers it. Returns false if it was not up. */
  lower(): boolean {
    const { words, index } = this;
    for (;;) {
      const seen = words.load(index);
      if ((seen & UP) === 0) return false;
      if (words.compareExchange(index, seen, seen & ~UP) === seen) return true;
    }
  }

  /** The word to wait on from a reading at which it was down, marked; -1 if it was raised since. */
  private mark(reading: number): number {
    const { words, index } = this;
    for (;;) {
      const seen = words.load(index);
      // It may have been raised and lowered again.
      if (seen >> COUNT_SHIFT !== reading >> COUNT_SHIFT) return -1;
      if ((seen & WAITERS) !== 0) return seen;
      if (words.compareExchange(index, seen, seen | WAITERS) === seen) return seen | WAITERS;
    }
  }

  /** Blocks until it was raised since `reading`; false when `timeout` milliseconds are over. */
  waitSync(reading: number, timeout: number): boolean {
    const deadline = deadlineIn(timeout);
    for (;;) {
      const marked = this.mark(reading);
      if (marked < 0) return true;
      const left = slice(deadline);
      if (left <= 0) return false;
      this.words.wait(this.index, marked, left);
    }
  }

  /** The same by a promise, which rejects with the signal's reason. */
  async wait(reading: number, timeout: number, signal: AbortSignal | undefined): Promise<boolean> {
    const deadline = deadlineIn(timeout);
    for (;;) {
      const marked = this.mark(reading);
      if (marked < 0) return true;
      const left = slice(deadline);
      if (left <= 0) return false;
      await this.words.waitAsync(this.index, marked, { timeout: left, signal });
    }
  }
}
