/**
 * Functions that tasks of one channel name: each reference is written into shared memory once, and tasks carry its
 * number. The table grows by being copied; a worker that still has the old one finds in it all that was there.
 */
import { checkCallable } from "./crossing-refusal.js";
import { type FunctionReference, referenceName, referenceTo } from "./function-reference.js";
import { allocate, free, readHeap, words, writeHeap } from "./heap.js";

const { view } = words;
const ENTRY_WORDS = 2;
const FIRST_CAPACITY = 16;

type AnyFunction = (...args: never[]) => unknown;

/** A function as tasks name it. */
export interface TableEntry {
  readonly number: number;
  readonly name: string;
}

const blockWords = (bytes: number): number => Math.max(1, (bytes + 3) >> 2);

/** The owner's side. */
export class FunctionTable {
  /** The word that tells where the table is. */
  readonly #word: number;
  readonly #entries = new WeakMap<AnyFunction, TableEntry>();
  /** By the text of the reference: functions made again and again from the same source share a number. */
  readonly #byText = new Map<string, TableEntry>();
  readonly #blocks: { readonly index: number; readonly words: number }[] = [];
  #table = 0;
  #capacity = 0;
  #lastFunction: AnyFunction | null = null;
  #lastEntry: TableEntry | null = null;

  constructor(word: number) {
    this.#word = word;
  }

  /** How tasks name a function. Throws `DataCloneError` if it cannot cross, `TypeError` for what is none. */
  entryOf(fn: AnyFunction): TableEntry {
    if (fn === this.#lastFunction) return this.#lastEntry as TableEntry;
    let entry = typeof fn === "function" ? this.#entries.get(fn) : undefined;
    if (entry === undefined) {
      checkCallable(fn, "fn");
      const reference = referenceTo(fn, "fn");
      entry = this.#enter(JSON.stringify(reference), referenceName(reference));
      this.#entries.set(fn, entry);
    }
    this.#lastFunction = fn;
    this.#lastEntry = entry;
    return entry;
  }

  #enter(text: string, name: string): TableEntry {
    const known = this.#byText.get(text);
    if (known !== undefined) return known;
    const number = this.#byText.size;
    if (number === this.#capacity) this.#grow();
    const bytes = Buffer.from(text);
    const index = this.#take(blockWords(bytes.length));
    writeHeap(index, bytes);
    view[this.#table + number * ENTRY_WORDS] = index;
    view[this.#table + number * ENTRY_WORDS + 1] = bytes.length;
    const entry = { number, name };
    this.#byText.set(text, entry);
    return entry;
  }

  #grow(): void {
    const capacity = this.#capacity === 0 ? FIRST_CAPACITY : this.#capacity * 2;
    const table = this.#take(capacity * ENTRY_WORDS);
    view.copyWithin(table, this.#table, this.#table + this.#capacity * ENTRY_WORDS);
    this.#table = table;
    this.#capacity = capacity;
    Atomics.store(view, this.#word, table);
  }

  #take(count: number): number {
    const index = allocate(count, false);
    this.#blocks.push({ index, words: count });
    return index;
  }

  /** Gives the memory back; no worker may look any more. */
  dispose(): void {
    for (const block of this.#blocks.splice(0)) free(block.index, block.words);
  }
}

/** A worker's side: the reference with a number in the table at `word`. */
export function readTableEntry(word: number, number: number): FunctionReference {
  const entry = Atomics.load(view, word) + number * ENTRY_WORDS;
  const text = Buffer.from(readHeap(view[entry] as number, view[entry + 1] as number)).toString();
  return JSON.parse(text) as FunctionReference;
}
