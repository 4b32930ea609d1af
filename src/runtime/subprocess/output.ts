/** What a program printed on one of its streams, while it prints. */
import type { Readable } from "node:stream";

export class Output {
  readonly #pieces: Buffer[] | null;

  /** `stream`: where it comes from, or null if nobody keeps it. */
  constructor(stream: Readable | null) {
    this.#pieces = stream === null ? null : [];
    stream?.on("data", (piece: Buffer) => this.#pieces?.push(piece));
    // What breaks is told by the program's end.
    stream?.on("error", () => {});
  }

  /** All of it so far, or null if nobody kept it. */
  text(encoding: BufferEncoding): string | null {
    return this.#pieces === null ? null : Buffer.concat(this.#pieces).toString(encoding);
  }
}
