/** One element of shared memory, without a lock: `multiprocessing.sharedctypes.RawValue`. */
import { inspect } from "node:util";
import { type Crossing, type Handle, type Pins, registerHandle, toHandle } from "../core/handles.js";
import { AnonymousMemory, type MemoryHandle } from "../platform/arena.js";
import { type Elements, type ElementType, elementType, type TypeCode, type TypeCodes } from "./type-codes.js";

const TAG = "RawValue";

interface ValueHandle {
  readonly code: TypeCode;
  readonly memory: MemoryHandle;
}

/** One element of shared memory, without a lock. */
export interface RawValue<C extends TypeCode = TypeCode> {
  /** The element. A read or write is never torn, but `value += 1` is one of each. */
  value: TypeCodes[C];
}

class RawValueObject {
  readonly #type: ElementType;
  readonly #memory: AnonymousMemory;
  readonly #element: Elements;

  constructor(typeCode: TypeCode, value?: unknown, memory?: AnonymousMemory) {
    const type = elementType(typeCode);
    const stored = value === undefined ? undefined : type.store(value);
    this.#type = type;
    this.#memory = memory ?? AnonymousMemory.create(type.array.BYTES_PER_ELEMENT);
    this.#element = new type.array(this.#memory.buffer, 0, 1);
    if (stored !== undefined) this.#element[0] = stored;
  }

  get value(): unknown {
    return this.#type.load(this.#element[0] as number | bigint);
  }

  set value(value: unknown) {
    this.#element[0] = this.#type.store(value);
  }

  [inspect.custom](): string {
    return `RawValue('${this.#type.code}', ${inspect(this.value)})`;
  }

  [toHandle](_crossing: Crossing, pins: Pins): Handle {
    const value: ValueHandle = { code: this.#type.code, memory: this.#memory.handle(pins) };
    return { tag: TAG, value };
  }
}
Object.defineProperty(RawValueObject, "name", { value: TAG });

registerHandle<ValueHandle>(TAG, ({ code, memory }) => new RawValueObject(code, undefined, AnonymousMemory.of(memory)));

/**
 * One element of shared memory, without a lock. It crosses to threads and processes without being copied: all have the
 * same element.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { Process, RawValue } from "heddle/multiprocessing";
 *
 * function measure(result: RawValue<"d">) {
 *   result.value = 36.6;
 * }
 *
 * if (isMain) {
 *   const result = new RawValue("d");
 *   const process = new Process({ target: measure, args: [result] });
 *   process.start();
 *   await process.join();
 *   console.log(result.value); // prints 36.6
 * }
 * ```
 */
export const RawValue: {
  /** Makes one; zero by default. */
  new <C extends TypeCode>(typeCode: C, value?: TypeCodes[C]): RawValue<C>;
} = RawValueObject as never;
