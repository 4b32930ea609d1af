/**
 * Handles: how an object of the library crosses to another thread or process. The class of such an object has a method
 * {@link toHandle} on its prototype that gives a tag and a plain value; under the same tag the receiver has registered
 * how to make an object of it again. The codec (`structured-clone.ts`) calls both.
 */

/** Where a message goes: to a thread of this process, or to another process. */
export type Crossing = "thread" | "process";

/**
 * What a message that is read exactly once keeps alive while it is under way. An object whose memory is counted adds to
 * it how that is taken back if the message is not sent after all; for null (the message may be read any number of times,
 * or never) it keeps its memory for good.
 */
export type Pins = (() => void)[] | null;

/** The name of the method that gives an object's handle. */
export const toHandle: unique symbol = Symbol.for("heddle.toHandle") as never;

/** What stands for an object while it crosses. */
export interface Handle {
  /** Which registered reader makes the object again. */
  readonly tag: string;
  /** A value that can be cloned: all the reader needs. */
  readonly value: unknown;
}

/** An object that crosses by handle. `toHandle` throws `DataCloneError` for a crossing it does not support. */
export interface Handled {
  [toHandle](crossing: Crossing, pins: Pins): Handle;
}

type Reader = (value: never) => object;
const readers = new Map<string, Reader>();

/** Registers how handles with a tag become objects. */
export function registerHandle<V>(tag: string, read: (value: V) => object): void {
  readers.set(tag, read as Reader);
}

/** Makes the object of a handle. Throws a `TypeError` for an unknown tag. */
export function fromHandle(handle: Handle): object {
  const read = readers.get(handle.tag);
  if (read === undefined) throw new TypeError(`no object of kind ${handle.tag} is known here`);
  return read(handle.value as never);
}

/** The objects of this thread by a number of theirs, so that a handle that comes back gives the same object. */
export class HandleCache<T extends object> {
  private readonly objects = new Map<number, WeakRef<T>>();
  private readonly registry = new FinalizationRegistry<number>((key) => {
    if (this.objects.get(key)?.deref() === undefined) this.objects.delete(key);
  });

  get(key: number): T | undefined {
    return this.objects.get(key)?.deref();
  }

  set(key: number, object: T): void {
    // Each registration stays as long as the object: one that crosses again and again has one.
    if (this.get(key) === object) return;
    this.objects.set(key, new WeakRef(object));
    this.registry.register(object, key);
  }
}
