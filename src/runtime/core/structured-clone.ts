/**
 * Values to bytes and back: structured clone with the additions of the API's rule 8.
 *
 * Why a codec of our own and not `v8.serialize`: objects of the library cross by handle wherever they sit, errors keep
 * class, fields, cause and stack, and what cannot cross is named by its path. It is on the hot path of queues and
 * executors, so it writes into one growing buffer, tags are single bytes, and small integers and short ASCII strings
 * (most of what is sent) take no call into native code.
 *
 * Every object gets the next number when it is met first, in the order of writing; the reader counts the same way, so
 * a reference back is just that number. What has to travel by a channel (ports, SharedArrayBuffers) goes into
 * `extras`, beside the bytes.
 */
import { MessagePort } from "node:worker_threads";
import { type DecodeOptions, Reader } from "./clone-reader.js";
import { type EncodeOptions, Writer } from "./clone-writer.js";
import { marked } from "./transfer.js";

export { transfer } from "./transfer.js";
export type { DecodeOptions, EncodeOptions };

const writers: Writer[] = [];

/**
 * Encodes a value into bytes of its own. Buffers marked by {@link transfer} are detached when all of it could be
 * encoded. Throws `DataCloneError` with the path of what cannot cross.
 */
export function encode(value: unknown, options: EncodeOptions = {}): Uint8Array {
  // A handle may encode something itself (a queue that leaves its thread), so writers are stacked.
  const writer = writers.pop() ?? new Writer();
  try {
    writer.reset(options);
    writer.value(value);
    const length = writer.at;
    const bytes = new Uint8Array(length);
    const written = writer.bytes;
    // Small values, which are most, are copied faster without a call into native code.
    if (length > 192) bytes.set(written.subarray(0, length));
    else for (let i = 0; i < length; i++) bytes[i] = written[i] as number;
    for (const buffer of writer.detach) {
      marked.delete(buffer);
      structuredClone(buffer, { transfer: [buffer] });
    }
    return bytes;
  } finally {
    writer.seen.length = 0;
    writer.seenMap = null;
    writer.detach.length = 0;
    writer.extras = undefined;
    if (writer.bytes.length > 1 << 20) writer.bytes = Buffer.allocUnsafeSlow(4096);
    if (writers.length < 4) writers.push(writer);
  }
}

/** The ports among `extras`: what a message that carries them must list as moved. */
export function movable(extras: readonly unknown[]): MessagePort[] {
  return extras.filter((extra): extra is MessagePort => extra instanceof MessagePort);
}

/** Makes the value again; every call gives fresh objects. Throws `RangeError` for bytes that are no encoded value. */
export function decode(bytes: Uint8Array, options: DecodeOptions = {}): unknown {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return new Reader(buffer, options).value();
}
