/** Waiting by Linux's futex: `man 2 futex`. Not the PRIVATE kind, since other processes wait for the same words. */
import { endianness } from "node:os";
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
/** Where the nanoseconds stand in a `struct timespec`, as few as there are: the upper half is 0. */
const NANOSECONDS = endianness() === "LE" ? 2 : 3;

export class LinuxFutex implements KernelWait {
  readonly #futex: NativeFunction;
  readonly #number = NUMBERS[process.arch] as number;
  /** A `struct timespec`, in words of 32 bits, where it stays: to hand over an array of the heap costs a microsecond. */
  readonly #time: Int32Array;
  readonly #timeAddress: number;

  /** Whether it is known how to do it on this architecture. */
  static isKnown(): boolean {
    return NUMBERS[process.arch] !== undefined;
  }

  constructor() {
    const bridge = native();
    this.#futex = bridge
      .load(null)
      .func("int64_t syscall(int64_t number, uint64_t address, int64_t op, int64_t value, uint64_t time)");
    const time = bridge.address(bridge.alloc("int64_t", 2));
    this.#time = new Int32Array(bridge.view(time, 16)).fill(0);
    this.#timeAddress = Number(time);
  }

  wait(address: number, expected: number, ms: number): boolean {
    this.#time[NANOSECONDS] = Math.max(0, Math.round(ms * 1e6));
    if (this.#futex(this.#number, address, FUTEX_WAIT, expected, this.#timeAddress) === 0) return true;
    const errno = native().errno();
    if (errno !== EAGAIN && errno !== ETIMEDOUT && errno !== EINTR) throw systemError(errno, "futex", "wait");
    return false;
  }

  wake(address: number, count: number): number {
    const woken = Number(this.#futex(this.#number, address, FUTEX_WAKE, Math.min(count, MOST), 0));
    if (woken < 0) throw systemError(native().errno(), "futex", "wake");
    return woken;
  }
}
