/**
 * The queue between the threads of a process, after Python's `queue.Queue`.
 *
 * While it has never left its thread, its items are plain values in an array, not copied, and may be anything. When it
 * first crosses to another thread, what is in it is encoded and moves to shared memory (`core/fifo.ts`), and so does
 * everything put from then on, by any thread. Those who wait at that moment are woken and go on waiting there.
 */
import { callSite, emit, newObjectNumber, newWaitNumber, recording, recordObject } from "../../recorder/emit.js";
import { EventFlag, EventKind, ObjectKind, WaitReason } from "../../trace/events.js";
import { checkPositiveTimeout, checkTimeout, deadlineIn, slice } from "../core/deadline.js";
import { DataCloneError, Empty, Full, ShutDown, TimeoutError } from "../core/errors.js";
import { CLOSED, FULL, SharedFifo } from "../core/fifo.js";
import { type Crossing, type Handle, HandleCache, registerHandle, toHandle } from "../core/handles.js";
import { words } from "../core/heap.js";
import { ObjectName } from "../core/object-name.js";
import { decode, encode } from "../core/structured-clone.js";
import type {
  AcquireOptions,
  AcquireSyncOptions,
  BoundedQueue,
  QueueOptions,
  TaskTracking,
  TimeoutOptions,
  WaitOptions,
} from "../types.js";
import { LocalItems } from "./local-items.js";
import { LocalWaiters } from "./local-waiters.js";

interface QueueHandle {
  readonly offset: number;
  readonly maxSize: number;
  readonly object: number;
  readonly name: string;
}

/** An item that was taken, wrapped, since undefined is an item too. */
interface Taken<T> {
  readonly item: T;
}

const cache = new HandleCache<Queue<unknown>>();

export class Queue<T = any> implements BoundedQueue<T>, TaskTracking {
  /** The capacity; 0 or less means none. */
  readonly maxSize: number;
  #object: number;
  #name: ObjectName;
  /** Set once the queue has crossed. */
  #fifo: SharedFifo | null = null;
  #items = new LocalItems<T>();
  #closed = false;
  #unfinished = 0;
  #forItem = new LocalWaiters();
  #forSpace = new LocalWaiters();
  #forDone = new LocalWaiters();

  constructor(options?: QueueOptions, handle?: QueueHandle) {
    this.maxSize = handle?.maxSize ?? options?.maxSize ?? 0;
    if (typeof this.maxSize !== "number" || Number.isNaN(this.maxSize)) throw new TypeError("maxSize must be a number");
    this.#name = new ObjectName(handle?.name ?? options?.name, new.target.name || "Queue");
    this.#object = handle?.object ?? newObjectNumber();
    if (handle !== undefined) this.#fifo = SharedFifo.attach(handle.offset);
    else if (recording) {
      recordObject(this.#object, ObjectKind.Queue, options?.name ?? "", callSite(), Math.max(0, this.maxSize));
    }
  }

  get name(): string {
    return this.#name.toString();
  }

  /** True once {@link shutdown} was called. */
  get isShutdown(): boolean {
    return this.#fifo?.closed ?? this.#closed;
  }

  /** The number of items; others may change it before it is used. */
  qsize(): number {
    return this.#fifo?.length ?? this.#items.length;
  }

  /** True while there is no item. */
  empty(): boolean {
    return this.qsize() === 0;
  }

  /** True while there is no free place. */
  full(): boolean {
    return this.maxSize > 0 && this.qsize() >= this.maxSize;
  }

  // --- One step: put or take if it can be done now -------------------------------------------------------------------

  /** Puts an item in; false if there is no place. Throws `ShutDown`. */
  #add(item: T, site: number): boolean {
    const limit = this.maxSize > 0 ? Math.ceil(this.maxSize) : 0;
    if (this.#fifo !== null) {
      if (this.#fifo.closed) throw new ShutDown(`${this.name} was shut down`);
      if (limit > 0 && this.#fifo.length >= limit) return false;
      const bytes = encode(item, { path: "item" });
      const sequence = this.#fifo.tryPush(bytes, limit);
      if (sequence === CLOSED) throw new ShutDown(`${this.name} was shut down`);
      if (sequence === FULL) return false;
      if (recording) emit(EventKind.QueuePut, this.#object, site, sequence, this.#fifo.length, 0);
      return true;
    }
    if (this.#closed) throw new ShutDown(`${this.name} was shut down`);
    if (limit > 0 && this.#items.length >= limit) return false;
    const sequence = this.#items.push(item);
    this.#unfinished++;
    if (recording) emit(EventKind.QueuePut, this.#object, site, sequence, this.#items.length, 0);
    this.#forItem.wakeOne();
    return true;
  }

  /** Takes an item out, or null if there is none. Throws `ShutDown` if none will come. */
  #take(site: number): Taken<T> | null {
    if (this.#fifo !== null) {
      const message = this.#fifo.take();
      if (message === null) {
        // Look again after the flag: what was put before the shutdown is still to be had.
        if (this.#fifo.closed && this.#fifo.length === 0) throw new ShutDown(`${this.name} was shut down`);
        return null;
      }
      if (recording) emit(EventKind.QueueGet, this.#object, site, message.sequence, message.left, 0);
      return { item: decode(message.bytes) as T };
    }
    if (this.#items.length === 0) {
      if (this.#closed) throw new ShutDown(`${this.name} was shut down`);
      return null;
    }
    const sequence = this.#items.popped + 1;
    const item = this.#items.shift() as T;
    if (recording) emit(EventKind.QueueGet, this.#object, site, sequence, this.#items.length, 0);
    this.#forSpace.wakeOne();
    return { item };
  }

  #emptyError(): Empty {
    return new Empty(`${this.name} has no item`);
  }

  #fullError(): Full {
    return new Full(`${this.name} has no free place`);
  }

  #begin(kind: number, site: number, flags: number): number {
    if (!recording) return 0;
    const wait = newWaitNumber();
    emit(kind, this.#object, site, wait, 0, flags);
    return wait;
  }

  #end(wait: number, flags: number): void {
    if (recording) emit(EventKind.QueueWaitEnd, this.#object, 0, wait, 0, flags);
  }

  // --- Putting -------------------------------------------------------------------------------------------------------

  /** Puts an item in. Rejects with `Full` if no place was free in time, `ShutDown`, or the signal's reason. */
  async put(item: T, options: AcquireOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    if (this.#add(item, 0)) return;
    if (options.blocking === false) throw this.#fullError();
    const deadline = deadlineIn(checkPositiveTimeout(options.timeout));
    const site = recording ? callSite() : 0;
    const wait = this.#begin(EventKind.QueuePutWait, site, EventFlag.Async);
    let failed: number = EventFlag.Failed;
    try {
      for (;;) {
        const left = slice(deadline);
        if (left <= 0) throw this.#fullError();
        if (this.#fifo === null) await this.#forSpace.wait(deadline - performance.now(), options.signal);
        else await this.#fifo.waitForSpaceAsync(this.maxSize, options.signal, left);
        if (this.full() && !this.isShutdown) continue;
        if (this.isShutdown) throw new ShutDown(`${this.name} was shut down`);
        failed = 0;
        break;
      }
    } finally {
      this.#end(wait, EventFlag.Async | failed);
    }
    if (this.#add(item, site)) return;
    // Somebody was faster: wait for the rest of the time.
    return this.put(item, { ...options, timeout: Math.max(0, deadline - performance.now()) });
  }

  /** Blocking {@link put}. */
  putSync(item: T, options: AcquireSyncOptions = {}): void {
    if (this.#add(item, 0)) return;
    if (options.blocking === false) throw this.#fullError();
    const deadline = deadlineIn(checkPositiveTimeout(options.timeout));
    const site = recording ? callSite() : 0;
    for (;;) {
      const wait = this.#begin(EventKind.QueuePutWait, site, 0);
      const ready = this.#waitSync(
        () => this.#fifo?.waitForSpace(this.maxSize, slice(deadline)),
        deadline,
        () => !this.full(),
      );
      this.#end(wait, ready && !this.isShutdown ? 0 : EventFlag.Failed);
      if (!ready) throw this.#fullError();
      if (this.#add(item, site)) return;
    }
  }

  /** Puts an item in or throws `Full` at once. */
  putNowait(item: T): void {
    if (!this.#add(item, 0)) throw this.#fullError();
  }

  // --- Taking --------------------------------------------------------------------------------------------------------

  /** Takes an item out. Rejects with `Empty` if none came in time, `ShutDown`, or the signal's reason. */
  async get(options: AcquireOptions = {}): Promise<T> {
    options.signal?.throwIfAborted();
    const taken = this.#take(0);
    if (taken !== null) return taken.item;
    if (options.blocking === false) throw this.#emptyError();
    const deadline = deadlineIn(checkPositiveTimeout(options.timeout));
    const site = recording ? callSite() : 0;
    for (;;) {
      const wait = this.#begin(EventKind.QueueGetWait, site, EventFlag.Async);
      let failed: number = EventFlag.Failed;
      try {
        while (this.empty() && !this.isShutdown) {
          const left = slice(deadline);
          if (left <= 0) throw this.#emptyError();
          if (this.#fifo === null) await this.#forItem.wait(deadline - performance.now(), options.signal);
          else await this.#fifo.waitForItemAsync(options.signal, left);
        }
        if (!this.empty()) failed = 0;
      } finally {
        this.#end(wait, EventFlag.Async | failed);
      }
      const late = this.#take(site);
      if (late !== null) return late.item;
    }
  }

  /** Blocking {@link get}. */
  getSync(options: AcquireSyncOptions = {}): T {
    const taken = this.#take(0);
    if (taken !== null) return taken.item;
    if (options.blocking === false) throw this.#emptyError();
    const deadline = deadlineIn(checkPositiveTimeout(options.timeout));
    const site = recording ? callSite() : 0;
    for (;;) {
      const wait = this.#begin(EventKind.QueueGetWait, site, 0);
      const ready = this.#waitSync(
        () => this.#fifo?.waitForItem(slice(deadline)),
        deadline,
        () => !this.empty(),
      );
      this.#end(wait, ready && !this.empty() ? 0 : EventFlag.Failed);
      if (!ready) throw this.#emptyError();
      const late = this.#take(site);
      if (late !== null) return late.item;
    }
  }

  /** Takes an item out or throws `Empty` at once. */
  getNowait(): T {
    const taken = this.#take(0);
    if (taken === null) throw this.#emptyError();
    return taken.item;
  }

  /** Blocks, slice by slice, until `step` says ready; false when the deadline is over. */
  #waitSync(step: () => boolean | undefined, deadline: number, ready: () => boolean): boolean {
    for (;;) {
      if (ready() || this.isShutdown) return true;
      const left = slice(deadline);
      if (left <= 0) return false;
      // No other thread knows a local queue, so nothing can change while this one is blocked.
      if (this.#fifo === null) words.wait(0, words.load(0), left);
      else step();
    }
  }

  // --- Done ----------------------------------------------------------------------------------------------------------

  /** Reports one item taken from the queue as done. Throws `RangeError` if called more often than items were put. */
  taskDone(): void {
    if (this.#fifo !== null) {
      if (!this.#fifo.done()) throw new RangeError("taskDone was called more often than items were put");
      return;
    }
    if (this.#unfinished <= 0) throw new RangeError("taskDone was called more often than items were put");
    if (--this.#unfinished === 0) this.#forDone.wakeAll();
  }

  get #allDone(): boolean {
    return (this.#fifo?.unfinished ?? this.#unfinished) === 0;
  }

  /** Waits until every item was reported done. Rejects with `TimeoutError` or the signal's reason. */
  async join(options: WaitOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    const deadline = deadlineIn(checkTimeout(options.timeout));
    if (this.#allDone) return;
    const wait = this.#beginJoin(EventFlag.Async);
    let failed: number = EventFlag.Failed;
    try {
      while (!this.#allDone) {
        const left = slice(deadline);
        if (left <= 0) throw this.#joinError(options.timeout);
        if (this.#fifo === null) await this.#forDone.wait(deadline - performance.now(), options.signal);
        else await this.#fifo.waitForDoneAsync(options.signal, left);
      }
      failed = 0;
    } finally {
      if (recording) emit(EventKind.WaitEnd, this.#object, 0, wait, 0, EventFlag.Async | failed);
    }
  }

  /** Blocking {@link join}. */
  joinSync(options: TimeoutOptions = {}): void {
    const deadline = deadlineIn(checkTimeout(options.timeout));
    if (this.#allDone) return;
    const wait = this.#beginJoin(0);
    let done = false;
    for (;;) {
      done = this.#allDone;
      const left = slice(deadline);
      if (done || left <= 0) break;
      if (this.#fifo === null) words.wait(0, words.load(0), left);
      else this.#fifo.waitForDone(left);
    }
    if (recording) emit(EventKind.WaitEnd, this.#object, 0, wait, 0, done ? 0 : EventFlag.Failed);
    if (!done) throw this.#joinError(options.timeout);
  }

  #beginJoin(flags: number): number {
    if (!recording) return 0;
    const wait = newWaitNumber();
    emit(EventKind.WaitBegin, this.#object, callSite(), wait, WaitReason.QueueJoin, flags);
    return wait;
  }

  #joinError(timeout: number | undefined): TimeoutError {
    return new TimeoutError(`the items of ${this.name} were not done within ${timeout} ms`);
  }

  // --- Shutting down and crossing ------------------------------------------------------------------------------------

  /** Ends `put`, and `get` once the rest is taken, with `ShutDown`. `immediate` drops the rest, counted as done. */
  shutdown(options: { immediate?: boolean } = {}): void {
    const drop = options.immediate === true;
    if (this.#fifo !== null) {
      this.#fifo.close(drop);
    } else {
      this.#closed = true;
      if (drop) {
        while (this.#items.length > 0) {
          this.#items.shift();
          if (this.#unfinished > 0 && --this.#unfinished === 0) this.#forDone.wakeAll();
        }
      }
      this.#forItem.wakeAll();
      this.#forSpace.wakeAll();
    }
    if (recording) emit(EventKind.QueueDepth, this.#object, 0, 0, this.qsize(), 0);
  }

  /** Moves the queue to shared memory. Throws `DataCloneError`, and changes nothing, if an item cannot cross. */
  #share(): SharedFifo {
    if (this.#fifo !== null) return this.#fifo;
    const encoded = this.#items.toArray().map((item, i) => encode(item, { path: `${this.name}[${i}]` }));
    const fifo = SharedFifo.create();
    fifo.adopt(this.#items.popped, this.#unfinished - encoded.length);
    for (const bytes of encoded) fifo.push(bytes);
    if (this.#closed) fifo.close();
    this.#fifo = fifo;
    this.#items.clear();
    cache.set(fifo.offset, this as Queue<unknown>);
    for (const waiters of [this.#forItem, this.#forSpace, this.#forDone]) waiters.wakeAll();
    return fifo;
  }

  /** How it crosses to another thread. */
  [toHandle](crossing: Crossing): Handle {
    if (crossing !== "thread") {
      throw new DataCloneError("a queue of threads cannot cross to another process; use multiprocessing.Queue");
    }
    const { offset } = this.#share();
    const value: QueueHandle = { offset, maxSize: this.maxSize, object: this.#object, name: this.name };
    return { tag: "Queue", value };
  }
}

registerHandle<QueueHandle>("Queue", (handle) => {
  let queue = cache.get(handle.offset);
  if (queue === undefined) {
    queue = new Queue<unknown>(undefined, handle);
    cache.set(handle.offset, queue);
  }
  return queue;
});
