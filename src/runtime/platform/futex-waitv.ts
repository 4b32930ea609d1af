/**
 * Waiting for any of several words at once: Linux's `futex_waitv`, from 5.16 on, `Documentation/userspace-api/futex2.rst`.
 */
import { type NativeFunction, native } from "./native.js";

/** The number of the system call on all architectures of 64 bits but Alpha. */
const FUTEX_WAITV = 449;
/** Words of 32 bits, that processes share. */
const FLAGS = 2;
const CLOCK_MONOTONIC = 1;
/** A `struct futex_waitv`: the value, the address, flags, nothing. In words of 64 bits. */
const WAITER = { Value: 0, Address: 1, Flags: 2, Size: 3 } as const;

/** How many words can be waited for at once. */
export const MOST_WORDS = 128;

const ETIMEDOUT = 110;
const EINTR = 4;

/** Nothing happened in time. */
export const NOTHING = -1;
/** Some word was not what it was expected to be, or cannot be waited for. */
export const LOOK = -2;

export class FutexWaitv {
  readonly #call: NativeFunction;
  readonly #waiters = new BigUint64Array(MOST_WORDS * WAITER.Size);
  readonly #time = new BigInt64Array(2);

  constructor() {
    this.#call = native()
      .load(null)
      .func(
        "int64_t syscall(int64_t number, void *waiters, uint64_t count, uint64_t flags, void *until, int64_t clock)",
      );
  }

  /** Whether the system has it. */
  static isKnown(): boolean {
    if (process.platform !== "linux" || process.arch === "arm" || process.arch === "ia32") return false;
    const waitv = new FutexWaitv();
    // No words: EINVAL where it exists.
    waitv.#call(FUTEX_WAITV, waitv.#waiters, 0, 0, null, 0);
    const EINVAL = 22;
    return native().errno() === EINVAL;
  }

  /** The word to wait for in a place from 0. */
  set(place: number, address: number, expected: number): void {
    const at = place * WAITER.Size;
    this.#waiters[at + WAITER.Value] = BigInt(expected >>> 0);
    this.#waiters[at + WAITER.Address] = BigInt(address);
    this.#waiters[at + WAITER.Flags] = BigInt(FLAGS);
  }

  /**
   * Blocks the thread until one of the first `count` words is woken, for `ms` milliseconds. Returns its place,
   * {@link NOTHING} or {@link LOOK}.
   */
  wait(count: number, ms: number): number {
    const until = process.hrtime.bigint() + BigInt(Math.round(ms * 1e6));
    this.#time[0] = until / 1_000_000_000n;
    this.#time[1] = until % 1_000_000_000n;
    const woken = Number(this.#call(FUTEX_WAITV, this.#waiters, count, 0, this.#time, CLOCK_MONOTONIC));
    if (woken >= 0) return woken;
    const errno = native().errno();
    if (errno === ETIMEDOUT || errno === EINTR) return NOTHING;
    return LOOK;
  }
}
