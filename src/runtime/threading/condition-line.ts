/**
 * The line of those who wait for a condition, in shared memory.
 *
 * Why no wake-up is lost and none comes twice:
 *
 * Each waiter has a node of its own with a word that says how its wait stands: WAITING at first, then once, by
 * compare-and-swap, NOTIFIED (by who notifies) or GONE (by the waiter itself, out of time or aborted). Whoever of the
 * two comes first decides. So a notification either reaches a waiter, which then returns true however late it is
 * scheduled, or fails, and goes to the next in line: it is never spent on one who has given up. And since a node that
 * left WAITING never comes back to it, no waiter is woken twice and none by a notification that it was not given.
 *
 * A waiter joins the line while it holds the condition's lock and waits only after it has released it. Who notifies
 * holds that lock too, so it sees everybody who let go of the lock before. That the waiter does not sleep yet is no
 * harm: it waits for its word not to be WAITING any more, and a wait for a word that has changed already returns at
 * once. The word is the waiter's alone, so a wake-up call goes to nobody else; one too many (for a word that was given
 * back and has another use now) only makes somebody look again at what it waits for.
 *
 * Threads can be killed. Who notifies passes over those whose thread is dead. One that is killed after it was notified,
 * but before it had the lock again, stays in a second list until then: the others look there when they have waited for
 * a while and pass its notification on, to one who was in line when it was sent. Notifications that were for all need
 * not be passed on.
 *
 * The lists change under a lock of their own, since a plain Lock may be released by anybody, and waiters give up when
 * they like. What counts is the chain of `Next` from the head, changed by single stores; `Prev`, the tail and `List`
 * can be found from it by whoever takes that lock from a dead thread (`#repair`). A node is freed by its waiter when it
 * has left its list, or by who finds the waiter dead.
 */

import { deadlineIn, slice } from "../core/deadline.js";
import type { HeapLock } from "../core/heap-lock.js";
import type { Heap } from "../core/shared-heap.js";
import type { SharedWords } from "../core/words.js";

/** Words of a condition: of each list the head, then the tail. */
const C = { Lock: 0, Waiting: 2, Notified: 4, Arrivals: 6 } as const;
/** How many words a condition takes. */
export const CONDITION_WORDS = 8;

/** Words of a node. */
const N = {
  State: 0,
  Next: 1,
  Prev: 2,
  /** The list it is in, as the offset of its head, or 0. */ List: 3,
  /** Its thread, as `holder.ts` numbers them. */ Thread: 4,
  /** The number of the thread that notified it. */ By: 5,
  /** When it came, as the number of those who came before. */ Arrival: 6,
  /** How many had come when it was notified. */ Sent: 7,
} as const;
const NODE_WORDS = 8;

const State = { Waiting: 0, Notified: 1, NotifiedWithAll: 2, Gone: 3 } as const;

const isNotified = (state: number): boolean => state === State.Notified || state === State.NotifiedWithAll;

export class ConditionLine {
  readonly #heap: Heap;
  readonly #words: SharedWords;
  readonly #view: Int32Array;
  readonly #lock: HeapLock;

  /** `index`: its first word. */
  constructor(
    heap: Heap,
    private readonly index: number,
  ) {
    this.#heap = heap;
    this.#words = heap.words;
    this.#view = heap.words.view;
    this.#lock = heap.lock(index, () => this.#repair());
  }

  #repair(): void {
    const stray: number[] = [];
    for (const list of [C.Waiting, C.Notified]) {
      let before = 0;
      for (let node = this.#view[this.index + list] as number; node !== 0; node = this.#view[node + N.Next] as number) {
        this.#view[node + N.Prev] = before;
        this.#view[node + N.List] = list;
        if (list === C.Waiting && isNotified(this.#words.load(node))) stray.push(node);
        before = node;
      }
      this.#view[this.index + list + 1] = before;
    }
    for (const node of stray) this.#move(node);
  }

  #link(node: number, list: number): void {
    const at = this.index + list;
    const tail = this.#view[at + 1] as number;
    this.#view[node + N.Next] = 0;
    this.#view[node + N.Prev] = tail;
    this.#view[node + N.List] = list;
    this.#view[tail === 0 ? at : tail + N.Next] = node;
    this.#view[at + 1] = node;
  }

  #unlink(node: number): void {
    const list = this.#view[node + N.List] as number;
    if (list === 0) return;
    const at = this.index + list;
    const [before, next] = [this.#view[node + N.Prev] as number, this.#view[node + N.Next] as number];
    this.#view[before === 0 ? at : before + N.Next] = next;
    this.#view[node + N.List] = 0;
    if (next === 0) this.#view[at + 1] = before;
    else this.#view[next + N.Prev] = before;
  }

  #move(node: number): void {
    this.#unlink(node);
    this.#link(node, C.Notified);
  }

  /** Joins the line. Returns the waiter's node. */
  join(): number {
    const { holders } = this.#heap;
    const node = this.#heap.allocate(NODE_WORDS);
    this.#view[node + N.Thread] = holders.self || holders.enter();
    this.#lock.lock();
    const arrival = this.#view[this.index + C.Arrivals] as number;
    this.#view[this.index + C.Arrivals] = arrival + 1;
    this.#view[node + N.Arrival] = arrival;
    this.#link(node, C.Waiting);
    this.#lock.unlock();
    return node;
  }

  /** Leaves the line for good. */
  leave(node: number): void {
    this.#lock.lock();
    this.#unlink(node);
    this.#lock.unlock();
    this.#heap.free(node, NODE_WORDS);
  }

  /** The number of the thread that notified the waiter. */
  notifiedBy(node: number): number {
    return this.#words.load(node + N.By);
  }

  /** Gives up waiting. False if it was notified before. */
  giveUp(node: number): boolean {
    return !isNotified(this.#words.compareExchange(node, State.Waiting, State.Gone));
  }

  /** Blocks until the waiter was notified; false if `timeout` milliseconds are over before. */
  waitSync(node: number, timeout: number): boolean {
    const deadline = deadlineIn(timeout);
    for (;;) {
      if (isNotified(this.#words.load(node))) return true;
      const left = slice(deadline);
      if (left <= 0) {
        this.passOn();
        return !this.giveUp(node);
      }
      if (this.#words.wait(node, State.Waiting, left) === "timed-out") this.passOn();
    }
  }

  /** The same by a promise. Rejects with the signal's reason if it was aborted before. */
  async wait(node: number, timeout: number, signal: AbortSignal | undefined): Promise<boolean> {
    const deadline = deadlineIn(timeout);
    for (;;) {
      if (isNotified(this.#words.load(node))) return true;
      const left = slice(deadline);
      if (left <= 0) {
        this.passOn();
        return !this.giveUp(node);
      }
      try {
        const outcome = await this.#words.waitAsync(node, State.Waiting, { timeout: left, signal });
        if (outcome === "timed-out") this.passOn();
      } catch (reason) {
        if (this.giveUp(node)) throw reason;
      }
    }
  }

  /** Notifies up to `count` of those who wait, in the name of thread `by`, and wakes them. Returns how many. */
  notify(count: number, by: number): number {
    const woken: number[] = [];
    const forAll = count === Number.POSITIVE_INFINITY;
    this.#lock.lock();
    for (let node = this.#view[this.index + C.Waiting] as number; node !== 0 && woken.length < count; ) {
      const next = this.#view[node + N.Next] as number;
      if (!forAll && this.#isDead(node)) {
        this.#unlink(node);
        this.#heap.free(node, NODE_WORDS);
      } else {
        this.#view[node + N.By] = by;
        this.#view[node + N.Sent] = this.#view[this.index + C.Arrivals] as number;
        const state = forAll ? State.NotifiedWithAll : State.Notified;
        // One that is gone leaves by itself.
        if (this.#words.compareExchange(node, State.Waiting, state) === State.Waiting) {
          this.#move(node);
          woken.push(node);
        }
      }
      node = next;
    }
    this.#lock.unlock();
    for (const node of woken) this.#words.notify(node);
    return woken.length;
  }

  #isDead(node: number): boolean {
    const thread = this.#view[node + N.Thread] as number;
    const { holders } = this.#heap;
    return thread !== holders.self && holders.isDead(thread, true);
  }

  /** Passes on the notifications of those who died before they could make use of them. */
  private passOn(): void {
    if (this.#words.load(this.index + C.Notified) === 0) return;
    const woken: number[] = [];
    this.#lock.lock();
    for (let node = this.#view[this.index + C.Notified] as number; node !== 0; ) {
      const next = this.#view[node + N.Next] as number;
      if (this.#isDead(node)) {
        const heir = this.#words.load(node) === State.Notified ? this.#heirOf(node) : 0;
        if (heir !== 0) woken.push(heir);
        this.#unlink(node);
        this.#heap.free(node, NODE_WORDS);
      }
      node = next;
    }
    this.#lock.unlock();
    for (const node of woken) this.#words.notify(node);
  }

  /** The first who was in line when `dead` was notified and waits still, now notified in its place; 0 for none. */
  #heirOf(dead: number): number {
    const sent = this.#view[dead + N.Sent] as number;
    for (
      let node = this.#view[this.index + C.Waiting] as number;
      node !== 0;
      node = this.#view[node + N.Next] as number
    ) {
      if ((((this.#view[node + N.Arrival] as number) - sent) | 0) >= 0) return 0;
      if (this.#isDead(node)) continue;
      this.#view[node + N.By] = this.#view[dead + N.By] as number;
      this.#view[node + N.Sent] = sent;
      if (this.#words.compareExchange(node, State.Waiting, State.Notified) !== State.Waiting) continue;
      this.#move(node);
      return node;
    }
    return 0;
  }
}
