/**
 * Shared words between processes: `Atomics` on a mapping, and a kernel wait for those who have to wait. Without
 * contention nothing here makes a system call.
 *
 * A blocked thread waits in slices of {@link LONGEST_WAIT} ms, between which it can be terminated. After each it goes to
 * the end of the kernel's line, and a wake-up call that comes between two slices finds it not there: but then the word
 * has changed, which it sees before the next slice.
 */
import { recording, StuckState, setStuck } from "../../recorder/emit.js";
import { writeOutAll } from "../core/brief-holds.js";
import { SLICE } from "../core/deadline.js";
import { BufferWords, type SharedWords, type WaitAsyncOptions, type WaitOutcome } from "../core/words.js";
import { type KernelWait, LONGEST_WAIT } from "./kernel-wait.js";
import { kernelWait } from "./system-wait.js";
import { waitForWord } from "./word-waits.js";

export class FutexWords extends BufferWords implements SharedWords {
  readonly #address: number;
  readonly #kernel: KernelWait = kernelWait();

  /** `address`: of the first word. Whoever has the buffer keeps the memory mapped. `start` and `size`: the part of it. */
  constructor(buffer: ArrayBufferLike, address: bigint, start?: number, size?: number) {
    super(buffer, start, size);
    this.#address = Number(address);
  }

  wait(
    index: number,
    expected: number,
    timeoutMs: number = Number.POSITIVE_INFINITY,
    endless: boolean = timeoutMs > SLICE,
  ): WaitOutcome {
    if (recording) writeOutAll();
    if (this.load(index) !== expected) return "not-equal";
    const stuck = recording && endless;
    if (stuck) setStuck(StuckState.Blocked);
    const address = this.#address + index * 4;
    let outcome: WaitOutcome = "ok";
    let left = timeoutMs;
    // Known from the end of the first slice on: most waits need no clock.
    let deadline = Number.NaN;
    for (;;) {
      if (left <= 0) {
        outcome = "timed-out";
        break;
      }
      const slice = Math.min(left, LONGEST_WAIT);
      if (this.#kernel.wait(address, expected, slice) || this.load(index) !== expected) break;
      const now = performance.now();
      if (Number.isNaN(deadline)) deadline = now + left - slice;
      left = deadline - now;
    }
    if (stuck) setStuck(StuckState.No);
    return outcome;
  }

  waitAsync(index: number, expected: number, options: WaitAsyncOptions = {}): Promise<WaitOutcome> {
    return waitForWord(this, index, expected, options);
  }

  /** Where a word is in the address space of this process. */
  addressOf(index: number): number {
    return this.#address + index * 4;
  }

  notify(index: number, count: number = Number.POSITIVE_INFINITY): number {
    return this.#kernel.wake(this.#address + index * 4, count);
  }
}
