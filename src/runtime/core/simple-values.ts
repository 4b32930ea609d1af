/**
 * The short way of the codec: values that are numbers, short ASCII strings, booleans, null or undefined, and lists of
 * them, written straight into the heap and read from there, without a buffer in between. The bytes are those of
 * `structured-clone.ts`, so either side may take the long way instead; most tasks and results never need it.
 */
import { T } from "./clone-tags.js";
import { heapBuffer, heapBytes } from "./heap.js";

/** What {@link readSimple} and {@link readSimpleList} give for bytes that need the long way. */
export const NOT_SIMPLE: unique symbol = Symbol("not simple") as never;

/** The longest string written here: its length is one byte, and so are its characters. */
const MAX_STRING = 64;
/** Up to here a loop is faster than a call into native code. */
const SHORT_STRING = 12;
const MAX_LIST = 128;

const float = new Float64Array(1);
const floatBytes = new Uint8Array(float.buffer);
const heapAsBuffer = Buffer.from(heapBuffer);

/**
 * Writes a value at byte `at` of the heap, if it is simple and ends before `limit`. Returns where it ends, or -1.
 */
export function writeSimple(value: unknown, at: number, limit: number): number {
  switch (typeof value) {
    case "number": {
      if (at + 9 > limit) return -1;
      const int = value | 0;
      if (int === value && (int !== 0 || 1 / value > 0)) {
        if (int >= 0 && int < 256) {
          heapBytes[at] = T.Byte;
          heapBytes[at + 1] = int;
          return at + 2;
        }
        heapBytes[at] = T.Int32;
        heapBytes[at + 1] = int;
        heapBytes[at + 2] = int >> 8;
        heapBytes[at + 3] = int >> 16;
        heapBytes[at + 4] = int >> 24;
        return at + 5;
      }
      float[0] = value;
      heapBytes[at] = T.Float64;
      for (let i = 0; i < 8; i++) heapBytes[at + 1 + i] = floatBytes[i] as number;
      return at + 9;
    }
    case "string": {
      const { length } = value;
      if (length >= MAX_STRING || at + 2 + length > limit) return -1;
      for (let i = 0; i < length; i++) {
        const code = value.charCodeAt(i);
        if (code > 127) return -1;
        heapBytes[at + 2 + i] = code;
      }
      heapBytes[at] = T.Ascii;
      heapBytes[at + 1] = length;
      return at + 2 + length;
    }
    case "undefined":
      return writeTag(T.Undefined, at, limit);
    case "boolean":
      return writeTag(value ? T.True : T.False, at, limit);
    case "object":
      return value === null ? writeTag(T.Null, at, limit) : -1;
    default:
      return -1;
  }
}

function writeTag(tag: number, at: number, limit: number): number {
  if (at >= limit) return -1;
  heapBytes[at] = tag;
  return at + 1;
}

/** As {@link writeSimple}, for a list of simple values. */
export function writeSimpleList(list: readonly unknown[], at: number, limit: number): number {
  const { length } = list;
  if (length >= MAX_LIST || at + 2 > limit) return -1;
  heapBytes[at] = T.Array;
  heapBytes[at + 1] = length;
  let end = at + 2;
  for (let i = 0; i < length; i++) {
    end = writeSimple(list[i], end, limit);
    if (end < 0) return -1;
  }
  return end;
}

/** As {@link writeSimpleList}, for the list of one value. */
export function writeSimpleItem(value: unknown, at: number, limit: number): number {
  heapBytes[at] = T.Array;
  heapBytes[at + 1] = 1;
  return writeSimple(value, at + 2, limit);
}

/** Where the value read last ended. */
let readTo = 0;

/** Reads what {@link writeSimple} wrote at byte `at`, or gives {@link NOT_SIMPLE}. */
export function readSimple(at: number): unknown {
  switch (heapBytes[at]) {
    case T.Byte:
      readTo = at + 2;
      return heapBytes[at + 1];
    case T.Int32:
      readTo = at + 5;
      return (
        (heapBytes[at + 1] as number) |
        ((heapBytes[at + 2] as number) << 8) |
        ((heapBytes[at + 3] as number) << 16) |
        ((heapBytes[at + 4] as number) << 24)
      );
    case T.Float64:
      readTo = at + 9;
      for (let i = 0; i < 8; i++) floatBytes[i] = heapBytes[at + 1 + i] as number;
      return float[0];
    case T.Ascii: {
      const from = at + 2;
      const to = from + (heapBytes[at + 1] as number);
      readTo = to;
      if (to - from > SHORT_STRING) return heapAsBuffer.toString("latin1", from, to);
      let text = "";
      for (let i = from; i < to; i++) text += String.fromCharCode(heapBytes[i] as number);
      return text;
    }
    case T.Undefined:
      readTo = at + 1;
      return undefined;
    case T.Null:
      readTo = at + 1;
      return null;
    case T.True:
      readTo = at + 1;
      return true;
    case T.False:
      readTo = at + 1;
      return false;
    default:
      return NOT_SIMPLE;
  }
}

/** Reads what {@link writeSimpleList} wrote at byte `at`, or gives {@link NOT_SIMPLE}. */
export function readSimpleList(at: number): unknown[] | typeof NOT_SIMPLE {
  if (heapBytes[at] !== T.Array) return NOT_SIMPLE;
  const length = heapBytes[at + 1] as number;
  if (length >= MAX_LIST) return NOT_SIMPLE;
  readTo = at + 2;
  if (length === 1) {
    // The most frequent: a literal, as an array that grows begins with room for many.
    const value = readSimple(readTo);
    return value === NOT_SIMPLE ? NOT_SIMPLE : [value];
  }
  const list: unknown[] = [];
  for (let i = 0; i < length; i++) {
    const value = readSimple(readTo);
    if (value === NOT_SIMPLE) return NOT_SIMPLE;
    list.push(value);
  }
  return list;
}
