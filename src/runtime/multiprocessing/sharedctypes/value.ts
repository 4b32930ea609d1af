/** One element of shared memory with a lock in front: `multiprocessing.Value`. */
import { inspect } from "node:util";
import { checkOptions } from "../../core/check-options.js";
import { type Handle, registerHandle, toHandle } from "../../core/handles.js";
import { ObjectName } from "../../core/object-name.js";
import type { NameOptions } from "../../types.js";
import { RawValue } from "../raw-value.js";
import type { Lock } from "../synchronize/lock.js";
import type { RLock } from "../synchronize/rlock.js";
import { elementType, type TypeCode, type TypeCodes } from "../type-codes.js";
import { LockInFront, lockOf, OPTIONS, type Synchronized, type SynchronizedOptions } from "./lock-in-front.js";

const TAG = "Value";

interface ValueHandle {
  readonly raw: RawValue;
  readonly lock: Lock | RLock;
  readonly code: TypeCode;
  readonly name: string;
}

/** One element of shared memory; each read and each write takes its lock, blocking the thread for that moment. */
export interface Value<C extends TypeCode = TypeCode, L extends Lock | RLock = RLock>
  extends RawValue<C>,
    Synchronized<RawValue<C>, L> {}

class ValueObject extends LockInFront<RawValue> {
  readonly #raw: RawValue;
  readonly #lock: Lock | RLock;
  readonly #code: TypeCode;
  readonly #name: ObjectName;

  constructor(typeCode: TypeCode, value?: unknown, options?: SynchronizedOptions<Lock | RLock>, handle?: ValueHandle) {
    super();
    checkOptions(options, OPTIONS);
    this.#name = new ObjectName(handle?.name ?? options?.name, TAG);
    this.#code = typeCode;
    if (handle !== undefined) {
      this.#raw = handle.raw;
      this.#lock = handle.lock;
      return;
    }
    const raw = new RawValue(typeCode, value as never) as RawValue;
    const lock = lockOf(options, this.#name);
    this.#raw = raw;
    this.#lock = lock as RLock;
    // biome-ignore lint/correctness/noConstructorReturn: without a lock it is a RawValue, as in Python
    if (lock === null) return raw as unknown as this;
  }

  get name(): string {
    return this.#name.toString();
  }

  get value(): unknown {
    const lock = this.#lock;
    lock.acquireSync();
    try {
      return this.#raw.value;
    } finally {
      lock.release();
    }
  }

  set value(value: unknown) {
    // Refused before anybody has to wait.
    elementType(this.#code).store(value);
    const lock = this.#lock;
    lock.acquireSync();
    try {
      this.#raw.value = value as never;
    } finally {
      lock.release();
    }
  }

  getLock(): Lock | RLock {
    return this.#lock;
  }

  getObj(): RawValue {
    return this.#raw;
  }

  [inspect.custom](): string {
    return `Value('${this.#code}', ${inspect(this.#raw.value)})`;
  }

  [toHandle](): Handle {
    const value: ValueHandle = { raw: this.#raw, lock: this.#lock, code: this.#code, name: this.name };
    return { tag: TAG, value };
  }
}
Object.defineProperty(ValueObject, "name", { value: TAG });

registerHandle<ValueHandle>(TAG, (handle) => new ValueObject(handle.code, undefined, undefined, handle));

/**
 * One element of shared memory with a lock in front. Each read and each write takes the lock, so none sees half of
 * another; `value += 1` is one of each, so hold the lock around it.
 *
 * It crosses to threads and processes with its lock: all have the same element.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { Process, Value } from "heddle/multiprocessing";
 *
 * function count(counter: Value<"i">) {
 *   for (let i = 0; i < 1000; i++) {
 *     using _held = counter.holdSync(); // without it, updates would be lost
 *     counter.value += 1;
 *   }
 * }
 *
 * if (isMain) {
 *   const counter = new Value("i", 0, { name: "counter" });
 *   const processes = [1, 2].map(() => new Process({ target: count, args: [counter] }));
 *   for (const process of processes) process.start();
 *   for (const process of processes) await process.join();
 *   console.log(counter.value); // prints 2000
 * }
 * ```
 */
export const Value: {
  /** Makes one without a lock: a {@link RawValue}. */
  new <C extends TypeCode>(
    typeCode: C,
    value: TypeCodes[C] | undefined,
    options: NameOptions & { lock: false },
  ): RawValue<C>;
  /** Makes one with a lock; zero by default. */
  new <C extends TypeCode, L extends Lock | RLock = RLock>(
    typeCode: C,
    value?: TypeCodes[C],
    options?: SynchronizedOptions<L>,
  ): Value<C, L>;
} = ValueObject as never;
