// biome-ignore-all lint/suspicious/noExplicitAny: what is given no type argument is any, as in the contract
/** The queues between the threads of a process, after Python's `queue`. What they do is in `channel.ts`. */

import { inspect } from "node:util";
import {
  checkAcquireOptions,
  checkBlockingOptions,
  checkOptions,
  type KnownOptions,
  knownOptions,
  refuseSignal,
  WAIT_OPTIONS,
} from "../core/check-options.js";
import { checkPositiveTimeout, checkTimeout } from "../core/deadline.js";
import { describe } from "../core/describe-value.js";
import { DataCloneError } from "../core/errors.js";
import type { FunctionReference } from "../core/function-reference.js";
import { type Crossing, type Handle, HandleCache, type Pins, registerHandle, toHandle } from "../core/handles.js";
import { ObjectName } from "../core/object-name.js";
import type {
  AcquireOptions,
  AcquireSyncOptions,
  BoundedQueue,
  QueueOptions,
  TaskTracking,
  TimeoutOptions,
  WaitOptions,
} from "../types.js";
import { Channel, NONE } from "./channel.js";
import { fifo, type Order } from "./order.js";
import { joinLater, joinLaterSync, putLater, putLaterSync, takeLater, takeLaterSync } from "./waits.js";

/** What stands for a queue while it crosses. */
export interface QueueHandle {
  readonly offset: number;
  readonly maxSize: number;
  readonly object: number;
  readonly name: string;
  readonly compare: FunctionReference | null;
  readonly pinned: boolean;
}

const QUEUE_OPTIONS = knownOptions("{ maxSize: 10 }", "maxSize", "name");
const SORTED_OPTIONS = knownOptions("{ maxSize: 10 }", "maxSize", "compare", "name");
export const SHUTDOWN_OPTIONS: KnownOptions = knownOptions("{ immediate: true }", "immediate");
const done: Promise<void> = Promise.resolve();
/** Tells a queue that a message with it has arrived. */
let arrivedAgain: (queue: Queue<unknown>, pinned: boolean) => void;

/**
 * First in, first out, with as many places as it is given; without a number, with any number of places.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { Queue, ShutDown } from "heddle/queue";
 * import { Thread } from "heddle/threading";
 *
 * function work(jobs: Queue<string>) {
 *   try {
 *     for (;;) {
 *       console.log(`done: ${jobs.getSync()}`);
 *       // prints done: wash
 *       // prints done: dry
 *       jobs.taskDone();
 *     }
 *   } catch (error) {
 *     if (!(error instanceof ShutDown)) throw error;
 *   }
 * }
 *
 * if (isMain) {
 *   const jobs = new Queue<string>({ maxSize: 1, name: "jobs" });
 *   const worker = new Thread({ target: work, args: [jobs] });
 *   worker.start();
 *   await jobs.put("wash");
 *   await jobs.put("dry"); // waits for a free place
 *   await jobs.join(); // until every item was reported done
 *   jobs.shutdown(); // whoever waits for an item gets ShutDown
 *   await worker.join();
 * }
 * ```
 */
export class Queue<T = any> implements BoundedQueue<T>, TaskTracking {
  /** The capacity; 0 or less means none. */
  readonly maxSize: number;
  readonly #order: Order<T>;
  readonly #name: ObjectName;
  readonly #channel: Channel<T>;

  static {
    arrivedAgain = (queue, pinned) => queue.#channel.arrivedAgain(pinned);
  }

  /** Throws `TypeError` for a `maxSize` or `name` of the wrong type. */
  constructor(options?: QueueOptions, order: Order<T> = fifo, handle: QueueHandle | null = null) {
    checkOptions(options, order.sorted ? SORTED_OPTIONS : QUEUE_OPTIONS);
    const maxSize = handle?.maxSize ?? options?.maxSize ?? 0;
    if (typeof maxSize !== "number" || Number.isNaN(maxSize)) {
      throw new TypeError(`maxSize must be a number, not ${describe(maxSize)}`);
    }
    this.maxSize = maxSize;
    this.#order = order;
    this.#name = new ObjectName(handle?.name ?? options?.name, new.target.name || order.tag);
    this.#channel = new Channel(order, this.#name, options?.name, maxSize, handle);
  }

  get name(): string {
    return this.#name.toString();
  }

  /** True once {@link shutdown} was called. */
  get isShutdown(): boolean {
    return this.#channel.closed;
  }

  /** The number of items; others may change it before it is used. */
  qsize(): number {
    return this.#channel.length;
  }

  /** True while there is no item. */
  empty(): boolean {
    return this.#channel.length === 0;
  }

  /** True while there is no free place. */
  full(): boolean {
    return !this.#channel.hasSpace;
  }

  /** Whether putting may wait, after the check of how long. A queue without a capacity looks at no timeout, as Python's. */
  #mayWaitToPut(options: AcquireSyncOptions | undefined): boolean {
    if (options === undefined) return true;
    checkAcquireOptions(options);
    if (options.blocking === false) return false;
    return !(this.maxSize > 0) || checkPositiveTimeout(options.timeout) > 0;
  }

  /**
   * Puts an item in. Rejects with `Full` if no place was free in time, `ShutDown`, or the signal's reason; with
   * `DataCloneError` if the queue is shared between threads and the item cannot cross; with `RangeError` for a negative
   * timeout.
   */
  put(item: T, options?: AcquireOptions): Promise<void> {
    try {
      const wait = this.#mayWaitToPut(options);
      options?.signal?.throwIfAborted();
      if (this.#channel.tryPut(item)) return done;
      if (!wait) throw this.#channel.full();
      return putLater(this.#channel, item, options?.timeout ?? Number.POSITIVE_INFINITY, options?.signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Blocking {@link put}. */
  putSync(item: T, options?: AcquireSyncOptions): void {
    refuseSignal(options);
    const wait = this.#mayWaitToPut(options);
    if (this.#channel.tryPut(item)) return;
    if (!wait) throw this.#channel.full();
    putLaterSync(this.#channel, item, options?.timeout ?? Number.POSITIVE_INFINITY);
  }

  /** Puts an item in or throws `Full` at once. */
  putNowait(item: T): void {
    if (!this.#channel.tryPut(item)) throw this.#channel.full();
  }

  /**
   * Takes an item out. Rejects with `Empty` if none came in time, `ShutDown`, or the signal's reason; with `RangeError`
   * for a negative timeout.
   */
  get(options?: AcquireOptions): Promise<T> {
    try {
      const wait = options === undefined || mayWaitToGet(options);
      options?.signal?.throwIfAborted();
      const item = this.#channel.tryTake();
      if (item !== NONE) return Promise.resolve(item);
      if (!wait) throw this.#channel.empty();
      return takeLater(this.#channel, options?.timeout ?? Number.POSITIVE_INFINITY, options?.signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Blocking {@link get}. */
  getSync(options?: AcquireSyncOptions): T {
    refuseSignal(options);
    const wait = options === undefined || mayWaitToGet(options);
    const item = this.#channel.tryTake();
    if (item !== NONE) return item;
    if (!wait) throw this.#channel.empty();
    return takeLaterSync(this.#channel, options?.timeout ?? Number.POSITIVE_INFINITY);
  }

  /** Takes an item out or throws `Empty` at once. */
  getNowait(): T {
    const item = this.#channel.tryTake();
    if (item === NONE) throw this.#channel.empty();
    return item;
  }

  /** Reports one item taken from the queue as done. Throws `RangeError` if called more often than items were put. */
  taskDone(): void {
    if (!this.#channel.taskDone()) throw new RangeError("taskDone was called more often than items were put");
  }

  /** Waits until every item was reported done. Rejects with `TimeoutError` or the signal's reason. */
  join(options?: WaitOptions): Promise<void> {
    try {
      checkOptions(options, WAIT_OPTIONS);
      options?.signal?.throwIfAborted();
      const timeout = checkTimeout(options?.timeout);
      if (this.#channel.unfinished === 0) return done;
      return joinLater(this.#channel, timeout, options?.signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Blocking {@link join}. */
  joinSync(options?: TimeoutOptions): void {
    checkBlockingOptions(options);
    const timeout = checkTimeout(options?.timeout);
    if (this.#channel.unfinished !== 0) joinLaterSync(this.#channel, timeout);
  }

  /** Ends `put`, and `get` once the rest is taken, with `ShutDown`. `immediate` drops the rest, counted as done. */
  shutdown(options: { immediate?: boolean } = {}): void {
    checkOptions(options, SHUTDOWN_OPTIONS);
    this.#channel.close(Boolean(options.immediate));
  }

  [inspect.custom](): string {
    return `<${this.constructor.name} name='${this.name}' items=${this.qsize()} maxSize=${this.maxSize}>`;
  }

  /** How it crosses to another thread. */
  [toHandle](crossing: Crossing, pins: Pins = null): Handle {
    if (crossing !== "thread") {
      throw new DataCloneError("a queue of threads cannot cross to another process; use multiprocessing.Queue");
    }
    const compare = this.#order.reference();
    const offset = this.#channel.share();
    // Set every time: the same words may have been those of another queue.
    if (cache.get(offset) !== this) cache.set(offset, this);
    const pinned = this.#channel.pin(pins);
    const value: QueueHandle = {
      pinned,
      offset,
      maxSize: this.maxSize,
      object: this.#channel.object,
      name: this.name,
      compare,
    };
    return { tag: this.#order.tag, value };
  }
}

/** Whether taking may wait, after the check of how long. */
function mayWaitToGet(options: AcquireSyncOptions): boolean {
  checkAcquireOptions(options);
  return options.blocking !== false && checkPositiveTimeout(options.timeout) > 0;
}

const cache = new HandleCache<Queue<unknown>>();

/** Registers how queues of a kind arrive: as the object this thread already has, or a new one. */
export function registerQueue(tag: string, make: (handle: QueueHandle) => Queue<unknown>): void {
  registerHandle<QueueHandle>(tag, (handle) => {
    let queue = cache.get(handle.offset);
    if (queue === undefined) {
      queue = make(handle);
      cache.set(handle.offset, queue);
    } else arrivedAgain(queue, handle.pinned);
    return queue;
  });
}

registerQueue("Queue", (handle) => new Queue(undefined, fifo, handle));
