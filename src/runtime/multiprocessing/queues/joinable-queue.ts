// biome-ignore-all lint/suspicious/noExplicitAny: what is given no type argument is any, as in the contract
/** A queue between processes that counts what is not yet done: `multiprocessing.JoinableQueue`. */
import { checkBlockingOptions, checkOptions, WAIT_OPTIONS } from "../../core/check-options.js";
import { checkTimeout } from "../../core/deadline.js";
import { joinLater, joinLaterSync } from "../../queue/waits.js";
import type { QueueOptions, TaskTracking, TimeoutOptions, WaitOptions } from "../../types.js";
import { Queue } from "./queue.js";
import { openChannel, type QueueHandle, registerQueue } from "./queue-base.js";

const TAG = "multiprocessing.JoinableQueue";

/**
 * A {@link Queue} that counts the items not yet done.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { JoinableQueue, Process, RawValue } from "heddle/multiprocessing";
 *
 * function add(numbers: JoinableQueue<number>, sum: RawValue<"i">) {
 *   for (;;) {
 *     sum.value += numbers.getSync();
 *     numbers.taskDone();
 *   }
 * }
 *
 * if (isMain) {
 *   const numbers = new JoinableQueue<number>();
 *   const sum = new RawValue("i");
 *   new Process({ target: add, args: [numbers, sum], daemon: true }).start();
 *   for (let i = 1; i <= 10; i++) await numbers.put(i);
 *   await numbers.join(); // until each was reported done
 *   console.log(sum.value); // prints 55
 * }
 * ```
 */
export class JoinableQueue<T = any> extends Queue<T> implements TaskTracking {
  /**
   * Throws `TypeError` for a `maxSize` or `name` of the wrong type and `RuntimeError` where processes cannot share memory.
   */
  constructor(options?: QueueOptions, handle: QueueHandle | null = null) {
    super(options, handle, TAG);
  }

  /** Reports one item taken from the queue as done. Throws `RangeError` if called more often than items were put. */
  taskDone(): void {
    if (!openChannel(this).taskDone()) throw new RangeError("taskDone was called more often than items were put");
  }

  /** Waits until every item was reported done. Rejects with `TimeoutError` or the signal's reason. */
  async join(options?: WaitOptions): Promise<void> {
    checkOptions(options, WAIT_OPTIONS);
    options?.signal?.throwIfAborted();
    const timeout = checkTimeout(options?.timeout);
    const channel = openChannel(this);
    if (channel.unfinished !== 0) await joinLater(channel, timeout, options?.signal);
  }

  /** Blocking {@link join}. */
  joinSync(options?: TimeoutOptions): void {
    checkBlockingOptions(options);
    const timeout = checkTimeout(options?.timeout);
    const channel = openChannel(this);
    if (channel.unfinished !== 0) joinLaterSync(channel, timeout);
  }
}

registerQueue(TAG, (handle) => new JoinableQueue(undefined, handle));
