/**
 * The heap of the threads of this process: one SharedArrayBuffer in which every lock, queue and thread of the library
 * has its words.
 *
 * It is reserved large and committed by use: the kernel gives memory page by page when it is first written, so the
 * reservation costs nothing, and views of a fixed length are several times faster than those of a growable buffer.
 * Every thread gets it by environment data, so any worker, also one the library did not start, finds the same heap.
 *
 * What is written for any heap (see `shared-heap.ts`) takes this one as `threadHeap` of `thread-heap.ts`. These
 * functions are for what is of threads only.
 */
import { getEnvironmentData, setEnvironmentData } from "node:worker_threads";
import { HeapMemory, HeapWord } from "./heap-memory.js";
import { AtomicWords } from "./words.js";

export { HeapWord } from "./heap-memory.js";

const KEY = "heddle.heap";
const RESERVED_BYTES = 512 * 1024 * 1024;

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

const memory = new HeapMemory(words, heapBytes);

/** See {@link HeapMemory.allocate}. */
export function allocate(count: number, zero = true): number {
  return memory.allocate(count, zero);
}

/** See {@link HeapMemory.free}. */
export function free(block: number, count: number): void {
  memory.free(block, count);
}

/** See {@link HeapMemory.write}. */
export function writeHeap(index: number, bytes: Uint8Array): void {
  memory.write(index, bytes);
}

/** See {@link HeapMemory.read}. */
export function readHeap(index: number, length: number): Uint8Array {
  return memory.read(index, length);
}
