/**
 * A thread's states on pixels. Where a pixel covers many short states, showing the longest would lie: a thread that
 * runs 10 µs and waits 12 µs in turn would look blocked all the time. So each pixel gets the share of every state in
 * it. Sums over blocks of rows make that cost per pixel, however many rows lie under it.
 */
import type { StateColumns } from "../../src/analysis/model.js";
import { GrowingFloat64 } from "./growing.js";
import type { PixelRange } from "./interval-index.js";

export const STATES = 6;
const BLOCK = 8;

/** One pixel column each: `solid` is a state, 0 for nothing known, or {@link MIXED}; then `share` has the parts. */
export interface BandPixels {
  solid: Uint8Array;
  /** STATES values a pixel, each a part of the pixel's time from 0 to 1. */
  share: Float32Array;
}

export const MIXED = 255;

export function bandPixels(pixels: number): BandPixels {
  return { solid: new Uint8Array(pixels), share: new Float32Array(pixels * STATES) };
}

export class StateShares {
  readonly #columns: StateColumns;
  /** Per block of rows and state: the time in it since the beginning. */
  readonly #sums = new GrowingFloat64();
  readonly #running = new Float64Array(STATES);
  readonly #scratch = new Float64Array(STATES);
  #taken = 0;

  constructor(columns: StateColumns) {
    this.#columns = columns;
  }

  /** Takes in new rows, up to the first open one. */
  grow(): void {
    const { count, start, end, state } = this.#columns;
    for (; this.#taken < count; this.#taken++) {
      const row = this.#taken;
      if (Number.isNaN(end[row]!)) return;
      if (row % BLOCK === 0) for (let s = 0; s < STATES; s++) this.#sums.push(this.#running[s]!);
      const s = state[row]! - 1;
      if (s >= 0 && s < STATES) this.#running[s]! += end[row]! - start[row]!;
    }
  }

  /** The state at `time`: its row, or -1. */
  rowAt(time: number): number {
    const row = this.#firstEndingAfter(time, 0);
    return row < this.#columns.count && this.#columns.start[row]! <= time ? row : -1;
  }

  /** Time in each state between two instants, into `into` (STATES values). */
  times(from: number, to: number, now: number, into: Float64Array): void {
    into.fill(0);
    const first = this.#firstEndingAfter(from, 0);
    const last = this.#firstEndingAfter(to, first);
    this.#add(first, last, from, to, now, into);
  }

  /** Fills `out` for the pixels of `range`. */
  walk(range: PixelRange, out: BandPixels): void {
    const { count, start, end, state } = this.#columns;
    const { solid, share } = out;
    const pixels = range.pixels;
    const perPixel = (range.end - range.start) / pixels;
    solid.fill(0, 0, pixels);
    const scratch = this.#scratch;
    let row = this.#firstEndingAfter(range.start, 0);
    let pixel = 0;
    while (pixel < pixels && row < count) {
      const from = range.start + pixel * perPixel;
      const to = from + perPixel;
      const s = start[row]!;
      if (s >= to) {
        // Nothing is known until there.
        pixel = Math.max(pixel + 1, Math.min(pixels, Math.floor((s - range.start) / perPixel)));
        continue;
      }
      const e = Number.isNaN(end[row]!) ? range.now : end[row]!;
      if (s <= from && e >= to) {
        const until = Math.max(pixel + 1, Math.min(pixels, Math.floor((e - range.start) / perPixel)));
        solid.fill(state[row]!, pixel, until);
        pixel = until;
        while (row < count && !Number.isNaN(end[row]!) && end[row]! <= range.start + pixel * perPixel) row++;
        continue;
      }
      const last = this.#firstEndingAfter(to, row);
      scratch.fill(0);
      this.#add(row, last, from, to, range.now, scratch);
      let filled = 0;
      for (let i = 0; i < STATES; i++) {
        const part = scratch[i]! / perPixel;
        share[pixel * STATES + i] = part;
        filled += part;
      }
      if (filled > 0) solid[pixel] = MIXED;
      row = last;
      pixel++;
    }
  }

  /** Adds the rows from `first` to `last`, both clipped to [from, to]; the ones between lie wholly inside. */
  #add(first: number, last: number, from: number, to: number, now: number, into: Float64Array): void {
    const { count, start, end, state } = this.#columns;
    const clip = (row: number): void => {
      if (row >= count) return;
      const e = Number.isNaN(end[row]!) ? now : end[row]!;
      const length = Math.min(e, to) - Math.max(start[row]!, from);
      const s = state[row]! - 1;
      if (length > 0 && s >= 0 && s < STATES) into[s]! += length;
    };
    clip(first);
    if (last <= first) return;
    clip(last);
    let row = first + 1;
    const sums = this.#sums;
    while (row < last) {
      if (row % BLOCK === 0) {
        // As many whole blocks as there are sums for.
        const block = row / BLOCK;
        const until = Math.min(Math.floor(last / BLOCK), sums.count / STATES - 1);
        if (until > block) {
          for (let s = 0; s < STATES; s++)
            into[s]! += sums.array[until * STATES + s]! - sums.array[block * STATES + s]!;
          row = until * BLOCK;
          continue;
        }
      }
      const s = state[row]! - 1;
      if (s >= 0 && s < STATES) into[s]! += end[row]! - start[row]!;
      row++;
    }
  }

  #firstEndingAfter(time: number, from: number): number {
    const { count, end } = this.#columns;
    const after = (row: number): boolean => Number.isNaN(end[row]!) || end[row]! > time;
    let step = 1;
    let low = from;
    let high = from;
    while (high < count && !after(high)) {
      low = high + 1;
      high += step;
      step *= 2;
    }
    if (high > count) high = count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (after(middle)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
