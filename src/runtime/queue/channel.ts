/**
 * What all queues of this folder are made of: items in some order, in one thread or shared between threads, and the lines
 * of those who wait to put and to take (how they wait is in `waits.ts`).
 *
 * While a queue has never left its thread its items are plain values, not copied, and may be anything (`local-store.ts`).
 * When it first crosses to another thread, what is in it is encoded and moves to shared memory (`shared-queue.ts`), and
 * so does everything put from then on, by any thread. Those who wait at that moment are woken and go on waiting there.
 * A queue of processes is in shared memory from the beginning, in a heap that processes share.
 *
 * What can be done at once is done without reading the clock (for the trace: once), without a promise of its own for a
 * put, and without looking at the timeout beyond checking it.
 */
import { callSite, emitAt, newObjectNumber, now, recording, recordObject } from "../../recorder/emit.js";
import { EventKind, ObjectScope } from "../../trace/events.js";
import { Empty, Full, ShutDown, TimeoutError } from "../core/errors.js";
import type { Crossing, Pins } from "../core/handles.js";
import type { HeapMemory } from "../core/heap-memory.js";
import type { ObjectName } from "../core/object-name.js";
import {
  beginEncoding,
  decode,
  decodeFrom,
  detach,
  discard,
  type EncodeOptions,
  encodeUnsent,
  endEncoding,
  type Unsent,
} from "../core/structured-clone.js";
import { threadHeap } from "../core/thread-heap.js";
import { LocalLine } from "./local-line.js";
import type { LocalStore } from "./local-store.js";
import type { Order } from "./order.js";
import type { Place } from "./place.js";
import { hold, pin, read, release } from "./queue-memory.js";
import type { SharedLine } from "./shared-line.js";
import { CLOSED, FULL, type MovedItem, NOTHING, placed, reported, type SharedQueue, taken } from "./shared-queue.js";

/** What {@link Channel.tryTake} returns when there is no item; undefined is an item too. */
export const NONE: unique symbol = Symbol("no item");

/** A queue in shared memory that arrived from another thread. */
export interface Arrived {
  readonly offset: number;
  readonly object: number;
  /** The message it came in gives the reference it held. */
  readonly pinned: boolean;
}

/** Among whom a queue is shared, once it is. */
export interface Home {
  readonly heap: HeapMemory;
  readonly scope: ObjectScope;
  readonly crossing: Crossing;
}

const amongThreads: Home = { heap: threadHeap, scope: ObjectScope.Thread, crossing: "thread" };

/** The lines of those who wait: for items, for free places, for the end of all tasks. */
type LineName = "items" | "spaces" | "doneLine";

const ENCODE_ONCE: EncodeOptions = { path: "item", once: true };
const ENCODE_FOR_PROCESS: EncodeOptions = { ...ENCODE_ONCE, crossing: "process" };
/** What is sorted may be read for a comparison, any number of times. */
const ENCODE_SORTED: EncodeOptions = { path: "item" };
const LARGEST_KEPT = 1 << 20;

export class Channel<T> {
  /** Its number in the trace. */
  readonly object: number;
  readonly #order: Order<T>;
  readonly #encodeItem: EncodeOptions;
  readonly #name: ObjectName;
  readonly #heap: HeapMemory;
  /** The capacity as a whole number; 0 means none. */
  readonly #limit: number;
  #shared: SharedQueue | null = null;
  /** What it is about to become; kept for the next time if it then could not. */
  #prepared: SharedQueue | null = null;
  #crossing = false;
  readonly #local: LocalStore<T>;
  #closed = false;
  /** How many items were reported done, while it is local. */
  #done = 0;
  readonly #lines = { items: new LocalLine(), spaces: new LocalLine(), doneLine: new LocalLine() };

  /**
   * `given` is the name the user gave it; `maxSize` 0 or less means no capacity. One between processes has no other form
   * than the shared one, and whoever makes the queue keeps the memory.
   */
  constructor(
    order: Order<T>,
    name: ObjectName,
    given: string | undefined,
    maxSize: number,
    arrived: Arrived | null = null,
    home: Home = amongThreads,
  ) {
    this.#order = order;
    const betweenProcesses = home.crossing === "process";
    this.#encodeItem = betweenProcesses ? ENCODE_FOR_PROCESS : order.sorted ? ENCODE_SORTED : ENCODE_ONCE;
    this.#heap = home.heap;
    this.#name = name;
    this.#limit = maxSize > 0 && maxSize < 0x7fffffff ? Math.ceil(maxSize) : 0;
    this.#local = order.local();
    this.object = arrived?.object ?? newObjectNumber();
    if (arrived !== null) {
      this.#shared = order.attach(home.heap, arrived.offset);
      if (arrived.pinned) hold(this.#shared);
      return;
    }
    if (betweenProcesses) this.#shared = order.create(home.heap);
    if (recording) recordObject(this.object, order.kind, given ?? "", callSite(), this.#limit, home.scope);
  }

  get closed(): boolean {
    return this.#shared !== null ? this.#shared.closed : this.#closed;
  }

  /** True once it is in shared memory, where it then stays. */
  get isShared(): boolean {
    return this.#shared !== null;
  }

  get length(): number {
    return this.#shared !== null ? this.#shared.length : this.#local.length;
  }

  /** True while an item could be put. */
  get hasSpace(): boolean {
    return this.#limit === 0 || this.length < this.#limit;
  }

  // --- One step: put or take if it can be done now -------------------------------------------------------------------

  #shutDown(): ShutDown {
    return new ShutDown(`${this.#name} was shut down`);
  }

  /** Puts an item in if there is a place now. Throws `ShutDown`, and what encoding or comparing throws. */
  tryPut(item: T): boolean {
    return this.put(item, null, 0, 0, 0);
  }

  /**
   * {@link tryPut}, of the item as `unsent` has it if it was encoded before. Who waited for a place tells the number of the
   * wait, its site and flags; else they are 0.
   */
  put(item: T, unsent: Unsent | null, site: number, wait: number, flags: number): boolean {
    const shared = this.#shared;
    if (shared !== null) return this.#putShared(shared, item, unsent, site, wait, flags);
    if (this.#closed) throw this.#shutDown();
    const local = this.#local;
    if (this.#limit > 0 && local.length >= this.#limit) return false;
    local.push(item);
    if (recording) this.#record(EventKind.QueuePut, now(), local.pushed, local.length, site, wait, flags);
    if (this.#lines.items.occupied) this.#lines.items.wakeOne();
    return true;
  }

  #putShared(shared: SharedQueue, item: T, unsent: Unsent | null, site: number, wait: number, flags: number): boolean {
    // Looked at before anything is encoded; what counts is the look under the queue's lock.
    if (shared.closed) throw this.#shutDown();
    if (this.#limit > 0 && shared.length >= this.#limit) return false;
    let number = FULL;
    let time = 0;
    if (unsent === null) {
      const writer = beginEncoding(item, this.#encodeItem);
      // Read before the item can be taken, so that it is never taken before it was put.
      if (recording) time = now();
      try {
        number = this.#push(shared, writer.bytes, writer.at, item);
      } finally {
        endEncoding(writer, number >= 0);
      }
    } else {
      if (recording) time = now();
      number = this.#push(shared, unsent.bytes, unsent.bytes.length, item);
      if (number >= 0 && unsent.moved.length > 0) detach(unsent.moved);
    }
    if (number === CLOSED) throw this.#shutDown();
    if (number === FULL) return false;
    if (recording) this.#record(EventKind.QueuePut, time, number, placed.depth, site, wait, flags);
    if (shared.items.occupied) shared.items.wakeOne();
    return true;
  }

  /** As {@link SharedQueue.tryPush}; when the memory is full, the error says of which queue. */
  #push(shared: SharedQueue, bytes: Uint8Array, length: number, item: T): number {
    try {
      return shared.tryPush(bytes, length, this.#limit, item);
    } catch (error) {
      if (!(error instanceof RangeError) || !error.message.startsWith("shared memory is full")) throw error;
      const message = `${this.#name} with ${this.length} items cannot take another one: ${error.message}`;
      throw new RangeError(message, { cause: error });
    }
  }

  /** Takes the next item out, or {@link NONE} if there is none now. Throws `ShutDown` if none will come. */
  tryTake(): T | typeof NONE {
    return this.take(0, 0, 0);
  }

  /** {@link tryTake}; who waited for an item tells the number of the wait, its site and flags. */
  take(site: number, wait: number, flags: number): T | typeof NONE {
    const shared = this.#shared;
    if (shared !== null) return this.#takeShared(shared, site, wait, flags);
    const local = this.#local;
    if (local.length === 0) {
      if (this.#closed) throw this.#shutDown();
      return NONE;
    }
    const item = local.pop();
    if (recording) this.#record(EventKind.QueueGet, now(), local.number, local.length, site, wait, flags);
    if (this.#lines.spaces.occupied) this.#lines.spaces.wakeOne();
    return item;
  }

  #takeShared(shared: SharedQueue, site: number, wait: number, flags: number): T | typeof NONE {
    const number = shared.tryTake();
    if (number === NOTHING) {
      // Look again after the flag: what was put before the shutdown is still to be had.
      if (shared.closed && shared.length === 0) throw this.#shutDown();
      return NONE;
    }
    if (recording) this.#record(EventKind.QueueGet, now(), number, taken.left, site, wait, flags);
    if (shared.spaces.occupied) shared.spaces.wakeOne();
    const item = decodeFrom(taken.bytes) as T;
    if (taken.bytes.length > LARGEST_KEPT) taken.bytes = Buffer.allocUnsafeSlow(4096);
    return item;
  }

  #record(kind: number, time: number, number: number, depth: number, site: number, wait: number, flags: number): void {
    if (wait !== 0) emitAt(time, EventKind.QueueWaitEnd, this.object, 0, wait, 0, flags);
    emitAt(time, kind, this.object, site, number, depth, 0);
  }

  // --- For who waits: see `waits.ts` -----------------------------------------------------------------------------------

  /** The place to wait in: a new one, or one in shared memory if the queue has crossed since. */
  placeIn(line: LineName, place: Place | null): Place {
    const shared = this.#shared;
    if (place !== null && (shared === null || place.shared)) return place;
    place?.leave(false);
    return shared !== null ? shared[line].enter() : this.#lines[line].enter();
  }

  /** What a put that has to wait keeps: the item as it was when it was called. */
  keep(item: T): { item: T; unsent: Unsent } {
    const unsent = encodeUnsent(item, this.#encodeItem);
    return { item: this.#order.sorted ? (decode(unsent.bytes) as T) : item, unsent };
  }

  /** What a take throws that finds no item. */
  empty(): Empty {
    return new Empty(`${this.#name} has no item`);
  }

  /** What a put throws that finds no place. */
  full(): Full {
    return new Full(`${this.#name} has no free place`);
  }

  // --- Done ----------------------------------------------------------------------------------------------------------

  /** Items that were put and not reported done. */
  get unfinished(): number {
    return this.#shared !== null ? this.#shared.unfinished : this.#local.pushed - this.#done;
  }

  /** Reports one item done. Returns false if all were. */
  taskDone(): boolean {
    const shared = this.#shared;
    const time = recording ? now() : 0;
    let left: number;
    if (shared !== null) left = shared.done();
    else {
      left = this.unfinished - 1;
      if (left >= 0) this.#done++;
    }
    if (left < 0) return false;
    if (recording) this.#recordDone(time, shared === null ? this.#done : reported.count, left);
    if (left === 0) this.#doneLine.wakeAll();
    return true;
  }

  get #doneLine(): SharedLine | LocalLine {
    return this.#shared !== null ? this.#shared.doneLine : this.#lines.doneLine;
  }

  /** Told before a join is woken by it. Only for that one the line is looked up. */
  #recordDone(time: number, count: number, left: number): void {
    const site = left === 0 && this.#doneLine.occupied ? callSite() : 0;
    emitAt(time, EventKind.QueueDone, this.object, site, count, left, 0);
  }

  /** What a join throws after `timeout` milliseconds. */
  notDone(timeout: number): TimeoutError {
    return new TimeoutError(`the items of ${this.#name} were not done within ${timeout} ms`);
  }

  // --- Shutting down and crossing ------------------------------------------------------------------------------------

  /** From now on nothing can be put; `drop` also takes out what is there and counts it as done. */
  close(drop: boolean): void {
    const shared = this.#shared;
    const time = recording ? now() : 0;
    let dropped = 0;
    let left = 1;
    if (shared !== null) {
      reported.left = 1;
      dropped = shared.close(drop, read);
      left = reported.left;
    } else {
      this.#closed = true;
      if (drop && this.#local.length > 0) {
        dropped = Math.min(this.#local.length, this.unfinished);
        this.#done += dropped;
        this.#local.clear();
        left = this.unfinished;
      }
      this.#lines.items.wakeAll();
      this.#lines.spaces.wakeAll();
    }
    if (recording && dropped > 0) this.#recordDone(time, shared === null ? this.#done : reported.count, left);
    if (dropped > 0 && left === 0) this.#doneLine.wakeAll();
    if (recording) emitAt(now(), EventKind.QueueDepth, this.object, 0, 0, this.length, 0);
  }

  /** Counts that a message with it is under way. Returns whether its reader gets a reference by it. */
  pin(pins: Pins): boolean {
    return pin(this.share(), pins);
  }

  /** A message with it has arrived where it already is. */
  arrivedAgain(pinned: boolean): void {
    if (pinned) release(this.share());
  }

  /**
   * Moves it to shared memory, unless it is there. Returns where. Throws `DataCloneError`, and changes nothing, if an item
   * cannot cross.
   */
  share(): number {
    if (this.#shared !== null) return this.#shared.offset;
    if (this.#prepared === null) {
      this.#prepared = this.#order.create(this.#heap);
      hold(this.#prepared);
    }
    // It contains itself, or is contained in something that it contains.
    if (this.#crossing) return this.#prepared.offset;
    const shared = this.#prepared;
    this.#crossing = true;
    const encoded: Unsent[] = [];
    try {
      const items = this.#local.entries().map(({ item, number }, i): MovedItem => {
        const unsent = encodeUnsent(item, { ...this.#encodeItem, path: `${this.#name}[${i}]` });
        encoded.push(unsent);
        return { item, number, bytes: unsent.bytes };
      });
      // If shared memory is full, it is left half filled.
      this.#prepared = null;
      shared.adopt(items, this.#local.pushed, this.unfinished, this.#closed);
    } catch (error) {
      for (const unsent of encoded) discard(unsent);
      throw error;
    } finally {
      this.#crossing = false;
    }
    detach([...new Set(encoded.flatMap(({ moved }) => moved))]);
    this.#shared = shared;
    this.#local.clear();
    for (const line of Object.values(this.#lines)) line.wakeAll();
    return shared.offset;
  }
}
