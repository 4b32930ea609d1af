/**
 * The heap: one SharedArrayBuffer per process in which every lock, queue and thread of the library has its words.
 *
 * It is reserved large and committed by use: the kernel gives memory page by page when it is first written, so the
 * reservation costs nothing, and views of a fixed length are several times faster than those of a growable buffer.
 * Every thread gets it by environment data, so any worker, also one the library did not start, finds the same heap.
 *
 * Addresses are word indices (4 bytes each). Blocks come in size classes of four steps per doubling; freed ones are
 * kept in a list per class. A thread may be terminated between any two instructions, so each list changes by a single
 * store, and the lock around them records its owner and is taken from a dead one (see `heap-lock.ts`).
 */
import { getEnvironmentData, setEnvironmentData } from "node:worker_threads";
import { HeapLock } from "./heap-lock.js";
import { AtomicWords } from "./words.js";

const KEY = "heddle.heap";
const RESERVED_BYTES = 512 * 1024 * 1024;

/** Words at the start of the heap with a fixed meaning. */
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
  /** Free lists, one word per size class. */ FreeLists: 64,
  /** Chains of shared texts, a word each, and how many. */ Texts: 192,
  TextChains: 64,
  /** Where blocks begin. */ Start: 256,
} as const;

function obtain(): SharedArrayBuffer {
  const given = getEnvironmentData(KEY) as unknown;
  if (given instanceof SharedArrayBuffer) return given;
  let bytes = RESERVED_BYTES;
  for (;;) {
    try {
      const buffer = new SharedArrayBuffer(bytes);
      new Int32Array(buffer)[HeapWord.Top] = HeapWord.Start;
      setEnvironmentData(KEY, buffer as never);
      return buffer;
    } catch (error) {
      // Where address space is limited, less must do.
      if (bytes <= 16 * 1024 * 1024) throw error;
      bytes /= 2;
    }
  }
}

/** The memory itself. */
export const heapBuffer: SharedArrayBuffer = obtain();
/** The heap as words: the thread backend of everything in it. */
export const words: AtomicWords = new AtomicWords(heapBuffer);
/** The heap as bytes. */
export const heapBytes: Uint8Array<SharedArrayBuffer> = new Uint8Array(heapBuffer);

const view = words.view;
const allocLock = new HeapLock(words, HeapWord.AllocLock);

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

/**
 * Takes a block of at least `count` words. Its contents are whatever they were, unless `zero`.
 * Returns the index of its first word. Throws `RangeError` when the heap is full.
 */
export function allocate(count: number, zero = true): number {
  const index = classOf(count);
  const list = HeapWord.FreeLists + index;
  allocLock.lock();
  let block = view[list] as number;
  if (block !== 0) {
    view[list] = view[block] as number;
  } else {
    const size = classSize(index);
    block = view[HeapWord.Top] as number;
    if (block + size > view.length) {
      allocLock.unlock();
      throw new RangeError(`shared memory is full: no room for ${size * 4} bytes`);
    }
    view[HeapWord.Top] = block + size;
  }
  allocLock.unlock();
  if (zero) view.fill(0, block, block + count);
  return block;
}

/** Gives a block back that {@link allocate} gave for the same `count`. */
export function free(block: number, count: number): void {
  const list = HeapWord.FreeLists + classOf(count);
  allocLock.lock();
  view[block] = view[list] as number;
  view[list] = block;
  allocLock.unlock();
}

/** Messages up to this size are copied by a loop: a call into native code costs more. */
const SMALL = 192;

/** Copies bytes into the heap, to the block that begins at word `index`. */
export function writeHeap(index: number, bytes: Uint8Array): void {
  const start = index * 4;
  const { length } = bytes;
  if (length > SMALL) heapBytes.set(bytes, start);
  else for (let i = 0; i < length; i++) heapBytes[start + i] = bytes[i] as number;
}

/** A copy of `length` bytes of the heap from word `index` on. */
export function readHeap(index: number, length: number): Uint8Array {
  const start = index * 4;
  const bytes = new Uint8Array(length);
  if (length > SMALL) bytes.set(heapBytes.subarray(start, start + length));
  else for (let i = 0; i < length; i++) bytes[i] = heapBytes[start + i] as number;
  return bytes;
}
