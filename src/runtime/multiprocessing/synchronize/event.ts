/** A flag that processes wait for. */
import { type HeapHandle, registerHeapObject } from "../../core/heap-object.js";
import { EventBase, eventKind } from "../../threading/event-base.js";
import type { NameOptions } from "../../types.js";
import { processes } from "./processes.js";

const EVENT = eventKind(processes);

/**
 * A flag that processes share, down at first, that any number of threads and promises of any of them wait for.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { Event, Process } from "heddle/multiprocessing";
 *
 * function serve(ready: Event) {
 *   console.log("the server is up"); // prints the server is up
 *   ready.set();
 * }
 *
 * if (isMain) {
 *   const ready = new Event();
 *   const server = new Process({ target: serve, args: [ready] });
 *   server.start();
 *   await ready.wait(); // or ready.waitSync()
 *   console.log(ready.isSet()); // prints true
 *   await server.join();
 * }
 * ```
 */
export class Event extends EventBase {
  constructor(options?: NameOptions, handle?: HeapHandle) {
    super(EVENT, options, handle);
  }
}

registerHeapObject(EVENT, Event, (handle) => new Event(undefined, handle));
