/**
 * The sending half of a thread's end of a connection: what there is room for is written by the thread itself, the rest by
 * the connection service, and until that is done all that comes behind it, too.
 */

import { writeSync, writevSync } from "node:fs";
import { now, recording } from "../../recorder/emit.js";
import { remadeError } from "../platform/system-error.js";
import { type ConnectionClient, errorOf } from "./connection-client.js";
import type { CallAnswer, EndOfWire } from "./connection-requests.js";
import { behind, rest } from "./message-frames.js";
import type { RecordedEnd } from "./recorded-end.js";

export class ConnectionSender {
  readonly #client: ConnectionClient;
  readonly #id: number;
  readonly #fd: number;
  readonly #recorded: RecordedEnd | null;
  #writesAtService = 0;
  /** Whether the thread may write to the descriptor. */
  direct: boolean;

  constructor(
    client: ConnectionClient,
    { id, fd }: Pick<EndOfWire, "id" | "fd">,
    direct: boolean,
    recorded: RecordedEnd | null,
  ) {
    this.#client = client;
    this.#id = id;
    this.#fd = fd;
    this.direct = direct;
    this.#recorded = recorded;
  }

  /** Sends a frame of a message, or of some, of `length` bytes without their headers; calls back when it is on its way. */
  put(
    frame: readonly Uint8Array[],
    length: number,
    owned: boolean,
    site: number,
    done: (error: Error | null) => void,
  ): () => void {
    const t = recording ? now() : 0;
    const total = frame.reduce((sum, part) => sum + part.length, 0);
    let written = 0;
    if (this.direct && this.#writesAtService === 0) {
      try {
        written = this.#writeDirectly(frame, total);
      } catch (error) {
        done(remadeError(error as NodeJS.ErrnoException));
        return () => {};
      }
      if (written === total) {
        this.#recorded?.sent(t, site, length);
        done(null);
        return () => {};
      }
    }
    this.#recorded?.sent(t, site, length);
    return this.#putAtService(rest(frame, total, written, owned), written > 0, done);
  }

  #writeDirectly(frame: readonly Uint8Array[], total: number): number {
    let written = 0;
    try {
      while (written < total) {
        const parts = behind(frame, written);
        written += parts.length === 1 ? writeSync(this.#fd, parts[0] as Uint8Array) : writevSync(this.#fd, parts);
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
    }
    return written;
  }

  #putAtService(bytes: Uint8Array, begun: boolean, done: (error: Error | null) => void): () => void {
    this.#writesAtService++;
    const client = this.#client;
    const id = this.#id;
    const answered = (answer: CallAnswer) => {
      this.#writesAtService--;
      done(answer.error === null ? null : errorOf(answer.error));
    };
    const call = client.call((call) => ({ op: "write", id, call, bytes, begun }), answered, [
      bytes.buffer as ArrayBuffer,
    ]);
    // A message that has begun goes out whole, since half of one would be of no use to anybody.
    return () => client.post({ op: "unwrite", id, call });
  }
}
