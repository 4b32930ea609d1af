/** The element types of shared values and arrays: how wide they are, and what may be written to them. */

/**
 * What an element of each type code is in JavaScript. Integers wrap to their width: 1 byte for b and B, 2 for h
 * and H, 4 for i, I, l and L, 8 for q and Q; capitals are unsigned. f has 4 bytes and d has 8. c is one byte as a
 * string of one character, u one code point. Anything that is no such number or string throws `TypeError`.
 */
export interface TypeCodes {
  c: string;
  u: string;
  b: number;
  B: number;
  h: number;
  H: number;
  i: number;
  I: number;
  l: number;
  L: number;
  q: bigint;
  Q: bigint;
  f: number;
  d: number;
}

/** A letter that names an element type. An unknown one throws `TypeError`. */
export type TypeCode = keyof TypeCodes;

/** The typed array that matches a type code. */
export interface TypedArrays {
  c: Uint8Array;
  u: Uint32Array;
  b: Int8Array;
  B: Uint8Array;
  h: Int16Array;
  H: Uint16Array;
  i: Int32Array;
  I: Uint32Array;
  l: Int32Array;
  L: Uint32Array;
  q: BigInt64Array;
  Q: BigUint64Array;
  f: Float32Array;
  d: Float64Array;
}

/** A typed array as the elements of any type code are kept in. */
export type Elements = TypedArrays[TypeCode];
type ElementsConstructor = {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer, offset?: number, length?: number): Elements;
};

/** How elements of a type code are kept. */
export interface ElementType {
  readonly code: TypeCode;
  readonly array: ElementsConstructor;
  /** What is stored for a value, which then wraps to the width. Throws `TypeError` for a value of another kind. */
  store(value: unknown): number | bigint;
  /** The value of what is stored. */
  load(stored: number | bigint): unknown;
}

function wrong(code: TypeCode, wanted: string, value: unknown): TypeError {
  const what = typeof value === "string" ? JSON.stringify(value) : `${String(value)} (${typeof value})`;
  return new TypeError(`an element of type code '${code}' is ${wanted}, not ${what}`);
}

const asIs = (stored: number | bigint): unknown => stored;

function integer(code: TypeCode, array: ElementsConstructor): ElementType {
  const store = (value: unknown): number => {
    if (!Number.isInteger(value)) throw wrong(code, "an integer", value);
    return value as number;
  };
  return { code, array, store, load: asIs };
}

function wide(code: TypeCode, array: ElementsConstructor): ElementType {
  const store = (value: unknown): bigint => {
    if (typeof value !== "bigint") throw wrong(code, "a bigint", value);
    return value;
  };
  return { code, array, store, load: asIs };
}

function float(code: TypeCode, array: ElementsConstructor): ElementType {
  const store = (value: unknown): number => {
    if (typeof value !== "number") throw wrong(code, "a number", value);
    return value;
  };
  return { code, array, store, load: asIs };
}

const HIGHEST_CODE_POINT = 0x10_ffff;

function storeByte(value: unknown): number {
  if (typeof value === "string" && value.length === 1) {
    const unit = value.charCodeAt(0);
    if (unit <= 0xff) return unit;
  }
  throw wrong("c", "a string of one character up to \\xff", value);
}

function storeCodePoint(value: unknown): number {
  if (typeof value === "string" && value.length > 0) {
    const point = value.codePointAt(0) as number;
    if (value.length === (point > 0xffff ? 2 : 1)) return point;
  }
  throw wrong("u", "a string of one code point", value);
}

/** What is no code point shows as the replacement character: anybody may have written to the memory. */
function loadCodePoint(stored: number | bigint): string {
  return String.fromCodePoint((stored as number) > HIGHEST_CODE_POINT ? 0xfffd : (stored as number));
}

const types: Readonly<Record<TypeCode, ElementType>> = {
  c: { code: "c", array: Uint8Array, store: storeByte, load: (stored) => String.fromCharCode(stored as number) },
  u: { code: "u", array: Uint32Array, store: storeCodePoint, load: loadCodePoint },
  b: integer("b", Int8Array),
  B: integer("B", Uint8Array),
  h: integer("h", Int16Array),
  H: integer("H", Uint16Array),
  i: integer("i", Int32Array),
  I: integer("I", Uint32Array),
  l: integer("l", Int32Array),
  L: integer("L", Uint32Array),
  q: wide("q", BigInt64Array),
  Q: wide("Q", BigUint64Array),
  f: float("f", Float32Array),
  d: float("d", Float64Array),
};

/** The element type of a code. Throws `TypeError` for an unknown one. */
export function elementType(code: unknown): ElementType {
  if (typeof code === "string" && Object.hasOwn(types, code)) return types[code as TypeCode];
  throw new TypeError(`unknown type code ${JSON.stringify(code)}; there are ${Object.keys(types).join(", ")}`);
}
