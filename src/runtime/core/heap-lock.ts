/**
 * The lock around the library's own short critical sections in the heap: a few dozen instructions, never user code.
 * Word 0 is 0 or the owner's number with a flag for "somebody waits"; word 1 is the OS thread of the owner, or of an
 * earlier one, which the number's last bits, repeated there, tell apart.
 *
 * A worker can be terminated inside. Then somebody who has waited long finds the owner dead and takes the lock over;
 * what it guards is built so that each step is complete with a single store, or can be repaired by who takes over.
 */
import { existsSync } from "node:fs";
import { threadId } from "node:worker_threads";
import { nativeThreadId } from "./native-id.js";
import type { AtomicWords } from "./words.js";

const WAITERS = 1 << 30;
const me = threadId + 1;
/**
 * Known beforehand: a worker is terminated at calls of functions and at the ends of loops, so none of these may stand
 * between taking a lock and saying whose it is.
 */
const native = nativeThreadId();
const NUMBER_BITS = 10;
const NUMBER = (1 << NUMBER_BITS) - 1;
/** Linux has no thread ids of more than 22 bits. */
const mine = (native << NUMBER_BITS) | (me & NUMBER);
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
    private readonly words: AtomicWords,
    private readonly index: number,
    /** Called with the lock held by whoever took it from a dead thread. */
    private readonly repair: (() => void) | null = null,
  ) {}

  lock(): void {
    const { view } = this.words;
    if (Atomics.compareExchange(view, this.index, 0, me) === 0) {
      view[this.index + 1] = mine;
      return;
    }
    this.slowLock();
  }

  private slowLock(): void {
    const { words, index } = this;
    const { view } = words;
    for (let i = 0; i < SPINS; i++) {
      if (Atomics.load(view, index) === 0 && Atomics.compareExchange(view, index, 0, me) === 0) {
        view[index + 1] = mine;
        return;
      }
    }
    let since = performance.now();
    let last = 0;
    for (;;) {
      const value = Atomics.load(view, index);
      if (value === 0) {
        if (Atomics.compareExchange(view, index, 0, me | WAITERS) === 0) {
          view[index + 1] = mine;
          return;
        }
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
        const number = contended & ~WAITERS;
        const owner = view[index + 1] as number;
        if (number !== me && (owner & NUMBER) === (number & NUMBER) && !threadExists(owner >>> NUMBER_BITS)) {
          if (Atomics.compareExchange(view, index, contended, me | WAITERS) === contended) {
            view[index + 1] = mine;
            this.repair?.();
            return;
          }
        }
      }
    }
  }

  unlock(): void {
    const { view } = this.words;
    if ((Atomics.exchange(view, this.index, 0) & WAITERS) !== 0) this.words.notify(this.index, 1);
  }
}
