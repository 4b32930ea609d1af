/**
 * The natural order (`natural-order.ts`) of values as words, so that it can be told in shared memory, under a lock,
 * without making the values again.
 *
 * A key is a sequence of parts, each a tag and what belongs to it. Two keys are compared part by part, from the front;
 * as long as they are equal they are equally long, so one position serves for both.
 *
 *   FLOAT hi lo       numbers: the bits of the double, changed so that they order as unsigned integers; also booleans, and
 *                     bigints that are a double
 *   BIG n digits…     other bigints: n UTF-16 units of their digits, compared as bigints
 *   STRING n units…   two UTF-16 units a word
 *   DATE hi lo
 *   ARRAY … END
 *   NULL, UNDEFINED   inside arrays
 *   OPAQUE            a value without an order; nothing after it is ever looked at, so the key ends here
 */
import { DEEPEST, incomparable } from "./natural-order.js";

const Tag = { End: 0, Float: 1, Big: 2, String: 3, Date: 4, Array: 5, Null: 6, Undefined: 7, Opaque: 8 } as const;

/** What {@link compareKeys} returns for two keys whose values have no order. */
export const INCOMPARABLE = 2;

const TAG_NAMES = [
  "the end",
  "a number",
  "a bigint",
  "a string",
  "a date",
  "an array",
  "null",
  "undefined",
  "an object",
];

const double = new Float64Array(1);
const halves = new Int32Array(double.buffer);

/** Writes the key of one value at a time; the words are used again by the next. */
class KeyWriter {
  words = new Int32Array(64);
  length = 0;
  /** A value without an order was met: the key is complete. */
  private ended = false;

  write(value: unknown): void {
    this.length = 0;
    this.ended = false;
    this.part(value, 0);
  }

  private room(n: number): void {
    if (this.length + n <= this.words.length) return;
    const bigger = new Int32Array(Math.max(this.words.length * 2, this.length + n));
    bigger.set(this.words);
    this.words = bigger;
  }

  private tag(tag: number): void {
    this.room(1);
    this.words[this.length++] = tag;
  }

  private float(tag: number, value: number): void {
    this.room(3);
    // Adding 0 makes 0 of -0; NaN is one value, above all others.
    double[0] = value + 0;
    let low = halves[0] as number;
    let high = halves[1] as number;
    if (Number.isNaN(value)) {
      low = -1;
      high = -1;
    } else if (high < 0) {
      low = ~low;
      high = ~high;
    } else high ^= 0x80000000;
    this.words[this.length++] = tag;
    this.words[this.length++] = high;
    this.words[this.length++] = low;
  }

  private text(tag: number, text: string): void {
    const { length } = text;
    this.room(2 + ((length + 1) >> 1));
    const { words } = this;
    words[this.length++] = tag;
    words[this.length++] = length;
    for (let i = 0; i < length; i += 2) {
      // The first unit above the second, so that words order as their units do.
      words[this.length++] = (text.charCodeAt(i) << 16) | (i + 1 < length ? text.charCodeAt(i + 1) : 0);
    }
  }

  private part(value: unknown, depth: number): void {
    if (typeof value === "number") this.float(Tag.Float, value);
    else if (typeof value === "string") this.text(Tag.String, value);
    else if (typeof value === "boolean") this.float(Tag.Float, Number(value));
    else if (typeof value === "bigint") {
      const near = Number(value);
      if (Number.isFinite(near) && BigInt(near) === value) this.float(Tag.Float, near);
      else this.text(Tag.Big, String(value));
    } else if (value instanceof Date) this.float(Tag.Date, value.getTime());
    else if (Array.isArray(value) && depth < DEEPEST) {
      this.tag(Tag.Array);
      for (let i = 0; i < value.length; i++) {
        this.part(value[i], depth + 1);
        if (this.ended) return;
      }
      this.tag(Tag.End);
    } else if (depth > 0 && value === null) this.tag(Tag.Null);
    else if (depth > 0 && value === undefined) this.tag(Tag.Undefined);
    else {
      this.tag(Tag.Opaque);
      this.ended = true;
    }
  }
}

/** The writer of this thread. */
export const key: KeyWriter = new KeyWriter();

function readText(words: Int32Array, at: number): string {
  const length = words[at] as number;
  let text = "";
  for (let i = 0; i < length; i++) {
    const word = words[at + 1 + (i >> 1)] as number;
    text += String.fromCharCode((i & 1) === 0 ? word >>> 16 : word & 0xffff);
  }
  return text;
}

/** The number of a part, from its tag on. */
function readNumber(words: Int32Array, at: number): number | bigint {
  if (words[at] === Tag.Big) return BigInt(readText(words, at + 1));
  let high = words[at + 1] as number;
  let low = words[at + 2] as number;
  if (high === -1 && low === -1) return Number.NaN;
  if (high < 0) high ^= 0x80000000;
  else {
    low = ~low;
    high = ~high;
  }
  halves[0] = low;
  halves[1] = high;
  return double[0] as number;
}

/** Two numbers of which at least one is a {@link Tag.Big}: never equal unless both are. */
function compareBig(a: number | bigint, b: number | bigint): number {
  if (a < b || Number.isNaN(b)) return -1;
  return a > b || Number.isNaN(a) ? 1 : 0;
}

/** The tags that made the last two keys incomparable. */
let strange: [number, number] = [0, 0];

function strangers(tag: number, other: number): number {
  strange = [tag, other];
  return INCOMPARABLE;
}

/** The error for the last two keys that were {@link INCOMPARABLE}. */
export function incomparableKeys(): TypeError {
  return incomparable(TAG_NAMES[strange[0]] as string, TAG_NAMES[strange[1]] as string);
}

/**
 * Compares the key at `a` of `aWords` with the one at `b` of `bWords`: -1, 0, 1 or {@link INCOMPARABLE}. Looks at
 * nothing but the words.
 */
export function compareKeys(aWords: Int32Array, a: number, bWords: Int32Array, b: number): number {
  let depth = 0;
  let at = 0;
  for (;;) {
    const tag = aWords[a + at] as number;
    const other = bWords[b + at] as number;
    if (tag !== other) {
      if (tag === Tag.End) return -1;
      if (other === Tag.End) return 1;
      if (tag > Tag.Big || other > Tag.Big) return strangers(tag, other);
      return compareBig(readNumber(aWords, a + at), readNumber(bWords, b + at));
    }
    at++;
    switch (tag) {
      case Tag.Float:
      case Tag.Date: {
        const high = ((aWords[a + at] as number) >>> 0) - ((bWords[b + at] as number) >>> 0);
        const low = ((aWords[a + at + 1] as number) >>> 0) - ((bWords[b + at + 1] as number) >>> 0);
        const order = high !== 0 ? high : low;
        if (order !== 0) return order < 0 ? -1 : 1;
        at += 2;
        break;
      }
      case Tag.String: {
        const aLength = aWords[a + at] as number;
        const bLength = bWords[b + at] as number;
        at++;
        const count = (Math.min(aLength, bLength) + 1) >> 1;
        for (let i = 0; i < count; i++) {
          // Past the end of a string of odd length stands a 0; then the lengths decide, if nothing before did.
          const order = ((aWords[a + at + i] as number) >>> 0) - ((bWords[b + at + i] as number) >>> 0);
          if (order !== 0) return order < 0 ? -1 : 1;
        }
        if (aLength !== bLength) return aLength < bLength ? -1 : 1;
        at += count;
        break;
      }
      case Tag.Big: {
        const order = compareBig(readNumber(aWords, a + at - 1), readNumber(bWords, b + at - 1));
        if (order !== 0) return order;
        at += 1 + (((aWords[a + at] as number) + 1) >> 1);
        break;
      }
      case Tag.Array:
        depth++;
        break;
      case Tag.End:
        depth--;
        break;
      case Tag.Opaque:
        return strangers(tag, other);
    }
    if (depth === 0) return 0;
  }
}
