/**
 * Smallest first, and of equal items the one put first: a skip list (Pugh, 1990) of nodes
 * [levels, number, key words, bytes, next of each level…, key…, data…].
 *
 * The lowest level is the truth: an item is in the queue once it is linked there, by one store, and taken once it is
 * unlinked there, by one store. The levels above are short cuts. A new node is linked from the lowest level up and a
 * taken one unlinked from the highest down, so a level never has a node that the one below has not, at any instruction
 * at which a thread may die.
 *
 * In the natural order keys are compared in shared memory, under the lock. A compare function of the user's must not run
 * there: it may be slow, throw, wait, or use queues. It runs under a lock of its own that only puts take
 * (`SearchLock`), while takes go on. As takes only ever remove the first node, all else a search sees stands still; nodes
 * that are taken meanwhile are not given back but marked and kept in `Retired` until the search is over. When it knows
 * where the item belongs, it links it under the lock, behind the nodes it found, or at the front where those are marked.
 */

import { ObjectKind } from "../../trace/events.js";
import { RuntimeError } from "../core/errors.js";
import { HeapLock } from "../core/heap-lock.js";
import type { HeapMemory } from "../core/heap-memory.js";
import { decodeFrom } from "../core/structured-clone.js";
import { compareKeys, INCOMPARABLE, incomparableKeys, key } from "./order-key.js";
import {
  CLOSED,
  copyIn,
  copyOut,
  FULL,
  H,
  LEVELS,
  type MovedItem,
  NOTHING,
  placed,
  SharedQueue,
  taken,
} from "./shared-queue.js";

const N = { Levels: 0, Number: 1, KeyWords: 2, Bytes: 3, Next: 4 } as const;
/** In place of its levels: the node was taken during a search. */
const TAKEN = -1;

const nodeWords = (levels: number, keyWords: number, bytes: number): number =>
  N.Next + levels + keyWords + ((bytes + 3) >> 2);

/** How a new item's place is told from a node's: 1 if the item belongs behind it. */
type Behind = (node: number) => boolean;
export type Compare = (a: unknown, b: unknown) => number;

/** A level more with a chance of one in four. */
function randomLevels(): number {
  let levels = 1;
  for (let dice = Math.random(); dice < 0.25 && levels < LEVELS; dice *= 4) levels++;
  return levels;
}

export class SkipList extends SharedQueue {
  private readonly searchLock: HeapLock;
  private searching = false;
  /** The node that ends each level before the new item's place; 0 is the front. */
  private readonly before: number[] = [];

  /** `compare` gives the user's function; null for the natural order. */
  private constructor(
    heap: HeapMemory,
    offset: number,
    private readonly compare: (() => Compare) | null,
  ) {
    super(heap, offset);
    this.searchLock = new HeapLock(heap.words, offset + H.SearchLock, () => this.endSearch());
  }

  static create(heap: HeapMemory, compare: (() => Compare) | null): SkipList {
    return new SkipList(heap, SharedQueue.allocateHeader(heap, ObjectKind.PriorityQueue), compare);
  }

  /** One that another thread made. */
  static attach(heap: HeapMemory, offset: number, compare: (() => Compare) | null): SkipList {
    return new SkipList(heap, offset, compare);
  }

  /** The word with the next node of a level; node 0 is the front. */
  private next(node: number, level: number): number {
    return node === 0 ? this.offset + H.Heads + level : node + N.Next + level;
  }

  private keyOf(node: number): number {
    return node + N.Next + (this.view[node + N.Levels] as number);
  }

  /** Finds the place behind all nodes that `behind` is true for. */
  private find(behind: Behind): void {
    let node = 0;
    for (let level = LEVELS - 1; level >= 0; level--) {
      for (;;) {
        const next = Atomics.load(this.view, this.next(node, level));
        if (next === 0 || !behind(next)) break;
        node = next;
      }
      this.before[level] = node;
    }
  }

  override tryPush(bytes: Uint8Array, length: number, limit: number, item: unknown): number {
    const { view, offset: o } = this;
    if (view[o + H.Closed] !== 0) return CLOSED;
    if (limit > 0 && this.length >= limit) return FULL;
    if (this.compare === null) key.write(item);
    else key.length = 0;
    const levels = randomLevels();
    const node = this.newNode(levels, 0, bytes, length);
    try {
      const number =
        this.compare === null ? this.pushByKey(node, limit) : this.pushCompared(node, limit, item, this.compare());
      if (number < 0) this.freeNode(node);
      return number;
    } catch (error) {
      this.freeNode(node);
      throw error;
    }
  }

  private pushByKey(node: number, limit: number): number {
    this.lock.lock();
    const refused = this.refuse(limit);
    if (refused !== 0) {
      this.lock.unlock();
      return refused;
    }
    const mine = this.keyOf(node);
    let strange = false;
    this.find((other) => {
      const order = compareKeys(this.view, this.keyOf(other), this.view, mine);
      if (order === INCOMPARABLE) strange = true;
      return order <= 0;
    });
    if (strange) {
      this.lock.unlock();
      throw incomparableKeys();
    }
    return this.link(node);
  }

  private pushCompared(node: number, limit: number, item: unknown, compare: Compare): number {
    if (this.searching) throw new RuntimeError("a compare function cannot put into its own queue");
    this.searchLock.lock();
    this.searching = true;
    try {
      this.lock.lock();
      Atomics.store(this.view, this.offset + H.Searching, 1);
      this.lock.unlock();
      this.find((other) => !(compare(item, this.readValue(other)) < 0));
      this.lock.lock();
      const refused = this.refuse(limit);
      if (refused !== 0) {
        this.lock.unlock();
        return refused;
      }
      for (let level = 0; level < LEVELS; level++) {
        const before = this.before[level] as number;
        if (before !== 0 && this.view[before + N.Levels] === TAKEN) this.before[level] = 0;
      }
      return this.link(node);
    } finally {
      this.searching = false;
      this.endSearch();
      this.searchLock.unlock();
    }
  }

  /** Why nothing can be put now, or 0. With the lock held. */
  private refuse(limit: number): number {
    const { view, offset: o } = this;
    if (view[o + H.Closed] !== 0) return CLOSED;
    return limit > 0 && (((view[o + H.Pushed] as number) - (view[o + H.Popped] as number)) | 0) >= limit ? FULL : 0;
  }

  /** Links a node at the place that was found, counts it, and gives the lock back. */
  private link(node: number): number {
    const { view, offset: o } = this;
    const number = ((view[o + H.Pushed] as number) + 1) | 0;
    view[node + N.Number] = number;
    const levels = view[node + N.Levels] as number;
    for (let level = 0; level < levels; level++) {
      const word = this.next(this.before[level] as number, level);
      view[node + N.Next + level] = view[word] as number;
      Atomics.store(view, word, node);
      if (level === 0) Atomics.store(view, o + H.Pushed, number);
    }
    placed.depth = (number - (view[o + H.Popped] as number)) | 0;
    this.lock.unlock();
    return number >>> 0;
  }

  override tryTake(): number {
    const { view, offset: o } = this;
    if (this.length === 0) return NOTHING;
    this.lock.lock();
    const node = view[o + H.Heads] as number;
    if (node === 0) {
      this.lock.unlock();
      return NOTHING;
    }
    const levels = view[node + N.Levels] as number;
    for (let level = levels - 1; level >= 0; level--) {
      // A node that was being linked when its thread died is not in its upper levels.
      const word = o + H.Heads + level;
      if (view[word] === node) Atomics.store(view, word, view[node + N.Next + level] as number);
    }
    const popped = ((view[o + H.Popped] as number) + 1) | 0;
    Atomics.store(view, o + H.Popped, popped);
    taken.left = ((view[o + H.Pushed] as number) - popped) | 0;
    const number = view[node + N.Number] as number;
    const length = view[node + N.Bytes] as number;
    copyOut(this.bytes, node + N.Next + levels + (view[node + N.KeyWords] as number), length);
    const searching = view[o + H.Searching] !== 0;
    if (searching) this.retire(node, levels);
    this.lock.unlock();
    if (!searching) this.freeNode(node);
    return number >>> 0;
  }

  /** Keeps a taken node for the search that may be standing on it. With the lock held. */
  private retire(node: number, levels: number): void {
    // Its `next` words still lead a search on. What chains it to the others replaces its number, the levels its size.
    this.view[node + N.KeyWords] = (this.view[node + N.KeyWords] as number) + levels;
    this.view[node + N.Number] = this.view[this.offset + H.Retired] as number;
    Atomics.store(this.view, node + N.Levels, TAKEN);
    this.view[this.offset + H.Retired] = node;
  }

  /** The search is over, or its thread has died: gives back what was kept for it. */
  private endSearch(): void {
    this.lock.lock();
    this.view[this.offset + H.Searching] = 0;
    let node = this.view[this.offset + H.Retired] as number;
    this.view[this.offset + H.Retired] = 0;
    this.lock.unlock();
    while (node !== 0) {
      const next = this.view[node + N.Number] as number;
      this.heap.free(node, nodeWords(0, this.view[node + N.KeyWords] as number, this.view[node + N.Bytes] as number));
      node = next;
    }
  }

  protected override repair(): void {
    this.recount(this.view[this.offset + H.Heads] as number, N.Next, N.Number);
  }

  override adoptItems(items: readonly MovedItem[]): void {
    const last: number[] = Array(LEVELS).fill(0);
    for (const { bytes, number, item } of items) {
      if (this.compare === null) key.write(item);
      else key.length = 0;
      const levels = randomLevels();
      const node = this.newNode(levels, number, bytes, bytes.length);
      for (let level = 0; level < levels; level++) {
        this.view[node + N.Next + level] = 0;
        this.view[this.next(last[level] as number, level)] = node;
        last[level] = node;
      }
    }
  }

  override dispose(): void {
    while (this.tryTake() !== NOTHING);
    this.endSearch();
    this.freeHeader();
  }

  /** A node with the key that was written last. */
  private newNode(levels: number, number: number, bytes: Uint8Array, length: number): number {
    const { view } = this;
    const node = this.heap.allocate(nodeWords(levels, key.length, length), false);
    view[node + N.Levels] = levels;
    view[node + N.Number] = number | 0;
    view[node + N.KeyWords] = key.length;
    view[node + N.Bytes] = length;
    const at = node + N.Next + levels;
    for (let i = 0; i < key.length; i++) view[at + i] = key.words[i] as number;
    copyIn(this.bytes, at + key.length, bytes, length);
    return node;
  }

  private freeNode(node: number): void {
    const { view } = this;
    const [levels, keyWords, bytes] = [
      view[node] as number,
      view[node + N.KeyWords] as number,
      view[node + N.Bytes] as number,
    ];
    this.heap.free(node, nodeWords(levels, keyWords, bytes));
  }

  /** The value of a node during a search, which may be taken at any moment but not given back. */
  private readValue(node: number): unknown {
    const { view } = this;
    let keyWords = 0;
    let levels = Atomics.load(view, node + N.Levels);
    // A node in its own order has no key, and one that was taken has its levels there.
    if (levels === TAKEN) {
      keyWords = view[node + N.KeyWords] as number;
      levels = 0;
    }
    const length = view[node + N.Bytes] as number;
    const saved = taken.bytes;
    taken.bytes = Buffer.allocUnsafeSlow(Math.max(64, length));
    copyOut(this.bytes, node + N.Next + levels + keyWords, length);
    const own = taken.bytes;
    taken.bytes = saved;
    return decodeFrom(own);
  }
}
