/**
 * Shared words: what every primitive is written above, once. A word is an `int32` that several threads (or processes)
 * read, change atomically and wait on. Reading and changing is the same everywhere, `Atomics` on a view. For waiting
 * there are two backends: that of threads below, and one of processes, a kernel wait (`platform/futex-words.ts`).
 *
 * V8 keeps one line of waiters per word, in order of arrival, for blocked threads and for promises alike. A promise
 * cannot be taken out of it, only time out. So a wait that was aborted leaves a stale waiter in the line, and when that
 * one is woken it passes the wake on to the next.
 */

import { recording, StuckState, setStuck } from "../../recorder/emit.js";
import { writeOutAll } from "./brief-holds.js";
import { SLICE } from "./deadline.js";
import { beginTimedWait, endTimedWait, loopHeld, loopReleased, unrefOwn } from "./stuck-loop.js";

/** How a wait ended: woken, out of time, or the word did not have the expected value in the first place. */
export type WaitOutcome = "ok" | "timed-out" | "not-equal";

/** How long to wait for a word without blocking the thread. */
export interface WaitAsyncOptions {
  /** Milliseconds; for ever when omitted. */
  timeout?: number | undefined;
  /** Ends the wait: the promise rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** The caller waits again when the time is over, until another thread ends it. */
  endless?: boolean | undefined;
}

/** Words in shared memory, by index. */
export interface SharedWords {
  /** The words themselves. */
  readonly view: Int32Array;
  load(index: number): number;
  store(index: number, value: number): void;
  /** Writes without order: for what nobody waits on or decides by. */
  note(index: number, value: number): void;
  /** Reads without order: for what this thread wrote, and for guesses. Several times cheaper than {@link load}. */
  peek(index: number): number;
  /** A time in the two words from `index` on, an even number; without order, too. */
  noteTime(index: number, t: number): void;
  timeAt(index: number): number;
  /** Returns the value before. */
  exchange(index: number, value: number): number;
  /** Returns the value before; it was replaced if that equals `expected`. */
  compareExchange(index: number, expected: number, value: number): number;
  /** Returns the value before. */
  add(index: number, value: number): number;
  /**
   * Blocks the thread while the word is `expected`, at most `timeoutMs` milliseconds (for ever when omitted).
   * `endless`: it will wait again if that is over, until another thread ends it.
   */
  wait(index: number, expected: number, timeoutMs?: number, endless?: boolean): WaitOutcome;
  /** As {@link wait}, by a promise, which keeps the event loop alive. */
  waitAsync(index: number, expected: number, options?: WaitAsyncOptions): Promise<WaitOutcome>;
  /** Wakes up to `count` waiters, all when omitted. Returns how many. */
  notify(index: number, count?: number): number;
}

/** Pending promises of this thread that must keep its event loop alive, and the handle that does. */
let pending = 0;
let keepAlive: NodeJS.Timeout | null = null;

/** Keeps this thread's event loop alive until {@link releaseLoop} was called as often. */
export function holdLoop(): void {
  if (pending++ > 0) return;
  loopHeld();
  if (keepAlive === null) keepAlive = setInterval(() => {}, 0x7fffffff);
  else keepAlive.ref();
}

/** Takes one {@link holdLoop} back. `again`: only to look around and wait on, as nothing has happened. */
export function releaseLoop(again = false): void {
  loopReleased(--pending, again);
  if (pending === 0 && keepAlive !== null) unrefOwn(keepAlive);
}

/** The words of a buffer, without waiting. */
export abstract class BufferWords {
  readonly view: Int32Array;
  private readonly times: Float64Array;

  constructor(buffer: ArrayBufferLike, start = 0, size = buffer.byteLength - start) {
    this.view = new Int32Array(buffer, start, size >> 2);
    this.times = new Float64Array(buffer, start, size >> 3);
  }

  load(index: number): number {
    return Atomics.load(this.view, index);
  }

  store(index: number, value: number): void {
    Atomics.store(this.view, index, value);
  }

  note(index: number, value: number): void {
    this.view[index] = value;
  }

  peek(index: number): number {
    return this.view[index] as number;
  }

  noteTime(index: number, t: number): void {
    this.times[index >> 1] = t;
  }

  timeAt(index: number): number {
    return this.times[index >> 1] as number;
  }

  exchange(index: number, value: number): number {
    return Atomics.exchange(this.view, index, value);
  }

  compareExchange(index: number, expected: number, value: number): number {
    return Atomics.compareExchange(this.view, index, expected, value);
  }

  add(index: number, value: number): number {
    return Atomics.add(this.view, index, value);
  }
}

/** The words of a SharedArrayBuffer, between threads. */
export class AtomicWords extends BufferWords implements SharedWords {
  declare readonly view: Int32Array<SharedArrayBuffer>;

  constructor(buffer: SharedArrayBuffer) {
    super(buffer);
  }

  wait(
    index: number,
    expected: number,
    timeoutMs: number = Number.POSITIVE_INFINITY,
    endless: boolean = timeoutMs > SLICE,
  ): WaitOutcome {
    if (recording) writeOutAll();
    if (!recording || !endless) return Atomics.wait(this.view, index, expected, timeoutMs);
    setStuck(StuckState.Blocked);
    const outcome = Atomics.wait(this.view, index, expected, timeoutMs);
    setStuck(StuckState.No);
    return outcome;
  }

  waitAsync(index: number, expected: number, options: WaitAsyncOptions = {}): Promise<WaitOutcome> {
    const { signal, timeout = Number.POSITIVE_INFINITY } = options;
    if (signal?.aborted) return Promise.reject(signal.reason);
    const wait = Atomics.waitAsync(this.view, index, expected, timeout);
    if (!wait.async) return Promise.resolve(wait.value);
    const timed = !(options.endless ?? timeout > SLICE) || signal !== undefined;
    holdLoop();
    if (timed) beginTimedWait();
    if (signal === undefined) {
      return wait.value.then((outcome) => {
        releaseLoop(!timed && outcome === "timed-out");
        if (timed) endTimedWait();
        return outcome;
      });
    }
    return new Promise((resolve, reject) => {
      let over = false;
      const onAbort = () => {
        over = true;
        releaseLoop();
        endTimedWait();
        reject(signal.reason);
      };
      signal.addEventListener("abort", onAbort, { once: true });
      wait.value.then((outcome) => {
        if (over) {
          if (outcome === "ok") this.notify(index, 1);
          return;
        }
        over = true;
        signal.removeEventListener("abort", onAbort);
        releaseLoop();
        endTimedWait();
        resolve(outcome);
      });
    });
  }

  notify(index: number, count: number = Number.POSITIVE_INFINITY): number {
    return Atomics.notify(this.view, index, count);
  }
}
