/** Elements of shared memory with a lock in front: `multiprocessing.Array`. */
import { inspect } from "node:util";
import { checkOptions } from "../../core/check-options.js";
import { type Handle, registerHandle, toHandle } from "../../core/handles.js";
import { isIterable } from "../../core/iterable.js";
import { ObjectName } from "../../core/object-name.js";
import type { NameOptions } from "../../types.js";
import { type Indexed, indexedBy } from "../indexed.js";
import { inside as insideRaw, RawArray } from "../raw-array.js";
import type { Lock } from "../synchronize/lock.js";
import type { RLock } from "../synchronize/rlock.js";
import type { Elements, TypeCode, TypeCodes } from "../type-codes.js";
import { LockInFront, lockOf, OPTIONS, type Synchronized, type SynchronizedOptions } from "./lock-in-front.js";

const TAG = "SharedArray";

interface ArrayHandle {
  readonly raw: RawArray;
  readonly lock: Lock | RLock;
  readonly name: string;
}

/** Elements of shared memory; each access takes the lock, blocking the thread for that moment. */
export interface SharedArray<C extends TypeCode = TypeCode, L extends Lock | RLock = RLock>
  extends RawArray<C>,
    Synchronized<RawArray<C>, L> {}

/** What is behind each array. The methods see the proxy, which private fields do not pass. */
interface Inside extends Indexed {
  readonly raw: RawArray;
  readonly lock: Lock | RLock;
  readonly name: ObjectName;
}

const insides = new WeakMap<object, Inside>();

function inside(array: object): Inside {
  const found = insides.get(array);
  if (found === undefined) throw new TypeError("this is no SharedArray");
  return found;
}

/** Does something with the elements under the lock. */
function locked<R>(array: object, what: (raw: RawArray) => R): R {
  const { raw, lock } = inside(array);
  lock.acquireSync();
  try {
    return what(raw);
  } finally {
    lock.release();
  }
}

const handler = indexedBy<object>(inside);

class SharedArrayObject extends LockInFront<RawArray> {
  constructor(
    typeCode: TypeCode,
    sizeOrValues: unknown,
    options?: SynchronizedOptions<Lock | RLock>,
    handle?: ArrayHandle,
  ) {
    super();
    checkOptions(options, OPTIONS);
    const name = new ObjectName(handle?.name ?? options?.name, TAG);
    const raw = handle?.raw ?? (new RawArray(typeCode, sizeOrValues as never) as RawArray);
    const lock = handle?.lock ?? lockOf(options, name);
    // biome-ignore lint/correctness/noConstructorReturn: without a lock it is a RawArray, as in Python
    if (lock === null) return raw as unknown as this;
    const elements = insideRaw(raw);
    const it: Inside = {
      raw,
      lock,
      name,
      length: elements.length,
      at(index) {
        lock.acquireSync();
        try {
          return elements.at(index);
        } finally {
          lock.release();
        }
      },
      put(index, value) {
        // Refused before anybody has to wait.
        elements.type.store(value);
        lock.acquireSync();
        try {
          elements.put(index, value);
        } finally {
          lock.release();
        }
      },
    };
    const proxy = new Proxy<this>(this, handler);
    insides.set(this, it);
    insides.set(proxy, it);
    // biome-ignore lint/correctness/noConstructorReturn: access by index needs a proxy, which is the object then
    return proxy;
  }

  get name(): string {
    return inside(this).name.toString();
  }

  get length(): number {
    return inside(this).length;
  }

  get view(): Elements {
    return inside(this).raw.view;
  }

  at(index: number): unknown {
    return inside(this).at(index);
  }

  slice(start?: number, end?: number, step?: number): unknown[] {
    return locked(this, (raw) => raw.slice(start, end, step));
  }

  set(values: Iterable<never>, offset = 0): void {
    // What is iterated over may be anybody's code, which must not run under the lock.
    const items = isIterable(values) && !ArrayBuffer.isView(values) ? [...values] : values;
    locked(this, (raw) => raw.set(items, offset));
  }

  get value(): string {
    return locked(this, (raw) => raw.value as string);
  }

  set value(text: string) {
    locked(this, (raw) => {
      raw.value = text as never;
    });
  }

  get raw(): Uint8Array {
    return locked(this, (raw) => raw.raw as Uint8Array);
  }

  set raw(bytes: Uint8Array) {
    locked(this, (raw) => {
      raw.raw = bytes as never;
    });
  }

  /** Each step takes the lock; others may write between two. */
  *[Symbol.iterator](): Generator<unknown> {
    const { at, length } = inside(this);
    for (let i = 0; i < length; i++) yield at(i);
  }

  getLock(): Lock | RLock {
    return inside(this).lock;
  }

  getObj(): RawArray {
    return inside(this).raw;
  }

  [inspect.custom](): string {
    return inspect(inside(this).raw).replace("RawArray", TAG);
  }

  [toHandle](): Handle {
    const { raw, lock, name } = inside(this);
    const value: ArrayHandle = { raw, lock, name: name.toString() };
    return { tag: TAG, value };
  }
}
Object.defineProperty(SharedArrayObject, "name", { value: TAG });

registerHandle<ArrayHandle>(TAG, (handle) => new SharedArrayObject(undefined as never, undefined, undefined, handle));

/**
 * Any number of elements of shared memory with a lock in front. Each access takes the lock, blocking the thread for that
 * moment; `view` is the memory itself, without the lock, for speed.
 *
 * It crosses to threads and processes with its lock, without being copied: all have the same elements.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { Process, SharedArray } from "heddle/multiprocessing";
 *
 * function square(numbers: SharedArray<"d">) {
 *   using _held = numbers.holdSync(); // nobody sees some of them squared and others not
 *   for (let i = 0; i < numbers.length; i++) numbers[i] = numbers[i]! ** 2;
 * }
 *
 * if (isMain) {
 *   const numbers = new SharedArray("d", [1.5, 2, 3], { name: "numbers" });
 *   const process = new Process({ target: square, args: [numbers] });
 *   process.start();
 *   await process.join();
 *   console.log(numbers.slice()); // prints [ 2.25, 4, 9 ]
 * }
 * ```
 */
export const SharedArray: {
  /** Makes one without a lock: a {@link RawArray}. */
  new <C extends TypeCode>(
    typeCode: C,
    sizeOrValues: number | Iterable<TypeCodes[C]>,
    options: NameOptions & { lock: false },
  ): RawArray<C>;
  /** Makes one of a size, zeroed, or with the given elements. */
  new <C extends TypeCode, L extends Lock | RLock = RLock>(
    typeCode: C,
    sizeOrValues: number | Iterable<TypeCodes[C]>,
    options?: SynchronizedOptions<L>,
  ): SharedArray<C, L>;
} = SharedArrayObject as never;
