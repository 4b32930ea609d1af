/** List, dictionary, namespace, value and array of a server. */
import { isDeepStrictEqual } from "node:util";
import { describe } from "../../../core/describe-value.js";
import { KeyError } from "../../../core/errors.js";
import { compareNaturally } from "../../../queue/natural-order.js";
import type { Caller } from "../caller.js";
import { Managed } from "./managed.js";

/** The place an index means: from the end if it is negative. Throws `RangeError` outside. */
function placeOf(index: unknown, length: number, what: string): number {
  if (typeof index !== "number" || !Number.isInteger(index)) throw new TypeError("an index must be a whole number");
  const place = index < 0 ? length + index : index;
  if (place < 0 || place >= length) throw new RangeError(`${what} index out of range: ${index}`);
  return place;
}

function arrayOf(values: unknown): unknown[] {
  if (!Array.isArray(values)) throw new TypeError("values must be iterable");
  return values;
}

function inOrder(a: unknown, b: unknown): number {
  try {
    return compareNaturally(a, b);
  } catch {
    const both = `${describe(a)} and ${describe(b)}`;
    throw new TypeError(`a list cannot be sorted that holds ${both}: give sort a key, whose values have an order`);
  }
}

export class ManagedArray extends Managed {
  static override readonly exposed: readonly string[] = ["length", "get", "set", "slice"];
  protected readonly what: string = "array";

  constructor(
    protected items: unknown[],
    readonly typeCode: string = "",
  ) {
    super();
  }

  length(): number {
    return this.items.length;
  }

  get(_: Caller, index: number): unknown {
    return this.items[placeOf(index, this.items.length, this.what)];
  }

  set(_: Caller, index: number, value: unknown): void {
    this.items[placeOf(index, this.items.length, this.what)] = value;
  }

  slice(_: Caller, start?: number, end?: number): unknown[] {
    return this.items.slice(start, end);
  }

  override toValue(): unknown[] {
    return this.items;
  }
}

export class ManagedList extends ManagedArray {
  static override readonly exposed: readonly string[] = [
    ...ManagedArray.exposed,
    "delete",
    "append",
    "extend",
    "insert",
    "pop",
    "remove",
    "index",
    "count",
    "reverse",
    "sort",
    "clear",
  ];
  protected override readonly what: string = "list";

  delete(_: Caller, index: number): void {
    this.items.splice(placeOf(index, this.items.length, this.what), 1);
  }

  append(_: Caller, value: unknown): void {
    this.items.push(value);
  }

  extend(_: Caller, values: unknown): void {
    for (const value of arrayOf(values)) this.items.push(value);
  }

  insert(_: Caller, index: number, value: unknown): void {
    if (typeof index !== "number" || !Number.isInteger(index)) throw new TypeError("an index must be a whole number");
    this.items.splice(index, 0, value);
  }

  pop(_: Caller, index: number = -1): unknown {
    if (this.items.length === 0) throw new RangeError("pop from an empty list");
    return this.items.splice(placeOf(index, this.items.length, this.what), 1)[0];
  }

  remove(caller: Caller, value: unknown): void {
    this.items.splice(this.index(caller, value), 1);
  }

  index(_: Caller, value: unknown): number {
    const at = this.items.findIndex((item) => isDeepStrictEqual(item, value));
    if (at < 0) throw new RangeError(`the list has no item equal to ${describe(value)}`);
    return at;
  }

  count(_: Caller, value: unknown): number {
    return this.items.filter((item) => isDeepStrictEqual(item, value)).length;
  }

  reverse(): void {
    this.items.reverse();
  }

  sort(_: Caller, options: { key?: (item: unknown) => unknown; reverse?: boolean } = {}): void {
    const { key, reverse = false } = options;
    if (key !== undefined && typeof key !== "function") throw new TypeError("key must be a function");
    const sign = reverse ? -1 : 1;
    const keyed = this.items.map((item) => ({ item, by: key === undefined ? item : key(item) }));
    this.items = keyed.sort((a, b) => sign * inOrder(a.by, b.by)).map(({ item }) => item);
  }

  clear(): void {
    this.items = [];
  }
}

/** Throws `TypeError` for what is no primitive value. */
function keyOf(key: unknown): unknown {
  if ((typeof key === "object" && key !== null) || typeof key === "function") {
    throw new TypeError(`a key must be a primitive value, not ${describe(key)}`);
  }
  return key;
}

export class ManagedDict extends Managed {
  static override readonly exposed: readonly string[] = [
    "size",
    "get",
    "set",
    "has",
    "delete",
    "pop",
    "popItem",
    "setDefault",
    "update",
    "keys",
    "values",
    "items",
    "copy",
    "clear",
  ];
  readonly #map = new Map<unknown, unknown>();

  constructor(entries: unknown) {
    super();
    this.#update(entries);
  }

  #update(entries: unknown): void {
    const all = arrayOf(entries).map((entry) => {
      if (!Array.isArray(entry) || entry.length !== 2) throw new TypeError("entries must be [key, value]");
      return [keyOf(entry[0]), entry[1]] as const;
    });
    for (const [key, value] of all) this.#map.set(key, value);
  }

  size(): number {
    return this.#map.size;
  }

  get(_: Caller, key: unknown, fallback?: unknown): unknown {
    return this.#map.has(key) ? this.#map.get(key) : fallback;
  }

  set(_: Caller, key: unknown, value: unknown): void {
    this.#map.set(keyOf(key), value);
  }

  has(_: Caller, key: unknown): boolean {
    return this.#map.has(key);
  }

  delete(_: Caller, key: unknown): void {
    if (!this.#map.delete(key)) throw new KeyError(key);
  }

  pop(_: Caller, key: unknown, ...fallback: unknown[]): unknown {
    if (!this.#map.has(key)) {
      if (fallback.length > 0) return fallback[0];
      throw new KeyError(key);
    }
    const value = this.#map.get(key);
    this.#map.delete(key);
    return value;
  }

  popItem(): [unknown, unknown] {
    let last: [unknown, unknown] | null = null;
    for (const entry of this.#map) last = entry;
    if (last === null) throw new KeyError(undefined, "the dictionary is empty");
    this.#map.delete(last[0]);
    return last;
  }

  setDefault(_: Caller, key: unknown, fallback: unknown): unknown {
    if (!this.#map.has(key)) this.#map.set(keyOf(key), fallback);
    return this.#map.get(key);
  }

  update(_: Caller, entries: unknown): void {
    this.#update(entries);
  }

  keys(): unknown[] {
    return [...this.#map.keys()];
  }

  values(): unknown[] {
    return [...this.#map.values()];
  }

  items(): [unknown, unknown][] {
    return [...this.#map];
  }

  copy(): Map<unknown, unknown> {
    return this.#map;
  }

  clear(): void {
    this.#map.clear();
  }

  override toValue(): Map<unknown, unknown> {
    return this.#map;
  }
}

export class ManagedNamespace extends Managed {
  static override readonly exposed: readonly string[] = ["get", "set", "delete"];
  readonly #attributes = new Map<string, unknown>();

  constructor(attributes: object) {
    super();
    for (const [name, value] of Object.entries(attributes)) this.#attributes.set(attributeName(name), value);
  }

  get(_: Caller, name: string): unknown {
    return this.#attributes.get(attributeName(name));
  }

  set(_: Caller, name: string, value: unknown): void {
    this.#attributes.set(attributeName(name), value);
  }

  delete(_: Caller, name: string): void {
    if (!this.#attributes.delete(attributeName(name))) throw new KeyError(name);
  }

  override toValue(): object {
    return Object.fromEntries(this.#attributes);
  }
}

/** Throws `TypeError` for what cannot be the name of an attribute. */
function attributeName(name: unknown): string {
  if (typeof name !== "string") throw new TypeError("the name of an attribute must be a string");
  if (name === "__proto__") throw new TypeError("an attribute cannot be called __proto__");
  return name;
}

export class ManagedValue extends Managed {
  static override readonly exposed: readonly string[] = ["get", "set"];

  constructor(
    readonly typeCode: string,
    private value: unknown,
  ) {
    super();
  }

  get(): unknown {
    return this.value;
  }

  set(_: Caller, value: unknown): void {
    this.value = value;
  }

  override toValue(): unknown {
    return this.value;
  }
}
