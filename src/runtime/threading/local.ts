// biome-ignore-all lint/suspicious/noExplicitAny: what is given no type argument is any, as in the contract
/**
 * An object whose fields each thread has to itself, also when it is handed to another thread.
 *
 * What crosses is a number; each thread has a proxy for that number, and the proxy has the thread's own object, which
 * `initialize` makes at the first use there. Methods that the object inherits are called on it and not on the proxy, so
 * that a Map or a class with private fields works, too.
 */
import { inspect } from "node:util";
import { CrossingFunction } from "../core/crossing-function.js";
import { describe } from "../core/describe-value.js";
import { DataCloneError } from "../core/errors.js";
import type { FunctionReference } from "../core/function-reference.js";
import { type Crossing, type Handle, registerHandle, toHandle } from "../core/handles.js";
import { HeapWord, words } from "../core/heap.js";

interface LocalHandle {
  readonly id: number;
  readonly initialize: FunctionReference | null;
}

/** What the proxy of a plain object has as its prototype: by it the codec sees that it is no plain object to copy. */
class LocalFields {}

/** The proxies of this thread that have crossed or arrived. They stay, as the thread's fields do. */
const arrived = new Map<number, object>();

class LocalObject implements ProxyHandler<object> {
  #value: object | null = null;
  #id = 0;
  readonly #bound = new WeakMap<object, unknown>();
  proxy: object | null = null;

  constructor(
    private readonly initialize: CrossingFunction<() => object> | null,
    id: number,
  ) {
    this.#id = id;
  }

  /** The thread's own object. */
  get value(): object {
    if (this.#value === null) {
      const made = this.initialize === null ? {} : this.initialize.get()();
      if ((typeof made !== "object" && typeof made !== "function") || made === null) {
        throw new TypeError(`a local's function must return an object, not ${describe(made)}`);
      }
      this.#value = made;
    }
    return this.#value;
  }

  handle(crossing: Crossing): Handle {
    if (crossing !== "thread") throw new DataCloneError("a local of threads cannot cross to another process");
    const initialize = this.initialize?.reference("initialize") ?? null;
    if (this.#id === 0) {
      this.#id = words.add(HeapWord.Locals, 1) + 1;
      arrived.set(this.#id, this.proxy as object);
    }
    const value: LocalHandle = { id: this.#id, initialize };
    return { tag: "local", value };
  }

  get(_: object, key: PropertyKey): unknown {
    if (key === toHandle) return (crossing: Crossing) => this.handle(crossing);
    const { value } = this;
    const found = Reflect.get(value, key, value) as unknown;
    if (typeof found !== "function" || Object.hasOwn(value, key) || key === "constructor") return found;
    let bound = this.#bound.get(found);
    if (bound === undefined) {
      const { proxy } = this;
      bound = function (this: unknown, ...args: unknown[]): unknown {
        return Reflect.apply(found, this === proxy ? value : this, args);
      };
      this.#bound.set(found, bound);
    }
    return bound;
  }

  set(_: object, key: PropertyKey, field: unknown): boolean {
    return Reflect.set(this.value, key, field, this.value);
  }

  has(_: object, key: PropertyKey): boolean {
    return key === toHandle || Reflect.has(this.value, key);
  }

  deleteProperty(_: object, key: PropertyKey): boolean {
    return Reflect.deleteProperty(this.value, key);
  }

  ownKeys(): ArrayLike<string | symbol> {
    return Reflect.ownKeys(this.value);
  }

  getOwnPropertyDescriptor(_: object, key: PropertyKey): PropertyDescriptor | undefined {
    const descriptor = Reflect.getOwnPropertyDescriptor(this.value, key);
    // A proxy may not call fixed what its target (not the thread's object) does not have.
    return descriptor && { ...descriptor, configurable: true };
  }

  defineProperty(_: object, key: PropertyKey, descriptor: PropertyDescriptor): boolean {
    if (descriptor.configurable === false) return false;
    return Reflect.defineProperty(this.value, key, { ...descriptor, configurable: true });
  }

  getPrototypeOf(): object {
    const prototype = Reflect.getPrototypeOf(this.value);
    return prototype === null || prototype === Object.prototype ? LocalFields.prototype : prototype;
  }

  setPrototypeOf(_: object, prototype: object | null): boolean {
    return Reflect.setPrototypeOf(this.value, prototype);
  }

  preventExtensions(): boolean {
    return false;
  }
}

function makeLocal(initialize: CrossingFunction<() => object> | null, id: number): object {
  const local = new LocalObject(initialize, id);
  const target = {};
  // Node shows a proxy's target, whatever the proxy says.
  Object.defineProperty(target, inspect.custom, { value: () => local.value, configurable: true });
  local.proxy = new Proxy(target, local);
  return local.proxy;
}

function construct(initialize?: () => object): object {
  if (new.target === undefined) throw new TypeError("local is a class: use new local()");
  if (initialize === undefined || initialize === null) return makeLocal(null, 0);
  if (typeof initialize !== "function") {
    throw new TypeError(`local takes a function that makes the fields, not ${describe(initialize)}`);
  }
  return makeLocal(CrossingFunction.of(initialize), 0);
}

/**
 * An object whose fields each thread has to itself, even when it is handed to another thread.
 *
 * The function crosses by reference with the object, and runs in each thread at the first use there.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { local, Thread } from "heddle/threading";
 *
 * const fresh = () => ({ hits: 0 });
 *
 * function count(context: { hits: number }) {
 *   context.hits++;
 *   console.log(`in the thread: ${context.hits}`); // prints in the thread: 1
 * }
 *
 * if (isMain) {
 *   const context = new local(fresh);
 *   context.hits = 100;
 *   const thread = new Thread({ target: count, args: [context] });
 *   thread.start();
 *   await thread.join();
 *   console.log(`here: ${context.hits}`); // prints here: 100
 * }
 * ```
 */
export const local = construct as unknown as {
  /** Makes one whose fields each thread fills, at first use, with what `initialize` returns there. */
  new <T extends object>(initialize: () => T): T;
  /** Makes an empty one. */
  new <T extends object = Record<string, any>>(): Partial<T>;
};
Object.defineProperty(local, "name", { value: "local", configurable: true });

registerHandle<LocalHandle>("local", ({ id, initialize }) => {
  let found = arrived.get(id);
  if (found === undefined) {
    found = makeLocal(initialize === null ? null : CrossingFunction.arrived(initialize), id);
    arrived.set(id, found);
  }
  return found;
});
