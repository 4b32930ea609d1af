/**
 * The order of a PriorityQueue without a compare function: numbers, bigints and booleans by value, strings by UTF-16
 * code units as `<` does, dates by time, arrays element by element, a shorter one before a longer one that begins with
 * it. NaN and invalid dates come last. Inside arrays null equals null and undefined equals undefined. Everything else,
 * and values of different kinds, have no order: a `TypeError` when two such values meet where all before them is equal.
 */
import { describe } from "../core/describe-value.js";

/** Deeper arrays than this have no order; a limit is needed for those that contain themselves. */
export const DEEPEST = 200;

const isNumeric = (value: unknown): value is number | bigint =>
  typeof value === "number" || typeof value === "bigint" || typeof value === "boolean";

/** The error for two values without an order, told by their descriptions. */
export function incomparable(a: string, b: string): TypeError {
  return new TypeError(
    `a PriorityQueue cannot order ${a} and ${b}: give it options.compare, or put something before them that differs, such as [priority, number, item]`,
  );
}

function compareNumbers(a: number | bigint, b: number | bigint): number {
  if (a < b) return -1;
  if (a > b) return 1;
  // Equal, or one of them is NaN.
  return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
}

/** Negative if `a` comes before `b`, positive if after, 0 if they are equal. Throws `TypeError` if they have no order. */
export function compareNaturally(a: unknown, b: unknown): number {
  if (typeof a === "number" && typeof b === "number" && a !== b) return compareNumbers(a, b);
  return compareAt(a, b, 0);
}

function compareAt(a: unknown, b: unknown, depth: number): number {
  if (isNumeric(a) && isNumeric(b)) return compareNumbers(a, b);
  if (typeof a === "string" && typeof b === "string") return a < b ? -1 : a > b ? 1 : 0;
  if (a instanceof Date && b instanceof Date) return compareNumbers(a.getTime(), b.getTime());
  if (Array.isArray(a) && Array.isArray(b) && depth < DEEPEST) {
    const length = Math.min(a.length, b.length);
    for (let i = 0; i < length; i++) {
      const order = compareAt(a[i], b[i], depth + 1);
      if (order !== 0) return order;
    }
    return a.length - b.length;
  }
  if (depth > 0 && (a === null || a === undefined) && a === b) return 0;
  throw incomparable(describe(a), describe(b));
}
