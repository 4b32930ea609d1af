/**
 * Intervals in order of time that never overlap, and how to draw a million of them on a thousand pixels.
 *
 * A walk over the visible part costs per pixel, not per interval: what is at least a pixel wide is reported by itself;
 * of the narrower ones that begin in the same pixel only the longest is reported, with their number. The next
 * interval that begins beyond a pixel is found by galloping, the longest of those skipped by {@link BestTree}.
 */
import { BestTree } from "./best-tree.js";
import { GrowingUint32 } from "./growing.js";

/** Columns with a start and an end; an end of NaN means that it goes on. */
export interface Intervals {
  readonly count: number;
  readonly start: Float64Array;
  readonly end: Float64Array;
}

/** Where a walk maps times to: `pixels` from `start` to `end`. */
export interface PixelRange {
  readonly start: number;
  readonly end: number;
  readonly pixels: number;
  /** Up to where an open interval is drawn. */
  readonly now: number;
}

/** Called with a row of the columns, the pixels it covers (fractions) and how many intervals it stands for. */
export type IntervalVisitor = (row: number, x0: number, x1: number, merged: number) => void;

export class IntervalIndex {
  readonly #columns: Intervals;
  readonly #rows = new GrowingUint32();
  readonly #longest: BestTree;
  #grown = 0;

  constructor(columns: Intervals) {
    this.#columns = columns;
    this.#longest = new BestTree((item) => {
      const row = this.#rows.array[item]!;
      const end = this.#columns.end[row]!;
      return Number.isNaN(end) ? Infinity : end - this.#columns.start[row]!;
    });
  }

  /** How many intervals there are. */
  get count(): number {
    return this.#rows.count;
  }

  /** The row of the columns of the n-th interval. */
  rowAt(item: number): number {
    return this.#rows.array[item]!;
  }

  /** Adds a row; it begins no earlier than the one before ended. */
  push(row: number): void {
    this.#rows.push(row);
  }

  /** To be called after rows were pushed or ended, before a walk. */
  grow(): void {
    // The last may still be open; its length is not final.
    const rows = this.#rows;
    while (this.#grown < rows.count && !Number.isNaN(this.#columns.end[rows.array[this.#grown]!]!)) this.#grown++;
    this.#longest.grow(this.#grown);
  }

  /** End of the last interval: NaN if open, -Infinity if there is none. */
  get lastEnd(): number {
    const count = this.#rows.count;
    return count === 0 ? -Infinity : this.#columns.end[this.#rows.array[count - 1]!]!;
  }

  /** The first interval that ends after `time` (open ones do), or `count`. */
  firstEndingAfter(time: number): number {
    const { start, end } = this.#columns;
    const rows = this.#rows.array;
    let low = 0;
    let high = this.#rows.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const row = rows[middle]!;
      const e = end[row]!;
      // An open interval that others follow has ended by then.
      if (Number.isNaN(e) ? middle === this.#rows.count - 1 || start[row]! > time : e > time) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** The first interval that starts at or after `time`, searched from `from`. */
  firstStartingAt(time: number, from = 0): number {
    const { start } = this.#columns;
    const rows = this.#rows.array;
    const count = this.#rows.count;
    let step = 1;
    let low = from;
    let high = from;
    while (high < count && start[rows[high]!]! < time) {
      low = high + 1;
      high += step;
      step *= 2;
    }
    if (high > count) high = count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (start[rows[middle]!]! < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Reports what is visible, from left to right. */
  walk(range: PixelRange, visit: IntervalVisitor): void {
    const { start, end } = this.#columns;
    const rows = this.#rows.array;
    const count = this.#rows.count;
    const scale = range.pixels / (range.end - range.start);
    let i = this.firstEndingAfter(range.start);
    while (i < count) {
      const row = rows[i]!;
      const s = start[row]!;
      if (s >= range.end) return;
      const e = end[row]!;
      const x0 = (s - range.start) * scale;
      const x1 = ((Number.isNaN(e) ? Math.max(range.now, s) : e) - range.start) * scale;
      if (x1 - x0 >= 1) {
        visit(row, x0, x1, 1);
        i++;
        continue;
      }
      // Everything that begins in this pixel, but for a wide one, which can only be the last.
      const pixel = Math.floor(x0);
      let next = this.firstStartingAt(range.start + (pixel + 1) / scale, i + 1);
      if (next > i + 1) {
        const last = rows[next - 1]!;
        const lastEnd = end[last]!;
        const width = ((Number.isNaN(lastEnd) ? range.now : lastEnd) - start[last]!) * scale;
        if (width >= 1) next--;
      }
      const longest = this.#longestOf(i, next, range.now);
      visit(rows[longest]!, pixel, pixel + 1, next - i);
      i = next;
    }
  }

  /** The longest of a range of items; only the last can be open, and lasts until `now`. */
  #longestOf(from: number, to: number, now: number): number {
    const { start, end } = this.#columns;
    const rows = this.#rows.array;
    const last = to - 1;
    if (from === last) return from;
    const lastRow = rows[last]!;
    if (!Number.isNaN(end[lastRow]!)) return this.#longest.best(from, to);
    const closed = this.#longest.best(from, last);
    const closedRow = rows[closed]!;
    return now - start[lastRow]! > end[closedRow]! - start[closedRow]! ? last : closed;
  }

  /** The row under `time`; of those within `tolerance` nanoseconds the longest; -1 if there is none. */
  hit(time: number, tolerance: number, now: number): number {
    const { start, end } = this.#columns;
    const rows = this.#rows.array;
    const from = this.firstEndingAfter(time - tolerance);
    const to = this.firstStartingAt(time + tolerance, from);
    if (from >= to) return -1;
    const exact = this.firstEndingAfter(time);
    if (exact < to) {
      const row = rows[exact]!;
      const length = (Number.isNaN(end[row]!) ? now : end[row]!) - start[row]!;
      if (start[row]! <= time && length >= tolerance) return row;
    }
    return rows[this.#longest.best(from, to)]!;
  }

  /** The position of a row, or -1. */
  positionOf(row: number): number {
    const position = this.firstStartingAt(this.#columns.start[row]!);
    for (let i = position; i < this.#rows.count; i++) {
      if (this.#rows.array[i] === row) return i;
      if (this.#columns.start[this.#rows.array[i]!]! > this.#columns.start[row]!) break;
    }
    return -1;
  }
}
