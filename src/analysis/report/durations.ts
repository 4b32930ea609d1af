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
    const sorted = this.#values.slice(0, count).sort();
    const rank = (p: number) => Math.round(sorted[Math.max(0, Math.ceil(p * count) - 1)]!);
    return {
      totalNs: Math.round(total),
      meanNs: Math.round(total / count),
      p50Ns: rank(0.5),
      p99Ns: rank(0.99),
      maxNs: Math.round(sorted[count - 1]!),
    };
  }
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
