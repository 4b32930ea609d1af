/**
 * How a connection keeps messages whole on a stream of bytes: each has its length in front, as in CPython's
 * `multiprocessing.connection`, so that both speak the same on the wire.
 *
 *   i32   length, big-endian; -1: it is longer than an i32 can say, and
 *   u64   its length follows, big-endian
 *   …     the message
 */

const SHORT_HEADER = 4;
const LONG_HEADER = 12;
const LONGEST_SHORT = 0x7fff_ffff;

/** The header of a message. */
function messageHeader(length: number): Uint8Array {
  const header = new Uint8Array(length > LONGEST_SHORT ? LONG_HEADER : SHORT_HEADER);
  const view = new DataView(header.buffer);
  if (length > LONGEST_SHORT) {
    view.setInt32(0, -1);
    view.setBigUint64(4, BigInt(length));
  } else view.setInt32(0, length);
  return header;
}

/** Messages below this are copied behind their header, so that they are one write. */
const COPIED_BELOW = 16 * 1024;

/** A message as it is written: its header and itself, in one piece if it is short. */
export function framed(message: Uint8Array): Uint8Array[] {
  return message.length < COPIED_BELOW ? [framedTogether([message])] : [messageHeader(message.length), message];
}

/** Messages that an i32 can say the length of, with their headers, in one piece. */
export function framedTogether(messages: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(messages.reduce((sum, message) => sum + SHORT_HEADER + message.length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const message of messages) {
    view.setInt32(at, message.length);
    bytes.set(message, at + SHORT_HEADER);
    at += SHORT_HEADER + message.length;
  }
  return bytes;
}

/**
 * A message that comes in, piece by piece: {@link target} is where the next bytes go, never more than belong to it, so
 * that what follows stays in the kernel for whoever else has a copy of this end.
 */
export class IncomingMessage {
  readonly #header = new Uint8Array(LONG_HEADER);
  #headerWanted = SHORT_HEADER;
  #headerGot = 0;
  #body: Uint8Array | null = null;
  #bodyGot = 0;
  /** The length of the message; -1 until the header is there. */
  length = -1;

  /** True if something of the message is there. */
  get begun(): boolean {
    return this.#headerGot > 0;
  }

  /** What is there of the header, for somebody else to go on with. */
  get header(): Uint8Array {
    return this.#header.slice(0, this.#headerGot);
  }

  /** The whole message, or null. */
  get message(): Uint8Array | null {
    return this.#body !== null && this.#bodyGot === this.length ? this.#body : null;
  }

  /** How many bytes of the body are still to come; the length must be known. */
  get missing(): number {
    return this.length - this.#bodyGot;
  }

  /** Where the next bytes go. Throws `RangeError` if no memory can hold the message. */
  target(): Uint8Array {
    if (this.length < 0) return this.#header.subarray(this.#headerGot, this.#headerWanted);
    this.#body ??= new Uint8Array(this.length);
    return this.#body.subarray(this.#bodyGot);
  }

  /** Takes note that `count` bytes have come into the target. */
  advance(count: number): void {
    if (this.length >= 0) {
      this.#bodyGot += count;
      return;
    }
    this.#headerGot += count;
    if (this.#headerGot < this.#headerWanted) return;
    const view = new DataView(this.#header.buffer);
    const short = view.getInt32(0);
    if (short >= 0) this.length = short;
    else if (this.#headerWanted === LONG_HEADER) this.length = Number(view.getBigUint64(4));
    else this.#headerWanted = LONG_HEADER;
    // Of an empty message nothing more comes.
    if (this.length === 0) this.#body = new Uint8Array(0);
  }

  /** Takes bytes that came to somebody else, as many as there were to come at most. */
  add(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const target = this.target();
      const count = Math.min(target.length, bytes.length - at);
      target.set(bytes.subarray(at, at + count));
      this.advance(count);
      at += count;
    }
  }
}

/** The parts of a frame that come after its first `skip` bytes. */
export function behind(frame: readonly Uint8Array[], skip: number): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let at = skip;
  for (const part of frame) {
    if (at < part.length) parts.push(part.subarray(at));
    at = Math.max(0, at - part.length);
  }
  return parts;
}

/** The rest of a frame in memory of its own, which goes to the service. */
export function rest(frame: readonly Uint8Array[], total: number, written: number, owned: boolean): Uint8Array {
  const last = frame[frame.length - 1] as Uint8Array;
  const begins = total - last.length;
  const movable = owned && last.byteOffset === 0 && last.byteLength === last.buffer.byteLength;
  if (written >= begins && movable && last.buffer instanceof ArrayBuffer) return last.subarray(written - begins);
  const bytes = new Uint8Array(total - written);
  let at = 0;
  for (const part of behind(frame, written)) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
