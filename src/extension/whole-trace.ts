/**
 * A trace that is no file on this machine's disk: in a virtual workspace, or an older version of one that source control
 * shows. It is read at once, as VS Code gives it, and does not grow.
 */
import type { TailSink } from "./trace-tail.js";

const PIECE_BYTES = 256 * 1024;

export class WholeTrace {
  readonly #read: () => PromiseLike<Uint8Array>;
  readonly #sink: TailSink;
  #isDisposed = false;

  constructor(read: () => PromiseLike<Uint8Array>, sink: TailSink) {
    this.#read = read;
    this.#sink = sink;
  }

  /** Hands all bytes on, in pieces; each waits until the last one was taken. Rejects if it cannot be read. */
  async follow(): Promise<void> {
    const bytes = await this.#read();
    if (this.#isDisposed) return;
    await this.#sink.reset(false, bytes.length);
    let at = 0;
    do {
      const piece = bytes.subarray(at, at + PIECE_BYTES);
      at += PIECE_BYTES;
      await this.#sink.bytes(piece, at >= bytes.length);
    } while (at < bytes.length && !this.#isDisposed);
  }

  /** It never grew. */
  finish(): void {}

  dispose(): void {
    this.#isDisposed = true;
  }
}
