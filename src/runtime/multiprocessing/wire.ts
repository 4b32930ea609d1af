/**
 * A connected socket in the connection service.
 *
 * It reads nothing that nobody asked for, and never a byte more than the message that was asked for. Node's sockets read
 * as much as there is; but with `onread` they read into a buffer that is given, and that is here exactly as large as
 * what is still to come. While nothing is asked for the socket has a buffer of one byte at hand, for the first byte of
 * what comes next; the rest goes to its place.
 *
 * The descriptor stays open until `close`, also after an error: threads use its number.
 */
import { Socket, type SocketConstructorOpts } from "node:net";
import type { CarriedError } from "./connection-requests.js";
import { IncomingMessage } from "./message-frames.js";

/** What lies beneath a socket of Node's. */
interface Handle {
  readonly fd?: number;
}
type WithHandle = { _handle: Handle | null };

/** How a reading ended: null: the target is full; else what there is instead, behind `got` bytes. */
type Filled = (end: "eof" | CarriedError | null, got: number) => void;

interface Write {
  readonly call: number;
  readonly bytes: Uint8Array;
  begun: boolean;
  readonly done: (error: CarriedError | null) => void;
}

/** What is told of a stream that ends within a message. */
export const CUT: CarriedError = { code: "ECONNRESET", message: "got end of file during message" };

/** An error's code and text. */
export function carried(error: Error): CarriedError {
  return { code: (error as NodeJS.ErrnoException).code ?? "EIO", message: error.message };
}

const COPIED_HEADER = 4;
/** After so long without a word a TCP peer is asked whether it is still there. */
const KEEP_ALIVE_MS = 30_000;

export class Wire {
  readonly #socket: Socket;
  readonly #landing = new Uint8Array(1);
  #target: Uint8Array | null = null;
  #at = 0;
  #filled: Filled | null = null;
  #ended: "eof" | CarriedError | null = null;
  readonly #writes: Write[] = [];
  #writing = false;
  #broken: CarriedError | null = null;
  #closing = false;
  /** How many copies of this end there are in this process. */
  copies = 1;
  readonly fd: number;
  /** The same at both ends of a connection by a socket; 0 if it is none, or they cannot know. */
  identity = 0;
  onClosed: () => void = () => {};

  /** Takes over a connected socket that has read nothing, or a descriptor. */
  constructor(from: Socket | number) {
    const options: Record<string, unknown> = {
      readable: true,
      writable: true,
      allowHalfOpen: true,
      onread: {
        buffer: () => this.#next(),
        callback: (count: number, buffer: Uint8Array) => this.#take(count, buffer),
      },
    };
    if (typeof from === "number") options.fd = from;
    else {
      options.handle = (from as unknown as WithHandle)._handle;
      (from as unknown as WithHandle)._handle = null;
    }
    const socket = new Socket(options as SocketConstructorOpts);
    this.#socket = socket;
    socket.pause();
    if ("setNoDelay" in socket) socket.setNoDelay(true);
    // So that a peer whose machine or network is gone is missed one day.
    if ("setKeepAlive" in socket) socket.setKeepAlive(true, KEEP_ALIVE_MS);
    const destroy = socket.destroy;
    socket.destroy = (error?: Error) => {
      if (this.#closing) return destroy.call(socket, error);
      if (error !== undefined) this.#fail(carried(error));
      return socket;
    };
    socket.on("error", (error) => this.#fail(carried(error)));
    socket.on("end", () => this.#end("eof"));
    this.fd = (socket as unknown as WithHandle)._handle?.fd ?? -1;
  }

  #next(): Uint8Array {
    return this.#target === null || this.#at === 0 ? this.#landing : this.#target.subarray(this.#at);
  }

  #take(count: number, buffer: Uint8Array): boolean {
    const target = this.#target;
    // Never so: it does not read while nothing is wanted.
    if (target === null) return false;
    if (buffer === this.#landing) target[this.#at] = buffer[0] as number;
    this.#at += count;
    if (this.#at === target.length) this.#settle(null);
    // What is filled next begins in the one byte again.
    return this.#target !== null;
  }

  #settle(end: "eof" | CarriedError | null): void {
    const filled = this.#filled;
    const got = this.#at;
    this.#target = null;
    this.#filled = null;
    this.#at = 0;
    filled?.(end, got);
  }

  #end(end: "eof" | CarriedError): void {
    this.#ended ??= end;
    this.#settle(this.#ended);
  }

  #fail(error: CarriedError): void {
    this.#broken ??= error;
    this.#end(error);
    for (const write of this.#writes.splice(0)) write.done(error);
  }

  /** Fills a buffer. */
  fill(target: Uint8Array, filled: Filled): void {
    if (target.length === 0) filled(null, 0);
    else if (this.#ended !== null) filled(this.#ended, 0);
    else {
      this.#target = target;
      this.#filled = filled;
      this.#socket.resume();
    }
  }

  /** Gives up filling, if no byte has come yet. Returns whether it did. */
  unfill(): boolean {
    if (this.#at > 0) return false;
    this.#target = null;
    this.#filled = null;
    this.#socket.pause();
    return true;
  }

  /** Reads on until a message is whole, or its header says that it is longer than `max`. */
  readMessage(message: IncomingMessage, max: number, done: (end: "eof" | CarriedError | null) => void): void {
    const step = () => {
      if (message.message !== null || message.length > max) {
        done(null);
        return;
      }
      let target: Uint8Array;
      try {
        target = message.target();
      } catch {
        done({ code: "EMSGSIZE", message: `a message of ${message.length} bytes does not fit into memory` });
        return;
      }
      this.fill(target, (end, got) => {
        if (end !== null) {
          done(end === "eof" && (message.begun || got > 0) ? CUT : end);
          return;
        }
        message.advance(target.length);
        step();
      });
    };
    step();
  }

  /** Writes bytes behind all that are to be written already. */
  write(write: Write): void {
    if (this.#broken !== null) {
      write.done(this.#broken);
      return;
    }
    this.#writes.push(write);
    this.#writeNext();
  }

  /** Takes a write back. Returns whether it could. */
  unwrite(call: number): boolean {
    const at = this.#writes.findIndex((write) => write.call === call && !write.begun);
    if (at >= 0) this.#writes.splice(at, 1);
    return at >= 0;
  }

  #writeNext(): void {
    const write = this.#writes[0];
    if (this.#writing || write === undefined) {
      if (write === undefined && this.#closing && !this.#writing) this.#socket.destroy();
      return;
    }
    this.#writing = true;
    write.begun = true;
    this.#socket.write(write.bytes, (error) => {
      this.#writing = false;
      if (error) {
        this.#fail(carried(error));
        if (this.#closing) this.#socket.destroy();
        return;
      }
      this.#writes.shift();
      write.done(null);
      this.#writeNext();
    });
  }

  /** Closes the descriptor when all is written. */
  close(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#socket.on("close", () => this.onClosed());
    if (this.#broken !== null) this.#socket.destroy();
    else this.#writeNext();
  }
}

/** Messages over a wire by promises, for what is said before a connection is handed out. */
export class Dialogue {
  constructor(readonly wire: Wire) {}

  /** The next message. Rejects at the end, and for one that is longer than `max`. */
  read(max: number): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const message = new IncomingMessage();
      this.wire.readMessage(message, max, (end) => {
        if (end === "eof") reject(new Error("the peer closed the connection"));
        else if (end !== null) reject(new Error(end.message));
        else if (message.message === null) reject(new Error("the peer sent something else"));
        else resolve(message.message);
      });
    });
  }

  /** Sends a short message. */
  write(body: Uint8Array): Promise<void> {
    const bytes = new Uint8Array(COPIED_HEADER + body.length);
    new DataView(bytes.buffer).setInt32(0, body.length);
    bytes.set(body, COPIED_HEADER);
    return new Promise((resolve, reject) => {
      const done = (error: CarriedError | null) => (error === null ? resolve() : reject(new Error(error.message)));
      this.wire.write({ call: 0, bytes, begun: false, done });
    });
  }
}
