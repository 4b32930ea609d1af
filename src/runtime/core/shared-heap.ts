/**
 * A heap: memory that all who share it see, what is needed to wait on its words, and who they are. There is one for the
 * threads of a process (`thread-heap.ts`), and any number that processes share (`multiprocessing/synchronize/process-heap.ts`). What is
 * written above this knows no difference.
 */
import { HandleCache } from "./handles.js";
import { HeapLock } from "./heap-lock.js";
import { HeapMemory } from "./heap-memory.js";
import type { Holders } from "./holder.js";
import { SharedTexts } from "./shared-text.js";
import type { SharedWords } from "./words.js";

/** Where something is: its words in a heap, and its number in the trace. */
export interface Place {
  readonly heap: Heap;
  readonly index: number;
  readonly object: number;
}

export class Heap extends HeapMemory {
  /** Texts that all can read by number. */
  readonly texts: SharedTexts;
  readonly #objects = new Map<string, HandleCache<object>>();

  /** Who holds its locks. */
  readonly holders: Holders;

  constructor(
    words: SharedWords,
    bytes: Uint8Array,
    holders: (heap: HeapMemory) => Holders,
    /** What to add to the recorder's `now` for times that stand in the heap: they are on a clock that all have. */
    readonly clockOffset: number,
  ) {
    super(words, bytes);
    this.holders = holders(this);
    this.texts = new SharedTexts(this);
  }

  /** A lock around short steps in this heap, in the word at `index`; `repair` is called when it is taken from the dead. */
  lock(index: number, repair: (() => void) | null = null): HeapLock {
    return new HeapLock(this.words, index, repair);
  }

  /** The objects of a kind that this thread has in this heap, by the places of their words. */
  objects(kind: string): HandleCache<object> {
    let cache = this.#objects.get(kind);
    if (cache === undefined) {
      cache = new HandleCache();
      this.#objects.set(kind, cache);
    }
    return cache;
  }
}
