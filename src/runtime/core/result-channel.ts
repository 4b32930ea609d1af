/**
 * The channel by which one worker tells the owner of its pool what came of the tasks: one writer, one reader, no lock.
 *
 * Results follow each other in segments of the heap, each naming the next: a word with kind and bytes, the ticket, the
 * encoded value; a large one is in a block of its own. The writer publishes by storing how many it has written into its
 * words; the reader gives a segment back when it leaves it. A writer that dies leaves a result either whole or unseen.
 */
import { allocate, free, readHeap, words, writeHeap } from "./heap.js";
import { NOT_SIMPLE, readSimple, writeSimple } from "./simple-values.js";
import { type DecodeOptions, decode, encode } from "./structured-clone.js";
import { WorkerWord } from "./task-channel.js";

const { view } = words;

export const ResultKind = {
  /** The task returned: its value. */ Value: 0,
  /** The task threw: its error. */ Error: 1,
  /** The task was cancelled before. */ Skipped: 2,
  /** The results go on in the segment at the address in the next word. */ Next: 3,
} as const;

const KIND_MASK = 3;
/** The value is in a block of its own, whose address follows. */
const LARGE = 4;
/** Something that belongs to the value comes through the port. */
const EXTRAS = 8;
const BYTES_SHIFT = 4;

const SEGMENT_WORDS = 1 << 12;
const HEADER = 2;
/** Words at the end of a segment for the way to the next. */
const NEXT_WORDS = 2;
const LARGE_BYTES = 8192;
/** Room for any value written the short way. */
const SIMPLE_WORDS = 18;

const blockWords = (bytes: number): number => (bytes + 3) >> 2;

/** The worker's end. */
export class ResultWriter {
  readonly #worker: number;
  #at: number;
  #end: number;
  #count = 0;
  /** Words of the result that is written and not told. */
  #written = 0;

  constructor(worker: number) {
    this.#worker = worker;
    this.#at = allocate(SEGMENT_WORDS, false);
    this.#end = this.#at + SEGMENT_WORDS;
    Atomics.store(view, worker + WorkerWord.FirstResults, this.#at);
  }

  #room(count: number): void {
    if (this.#at + count + NEXT_WORDS <= this.#end) return;
    const next = allocate(SEGMENT_WORDS, false);
    view[this.#at] = ResultKind.Next;
    view[this.#at + 1] = next;
    this.#at = next;
    this.#end = next + SEGMENT_WORDS;
  }

  /** Tells what was written last. */
  publish(): void {
    this.#at += this.#written;
    this.#count = (this.#count + 1) | 0;
    Atomics.store(view, this.#worker + WorkerWord.Results, this.#count);
  }

  /** Writes that a cancelled task was passed over. */
  skipped(ticket: number): void {
    this.#room(HEADER);
    view[this.#at] = ResultKind.Skipped;
    view[this.#at + 1] = ticket;
    this.#written = HEADER;
  }

  /**
   * Writes what a task returned or threw, to be told by {@link publish}. `sendExtras` is called if something in it has
   * to go through the port. Throws `DataCloneError` if it cannot cross.
   */
  write(ticket: number, kind: number, value: unknown, path: string, sendExtras: (extras: unknown[]) => void): void {
    this.#room(HEADER + SIMPLE_WORDS);
    const from = (this.#at + HEADER) * 4;
    const bytes = writeSimple(value, from, from + SIMPLE_WORDS * 4) - from;
    if (bytes < 0) {
      this.#writeLong(ticket, kind, value, path, sendExtras);
      return;
    }
    view[this.#at] = kind | (bytes << BYTES_SHIFT);
    view[this.#at + 1] = ticket;
    this.#written = HEADER + blockWords(bytes);
  }

  #writeLong(
    ticket: number,
    kind: number,
    value: unknown,
    path: string,
    sendExtras: (extras: unknown[]) => void,
  ): void {
    const extras: unknown[] = [];
    const bytes = encode(value, { path, extras });
    if (extras.length > 0) sendExtras(extras);
    const large = bytes.length > LARGE_BYTES;
    const count = large ? 2 : blockWords(bytes.length);
    this.#room(HEADER + count);
    const flags = (large ? LARGE : 0) | (extras.length > 0 ? EXTRAS : 0);
    if (large) {
      const block = allocate(blockWords(bytes.length), false);
      writeHeap(block, bytes);
      view[this.#at + HEADER] = block;
      view[this.#at + HEADER + 1] = bytes.length;
    } else writeHeap(this.#at + HEADER, bytes);
    view[this.#at] = kind | flags | ((large ? 0 : bytes.length) << BYTES_SHIFT);
    view[this.#at + 1] = ticket;
    this.#written = HEADER + count;
  }
}

/** The owner's end. */
export class ResultReader {
  readonly #worker: number;
  readonly #receiveExtras: () => readonly unknown[];
  readonly #decodeOptions: DecodeOptions;
  #at = 0;
  /** Where the segment begins. */
  #segment = 0;
  #count = 0;
  /** How many were published when it was last looked at. */
  #published = 0;
  /** Of the result read last. */
  kind = 0;
  ticket = 0;
  #header = 0;
  #body = 0;

  constructor(worker: number, decodeOptions: DecodeOptions, receiveExtras: () => readonly unknown[]) {
    this.#worker = worker;
    this.#decodeOptions = decodeOptions;
    this.#receiveExtras = receiveExtras;
  }

  /** True if there is a result. */
  get pending(): boolean {
    return Atomics.load(view, this.#worker + WorkerWord.Results) !== this.#count;
  }

  /** Goes to the next result; false if there is none. Its value has to be read before the next call. */
  next(): boolean {
    if (this.#count === this.#published) {
      this.#published = Atomics.load(view, this.#worker + WorkerWord.Results);
      if (this.#count === this.#published) return false;
    }
    if (this.#at === 0) {
      this.#segment = Atomics.load(view, this.#worker + WorkerWord.FirstResults);
      this.#at = this.#segment;
    }
    let header = view[this.#at] as number;
    if (header === ResultKind.Next) {
      const next = view[this.#at + 1] as number;
      free(this.#segment, SEGMENT_WORDS);
      this.#segment = next;
      this.#at = next;
      header = view[next] as number;
    }
    this.kind = header & KIND_MASK;
    this.ticket = view[this.#at + 1] as number;
    this.#header = header;
    this.#body = this.#at + HEADER;
    this.#at = this.#body + ((header & LARGE) !== 0 ? 2 : blockWords(header >>> BYTES_SHIFT));
    this.#count = (this.#count + 1) | 0;
    return true;
  }

  /** The value of the result read last, once. Throws what decoding it throws. */
  value(): unknown {
    let bytes: Uint8Array;
    if ((this.#header & LARGE) === 0) {
      const simple = readSimple(this.#body * 4);
      if (simple !== NOT_SIMPLE) return simple;
      bytes = readHeap(this.#body, this.#header >>> BYTES_SHIFT);
    } else {
      const block = view[this.#body] as number;
      const length = view[this.#body + 1] as number;
      bytes = readHeap(block, length);
      free(block, blockWords(length));
    }
    const extras = (this.#header & EXTRAS) !== 0 ? this.#receiveExtras() : undefined;
    const options = this.kind === ResultKind.Error ? this.#decodeOptions : {};
    return decode(bytes, extras === undefined ? options : { ...options, extras });
  }

  /** Passes over the value of the result read last. */
  drop(): void {
    if ((this.#header & LARGE) !== 0) {
      free(view[this.#body] as number, blockWords(view[this.#body + 1] as number));
    }
    if ((this.#header & EXTRAS) !== 0) this.#receiveExtras();
  }

  /** Gives the memory back; the worker has ended. */
  dispose(): void {
    while (this.next()) if (this.kind !== ResultKind.Skipped) this.drop();
    const first = this.#at === 0 ? Atomics.load(view, this.#worker + WorkerWord.FirstResults) : this.#segment;
    if (first !== 0) free(first, SEGMENT_WORDS);
  }
}
