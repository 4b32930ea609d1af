/**
 * One end of a connection as a thread has it: who waits for messages, and what is under way.
 *
 * The descriptor does not block. A message that is there is read by the thread itself, and one for which there is room
 * is written by it: two system calls, no other thread. When that stops short, the connection service is asked for what
 * is missing, and until it has answered the thread does not touch that direction of the descriptor. At most one message
 * is read ahead of those who asked: the one that `poll` and `wait` wanted to know of.
 *
 * An end that more than one thread has is read and written by the service only, for it alone sees all of them.
 */
import { readSync, writeSync, writevSync } from "node:fs";
import { now, recording } from "../../recorder/emit.js";
import { EOFError } from "../core/errors.js";
import { type Begin, type ConnectionClient, type ConnectionListener, errorOf } from "./connection-client.js";
import type { CallAnswer, ConnectionReply, EndOfWire } from "./connection-requests.js";
import { IncomingMessage, messageHeader } from "./message-frames.js";
import type { Offer } from "./offers.js";
import { type EndInTrace, RecordedEnd } from "./recorded-end.js";

/** Messages below this are copied behind their header, so that they are one write. */
const COPIED_BELOW = 16 * 1024;

/** Whether the service was asked to read: no; yes; it was asked to stop and has not answered. */
const Asked = { No: 0, Yes: 1, Stopping: 2 } as const;

const noop = (): void => {};

interface Taker {
  readonly max: number;
  /** Where the user asks for the message, for the trace. */
  readonly site: number;
  readonly done: (error: Error | null, message?: Uint8Array) => void;
}

/** Closes what was dropped without being closed. */
const dropped = new FinalizationRegistry<{ client: ConnectionClient; id: number }>(({ client, id }) => {
  client.post({ op: "close", id });
  client.unlisten(id);
});

/** An error with a system's code. */
export function systemError(code: string, message: string): Error {
  return Object.assign(new Error(`${code}: ${message}`), { code });
}

export class ConnectionChannel implements ConnectionListener {
  readonly client: ConnectionClient;
  readonly id: number;
  readonly fd: number;
  readonly #inbox: Uint8Array[] = [];
  #incoming: IncomingMessage | null = null;
  #asked: number = Asked.No;
  /** What a receiver gets when the inbox is empty. */
  #end: Error | null = null;
  readonly #takers: Taker[] = [];
  readonly #watchers = new Set<() => void>();
  #writesAtService = 0;
  #direct: boolean;
  closed = false;
  /** What tells the trace of it; null where nothing is recorded. */
  readonly recorded: RecordedEnd | null;

  constructor(client: ConnectionClient, end: Pick<EndOfWire, "id" | "fd">, inTrace: EndInTrace | null, direct = true) {
    this.client = client;
    this.id = end.id;
    this.fd = end.fd;
    this.#direct = direct && end.fd >= 0;
    this.recorded = recording && inTrace !== null ? new RecordedEnd(inTrace) : null;
    client.listen(this.id, this);
    dropped.register(this, { client, id: this.id }, this);
  }

  // --- Receiving -------------------------------------------------------------------------------------------------

  /** Gives the next message, in the order of asking; the error `EMSGSIZE`, for good, if it is longer than `max`. */
  take(max: number, site: number): Begin<Uint8Array> {
    return (done) => {
      const taker: Taker = { max, site, done };
      this.#takers.push(taker);
      this.#serve();
      return () => {
        const at = this.#takers.indexOf(taker);
        if (at >= 0) this.#takers.splice(at, 1);
        this.#stopIfUnwanted();
      };
    };
  }

  /** Calls back when there is a message or the end. */
  watch(): Begin<true> {
    return (done) => {
      const watcher = () => done(null, true);
      this.#watchers.add(watcher);
      this.#serve();
      return () => {
        this.#watchers.delete(watcher);
        this.#stopIfUnwanted();
      };
    };
  }

  /** Whether there is a message or the end now. */
  ready(): boolean {
    this.client.drain();
    if (this.#asked !== Asked.No && this.#watchers.size + this.#takers.length === 0) this.#recall();
    this.#serve(true);
    if (this.#asked === Asked.No && !this.#direct && !this.#isReady()) this.#lookAtService();
    return this.#isReady();
  }

  #isReady(): boolean {
    return this.#inbox.length > 0 || this.#end !== null;
  }

  /** Where threads cannot read themselves, they ask the service and take that back. */
  #lookAtService(): void {
    this.#ask(Number.POSITIVE_INFINITY);
    this.#recall();
  }

  /** Hands out what is there, and asks for more if somebody waits for it. */
  #serve(onlyLook = false): void {
    if (this.closed) return;
    for (let taker = this.#takers[0]; taker !== undefined; taker = this.#takers[0]) {
      if (this.#inbox.length === 0 && !this.#fetch(taker.max)) {
        if (this.#end === null) {
          this.#ask(taker.max);
          return;
        }
        this.#takers.shift();
        taker.done(this.#end);
        continue;
      }
      this.#takers.shift();
      const message = this.#inbox[0] as Uint8Array;
      if (message.length > taker.max) {
        this.#refuse(message.length);
        taker.done(this.#end);
      } else {
        this.#inbox.shift();
        taker.done(null, message);
        this.recorded?.received(taker.site, message.length);
      }
    }
    if (this.#watchers.size === 0 && !onlyLook) return;
    if (!this.#isReady()) this.#fetch(Number.POSITIVE_INFINITY);
    if (this.#isReady()) {
      const watchers = [...this.#watchers];
      this.#watchers.clear();
      for (const watcher of watchers) watcher();
    } else if (!onlyLook) this.#ask(Number.POSITIVE_INFINITY);
  }

  #refuse(length: number): void {
    this.#inbox.length = 0;
    this.#incoming = null;
    this.#end = systemError("EMSGSIZE", `bad message length: ${length} bytes`);
  }

  /** Reads a message into the inbox if it is there and the descriptor is ours. Returns whether there is one. */
  #fetch(max: number): boolean {
    if (!this.#direct || this.#asked !== Asked.No || this.#end !== null) return false;
    this.#incoming ??= new IncomingMessage();
    const incoming = this.#incoming;
    try {
      while (incoming.message === null) {
        if (incoming.length > Math.min(max, Number.MAX_SAFE_INTEGER)) {
          this.#refuse(incoming.length);
          return false;
        }
        const target = incoming.target();
        const count = readSync(this.fd, target, 0, target.length, null);
        if (count === 0) {
          this.#setEnd(incoming.begun ? systemError("ECONNRESET", "got end of file during message") : null);
          return false;
        }
        incoming.advance(count);
      }
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === "EAGAIN") return false;
      if (error instanceof RangeError) this.#refuse(incoming.length);
      else this.#setEnd(systemError(code ?? "EIO", message));
      return false;
    }
    this.#incoming = null;
    this.#inbox.push(incoming.message as Uint8Array);
    return true;
  }

  #setEnd(error: Error | null): void {
    this.#incoming = null;
    this.#end = error ?? new EOFError("the other end of the connection is closed");
  }

  #ask(max: number): void {
    if (this.#asked !== Asked.No) return;
    this.#asked = Asked.Yes;
    const incoming = this.#incoming;
    const known = incoming !== null && incoming.length >= 0;
    this.client.post({
      op: "read",
      id: this.id,
      header: incoming?.begun && !known ? incoming.header : null,
      missing: known ? incoming.missing : -1,
      max,
    });
  }

  #stopIfUnwanted(): void {
    if (this.#asked !== Asked.Yes || this.#takers.length + this.#watchers.size > 0 || this.closed) return;
    this.#asked = Asked.Stopping;
    this.client.post({ op: "stop", id: this.id });
  }

  /** Blocks until the service reads nothing for this end any more, but a message that has begun. */
  #recall(): void {
    if (this.#asked === Asked.Yes) {
      this.#asked = Asked.Stopping;
      this.client.post({ op: "stop", id: this.id });
    }
    while ((this.#asked as number) === Asked.Stopping) this.client.next(Number.POSITIVE_INFINITY);
  }

  /** Takes what the service says of this end. */
  reply(reply: ConnectionReply): void {
    if (reply.type === "stopped") {
      if (this.#asked === Asked.Stopping) this.#asked = reply.reading ? Asked.Yes : Asked.No;
    } else if (reply.type === "message" || reply.type === "header") {
      // While it is asked to stop, what it answered before counts, and the answer to that is still to come.
      if (this.#asked === Asked.Yes) this.#asked = Asked.No;
      const incoming = this.#incoming;
      if (reply.type === "header") {
        this.#incoming = new IncomingMessage();
        this.#incoming.add(reply.bytes);
        const max = this.#takers[0]?.max ?? Number.POSITIVE_INFINITY;
        if (this.#incoming.length > max) this.#refuse(this.#incoming.length);
      } else if (incoming !== null && incoming.length >= 0) {
        incoming.add(reply.bytes);
        this.#incoming = null;
        this.#inbox.push(incoming.message as Uint8Array);
      } else {
        this.#incoming = null;
        this.#inbox.push(reply.bytes);
      }
    } else if (reply.type === "end") {
      if (this.#asked === Asked.Yes) this.#asked = Asked.No;
      if (reply.error?.code === "EMSGSIZE") this.#end = systemError("EMSGSIZE", reply.error.message);
      else this.#setEnd(reply.error === null ? null : systemError(reply.error.code, reply.error.message));
    }
    this.#serve();
  }

  // --- Sending ---------------------------------------------------------------------------------------------------

  /**
   * Sends a message, which nobody changes any more if it is `owned`; calls back when all of it is on its way. `unsent` is
   * called if nobody will ever receive it.
   */
  put(message: Uint8Array, owned: boolean, site: number, unsent: () => void = noop): Begin<void> {
    return (done) => {
      const t = recording ? now() : 0;
      const header = messageHeader(message.length);
      let frame: Uint8Array[];
      if (message.length < COPIED_BELOW) {
        const together = new Uint8Array(header.length + message.length);
        together.set(header);
        together.set(message, header.length);
        frame = [together];
      } else frame = [header, message];
      const total = header.length + message.length;
      let written = 0;
      if (this.#direct && this.#writesAtService === 0) {
        try {
          written = this.#writeDirectly(frame, total);
        } catch (error) {
          const { code, message } = error as NodeJS.ErrnoException;
          unsent();
          done(Object.assign(new Error(message), { code }));
          return () => {};
        }
        if (written === total) {
          this.recorded?.sent(t, site, message.length);
          done(null);
          return () => {};
        }
      }
      this.recorded?.sent(t, site, message.length);
      return this.#putAtService(rest(frame, total, written, owned), written > 0, (error) => {
        if (error !== null) unsent();
        done(error);
      });
    };
  }

  #writeDirectly(frame: readonly Uint8Array[], total: number): number {
    let written = 0;
    try {
      while (written < total) {
        const parts = behind(frame, written);
        written += parts.length === 1 ? writeSync(this.fd, parts[0] as Uint8Array) : writevSync(this.fd, parts);
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
    }
    return written;
  }

  #putAtService(bytes: Uint8Array, begun: boolean, done: (error: Error | null) => void): () => void {
    this.#writesAtService++;
    const { client, id } = this;
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

  /** Offers of other ends are in the next message: if nobody has the other end of this one any more, they are gone. */
  carries(offers: readonly Offer[]): void {
    const numbers = offers.filter(({ client }) => client === this.client).map(({ number }) => number);
    this.client.post({ op: "carried", numbers, by: this.id });
  }

  // --- Sharing and the end ---------------------------------------------------------------------------------------

  /** Has this end read and written by the service only: several threads have it. */
  share(): void {
    this.#recall();
    this.#direct = false;
  }

  /** Takes out what was read and not received, for who gets this end: whole messages, and none is half read. */
  handOver(): Uint8Array[] {
    this.#recall();
    if (this.#incoming?.begun) {
      this.#ask(Number.POSITIVE_INFINITY);
      while (this.#incoming !== null && this.#end === null) this.client.next(Number.POSITIVE_INFINITY);
    }
    return this.#inbox.splice(0);
  }

  /** Takes what was read before it is read from here: by another copy of this end, or by who got none after all. */
  takeOver(messages: readonly Uint8Array[]): void {
    if (messages.length === 0) return;
    this.#inbox.unshift(...messages);
    this.#serve();
  }

  /** Closes this end. Who waits gets the error `EBADF`. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    dropped.unregister(this);
    this.client.post({ op: "close", id: this.id });
    this.client.unlisten(this.id);
    const error = systemError("EBADF", "the connection is closed");
    for (const { done } of this.#takers.splice(0)) done(error);
    for (const watcher of [...this.#watchers]) watcher();
    this.#watchers.clear();
  }
}

/** The parts of a frame that come after its first `skip` bytes. */
function behind(frame: readonly Uint8Array[], skip: number): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let at = skip;
  for (const part of frame) {
    if (at < part.length) parts.push(part.subarray(at));
    at = Math.max(0, at - part.length);
  }
  return parts;
}

/** The rest of a frame in memory of its own, which goes to the service. */
function rest(frame: readonly Uint8Array[], total: number, written: number, owned: boolean): Uint8Array {
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
