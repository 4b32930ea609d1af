/** That a program can never go on, as the timeline shows it; found anew only when something has changed. */
import type { TraceModel } from "../../src/analysis/model.js";
import { culprits, findStandstill, type StuckThread } from "../../src/analysis/report/standstill.js";

export interface StandingStill {
  /** Since when nobody can go on, nanoseconds. */
  readonly sinceNs: number;
  /** The threads of the circle, or all that wait for what nobody brings. */
  readonly threads: readonly StuckThread[];
  /** They wait for each other. */
  readonly isCircle: boolean;
  /** Rows of slices to be pointed out, by thread. */
  readonly rows: ReadonlyMap<number, readonly number[]>;
}

export class StandstillFinder {
  readonly #model: TraceModel;
  #key = "";
  #found: StandingStill | null = null;

  constructor(model: TraceModel) {
    this.#model = model;
  }

  /** Null while anything can go on. */
  find(): StandingStill | null {
    const { processes, threads, complete } = this.#model;
    const hung = processes.filter(({ hungSinceNs }) => !Number.isNaN(hungSinceNs));
    if (hung.length === 0) return null;
    const rows = threads.reduce((sum, { slices }) => sum + slices.count, 0);
    const ends = processes.map(({ hungSinceNs, endNs }) => `${hungSinceNs} ${endNs}`);
    const key = `${complete} ${rows} ${ends.join()}`;
    if (key !== this.#key) {
      this.#key = key;
      this.#found = this.#look();
    }
    return this.#found;
  }

  #look(): StandingStill | null {
    const standstill = findStandstill(this.#model);
    if (standstill === null) return null;
    const { sinceNs, cycles } = standstill;
    const isCircle = cycles.length > 0;
    const marked = isCircle ? cycles.flat() : standstill.threads;
    const rows = new Map<number, number[]>();
    for (const { thread, row } of marked) {
      const known = rows.get(thread.index);
      if (known) known.push(row);
      else rows.set(thread.index, [row]);
    }
    return { sinceNs, threads: culprits(standstill), isCircle, rows };
  }
}
