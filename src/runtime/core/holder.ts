/**
 * Who holds a lock. A lock's word carries the place of the holder's record in its heap, so that who waits can see
 * whether the holder still lives, and tell its name, also after its end.
 *
 * Nobody tells the locks of a thread that it died: a terminated worker runs no code any more. So those who wait look
 * after the holder, first soon and then every half second. Elsewhere than on Linux, where the system is not asked, a
 * thread's end is known from who started it, which works for the threads of this library only.
 */

/** The holders of a heap's locks, by the places of their records in it. */
export interface Holders {
  /** The calling thread as a holder, or 0 before the first call of {@link enter}. */
  readonly self: number;
  /** Makes the calling thread known as a holder. Returns {@link self}. */
  enter(): number;
  /**
   * Whether a holder can give nothing back any more. A thread (or process) that came to its end by itself has ended
   * well: what it left held may be given back by others, so that counts as dead only where nobody else may (`strict`).
   */
  isDead(holder: number, strict: boolean): boolean;
  /**
   * What this thread is called in shared words that are for the trace, and the flag of records that call a thread so:
   * among processes it is the number of the OS, and the flag `Remote`; else the number in the process, and none.
   */
  readonly ownNumber: number;
  readonly flag: number;
  /** The same of a holder; 0 for nobody. */
  numberOf(holder: number): number;
  /** Name and number of the holder's thread, for a message. */
  describe(holder: number): string;
  /** The OS's number of the holder's thread. */
  nativeIdOf(holder: number): number;
  /** The holder's process. */
  pidOf(holder: number): number;
}

/** Milliseconds for which to wait before looking after the holder for the next time. */
export function lookAfter(looks: number): number {
  return looks < 3 ? 50 << looks : 500;
}
