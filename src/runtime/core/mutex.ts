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
 * In a trace an uncontended hold is one record, written at its release, since most locks are held for moments: the time
 * of the acquisition is kept in the words meanwhile, for whoever comes to wait and to tell that it is held. Reading the
 * clock costs more than the lock. So of a lock that a thread takes very often only the first holds after each tick of
 * the collector (`tick`) are timed exactly. After these the clock is read at acquisitions only, and holds are counted
 * and written together, unless the tick tells at the release that some milliseconds may have passed: then that is read,
 * too. So all counts are exact, and all holds that are longer than the collector's period.
 *
 * Threads barge: a lock that was just released may be taken again by whoever is faster, as in Python. But a chain of
 * promises that releases and at once acquires again would never let another promise of its thread be faster, since
 * those wake by a task of the event loop. So after a release that woke somebody, the next `acquire` of this thread
 * takes a turn of the loop first.
 */
import type { OnStack } from "../../recorder/call-site.js";
import { emit, emitAt, intern, newWaitNumber, now, recording, tick } from "../../recorder/emit.js";
import { EventFlag, EventKind } from "../../trace/events.js";
import { writeOutSoon } from "./brief-holds.js";
import { deadlineIn } from "./deadline.js";
import { RuntimeError } from "./errors.js";
import { enterLedger, noteBrief, noteHold } from "./hold-ledger.js";
import { type Holders, lookAfter } from "./holder.js";
import type { Heap, Place } from "./shared-heap.js";
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
/** From here on are the two words of the time of the acquisition, at an even place. */
const TIME = 2;

/** How many holds are timed exactly after each tick, at least. */
const EXACT_HOLDS = 64;
/** How often that number is doubled at most. */
const MOST_DOUBTS = 4;
/** More than so many milliseconds between two acquisitions are worth to look at the next ones exactly. */
const BRIEF = 0.05;

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

  private readonly words: SharedWords;
  private readonly holders: Holders;
  /** What makes this process's times those that stand in the words. */
  private readonly clock: number;
  /** The word with the time of the acquisition; 0 if the trace knows it already. */
  private readonly time: number;
  /** How many of the next holds are timed exactly, the tick at the acquisition, and how often it was too few. */
  private exact = EXACT_HOLDS;
  private tick = 0;
  private doubts = 0;
  /** Brief holds that are not written yet: how many, when the first began and the last. */
  private brief = 0;
  private briefSince = 0;
  private briefUntil = 0;
  /** Where the recorder finds what is not written, should this thread be terminated; -1: nowhere. */
  entry = -1;

  private readonly heap: Heap;
  private readonly index: number;
  private readonly object: number;

  /**
   * `strict`: only the holder may give it back, so a thread that ended well with it
   * has abandoned it, too.
   */
  constructor(
    { heap, index, object }: Place,
    private readonly owner: MutexOwner,
    private readonly strict: boolean,
  ) {
    this.heap = heap;
    this.index = index;
    this.object = object;
    this.words = heap.words;
    this.holders = heap.holders;
    this.clock = heap.clockOffset;
    this.time = (index + TIME + 1) & ~1;
  }

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
    return this.slowAcquire(timeout, signal, this.findWaitSite(this.acquire));
  }

  /** Takes it if it is free and no promise of this thread was just woken to have it. */
  takeAtOnce(): boolean {
    return !this.wokeSomebody && this.takeIfFree();
  }

  /** The fast path: nothing but what an uncontended lock costs. */
  private takeIfFree(): boolean {
    if (this.siteDue) this.findSite(this.takeIfFree);
    if (this.words.compareExchange(this.index, 0, this.holders.self || this.holders.enter()) !== 0) return false;
    this.words.note(this.index + SITE, this.siteText);
    if (recording) this.beginHold();
    return true;
  }

  /** When this hold began, for the trace; 0 if the trace knows it already. */
  private begunAt(): number {
    const t = this.words.timeAt(this.time);
    return t === 0 ? 0 : t - this.clock;
  }

  private beginHold(): void {
    const t = now();
    this.words.noteTime(this.time, t + this.clock);
    if (this.entry < 0) this.entry = enterLedger(this, this.object);
    if (this.entry >= 0) noteHold(this.entry, t);
    if (this.tick !== tick[0]) {
      this.tick = tick[0] as number;
      this.exact = EXACT_HOLDS << this.doubts;
    } else if (this.brief > 0 && t - this.briefUntil > BRIEF) this.lookCloser();
  }

  /** Something was not brief, inside of the last hold or after it, though too short for the tick. */
  private lookCloser(): void {
    this.writeOut();
    if (this.doubts < MOST_DOUBTS) this.doubts++;
    this.exact = EXACT_HOLDS << this.doubts;
  }

  private slowAcquireSync(timeout: number): boolean {
    const { words, index } = this;
    const site = this.findWaitSite(this.slowAcquireSync);
    const deadline = deadlineIn(timeout);
    const endless = deadline === Number.POSITIVE_INFINITY;
    const wait = this.beginWait(site, 0);
    for (let looks = 0; ; ) {
      const state = this.contend();
      if (state === 0) return this.taken(wait, site, 0);
      if ((state & ABANDONED) !== 0) throw this.abandonedBy(state & HOLDER, wait, 0);
      const left = endless ? deadline : deadline - performance.now();
      if (left <= 0) {
        if (timeout > 0) this.lookAfterHolder(wait, 0);
        return this.gaveUp(wait, 0);
      }
      const patience = lookAfter(looks);
      if (words.wait(index, state, Math.min(left, patience), endless) === "timed-out") {
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
    const { words, index, holders } = this;
    const mine = (holders.self || holders.enter()) | WAITERS;
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
    if (recording) {
      this.words.noteTime(this.time, 0);
      emit(EventKind.LockAcquire, this.object, site, wait, 0, flags);
    }
    return true;
  }

  private beginWait(site: number, flags: number): number {
    if (!recording) return 0;
    this.writeOut();
    const { words, index } = this;
    const wait = newWaitNumber();
    const t = now();
    const { holder } = this;
    const began = this.begunAt();
    const heldAt = this.heap.texts.textOf(words.load(index + SITE));
    const { flag } = this.holders;
    emitAt(t, EventKind.LockWait, this.object, site, wait, this.holders.numberOf(holder), flags | flag);
    // If the words were another holder's by now, its own waiters tell.
    if (holder !== 0 && holder === this.holder && began !== 0) {
      emitAt(
        t,
        EventKind.LockHeld,
        this.object,
        intern(heldAt),
        Math.max(0, t - began),
        this.holders.numberOf(holder),
        flag,
      );
    }
    return wait;
  }

  private gaveUp(wait: number, flags: number): false {
    if (recording) emit(EventKind.LockTimeout, this.object, 0, wait, 0, flags);
    return false;
  }

  // ---- a holder that died

  /** Throws `RuntimeError` if the holder is dead, having told all others who wait. */
  private lookAfterHolder(wait: number, flags: number): void {
    const dead = this.deadHolder();
    if (dead !== 0) throw this.abandonedBy(dead, wait, flags);
  }

  /** Whether its holder died with it; if so, wakes all who wait, to find the same. */
  checkAbandoned(): boolean {
    return this.deadHolder() !== 0;
  }

  /** The holder if it died with it, or 0. One reading decides: somebody may make it free meanwhile. */
  private deadHolder(): number {
    const { words, index } = this;
    for (;;) {
      const state = words.load(index);
      const holder = state & HOLDER;
      if ((state & ABANDONED) !== 0) return holder;
      if (holder === 0 || holder === this.holders.self || !this.holders.isDead(holder, this.strict)) return 0;
      if (words.compareExchange(index, state, state | ABANDONED) !== state) continue;
      words.notify(index);
      return holder;
    }
  }

  private abandonedBy(holder: number, wait: number, flags: number): RuntimeError {
    if (recording)
      emit(EventKind.LockAbandoned, this.object, 0, wait, this.holders.numberOf(holder), flags | this.holders.flag);
    const site = this.heap.texts.textOf(this.words.load(this.index + SITE));
    return new RuntimeError(
      `${this.owner.name} will never be released: ${this.holders.describe(holder)} died while it held it` +
        `${site === "" ? "" : `, acquired at ${shortSite(site)}`}. What the lock guards may be left halfway; ` +
        "release() makes the lock free again.",
    );
  }

  // ---- where it is acquired

  /** Looks where the caller is, for whoever may wait for it. */
  private findSite(above: OnStack): void {
    this.siteDue = false;
    const t = performance.now();
    if (t - this.siteAt < SITE_PERIOD) return;
    this.siteAt = t;
    this.setSite(above);
  }

  /** As {@link findSite}; recorded waits are told apart by their exact places. */
  private findWaitSite(above: OnStack): number {
    if (recording) this.setSite(above);
    else this.findSite(above);
    return this.site;
  }

  private setSite(above: OnStack): void {
    const site = userSite(above);
    this.siteText = this.heap.texts.numberOf(site);
    if (recording) this.site = intern(site);
  }

  // ---- giving it back

  /** Gives it back. Returns false if nobody held it. */
  release(): boolean {
    const { words, index } = this;
    let before: number;
    if (recording) {
      const { self } = this.holders;
      const state = words.peek(index);
      const began = this.begunAt();
      const brief = state === self && this.exact === 0 && this.tick === tick[0] && began !== 0;
      // Read before it is free, so that in the trace nobody has it earlier.
      const t = brief ? 0 : now();
      before = words.exchange(index, 0);
      if (before === 0) return false;
      if (brief && before === self) {
        if (this.brief++ === 0) this.beginBrief(began);
        this.briefUntil = began;
        if (this.entry >= 0) {
          noteBrief(this.entry, this.brief, this.briefSince, began);
          noteHold(this.entry, 0);
        }
      } else this.recordHold(t === 0 ? now() : t, began, before);
    } else before = words.exchange(index, 0);
    if ((before & WAITERS) !== 0) {
      this.siteDue = true;
      if (words.notify(index, 1) > 0) this.wokeSomebody = true;
    }
    return before !== 0;
  }

  private beginBrief(since: number): void {
    this.briefSince = since;
    writeOutSoon(this);
  }

  /** Writes brief holds out, if there are any. */
  writeOut(): void {
    const { brief, briefSince, briefUntil } = this;
    if (brief === 0) return;
    this.brief = 0;
    const us = Math.round((briefUntil - briefSince) * 1000);
    emitAt(briefUntil, EventKind.LockHolds, this.object, this.site, brief, us, EventFlag.InexactTime);
    if (this.entry >= 0) noteBrief(this.entry, 0, 0, 0);
  }

  private recordHold(t: number, began: number, before: number): void {
    this.writeOut();
    const holder = before & HOLDER;
    const other = holder === this.holders.self ? 0 : this.holders.numberOf(holder);
    if (began === 0) emitAt(t, EventKind.LockRelease, this.object, 0, 0, 0, 0);
    else {
      const site = other === 0 ? this.site : 0;
      emitAt(
        t,
        EventKind.LockHold,
        this.object,
        site,
        Math.max(0, t - began),
        other,
        other === 0 ? 0 : this.holders.flag,
      );
    }
    if (this.entry >= 0 && other === 0) noteHold(this.entry, 0);
    if (this.tick !== tick[0] || tick[0] === 0 || (before & WAITERS) !== 0) this.exact = EXACT_HOLDS << this.doubts;
    else if (this.exact > 0) this.exact--;
  }

  /** True while anybody holds it. */
  get held(): boolean {
    return this.words.load(this.index) !== 0;
  }

  /** Whether a thread, as `holder.ts` numbers it, holds it; to be asked by that thread. */
  isHeldBy(holder: number): boolean {
    return (this.words.peek(this.index) & HOLDER) === holder;
  }

  /** The thread that holds it, as `holder.ts` numbers it, or 0. */
  get holder(): number {
    return this.words.load(this.index) & HOLDER;
  }
}
