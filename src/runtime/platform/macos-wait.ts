/**
 * Waiting on macOS by `os_sync_wait_on_address`, which is there from 14.4 on and whose SHARED kind works between
 * processes.
 *
 * UNTESTED: written to the documentation, never run on a Mac.
 */
import type { KernelWait } from "./kernel-wait.js";
import { type NativeFunction, native } from "./native.js";

const SHARED = 1;
const OS_CLOCK_MACH_ABSOLUTE_TIME = 32;
const WORD_BYTES = 4;

export class MacWaitOnAddress implements KernelWait {
  private constructor(
    private readonly waitOn: NativeFunction,
    private readonly wakeAny: NativeFunction,
    private readonly wakeAll: NativeFunction,
  ) {}

  /** Null where the system is too old for it. */
  static tryMake(): MacWaitOnAddress | null {
    const libc = native().load("/usr/lib/libSystem.B.dylib");
    try {
      return new MacWaitOnAddress(
        libc.func(
          "int os_sync_wait_on_address_with_timeout(uint64_t address, uint64_t value, size_t size, uint32_t flags, uint32_t clock, uint64_t ns)",
        ),
        libc.func("int os_sync_wake_by_address_any(uint64_t address, size_t size, uint32_t flags)"),
        libc.func("int os_sync_wake_by_address_all(uint64_t address, size_t size, uint32_t flags)"),
      );
    } catch {
      return null;
    }
  }

  wait(address: number, expected: number, ms: number): boolean {
    // A time of 0 is refused.
    const ns = Math.max(1, Math.round(ms * 1e6));
    // Not below 0: how many others still wait.
    return Number(this.waitOn(address, expected >>> 0, WORD_BYTES, SHARED, OS_CLOCK_MACH_ABSOLUTE_TIME, ns)) >= 0;
  }

  wake(address: number, count: number): number {
    if (count === Number.POSITIVE_INFINITY) {
      // It does not tell how many.
      return Number(this.wakeAll(address, WORD_BYTES, SHARED)) === 0 ? 1 : 0;
    }
    let woken = 0;
    // Not 0: nobody waits (ENOENT).
    while (woken < count && Number(this.wakeAny(address, WORD_BYTES, SHARED)) === 0) woken++;
    return woken;
  }
}
