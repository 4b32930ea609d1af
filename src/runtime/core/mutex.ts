/**
 * A lock without an owner on shared words: Drepper's futex mutex. Word 0 is 0 (free), 1 (held) or 2 (held, and somebody
 * may be waiting); word 1 is the number of the thread that took it last, for who wants to explain a hang.
 *
 * Without contention, taking and giving back are one atomic operation each, and one reading of the clock when recorded.
 * A waiter always takes the lock as 2, since others may wait behind it; a release of a 2 wakes one.
 *
 * Threads barge: a lock that was just released may be taken again by whoever is faster, as in Python. But a chain of
 * promises that releases and at once acquires again would never let another promise of its thread be faster, since
 * those wake by a task of the event loop. So after a release that woke somebody, the next `acquire` of this thread
 * takes a turn of the loop first.
 */
import { callSite, emit, newWaitNumber, recording, threadNumber } from "../../recorder/emit.js";
import { EventFlag, EventKind } from "../../trace/events.js";
import { deadlineIn, slice } from "./deadline.js";
import type { SharedWords } from "./words.js";

const yes = Promise.resolve(true);
const no = Promise.resolve(false);

/** How many words a mutex takes. */
export const MUTEX_WORDS = 2;

export class Mutex {
  private wokeSomebody = false;

  /** `object` is its number in the trace. */
  constructor(
    private readonly words: SharedWords,
    private readonly index: number,
    private readonly object: number,
  ) {}

  /** Takes it if it is free. */
  tryAcquire(): boolean {
    if (this.words.compareExchange(this.index, 0, 1) !== 0) {
      if (recording) emit(EventKind.LockTimeout, this.object, 0, 0, 0, 0);
      return false;
    }
    this.words.note(this.index + 1, threadNumber);
    if (recording) emit(EventKind.LockAcquire, this.object, 0, 0, 0, 0);
    return true;
  }

  /** Takes it, blocking the thread for up to `timeout` milliseconds. */
  acquireSync(timeout: number): boolean {
    if (this.words.compareExchange(this.index, 0, 1) === 0) {
      this.words.note(this.index + 1, threadNumber);
      if (recording) emit(EventKind.LockAcquire, this.object, 0, 0, 0, 0);
      return true;
    }
    const { words, index } = this;
    const deadline = deadlineIn(timeout);
    const site = recording ? callSite() : 0;
    const wait = this.beginWait(site, 0);
    while (words.exchange(index, 2) !== 0) {
      const left = slice(deadline);
      if (left <= 0) return this.gaveUp(wait, 0);
      words.wait(index, 2, left);
    }
    return this.taken(wait, site, 0);
  }

  /** Takes it; resolves with false when `timeout` milliseconds are over, rejects with the signal's reason. */
  acquire(timeout: number, signal: AbortSignal | undefined): Promise<boolean> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (!this.wokeSomebody && this.words.compareExchange(this.index, 0, 1) === 0) {
      this.words.note(this.index + 1, threadNumber);
      if (recording) emit(EventKind.LockAcquire, this.object, 0, 0, 0, 0);
      return yes;
    }
    if (timeout <= 0 && !this.wokeSomebody) {
      if (recording) emit(EventKind.LockTimeout, this.object, 0, 0, 0, 0);
      return no;
    }
    return this.slowAcquire(timeout, signal, recording ? callSite() : 0);
  }

  private async slowAcquire(timeout: number, signal: AbortSignal | undefined, site: number): Promise<boolean> {
    const { words, index } = this;
    const deadline = deadlineIn(timeout);
    const wait = this.beginWait(site, EventFlag.Async);
    if (this.wokeSomebody) {
      this.wokeSomebody = false;
      await new Promise((resolve) => setImmediate(resolve));
      if (signal?.aborted) {
        this.gaveUp(wait, EventFlag.Async);
        throw signal.reason;
      }
    }
    while (words.exchange(index, 2) !== 0) {
      const left = slice(deadline);
      if (left <= 0) return this.gaveUp(wait, EventFlag.Async);
      try {
        await words.waitAsync(index, 2, { timeout: left, signal });
      } catch (reason) {
        this.gaveUp(wait, EventFlag.Async);
        throw reason;
      }
    }
    return this.taken(wait, site, EventFlag.Async);
  }

  private beginWait(site: number, flags: number): number {
    if (!recording) return 0;
    const wait = newWaitNumber();
    emit(EventKind.LockWait, this.object, site, wait, 0, flags);
    return wait;
  }

  private gaveUp(wait: number, flags: number): false {
    if (recording) emit(EventKind.LockTimeout, this.object, 0, wait, 0, flags);
    return false;
  }

  private taken(wait: number, site: number, flags: number): true {
    this.words.note(this.index + 1, threadNumber);
    if (recording) emit(EventKind.LockAcquire, this.object, site, wait, 0, flags);
    return true;
  }

  /** Gives it back. Returns false if nobody held it. */
  release(): boolean {
    const { words, index } = this;
    if (words.load(index) === 0) return false;
    // Written before, so that in the trace nobody has it before it was free.
    if (recording) emit(EventKind.LockRelease, this.object, 0, 0, 0, 0);
    words.note(index + 1, 0);
    const before = words.exchange(index, 0);
    if (before === 2 && words.notify(index, 1) > 0) this.wokeSomebody = true;
    return before !== 0;
  }

  /** True while anybody holds it. */
  get held(): boolean {
    return this.words.load(this.index) !== 0;
  }

  /** The number of the thread that took it, or 0. */
  get holder(): number {
    return this.words.load(this.index + 1);
  }
}
