/**
 * `multiprocessing.shared_memory.ShareableList`: a list of fixed length in shared memory, byte for byte as CPython 3.13
 * lays it out (Lib/multiprocessing/shared_memory.py), so that each side reads the other's lists.
 *
 *   bytes        content
 *   8            number N of slots, as a 64-bit integer
 *   (N + 1) * 8  where each slot begins in the data, and where the data ends
 *   K            the data: 8 bytes a slot, or for text and byte strings the next multiple of 8 above their length
 *   N * 8        how each slot is packed, in the letters of Python's struct module, filled up with NUL
 *   N            how each is made a value again: 0 as it is, 1 text, 2 bytes, 3 None
 *
 * All numbers are in the machine's order, which is little-endian wherever Node runs. What Python does not tell apart and
 * JavaScript does is told by the packing: an integral number is "q" as Python's int, a bigint is "1q", which struct
 * reads the same. Python's own "q" is a number where that is exact, else a bigint. Other numbers are "d".
 */
import { inspect, isDeepStrictEqual } from "node:util";
import { checkOptions, NAME_OPTIONS } from "../core/check-options.js";
import { describe } from "../core/describe-value.js";
import { RuntimeError } from "../core/errors.js";
import { type Handle, registerHandle, toHandle } from "../core/handles.js";
import { isIterable } from "../core/iterable.js";
import { checkIndex, type Indexed, indexedBy } from "./indexed.js";
import { SharedMemory } from "./shared-memory.js";

const TAG = "ShareableList";
const WORD = 8;
/** What 8 characters can say: "9999999s". */
const LONGEST = 9_999_999;

const Recreation = { AsIs: 0, Text: 1, Bytes: 2, None: 3 } as const;
const BIGINT_FORMAT = "1q";

/** What a {@link ShareableList} can hold. */
export type Shareable = number | bigint | boolean | string | Uint8Array | null;
/** The type of a slot made for a `T`: with `true` it can hold `false`. */
export type Slot<T> = T extends boolean ? boolean : T;

/** A list of fixed length in shared memory. A slot keeps the room of its first value. */
export interface ShareableList<T = Shareable> extends Iterable<T> {
  /** A slot. Outside throws `RangeError`, and so does a text or byte string with more bytes than the slot has. */
  [index: number]: T;
  /** The number of slots. */
  readonly length: number;
  /** The memory underneath, to be closed and unlinked. */
  readonly shm: SharedMemory;
  /** The layout, in the letters of Python's struct module. */
  readonly format: string;
  /** The value in a slot; a negative index counts from the end. */
  at(index: number): T;
  /** How many slots hold a value. */
  count(value: T): number;
  /** The first slot that holds a value. Throws `RangeError` if none does. */
  index(value: T): number;
}

const utf8 = new TextEncoder();
const fromUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const fromAscii = new TextDecoder("latin1");

/** A value as it is written. */
interface Packed {
  /** Empty for text and byte strings: it depends on the slot. */
  readonly format: string;
  readonly recreation: number;
  /** What is copied to the beginning of the slot; the rest is NUL. */
  readonly bytes: Uint8Array;
}

function word(fill: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(WORD);
  fill(new DataView(bytes.buffer));
  return bytes;
}

function pack(value: unknown): Packed {
  switch (typeof value) {
    case "number":
      if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
        const bytes = word((view) => view.setBigInt64(0, BigInt(value), true));
        return { format: "q", recreation: Recreation.AsIs, bytes };
      }
      return { format: "d", recreation: Recreation.AsIs, bytes: word((view) => view.setFloat64(0, value, true)) };
    case "bigint":
      if (BigInt.asIntN(64, value) !== value) throw new RangeError(`${value} does not fit into 64 bits`);
      return {
        format: BIGINT_FORMAT,
        recreation: Recreation.AsIs,
        bytes: word((view) => view.setBigInt64(0, value, true)),
      };
    case "boolean":
      return {
        format: "xxxxxxx?",
        recreation: Recreation.AsIs,
        bytes: word((view) => view.setUint8(WORD - 1, Number(value))),
      };
    case "string":
      return { format: "", recreation: Recreation.Text, bytes: utf8.encode(value) };
  }
  if (value === null) return { format: "xxxxxx?x", recreation: Recreation.None, bytes: new Uint8Array(WORD) };
  if (value instanceof Uint8Array) return { format: "", recreation: Recreation.Bytes, bytes: value };
  throw new TypeError(
    `a ShareableList holds numbers, bigints, booleans, strings, Uint8Arrays and null, not ${inspect(value)}`,
  );
}

/** How many bytes a slot gets whose first value this is: Python leaves room for at least one NUL. */
function roomFor({ format, bytes }: Packed): number {
  if (format !== "") return WORD;
  const room = WORD * (Math.floor(bytes.length / WORD) + 1);
  if (room > LONGEST) throw new RangeError(`a text or byte string of ${bytes.length} bytes is too long`);
  return room;
}

/** Up to the last byte that is not NUL. */
function trimmed(bytes: Uint8Array): Uint8Array {
  let { length } = bytes;
  while (length > 0 && bytes[length - 1] === 0) length--;
  return bytes.subarray(0, length);
}

/** The slots of a list in memory. */
class Slots implements Indexed {
  readonly length: number;
  readonly #shm: SharedMemory;
  /** Where each slot begins in the memory, and where the last one ends. */
  readonly #begins: readonly number[];
  #view: DataView | null = null;
  #viewOf: Uint8Array | null = null;

  constructor(shm: SharedMemory) {
    this.#shm = shm;
    const { buf } = shm;
    const view = new DataView(buf.buffer);
    const length = buf.length < 2 * WORD ? -1 : Number(view.getBigInt64(0, true));
    const data = (length + 2) * WORD;
    const begins: number[] = [];
    if (length >= 0 && data <= buf.length) {
      for (let i = 0; i <= length; i++) begins.push(data + Number(view.getBigInt64((i + 1) * WORD, true)));
    }
    const inOrder = begins[0] === data && begins.every((at, i) => i === 0 || at >= begins[i - 1]! + WORD);
    if (!inOrder || begins.at(-1)! + length * (WORD + 1) > buf.length) {
      throw new RuntimeError(`the shared memory '${shm.name}' holds no ShareableList`);
    }
    this.length = length;
    this.#begins = begins;
  }

  /** Lays a list out and fills it. */
  static create(values: Iterable<unknown>, name: string | undefined): SharedMemory {
    const packed = Array.from(values, pack);
    const rooms = packed.map(roomFor);
    const data = rooms.reduce((sum, room) => sum + room, 0);
    const count = packed.length;
    const shm = new SharedMemory({ name, create: true, size: (count + 2) * WORD + data + count * (WORD + 1) });
    const view = new DataView(shm.buf.buffer);
    view.setBigInt64(0, BigInt(count), true);
    let at = 0;
    rooms.forEach((room, i) => {
      at += room;
      view.setBigInt64((i + 2) * WORD, BigInt(at), true);
    });
    const slots = new Slots(shm);
    packed.forEach((value, i) => {
      slots.#write(i, value);
    });
    return shm;
  }

  at(index: number): unknown {
    const view = this.#memory();
    const at = checkIndex(index, this.length);
    const begin = this.#begins[at]!;
    const format = this.format(at);
    switch (view.getInt8(this.#recreationAt(at))) {
      case Recreation.Text:
        return fromUtf8.decode(trimmed(this.#bytes(at)));
      case Recreation.Bytes:
        return trimmed(this.#bytes(at)).slice();
      case Recreation.None:
        return null;
    }
    switch (format) {
      case "d":
        return view.getFloat64(begin, true);
      case "xxxxxxx?":
        return view.getUint8(begin + WORD - 1) !== 0;
      case BIGINT_FORMAT:
        return view.getBigInt64(begin, true);
      case "q": {
        const exact = view.getBigInt64(begin, true);
        const value = Number(exact);
        return Number.isSafeInteger(value) ? value : exact;
      }
    }
    throw new RuntimeError(`slot ${at} is packed as ${JSON.stringify(format)}, which is unknown here`);
  }

  put(index: number, value: unknown): void {
    this.#memory();
    this.#write(checkIndex(index, this.length), pack(value));
  }

  /** How a slot is packed. */
  format(at: number): string {
    const begin = this.#formatAt(at);
    return fromAscii.decode(trimmed(this.#shm.buf.subarray(begin, begin + WORD)));
  }

  #write(at: number, { format, recreation, bytes }: Packed): void {
    const slot = this.#bytes(at);
    if (bytes.length > slot.length) {
      throw new RangeError(`${bytes.length} bytes do not fit into slot ${at}, which has ${slot.length}`);
    }
    const view = this.#memory();
    const begin = this.#formatAt(at);
    const text = utf8.encode(format === "" ? `${slot.length}s` : format);
    this.#shm.buf.fill(0, begin, begin + WORD).set(text, begin);
    view.setInt8(this.#recreationAt(at), recreation);
    slot.set(bytes);
    // A number takes a word whatever the slot has, as in Python; text is followed by NUL to the end.
    if (format === "") slot.fill(0, bytes.length);
  }

  #memory(): DataView {
    const { buf } = this.#shm;
    if (this.#viewOf !== buf) {
      this.#viewOf = buf;
      this.#view = new DataView(buf.buffer);
    }
    return this.#view as DataView;
  }

  #bytes(at: number): Uint8Array {
    return this.#shm.buf.subarray(this.#begins[at], this.#begins[at + 1]);
  }

  #formatAt(at: number): number {
    return this.#begins[this.length]! + at * WORD;
  }

  #recreationAt(at: number): number {
    return this.#begins[this.length]! + this.length * WORD + at;
  }
}

/** Whether a slot's value is the one that is looked for. */
function same(value: unknown, wanted: unknown): boolean {
  if (value === wanted) return true;
  if (value instanceof Uint8Array && wanted instanceof Uint8Array) {
    return isDeepStrictEqual([...value], [...wanted]);
  }
  return false;
}

/** What is behind each list. The methods see the proxy, which private fields do not pass. */
interface Inside {
  readonly shm: SharedMemory;
  readonly slots: Slots;
}

const insides = new WeakMap<object, Inside>();

function inside(list: object): Inside {
  const found = insides.get(list);
  if (found === undefined) throw new TypeError("this is no ShareableList");
  return found;
}

const handler = indexedBy<object>((list) => inside(list).slots);

class ShareableListObject {
  constructor(values?: Iterable<unknown> | null, options?: { name?: string }) {
    checkOptions(options, NAME_OPTIONS);
    const name = options?.name;
    // As in Python, a name alone means the list of that name.
    const attach = values === null || (values === undefined && name !== undefined);
    const items = values ?? [];
    if (!isIterable(items)) {
      throw new TypeError(`the values of a ShareableList must be something to iterate over, not ${describe(items)}`);
    }
    const shm = attach ? new SharedMemory({ name }) : Slots.create(items, name);
    let it: Inside;
    try {
      it = { shm, slots: new Slots(shm) };
    } catch (error) {
      shm.close();
      throw error;
    }
    const proxy = new Proxy<this>(this, handler);
    insides.set(this, it);
    insides.set(proxy, it);
    // biome-ignore lint/correctness/noConstructorReturn: access by index needs a proxy, which is the object then
    return proxy;
  }

  get length(): number {
    return inside(this).slots.length;
  }

  get shm(): SharedMemory {
    return inside(this).shm;
  }

  get format(): string {
    const { slots } = inside(this);
    const formats = Array.from({ length: slots.length }, (_, i) => slots.format(i));
    return formats.map((format) => (format === BIGINT_FORMAT ? "q" : format)).join("");
  }

  at(index: number): unknown {
    return inside(this).slots.at(index);
  }

  count(value: unknown): number {
    let count = 0;
    for (const item of this) if (same(item, value)) count++;
    return count;
  }

  index(value: unknown): number {
    let at = 0;
    for (const item of this) {
      if (same(item, value)) return at;
      at++;
    }
    throw new RangeError(`${inspect(value)} is not in the list`);
  }

  *[Symbol.iterator](): Generator<unknown> {
    const { slots } = inside(this);
    for (let i = 0; i < slots.length; i++) yield slots.at(i);
  }

  [inspect.custom](): string {
    const { shm } = inside(this);
    let items = "closed";
    try {
      items = inspect([...this]);
    } catch {
      // What prints a list must not fail because the list is closed.
    }
    return `ShareableList(${items}, name='${shm.name}')`;
  }

  [toHandle](): Handle {
    return { tag: TAG, value: inside(this).shm.name };
  }
}
Object.defineProperty(ShareableListObject, "name", { value: TAG });

registerHandle<string>(TAG, (name) => new ShareableListObject(null, { name }));

/**
 * A list of fixed length in shared memory, in CPython's own layout: a Python program reads it by its name, and the other
 * way round. Close and unlink `list.shm` when it is done with.
 *
 * @example
 * ```ts
 * import { ShareableList } from "heddle/multiprocessing";
 *
 * const list = new ShareableList(["ready", 3, true]);
 * const same = new ShareableList<string | number | boolean>(null, { name: list.shm.name }); // in any process
 * same[0] = "done";
 * console.log(list[0], list.format); // prints done 8sqxxxxxxx?
 * same.shm.close();
 * list.shm.close();
 * list.shm.unlink();
 * ```
 */
export const ShareableList: {
  /** Makes a list of values, or attaches by name if `values` is null. */
  new <T = Shareable>(values?: Iterable<T & Shareable> | null, options?: { name?: string }): ShareableList<Slot<T>>;
} = ShareableListObject as never;
