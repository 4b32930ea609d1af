/** A thread that calls a function after a while. */
import { threadNumber } from "../../recorder/emit.js";
import { WaitReason } from "../../trace/events.js";
import { checkOptions, knownOptions } from "../core/check-options.js";
import { checkTimeout } from "../core/deadline.js";
import { describe } from "../core/describe-value.js";
import { SharedFlag } from "../core/shared-flag.js";
import { beginWait, endWait } from "../core/wait-record.js";
import type { ActivityOptions, ArgsOption } from "../types.js";
import { recordOf, registerThreadClass, Thread } from "./thread.js";
import { ThreadKind } from "./thread-record.js";

const TIMER_OPTIONS = knownOptions("{ args: [1] }", "args", "name", "daemon");

/** The options of a timer, demanded only when its function cannot do without arguments. */
export type TimerOptions<A extends unknown[]> = [] extends A
  ? [options?: Omit<ActivityOptions<[]>, "target" | "args"> & ArgsOption<A>]
  : [options: Omit<ActivityOptions<[]>, "target" | "args"> & ArgsOption<A>];

/**
 * A thread that waits and then calls a function.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { Timer } from "heddle/threading";
 *
 * function ring(text: string) {
 *   console.log(text); // prints wake up
 * }
 *
 * if (isMain) {
 *   const alarm = new Timer(50, ring, { args: ["wake up"] });
 *   const never = new Timer(60_000, ring, { args: ["too late"] });
 *   alarm.start();
 *   never.start();
 *   never.cancel(); // from any thread: it ends at once and calls nothing
 *   await alarm.join();
 *   await never.join();
 * }
 * ```
 */
export class Timer<A extends unknown[] = []> extends Thread {
  /** Copied into the thread, like every field. */
  private readonly timing: { readonly interval: number; startedAt: number };

  /**
   * Makes a timer that waits `interval` milliseconds from `start`. Throws `DataCloneError` if the function cannot cross,
   * and `RangeError` for an interval that is NaN or too long.
   */
  constructor(interval: number, target: (...args: A) => unknown, ...options: TimerOptions<A>) {
    if (typeof interval !== "number") {
      throw new TypeError(`the interval must be a number of milliseconds, not ${describe(interval)}`);
    }
    checkTimeout(interval);
    if (typeof target !== "function") throw new TypeError(`the function must be one, not ${describe(target)}`);
    checkOptions(options[0], TIMER_OPTIONS);
    super({ ...options[0], target } as never);
    this[recordOf]().kind = ThreadKind.Timer;
    this.timing = { interval, startedAt: 0 };
  }

  /** Starts it, once: its interval begins now, while its thread is still being made. */
  override start(): void {
    this.timing.startedAt = performance.now();
    super.start();
  }

  /** Waits, and calls the function unless it was cancelled. */
  override run(): unknown {
    const flag = this[recordOf]().cancelFlag;
    const reading = flag.read();
    if (SharedFlag.isUp(reading)) return undefined;
    const left = this.timing.startedAt + this.timing.interval - performance.now();
    const wait = beginWait(0, WaitReason.Sleep, 0);
    const cancelled = flag.waitSync(reading, left);
    endWait(0, wait, cancelled ? flag.raisedBy : 0, true, 0);
    return cancelled ? undefined : super.run();
  }

  /** Stops it if it still waits: it ends at once. */
  cancel(): void {
    this[recordOf]().cancelFlag.raise(threadNumber);
  }
}

registerThreadClass(ThreadKind.Timer, Timer as unknown as typeof Thread);
