/**
 * A lock on shared words, after Drepper's futex mutex ("Futexes Are Tricky"), that knows its holder.
 *
 * Word 0 is 0 when it is free, else the holder (`holder.ts`), with a flag when somebody may be waiting. That the lock is
 * held and by whom is one store, so a thread that is killed at any instant leaves no lock held by nobody. Without
 * contention, taking and giving back are one atomic operation each. A waiter always takes it with the flag, since
 * others may wait behind it; a release with the flag wakes one.
 *
 * Who waits looks after the holder now and then. If that is dead the lock is marked as abandoned and all who wait, or
 * want to, get an error, until somebody releases it. For that error word 1 says where it was acquired: told
 * only where it costs nothing to speak of, at a thread's first acquisition and where threads wait for each other.
 *
 * Threads barge: a lock that was just released may be taken again by whoever is faster, as in Python. But a chain of
 * promises that releases and at once acquires again would never let another promise of its thread be faster, since
 * those wake by a task of the event loop. So after a release that woke somebody, the next `acquire` of this thread
 * takes a turn of the loop first.
 */
import { emit, intern, newWaitNumber, recording } from "../../recorder/emit.js";
import { EventFlag, EventKind } from "../../trace/events.js";
import { deadlineIn } from "./deadline.js";
import { RuntimeError } from "./errors.js";
import { describeHolder, enterHolder, isDead, lookAfter, numberOf, self } from "./holder.js";
import { sharedText, textOf } from "./shared-text.js";
import { shortSite, userSite } from "./user-site.js";
import type { SharedWords } from "./words.js";

const yes = Promise.resolve(true);
const no = Promise.resolve(false);

/** How many words a mutex takes. */
export const MUTEX_WORDS = 5;

const WAITERS = 1 << 30;
const ABANDONED = 1 << 29;
const HOLDER = ABANDONED - 1;

/** The word with the text of where it was acquired. */
const SITE = 1;

/** The least time between two looks at the stack where nothing is recorded: milliseconds. */
const SITE_PERIOD = 10;

/** What a mutex is part of. */
export interface MutexOwner {
  /** For messages. */
  readonly name: string;
}

export class Mutex {
  private wokeSomebody = false;
  /** The next acquisition is to tell where it is. */
  private siteDue = true;
  private siteAt = Number.NEGATIVE_INFINITY;
  /** Where this thread acquired it: as shared text, and as the trace's. */
  private siteText = 0;
  private site = 0;

  /**
   * `object` is its number in the trace. `strict`: only the holder may give it back, so a thread that ended well with it
   * has abandoned it, too.
   */
  constructor(
    private readonly words: SharedWords,
    private readonly index: number,
    private readonly object: number,
    private readonly owner: MutexOwner,
    private readonly strict: boolean,
  ) {}

  /** Takes it if it is free. */
  tryAcquire(): boolean {
    if (this.takeIfFree()) return true;
    if (recording) emit(EventKind.LockTimeout, this.object, 0, 0, 0, 0);
    return false;
  }

  /** Takes it, blocking the thread for up to `timeout` milliseconds. */
  acquireSync(timeout: number): boolean {
    return this.takeIfFree() || this.slowAcquireSync(timeout);
  }

  /** Takes it; resolves with false when `timeout` milliseconds are over, rejects with the signal's reason. */
  acquire(timeout: number, signal: AbortSignal | undefined): Promise<boolean> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.takeAtOnce()) return yes;
    if (timeout <= 0 && !this.wokeSomebody) {
      if (recording) emit(EventKind.LockTimeout, this.object, 0, 0, 0, 0);
      return no;
    }
    return this.slowAcquire(timeout, signal, this.findWaitSite());
  }

  /** Takes it if it is free and no promise of this thread was just woken to have it. */
  takeAtOnce(): boolean {
    return !this.wokeSomebody && this.takeIfFree();
  }

  /** The fast path: nothing but what an uncontended lock costs. */
  private takeIfFree(): boolean {
    if (this.siteDue) this.findSite();
    if (this.words.compareExchange(this.index, 0, self === 0 ? enterHolder() : self) !== 0) return false;
    this.words.note(this.index + SITE, this.siteText);
    if (recording) emit(EventKind.LockAcquire, this.object, this.site, 0, 0, 0);
    return true;
  }

  private slowAcquireSync(timeout: number): boolean {
    const { words, index } = this;
    const site = this.findWaitSite();
    const deadline = deadlineIn(timeout);
    const wait = this.beginWait(site, 0);
    for (let looks = 0; ; ) {
      const state = this.contend();
      if (state === 0) return this.taken(wait, site, 0);
      if ((state & ABANDONED) !== 0) throw this.abandonedBy(state & HOLDER, wait, 0);
      const left = deadline - performance.now();
      if (left <= 0) {
        if (timeout > 0) this.lookAfterHolder(wait, 0);
        return this.gaveUp(wait, 0);
      }
      const patience = lookAfter(looks);
      if (words.wait(index, state, Math.min(left, patience), deadline === Number.POSITIVE_INFINITY) === "timed-out") {
        if (left >= patience) looks++;
        this.lookAfterHolder(wait, 0);
      }
    }
  }

  private async slowAcquire(timeout: number, signal: AbortSignal | undefined, site: number): Promise<boolean> {
    const { words, index } = this;
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
    for (let looks = 0; ; ) {
      const state = this.contend();
      if (state === 0) return this.taken(wait, site, EventFlag.Async);
      if ((state & ABANDONED) !== 0) throw this.abandonedBy(state & HOLDER, wait, EventFlag.Async);
      const left = deadline - performance.now();
      if (left <= 0) {
        if (timeout > 0) this.lookAfterHolder(wait, EventFlag.Async);
        return this.gaveUp(wait, EventFlag.Async);
      }
      const patience = lookAfter(looks);
      let outcome: string;
      try {
        outcome = await words.waitAsync(index, state, { timeout: Math.min(left, patience), signal, endless });
      } catch (reason) {
        this.gaveUp(wait, EventFlag.Async);
        throw reason;
      }
      if (outcome === "timed-out") {
        if (left >= patience) looks++;
        this.lookAfterHolder(wait, EventFlag.Async);
      }
    }
  }

  /** Takes it, which gives 0, or says in its word that somebody waits, and gives what that word is now. */
  private contend(): number {
    const { words, index } = this;
    const mine = (self === 0 ? enterHolder() : self) | WAITERS;
    for (;;) {
      const state = words.load(index);
      if (state === 0) {
        if (words.compareExchange(index, 0, mine) === 0) return 0;
      } else if ((state & (WAITERS | ABANDONED)) !== 0) return state;
      else if (words.compareExchange(index, state, state | WAITERS) === state) return state | WAITERS;
    }
  }

  private taken(wait: number, site: number, flags: number): true {
    this.words.note(this.index + SITE, this.siteText);
    if (recording) emit(EventKind.LockAcquire, this.object, site, wait, 0, flags);
    return true;
  }

  private beginWait(site: number, flags: number): number {
    if (!recording) return 0;
    const wait = newWaitNumber();
    emit(EventKind.LockWait, this.object, site, wait, numberOf(this.holder), flags);
    return wait;
  }

  private gaveUp(wait: number, flags: number): false {
    if (recording) emit(EventKind.LockTimeout, this.object, 0, wait, 0, flags);
    return false;
  }

  // ---- a holder that died

  /** Throws `RuntimeError` if the holder is dead, having told all others who wait. */
  private lookAfterHolder(wait: number, flags: number): void {
    if (this.checkAbandoned()) throw this.abandonedBy(this.holder, wait, flags);
  }

  /** Whether its holder died with it; if so, wakes all who wait, to find the same. */
  checkAbandoned(): boolean {
    const { words, index } = this;
    const state = words.load(index);
    const holder = state & HOLDER;
    if ((state & ABANDONED) !== 0) return true;
    if (holder === 0 || holder === self || !isDead(holder, this.strict)) return false;
    if (words.compareExchange(index, state, state | ABANDONED) !== state) return this.checkAbandoned();
    words.notify(index);
    return true;
  }

  private abandonedBy(holder: number, wait: number, flags: number): RuntimeError {
    if (recording) emit(EventKind.LockAbandoned, this.object, 0, wait, numberOf(holder), flags);
    const site = textOf(this.words.load(this.index + SITE));
    return new RuntimeError(
      `${this.owner.name} will never be released: ${describeHolder(holder)} died while it held it` +
        `${site === "" ? "" : `, acquired at ${shortSite(site)}`}. What the lock guards may be left halfway; ` +
        "release() makes the lock free again.",
    );
  }

  // ---- where it is acquired

  /** Looks where the caller is, for whoever may wait for it. */
  private findSite(): void {
    this.siteDue = false;
    const t = performance.now();
    if (t - this.siteAt < SITE_PERIOD) return;
    this.siteAt = t;
    this.setSite();
  }

  /** As {@link findSite}; recorded waits are told apart by their exact places. */
  private findWaitSite(): number {
    if (recording) this.setSite();
    else this.findSite();
    return this.site;
  }

  private setSite(): void {
    const site = userSite();
    this.siteText = sharedText(site);
    if (recording) this.site = intern(site);
  }

  // ---- giving it back

  /** Gives it back. Returns false if nobody held it. */
  release(): boolean {
    const { words, index } = this;
    if (recording) {
      if (words.load(index) === 0) return false;
      // Written before, so that in the trace nobody has it before it was free.
      emit(EventKind.LockRelease, this.object, 0, 0, 0, 0);
    }
    const before = words.exchange(index, 0);
    if ((before & WAITERS) !== 0) {
      this.siteDue = true;
      if (words.notify(index, 1) > 0) this.wokeSomebody = true;
    }
    return before !== 0;
  }

  /** True while anybody holds it. */
  get held(): boolean {
    return this.words.load(this.index) !== 0;
  }

  /** The thread that holds it, as `holder.ts` numbers it, or 0. */
  get holder(): number {
    return this.words.load(this.index) & HOLDER;
  }
}
