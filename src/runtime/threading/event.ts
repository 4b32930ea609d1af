/** A flag that threads wait for. See `core/shared-flag.ts` for how. */
import { callSite, emit, emitAt, now, recording, threadNumber } from "../../recorder/emit.js";
import { EventFlag, EventKind, ObjectKind, SignalKind, WaitReason } from "../../trace/events.js";
import { checkTimeout } from "../core/deadline.js";
import { type Crossing, type Handle, toHandle } from "../core/handles.js";
import { words } from "../core/heap.js";
import { type HeapHandle, type HeapKind, HeapObject, registerHeapObject } from "../core/heap-object.js";
import { FLAG_WORDS, SharedFlag } from "../core/shared-flag.js";
import { beginWait, endWait, neverWaited } from "../core/wait-record.js";
import type { EventLike, NameOptions, TimeoutOptions, WaitOptions } from "../types.js";

const EVENT: HeapKind = { name: "Event", kind: ObjectKind.Event, words: FLAG_WORDS };

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
export class Event implements EventLike {
  #self: HeapObject;
  #flag: SharedFlag;

  constructor(options?: NameOptions, handle?: HeapHandle) {
    this.#self = new HeapObject(EVENT, this, options?.name, handle);
    this.#flag = new SharedFlag(words, this.#self.index);
  }

  get name(): string {
    return this.#self.name;
  }

  /** True while the flag is up. */
  isSet(): boolean {
    return this.#flag.up;
  }

  /** Raises the flag and wakes all waiters, even if it is lowered at once. */
  set(): void {
    if (!recording) {
      this.#flag.raise(threadNumber);
      return;
    }
    // The time from before, so that in the trace nobody goes on before the flag was up.
    const t = now();
    const woken = this.#flag.raise(threadNumber);
    emitAt(t, EventKind.Signal, this.#self.object, woken > 0 ? callSite() : 0, SignalKind.Set, woken, 0);
  }

  /** Lowers the flag. */
  clear(): void {
    const lowered = this.#flag.lower();
    if (recording && lowered) emit(EventKind.Signal, this.#self.object, 0, SignalKind.Clear, 0, 0);
  }

  /**
   * Waits for the flag, at most `timeout` milliseconds. Resolves with false when they are over; rejects with the
   * signal's reason, or `RangeError` for a timeout that is NaN or too large.
   */
  async wait(options?: WaitOptions): Promise<boolean> {
    const timeout = checkTimeout(options?.timeout);
    const signal = options?.signal;
    signal?.throwIfAborted();
    const reading = this.#flag.read();
    if (SharedFlag.isUp(reading) || timeout <= 0) return this.#atOnce(reading);
    const wait = beginWait(this.#self.object, WaitReason.Event, EventFlag.Async);
    let raised = false;
    try {
      raised = await this.#flag.wait(reading, timeout, signal);
      return raised;
    } finally {
      endWait(this.#self.object, wait, raised ? this.#flag.raisedBy : 0, raised, EventFlag.Async);
    }
  }

  /** Blocking {@link wait}. */
  waitSync(options?: TimeoutOptions): boolean {
    const timeout = checkTimeout(options?.timeout);
    const reading = this.#flag.read();
    if (SharedFlag.isUp(reading) || timeout <= 0) return this.#atOnce(reading);
    const wait = beginWait(this.#self.object, WaitReason.Event, 0);
    const raised = this.#flag.waitSync(reading, timeout);
    endWait(this.#self.object, wait, raised ? this.#flag.raisedBy : 0, raised, 0);
    return raised;
  }

  #atOnce(reading: number): boolean {
    const up = SharedFlag.isUp(reading);
    neverWaited(this.#self.object, up);
    return up;
  }

  /** How it crosses to another thread. */
  [toHandle](crossing: Crossing): Handle {
    return this.#self.toHandle(this, crossing);
  }
}

registerHeapObject(EVENT, (handle) => new Event(undefined, handle));
