/**
 * What every object in a heap has that lives in a few words of it, such as a lock: its words, its number in the trace,
 * its name, and how it crosses to other threads and processes. Words of an object that never left its thread are given
 * back when it is collected; of one that did, nobody knows who else has it, so they stay.
 *
 * Whoever works on the words must keep the object from being collected: this part of it does. A promise that waits there
 * has its loop, that has the mutex or the permits, and these have this; without it, who waits for an object that nobody
 * else has any more would go on in words that are another object's.
 */
import { callSite, newObjectNumber, recording, recordObject, sharedObjectNumber } from "../../recorder/emit.js";
import type { ObjectKind } from "../../trace/events.js";
import { type Crossing, type Handle, type Pins, registerHandle } from "./handles.js";
import { ObjectName } from "./object-name.js";
import type { HeapReference, Realm } from "./realm.js";
import type { Heap } from "./shared-heap.js";

/** What another thread needs to have the same object. */
interface Parts {
  /** Its first word. */ readonly index: number;
  /** The process that made it, and its number in the trace there. */
  readonly pid: number;
  readonly object: number;
  readonly name: string;
}

/** The value of a handle as it crosses. */
interface CrossingHandle extends Parts {
  readonly heap: HeapReference;
}

/** The same where it has arrived. */
export interface HeapHandle extends Parts {
  readonly heap: Heap;
}

/** What an object is called in a trace, in names and in handles. */
export interface HeapKind {
  readonly realm: Realm;
  readonly name: string;
  readonly kind: ObjectKind;
  /** How many words it takes. */ readonly words: number;
}

const registry = new FinalizationRegistry<{ heap: Heap; index: number; words: number }>(({ heap, index, words }) =>
  heap.free(index, words),
);

const tagOf = (of: HeapKind): string => of.realm.tagPrefix + of.name;

export class HeapObject {
  readonly heap: Heap;
  readonly index: number;
  /** Its number in this process. */
  readonly object: number;
  readonly #name: ObjectName;
  readonly #maker: { readonly pid: number; readonly object: number };
  #crossed: boolean;

  /** `capacity`: what the trace knows as such, 0 for nothing. `handle`: of an object that exists. */
  constructor(
    readonly of: HeapKind,
    /** The object that this is a part of. */ readonly owner: object,
    name: string | undefined,
    handle: HeapHandle | undefined,
    capacity = 0,
  ) {
    this.#name = new ObjectName(handle?.name ?? name, of.name);
    this.heap = handle?.heap ?? of.realm.heap();
    this.index = handle?.index ?? this.heap.allocate(of.words);
    this.#crossed = handle !== undefined;
    if (handle !== undefined) {
      this.object = sharedObjectNumber(of.kind, handle.pid, handle.object, handle.name);
      this.#maker = handle;
      return;
    }
    this.object = newObjectNumber();
    this.#maker = { pid: process.pid, object: this.object };
    registry.register(owner, { heap: this.heap, index: this.index, words: of.words }, this);
    if (recording) recordObject(this.object, of.kind, name ?? "", callSite(), capacity, of.realm.scope);
  }

  get name(): string {
    return this.#name.toString();
  }

  /** The handle of `owner`, of which this is a part. */
  toHandle(owner: object, crossing: Crossing, pins: Pins): Handle {
    const { of, heap, index } = this;
    const tag = tagOf(of);
    const reference = of.realm.reference(heap, of.name, crossing, pins);
    if (!this.#crossed) {
      this.#crossed = true;
      registry.unregister(this);
      heap.objects(tag).set(index, owner);
    }
    const { pid, object } = this.#maker;
    const value: CrossingHandle = { heap: reference, index, pid, object, name: this.name };
    return { tag, value };
  }
}

/**
 * Registers the class of a kind, and how its objects are made of their handles. The class gets the kind's name: threads
 * and processes have classes of the same names, of which a bundler renames some.
 */
export function registerHeapObject(of: HeapKind, type: object, make: (handle: HeapHandle) => object): void {
  Object.defineProperty(type, "name", { value: of.name, configurable: true });
  const tag = tagOf(of);
  registerHandle<CrossingHandle>(tag, (handle) => {
    const heap = of.realm.heapOf(handle.heap);
    const cache = heap.objects(tag);
    let object = cache.get(handle.index);
    if (object === undefined) {
      object = make({ ...handle, heap });
      cache.set(handle.index, object);
    }
    return object;
  });
}
