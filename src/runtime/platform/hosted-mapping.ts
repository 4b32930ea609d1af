/**
 * Large shared memory that costs the garbage collector nothing.
 *
 * V8 takes the length of a buffer over memory of somebody else's for memory in use: a view of 1 GiB of which nothing was
 * ever written has it collect garbage, twice. It does not with a SharedArrayBuffer. So the memory is mapped over that of
 * one, and V8 is left to think that it is its own. Not every one will do: this one belongs to a WebAssembly memory, which
 * begins at a page, is reserved and not allocated, never moves, and is given back by `munmap`, all of it, when no view is
 * left. So nobody has to unmap it, and nobody can touch it when it is gone.
 *
 * V8 reserves some 10 GiB of addresses for each, and where there are none it tries for long, and may end the process. So
 * this is done only where addresses are known to be plenty: on x64, without a limit, until a good part of them is taken.
 * That is some 3000 times; elsewhere, memory is mapped and viewed as usual.
 */
import { readFileSync } from "node:fs";
import { type NativeFunction, native } from "./native.js";

/** Bytes of a page of WebAssembly's. */
const PAGE = 64 * 1024;
const MOST_PAGES = 65_536;

/** The part of WebAssembly's interface that is used. */
interface Memory {
  readonly buffer: SharedArrayBuffer;
  grow(pages: number): number;
}
interface WithMemory {
  readonly WebAssembly?: {
    readonly Memory: new (options: { initial: number; maximum: number; shared: true }) => Memory;
  };
}

/** The pages that a process may take before nothing is hosted any more: 32 of 128 TiB. */
const PLENTY_PAGES = 2 ** 33;

let unlimited: boolean | null = null;

/** Whether there are addresses for another one. */
function hasAddresses(): boolean {
  try {
    unlimited ??=
      process.arch === "x64" && /^Max address space +unlimited/m.test(readFileSync("/proc/self/limits", "latin1"));
    return unlimited && Number.parseInt(readFileSync("/proc/self/statm", "latin1"), 10) < PLENTY_PAGES;
  } catch {
    return false;
  }
}

let memmove: NativeFunction | null = null;

function addressOf(buffer: SharedArrayBuffer): bigint {
  memmove ??= native().load(null).func("uint64_t memmove(void *to, const void *from, size_t count)");
  const bytes = new Uint8Array(buffer);
  // The address is all that is wanted of it.
  return BigInt(memmove(bytes, bytes, 0) as number | bigint);
}

/**
 * A buffer of at least `size` bytes that shows what `map` maps at the address that it is given. Null if there can be
 * none; then nothing is mapped, or what is will be gone by itself.
 */
export function hostMapping(
  size: number,
  map: (address: bigint) => void,
): { readonly buffer: SharedArrayBuffer; readonly address: bigint } | null {
  const { WebAssembly } = globalThis as unknown as WithMemory;
  const pages = Math.ceil(size / PAGE);
  if (WebAssembly === undefined || pages < 1 || pages > MOST_PAGES || !hasAddresses()) return null;
  let memory: Memory;
  try {
    memory = new WebAssembly.Memory({ initial: 1, maximum: pages, shared: true });
  } catch {
    return null;
  }
  const address = addressOf(memory.buffer);
  // Before it grows, so that the system is never asked for that much memory of this process alone.
  map(address);
  try {
    if (pages > 1) memory.grow(pages - 1);
  } catch {
    return null;
  }
  const { buffer } = memory;
  return buffer.byteLength >= size && addressOf(buffer) === address ? { buffer, address } : null;
}
