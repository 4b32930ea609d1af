/** How the platform this runs on waits for a word of memory that processes share. */
import type { KernelWait } from "./kernel-wait.js";
import { LinuxFutex } from "./linux-futex.js";
import { MacWaitOnAddress } from "./macos-wait.js";
import { unavailable } from "./native.js";
import { whole } from "./native-work.js";
import { PollingWait } from "./polling-wait.js";

let system: KernelWait | null = null;

function make(): KernelWait {
  switch (process.platform) {
    case "linux":
      return LinuxFutex.isKnown() ? new LinuxFutex() : new PollingWait();
    case "darwin":
      return MacWaitOnAddress.tryMake() ?? new PollingWait();
    case "win32":
      return new PollingWait();
    default:
      throw unavailable(`this library does not know how on ${process.platform}`);
  }
}

/** What the system gives. Throws `RuntimeError` where it gives nothing. */
export function kernelWait(): KernelWait {
  system ??= whole(make);
  return system;
}
