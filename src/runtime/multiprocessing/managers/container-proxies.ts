// biome-ignore-all lint/suspicious/noExplicitAny: what is given no type argument is any, as in the contract
/** The proxies of lists, dictionaries, namespaces, values and arrays. */
import { checkOptions, knownOptions } from "../../core/check-options.js";
import { referenceTo } from "../../core/function-reference.js";
import { requireIterable } from "../../core/iterable.js";
import type { Remote } from "../../types.js";
import { BaseProxy, type Convert, callRemote, callRemoteSync, defineRemote, registerProxyClass } from "./base-proxy.js";
import { ManagedArray, ManagedDict, ManagedList, ManagedValue } from "./objects/containers.js";
import { FunctionOnWire } from "./wire-values.js";

/** What a list at a server can do. Indexes may be negative; outside they are a `RangeError`. */
export interface ListOperations<T> {
  /** The number of items. */ length(): number;
  /** An item. */ get(index: number): T;
  /** Replaces an item. */ set(index: number, value: T): void;
  /** Removes an item. */ delete(index: number): void;
  /** A copy of a part, or of all. */ slice(start?: number, end?: number): T[];
  /** Adds an item at the end. */ append(value: T): void;
  /** Adds items at the end. */ extend(values: Iterable<T>): void;
  /** Adds an item before an index. */ insert(index: number, value: T): void;
  /** Removes an item, the last by default, and gives it. */ pop(index?: number): T;
  /** Removes the first item equal to a value. `RangeError` if there is none. */ remove(value: T): void;
  /** The index of the first item equal to a value. `RangeError` if there is none. */ index(value: T): number;
  /** The number of items equal to a value. */ count(value: T): number;
  /** Reverses the order. */ reverse(): void;
  /** Sorts in place, largest first with `reverse`; `key` gives what to compare and runs at the server. */
  sort(options?: { key?: (item: T) => number | bigint | string; reverse?: boolean }): void;
  /** Removes all items. */ clear(): void;
}

/**
 * A list at a server.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { Manager } from "heddle/multiprocessing";
 *
 * if (isMain) {
 *   await using manager = await Manager();
 *   const list = await manager.list([3, 1, 2]);
 *   await list.append(0);
 *   await list.sort();
 *   console.log(await list.get(-1), await list.getValue()); // prints 3 [ 0, 1, 2, 3 ]
 *   for await (const item of list) if (item > 1) console.log(item);
 *   // prints 2
 *   // prints 3
 * }
 * ```
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the methods are defined below
export class ListProxy<T = any> extends BaseProxy<T[]> {
  /** Gives the items one after the other, each by a round trip. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, undefined, undefined> {
    for (let i = 0; ; i++) {
      let item: T;
      try {
        item = (await callRemote(this, "get", [i])) as T;
      } catch (error) {
        if (error instanceof RangeError) return undefined;
        throw error;
      }
      yield item;
    }
  }
}
export interface ListProxy<T = any> extends Remote<ListOperations<T>> {}

const SORT_OPTIONS = knownOptions("{ reverse: true }", "key", "reverse");

/** Values as an array. Throws `TypeError` for what is no sequence. */
export const valuesOf: Convert = ([values]) => [[...requireIterable(values, "values")]];

defineRemote(ListProxy.prototype, ManagedList.exposed, {
  extend: valuesOf,
  sort: ([options]) => {
    checkOptions(options, SORT_OPTIONS);
    const { key, ...rest } = (options ?? {}) as { key?: unknown };
    return [key === undefined ? rest : { ...rest, key: new FunctionOnWire(referenceTo(key as never, "key")) }];
  },
});
registerProxyClass("ListProxy", ListProxy);

/** What a dictionary at a server can do. It is a `Map` whose keys are primitive values. */
export interface DictOperations<K, V> {
  /** The number of entries. */ size(): number;
  /** A value, or `fallback` if the key does not exist. */ get(key: K, fallback?: V): V | undefined;
  /** Writes an entry. */ set(key: K, value: V): void;
  /** Whether a key exists. */ has(key: K): boolean;
  /** Removes an entry. `KeyError` if the key does not exist. */ delete(key: K): void;
  /** Removes an entry and gives its value. Without a fallback, `KeyError` if the key does not exist. */
  pop(key: K, fallback?: V): V;
  /** Removes the newest entry and gives it. `KeyError` if there is none. */ popItem(): [key: K, value: V];
  /** The value of a key, after writing `fallback` if it does not exist: one step at the server. */
  setDefault(key: K, fallback: V): V;
  /** Writes all given entries. */ update(entries: Iterable<readonly [K, V]>): void;
  /** The keys. */ keys(): K[];
  /** The values. */ values(): V[];
  /** The entries. */ items(): [key: K, value: V][];
  /** A copy. */ copy(): Map<K, V>;
  /** Removes all entries. */ clear(): void;
}

/**
 * A dictionary at a server.
 *
 * @example
 * ```ts
 * import { isMain, KeyError } from "heddle";
 * import { Manager } from "heddle/multiprocessing";
 *
 * if (isMain) {
 *   await using manager = await Manager();
 *   const ages = await manager.dict({ Ann: 31, Bob: 42 });
 *   await ages.set("Cid", 53);
 *   console.log(await ages.keys()); // prints [ 'Ann', 'Bob', 'Cid' ]
 *   console.log(await ages.get("Dot", 0)); // prints 0
 *   await ages.pop("Dot").catch((error) => console.log(error instanceof KeyError)); // prints true
 * }
 * ```
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the methods are defined below
export class DictProxy<K = string, V = any> extends BaseProxy<Map<K, V>> {}
export interface DictProxy<K = string, V = any> extends Remote<DictOperations<K, V>> {}

/** Entries, or an object's properties, as an array of pairs. Throws `TypeError` for what is neither. */
export const entriesOf: Convert = ([entries]) => {
  if (
    typeof entries === "object" &&
    entries !== null &&
    !(Symbol.iterator in entries || entries instanceof BaseProxy)
  ) {
    return [Object.entries(entries)];
  }
  return [Array.from(requireIterable(entries, "entries"), (entry) => [...requireIterable(entry, "each entry")])];
};

defineRemote(DictProxy.prototype, ManagedDict.exposed, { update: entriesOf });
registerProxyClass("DictProxy", DictProxy);

/**
 * An object at a server that has attributes and nothing else.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { Manager } from "heddle/multiprocessing";
 *
 * if (isMain) {
 *   await using manager = await Manager();
 *   const settings = await manager.Namespace({ user: "Ann", tries: 1 });
 *   await settings.set("tries", 2);
 *   console.log(await settings.getValue()); // prints { user: 'Ann', tries: 2 }
 * }
 * ```
 */
export class NamespaceProxy<T extends object = Record<string, any>> extends BaseProxy<T> {
  /** Resolves with an attribute, or with undefined if it does not exist. */
  get<K extends keyof T>(name: K): Promise<T[K]> {
    return callRemote(this, "get", [name]) as Promise<T[K]>;
  }

  /** Blocking {@link get}. */
  getSync<K extends keyof T>(name: K): T[K] {
    return callRemoteSync(this, "get", [name]) as T[K];
  }

  /** Writes an attribute. */
  async set<K extends keyof T>(name: K, value: T[K]): Promise<void> {
    await callRemote(this, "set", [name, value]);
  }

  /** Blocking {@link set}. */
  setSync<K extends keyof T>(name: K, value: T[K]): void {
    callRemoteSync(this, "set", [name, value]);
  }

  /** Removes an attribute. Rejects with `KeyError` if it does not exist. */
  async delete(name: keyof T): Promise<void> {
    await callRemote(this, "delete", [name]);
  }

  /** Blocking {@link delete}. */
  deleteSync(name: keyof T): void {
    callRemoteSync(this, "delete", [name]);
  }
}
registerProxyClass("NamespaceProxy", NamespaceProxy);

/** What a value at a server can do. */
export interface ValueOperations<T> {
  /** The value. */ get(): T;
  /** Replaces the value. */ set(value: T): void;
}

/**
 * A single value at a server. To read and write it are two steps: use a lock for what belongs together.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { Manager } from "heddle/multiprocessing";
 *
 * if (isMain) {
 *   await using manager = await Manager();
 *   const count = await manager.Value("i", 1);
 *   await count.set((await count.get()) + 1);
 *   console.log(await count.get()); // prints 2
 * }
 * ```
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the methods are defined below
export class ValueProxy<T = any> extends BaseProxy<T> {}
export interface ValueProxy<T = any> extends Remote<ValueOperations<T>> {}

defineRemote(ValueProxy.prototype, ManagedValue.exposed);
registerProxyClass("ValueProxy", ValueProxy);

/**
 * An array of fixed length at a server.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { Manager } from "heddle/multiprocessing";
 *
 * if (isMain) {
 *   await using manager = await Manager();
 *   const samples = await manager.Array("d", [0.5, 1.5]);
 *   await samples.set(-1, 2.5);
 *   console.log(await samples.length(), await samples.slice()); // prints 2 [ 0.5, 2.5 ]
 * }
 * ```
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the methods are defined below
export class ArrayProxy<T = any> extends BaseProxy<T[]> {}
export interface ArrayProxy<T = any> extends Remote<Pick<ListOperations<T>, "length" | "get" | "set" | "slice">> {}

defineRemote(ArrayProxy.prototype, ManagedArray.exposed);
registerProxyClass("ArrayProxy", ArrayProxy);
