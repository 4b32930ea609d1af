/**
 * What every object has that lives in a few words of the heap, such as a lock: its words, its number in the trace, its
 * name, and how it crosses to other threads. Words of an object that never left its thread are given back when it is
 * collected; of one that did, nobody knows who else has it, so they stay.
 */
import { callSite, newObjectNumber, recording, recordObject } from "../../recorder/emit.js";
import type { ObjectKind } from "../../trace/events.js";
import { DataCloneError } from "./errors.js";
import { type Crossing, type Handle, HandleCache, registerHandle } from "./handles.js";
import { allocate, free } from "./heap.js";
import { ObjectName } from "./object-name.js";

/** What another thread needs to have the same object. */
export interface HeapHandle {
  /** Its first word. */ readonly index: number;
  /** Its number in the trace. */ readonly object: number;
  readonly name: string;
}

/** What an object is called in a trace, in names and in handles. */
export interface HeapKind {
  readonly name: string;
  readonly kind: ObjectKind;
  /** How many words it takes. */ readonly words: number;
}

const caches = new Map<string, HandleCache<object>>();
const registry = new FinalizationRegistry<{ index: number; words: number }>(({ index, words }) => free(index, words));

export class HeapObject {
  readonly index: number;
  readonly object: number;
  readonly #name: ObjectName;
  #crossed: boolean;

  /** `capacity`: what the trace knows as such, 0 for nothing. `handle`: of an object that exists. */
  constructor(
    readonly of: HeapKind,
    owner: object,
    name: string | undefined,
    handle: HeapHandle | undefined,
    capacity = 0,
  ) {
    this.#name = new ObjectName(handle?.name ?? name, of.name);
    this.index = handle?.index ?? allocate(of.words);
    this.object = handle?.object ?? newObjectNumber();
    this.#crossed = handle !== undefined;
    if (handle !== undefined) return;
    registry.register(owner, { index: this.index, words: of.words }, this);
    if (recording) recordObject(this.object, of.kind, name ?? "", callSite(), capacity);
  }

  get name(): string {
    return this.#name.toString();
  }

  /** The handle of `owner`, of which this is a part. */
  toHandle(owner: object, crossing: Crossing): Handle {
    if (crossing !== "thread") {
      const { name } = this.of;
      throw new DataCloneError(
        `a ${name} of threads cannot cross to another process; use multiprocessing.${name} instead`,
      );
    }
    if (!this.#crossed) {
      this.#crossed = true;
      registry.unregister(this);
      caches.get(this.of.name)?.set(this.index, owner);
    }
    const value: HeapHandle = { index: this.index, object: this.object, name: this.name };
    return { tag: this.of.name, value };
  }
}

/** Registers how the objects of a kind are made of their handles. */
export function registerHeapObject(of: HeapKind, make: (handle: HeapHandle) => object): void {
  const cache = new HandleCache<object>();
  caches.set(of.name, cache);
  registerHandle<HeapHandle>(of.name, (handle) => {
    let object = cache.get(handle.index);
    if (object === undefined) {
      object = make(handle);
      cache.set(handle.index, object);
    }
    return object;
  });
}
