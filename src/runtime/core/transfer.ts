/** Buffers and ports that move instead of being copied. */
import { types } from "node:util";
import { MessagePort } from "node:worker_threads";
import { describe } from "./describe-value.js";
import { DataCloneError } from "./errors.js";

/** What {@link transfer} marked and has not crossed yet. */
export const marked = new WeakSet<object>();

/**
 * Returns `value` unchanged and marks `buffers` to be moved instead of copied the next time it crosses. Once it has
 * crossed they are detached here. Throws `DataCloneError` for a buffer that cannot be moved.
 *
 * @example
 * ```ts
 * import { isMain, transfer } from "heddle";
 * import { ThreadPoolExecutor } from "heddle/futures";
 *
 * function measure(pixels: ArrayBuffer) {
 *   return pixels.byteLength;
 * }
 *
 * if (isMain) {
 *   await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
 *   const pixels = new ArrayBuffer(1 << 20);
 *   console.log(await pool.submit(measure, transfer(pixels, [pixels]))); // prints 1048576
 *   console.log(pixels.byteLength); // moved, not copied: prints 0
 * }
 * ```
 */
export function transfer<V>(value: V, buffers: readonly (ArrayBuffer | MessagePort)[]): V {
  if (!Array.isArray(buffers)) {
    throw new TypeError(
      `what is to be moved must stand in an array, as in transfer(value, [buffer]), not ${describe(buffers)}`,
    );
  }
  for (const [i, buffer] of buffers.entries()) {
    const movable =
      buffer instanceof MessagePort || (types.isArrayBuffer(buffer) && !isDetached(buffer) && !isPooled(buffer));
    if (!movable) {
      throw new DataCloneError(
        `${describe(buffer)} cannot be moved: only an ArrayBuffer that still has its memory can`,
        {
          path: `buffers[${i}]`,
        },
      );
    }
  }
  for (const buffer of buffers) marked.add(buffer);
  return value;
}

/** True for an ArrayBuffer whose memory was moved away. */
export function isDetached(buffer: ArrayBuffer): boolean {
  if (buffer.byteLength > 0) return false;
  try {
    new Uint8Array(buffer);
    return false;
  } catch {
    return true;
  }
}

/** Node's small Buffers share one pool, which must not be taken away from the others. */
function isPooled(buffer: ArrayBuffer): boolean {
  return buffer === (Buffer.from("x").buffer as unknown) || buffer === (Buffer.allocUnsafe(1).buffer as unknown);
}
