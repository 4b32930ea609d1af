/** A place in the line of those who wait for something of a queue: an item, a free place, or the end of all tasks. */
export interface Place {
  /** True if it is in a line of a queue in shared memory. */
  readonly shared: boolean;
  /**
   * Waits until woken, at most `ms` milliseconds, and keeps its place in the line meanwhile. Rejects with the signal's
   * reason. May come back early: look whether there is something, and if not, wait again.
   */
  wait(ms: number, signal: AbortSignal | undefined): Promise<void>;
  /** Blocking {@link wait}. */
  waitSync(ms: number): void;
  /**
   * Leaves the line. `available`: there is still something to be had, so a wake that was meant for this place and was
   * not used goes to the next one.
   */
  leave(available: boolean): void;
}
