/**
 * The line of those who wait for something of a queue in shared memory: blocked threads and promises of all threads, in
 * order of arrival.
 *
 * Each place is a block of its own with a word to sleep on, so a wake reaches exactly the one it is meant for, whoever
 * times out or gives up leaves at once and for good, and a place is kept over any number of looks around. (V8's own line
 * of waiters on a word cannot do that: a promise cannot be taken out of it.)
 *
 * Who waits enters, looks once more for what it wants, and sleeps; who brings something puts it down first and then looks
 * whether the line is empty. So one of the two always sees the other. The waker unlinks the first place, marks it and
 * wakes it; if nobody sleeps there because its thread is dead, it goes on to the next one.
 *
 * The line survives the death of who is changing it at any instruction: the chain of `next` is the truth and changes by a
 * single store. A place is marked as woken before it is unlinked and linked again before the mark is taken from it, so
 * what is marked and still in the chain is what somebody died over: whoever takes the lock over unlinks it, and finds
 * `prev` and the tail again. A place of a dead thread that was marked is not used again: its four words are the price of
 * never freeing one twice.
 */
import type { HeapLock } from "../core/heap-lock.js";
import type { HeapMemory } from "../core/heap-memory.js";
import { identityLives, ownIdentity } from "../core/os-thread.js";
import type { SharedWords } from "../core/words.js";
import type { Place } from "./place.js";

/** Words of a place; `Owner` is a thread's identity. */
const P = { Next: 0, Prev: 1, State: 2, Owner: 3 } as const;
const PLACE_WORDS = 4;
const WAITING = 0;
const WOKEN = 1;

/** How many words a line takes: its first and its last place. */
export const LINE_WORDS = 2;

export class SharedLine {
  readonly words: SharedWords;
  private readonly view: Int32Array;
  private readonly tail: number;

  /** `head` is the index of its words; `lock` guards it. */
  constructor(
    readonly heap: HeapMemory,
    readonly lock: HeapLock,
    private readonly head: number,
  ) {
    this.words = heap.words;
    this.view = heap.words.view;
    this.tail = head + 1;
  }

  /** True if anybody waits and has not been woken. */
  get occupied(): boolean {
    return Atomics.load(this.view, this.head) !== 0;
  }

  /** Joins at the end. */
  enter(): Place {
    const { view } = this;
    const at = this.heap.allocate(PLACE_WORDS, false);
    view[at + P.Owner] = ownIdentity;
    this.lock.lock();
    const last = view[this.tail] as number;
    view[at + P.Next] = 0;
    view[at + P.Prev] = last;
    view[at + P.State] = WAITING;
    Atomics.store(view, last === 0 ? this.head : last + P.Next, at);
    view[this.tail] = at;
    this.lock.unlock();
    return new SharedPlace(this, at);
  }

  /** Puts a place that was woken back, before all others. */
  returnToFront(at: number): void {
    const { view } = this;
    this.lock.lock();
    const first = view[this.head] as number;
    view[at + P.Next] = first;
    view[at + P.Prev] = 0;
    Atomics.store(view, this.head, at);
    Atomics.store(view, at + P.State, WAITING);
    view[first === 0 ? this.tail : first + P.Prev] = at;
    this.lock.unlock();
  }

  /** Takes a place out, with the lock held. */
  private unlink(at: number): void {
    const { view } = this;
    const next = view[at + P.Next] as number;
    const before = view[at + P.Prev] as number;
    Atomics.store(view, before === 0 ? this.head : before + P.Next, next);
    view[next === 0 ? this.tail : next + P.Prev] = before;
  }

  /** Takes a place out for good. Returns false if it had been woken. */
  remove(at: number): boolean {
    this.lock.lock();
    const waiting = this.view[at + P.State] === WAITING;
    if (waiting) this.unlink(at);
    this.lock.unlock();
    return waiting;
  }

  /** Wakes who waits longest, of those whose threads live. */
  wakeOne(): boolean {
    const { view } = this;
    for (;;) {
      if (!this.occupied) return false;
      this.lock.lock();
      const at = view[this.head] as number;
      if (at === 0) {
        this.lock.unlock();
        return false;
      }
      const owner = view[at + P.Owner] as number;
      Atomics.store(view, at + P.State, WOKEN);
      this.unlink(at);
      this.lock.unlock();
      // Nobody sleeping there is either not asleep yet, and will see the mark, or dead.
      if (this.words.notify(at + P.State, 1) > 0 || livesLately(owner)) return true;
    }
  }

  wakeAll(): void {
    const { view } = this;
    // Not for those who come meanwhile: they have seen what there is to see.
    this.lock.lock();
    const woken: number[] = [];
    for (let at = view[this.head] as number; at !== 0; at = view[this.head] as number) {
      Atomics.store(view, at + P.State, WOKEN);
      this.unlink(at);
      woken.push(at);
    }
    this.lock.unlock();
    for (const at of woken) this.words.notify(at + P.State, 1);
  }

  /** Makes the line whole again after the death of a thread that was changing it. Called with the lock held. */
  repair(): void {
    const { view } = this;
    let last = 0;
    for (let at = view[this.head] as number; at !== 0; ) {
      const next = view[at + P.Next] as number;
      if (view[at + P.State] === WAITING) {
        view[at + P.Prev] = last;
        last = at;
      } else Atomics.store(view, last === 0 ? this.head : last + P.Next, next);
      at = next;
    }
    view[this.tail] = last;
  }

  /** Gives the places of dead threads back. Nobody may wait any more. */
  dispose(): void {
    const { view } = this;
    for (let at = view[this.head] as number; at !== 0; ) {
      const next = view[at + P.Next] as number;
      this.heap.free(at, PLACE_WORDS);
      at = next;
    }
  }
}

/** Threads that were alive a moment ago: to ask the system takes as long as dozens of puts. */
const seenAlive = new Map<number, number>();
/** For how many milliseconds such an answer is good; who waits for the dead looks around by itself after a second. */
const FRESH = 50;

function livesLately(identity: number): boolean {
  const t = performance.now();
  if (t - (seenAlive.get(identity) ?? Number.NEGATIVE_INFINITY) < FRESH) return true;
  if (!identityLives(identity)) {
    seenAlive.delete(identity);
    return false;
  }
  if (seenAlive.size >= 256) seenAlive.clear();
  seenAlive.set(identity, t);
  return true;
}

class SharedPlace implements Place {
  readonly shared = true;
  /** Its owner came back from `wait` by a wake, and the place is in the line no more. */
  private told = false;
  private gaveUp = false;

  constructor(
    private readonly line: SharedLine,
    private readonly at: number,
  ) {}

  /** True if the owner has to look around before it may sleep. */
  private look(): boolean {
    if (!this.told) return false;
    this.told = false;
    this.line.returnToFront(this.at);
    return true;
  }

  private noteWake(): void {
    if (this.line.words.load(this.at + P.State) === WOKEN) this.told = true;
  }

  async wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (this.look()) return;
    try {
      await this.line.words.waitAsync(this.at + P.State, WAITING, { timeout: ms, signal });
    } catch (reason) {
      this.gaveUp = true;
      throw reason;
    }
    this.noteWake();
  }

  waitSync(ms: number): void {
    if (this.look()) return;
    this.line.words.wait(this.at + P.State, WAITING, ms);
    this.noteWake();
  }

  leave(available: boolean): void {
    const unused = !this.told && !this.line.remove(this.at);
    // What V8 still has for a wait that was aborted must not take a wake away from whoever gets these words next.
    if (this.gaveUp) this.line.words.notify(this.at + P.State);
    this.line.heap.free(this.at, PLACE_WORDS);
    if (unused && available) this.line.wakeOne();
  }
}
