/** The bytes of an encoded value: one tag each, and the tables both sides count in. */

export const T = {
  Undefined: 0,
  Null: 1,
  True: 2,
  False: 3,
  Byte: 4, // one byte
  Int32: 5,
  Float64: 6,
  Ascii: 7, // length in one byte
  Utf8: 8,
  Utf16: 9,
  BigInt: 10,
  Date: 11,
  Back: 12,
  Array: 13,
  SparseArray: 14,
  Object: 15,
  Map: 16,
  Set: 17,
  ArrayBuffer: 18,
  View: 19,
  Buffer: 20,
  RegExp: 21,
  Error: 22,
  Boxed: 23,
  Handle: 24,
  Extra: 25,
  NullObject: 27,
  DomException: 28,
} as const;

export const VIEWS = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  DataView,
] as const;

export const BUILTIN_ERRORS: Record<string, ErrorConstructor> = {
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
  AggregateError: AggregateError as unknown as ErrorConstructor,
};
/** Where an error's class is found again. */
export const ErrorClass = { Builtin: 0, Ours: 1, Users: 2, Unknown: 3 } as const;
