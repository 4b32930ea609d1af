/** Waiting by Linux's futex: `man 2 futex`. Not the PRIVATE kind, since other processes wait for the same words. */
import type { KernelWait } from "./kernel-wait.js";
import { type NativeFunction, native } from "./native.js";
import { systemError } from "./system-error.js";

/** The number of the system call, by Node's name of the architecture: those with words of 64 bits. */
const NUMBERS: Readonly<Record<string, number>> = {
  x64: 202,
  arm64: 98,
  riscv64: 98,
  loong64: 98,
  ppc64: 221,
  s390x: 238,
};

const FUTEX_WAIT = 0;
const FUTEX_WAKE = 1;
const EINTR = 4;
const EAGAIN = 11;
const ETIMEDOUT = 110;
const MOST = 0x7fffffff;

export class LinuxFutex implements KernelWait {
  readonly #futex: NativeFunction;
  readonly #number = NUMBERS[process.arch] as number;
  /** A `struct timespec`. */
  readonly #time = new BigInt64Array(2);

  /** Whether it is known how to do it on this architecture. */
  static isKnown(): boolean {
    return NUMBERS[process.arch] !== undefined;
  }

  constructor() {
    const libc = native().load(null);
    this.#futex = libc.func(
      "int64_t syscall(int64_t number, uint64_t address, int64_t op, int64_t value, void *time, int64_t, int64_t)",
    );
  }

  wait(address: number, expected: number, ms: number): boolean {
    this.#time[1] = BigInt(Math.max(0, Math.round(ms * 1e6)));
    if (Number(this.#futex(this.#number, address, FUTEX_WAIT, expected, this.#time, 0, 0)) === 0) return true;
    const errno = native().errno();
    if (errno !== EAGAIN && errno !== ETIMEDOUT && errno !== EINTR) throw systemError(errno, "futex", "wait");
    return false;
  }

  wake(address: number, count: number): number {
    const woken = Number(this.#futex(this.#number, address, FUTEX_WAKE, Math.min(count, MOST), null, 0, 0));
    if (woken < 0) throw systemError(native().errno(), "futex", "wake");
    return woken;
  }
}
