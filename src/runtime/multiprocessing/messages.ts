/** The kinds of frames between a process and its child. */

/** From the parent. */
export const ToChild = {
  /** The first frame: what the child is to be (see `bootstrap.ts`). */
  Start: 1,
  /** A task of a pool. id: its number. */
  Task: 2,
  /** A pool's worker is to end when it has done what it was given. */
  Stop: 3,
} as const;

/** From the child. The upper 24 bits of a result's kind are the task's run time in microseconds, as far as they go. */
export const FromChild = {
  /** A pool's worker has imported the script and run its initializer. */
  Ready: 1,
  /** A task returned. id: its number; body: the value. */
  Result: 2,
  /** A task threw. id: its number; body: the error. */
  Failure: 3,
  /** The initializer of a pool's worker threw. body: the error. */
  InitializerFailed: 4,
} as const;

export const LONGEST_REPORTED_US = 0xff_ffff;
