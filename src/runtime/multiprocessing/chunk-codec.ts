/**
 * Lists of values that travel together, such as the items of a chunk of `Pool.map` and what came of them. Lists of
 * numbers, and of strings, have a form of their own, which costs some nanoseconds an element instead of the many of a
 * tagged value; all others are written as `structured-clone.ts` writes them.
 *
 *   u8   the form, 0 for the general one, whose bytes follow at once
 *   u8   for strings: bytes of a character
 *   u32  at 4: how many
 *   …    at 8: i32 or f64 each; or, for strings, the length of each as u32, and then all of their characters
 */
import { decode, encode } from "../core/structured-clone.js";

const Form = { General: 0, Int32: 1, Float64: 2, Strings: 3 } as const;
const HEADER_BYTES = 8;
/** A list below this is not worth it. */
const FEW = 4;
/** Strings longer than this gain nothing. */
const LONG_STRING = 1024;

/** How the general form is to be written. */
export interface ListOptions {
  /** What to call the list in the path of an error. */
  readonly path: string;
}

/** Writes a list. Throws `DataCloneError` with the path of what cannot cross. */
export function encodeList(list: readonly unknown[], options: ListOptions): Uint8Array {
  return (list.length >= FEW ? encodeUniform(list) : null) ?? encodeGeneral(list, options);
}

function encodeGeneral(list: readonly unknown[], { path }: ListOptions): Uint8Array {
  const encoded = encode(list, { crossing: "process", once: true, path });
  const bytes = new Uint8Array(encoded.length + 1);
  bytes.set(encoded, 1);
  return bytes;
}

function encodeUniform(list: readonly unknown[]): Uint8Array | null {
  const type = typeof list[0];
  if (type === "number") return encodeInts(list) ?? encodeFloats(list);
  return type === "string" ? encodeStrings(list) : null;
}

function header(bytes: Uint8Array, form: number, count: number, width = 0): void {
  const head = new DataView(bytes.buffer);
  head.setUint8(0, form);
  head.setUint8(1, width);
  head.setUint32(4, count, true);
}

function encodeInts(list: readonly unknown[]): Uint8Array | null {
  const { length } = list;
  const bytes = new Uint8Array(HEADER_BYTES + length * 4);
  const ints = new Int32Array(bytes.buffer, HEADER_BYTES, length);
  for (let i = 0; i < length; i++) {
    const value = list[i];
    if (typeof value !== "number") return null;
    const int = value | 0;
    // -0 is none of the integers.
    if (int !== value || (int === 0 && 1 / value < 0)) return null;
    ints[i] = int;
  }
  header(bytes, Form.Int32, length);
  return bytes;
}

function encodeFloats(list: readonly unknown[]): Uint8Array | null {
  const { length } = list;
  const bytes = new Uint8Array(HEADER_BYTES + length * 8);
  const floats = new Float64Array(bytes.buffer, HEADER_BYTES, length);
  for (let i = 0; i < length; i++) {
    const value = list[i];
    if (typeof value !== "number") return null;
    floats[i] = value;
  }
  header(bytes, Form.Float64, length);
  return bytes;
}

function encodeStrings(list: readonly unknown[]): Uint8Array | null {
  let characters = 0;
  for (let i = 0; i < list.length; i++) {
    const text = list[i];
    if (typeof text !== "string" || text.length > LONG_STRING) return null;
    characters += text.length;
  }
  const all = (list as readonly string[]).join("");
  const isLatin = !/[^\0-\xff]/.test(all);
  const width = isLatin ? 1 : 2;
  const bytes = new Uint8Array(HEADER_BYTES + list.length * 4 + characters * width);
  const lengths = new Uint32Array(bytes.buffer, HEADER_BYTES, list.length);
  for (let i = 0; i < list.length; i++) lengths[i] = (list[i] as string).length;
  Buffer.from(bytes.buffer).write(all, HEADER_BYTES + list.length * 4, isLatin ? "latin1" : "utf16le");
  header(bytes, Form.Strings, list.length, width);
  return bytes;
}

/** Reads what {@link encodeList} wrote. Throws what `decode` throws. */
export function decodeList(bytes: Uint8Array, origin: string): unknown[] {
  const form = bytes[0];
  if (form === Form.General) return decode(bytes.subarray(1), { origin }) as unknown[];
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes);
  const { buffer, byteOffset } = aligned;
  const count = new DataView(buffer, byteOffset).getUint32(4, true);
  const at = byteOffset + HEADER_BYTES;
  if (form === Form.Int32) return toArray(new Int32Array(buffer, at, count));
  if (form === Form.Float64) return toArray(new Float64Array(buffer, at, count));
  const lengths = new Uint32Array(buffer, at, count);
  const encoding = bytes[1] === 1 ? "latin1" : "utf16le";
  const from = at + count * 4;
  const all = Buffer.from(buffer, from, byteOffset + aligned.byteLength - from).toString(encoding);
  const list: string[] = [];
  for (let i = 0, begin = 0; i < count; i++) {
    const end = begin + (lengths[i] as number);
    list.push(all.slice(begin, end));
    begin = end;
  }
  return list;
}

function toArray(numbers: Int32Array | Float64Array): number[] {
  const list: number[] = [];
  for (let i = 0; i < numbers.length; i++) list.push(numbers[i] as number);
  return list;
}
