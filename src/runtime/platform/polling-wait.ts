/**
 * Waiting by looking again every millisecond, where the system cannot wait for a word of memory that processes share:
 * Windows, whose `WaitOnAddress` sees wake-ups of its own process only, macOS before 14.4, and Linux on processors of
 * 32 bits. Whoever waits looks at the word after each return, so nothing is missed; it only comes later.
 *
 * Its use on Windows and macOS is UNTESTED.
 */
import type { KernelWait } from "./kernel-wait.js";

const PERIOD_MS = 1;
const pillow = new Int32Array(new SharedArrayBuffer(4));

export class PollingWait implements KernelWait {
  wait(_address: number, _expected: number, ms: number): boolean {
    Atomics.wait(pillow, 0, 0, Math.min(ms, PERIOD_MS));
    return false;
  }

  wake(): number {
    return 0;
  }
}
