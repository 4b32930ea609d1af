/** A stepped value on pixels: the mean, the greatest and the least value in each, however many steps it covers. */
import type { StepColumns } from "../../src/analysis/model.js";
import { BestTree } from "./best-tree.js";
import { GrowingFloat64 } from "./growing.js";
import type { PixelRange } from "./interval-index.js";

/** NaN where nothing is known. */
export interface StepPixels {
  mean: Float64Array;
  high: Float64Array;
  /** Only of a curve that goes below zero. */
  low: Float64Array;
}

export function stepPixels(pixels: number): StepPixels {
  return { mean: new Float64Array(pixels), high: new Float64Array(pixels), low: new Float64Array(pixels) };
}

export class StepCurve {
  readonly #columns: StepColumns;
  readonly #most: BestTree;
  /** Per row: the sum of value times duration before it. */
  readonly #before = new GrowingFloat64();
  #greatest = 0;
  #smallest = 0;
  /** From when on it goes below zero, which few do. */
  #least: BestTree | null = null;

  constructor(columns: StepColumns) {
    this.#columns = columns;
    this.#most = new BestTree((row) => this.#columns.value[row]!);
  }

  /** The greatest value so far; 0 if there is none. */
  get greatest(): number {
    return this.#greatest;
  }

  /** The least value so far; 0 if none is below zero. */
  get smallest(): number {
    return this.#smallest;
  }

  grow(): void {
    const { count, time, value } = this.#columns;
    for (let row = this.#before.count; row < count; row++) {
      const before = row === 0 ? 0 : this.#before.array[row - 1]! + value[row - 1]! * (time[row]! - time[row - 1]!);
      this.#before.push(before);
      this.#greatest = Math.max(this.#greatest, value[row]!);
      this.#smallest = Math.min(this.#smallest, value[row]!);
    }
    this.#most.grow(count);
    if (this.#smallest >= 0) return;
    this.#least ??= new BestTree((row) => -this.#columns.value[row]!);
    this.#least.grow(count);
  }

  /** The value at `time`; NaN before the first. */
  valueAt(time: number): number {
    const row = this.rowAt(time);
    return row < 0 ? Number.NaN : this.#columns.value[row]!;
  }

  /** The row that holds at `time`, or -1. */
  rowAt(time: number): number {
    return this.#firstAfter(time, 0) - 1;
  }

  /** Value times nanoseconds from the beginning to `time`. */
  integralTo(time: number): number {
    return this.#integral(this.rowAt(time), time);
  }

  /** Fills `out`: NaN where nothing is known yet, and after `range.now`. */
  walk(range: PixelRange, out: StepPixels): void {
    const { count, value } = this.#columns;
    const perPixel = (range.end - range.start) / range.pixels;
    let row = this.#firstAfter(range.start, 0);
    let held = row > 0 ? value[row - 1]! : Number.NaN;
    let integral = this.#integral(row - 1, range.start);
    for (let pixel = 0; pixel < range.pixels; pixel++) {
      const from = range.start + pixel * perPixel;
      if (from > range.now) {
        out.mean.fill(Number.NaN, pixel, range.pixels);
        out.high.fill(Number.NaN, pixel, range.pixels);
        out.low.fill(Number.NaN, pixel, range.pixels);
        return;
      }
      const next = row < count ? this.#firstAfter(from + perPixel, row) : count;
      if (next === row) {
        out.mean[pixel] = held;
        out.high[pixel] = held;
        out.low[pixel] = held;
        integral += Number.isNaN(held) ? 0 : held * perPixel;
        continue;
      }
      const most = value[this.#most.best(row, next)]!;
      out.high[pixel] = Number.isNaN(held) ? most : Math.max(held, most);
      if (this.#least !== null) {
        const least = value[this.#least.best(row, next)]!;
        out.low[pixel] = Number.isNaN(held) ? least : Math.min(held, least);
      }
      held = value[next - 1]!;
      row = next;
      const until = this.#integral(row - 1, from + perPixel);
      out.mean[pixel] = (until - integral) / perPixel;
      integral = until;
    }
  }

  #integral(row: number, time: number): number {
    if (row < 0) return 0;
    return this.#before.array[row]! + this.#columns.value[row]! * (time - this.#columns.time[row]!);
  }

  #firstAfter(moment: number, from: number): number {
    const { count, time } = this.#columns;
    let step = 1;
    let low = from;
    let high = from;
    while (high < count && time[high]! <= moment) {
      low = high + 1;
      high += step;
      step *= 2;
    }
    if (high > count) high = count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (time[middle]! > moment) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
