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
export function messageHeader(length: number): Uint8Array {
  const header = new Uint8Array(length > LONGEST_SHORT ? LONG_HEADER : SHORT_HEADER);
  const view = new DataView(header.buffer);
  if (length > LONGEST_SHORT) {
    view.setInt32(0, -1);
    view.setBigUint64(4, BigInt(length));
  } else view.setInt32(0, length);
  return header;
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
