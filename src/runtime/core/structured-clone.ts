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
import { isTooDeep } from "./error-writer.js";
import { DataCloneError } from "./errors.js";
import type { Pins } from "./handles.js";
import { marked } from "./transfer.js";

export { transfer } from "./transfer.js";
export type { DecodeOptions, EncodeOptions };

const writers: Writer[] = [];
const readers: Reader[] = [];

/**
 * Encodes a value into a buffer that is used again: the first `at` of its `bytes`, to be copied from where they go.
 * Hand the writer back with {@link endEncoding}. Throws `DataCloneError` with the path of what cannot cross.
 */
export function beginEncoding(value: unknown, options: EncodeOptions): Writer {
  // A handle may encode something itself (a queue that leaves its thread), so writers are stacked.
  const writer = writers.pop() ?? new Writer();
  writer.reset(options);
  try {
    writer.value(value);
  } catch (error) {
    endEncoding(writer, false);
    throw isTooDeep(error) ? tooDeep(options.path) : error;
  }
  return writer;
}

function tooDeep(path = ""): DataCloneError {
  const what = "it is nested too deeply to cross; pass it as a flat list, or as text";
  return new DataCloneError(path === "" ? what : `${path}: ${what}`, { path });
}

/** The other half of {@link beginEncoding}. `sent`: the value has crossed, so what was to be moved leaves this thread. */
export function endEncoding(writer: Writer, sent: boolean): void {
  if (writer.detach.length > 0) {
    if (sent) detach(writer.detach);
    writer.detach = [];
  }
  if (writer.pins !== null) {
    if (!sent) for (const undo of writer.pins) undo();
    writer.pins = null;
  }
  if (writer.seen.length > 0) writer.seen = [];
  writer.seenMap = null;
  writer.extras = undefined;
  if (writer.bytes.length > 1 << 20) writer.bytes = Buffer.allocUnsafeSlow(4096);
  if (writers.length < 4) writers.push(writer);
}

/** Takes their memory away from buffers that have crossed. */
export function detach(buffers: readonly ArrayBuffer[]): void {
  for (const buffer of buffers) {
    marked.delete(buffer);
    structuredClone(buffer, { transfer: [buffer] });
  }
}

/** An encoded value that may yet not cross: what was to be moved is still here, until {@link detach}. */
export interface Unsent {
  readonly bytes: Uint8Array;
  readonly moved: readonly ArrayBuffer[];
  /** To be taken back if it does not cross. */
  readonly pins: Pins;
}

/** An encoded value is not sent after all. */
export function discard(unsent: Unsent): void {
  for (const undo of unsent.pins ?? []) undo();
}

/** Encodes a value into bytes of its own that are to be sent later, if at all. */
export function encodeUnsent(value: unknown, options: EncodeOptions = {}): Unsent {
  const writer = beginEncoding(value, options);
  const length = writer.at;
  const bytes = new Uint8Array(length);
  const written = writer.bytes;
  // Small values, which are most, are copied faster without a call into native code.
  if (length > 192) bytes.set(written.subarray(0, length));
  else for (let i = 0; i < length; i++) bytes[i] = written[i] as number;
  const { detach: moved, pins } = writer;
  writer.pins = null;
  endEncoding(writer, false);
  return { bytes, moved, pins };
}

/**
 * Encodes a value into bytes of its own. Buffers marked by {@link transfer} are detached when all of it could be
 * encoded. Throws `DataCloneError` with the path of what cannot cross.
 */
export function encode(value: unknown, options: EncodeOptions = {}): Uint8Array {
  const { bytes, moved } = encodeUnsent(value, options);
  if (moved.length > 0) detach(moved);
  return bytes;
}

/** The ports among `extras`: what a message that carries them must list as moved. */
export function movable(extras: readonly unknown[]): MessagePort[] {
  return extras.filter((extra): extra is MessagePort => extra instanceof MessagePort);
}

/** Makes the value again; every call gives fresh objects. Throws `RangeError` for bytes that are no encoded value. */
export function decode(bytes: Uint8Array, options: DecodeOptions = {}): unknown {
  return decodeFrom(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), options);
}

const noOptions: DecodeOptions = {};

/** As {@link decode}, from the beginning of a buffer that may be longer and is the caller's again afterwards. */
export function decodeFrom(bytes: Buffer, options: DecodeOptions = noOptions): unknown {
  const reader = readers.pop() ?? new Reader();
  reader.reset(bytes, options);
  try {
    const value = reader.value();
    if (options.whole === true && reader.at !== bytes.length) {
      throw new RangeError("not an encoded value: it ends before its bytes do");
    }
    return value;
  } catch (error) {
    throw isTooDeep(error) ? tooDeep() : error;
  } finally {
    reader.reset(noBytes, noOptions);
    if (readers.length < 4) readers.push(reader);
  }
}

const noBytes = Buffer.alloc(0);
