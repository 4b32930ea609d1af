/**
 * The queue of encoded messages in shared memory: first in, first out, any number of producers and consumers. Queue,
 * and the task and result channels of the executors, are built on it.
 *
 * A message is a block of the heap: [next, bytes, sequence, data…]. What was put is in shared memory, so a producer
 * that blocks, or dies, owes nobody anything. Blocks are made ready outside of the lock; under it a message is linked
 * or unlinked by one store, so that whoever takes the lock from a dead thread only has to find the tail again.
 *
 * Waiting: a counter that goes up with each item (each place that gets free) and the number of those waiting for it.
 * Who waits reads the counter, looks for an item, and then waits for the counter to change.
 */
import { deadlineIn, slice } from "./deadline.js";
import { allocate, free, readHeap, words, writeHeap } from "./heap.js";
import { HeapLock } from "./heap-lock.js";

const view = words.view;

/** Words of the header. */
const F = {
  Lock: 0, // and its second word
  Head: 2,
  Tail: 3,
  Pushed: 4,
  Popped: 5,
  ItemSignal: 6,
  ItemWaiters: 7,
  SpaceSignal: 8,
  SpaceWaiters: 9,
  Closed: 10,
  Unfinished: 11,
  DoneSignal: 12,
  DoneWaiters: 13,
} as const;
const HEADER_WORDS = 16;
const NODE_WORDS = 3;

/** What {@link SharedFifo.tryPush} returns instead of a sequence number. */
export const FULL = 0;
/** The same: nothing can be put any more. */
export const CLOSED = -1;

/** A message with its number, from 1. */
export interface Message {
  readonly bytes: Uint8Array;
  readonly sequence: number;
  /** How many messages were left. */
  readonly left: number;
}

const nodeWords = (bytes: number): number => NODE_WORDS + ((bytes + 3) >> 2);

export class SharedFifo {
  private readonly lock: HeapLock;

  private constructor(
    /** Where it is in the heap: hand it to another thread, which attaches. */
    readonly offset: number,
  ) {
    this.lock = new HeapLock(words, offset + F.Lock, () => this.repair());
  }

  /** Makes a new, empty one. */
  static create(): SharedFifo {
    return new SharedFifo(allocate(HEADER_WORDS));
  }

  /** One that another thread made. */
  static attach(offset: number): SharedFifo {
    return new SharedFifo(offset);
  }

  /** Gives its memory back; nobody may use it any more, in any thread. */
  dispose(): void {
    while (this.tryPop() !== null);
    free(this.offset, HEADER_WORDS);
  }

  private repair(): void {
    let tail = 0;
    let count = 0;
    for (let node = view[this.offset + F.Head] as number; node !== 0; node = view[node] as number) {
      tail = node;
      count++;
    }
    view[this.offset + F.Tail] = tail;
    if (tail !== 0) view[this.offset + F.Pushed] = view[tail + 2] as number;
    view[this.offset + F.Popped] = ((view[this.offset + F.Pushed] as number) - count) | 0;
  }

  /** Adds a message. Returns its number, from 1. A closed one takes nothing: {@link CLOSED}. */
  push(bytes: Uint8Array): number {
    return this.tryPush(bytes, 0);
  }

  /** Adds a message if fewer than `limit` (0: no limit) are there. Returns its number, {@link FULL} or {@link CLOSED}. */
  tryPush(bytes: Uint8Array, limit: number): number {
    const o = this.offset;
    // Without the lock, so that a full queue costs no copy; what counts is the look under it.
    if (view[o + F.Closed] !== 0) return CLOSED;
    if (limit > 0 && this.length >= limit) return FULL;
    const node = allocate(nodeWords(bytes.length), false);
    view[node] = 0;
    view[node + 1] = bytes.length;
    writeHeap(node + NODE_WORDS, bytes);
    this.lock.lock();
    const pushed = view[o + F.Pushed] as number;
    const closed = view[o + F.Closed] !== 0;
    if (closed || (limit > 0 && ((pushed - (view[o + F.Popped] as number)) | 0) >= limit)) {
      this.lock.unlock();
      free(node, nodeWords(bytes.length));
      return closed ? CLOSED : FULL;
    }
    const sequence = (pushed + 1) | 0;
    view[node + 2] = sequence;
    Atomics.add(view, o + F.Unfinished, 1);
    const tail = view[o + F.Tail] as number;
    view[tail === 0 ? o + F.Head : tail] = node;
    view[o + F.Tail] = node;
    Atomics.store(view, o + F.Pushed, sequence);
    this.lock.unlock();
    this.signal(F.ItemSignal, 1);
    return sequence >>> 0;
  }

  /** Adds one to a signal and wakes up to `count` of those who wait for it. */
  private signal(word: number, count: number): void {
    Atomics.add(view, this.offset + word, 1);
    if (Atomics.load(view, this.offset + word + 1) > 0) words.notify(this.offset + word, count);
  }

  /** Takes the first message out with its number, or null when there is none. */
  take(): Message | null {
    const o = this.offset;
    if (Atomics.load(view, o + F.Pushed) === Atomics.load(view, o + F.Popped)) return null;
    this.lock.lock();
    const node = view[o + F.Head] as number;
    if (node === 0) {
      this.lock.unlock();
      return null;
    }
    const next = view[node] as number;
    if (next === 0) view[o + F.Tail] = 0;
    view[o + F.Head] = next;
    const left = ((view[o + F.Pushed] as number) - Atomics.add(view, o + F.Popped, 1) - 1) | 0;
    this.lock.unlock();
    this.signal(F.SpaceSignal, 1);
    const message = this.open(node);
    message.left = left;
    return message;
  }

  private open(node: number): { bytes: Uint8Array; sequence: number; left: number } {
    const length = view[node + 1] as number;
    const bytes = readHeap(node + NODE_WORDS, length);
    const sequence = (view[node + 2] as number) >>> 0;
    free(node, nodeWords(length));
    return { bytes, sequence, left: 0 };
  }

  /** Takes the first message out, or null when there is none. */
  tryPop(): Uint8Array | null {
    return this.take()?.bytes ?? null;
  }

  /** Takes up to `max` messages out at once. */
  popBatch(max: number): Uint8Array[] {
    const o = this.offset;
    if (this.length === 0) return [];
    this.lock.lock();
    const nodes: number[] = [];
    let node = view[o + F.Head] as number;
    while (node !== 0 && nodes.length < max) {
      nodes.push(node);
      node = view[node] as number;
    }
    if (node === 0) view[o + F.Tail] = 0;
    view[o + F.Head] = node;
    Atomics.add(view, o + F.Popped, nodes.length);
    this.lock.unlock();
    if (nodes.length > 0) this.signal(F.SpaceSignal, nodes.length);
    return nodes.map((each) => this.open(each).bytes);
  }

  /** How many messages there are. */
  get length(): number {
    return (Atomics.load(view, this.offset + F.Pushed) - Atomics.load(view, this.offset + F.Popped)) | 0;
  }

  /** True once {@link close} was called. */
  get closed(): boolean {
    return Atomics.load(view, this.offset + F.Closed) !== 0;
  }

  /** From now on nothing can be put; who waits is woken. What is there can still be taken, unless `drop`. */
  close(drop = false): void {
    this.lock.lock();
    Atomics.store(view, this.offset + F.Closed, 1);
    this.lock.unlock();
    if (drop) {
      while (this.tryPop() !== null) this.done();
    }
    this.signal(F.ItemSignal, Number.POSITIVE_INFINITY);
    this.signal(F.SpaceSignal, Number.POSITIVE_INFINITY);
  }

  /** Wakes all who wait for an item, without one: they look around and wait on. */
  wakeConsumers(): void {
    this.signal(F.ItemSignal, Number.POSITIVE_INFINITY);
  }

  // --- Waiting -------------------------------------------------------------------------------------------------------

  private itemReady = (): boolean => this.length > 0 || this.closed;

  private waitSync(word: number, ready: () => boolean, timeout: number): boolean {
    const index = this.offset + word;
    const deadline = deadlineIn(timeout);
    for (;;) {
      const seen = Atomics.load(view, index);
      if (ready()) return true;
      const left = slice(deadline);
      if (left <= 0) return false;
      Atomics.add(view, index + 1, 1);
      // A put between the look and now was made without a wake for us, but it changed the signal.
      words.wait(index, seen, left);
      Atomics.sub(view, index + 1, 1);
    }
  }

  private async waitAsync(
    word: number,
    ready: () => boolean,
    timeout: number,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const index = this.offset + word;
    const deadline = deadlineIn(timeout);
    for (;;) {
      const seen = Atomics.load(view, index);
      if (ready()) return true;
      const left = slice(deadline);
      if (left <= 0) return false;
      Atomics.add(view, index + 1, 1);
      try {
        await words.waitAsync(index, seen, { timeout: left, signal });
      } finally {
        Atomics.sub(view, index + 1, 1);
      }
    }
  }

  /** Blocks until there is a message or it is closed; false when `timeout` milliseconds are over. */
  waitForItem(timeout: number = Number.POSITIVE_INFINITY): boolean {
    return this.waitSync(F.ItemSignal, this.itemReady, timeout);
  }

  /** As {@link waitForItem}, by a promise that rejects with the signal's reason. */
  waitForItemAsync(signal?: AbortSignal, timeout: number = Number.POSITIVE_INFINITY): Promise<boolean> {
    return this.waitAsync(F.ItemSignal, this.itemReady, timeout, signal);
  }

  /** Blocks until fewer than `limit` messages are there or it is closed; false when the time is over. */
  waitForSpace(limit: number, timeout: number = Number.POSITIVE_INFINITY): boolean {
    return this.waitSync(F.SpaceSignal, () => this.length < limit || this.closed, timeout);
  }

  /** As {@link waitForSpace}, by a promise. */
  waitForSpaceAsync(limit: number, signal?: AbortSignal, timeout: number = Number.POSITIVE_INFINITY): Promise<boolean> {
    return this.waitAsync(F.SpaceSignal, () => this.length < limit || this.closed, timeout, signal);
  }

  // --- Items not yet reported done -----------------------------------------------------------------------------------

  /** Items that were put and not reported done. */
  get unfinished(): number {
    return Atomics.load(view, this.offset + F.Unfinished);
  }

  /** Reports one item done. Returns false if all were. */
  done(): boolean {
    for (;;) {
      const count = this.unfinished;
      if (count <= 0) return false;
      if (Atomics.compareExchange(view, this.offset + F.Unfinished, count, count - 1) !== count) continue;
      if (count === 1) this.signal(F.DoneSignal, Number.POSITIVE_INFINITY);
      return true;
    }
  }

  /** Blocks until all items are done; false when the time is over. */
  waitForDone(timeout: number = Number.POSITIVE_INFINITY): boolean {
    return this.waitSync(F.DoneSignal, () => this.unfinished === 0, timeout);
  }

  /** As {@link waitForDone}, by a promise. */
  waitForDoneAsync(signal?: AbortSignal, timeout: number = Number.POSITIVE_INFINITY): Promise<boolean> {
    return this.waitAsync(F.DoneSignal, () => this.unfinished === 0, timeout, signal);
  }

  // --- A queue that leaves its thread --------------------------------------------------------------------------------

  /** Sets the counters of a queue that was kept elsewhere so far, before its items are pushed again. */
  adopt(popped: number, unfinished: number): void {
    view[this.offset + F.Pushed] = popped;
    view[this.offset + F.Popped] = popped;
    Atomics.store(view, this.offset + F.Unfinished, unfinished);
  }
}
