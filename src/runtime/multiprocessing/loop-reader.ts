/**
 * Reads a connection by the event loop of the thread that uses it, without the connection service: for connections on
 * which much is said in both directions, a manager's, where the way over another thread is most of a message's time.
 *
 * The service owns the descriptor, and the event loops of two threads cannot have the same one, for one would close it
 * under the other. So this loop has a duplicate of it. It reads as much as there is, which the service never does; so
 * such an end cannot be handed to anybody else.
 */
import { Socket, type SocketConstructorOpts } from "node:net";
import { descriptors } from "../platform/descriptors.js";

/** Who wants to know what comes. */
export interface Reading {
  /** Takes bytes, which are somebody else's afterwards. Returns whether more are wanted. */
  bytes(bytes: Uint8Array): boolean;
  /** The stream is at its end, in order if `error` is null. */
  ended(error: NodeJS.ErrnoException | null): void;
}

const BUFFER_BYTES = 64 * 1024;
/** Where all of this thread read to: what is there has been taken from it before the next one reads. */
let shared: Uint8Array | null = null;

/** The memory of this thread that is read to. */
export function readingBuffer(): Uint8Array {
  shared ??= new Uint8Array(BUFFER_BYTES);
  return shared;
}

export class LoopReader {
  readonly #socket: Socket;

  private constructor(fd: number, reading: WeakRef<Reading>) {
    // Without anybody who wants it, the end has been dropped and will be closed.
    const callback = (count: number, buffer: Uint8Array) => reading.deref()?.bytes(buffer.subarray(0, count)) ?? false;
    const onread = { buffer: readingBuffer(), callback };
    const options = { fd, readable: true, writable: false, allowHalfOpen: true, onread };
    const socket = new Socket(options as SocketConstructorOpts);
    socket.pause();
    socket.on("error", (error) => reading.deref()?.ended(error));
    socket.on("end", () => reading.deref()?.ended(null));
    // What keeps the thread alive is who waits, not the socket.
    socket.unref();
    this.#socket = socket;
  }

  /** A reader of a descriptor, or null where there can be none. Whoever has it has to keep `reading`, and to close it. */
  static tryMake(fd: number, reading: Reading): LoopReader | null {
    const duplicate = descriptors()?.duplicate(fd) ?? -1;
    return duplicate < 0 ? null : new LoopReader(duplicate, new WeakRef(reading));
  }

  /** Reads on, as soon as the event loop turns. */
  start(): void {
    this.#socket.resume();
  }

  /** Reads nothing more from now on. */
  stop(): void {
    this.#socket.pause();
  }

  close(): void {
    this.#socket.destroy();
  }
}
