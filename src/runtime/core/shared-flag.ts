/**
 * A flag that any number of threads wait for, on shared words: what Event and Timer are made of.
 *
 * Word 0 holds the flag in bit 0 and, above it, how often it was raised. Who waits reads the word once, and if the flag
 * is down then, waits for the count to change: so it sees that the flag was raised even if it was lowered again before
 * the waiter ran, and a raise between its look and its wait makes the wait return at once. Every raise wakes all who
 * wait; nobody passes a wake on, so none is lost with a thread that dies. The count comes round after 2^31 raises: a
 * waiter would have to sleep through all of them and wake just then to be fooled.
 *
 * Word 1 is the number of the thread that raised it last, for the trace.
 */
import { deadlineIn, slice } from "./deadline.js";
import type { SharedWords } from "./words.js";

/** How many words a flag takes. */
export const FLAG_WORDS = 2;

const UP = 1;
const ONE_RAISE = 2;

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
      if (words.compareExchange(index, seen, (seen + ONE_RAISE) | UP) === seen) return words.notify(index);
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

  /** True if it was raised since a reading at which it was down. */
  private raisedSince(reading: number): boolean {
    return this.words.load(this.index) >> 1 !== reading >> 1;
  }

  /** Blocks until it was raised since `reading`; false when `timeout` milliseconds are over. */
  waitSync(reading: number, timeout: number): boolean {
    const deadline = deadlineIn(timeout);
    for (;;) {
      if (this.raisedSince(reading)) return true;
      const left = slice(deadline);
      if (left <= 0) return false;
      this.words.wait(this.index, reading, left);
    }
  }

  /** The same by a promise, which rejects with the signal's reason. */
  async wait(reading: number, timeout: number, signal: AbortSignal | undefined): Promise<boolean> {
    const deadline = deadlineIn(timeout);
    for (;;) {
      if (this.raisedSince(reading)) return true;
      const left = slice(deadline);
      if (left <= 0) return false;
      await this.words.waitAsync(this.index, reading, { timeout: left, signal });
    }
  }
}
