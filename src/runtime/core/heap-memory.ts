/**
 * Memory that several threads (or processes) see, as words and as bytes, and the blocks it is made of.
 *
 * Addresses are word indices (4 bytes each). Blocks come in size classes of four steps per doubling; freed ones are
 * kept in a list per class. A thread may be terminated, and a process killed, between any two instructions, so each list
 * changes by a single store, and the lock around them is taken from a dead owner (see `heap-lock.ts`).
 *
 * That is all as long as there are words that were never given out. When these are at an end, a block is cut out of a
 * larger free one, and if there is none, all free blocks that lie side by side are joined first: else messages of many
 * sizes, one after the other, would fill the memory with free blocks of the wrong ones. Who dies over that loses free
 * memory, but no block is ever given out twice.
 */
import { HeapLock } from "./heap-lock.js";
import type { SharedWords } from "./words.js";

/** Words at the start of a heap with a fixed meaning. */
export const HeapWord = {
  /** Next word never given out. */ Top: 1,
  /** Lock of the allocator. */ AllocLock: 2,
  /** Lock of the list of threads. */ ThreadsLock: 4,
  /** First record of the list of threads. */ Threads: 6,
  /** Lock around output. */ OutputLock: 8,
  /** Counts up: numbers of objects, names of threads. */ ThreadNames: 10,
  /** Set once a second thread exists, from when on output takes its lock. */ Shared: 11,
  /** Counts up: numbers of thread-local objects. */ Locals: 12,
  /** Lock around the start of a worker. */ StartLock: 14,
  /** Blocks in which threads note which queues they hold, and the lock of their list. */ QueueHolders: 16,
  QueueHoldersLock: 18,
  /** First record of the list of holders, in a heap of processes. */ ProcessHolders: 20,
  /** How many threads are where they must not be ended, and whether the process ends; see `platform/native-work.ts`. */
  NativeWork: 22,
  Closing: 23,
  /** How many threads Node blocks, so that they cannot be ended; see `subprocess/blocked-threads.ts`. */ Blocked: 24,
  /** Free lists, one word per size class. */ FreeLists: 64,
  /** Chains of shared texts, a word each, and how many. */ Texts: 192,
  TextChains: 64,
  /** Where blocks begin. */ Start: 256,
} as const;

/** The size class of a block of `count` words. Classes have 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, … words. */
function classOf(count: number): number {
  if (count <= 4) return 0;
  const exponent = 31 - Math.clz32(count - 1); // count is in (2^exponent, 2^(exponent+1)]
  return (exponent - 2) * 4 + ((count - 1 - (1 << exponent)) >> (exponent - 2)) + 1;
}

/** How many words a block of a class has. */
function classSize(index: number): number {
  if (index === 0) return 4;
  const exponent = 2 + ((index - 1) >> 2);
  return 2 ** exponent + (((index - 1) & 3) + 1) * 2 ** (exponent - 2);
}

/** How many size classes there are room for in the heap's words. */
const CLASSES = HeapWord.Texts - HeapWord.FreeLists;
const SMALLEST = classSize(0);

/** Messages up to this size are copied by a loop: a call into native code costs more. */
const SMALL = 192;

export class HeapMemory {
  readonly #lock: HeapLock;

  constructor(
    readonly words: SharedWords,
    readonly bytes: Uint8Array,
  ) {
    this.#lock = new HeapLock(words, HeapWord.AllocLock);
  }

  /** Makes a heap of memory that is all zero: to be called once, by who made that. */
  begin(): void {
    this.words.store(HeapWord.Top, HeapWord.Start);
  }

  /**
   * Takes a block of at least `count` words. Its contents are whatever they were, unless `zero`.
   * Returns the index of its first word. Throws `RangeError` when the heap is full.
   */
  allocate(count: number, zero = true): number {
    const { view } = this.words;
    const index = classOf(count);
    const list = HeapWord.FreeLists + index;
    this.#lock.lock();
    let block = view[list] as number;
    if (block !== 0) {
      view[list] = view[block] as number;
    } else {
      const size = classSize(index);
      block = view[HeapWord.Top] as number;
      if (block + size <= view.length) view[HeapWord.Top] = block + size;
      else block = this.#findRoom(index);
    }
    this.#lock.unlock();
    if (block === 0) throw new RangeError(`shared memory is full: no room for ${classSize(index) * 4} bytes`);
    if (zero) view.fill(0, block, block + count);
    return block;
  }

  /** A block of a class out of what was given back; 0: there is none. */
  #findRoom(index: number): number {
    try {
      return this.#cut(index) || (this.#join(classSize(index)) ? this.#cut(index) : 0);
    } catch {
      // JavaScript has no memory left to put them in order with.
      return 0;
    }
  }

  /** A block of a class: a free one, or the beginning of a larger one, or of what was never given out. 0: there is none. */
  #cut(index: number): number {
    const { view } = this.words;
    const size = classSize(index);
    for (let larger = index; larger < CLASSES; larger++) {
      const list = HeapWord.FreeLists + larger;
      const block = view[list] as number;
      const rest = classSize(larger) - size;
      if (block === 0 || (rest > 0 && rest < SMALLEST)) continue;
      view[list] = view[block] as number;
      this.#enlist(block + size, rest);
      return block;
    }
    const block = view[HeapWord.Top] as number;
    if (block + size > view.length) return 0;
    view[HeapWord.Top] = block + size;
    return block;
  }

  /** Puts free words into the lists, as blocks as large as may be. */
  #enlist(first: number, count: number): void {
    const { view } = this.words;
    let block = first;
    let left = count;
    while (left >= SMALLEST) {
      let index = classOf(left);
      // No less may be left over than the smallest block.
      const fits = (size: number) => size === left || size <= left - SMALLEST;
      while (!fits(classSize(index))) index--;
      const list = HeapWord.FreeLists + index;
      view[block] = view[list] as number;
      view[list] = block;
      block += classSize(index);
      left -= classSize(index);
    }
  }

  /** Joins the free blocks that lie side by side. Returns false if all of them together have fewer words than `needed`. */
  #join(needed: number): boolean {
    const { view } = this.words;
    let count = 0;
    let total = view.length - (view[HeapWord.Top] as number);
    for (let index = 0; index < CLASSES; index++) {
      for (let at = view[HeapWord.FreeLists + index] as number; at !== 0; at = view[at] as number) {
        count++;
        total += classSize(index);
      }
    }
    if (total < needed) return false;
    // Where each begins, and its class: in order of the former.
    const blocks = new Float64Array(count);
    for (let index = 0; index < CLASSES; index++) {
      for (let at = view[HeapWord.FreeLists + index] as number; at !== 0; at = view[at] as number) {
        blocks[--count] = at * CLASSES + index;
      }
    }
    blocks.sort();
    // All are in no list before the first is in one again.
    for (let index = 0; index < CLASSES; index++) view[HeapWord.FreeLists + index] = 0;
    for (let i = 0; i < blocks.length; ) {
      const first = Math.floor((blocks[i] as number) / CLASSES);
      let end = first;
      for (; i < blocks.length && Math.floor((blocks[i] as number) / CLASSES) === end; i++) {
        end += classSize((blocks[i] as number) % CLASSES);
      }
      if (end === view[HeapWord.Top]) view[HeapWord.Top] = first;
      else this.#enlist(first, end - first);
    }
    return true;
  }

  /** Bytes that were never given out. */
  get room(): number {
    return (this.words.view.length - this.words.load(HeapWord.Top)) * 4;
  }

  /** Gives a block back that {@link allocate} gave for the same `count`. */
  free(block: number, count: number): void {
    const { view } = this.words;
    const list = HeapWord.FreeLists + classOf(count);
    this.#lock.lock();
    view[block] = view[list] as number;
    view[list] = block;
    this.#lock.unlock();
  }

  /** Copies bytes into the heap, to the block that begins at word `index`. */
  write(index: number, bytes: Uint8Array): void {
    const start = index * 4;
    const { length } = bytes;
    if (length > SMALL) this.bytes.set(bytes, start);
    else for (let i = 0; i < length; i++) this.bytes[start + i] = bytes[i] as number;
  }

  /** A copy of `length` bytes of the heap from word `index` on. */
  read(index: number, length: number): Uint8Array {
    const start = index * 4;
    const bytes = new Uint8Array(length);
    if (length > SMALL) bytes.set(this.bytes.subarray(start, start + length));
    else for (let i = 0; i < length; i++) bytes[i] = this.bytes[start + i] as number;
    return bytes;
  }
}
