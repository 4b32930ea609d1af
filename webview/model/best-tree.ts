import { GrowingFloat64, GrowingUint32 } from "./growing.js";

const SHIFT = 2;
const FAN = 1 << SHIFT;

/** The best item of each complete bucket of one size. */
interface Level {
  readonly items: GrowingUint32;
  readonly scores: GrowingFloat64;
}

/**
 * Which item of a range has the greatest score, in O(log n), over a list that only grows: an implicit tree that
 * stores, per complete bucket, its best item. Building is linear and incremental.
 */
export class BestTree {
  readonly #levels: Level[] = [];
  readonly #score: (item: number) => number;

  /** `score` must not change for an item once {@link grow} has passed it. */
  constructor(score: (item: number) => number) {
    this.#score = score;
  }

  /** Takes in the items below `count`. */
  grow(count: number): void {
    for (let level = 0, below = count; below >= FAN; level++) {
      if (level === this.#levels.length)
        this.#levels.push({ items: new GrowingUint32(), scores: new GrowingFloat64() });
      const { items, scores } = this.#levels[level]!;
      const buckets = below >> SHIFT;
      const under = level === 0 ? null : this.#levels[level - 1]!;
      for (let bucket = items.count; bucket < buckets; bucket++) {
        let best = -1;
        let bestScore = Number.NEGATIVE_INFINITY;
        for (let i = bucket << SHIFT, end = i + FAN; i < end; i++) {
          const score = under ? under.scores.array[i]! : this.#score(i);
          if (score > bestScore || best < 0) {
            best = under ? under.items.array[i]! : i;
            bestScore = score;
          }
        }
        items.push(best);
        scores.push(bestScore);
      }
      below = buckets;
    }
  }

  /** The item with the greatest score in [from, to), the first of equals; -1 if the range is empty. */
  best(from: number, to: number): number {
    const levels = this.#levels;
    let best = -1;
    let bestScore = Number.NEGATIVE_INFINITY;
    for (let i = from; i < to; ) {
      // The largest bucket that begins here and ends in the range.
      let level = 0;
      let size = 1;
      while (level < levels.length) {
        const wider = size << SHIFT;
        if ((i & (wider - 1)) !== 0 || i + wider > to || i / wider >= levels[level]!.items.count) break;
        size = wider;
        level++;
      }
      const at = i / size;
      const score = level === 0 ? this.#score(i) : levels[level - 1]!.scores.array[at]!;
      if (score > bestScore || best < 0) {
        best = level === 0 ? i : levels[level - 1]!.items.array[at]!;
        bestScore = score;
      }
      i += size;
    }
    return best;
  }
}
