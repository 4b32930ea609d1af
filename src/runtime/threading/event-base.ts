/** What an event is, of threads or of processes: `core/shared-flag.ts` with a name and a handle. */
import { inspect } from "node:util";
import { callSite, emit, emitAt, now, recording } from "../../recorder/emit.js";
import { EventFlag, EventKind, ObjectKind, SignalKind, WaitReason } from "../../trace/events.js";
import { checkBlockingOptions, checkOptions, NAME_OPTIONS, WAIT_OPTIONS } from "../core/check-options.js";
import { checkTimeout } from "../core/deadline.js";
import { type Crossing, type Handle, type Pins, toHandle } from "../core/handles.js";
import { type HeapHandle, type HeapKind, HeapObject } from "../core/heap-object.js";
import type { Holders } from "../core/holder.js";
import type { Realm } from "../core/realm.js";
import { FLAG_WORDS, SharedFlag } from "../core/shared-flag.js";
import { beginWait, endWait, neverWaited } from "../core/wait-record.js";
import type { EventLike, NameOptions, TimeoutOptions, WaitOptions } from "../types.js";

/** Events among those of a realm. */
export const eventKind = (realm: Realm): HeapKind => ({
  realm,
  name: "Event",
  kind: ObjectKind.Event,
  words: FLAG_WORDS,
});

export abstract class EventBase implements EventLike {
  #self: HeapObject;
  #flag: SharedFlag;
  #holders: Holders;

  constructor(of: HeapKind, options: NameOptions | undefined, handle: HeapHandle | undefined) {
    checkOptions(options, NAME_OPTIONS);
    this.#self = new HeapObject(of, this, options?.name, handle);
    this.#holders = this.#self.heap.holders;
    this.#flag = new SharedFlag(this.#self.heap.words, this.#self.index);
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
      this.#flag.raise(this.#holders.ownNumber);
      return;
    }
    // The time from before, so that in the trace nobody goes on before the flag was up.
    const t = now();
    const woken = this.#flag.raise(this.#holders.ownNumber);
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
    checkOptions(options, WAIT_OPTIONS);
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
      this.#endWait(wait, raised, EventFlag.Async);
    }
  }

  /** Blocking {@link wait}. */
  waitSync(options?: TimeoutOptions): boolean {
    checkBlockingOptions(options);
    const timeout = checkTimeout(options?.timeout);
    const reading = this.#flag.read();
    if (SharedFlag.isUp(reading) || timeout <= 0) return this.#atOnce(reading);
    const wait = beginWait(this.#self.object, WaitReason.Event, 0);
    const raised = this.#flag.waitSync(reading, timeout);
    this.#endWait(wait, raised, 0);
    return raised;
  }

  #endWait(wait: number, raised: boolean, flags: number): void {
    const by = raised ? this.#flag.raisedBy : 0;
    endWait(this.#self.object, wait, by, raised, flags | this.#holders.flag);
  }

  #atOnce(reading: number): boolean {
    const up = SharedFlag.isUp(reading);
    neverWaited(this.#self.object, up);
    return up;
  }

  [inspect.custom](): string {
    return `<${this.constructor.name} name='${this.name}' ${this.isSet() ? "set" : "unset"}>`;
  }

  /** How it crosses. */
  [toHandle](crossing: Crossing, pins: Pins): Handle {
    return this.#self.toHandle(this, crossing, pins);
  }
}
