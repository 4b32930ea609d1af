import { GrowingFloat64, GrowingUint32 } from "./growing.js";

const SHIFT = 2;
const FAN = 1 << SHIFT;
const MASK = FAN - 1;

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
    if (from >= to) return -1;
    const levels = this.#levels;
    const score = this.#score;
    let best = from;
    let bestScore = score(from);
    const take = (item: number, value: number): void => {
      if (value > bestScore || (value === bestScore && item < best)) {
        best = item;
        bestScore = value;
      }
    };
    // Both ends are taken piece by piece up to where a larger bucket begins; what is between them goes a level up.
    let low = from + 1;
    let high = to;
    const whole = levels.length > 0 ? levels[0]!.items.count << SHIFT : 0;
    if (high > whole) {
      const first = Math.max(low, whole);
      for (let i = first; i < high; i++) take(i, score(i));
      high = first;
    }
    while (low < high && (low & MASK) !== 0) take(low, score(low++));
    while (low < high && (high & MASK) !== 0) take(--high, score(high));
    for (let level = 0; low < high; level++) {
      low >>>= SHIFT;
      high >>>= SHIFT;
      const items = levels[level]!.items.array;
      const scores = levels[level]!.scores.array;
      const above = level + 1 < levels.length ? levels[level + 1]!.items.count << SHIFT : 0;
      while (low < high && ((low & MASK) !== 0 || low >= above)) take(items[low]!, scores[low++]!);
      while (low < high && ((high & MASK) !== 0 || high > above)) take(items[--high]!, scores[high]!);
    }
    return best;
  }
}
