import { IntervalIndex, type Intervals } from "./interval-index.js";

/**
 * Intervals that may overlap (several holders of a semaphore), laid out in as few rows as need be: each goes into the
 * first row that is free at its start.
 */
export class PackedIntervals {
  readonly levels: IntervalIndex[] = [];
  readonly #columns: Intervals;
  readonly #most: number;
  #taken = 0;

  /** At most `most` rows; what finds no free row is not shown. */
  constructor(columns: Intervals, most: number) {
    this.#columns = columns;
    this.#most = most;
  }

  grow(): void {
    const { count, start } = this.#columns;
    for (; this.#taken < count; this.#taken++) {
      const at = start[this.#taken]!;
      let level = this.levels.find((candidate) => candidate.lastEnd <= at);
      if (!level) {
        if (this.levels.length >= this.#most) continue;
        level = new IntervalIndex(this.#columns);
        this.levels.push(level);
      }
      level.push(this.#taken);
    }
    for (const level of this.levels) level.grow();
  }
}
