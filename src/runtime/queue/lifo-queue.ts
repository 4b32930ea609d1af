/** A queue that gives the item put last. */
import type { QueueOptions } from "../types.js";
import { lifo } from "./order.js";
import { Queue, type QueueHandle, registerQueue } from "./queue.js";

/**
 * Last in, first out.
 *
 * @example
 * const open = new LifoQueue<string>();
 * open.putNowait("/");
 * while (!open.empty()) for (const folder of foldersIn(open.getNowait())) open.putNowait(folder); // depth first
 */
export class LifoQueue<T = any> extends Queue<T> {
  /** Throws `TypeError` for a `maxSize` or `name` of the wrong type. Only the library gives more than `options`. */
  constructor(options?: QueueOptions, handle: QueueHandle | null = null) {
    super(options, lifo, handle);
  }
}

registerQueue("LifoQueue", (handle) => new LifoQueue(undefined, handle));
