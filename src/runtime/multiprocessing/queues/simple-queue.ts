// biome-ignore-all lint/suspicious/noExplicitAny: what is given no type argument is any, as in the contract
/** A queue between processes without a capacity: `multiprocessing.SimpleQueue`. */
import { checkOptions, NAME_OPTIONS } from "../../core/check-options.js";
import { simple } from "../../queue/order.js";
import type { NameOptions } from "../../types.js";
import { QueueBase, type QueueHandle, registerQueue } from "./queue-base.js";

const TAG = "multiprocessing.SimpleQueue";

/**
 * First in, first out, between processes, without capacity; `put` never waits.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { Process, SimpleQueue } from "heddle/multiprocessing";
 *
 * function measure(readings: SimpleQueue<number>) {
 *   for (const value of [20.5, 21, 21.5]) readings.putSync(value);
 * } // ends at once; what it put is there
 *
 * if (isMain) {
 *   const readings = new SimpleQueue<number>({ name: "readings" });
 *   const sensor = new Process({ target: measure, args: [readings] });
 *   sensor.start();
 *   await sensor.join();
 *   while (!readings.empty()) console.log(await readings.get());
 *   // prints 20.5
 *   // prints 21
 *   // prints 21.5
 * }
 * ```
 */
export class SimpleQueue<T = any> extends QueueBase<T> {
  /** Throws `TypeError` for a `name` that is no string and `RuntimeError` where processes cannot share memory. */
  constructor(options?: NameOptions, handle: QueueHandle | null = null) {
    checkOptions(options, NAME_OPTIONS);
    super({ order: simple, tag: TAG, maxSize: 0, name: options?.name, handle }, new.target.name || "SimpleQueue");
  }
}

registerQueue(TAG, (handle) => new SimpleQueue(undefined, handle));
