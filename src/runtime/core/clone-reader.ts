/** The reading half of `structured-clone.ts`. */
import { BUILTIN_ERRORS, ErrorClass, T, VIEWS } from "./clone-tags.js";
import { errorClasses } from "./errors.js";
import { findRegistered } from "./function-registry.js";
import { fromHandle, type Handle } from "./handles.js";
import { localFrames, withoutOwnFrames } from "./local-frames.js";

/** How to decode. */
export interface DecodeOptions {
  /** What the encoder collected, as it arrived. */
  extras?: readonly unknown[] | undefined;
  /** Where errors were thrown, such as `thread "w1"`: named in their stacks. */
  origin?: string;
  /** Refuses bytes behind the value. */
  whole?: boolean | undefined;
  /** Makes the objects of handles, for bytes that come from elsewhere; by default any object of the library. */
  fromHandle?: ((handle: Handle) => object) | undefined;
}

/** The names of fields that were read last, by a hash of their letters: most come again and again. */
const knownKeys: string[] = new Array(512).fill("");
const LONGEST_KNOWN_KEY = 24;

/** Reads one value at a time; it is used again and again. */
export class Reader {
  at = 0;
  seen: object[] = [];
  bytes: Buffer = Buffer.alloc(0);
  options: DecodeOptions = {};

  reset(bytes: Buffer, options: DecodeOptions): void {
    this.at = 0;
    if (this.seen.length > 0) this.seen = [];
    this.bytes = bytes;
    this.options = options;
  }

  byte(): number {
    return this.bytes[this.at++] as number;
  }

  varint(): number {
    let result = 0;
    let scale = 1;
    for (;;) {
      const byte = this.bytes[this.at++] as number;
      if (byte < 128) return result + byte * scale;
      if (byte === undefined) throw new RangeError("not an encoded value: it is cut off");
      result += (byte - 128) * scale;
      scale *= 128;
    }
  }

  string(): string {
    return this.value() as string;
  }

  /** The name of a field. */
  key(): string {
    const { bytes } = this;
    const start = this.at + 2;
    const length = bytes[start - 1] as number;
    if (bytes[start - 2] !== T.Ascii || length > LONGEST_KNOWN_KEY) return this.string();
    let hash = length;
    for (let i = 0; i < length; i++) hash = (hash * 31 + (bytes[start + i] as number)) | 0;
    const slot = (hash ^ (hash >>> 9)) & 511;
    const known = knownKeys[slot] as string;
    let same = known.length === length;
    for (let i = 0; same && i < length; i++) same = known.charCodeAt(i) === bytes[start + i];
    if (same) {
      this.at = start + length;
      return known;
    }
    const key = this.string();
    knownKeys[slot] = key;
    return key;
  }

  raw(): Uint8Array {
    const length = this.varint();
    const part = this.bytes.subarray(this.at, this.at + length);
    this.at += length;
    return part;
  }

  value(): unknown {
    const { bytes } = this;
    const tag = bytes[this.at++] as number;
    switch (tag) {
      case T.Undefined:
        return undefined;
      case T.Null:
        return null;
      case T.True:
        return true;
      case T.False:
        return false;
      case T.Byte:
        return bytes[this.at++];
      case T.Int32:
        this.at += 4;
        return bytes.readInt32LE(this.at - 4);
      case T.Float64:
        this.at += 8;
        return bytes.readDoubleLE(this.at - 8);
      case T.Ascii: {
        const length = bytes[this.at++] as number;
        const start = this.at;
        this.at += length;
        if (length > 12) return bytes.toString("latin1", start, this.at);
        let text = "";
        for (let i = start; i < this.at; i++) text += String.fromCharCode(bytes[i] as number);
        return text;
      }
      case T.Utf8: {
        const length = this.varint();
        this.at += length;
        return bytes.toString("utf8", this.at - length, this.at);
      }
      case T.Utf16: {
        const length = this.varint();
        this.at += length;
        return bytes.toString("utf16le", this.at - length, this.at);
      }
      case T.BigInt: {
        const text = this.string();
        return text.startsWith("-") ? -BigInt(`0x${text.slice(1)}`) : BigInt(`0x${text}`);
      }
      case T.Back: {
        const number = this.varint();
        return this.seen[number];
      }
      case T.Array: {
        const length = this.varint();
        const array: unknown[] = [];
        this.seen.push(array);
        for (let i = 0; i < length; i++) array.push(this.value());
        return array;
      }
      case T.SparseArray: {
        const array: unknown[] = [];
        this.seen.push(array);
        array.length = this.varint();
        return this.fields(array);
      }
      case T.Object: {
        const object = {};
        this.seen.push(object);
        return this.fields(object);
      }
      case T.NullObject: {
        const object = Object.create(null) as object;
        this.seen.push(object);
        return this.fields(object);
      }
      case T.Map: {
        const map = new Map();
        this.seen.push(map);
        for (let rest = this.varint(); rest > 0; rest--) {
          const key = this.value();
          map.set(key, this.value());
        }
        return map;
      }
      case T.Set: {
        const set = new Set();
        this.seen.push(set);
        for (let rest = this.varint(); rest > 0; rest--) set.add(this.value());
        return set;
      }
      default:
        return this.rare(tag);
    }
  }

  fields<O extends object>(object: O): O {
    for (let rest = this.varint(); rest > 0; rest--) {
      const key = this.key();
      const value = this.value();
      // A field called __proto__ must stay a field.
      if (key === "__proto__") {
        Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
      } else {
        (object as Record<string, unknown>)[key] = value;
      }
    }
    return object;
  }

  /** Keeps the place of an object whose parts come before it can be made. */
  place(): number {
    return this.seen.push(undefined as never) - 1;
  }

  rare(tag: number): unknown {
    switch (tag) {
      case T.Date: {
        this.at += 8;
        return this.keep(new Date(this.bytes.readDoubleLE(this.at - 8)));
      }
      case T.RegExp: {
        const source = this.string();
        return this.keep(new RegExp(source, this.string()));
      }
      case T.Buffer:
        return this.keep(Buffer.from(this.raw()));
      case T.ArrayBuffer: {
        const raw = this.raw();
        const buffer = new ArrayBuffer(raw.length);
        new Uint8Array(buffer).set(raw);
        return this.keep(buffer);
      }
      case T.View: {
        const place = this.place();
        const type = VIEWS[this.byte()] as new (buffer: unknown, offset: number, length: number) => ArrayBufferView;
        const offset = this.varint();
        const length = this.varint();
        const view = new type(this.value(), offset, length);
        this.seen[place] = view;
        return view;
      }
      case T.Boxed: {
        const place = this.place();
        const boxed = Object(this.value()) as object;
        this.seen[place] = boxed;
        return boxed;
      }
      case T.Handle: {
        const place = this.place();
        const name = this.string();
        const handle = { tag: name, value: this.value() };
        const object = (this.options.fromHandle ?? fromHandle)(handle);
        this.seen[place] = object;
        return object;
      }
      case T.Extra: {
        const extra = this.options.extras?.[this.varint()] as object;
        return this.keep(extra);
      }
      case T.Error:
        return this.error();
      case T.DomException: {
        const message = this.string();
        const name = this.string();
        const error = new DOMException(message, name);
        this.keep(error);
        setStack(error, joinStacks(this.string(), this.options.origin));
        return error;
      }
      default:
        throw new RangeError(`not an encoded value: tag ${tag} at ${this.at - 1}`);
    }
  }

  keep<O extends object>(object: O): O {
    this.seen.push(object);
    return object;
  }

  error(): Error {
    const place = this.place();
    const kind = this.byte();
    const base = this.string();
    let error: Error;
    const make = (name: string): Error => {
      const type = BUILTIN_ERRORS[name] ?? Error;
      return name === "AggregateError"
        ? (new (type as unknown as AggregateErrorConstructor)([]) as Error)
        : (new type() as Error);
    };
    let typeName: string | null = null;
    if (kind === ErrorClass.Builtin) {
      error = make(base);
    } else if (kind === ErrorClass.Ours) {
      error = ourError(base);
    } else if (kind === ErrorClass.Users) {
      const url = this.string();
      const name = this.string();
      error = make(base);
      const type = findRegistered(url, name);
      if (typeof type === "function" && type.prototype instanceof Error) Object.setPrototypeOf(error, type.prototype);
      else typeName = name;
    } else {
      error = make(base);
      typeName = this.string();
    }
    this.seen[place] = error;
    const message = this.string();
    Object.defineProperty(error, "message", { value: message, writable: true, enumerable: false, configurable: true });
    setStack(error, joinStacks(this.string(), this.options.origin));
    for (let rest = this.varint(); rest > 0; rest--) {
      const key = this.string();
      const enumerable = this.byte() === 1;
      const value = this.value();
      Object.defineProperty(error, key, { value, writable: true, enumerable, configurable: true });
    }
    // Its class is unknown here: at least its name is not lost.
    if (typeName !== null && error.name !== typeName && !Object.hasOwn(error, "name")) {
      Object.defineProperty(error, "name", { value: typeName, writable: true, enumerable: false, configurable: true });
    }
    return error;
  }
}

function ourError(name: string): Error {
  const type = errorClasses[name as keyof typeof errorClasses];
  const error = type.prototype instanceof AggregateError ? new AggregateError([]) : new Error();
  Object.setPrototypeOf(error, type.prototype);
  return error;
}

function setStack(error: Error, stack: string): void {
  Object.defineProperty(error, "stack", { value: stack, writable: true, enumerable: false, configurable: true });
}

/** The stack of an error from elsewhere, under the stack of here. */
function joinStacks(remote: string, origin = "another thread"): string {
  const split = remote.search(/\n\s+at /);
  const head = split < 0 ? remote : remote.slice(0, split);
  const frames = split < 0 ? "" : withoutOwnFrames(remote.slice(split + 1));
  const local = localFrames();
  return [head, local, frames === "" ? "" : `    --- in ${origin} ---\n${frames}`]
    .filter((part) => part !== "")
    .join("\n");
}
