/**
 * Frames: how messages travel over the byte stream between a process and its child.
 *
 *   offset  type  field
 *   0       u32   length of the body in bytes
 *   4       u32   id: what the message is about (a task's number), or 0
 *   8       u32   kind
 *   12      …     body
 *
 * All little-endian. A stream has no other structure: whoever dies in the middle of a frame leaves a reader that
 * simply never gets that frame, and the end of the stream tells it so.
 */
export const FRAME_HEADER_BYTES = 12;

/** The most bytes that a body may have: what its length field can say. */
export const MAX_BODY_BYTES = 0xffff_ffff;

/** Bodies below this are copied together, so that many small frames are one write. */
const COPY_BELOW = 16 * 1024;
const SLAB_BYTES = 64 * 1024;

/** Gets a frame. The body may be a view of the piece of the stream it came in. */
export type OnFrame = (kind: number, id: number, body: Uint8Array) => void;

/** Writes a frame's header at `offset`. */
export function writeHeader(into: DataView, offset: number, kind: number, id: number, bodyBytes: number): void {
  into.setUint32(offset, bodyBytes, true);
  into.setUint32(offset + 4, id, true);
  into.setUint32(offset + 8, kind, true);
}

/**
 * Collects frames until they are written, so that one write carries many. Large bodies are kept as they are and not
 * copied, so they may not change until they are written.
 */
export class FrameWriter {
  #parts: Uint8Array[] = [];
  #slab = new Uint8Array(SLAB_BYTES);
  #view = new DataView(this.#slab.buffer);
  #start = 0;
  #end = 0;
  #bytes = 0;

  /** How many bytes wait to be taken. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds a frame. Throws `RangeError` for a body that no length field can hold. */
  add(kind: number, id: number, body: Uint8Array): void {
    const length = body.byteLength;
    if (length > MAX_BODY_BYTES) throw new RangeError(`A message of ${length} bytes is too large: the most is 4 GiB`);
    const copied = length < COPY_BELOW;
    const room = FRAME_HEADER_BYTES + (copied ? length : 0);
    if (this.#end + room > SLAB_BYTES) this.#newSlab();
    writeHeader(this.#view, this.#end, kind, id, length);
    this.#end += FRAME_HEADER_BYTES;
    if (copied) {
      this.#slab.set(body, this.#end);
      this.#end += length;
    } else {
      this.#cut();
      this.#parts.push(body);
    }
    this.#bytes += FRAME_HEADER_BYTES + length;
  }

  /** Gives what was added since the last call, in order, and forgets it. */
  take(): Uint8Array[] {
    this.#cut();
    const parts = this.#parts;
    this.#parts = [];
    this.#bytes = 0;
    // What was given away may still be on its way when the next frame comes: never write over it.
    if (this.#end + 1024 > SLAB_BYTES) this.#newSlab();
    return parts;
  }

  #cut(): void {
    if (this.#end > this.#start) this.#parts.push(this.#slab.subarray(this.#start, this.#end));
    this.#start = this.#end;
  }

  #newSlab(): void {
    this.#cut();
    this.#slab = new Uint8Array(SLAB_BYTES);
    this.#view = new DataView(this.#slab.buffer);
    this.#start = 0;
    this.#end = 0;
  }
}

/** Finds the frames in a stream that arrives in pieces of any size. */
export class FrameReader {
  readonly #header = new Uint8Array(FRAME_HEADER_BYTES);
  readonly #headerView = new DataView(this.#header.buffer);
  #headerBytes = 0;
  /** The body being gathered, or null between frames. */
  #body: Uint8Array | null = null;
  #bodyBytes = 0;

  /** True when the stream stands between two frames: nothing is cut if it ends here. */
  get atBoundary(): boolean {
    return this.#headerBytes === 0 && this.#body === null;
  }

  /** Takes the next piece of the stream and calls `onFrame` for every frame that is now whole. */
  push(piece: Uint8Array, onFrame: OnFrame): void {
    let at = 0;
    const end = piece.byteLength;
    const view = new DataView(piece.buffer, piece.byteOffset, end);
    while (at < end) {
      if (this.#body !== null) {
        at = this.#fillBody(piece, at, onFrame);
        continue;
      }
      if (this.#headerBytes === 0 && end - at >= FRAME_HEADER_BYTES) {
        const length = view.getUint32(at, true);
        const bodyAt = at + FRAME_HEADER_BYTES;
        if (end - bodyAt >= length) {
          // The whole frame is in this piece: no copy.
          const id = view.getUint32(at + 4, true);
          const kind = view.getUint32(at + 8, true);
          at = bodyAt + length;
          onFrame(kind, id, piece.subarray(bodyAt, at));
          continue;
        }
      }
      const wanted = Math.min(FRAME_HEADER_BYTES - this.#headerBytes, end - at);
      this.#header.set(piece.subarray(at, at + wanted), this.#headerBytes);
      this.#headerBytes += wanted;
      at += wanted;
      if (this.#headerBytes === FRAME_HEADER_BYTES) {
        this.#body = new Uint8Array(this.#headerView.getUint32(0, true));
        this.#bodyBytes = 0;
        if (this.#body.byteLength === 0) this.#finish(onFrame);
      }
    }
  }

  #fillBody(piece: Uint8Array, at: number, onFrame: OnFrame): number {
    const body = this.#body!;
    const count = Math.min(body.byteLength - this.#bodyBytes, piece.byteLength - at);
    body.set(piece.subarray(at, at + count), this.#bodyBytes);
    this.#bodyBytes += count;
    if (this.#bodyBytes === body.byteLength) this.#finish(onFrame);
    return at + count;
  }

  #finish(onFrame: OnFrame): void {
    const body = this.#body!;
    this.#body = null;
    this.#headerBytes = 0;
    onFrame(this.#headerView.getUint32(8, true), this.#headerView.getUint32(4, true), body);
  }
}
