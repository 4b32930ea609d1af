/**
 * Waiting for a word of memory that processes share: what the system must give for it, one implementation per platform.
 */

/**
 * The longest wait in the kernel at once, in milliseconds. A thread that is inside cannot be terminated, and the exit of
 * its process waits for it.
 */
export const LONGEST_WAIT = 20;

export interface KernelWait {
  /**
   * Blocks the thread until it is woken, while the `int32` at `address` is `expected`; {@link LONGEST_WAIT} ms at most,
   * and it may return at any time without reason. True if it was woken.
   */
  wait(address: number, expected: number, ms: number): boolean;
  /** Wakes up to `count` who wait for that address, in any process. Returns how many; 0 where that cannot be told. */
  wake(address: number, count: number): number;
}
