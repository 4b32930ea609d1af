/** The writing half of `structured-clone.ts`. */
import { EventEmitter } from "node:events";
import { types } from "node:util";
import { MessagePort } from "node:worker_threads";
import { T, VIEWS } from "./clone-tags.js";
import { describe } from "./describe-value.js";
import { writeError } from "./error-writer.js";
import { DataCloneError } from "./errors.js";
import { type Crossing, type Handle, type Handled, type Pins, toHandle } from "./handles.js";
import { Nature, natureOf } from "./platform-object.js";
import { isDetached, marked } from "./transfer.js";

/** How to encode. */
export interface EncodeOptions {
  /** Where the bytes go; to a thread by default. */
  crossing?: Crossing;
  /** Takes what must travel by a channel (SharedArrayBuffer, MessagePort, Blob); without it such values cannot cross. */
  extras?: unknown[] | undefined;
  /** The bytes will be read exactly once, or not at all if what they are for fails. */
  once?: boolean;
  /** What to call the value itself in the path of an error, such as `args`. */
  path?: string;
}

/** For a message that is read once and has none yet. */
const noPins: Pins = [];

/** Writes one value at a time into its buffer; it is used again and again. */
export class Writer {
  bytes = Buffer.allocUnsafeSlow(4096);
  at = 0;
  seen: object[] = [];
  seenMap: Map<object, number> | null = null;
  path: (string | number)[] = [];
  depth = 0;
  crossing: Crossing = "thread";
  extras: unknown[] | undefined;
  detach: ArrayBuffer[] = [];
  pins: Pins = null;
  root = "";

  reset(options: EncodeOptions): void {
    this.at = 0;
    // Asked first: emptying an array costs more than all the rest.
    if (this.seen.length > 0) this.seen = [];
    this.seenMap = null;
    this.depth = 0;
    this.crossing = options.crossing ?? "thread";
    this.extras = options.extras;
    if (this.detach.length > 0) this.detach = [];
    this.pins = options.once === true ? noPins : null;
    this.root = options.path ?? "";
  }

  /** Makes room for `n` more bytes. */
  room(n: number): void {
    if (this.at + n <= this.bytes.length) return;
    const bigger = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.at + n));
    bigger.set(this.bytes.subarray(0, this.at));
    this.bytes = bigger;
  }

  varint(n: number): void {
    this.room(8);
    let rest = n;
    while (rest >= 128) {
      this.bytes[this.at++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.bytes[this.at++] = rest;
  }

  byte(n: number): void {
    this.room(1);
    this.bytes[this.at++] = n;
  }

  float(n: number): void {
    this.room(8);
    this.at = this.bytes.writeDoubleLE(n, this.at);
  }

  raw(source: Uint8Array): void {
    this.varint(source.length);
    this.room(source.length);
    this.bytes.set(source, this.at);
    this.at += source.length;
  }

  string(text: string): void {
    const length = text.length;
    if (length < 64) {
      this.room(length + 2);
      const { bytes } = this;
      const start = this.at;
      let at = start + 2;
      let i = 0;
      for (; i < length; i++) {
        const code = text.charCodeAt(i);
        if (code > 127) break;
        bytes[at++] = code;
      }
      if (i === length) {
        bytes[start] = T.Ascii;
        bytes[start + 1] = length;
        this.at = at;
        return;
      }
    }
    if (text.isWellFormed()) {
      const size = Buffer.byteLength(text);
      this.byte(T.Utf8);
      this.varint(size);
      this.room(size);
      this.at += this.bytes.write(text, this.at, "utf8");
    } else {
      // A lone surrogate has no UTF-8.
      this.byte(T.Utf16);
      this.varint(length * 2);
      this.room(length * 2);
      this.at += this.bytes.write(text, this.at, "utf16le");
    }
  }

  number(n: number): void {
    this.room(9);
    if ((n | 0) === n && !Object.is(n, -0)) {
      if (n >= 0 && n < 256) {
        this.bytes[this.at++] = T.Byte;
        this.bytes[this.at++] = n;
      } else {
        this.bytes[this.at++] = T.Int32;
        this.at = this.bytes.writeInt32LE(n, this.at);
      }
    } else {
      this.bytes[this.at++] = T.Float64;
      this.at = this.bytes.writeDoubleLE(n, this.at);
    }
  }

  value(value: unknown): void {
    switch (typeof value) {
      case "string":
        this.string(value);
        return;
      case "number":
        this.number(value);
        return;
      case "boolean":
        this.byte(value ? T.True : T.False);
        return;
      case "undefined":
        this.byte(T.Undefined);
        return;
      case "bigint": {
        this.byte(T.BigInt);
        this.string(value.toString(16));
        return;
      }
      case "object":
        if (value === null) this.byte(T.Null);
        else this.object(value);
        return;
      case "function":
        this.fail(
          value,
          `function ${value.name || "(anonymous)"} cannot cross inside a value`,
          "give it as the target of a thread, process or task instead, or pass data and let the other side choose the function",
          value.name || "(anonymous)",
        );
        return;
      default:
        this.fail(value, `${String(value)} cannot cross: symbols exist in one thread only`, "pass a string instead");
    }
  }

  /** Writes a reference back and returns true if the object was met before; else gives it the next number. */
  back(object: object): boolean {
    let number: number | undefined;
    if (this.seenMap !== null) {
      number = this.seenMap.get(object);
      if (number === undefined) this.seenMap.set(object, this.seenMap.size);
    } else {
      const found = this.seen.indexOf(object);
      if (found >= 0) number = found;
      else if (this.seen.push(object) > 8) this.seenMap = new Map(this.seen.map((o, i) => [o, i]));
    }
    if (number === undefined) return false;
    this.byte(T.Back);
    this.varint(number);
    return true;
  }

  object(object: object): void {
    if (this.back(object)) return;
    if (Array.isArray(object)) {
      this.array(object);
      return;
    }
    const proto = Object.getPrototypeOf(object);
    if (proto === Object.prototype) {
      this.byte(T.Object);
      this.fields(object);
      return;
    }
    if (proto === null) {
      this.byte(T.NullObject);
      this.fields(object);
      return;
    }
    this.exotic(object);
  }

  array(array: unknown[]): void {
    let sparse = false;
    const depth = this.depth++;
    const keys = array.length > 0 ? Object.keys(array) : [];
    // Holes or fields besides the elements.
    if (keys.length !== array.length || (keys.length > 0 && keys[keys.length - 1] !== String(array.length - 1))) {
      sparse = true;
    }
    if (!sparse) {
      this.byte(T.Array);
      this.varint(array.length);
      for (let i = 0; i < array.length; i++) {
        this.path[depth] = i;
        this.value(array[i]);
      }
    } else {
      this.byte(T.SparseArray);
      this.varint(array.length);
      this.varint(keys.length);
      for (const key of keys) {
        this.path[depth] = /^\d+$/.test(key) ? Number(key) : key;
        this.string(key);
        this.value((array as unknown as Record<string, unknown>)[key]);
      }
    }
    this.depth = depth;
  }

  fields(object: object): void {
    const keys = Object.keys(object);
    const depth = this.depth++;
    this.varint(keys.length);
    for (const key of keys) {
      this.path[depth] = key;
      this.string(key);
      this.value((object as Record<string, unknown>)[key]);
    }
    this.depth = depth;
  }

  exotic(object: object): void {
    if (toHandle in object) {
      let handle: Handle;
      try {
        if (this.pins === noPins) this.pins = [];
        handle = (object as Handled)[toHandle](this.crossing, this.pins);
      } catch (error) {
        if (error instanceof DataCloneError)
          this.fail(object, error.message, null, error.functionName, error.variables);
        throw error;
      }
      this.byte(T.Handle);
      this.string(handle.tag);
      this.value(handle.value);
      return;
    }
    if (types.isNativeError(object) || object instanceof Error) {
      writeError(this, object as Error);
      return;
    }
    const depth = this.depth;
    if (object instanceof Map) {
      this.byte(T.Map);
      this.varint(object.size);
      this.depth++;
      for (const [key, value] of object) {
        this.path[depth] = `get(${typeof key === "string" ? JSON.stringify(key) : "…"})`;
        this.value(key);
        this.value(value);
      }
      this.depth = depth;
    } else if (object instanceof Set) {
      this.byte(T.Set);
      this.varint(object.size);
      this.depth++;
      let i = 0;
      for (const value of object) {
        this.path[depth] = i++;
        this.value(value);
      }
      this.depth = depth;
    } else if (object instanceof Date) {
      this.byte(T.Date);
      this.float(object.getTime());
    } else if (object instanceof RegExp) {
      this.byte(T.RegExp);
      this.string(object.source);
      this.string(object.flags);
    } else if (Buffer.isBuffer(object) && !marked.has(object.buffer)) {
      if (types.isSharedArrayBuffer(object.buffer)) {
        this.view(object);
      } else {
        this.byte(T.Buffer);
        this.raw(object);
      }
    } else if (ArrayBuffer.isView(object)) {
      this.view(object);
    } else if (types.isArrayBuffer(object)) {
      if (isDetached(object)) this.fail(object, "this ArrayBuffer was moved away and has no memory any more", null);
      this.byte(T.ArrayBuffer);
      this.raw(new Uint8Array(object));
      if (marked.has(object)) this.detach.push(object);
    } else if (types.isSharedArrayBuffer(object)) {
      this.extra(object, "a SharedArrayBuffer");
    } else if (object instanceof MessagePort) {
      if (!marked.has(object)) {
        this.fail(object, "a MessagePort is not copied but moved", "say so by transfer(value, [port])");
      }
      this.extra(object, "a MessagePort");
    } else if (types.isBoxedPrimitive(object)) {
      if (types.isSymbolObject(object)) this.fail(object, "a symbol cannot cross", null);
      this.byte(T.Boxed);
      this.value((object as { valueOf(): unknown }).valueOf());
    } else if (
      types.isPromise(object) ||
      types.isWeakMap(object) ||
      types.isWeakSet(object) ||
      object instanceof WeakRef ||
      types.isGeneratorObject(object) ||
      types.isExternal(object) ||
      object instanceof EventEmitter ||
      object instanceof EventTarget
    ) {
      this.fail(
        object,
        `${describe(object)} cannot cross: it lives in one thread`,
        types.isPromise(object)
          ? "await it and pass its value"
          : "pass what is needed to make it again on the other side",
      );
    } else {
      this.instance(object);
    }
  }

  instance(object: object): void {
    switch (natureOf(object)) {
      case Nature.Cloned:
        this.extra(object, describe(object));
        return;
      case Nature.Bound:
        this.fail(
          object,
          `${describe(object)} cannot cross: what it holds is not in its fields`,
          "pass what is needed to make it again on the other side",
        );
        return;
      default:
        // As structuredClone does: the fields of an instance, without its class.
        this.byte(T.Object);
        this.fields(object);
    }
  }

  view(view: ArrayBufferView): void {
    const kind = VIEWS.findIndex((type) => view instanceof type);
    if (kind < 0) this.fail(view, `${describe(view)} cannot cross`, null);
    this.byte(T.View);
    this.byte(kind);
    this.varint(view.byteOffset);
    this.varint((view as unknown as { length?: number }).length ?? view.byteLength);
    this.object(view.buffer);
  }

  extra(object: object, what: string): void {
    if (this.extras === undefined || this.crossing !== "thread") {
      this.fail(object, `${what} cannot cross this way`, "give it to a Thread in its args");
    }
    this.byte(T.Extra);
    this.varint((this.extras as unknown[]).push(object) - 1);
  }

  /** Takes the numbers from `count` on back, after part of a value was written in vain. */
  forget(count: number): void {
    if (this.seenMap === null) {
      this.seen.length = count;
    } else {
      this.seenMap = new Map([...this.seenMap].slice(0, count));
    }
  }

  fail(
    _value: unknown,
    what: string,
    remedy: string | null,
    functionName: string | null = null,
    variables: readonly string[] = [],
  ): never {
    let path = this.root;
    for (const step of this.path.slice(0, this.depth)) {
      if (typeof step === "number") path += `[${step}]`;
      else if (/^([A-Za-z_$][\w$]*|get\(.*\))$/s.test(step)) path += path === "" ? step : `.${step}`;
      else path += `[${JSON.stringify(step)}]`;
    }
    const advice = remedy === null ? "" : `; ${remedy}`;
    throw new DataCloneError(`${path === "" ? "" : `${path}: `}${what}${advice}`, { path, functionName, variables });
  }
}
