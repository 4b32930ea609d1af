/** Elements of shared memory, without a lock: `multiprocessing.sharedctypes.RawArray`. */
import { inspect } from "node:util";
import { type Crossing, type Handle, type Pins, registerHandle, toHandle } from "../core/handles.js";
import { isIterable } from "../core/iterable.js";
import { AnonymousMemory, type MemoryHandle } from "../platform/arena.js";
import { checkIndex, type Indexed, indexedBy } from "./indexed.js";
import {
  type Elements,
  type ElementType,
  elementType,
  type TypeCode,
  type TypeCodes,
  type TypedArrays,
} from "./type-codes.js";

const TAG = "RawArray";
/** How many elements are shown to a reader. */
const SHOWN = 20;

interface ArrayHandle {
  readonly code: TypeCode;
  readonly length: number;
  readonly memory: MemoryHandle;
}

/** Any number of elements of shared memory, without a lock. An index outside throws `RangeError`. */
export interface RawArray<C extends TypeCode = TypeCode> extends Iterable<TypeCodes[C]> {
  /** An element, from index 0. */
  [index: number]: TypeCodes[C];
  /** The number of elements, fixed. */
  readonly length: number;
  /** The memory itself, for speed. */
  readonly view: TypedArrays[C];
  /** The element at an index; a negative one counts from the end. */
  at(index: number): TypeCodes[C];
  /**
   * A copy of a part, as `Array.slice` counts; `step` takes every nth, backwards if negative. Throws `RangeError` for a
   * step of 0.
   */
  slice(start?: number, end?: number, step?: number): TypeCodes[C][];
  /** Writes elements from `offset`, 0 by default. Throws `RangeError`, and writes none, if they do not fit. */
  set(values: Iterable<TypeCodes[C]>, offset?: number): void;
  /** For codes c and u: the text up to the first NUL. Setting one that is too long throws `RangeError`. */
  value: C extends "c" | "u" ? string : never;
  /** For code c: a copy of all bytes. Setting more than fit throws `RangeError`. */
  raw: C extends "c" ? Uint8Array : never;
}

/** What is behind each array. The methods see the proxy, which private fields do not pass. */
export interface Inside extends Indexed {
  readonly type: ElementType;
  readonly memory: AnonymousMemory;
  readonly elements: Elements;
}

const insides = new WeakMap<object, Inside>();

/** What is behind an array. Throws `TypeError` for anything else. */
export function inside(array: object): Inside {
  const found = insides.get(array);
  if (found === undefined) throw new TypeError("this is no RawArray");
  return found;
}

const handler = indexedBy<object>(inside);

function whole(value: number | undefined, name: string): number | undefined {
  if (value === undefined || Number.isInteger(value) || Math.abs(value) === Number.POSITIVE_INFINITY) return value;
  throw new TypeError(`${name} must be an integer, not ${String(value)}`);
}

/** Where a slice begins and ends, as Python counts for any step. */
function bound(value: number | undefined, absent: number, length: number, lowest: number, highest: number): number {
  if (value === undefined) return absent;
  return Math.min(Math.max(value < 0 ? value + length : value, lowest), highest);
}

class RawArrayObject {
  constructor(typeCode: TypeCode, sizeOrValues: unknown, memory?: AnonymousMemory) {
    const type = elementType(typeCode);
    const { array } = type;
    let values: (number | bigint)[] | Elements | null = null;
    let length: number;
    if (typeof sizeOrValues === "number") {
      if (!Number.isInteger(sizeOrValues)) throw new TypeError("the size must be an integer");
      if (sizeOrValues < 0) throw new RangeError("the size must not be negative");
      length = sizeOrValues;
    } else {
      values = stored(type, sizeOrValues);
      length = values.length;
    }
    const own = memory ?? AnonymousMemory.create(length * array.BYTES_PER_ELEMENT);
    const elements = new array(own.buffer, 0, length);
    if (values !== null) elements.set(values as never);
    const it: Inside = {
      type,
      memory: own,
      elements,
      length,
      at: (index) => type.load(elements[checkIndex(index, length)] as number | bigint),
      put: (index, value) => {
        elements[checkIndex(index, length)] = type.store(value);
      },
    };
    const proxy = new Proxy<this>(this, handler);
    insides.set(this, it);
    insides.set(proxy, it);
    // biome-ignore lint/correctness/noConstructorReturn: access by index needs a proxy, which is the object then
    return proxy;
  }

  get length(): number {
    return inside(this).length;
  }

  get view(): Elements {
    return inside(this).elements;
  }

  at(index: number): unknown {
    return inside(this).at(index);
  }

  slice(start?: number, end?: number, step = 1): unknown[] {
    const { elements, type, length } = inside(this);
    if (!Number.isInteger(step)) throw new TypeError(`step must be an integer, not ${String(step)}`);
    if (step === 0) throw new RangeError("step must not be 0");
    const back = step < 0;
    const [lowest, highest] = back ? [-1, length - 1] : [0, length];
    const from = bound(whole(start, "start"), back ? highest : lowest, length, lowest, highest);
    const to = bound(whole(end, "end"), back ? lowest : highest, length, lowest, highest);
    const result: unknown[] = [];
    for (let i = from; back ? i > to : i < to; i += step) result.push(type.load(elements[i] as number | bigint));
    return result;
  }

  set(values: Iterable<unknown>, offset = 0): void {
    const { elements, type, length } = inside(this);
    if (!Number.isInteger(offset)) throw new TypeError(`offset must be an integer, not ${String(offset)}`);
    const items = stored(type, values);
    if (offset < 0 || offset + items.length > length) {
      throw new RangeError(`${items.length} elements from ${offset} do not fit into ${length}`);
    }
    elements.set(items as never, offset);
  }

  get value(): string {
    const { elements, type, length } = inside(this);
    if (type.code !== "c" && type.code !== "u") return undefined as never;
    let text = "";
    for (let i = 0; i < length && elements[i] !== 0; i++) text += type.load(elements[i] as number);
    return text;
  }

  set value(text: string) {
    const { elements, type, length } = inside(this);
    if (type.code !== "c" && type.code !== "u") throw new TypeError(`an array of '${type.code}' has no value`);
    if (typeof text !== "string") throw new TypeError("the value must be a string");
    const items = stored(type, text);
    if (items.length > length) throw new RangeError(`${items.length} characters do not fit into ${length}`);
    elements.set(items as never);
    if (items.length < length) elements[items.length] = 0;
  }

  get raw(): Uint8Array {
    const { elements, type } = inside(this);
    return type.code === "c" ? Uint8Array.from(elements as Uint8Array) : (undefined as never);
  }

  set raw(bytes: Uint8Array) {
    const { elements, type, length } = inside(this);
    if (type.code !== "c") throw new TypeError(`an array of '${type.code}' has no raw bytes`);
    if (!(bytes instanceof Uint8Array)) throw new TypeError("raw must be a Uint8Array");
    if (bytes.length > length) throw new RangeError(`${bytes.length} bytes do not fit into ${length}`);
    (elements as Uint8Array).set(bytes);
  }

  *[Symbol.iterator](): Generator<unknown> {
    const { elements, type, length } = inside(this);
    for (let i = 0; i < length; i++) yield type.load(elements[i] as number | bigint);
  }

  [inspect.custom](): string {
    const { type, length } = inside(this);
    const more = length > SHOWN ? ", …" : "";
    return `RawArray('${type.code}', [${this.slice(0, SHOWN)
      .map((item) => inspect(item))
      .join(", ")}${more}])`;
  }

  [toHandle](_crossing: Crossing, pins: Pins): Handle {
    const { type, length, memory } = inside(this);
    const value: ArrayHandle = { code: type.code, length, memory: memory.handle(pins) };
    return { tag: TAG, value };
  }
}
Object.defineProperty(RawArrayObject, "name", { value: TAG });

/** What is stored for values. An array of the same type needs no look at each. */
function stored(type: ElementType, values: unknown): (number | bigint)[] | Elements {
  if (values instanceof type.array) return values as Elements;
  if (!isIterable(values)) {
    throw new TypeError("the elements must be a size or something to iterate over");
  }
  return Array.from(values, (value) => type.store(value));
}

registerHandle<ArrayHandle>(
  TAG,
  ({ code, length, memory }) => new RawArrayObject(code, length, AnonymousMemory.of(memory)),
);

/**
 * Any number of elements of shared memory, without a lock. It crosses to threads and processes without being copied:
 * all have the same elements. `view` is the memory as a typed array, on which `Atomics` work between processes too.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { Process, RawArray } from "heddle/multiprocessing";
 *
 * function count(counters: RawArray<"i">) {
 *   for (let i = 0; i < 1000; i++) Atomics.add(counters.view, 0, 1);
 * }
 *
 * if (isMain) {
 *   const counters = new RawArray("i", 1);
 *   const processes = [1, 2].map(() => new Process({ target: count, args: [counters] }));
 *   for (const process of processes) process.start();
 *   for (const process of processes) await process.join();
 *   console.log(counters[0]); // prints 2000
 * }
 * ```
 */
export const RawArray: {
  /** Makes one of a size, zeroed, or with the given elements. */
  new <C extends TypeCode>(typeCode: C, sizeOrValues: number | Iterable<TypeCodes[C]>): RawArray<C>;
} = RawArrayObject as never;
