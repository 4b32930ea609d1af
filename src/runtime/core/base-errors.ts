/** What the error classes of all libraries are built on. */
import { keepLocalFrames, limitFrames } from "./local-frames.js";

/** An error whose stack begins where the user's code called the library. */
export class LocalError extends Error {
  constructor(message?: string, options?: ErrorOptions) {
    // One look at the stack is enough, and takes most of the time that an error takes.
    const shown = Error.stackTraceLimit;
    limitFrames(0);
    super(message, options);
    limitFrames(shown);
    keepLocalFrames(this);
  }
}

/**
 * A wait took longer than its timeout. One class serves all libraries.
 *
 * @example
 * ```ts
 * import { TimeoutError } from "heddle";
 * import { Lock } from "heddle/threading";
 *
 * const lock = new Lock();
 * await lock.acquire();
 * try {
 *   await lock.hold({ timeout: 10 });
 * } catch (error) {
 *   console.log(error instanceof TimeoutError); // prints true
 * }
 * ```
 */
export class TimeoutError extends LocalError {}
