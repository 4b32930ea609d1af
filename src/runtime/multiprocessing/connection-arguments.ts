/** Checks what connections are given: buffers, offsets, sizes. */
import { BufferTooShort } from "../core/errors.js";
import type { WaitOptions } from "../types.js";

export interface SendBytesOptions extends WaitOptions {
  /** Where the message begins in the buffer; 0 by default. */ offset?: number | undefined;
  /** How many bytes to send; the rest of the buffer by default. */ size?: number | undefined;
}
export interface RecvBytesOptions extends WaitOptions {
  /** The longest message to accept. */ maxLength?: number | undefined;
}

function wholeNumber(what: string, value: number): number {
  if (typeof value !== "number") throw new TypeError(`${what} must be a number`);
  if (!Number.isInteger(value) || value < 0) throw new RangeError(`${what} must be a whole number, and not negative`);
  return value;
}

function bytesOf(buffer: Uint8Array): Uint8Array {
  if (!(buffer instanceof Uint8Array)) throw new TypeError("buffer must be a Uint8Array");
  return buffer;
}

/** The part of a buffer that is to be sent. Throws `RangeError` for one outside of it. */
export function partOf(buffer: Uint8Array, { offset = 0, size }: SendBytesOptions): Uint8Array {
  const { length } = bytesOf(buffer);
  if (wholeNumber("offset", offset) > length) throw new RangeError("buffer length < offset");
  if (size === undefined) return buffer.subarray(offset);
  if (offset + wholeNumber("size", size) > length) throw new RangeError("buffer length < offset + size");
  return buffer.subarray(offset, offset + size);
}

/** Where in a buffer a message goes. Throws `RangeError` for an offset outside of it. */
export function targetOf(buffer: Uint8Array, offset = 0): Uint8Array {
  if (wholeNumber("offset", offset) > bytesOf(buffer).length) throw new RangeError("offset too large");
  return buffer.subarray(offset);
}

/** The longest message to accept. */
export function maxLengthOf({ maxLength }: RecvBytesOptions): number {
  return maxLength === undefined ? Number.POSITIVE_INFINITY : wholeNumber("maxLength", maxLength);
}

/** Puts a message into a buffer and returns its length. Throws `BufferTooShort`. */
export function store(message: Uint8Array, into: Uint8Array): number {
  if (message.length > into.length) throw new BufferTooShort(message);
  into.set(message);
  return message.length;
}
