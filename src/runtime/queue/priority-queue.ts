// biome-ignore-all lint/suspicious/noExplicitAny: what is given no type argument is any, as in the contract
/** A queue that gives the smallest item. */
import { CrossingFunction } from "../core/crossing-function.js";
import type { PriorityQueueOptions } from "../types.js";
import { priority } from "./order.js";
import { Queue, type QueueHandle, registerQueue } from "./queue.js";
import type { Compare } from "./skip-list.js";

function given<T>(options: PriorityQueueOptions<T> | undefined): CrossingFunction<Compare> | null {
  const compare = options?.compare;
  if (compare === undefined) return null;
  if (typeof compare !== "function") throw new TypeError("compare must be a function");
  return CrossingFunction.of(compare as Compare);
}

/**
 * Smallest first, and of equal items the one put first. By default numbers, bigints, strings and dates are ordered by
 * value and arrays element by element; putting (or taking) throws `TypeError` when it meets two items that have no such
 * order, and leaves the queue as it was. With `compare`, that function decides; for a queue that crosses to other threads
 * it crosses by reference, as a thread's target does.
 *
 * @example
 * ```ts
 * import { PriorityQueue } from "heddle/queue";
 *
 * // The pair is compared by its first element, then by its second.
 * const tasks = new PriorityQueue<[number, string]>();
 * await tasks.put([2, "eat"]);
 * await tasks.put([1, "cook"]);
 * console.log((await tasks.get())[1]); // prints cook
 *
 * const longestFirst = new PriorityQueue<string>({ compare: (a, b) => b.length - a.length });
 * await longestFirst.put("tin");
 * await longestFirst.put("copper");
 * console.log(await longestFirst.get()); // prints copper
 * ```
 */
export class PriorityQueue<T = any> extends Queue<T> {
  /**
   * Throws `TypeError` for a `maxSize`, `name` or `compare` of the wrong type.
   */
  constructor(options?: PriorityQueueOptions<T>, handle: QueueHandle | null = null) {
    const compare =
      handle === null
        ? given(options)
        : handle.compare === null
          ? null
          : CrossingFunction.arrived<Compare>(handle.compare);
    super(options, priority<T>(compare), handle);
  }
}

registerQueue("PriorityQueue", (handle) => new PriorityQueue(undefined, handle));
