/** Access by index to an object that is not an array: `list[3]`, `list[3] = value`. */

/** What gives the elements. Both throw `RangeError` for an index outside. */
export interface Indexed {
  readonly length: number;
  at(index: number): unknown;
  put(index: number, value: unknown): void;
}

/** The index that a property's name is, which may be outside; NaN for another name. */
function indexOf(key: string | symbol): number {
  if (typeof key === "symbol") return Number.NaN;
  const first = key.charCodeAt(0);
  // A digit, or a minus that may come before one.
  if ((first < 48 || first > 57) && first !== 45) return Number.NaN;
  const index = Number(key);
  // "1.5" is what a number is as the name of a property, and no name that anybody gives.
  return /^-?\d+$/.test(key) || String(index) === key ? index : Number.NaN;
}

/** What is wrong with an index that is no element's, or may be. */
function noIndex(index: number, length: number): Error | null {
  if (!Number.isInteger(index)) return new TypeError(`an index must be an integer, not ${index}`);
  return index < 0 ? outside(index, length) : null;
}

function outside(index: number, length: number): RangeError {
  return new RangeError(`index ${index} is outside of 0 to ${length - 1}`);
}

/** An element's index, from one that may be negative and then counts from the end. */
export function checkIndex(index: unknown, length: number): number {
  if (!Number.isInteger(index)) throw new TypeError(`an index must be an integer, not ${String(index)}`);
  const at = (index as number) < 0 ? (index as number) + length : (index as number);
  if (at < 0 || at >= length) throw outside(index as number, length);
  return at;
}

/**
 * The handler of a proxy for objects that `parts` knows how to index. As with arrays, a negative index is no element;
 * unlike theirs, such a property is a `RangeError` and not undefined.
 */
export function indexedBy<T extends object>(partsOf: (target: T) => Indexed): ProxyHandler<T> {
  return {
    get(target, key, receiver) {
      const index = indexOf(key);
      if (Number.isNaN(index)) return Reflect.get(target, key, receiver);
      const parts = partsOf(target);
      const wrong = noIndex(index, parts.length);
      if (wrong !== null) throw wrong;
      return parts.at(index);
    },
    set(target, key, value, receiver) {
      const index = indexOf(key);
      if (Number.isNaN(index)) return Reflect.set(target, key, value, receiver);
      const parts = partsOf(target);
      const wrong = noIndex(index, parts.length);
      if (wrong !== null) throw wrong;
      parts.put(index, value);
      return true;
    },
    has(target, key) {
      const index = indexOf(key);
      if (Number.isNaN(index)) return Reflect.has(target, key);
      return Number.isInteger(index) && index >= 0 && index < partsOf(target).length;
    },
  };
}
