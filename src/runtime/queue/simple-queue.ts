// biome-ignore-all lint/suspicious/noExplicitAny: what is given no type argument is any, as in the contract
/** A queue without a capacity and without task tracking. */
import { inspect } from "node:util";
import { checkAcquireOptions, checkOptions, NAME_OPTIONS, refuseSignal } from "../core/check-options.js";
import { checkPositiveTimeout } from "../core/deadline.js";
import { DataCloneError } from "../core/errors.js";
import { type Crossing, type Handle, HandleCache, type Pins, registerHandle, toHandle } from "../core/handles.js";
import { ObjectName } from "../core/object-name.js";
import type { AcquireOptions, AcquireSyncOptions, LocalQueue, NameOptions } from "../types.js";
import { Channel, NONE } from "./channel.js";
import { simple } from "./order.js";
import { takeLater, takeLaterSync } from "./waits.js";

interface SimpleQueueHandle {
  readonly offset: number;
  readonly object: number;
  readonly name: string;
  readonly pinned: boolean;
}

const done: Promise<void> = Promise.resolve();
/** Tells a queue that a message with it has arrived. */
let arrivedAgain: (queue: SimpleQueue<unknown>, pinned: boolean) => void;
const cache = new HandleCache<SimpleQueue<unknown>>();

/**
 * First in, first out, without capacity and without task tracking; `put` never waits, so it may be called from anywhere,
 * also while another put or get of the same queue is under way.
 *
 * @example
 * ```ts
 * import { Empty, SimpleQueue } from "heddle/queue";
 *
 * const letters = new SimpleQueue<string>();
 * await letters.put("a");
 * console.log(await letters.get()); // prints a
 * try {
 *   await letters.get({ timeout: 10 });
 * } catch (error) {
 *   console.log(error instanceof Empty); // prints true
 * }
 * ```
 */
export class SimpleQueue<T = any> implements LocalQueue<T> {
  readonly #name: ObjectName;
  readonly #channel: Channel<T>;

  static {
    arrivedAgain = (queue, pinned) => queue.#channel.arrivedAgain(pinned);
  }

  /** Throws `TypeError` for a `name` that is no string. */
  constructor(options?: NameOptions, handle: SimpleQueueHandle | null = null) {
    checkOptions(options, NAME_OPTIONS);
    this.#name = new ObjectName(handle?.name ?? options?.name, new.target.name || "SimpleQueue");
    this.#channel = new Channel(simple, this.#name, options?.name, 0, handle);
  }

  get name(): string {
    return this.#name.toString();
  }

  /** The number of items; others may change it before it is used. */
  qsize(): number {
    return this.#channel.length;
  }

  /** True while there is no item. */
  empty(): boolean {
    return this.#channel.length === 0;
  }

  /** Puts an item in. `options` are there for the sake of other queues. Rejects with `DataCloneError`. */
  put(item: T, options?: AcquireOptions): Promise<void> {
    try {
      checkAcquireOptions(options);
      options?.signal?.throwIfAborted();
      this.#channel.tryPut(item);
      return done;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Puts an item in. Throws `DataCloneError` if the queue is shared between threads and the item cannot cross. */
  putSync(item: T, options?: AcquireSyncOptions): void {
    refuseSignal(options);
    checkAcquireOptions(options);
    this.#channel.tryPut(item);
  }

  /** The same as {@link putSync}. */
  putNowait(item: T): void {
    this.#channel.tryPut(item);
  }

  /** Takes an item out. Rejects with `Empty` if none came in time, or with the signal's reason. */
  get(options?: AcquireOptions): Promise<T> {
    try {
      const timeout = getTimeout(options);
      options?.signal?.throwIfAborted();
      const item = this.#channel.tryTake();
      if (item !== NONE) return Promise.resolve(item);
      if (timeout <= 0) throw this.#channel.empty();
      return takeLater(this.#channel, timeout, options?.signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Blocking {@link get}. */
  getSync(options?: AcquireSyncOptions): T {
    refuseSignal(options);
    const timeout = getTimeout(options);
    const item = this.#channel.tryTake();
    if (item !== NONE) return item;
    if (timeout <= 0) throw this.#channel.empty();
    return takeLaterSync(this.#channel, timeout);
  }

  /** Takes an item out or throws `Empty` at once. */
  getNowait(): T {
    const item = this.#channel.tryTake();
    if (item === NONE) throw this.#channel.empty();
    return item;
  }

  [inspect.custom](): string {
    return `<${this.constructor.name} name='${this.name}' items=${this.qsize()}>`;
  }

  /** How it crosses to another thread. */
  [toHandle](crossing: Crossing, pins: Pins = null): Handle {
    if (crossing !== "thread") {
      throw new DataCloneError("a queue of threads cannot cross to another process; use multiprocessing.SimpleQueue");
    }
    const offset = this.#channel.share();
    if (cache.get(offset) !== this) cache.set(offset, this);
    const pinned = this.#channel.pin(pins);
    const value: SimpleQueueHandle = {
      pinned,
      offset,
      object: this.#channel.object,
      name: this.name,
    };
    return { tag: "SimpleQueue", value };
  }
}

/** The timeout that options mean: 0 for `blocking: false`. */
function getTimeout(options: AcquireSyncOptions | undefined): number {
  if (options === undefined) return Number.POSITIVE_INFINITY;
  checkAcquireOptions(options);
  return options.blocking === false ? 0 : checkPositiveTimeout(options.timeout);
}

registerHandle<SimpleQueueHandle>("SimpleQueue", (handle) => {
  let queue = cache.get(handle.offset);
  if (queue === undefined) {
    queue = new SimpleQueue<unknown>(undefined, handle);
    cache.set(handle.offset, queue);
  } else arrivedAgain(queue, handle.pinned);
  return queue;
});
