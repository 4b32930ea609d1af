/** The errors of `heddle/subprocess`. */
import { LocalError, TimeoutError } from "./base-errors.js";

/** What a program did that was run by `subprocess.run`, as far as it came. */
interface ProgramOutcome {
  readonly cmd: string | readonly string[];
  readonly stdout: string | null;
  readonly stderr: string | null;
}

/**
 * A program ended with a code other than 0.
 *
 * @example
 * ```ts
 * import { CalledProcessError, run } from "heddle/subprocess";
 *
 * try {
 *   await run([process.execPath, "--eval", "process.exit(5)"], { check: true });
 * } catch (error) {
 *   if (error instanceof CalledProcessError) console.log(error.returnCode); // prints 5
 * }
 * ```
 */
export class CalledProcessError extends LocalError {
  /** The command. */
  readonly cmd: string | readonly string[];
  /** The code it exited with, or -N after signal N. */
  readonly returnCode: number;
  /** What it printed, or null if that was not captured. */
  readonly stdout: string | null;
  /** What it printed on stderr, or null if that was not captured. */
  readonly stderr: string | null;
  constructor(message: string, outcome: ProgramOutcome & { readonly returnCode: number }) {
    super(message);
    this.cmd = outcome.cmd;
    this.returnCode = outcome.returnCode;
    this.stdout = outcome.stdout;
    this.stderr = outcome.stderr;
  }
}

/**
 * A program ran longer than it might and was killed.
 *
 * @example
 * ```ts
 * import { run, TimeoutExpired } from "heddle/subprocess";
 *
 * try {
 *   await run([process.execPath, "--eval", "setInterval(String, 1000)"], { timeout: 200 });
 * } catch (error) {
 *   if (error instanceof TimeoutExpired) console.log(`killed after ${error.timeout} ms`); // prints killed after 200 ms
 * }
 * ```
 */
export class TimeoutExpired extends TimeoutError {
  /** The command. */
  readonly cmd: string | readonly string[];
  /** The limit in milliseconds. */
  readonly timeout: number;
  /** What it printed until then, or null if that was not captured. */
  readonly stdout: string | null;
  /** What it printed on stderr until then, or null if that was not captured. */
  readonly stderr: string | null;
  constructor(message: string, outcome: ProgramOutcome & { readonly timeout: number }) {
    super(message);
    this.cmd = outcome.cmd;
    this.timeout = outcome.timeout;
    this.stdout = outcome.stdout;
    this.stderr = outcome.stderr;
  }
}
