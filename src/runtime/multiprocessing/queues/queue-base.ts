/**
 * What the queues of processes have in common.
 *
 * They are the queues of threads (`../../queue`) in a heap that processes share: what is put is encoded at once and
 * copied into shared memory, and whoever takes it copies it out. No thread, pipe or other process stands between, so an
 * item that cannot cross is refused at the put, nothing is on its way when a process ends, and a process that is killed
 * takes along only what it had in hand.
 *
 * Each queue has a heap of its own, so its memory is gone with the last object for it, in whatever process, and the
 * kernel does the counting, also of processes that are killed. It is reserved large; what is never written takes nothing.
 */

import { sharedObjectNumber } from "../../../recorder/emit.js";
import { ObjectScope } from "../../../trace/events.js";
import { refuseSignal } from "../../core/check-options.js";
import { DataCloneError } from "../../core/errors.js";
import type { Crossing, Handle, Pins } from "../../core/handles.js";
import { registerHandle, toHandle } from "../../core/handles.js";
import { allocate, words } from "../../core/heap.js";
import { keepLocalFrames } from "../../core/local-frames.js";
import { ObjectName } from "../../core/object-name.js";
import type { SegmentHandle } from "../../platform/segment.js";
import { Channel, NONE } from "../../queue/channel.js";
import type { Order } from "../../queue/order.js";
import { putLater, putLaterSync, takeLater, takeLaterSync } from "../../queue/waits.js";
import type { AcquireOptions, AcquireSyncOptions, LocalQueue } from "../../types.js";
import { ProcessHeap } from "../synchronize/process-heap.js";
import { processes } from "../synchronize/processes.js";

/** How much a queue may hold at a time; only what is written takes memory. */
const RESERVED_BYTES = 1024 * 1024 * 1024;

/** What stands for a queue while it crosses. */
export interface QueueHandle {
  readonly heap: SegmentHandle;
  readonly offset: number;
  readonly maxSize: number;
  /** The process that made it, and its number in the trace there. */
  readonly pid: number;
  readonly object: number;
  readonly name: string;
  /** Among the threads of a process: the word that says whether it was closed. 0 between processes. */
  readonly closedWord: number;
}

/** What a kind of queue is made with. */
export interface QueueParts {
  readonly order: Order<never>;
  readonly tag: string;
  readonly maxSize: number;
  readonly name: string | undefined;
  /** Of one that exists. */
  readonly handle: QueueHandle | null;
}

const done: Promise<void> = Promise.resolve();

/** What is inside, for the classes of this folder. Throws `RangeError` once it is closed. */
export let openChannel: <T>(queue: QueueBase<T>) => Channel<T>;
let isClosed: (queue: QueueBase<unknown>) => boolean;

export abstract class QueueBase<T> implements LocalQueue<T> {
  readonly #parts: QueueParts;
  readonly #name: ObjectName;
  readonly #heap: ProcessHeap;
  readonly #offset: number;
  readonly #channel: Channel<T>;
  readonly #maker: { readonly pid: number; readonly object: number };
  #closed = false;
  /** Where all threads of this process see that one of them closed it; 0 while no other has it. */
  #closedWord: number;

  static {
    openChannel = (queue) => queue.#open();
    isClosed = (queue) => queue.#isClosed;
  }

  protected constructor(parts: QueueParts, kind: string) {
    const { order, maxSize, handle } = parts;
    this.#parts = parts;
    this.#name = new ObjectName(handle?.name ?? parts.name, kind);
    this.#heap = handle === null ? ProcessHeap.create(RESERVED_BYTES) : ProcessHeap.of(handle.heap);
    this.#closedWord = handle?.closedWord ?? 0;
    const home = { heap: this.#heap, scope: ObjectScope.Process, crossing: "process" } as const;
    if (handle === null) {
      this.#channel = new Channel<T>(order, this.#name, parts.name, maxSize, null, home);
      this.#offset = this.#channel.share();
      this.#maker = { pid: process.pid, object: this.#channel.object };
    } else {
      const object = sharedObjectNumber(order.kind, handle.pid, handle.object, handle.name);
      const arrived = { offset: handle.offset, object, pinned: false };
      this.#channel = new Channel<T>(order, this.#name, undefined, maxSize, arrived, home);
      this.#offset = handle.offset;
      this.#maker = handle;
    }
  }

  /** Its name on the timeline. */
  get name(): string {
    return this.#name.toString();
  }

  get #isClosed(): boolean {
    return this.#closed || (this.#closedWord !== 0 && words.load(this.#closedWord) !== 0);
  }

  #open(): Channel<T> {
    if (!this.#isClosed) return this.#channel;
    const error = new RangeError(`${this.#name} is closed`);
    keepLocalFrames(error, undefined, keepLocalFrames);
    throw error;
  }

  /** The number of items; others may change it before it is used. */
  qsize(): number {
    return this.#open().length;
  }

  /** True while there is no item. */
  empty(): boolean {
    return this.#open().length === 0;
  }

  /**
   * Puts an item in, as it is now. Rejects with `Full` if no place was free in time, `DataCloneError` if it cannot cross,
   * `RangeError` once closed or if there is no memory for it, or the signal's reason.
   */
  put(item: T, options?: AcquireOptions): Promise<void> {
    try {
      const timeout = processes.acquireTimeout(options);
      options?.signal?.throwIfAborted();
      const channel = this.#open();
      if (channel.tryPut(item)) return done;
      if (timeout <= 0) throw channel.full();
      return putLater(channel, item, timeout, options?.signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Blocking {@link put}. */
  putSync(item: T, options?: AcquireSyncOptions): void {
    refuseSignal(options);
    const timeout = processes.acquireTimeout(options);
    const channel = this.#open();
    if (channel.tryPut(item)) return;
    if (timeout <= 0) throw channel.full();
    putLaterSync(channel, item, timeout);
  }

  /** Puts an item in or throws `Full` at once. */
  putNowait(item: T): void {
    const channel = this.#open();
    if (!channel.tryPut(item)) throw channel.full();
  }

  /** Takes an item out. Rejects with `Empty` if none came in time, `RangeError` once closed, or the signal's reason. */
  get(options?: AcquireOptions): Promise<T> {
    try {
      const timeout = processes.acquireTimeout(options);
      options?.signal?.throwIfAborted();
      const channel = this.#open();
      const item = channel.tryTake();
      if (item !== NONE) return Promise.resolve(item);
      if (timeout <= 0) throw channel.empty();
      return takeLater(channel, timeout, options?.signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Blocking {@link get}. */
  getSync(options?: AcquireSyncOptions): T {
    refuseSignal(options);
    const timeout = processes.acquireTimeout(options);
    const channel = this.#open();
    const item = channel.tryTake();
    if (item !== NONE) return item;
    if (timeout <= 0) throw channel.empty();
    return takeLaterSync(channel, timeout);
  }

  /** Takes an item out or throws `Empty` at once. */
  getNowait(): T {
    const channel = this.#open();
    const item = channel.tryTake();
    if (item === NONE) throw channel.empty();
    return item;
  }

  /** Ends the use of the queue by this process; every later use here throws `RangeError`. May be repeated. */
  close(): void {
    this.#closed = true;
    if (this.#closedWord !== 0) words.store(this.#closedWord, 1);
  }

  /** How it crosses to another thread or process. */
  [toHandle](crossing: Crossing, pins: Pins): Handle {
    if (this.#isClosed) throw new DataCloneError("a closed queue cannot cross");
    const { tag, maxSize } = this.#parts;
    const heap = this.#heap.handle(pins);
    const cache = this.#heap.objects(tag);
    if (cache.get(this.#offset) !== this) cache.set(this.#offset, this);
    if (crossing === "thread" && this.#closedWord === 0) this.#closedWord = allocate(1);
    const closedWord = crossing === "thread" ? this.#closedWord : 0;
    const { pid, object } = this.#maker;
    const value: QueueHandle = { heap, offset: this.#offset, maxSize, pid, object, name: this.name, closedWord };
    return { tag, value };
  }
}

/** Registers how queues of a kind arrive: as the object this thread already has, or a new one. */
export function registerQueue(tag: string, make: (handle: QueueHandle) => QueueBase<unknown>): void {
  registerHandle<QueueHandle>(tag, (handle) => {
    // Takes the reference that the message held, too.
    const cache = ProcessHeap.of(handle.heap).objects(tag);
    const known = cache.get(handle.offset) as QueueBase<unknown> | undefined;
    if (known !== undefined && !isClosed(known)) return known;
    const queue = make({ ...handle, heap: { ...handle.heap, counted: false } });
    cache.set(handle.offset, queue);
    return queue;
  });
}
