/**
 * The words that a thread's promises wait for, as its waiter (`word-waiter.ts`) sees them: a list in memory that the two
 * share, which the thread writes anew whenever it changes, and what the waiter has found.
 *
 * The thread counts a version up, to an odd number before it writes and to an even one after it. The last stands also in
 * a word that the waiter waits for along with the others, so that it takes notice. The waiter takes a copy, and another
 * one if the version changed meanwhile. When it has found something it tells that and does nothing more before there is
 * another version: the thread has to look first.
 */
import { MOST_WORDS } from "./futex-waitv.js";

/** Words of the list. */
const L = { Version: 0, Bell: 1, Found: 2, FoundIn: 3, State: 4, Count: 5, Entries: 8 } as const;
/** Words of an entry: the address takes two. */
const ENTRY = { Address: 0, Expected: 2, Size: 4 } as const;

export const WaiterState = { Starting: 0, Ready: 1, Unable: 2 } as const;

/** What a waiter is started with. */
export interface WaiterData {
  readonly list: SharedArrayBuffer;
  /** Where the word is that has the version, too, for the kernel. */
  readonly control: number;
}

/** More words than can be waited for at once, beside that one, are waited for in turns. */
export const WORDS_AT_ONCE = MOST_WORDS - 1;
/** The longest list. Only what is written of it takes memory. */
export const MOST_ENTRIES = 1 << 14;

export class WordList {
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #addresses: Float64Array<SharedArrayBuffer>;

  constructor(readonly buffer: SharedArrayBuffer = new SharedArrayBuffer((L.Entries + MOST_ENTRIES * ENTRY.Size) * 4)) {
    this.#words = new Int32Array(buffer);
    this.#addresses = new Float64Array(buffer);
  }

  get version(): number {
    return Atomics.load(this.#words, L.Version);
  }

  get count(): number {
    return this.#words[L.Count] as number;
  }

  set count(value: number) {
    this.#words[L.Count] = value;
  }

  set(place: number, address: number, expected: number): void {
    const at = L.Entries + place * ENTRY.Size;
    this.#addresses[(at + ENTRY.Address) >> 1] = address;
    this.#words[at + ENTRY.Expected] = expected;
  }

  addressAt(place: number): number {
    return this.#addresses[(L.Entries + place * ENTRY.Size + ENTRY.Address) >> 1] as number;
  }

  expectedAt(place: number): number {
    return this.#words[L.Entries + place * ENTRY.Size + ENTRY.Expected] as number;
  }

  /** The thread begins or ends to write. */
  setVersion(version: number): void {
    Atomics.store(this.#words, L.Version, version);
    Atomics.notify(this.#words, L.Version);
  }

  /** The waiter waits for another version. */
  waitForOther(version: number): void {
    Atomics.wait(this.#words, L.Version, version);
  }

  /** The waiter tells what it found in which version, and how it is. */
  ring(found: number, version: number, state: number): void {
    Atomics.store(this.#words, L.Found, found);
    Atomics.store(this.#words, L.FoundIn, version);
    Atomics.store(this.#words, L.State, state);
    Atomics.add(this.#words, L.Bell, 1);
    Atomics.notify(this.#words, L.Bell);
  }

  get state(): number {
    return Atomics.load(this.#words, L.State);
  }

  /** Blocks the thread while the waiter is in a state, for so many milliseconds at most. */
  waitForState(state: number, ms: number): void {
    const deadline = performance.now() + ms;
    for (;;) {
      const rung = Atomics.load(this.#words, L.Bell);
      const left = deadline - performance.now();
      if (this.state !== state || left <= 0) return;
      Atomics.wait(this.#words, L.Bell, rung, left);
    }
  }

  get found(): number {
    return Atomics.load(this.#words, L.Found);
  }

  get foundIn(): number {
    return Atomics.load(this.#words, L.FoundIn);
  }

  /** The thread waits for the bell, which had rung `seen` times. Resolves with how often it has rung now. */
  async bell(seen: number): Promise<number> {
    const wait = Atomics.waitAsync(this.#words, L.Bell, seen);
    if (wait.async) await wait.value;
    return Atomics.load(this.#words, L.Bell);
  }
}
