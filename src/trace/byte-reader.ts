/** Reads what `ByteWriter` wrote. Every method throws RangeError behind the end. */
export class ByteReader {
  position = 0;
  readonly #view: DataView;

  constructor(readonly bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.bytes.length - this.position;
  }

  u8(): number {
    if (this.position >= this.bytes.length) throw new RangeError("behind the end");
    return this.bytes[this.position++] as number;
  }

  f64(): number {
    const value = this.#view.getFloat64(this.position, true);
    this.position += 8;
    return value;
  }

  varint(): number {
    const bytes = this.bytes;
    let position = this.position;
    let byte = bytes[position++];
    if (byte === undefined) throw new RangeError("behind the end");
    if (byte < 128) {
      this.position = position;
      return byte;
    }
    let value = byte & 127;
    let scale = 128;
    do {
      byte = bytes[position++];
      if (byte === undefined) throw new RangeError("behind the end");
      value += (byte & 127) * scale;
      scale *= 128;
    } while (byte >= 128);
    // A row of empty bytes without an end makes it NaN.
    if (!(value <= Number.MAX_SAFE_INTEGER)) throw new RangeError("too large a number");
    this.position = position;
    return value;
  }

  signed(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  raw(length: number): Uint8Array {
    if (length > this.left) throw new RangeError("behind the end");
    const bytes = this.bytes.subarray(this.position, this.position + length);
    this.position += length;
    return bytes;
  }

  text(): string {
    return new TextDecoder().decode(this.raw(this.varint()));
  }

  /** A count of items that take at least one byte each: guards allocations against broken numbers. */
  count(): number {
    const count = this.varint();
    if (count > this.left) throw new RangeError("more items than bytes");
    return count;
  }
}
