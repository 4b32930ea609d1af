// biome-ignore-all lint/suspicious/noExplicitAny: what is given no type argument is any, as in the contract
/** A queue between processes: `multiprocessing.Queue`. */
import { checkOptions, type KnownOptions, knownOptions } from "../../core/check-options.js";
import { RuntimeError } from "../../core/errors.js";
import { fifo } from "../../queue/order.js";
import type { BoundedQueue, QueueOptions } from "../../types.js";
import { openChannel, QueueBase, type QueueHandle, registerQueue } from "./queue-base.js";

export const QUEUE_OPTIONS: KnownOptions = knownOptions("{ maxSize: 10 }", "maxSize", "name");
const TAG = "multiprocessing.Queue";

/**
 * First in, first out, between processes. What is put is copied into shared memory at once: an item that cannot cross
 * is refused there, and a process may end right after it put something.
 *
 * It crosses to processes and threads, as an argument or inside of what is sent. All items that are in it at a time may
 * have up to 1 GiB; beyond that, `put` throws a `RangeError`. Each queue takes a descriptor in each process that has it,
 * until it is collected there; otherwise there may be thousands.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { Process, Queue } from "heddle/multiprocessing";
 *
 * function roast(orders: Queue<string | null>, served: Queue<string>) {
 *   for (let order = orders.getSync(); order !== null; order = orders.getSync()) {
 *     served.putSync(`${order}, roasted by a process`);
 *   }
 * }
 *
 * if (isMain) {
 *   const orders = new Queue<string | null>({ maxSize: 2, name: "orders" });
 *   const served = new Queue<string>({ name: "served" });
 *   const cook = new Process({ target: roast, args: [orders, served] });
 *   cook.start();
 *   await orders.put("chestnuts");
 *   await orders.put("almonds");
 *   await orders.put(null); // waits for a free place if the cook is slow
 *   console.log(await served.get()); // prints chestnuts, roasted by a process
 *   console.log(await served.get()); // prints almonds, roasted by a process
 *   await cook.join();
 * }
 * ```
 */
export class Queue<T = any> extends QueueBase<T> implements BoundedQueue<T> {
  /** The capacity; 0 or less means none. */
  readonly maxSize: number;
  #ended = false;

  /**
   * Throws `TypeError` for a `maxSize` or `name` of the wrong type and `RuntimeError` where processes cannot share memory.
   */
  constructor(options?: QueueOptions, handle: QueueHandle | null = null, tag: string = TAG) {
    checkOptions(options, QUEUE_OPTIONS);
    const maxSize = handle?.maxSize ?? options?.maxSize ?? 0;
    if (typeof maxSize !== "number" || Number.isNaN(maxSize)) throw new TypeError("maxSize must be a number");
    super({ order: fifo, tag, maxSize, name: options?.name, handle }, new.target.name || "Queue");
    this.maxSize = maxSize;
  }

  /** True while there is no free place. */
  full(): boolean {
    return !openChannel(this).hasSpace;
  }

  /** Ends the use of the queue by this process; every later use here throws `RangeError`. May be repeated. */
  override close(): void {
    this.#ended = true;
    super.close();
  }

  /**
   * After {@link close}, waits until all this process put in is on its way, which here it is when `put` is over. Rejects
   * with `RuntimeError` before `close`.
   */
  async joinThread(): Promise<void> {
    this.joinThreadSync();
  }

  /** Blocking {@link joinThread}. */
  joinThreadSync(): void {
    if (!this.#ended) throw new RuntimeError("joinThread is for a queue that is closed: call close() first");
  }

  /**
   * Lets this process exit without waiting for what it put in. Here nothing has to be waited for, and nothing is lost: it
   * does nothing.
   */
  cancelJoinThread(): void {}
}

registerQueue(TAG, (handle) => new Queue(undefined, handle));
