/**
 * Merges what many sources tell, each nearly in order of time, into one order. A source is a thread's events, the
 * context switches, the samples, or what is to happen at a time (a process's end).
 */

export interface Source {
  /** Time of what comes next; Infinity when nothing is there. */
  key: number;
  /** Time of the latest thing handled. */
  latest: number;
  /** Its place among sources at the same time. */
  readonly rank: number;
  /** Handles what comes next, and all further things up to the time `limit`. */
  run(limit: number): void;
}

/**
 * Handles everything up to `watermark` in order of time. The sources stand in a binary heap, the next one first, so that
 * a step costs the logarithm of how many threads there are.
 */
export function runMerged(sources: readonly Source[], watermark: number): void {
  const heap = sources.filter((source) => source.key <= watermark && source.key !== Number.POSITIVE_INFINITY);
  for (let i = (heap.length >> 1) - 1; i >= 0; i--) siftDown(heap, i);
  while (heap.length > 0) {
    const first = heap[0]!;
    const second = Math.min(heap[1]?.key ?? Number.POSITIVE_INFINITY, heap[2]?.key ?? Number.POSITIVE_INFINITY);
    first.run(Math.min(second, watermark));
    if (first.key > watermark || first.key === Number.POSITIVE_INFINITY) {
      const last = heap.pop()!;
      if (heap.length === 0) return;
      heap[0] = last;
    }
    siftDown(heap, 0);
  }
}

function siftDown(heap: Source[], from: number): void {
  const moved = heap[from]!;
  const { length } = heap;
  let at = from;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= length) break;
    if (child + 1 < length && isBefore(heap[child + 1]!, heap[child]!)) child++;
    if (!isBefore(heap[child]!, moved)) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = moved;
}

function isBefore(x: Source, y: Source): boolean {
  return x.key < y.key || (x.key === y.key && x.rank < y.rank);
}

/**
 * Rows of columns that come piece by piece: a thread's events, or frames of the system's. A row older than the one before
 * it is handled at that one's place, so that the time that `apply` gets never falls.
 */
export class ColumnsSource<C extends { readonly count: number; readonly t: Float64Array }> implements Source {
  key = Number.POSITIVE_INFINITY;
  latest = 0;
  #latest = Number.NEGATIVE_INFINITY;
  readonly #pieces: C[] = [];
  #next = 0;

  constructor(
    readonly rank: number,
    readonly apply: (t: number, columns: C, row: number) => void,
  ) {}

  add(columns: C): void {
    if (columns.count === 0) return;
    this.#pieces.push(columns);
    if (this.#pieces.length === 1) this.#setKey();
  }

  #setKey(): void {
    const columns = this.#pieces[0];
    if (columns === undefined) {
      this.key = Number.POSITIVE_INFINITY;
      return;
    }
    const t = columns.t[this.#next]!;
    if (t > this.#latest) this.#latest = t;
    this.key = this.#latest;
  }

  run(limit: number): void {
    do {
      const columns = this.#pieces[0]!;
      this.latest = this.key;
      this.apply(this.key, columns, this.#next);
      if (++this.#next === columns.count) {
        this.#pieces.shift();
        this.#next = 0;
      }
      this.#setKey();
    } while (this.key <= limit && this.key !== Number.POSITIVE_INFINITY);
  }
}

/** Things to do at a time. */
export class AgendaSource implements Source {
  key = Number.POSITIVE_INFINITY;
  latest = 0;
  readonly #entries: { t: number; act: (t: number) => void }[] = [];

  constructor(readonly rank: number) {}

  at(t: number, act: (t: number) => void): void {
    let i = this.#entries.length;
    while (i > 0 && this.#entries[i - 1]!.t > t) i--;
    this.#entries.splice(i, 0, { t, act });
    this.key = this.#entries[0]!.t;
  }

  run(limit: number): void {
    do {
      const entry = this.#entries.shift()!;
      this.latest = entry.t;
      entry.act(entry.t);
      this.key = this.#entries[0]?.t ?? Number.POSITIVE_INFINITY;
    } while (this.key <= limit && this.key !== Number.POSITIVE_INFINITY);
  }
}
