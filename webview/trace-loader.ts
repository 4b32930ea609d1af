/**
 * Reads the trace's bytes in short slices, so that the page answers while a large one loads.
 *
 * Why not a worker: shared memory does not exist in VS Code's web views, so a model built in a worker would have to be
 * sent over, all columns of it, and be held twice while a trace grows; and every page that carries its trace in one
 * file would start its worker from a blob, which not every policy allows. Slices hold the columns once, need nothing
 * of the page's policy, and bound each task whatever the file's size: of ten million events the tenth million costs
 * the page's thread what the first does. What they do not give is a second core; should reading ten million events
 * take too long, this class is where a worker would go, because nobody else sees how the model comes to be.
 *
 * What is read is shown as it comes. Between two slices the browser has its turn (input, frames); showing what was
 * gained costs a frame itself, so that is asked for a few times a second only.
 */
import type { TraceModel } from "../src/analysis/model.js";
import { TraceBuilder } from "../src/analysis/trace-builder.js";

/** How long a slice may take, milliseconds: a frame still fits beside it. */
const SLICE_MS = 10;
/** Bytes between two looks at the clock. */
const STEP_BYTES = 8 * 1024;
/** How often what was gained is shown while there is more to read, milliseconds. */
const SHOW_MS = 100;

export interface LoaderEvents {
  /** There is a model now; called once a trace. */
  began(model: TraceModel): void;
  /** The model has grown, or is complete: what is drawn from now on must know; `show` when it is worth a frame. */
  grew(show: boolean): void;
  /** How much of a known whole was read, in bytes. */
  progress(read: number, total: number): void;
  /** Nothing more is to be read. */
  loaded(): void;
  failed(title: string, detail: string): void;
}

interface Piece {
  readonly bytes: Uint8Array;
  readonly last: boolean;
}

export class TraceLoader {
  readonly #events: LoaderEvents;
  readonly #turns = new MessageChannel();
  #builder = new TraceBuilder();
  #pieces: Piece[] = [];
  /** Within the first piece. */
  #at = 0;
  #read = 0;
  #total = 0;
  #shown = false;
  #shownAt = 0;
  #isWaiting = false;
  #isOver = false;

  constructor(events: LoaderEvents) {
    this.#events = events;
    this.#turns.port1.onmessage = () => {
      this.#isWaiting = false;
      this.#work();
    };
  }

  /** A new trace begins; `total` is its size in bytes, 0 if that is not known. */
  reset(total: number): void {
    this.#builder = new TraceBuilder();
    this.#builder.saved = total > 0;
    this.#pieces = [];
    this.#at = this.#read = 0;
    this.#total = total;
    this.#shown = this.#isOver = false;
    if (total > 0) this.#events.progress(0, total);
  }

  /** Takes the next bytes. A little is read at once, so a live trace is not shown later than need be. */
  push(bytes: Uint8Array, last: boolean): void {
    if (this.#isOver) return;
    this.#pieces.push({ bytes, last });
    if (!this.#isWaiting) this.#work();
  }

  #work(): void {
    const until = performance.now() + SLICE_MS;
    const pieces = this.#pieces;
    while (pieces.length > 0 && !this.#isOver) {
      const { bytes, last } = pieces[0]!;
      const step = bytes.subarray(this.#at, this.#at + STEP_BYTES);
      this.#builder.push(step);
      this.#at += step.length;
      this.#read += step.length;
      if (this.#read > this.#total) this.#builder.saved = false;
      if (this.#at >= bytes.length) {
        pieces.shift();
        this.#at = 0;
        if (last) this.#builder.finish();
      }
      this.#isOver = this.#builder.problem !== null || this.#builder.model.complete;
      if (performance.now() >= until) break;
    }
    const more = pieces.length > 0 && !this.#isOver;
    if (!more || performance.now() - this.#shownAt >= SHOW_MS) this.#show();
    else if (this.#shown) this.#events.grew(false);
    if (!more || this.#isWaiting) return;
    this.#isWaiting = true;
    this.#turns.port2.postMessage(null);
  }

  #show(): void {
    const { model, problem } = this.#builder;
    if (problem !== null) this.#events.failed("This trace cannot be read", problem);
    else if (model.complete && model.threads.length === 0)
      this.#events.failed("The trace is empty", "It ends before the script's first event.");
    else if (model.threads.length > 0) {
      if (this.#shown) this.#events.grew(true);
      else this.#events.began(model);
      this.#shown = true;
    }
    if (this.#isOver) this.#events.loaded();
    else if (this.#total > 0) this.#events.progress(Math.min(this.#read, this.#total), this.#total);
    this.#shownAt = performance.now();
  }
}
