/**
 * The lock around the library's own short critical sections in a heap: a few dozen instructions, never user code. Its
 * word is 0, or the owner's identity (`os-thread.ts`) with a flag for "somebody waits".
 *
 * A worker can be terminated inside, and a process killed. That the lock is held and by whom is one store, so nobody
 * leaves it held by nobody. Somebody who has waited long finds the owner dead and takes the lock over; what it guards is
 * built so that each step is complete with a single store, or can be repaired by who takes over.
 */
import { existsSync } from "node:fs";
import { identityLives, ownIdentity } from "./os-thread.js";
import type { SharedWords } from "./words.js";

const WAITERS = 1 << 30;
const SPINS = 40;
/** Milliseconds after which a waiter asks whether the owner still lives. */
const PATIENCE = 50;

/** True unless the OS says that this thread of our process is gone. */
export function threadExists(nativeId: number): boolean {
  if (nativeId === 0 || process.platform !== "linux") return true;
  return existsSync(`/proc/self/task/${nativeId}`);
}

export class HeapLock {
  constructor(
    private readonly words: SharedWords,
    private readonly index: number,
    /** Called with the lock held by whoever took it from a dead thread. */
    private readonly repair: (() => void) | null = null,
  ) {}

  lock(): void {
    if (Atomics.compareExchange(this.words.view, this.index, 0, ownIdentity) !== 0) this.slowLock();
  }

  private slowLock(): void {
    const { words, index } = this;
    const { view } = words;
    for (let i = 0; i < SPINS; i++) {
      if (Atomics.load(view, index) === 0 && Atomics.compareExchange(view, index, 0, ownIdentity) === 0) return;
    }
    let since = performance.now();
    let last = 0;
    for (;;) {
      const value = Atomics.load(view, index);
      if (value === 0) {
        if (Atomics.compareExchange(view, index, 0, ownIdentity | WAITERS) === 0) return;
        continue;
      }
      if (value !== last) {
        last = value;
        since = performance.now();
      }
      const contended = value | WAITERS;
      if (value !== contended && Atomics.compareExchange(view, index, value, contended) !== value) continue;
      last = contended;
      words.wait(index, contended, 5);
      if (performance.now() - since > PATIENCE) {
        since = performance.now();
        const owner = contended & ~WAITERS;
        if (owner !== ownIdentity && !identityLives(owner)) {
          if (Atomics.compareExchange(view, index, contended, ownIdentity | WAITERS) === contended) {
            this.repair?.();
            return;
          }
        }
      }
    }
  }

  unlock(): void {
    if ((Atomics.exchange(this.words.view, this.index, 0) & WAITERS) !== 0) this.words.notify(this.index, 1);
  }
}
