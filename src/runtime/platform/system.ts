/** The shared memory of the platform this runs on. */
import { LinuxSharedMemory } from "./linux.js";
import { MacSharedMemory } from "./macos.js";
import { unavailable } from "./native.js";
import { whole } from "./native-work.js";
import type { SharedMemorySystem } from "./shared-memory-system.js";
import { WindowsSharedMemory } from "./windows.js";

let system: SharedMemorySystem | null = null;

function make(): SharedMemorySystem {
  switch (process.platform) {
    case "linux":
      return new LinuxSharedMemory();
    case "darwin":
      return new MacSharedMemory();
    case "win32":
      return new WindowsSharedMemory();
    default:
      throw unavailable(`this library does not know how on ${process.platform}`);
  }
}

/**
 * That Atomics work on mapped memory is what V8 does and not what the language says, so it is tried before it is relied
 * upon: what one mapping of a page adds and exchanges, another one must show.
 */
function assertAtomic(candidate: SharedMemorySystem): void {
  const first = candidate.createAnonymous(4096);
  const second = candidate.openAnonymous(first.reference);
  try {
    const [a, b] = [first, second].map(({ address }) => new Int32Array(candidate.view(address, 64)));
    const [wideA, wideB] = [a!, b!].map(({ buffer }) => new BigInt64Array(buffer, 8, 1));
    Atomics.add(a!, 0, 41);
    const exchanged = Atomics.compareExchange(b!, 0, 41, 42);
    Atomics.add(wideB!, 0, 7n);
    const works = exchanged === 41 && Atomics.load(a!, 0) === 42 && Atomics.sub(wideA!, 0, 7n) === 7n;
    if (!works || !Atomics.isLockFree(4)) throw unavailable("Atomics do not work on mapped memory in this Node");
  } finally {
    for (const mapping of [first, second]) {
      candidate.unmap(mapping);
      candidate.closeReference(mapping.reference);
    }
  }
}

/** What the system gives. Throws `RuntimeError`, which says why and what works instead, where it gives nothing. */
export function sharedMemorySystem(): SharedMemorySystem {
  system ??= whole(tryOut);
  return system;
}

function tryOut(): SharedMemorySystem {
  const candidate = make();
  try {
    assertAtomic(candidate);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    throw unavailable((error as Error).message);
  }
  return candidate;
}
