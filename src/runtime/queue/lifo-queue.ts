// biome-ignore-all lint/suspicious/noExplicitAny: what is given no type argument is any, as in the contract
/** A queue that gives the item put last. */
import type { QueueOptions } from "../types.js";
import { lifo } from "./order.js";
import { Queue, type QueueHandle, registerQueue } from "./queue.js";

/**
 * Last in, first out.
 *
 * @example
 * ```ts
 * import { LifoQueue } from "heddle/queue";
 *
 * const plates = new LifoQueue<string>();
 * await plates.put("lower");
 * await plates.put("upper");
 * console.log(await plates.get()); // prints upper
 * ```
 */
export class LifoQueue<T = any> extends Queue<T> {
  /** Throws `TypeError` for a `maxSize` or `name` of the wrong type. */
  constructor(options?: QueueOptions, handle: QueueHandle | null = null) {
    super(options, lifo, handle);
  }
}

registerQueue("LifoQueue", (handle) => new LifoQueue(undefined, handle));
