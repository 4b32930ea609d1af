/**
 * A queue in shared memory: what the three orders (`segments.ts`, `chain.ts`, `skip-list.ts`) have in common.
 *
 * An item is encoded bytes with a number, counted up by the puts. The counters never go down: what is in the queue is
 * `Pushed - Popped`, what is not yet done `Pushed - Done`; so there is no second counter that could disagree after the
 * death of a thread between two stores. All counters wrap around at 2^32, and so do the differences.
 *
 * The crash safety of an order rests on one store each for "is in the queue" and "is taken"; counters and shortcuts are
 * put right by whoever takes the lock over from a dead thread.
 */
import type { ObjectKind } from "../../trace/events.js";
import { HeapLock } from "../core/heap-lock.js";
import type { HeapMemory } from "../core/heap-memory.js";
import { LINE_WORDS, SharedLine } from "./shared-line.js";

/** What a put returns instead of the item's number. */
export const FULL = -1;
/** The same: nothing can be put any more. */
export const CLOSED = -2;
/** What a take returns instead of the item's number. */
export const NOTHING = -1;

/**
 * Words of the header. Who puts and who takes write to cache lines of their own: the first words are the putters', those
 * from `TakeLock` on the takers', and the lines of those who wait, seldom written, are between them.
 */
export const H = {
  /** Guards putting; in a stack or sorted queue also taking. */ Lock: 0, // two words
  Pushed: 2,
  Closed: 3,
  /** Segments: where the next record goes, and the segment that is in. */ Tail: 4,
  TailSegment: 5,
  /** Sorted queues: guards the user's comparisons of a put. */ SearchLock: 6, // two words
  Searching: 8,
  Retired: 9,
  /** What kind of queue it is: an ObjectKind. */ Kind: 10,
  /** Who keeps it alive: see `queue-memory.ts`. */ Refs: 11,
  LineLock: 24, // two words
  ItemLine: 26,
  SpaceLine: 26 + LINE_WORDS,
  DoneLine: 26 + 2 * LINE_WORDS,
  Done: 32,
  /** Segments: guards taking. */ TakeLock: 48, // two words
  Popped: 50,
  /** Segments: the next record to take. Chains: the first node. */ Head: 51,
  /** Sorted queues: the first node of each level. */ Heads: 52,
} as const;
/** The most levels of a sorted queue. */
export const LEVELS = 12;
const HEADER_WORDS = H.Heads + LEVELS;

/** Copies of items up to this size are made by a loop: a call into native code costs more. */
const SMALL = 160;

/** What was taken last by this thread: the item's bytes, to be read before anything else is taken, and what was left. */
export const taken: { bytes: Buffer; left: number } = { bytes: Buffer.allocUnsafeSlow(4096), left: 0 };

/** The depth after this thread's last put. */
export const placed: { depth: number } = { depth: 0 };

/** After this thread's last report of an item done: how many have been reported in all, and how many are left. */
export const reported: { count: number; left: number } = { count: 0, left: 0 };

/** Copies an item out of a heap to {@link taken}. */
export function copyOut(heapBytes: Uint8Array, word: number, length: number): void {
  if (length > taken.bytes.length) taken.bytes = Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(length)));
  const { bytes } = taken;
  const start = word * 4;
  if (length > SMALL) bytes.set(heapBytes.subarray(start, start + length));
  else for (let i = 0; i < length; i++) bytes[i] = heapBytes[start + i] as number;
}

/** Copies the first bytes of a buffer into a heap. */
export function copyIn(heapBytes: Uint8Array, word: number, bytes: Uint8Array, length: number): void {
  const start = word * 4;
  if (length > SMALL) heapBytes.set(bytes.subarray(0, length), start);
  else for (let i = 0; i < length; i++) heapBytes[start + i] = bytes[i] as number;
}

/** An item that was in a queue of one thread and comes along when that queue is shared. */
export interface MovedItem {
  readonly item: unknown;
  readonly bytes: Uint8Array;
  readonly number: number;
}

export abstract class SharedQueue {
  protected readonly lock: HeapLock;
  protected readonly view: Int32Array;
  /** The heap as bytes. */
  protected readonly bytes: Uint8Array;
  readonly items: SharedLine;
  readonly spaces: SharedLine;
  readonly doneLine: SharedLine;

  /** `offset` is where it is in the heap: hand it to another thread, which makes its own object for it. */
  protected constructor(
    readonly heap: HeapMemory,
    readonly offset: number,
  ) {
    const { words } = heap;
    this.view = words.view;
    this.bytes = heap.bytes;
    this.lock = new HeapLock(words, offset + H.Lock, () => this.repair());
    const lines: HeapLock = new HeapLock(words, offset + H.LineLock, () => {
      for (const line of [this.items, this.spaces, this.doneLine]) line.repair();
    });
    this.items = new SharedLine(heap, lines, offset + H.ItemLine);
    this.spaces = new SharedLine(heap, lines, offset + H.SpaceLine);
    this.doneLine = new SharedLine(heap, lines, offset + H.DoneLine);
  }

  /** Makes a header, with one reference: that of the object it is made for. */
  protected static allocateHeader(heap: HeapMemory, kind: ObjectKind): number {
    const offset = heap.allocate(HEADER_WORDS);
    const { view } = heap.words;
    view[offset + H.Kind] = kind;
    view[offset + H.Refs] = 1;
    return offset;
  }

  /** Gives the header's memory back; nobody may use the queue any more, in any thread. */
  protected freeHeader(): void {
    for (const line of [this.items, this.spaces, this.doneLine]) line.dispose();
    this.heap.free(this.offset, HEADER_WORDS);
  }

  /** Puts what can be derived right after the death of the lock's owner. */
  protected abstract repair(): void;

  /**
   * Finds both counters again from the chain that begins at `first`: the words of a node with the next one and with its
   * number are at `next` and `number`.
   */
  protected recount(first: number, next: number, number: number): void {
    const { view, offset: o } = this;
    let pushed = view[o + H.Pushed] as number;
    let count = 0;
    for (let node = first; node !== 0; node = view[node + next] as number) {
      const own = view[node + number] as number;
      if (((own - pushed) | 0) > 0) pushed = own;
      count++;
    }
    Atomics.store(view, o + H.Pushed, pushed);
    Atomics.store(view, o + H.Popped, (pushed - count) | 0);
  }

  /**
   * Adds an item, the first `length` of `bytes`, if fewer than `limit` (0: any number) are there. Returns its number,
   * {@link FULL} or {@link CLOSED}. `item` is what a sorted queue orders by. Throws `RangeError` if the heap is full,
   * and what a comparison throws; then nothing has changed.
   */
  abstract tryPush(bytes: Uint8Array, length: number, limit: number, item: unknown): number;

  /** Takes the next item out, to {@link taken}. Returns its number or {@link NOTHING}. */
  abstract tryTake(): number;

  /** Fills a new queue with the items of a local one, in the order in which they leave. */
  abstract adoptItems(items: readonly MovedItem[]): void;

  /** Gives all memory back; nobody may use the queue any more, in any thread. */
  abstract dispose(): void;

  /** Sets the counters of a queue that was kept elsewhere so far, and its items. */
  adopt(items: readonly MovedItem[], pushed: number, unfinished: number, closed: boolean): void {
    const { view, offset: o } = this;
    view[o + H.Pushed] = pushed | 0;
    view[o + H.Popped] = (pushed - items.length) | 0;
    view[o + H.Done] = (pushed - unfinished) | 0;
    this.adoptItems(items);
    Atomics.store(view, o + H.Closed, closed ? 1 : 0);
  }

  /** How many items there are. */
  get length(): number {
    const { view, offset: o } = this;
    const length = (Atomics.load(view, o + H.Pushed) - Atomics.load(view, o + H.Popped)) | 0;
    return Math.max(length, 0);
  }

  /** True once {@link close} was called. */
  get closed(): boolean {
    return Atomics.load(this.view, this.offset + H.Closed) !== 0;
  }

  /**
   * From now on nothing can be put; who waits to put or take is woken. What is there can still be taken, unless `drop`:
   * then it is taken here, one after the other, with a call of `dropped` for each, and reported done. Returns how many
   * were; to wake those who wait for the last of them is left to the caller.
   */
  close(drop: boolean, dropped: () => void): number {
    // Under the lock, so that no put that has seen it open comes after it.
    this.lock.lock();
    Atomics.store(this.view, this.offset + H.Closed, 1);
    this.lock.unlock();
    let count = 0;
    if (drop) {
      while (this.tryTake() !== NOTHING) {
        dropped();
        if (this.done() >= 0) count++;
      }
    }
    this.items.wakeAll();
    this.spaces.wakeAll();
    return count;
  }

  /** Items that were put and not reported done. */
  get unfinished(): number {
    const { view, offset: o } = this;
    return (Atomics.load(view, o + H.Pushed) - Atomics.load(view, o + H.Done)) | 0;
  }

  /**
   * Reports one item done. Returns how many are left, also in {@link reported}; 0 means to wake those who wait for that,
   * unless another put came just then. Returns -1 if all were done.
   */
  done(): number {
    const { view } = this;
    const word = this.offset + H.Done;
    for (;;) {
      const before = Atomics.load(view, word);
      const left = ((Atomics.load(view, this.offset + H.Pushed) - before) | 0) - 1;
      if (left < 0) return -1;
      const count = (before + 1) | 0;
      if (Atomics.compareExchange(view, word, before, count) !== before) continue;
      reported.count = count >>> 0;
      reported.left = left;
      return left;
    }
  }
}
