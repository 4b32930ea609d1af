/**
 * The descriptors that a child process is started with, beside its channel. While the arguments of a process are
 * encoded, every end of a connection among them adds its descriptor here; the child finds them behind its channel in the
 * same order. The operating system copies them, so parent and child each have a copy of the end.
 */
import { CHANNEL_FD } from "./channel-fd.js";

let collected: number[] | null = null;

/** Calls `encode` and gives the descriptors that were passed meanwhile. */
export function collectDescriptors<T>(encode: () => T): { readonly value: T; readonly descriptors: readonly number[] } {
  const before = collected;
  const descriptors: number[] = [];
  collected = descriptors;
  try {
    return { value: encode(), descriptors };
  } finally {
    collected = before;
  }
}

/** Passes a descriptor to the child that is being started. Returns its number there, or -1 if no child is. */
export function passDescriptor(fd: number): number {
  if (collected === null) return -1;
  let at = collected.indexOf(fd);
  if (at < 0) at = collected.push(fd) - 1;
  return CHANNEL_FD + 1 + at;
}
