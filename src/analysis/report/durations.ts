import { doubled } from "../columns.js";
import type { StepColumns } from "../model.js";
import type { DurationSummary } from "./report-types.js";

/** Collects durations and sums them up. Percentiles are by nearest rank: always one that was there. */
export class Durations {
  #values = new Float64Array(16);
  count = 0;
  total = 0;

  add(ns: number): void {
    if (!(ns >= 0)) return;
    if (this.count === this.#values.length) this.#values = doubled(this.#values);
    this.#values[this.count++] = ns;
    this.total += ns;
  }

  summary(): DurationSummary {
    const { count, total } = this;
    if (count === 0) return { totalNs: 0, meanNs: 0, p50Ns: 0, p99Ns: 0, maxNs: 0 };
    const values = this.#values.slice(0, count);
    const rank = (p: number) => Math.max(0, Math.ceil(p * count) - 1);
    const [half, most] = [rank(0.5), rank(0.99)];
    // Each leaves what is larger behind it, so the next has less to look through.
    const p50 = selectNth(values, half, 0);
    const p99 = selectNth(values, most, half);
    let max = p99;
    for (let i = most; i < count; i++) if (values[i]! > max) max = values[i]!;
    return {
      totalNs: Math.round(total),
      meanNs: Math.round(total / count),
      p50Ns: Math.round(p50),
      p99Ns: Math.round(p99),
      maxNs: Math.round(max),
    };
  }
}

/**
 * The value that would stand at `n` if all from `from` on were sorted (Hoare's selection): cheaper than sorting a
 * million waits. Afterwards nothing before `n` is larger than it, and nothing behind it smaller.
 */
function selectNth(values: Float64Array, n: number, from: number): number {
  let low = from;
  let high = values.length - 1;
  while (low < high) {
    const pivot = values[(low + high) >>> 1]!;
    let i = low;
    let j = high;
    while (i <= j) {
      while (values[i]! < pivot) i++;
      while (values[j]! > pivot) j--;
      if (i > j) break;
      const value = values[i]!;
      values[i++] = values[j]!;
      values[j--] = value;
    }
    if (n <= j) high = j;
    else if (n >= i) low = i;
    else break;
  }
  return values[n]!;
}

/** Sum of value × time, from its first step up to `endNs`, and from when it is known. */
export function integral(steps: StepColumns, endNs: number): { sum: number; fromNs: number } {
  let sum = 0;
  for (let i = 0; i < steps.count; i++) {
    const until = i + 1 < steps.count ? steps.time[i + 1]! : Math.max(endNs, steps.time[i]!);
    sum += steps.value[i]! * (until - steps.time[i]!);
  }
  return { sum, fromNs: steps.count > 0 ? steps.time[0]! : endNs };
}

export function maximum(steps: StepColumns): number {
  let most = 0;
  for (let i = 0; i < steps.count; i++) if (steps.value[i]! > most) most = steps.value[i]!;
  return most;
}
