/**
 * A number of permits on one shared word: twice the number, and 1 more when somebody may be waiting.
 *
 * A release wakes as many as it gives permits. The mark stays until a release finds that nobody waits. It then may go:
 * one who is about to wait does so only while the word is the bare mark, which it is not before that permit is taken.
 * A waiter that is killed just when it was woken takes the wake with it, and then the others find the permit when they
 * next look around, within half a second.
 *
 * Who is faster takes a permit before those who wait, as in Python; for promises of one thread see `mutex.ts`.
 */
import { callSite, emit, newWaitNumber, recording } from "../../recorder/emit.js";
import { EventFlag, EventKind } from "../../trace/events.js";
import { deadlineIn } from "./deadline.js";
import { lookAfter } from "./holder.js";
import type { Place } from "./shared-heap.js";
import type { SharedWords } from "./words.js";

const yes = Promise.resolve(true);
const no = Promise.resolve(false);

/** How many words it takes. */
export const PERMITS_WORDS = 2;
/** The most permits there can be. */
export const MAX_PERMITS = 2 ** 30 - 1;

/** The word with the bound: 0 for none, else the most permits and 1. */
const BOUND = 1;
const WAITERS = 1;
const ONE = 2;

export class Permits {
  private wokeSomebody = false;
  private readonly words: SharedWords;

  private readonly index: number;
  private readonly object: number;

  /** `place` is kept: who waits in its words must not outlive it. */
  constructor(readonly place: Place) {
    this.words = place.heap.words;
    this.index = place.index;
    this.object = place.object;
  }

  /** Sets what a new one begins with. `bound`: the most there may ever be, or null. */
  begin(value: number, bound: number | null): void {
    this.words.store(this.index, value * ONE);
    this.words.store(this.index + BOUND, bound === null ? 0 : bound + 1);
  }

  /** Takes one if there is one. */
  tryAcquire(): boolean {
    if (this.takeIfFree()) return true;
    if (recording) emit(EventKind.LockTimeout, this.object, 0, 0, 0, 0);
    return false;
  }

  /** Takes one, blocking the thread for up to `timeout` milliseconds. */
  acquireSync(timeout: number): boolean {
    return this.takeIfFree() || this.slowAcquireSync(timeout);
  }

  /** Takes one; resolves with false when `timeout` milliseconds are over, rejects with the signal's reason. */
  acquire(timeout: number, signal: AbortSignal | undefined): Promise<boolean> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (!this.wokeSomebody && this.takeIfFree()) return yes;
    if (timeout <= 0 && !this.wokeSomebody) {
      if (recording) emit(EventKind.LockTimeout, this.object, 0, 0, 0, 0);
      return no;
    }
    return this.slowAcquire(timeout, signal, recording ? callSite() : 0);
  }

  private takeIfFree(): boolean {
    const { words, index } = this;
    let state = words.peek(index);
    if (state < ONE) state = words.load(index);
    while (state >= ONE) {
      const before = words.compareExchange(index, state, state - ONE);
      if (before === state) {
        if (recording) emit(EventKind.LockAcquire, this.object, 0, 0, 0, 0);
        return true;
      }
      state = before;
    }
    return false;
  }

  private slowAcquireSync(timeout: number): boolean {
    const deadline = deadlineIn(timeout);
    const site = recording ? callSite() : 0;
    const endless = deadline === Number.POSITIVE_INFINITY;
    const wait = this.beginWait(site, 0);
    for (let looks = 0; ; looks++) {
      if (this.contend()) return this.taken(wait, site, 0);
      const left = endless ? deadline : deadline - performance.now();
      if (left <= 0) return this.gaveUp(wait, 0);
      this.words.wait(this.index, WAITERS, Math.min(left, lookAfter(looks)), endless);
    }
  }

  private async slowAcquire(timeout: number, signal: AbortSignal | undefined, site: number): Promise<boolean> {
    const deadline = deadlineIn(timeout);
    const endless = deadline === Number.POSITIVE_INFINITY;
    const wait = this.beginWait(site, EventFlag.Async);
    if (this.wokeSomebody) {
      this.wokeSomebody = false;
      await new Promise((resolve) => setImmediate(resolve));
      if (signal?.aborted) {
        this.gaveUp(wait, EventFlag.Async);
        throw signal.reason;
      }
    }
    for (let looks = 0; ; looks++) {
      if (this.contend()) return this.taken(wait, site, EventFlag.Async);
      const left = deadline - performance.now();
      if (left <= 0) return this.gaveUp(wait, EventFlag.Async);
      try {
        const patience = Math.min(left, lookAfter(looks));
        await this.words.waitAsync(this.index, WAITERS, { timeout: patience, signal, endless });
      } catch (reason) {
        this.gaveUp(wait, EventFlag.Async);
        throw reason;
      }
    }
  }

  /** Takes one, or says in the word that somebody waits. */
  private contend(): boolean {
    const { words, index } = this;
    for (;;) {
      const state = words.load(index);
      if (state >= ONE) {
        if (words.compareExchange(index, state, state - ONE) === state) return true;
      } else if (state === WAITERS || words.compareExchange(index, 0, WAITERS) === 0) return false;
    }
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
    if (recording) emit(EventKind.LockAcquire, this.object, site, wait, 0, flags);
    return true;
  }

  /** Gives `n` back. Returns false, and gives none, if there would be more than there may be. */
  release(n: number): boolean {
    const { words, index } = this;
    const bound = words.peek(index + BOUND);
    const most = bound === 0 ? MAX_PERMITS : bound - 1;
    let told = false;
    let state = words.peek(index);
    for (;;) {
      const value = (state >> 1) + n;
      if (value > most) {
        // What was only peeked at may be old.
        const fresh = words.load(index);
        if (fresh === state) return false;
        state = fresh;
        continue;
      }
      // Written before, so that in the trace nobody has one before it was given back.
      if (recording && !told) emit(EventKind.LockRelease, this.object, 0, 0, n, 0);
      told = true;
      const next = value * ONE + (state & WAITERS);
      const before = words.compareExchange(index, state, next);
      if (before !== state) {
        state = before;
        continue;
      }
      if ((next & WAITERS) !== 0) {
        if (words.notify(index, n) > 0) this.wokeSomebody = true;
        else words.compareExchange(index, next, next - WAITERS);
      }
      return true;
    }
  }

  /** How many there are. */
  get value(): number {
    return this.words.load(this.index) >> 1;
  }
}
