/** A queue of a server: `queue.Queue` with its waiters in order of arrival. */
import { emit, recording } from "../../../../recorder/emit.js";
import { EventKind } from "../../../../trace/events.js";
import { acquireTimeout } from "../../../core/acquirable.js";
import { checkOptions, WAIT_OPTIONS } from "../../../core/check-options.js";
import { checkTimeout } from "../../../core/deadline.js";
import { Empty, Full, ShutDown, TimeoutError } from "../../../core/errors.js";
import { SHUTDOWN_OPTIONS } from "../../../queue/queue.js";
import type { AcquireSyncOptions, TimeoutOptions } from "../../../types.js";
import type { Caller } from "../caller.js";
import type { Deferred } from "../deferred.js";
import { Managed, WaitLine } from "./managed.js";

export class ManagedQueue extends Managed {
  static override readonly exposed: readonly string[] = [
    "put",
    "get",
    "putNowait",
    "getNowait",
    "qsize",
    "empty",
    "full",
    "taskDone",
    "join",
    "shutdown",
  ];
  /** How many items were put, and how many taken. */
  #puts = 0;
  #gets = 0;
  #items: unknown[] = [];
  /** Items before this one have been taken. */
  #first = 0;
  #unfinished = 0;
  #closed = false;
  readonly #getters = new WaitLine<unknown>();
  readonly #putters = new WaitLine<void, unknown>();
  readonly #joiners = new WaitLine<void>();

  constructor(readonly maxSize: number = 0) {
    super();
    if (typeof maxSize !== "number" || Number.isNaN(maxSize)) throw new TypeError("maxSize must be a number");
  }

  put(caller: Caller, item: unknown, options?: AcquireSyncOptions): undefined | Deferred<void> {
    const timeout = acquireTimeout(options);
    if (this.#closed) throw this.#shutDown();
    if (!this.full()) {
      this.#add(item);
      return undefined;
    }
    const full = (): never => {
      throw new Full(`${this.name} is full`);
    };
    return timeout <= 0 ? full() : this.#putters.wait(caller, timeout, item, full);
  }

  get(caller: Caller, options?: AcquireSyncOptions): unknown {
    const timeout = acquireTimeout(options);
    if (this.qsize() > 0) return this.#take();
    if (this.#closed) throw this.#shutDown();
    const empty = (): never => {
      throw new Empty(`${this.name} is empty`);
    };
    return timeout <= 0 ? empty() : this.#getters.wait(caller, timeout, undefined, empty);
  }

  putNowait(caller: Caller, item: unknown): undefined | Deferred<void> {
    return this.put(caller, item, { blocking: false });
  }

  getNowait(caller: Caller): unknown {
    return this.get(caller, { blocking: false });
  }

  #add(item: unknown): void {
    this.#unfinished++;
    const isAwaited = this.#getters.length > 0;
    if (!isAwaited) this.#items.push(item);
    if (recording) emit(EventKind.QueuePut, this.traced, 0, ++this.#puts, this.qsize() + Number(isAwaited), 0);
    if (!isAwaited) return;
    // Who waits has found it empty, so the item is the first.
    this.#getters.serve(item);
    if (recording) emit(EventKind.QueueGet, this.traced, 0, ++this.#gets, 0, 0);
  }

  #take(): unknown {
    const item = this.#items[this.#first];
    this.#items[this.#first++] = undefined;
    if (this.#first > 1000 && this.#first * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
    if (recording) emit(EventKind.QueueGet, this.traced, 0, ++this.#gets, this.qsize(), 0);
    if (!this.full()) this.#putters.serveBy(({ data }) => this.#add(data));
    return item;
  }

  #shutDown(): ShutDown {
    return new ShutDown(`${this.name} was shut down`);
  }

  override get capacity(): number {
    return Math.max(0, this.maxSize);
  }

  qsize(): number {
    return this.#items.length - this.#first;
  }

  empty(): boolean {
    return this.qsize() === 0;
  }

  full(): boolean {
    return this.maxSize > 0 && this.qsize() >= this.maxSize;
  }

  taskDone(): void {
    if (this.#unfinished === 0) throw new RangeError("taskDone() called too many times");
    if (--this.#unfinished === 0) this.#joiners.serveAll(() => undefined);
  }

  join(caller: Caller, options: TimeoutOptions = {}): undefined | Deferred<void> {
    checkOptions(options, WAIT_OPTIONS);
    const timeout = checkTimeout(options.timeout);
    if (this.#unfinished === 0) return undefined;
    const late = (): never => {
      throw new TimeoutError(`${this.#unfinished} items of ${this.name} are not done yet`);
    };
    return timeout <= 0 ? late() : this.#joiners.wait(caller, timeout, undefined, late);
  }

  shutdown(_caller: Caller, options: { immediate?: boolean } = {}): void {
    checkOptions(options, SHUTDOWN_OPTIONS);
    this.#closed = true;
    if (options.immediate === true) {
      this.#unfinished = Math.max(0, this.#unfinished - this.qsize());
      this.#gets += this.qsize();
      this.#items = [];
      this.#first = 0;
      if (recording) emit(EventKind.QueueDepth, this.traced, 0, 0, 0, 0);
      if (this.#unfinished === 0) this.#joiners.serveAll(() => undefined);
    }
    this.#putters.failAll(() => this.#shutDown());
    this.#getters.failAll(() => this.#shutDown());
  }

  override toValue(): unknown[] {
    return this.#items.slice(this.#first);
  }
}
