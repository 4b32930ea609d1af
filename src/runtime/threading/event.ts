/** A flag that threads wait for. */
import { type HeapHandle, registerHeapObject } from "../core/heap-object.js";
import { threads } from "../core/realm.js";
import type { NameOptions } from "../types.js";
import { EventBase, eventKind } from "./event-base.js";

const EVENT = eventKind(threads);

/**
 * A flag, down at first, that any number of threads and promises wait for.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { Event, Thread } from "heddle/threading";
 *
 * function serve(ready: Event) {
 *   console.log("the server is up"); // prints the server is up
 *   ready.set();
 * }
 *
 * if (isMain) {
 *   const ready = new Event();
 *   new Thread({ target: serve, args: [ready] }).start();
 *   await ready.wait(); // or ready.waitSync()
 *   console.log(await ready.wait({ timeout: 10 })); // prints true
 *   ready.clear();
 *   console.log(await ready.wait({ timeout: 10 })); // prints false
 * }
 * ```
 */
export class Event extends EventBase {
  constructor(options?: NameOptions, handle?: HeapHandle) {
    super(EVENT, options, handle);
  }
}

registerHeapObject(EVENT, Event, (handle) => new Event(undefined, handle));
