/**
 * Among whom an object is shared: the threads of a process, or processes too. The primitives are written once; what is
 * different for them stands here, and so does how an object in a heap crosses.
 */
import { ObjectScope } from "../../trace/events.js";
import type { AcquireSyncOptions } from "../types.js";
import { acquireTimeout } from "./acquirable.js";
import { DataCloneError, RuntimeError } from "./errors.js";
import type { Crossing, Pins } from "./handles.js";
import type { Heap } from "./shared-heap.js";
import { threadHeap } from "./thread-heap.js";

/** What leads to a heap, as a value that crosses; null for the only one there is. */
export type HeapReference = unknown;

export interface Realm {
  /** Of whom they are, for messages. */
  readonly of: "threads" | "processes";
  /** The same for the trace. */
  readonly scope: ObjectScope;
  /** What the tags of its handles begin with. */
  readonly tagPrefix: string;
  /** Where new objects are made. */
  heap(): Heap;
  /** What leads another thread or process to the heap of an object. Throws `DataCloneError` if it cannot go there. */
  reference(heap: Heap, kind: string, crossing: Crossing, pins: Pins): HeapReference;
  /** The heap of such a reference. */
  heapOf(reference: HeapReference): Heap;
  /** The milliseconds that options of `acquire` mean. */
  acquireTimeout(options: AcquireSyncOptions | undefined): number;
  /** What a plain lock throws that is given back by somebody when nobody holds it. */
  notHeld(what: string): Error;
}

/** The objects of threads. */
export const threads: Realm = {
  of: "threads",
  scope: ObjectScope.Thread,
  tagPrefix: "",
  heap: () => threadHeap,
  reference(_heap, kind, crossing) {
    if (crossing === "thread") return null;
    throw new DataCloneError(
      `${/^(Event|RLock)$/.test(kind) ? "an" : "a"} ${kind} of threads cannot cross to another process; use multiprocessing.${kind} instead`,
    );
  },
  heapOf: () => threadHeap,
  acquireTimeout,
  notHeld: (what) => new RuntimeError(`release of a ${what} that is not held`),
};
