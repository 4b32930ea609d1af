/**
 * One end of a connection as a thread has it: who waits for messages, and what is under way.
 *
 * The descriptor does not block. A message that is there is read by the thread itself, and one for which there is room
 * is written by it: two system calls, no other thread. When that stops short, the connection service is asked for what
 * is missing, and until it has answered the thread does not touch that direction of the descriptor. At most one message
 * is read ahead of those who asked: the one that `poll` and `wait` wanted to know of.
 *
 * An end that more than one thread has is read and written by the service only, for it alone sees all of them.
 *
 * An end that is only for this thread may be read by its event loop (`loop-reader.ts`, {@link ConnectionChannel.readByLoop}).
 * Before the thread blocks the service takes over, since that loop does not turn then.
 */
import { readSync } from "node:fs";
import { recording } from "../../recorder/emit.js";
import { EOFError } from "../core/errors.js";
import { descriptors } from "../platform/descriptors.js";
import { errorWithCode, remadeError } from "../platform/system-error.js";
import type { Begin, ConnectionClient, ConnectionListener } from "./connection-client.js";
import type { ConnectionReply, EndOfWire } from "./connection-requests.js";
import { ConnectionSender } from "./connection-sender.js";
import { LoopReader, type Reading, readingBuffer } from "./loop-reader.js";
import { framed, framedTogether, IncomingMessage } from "./message-frames.js";
import type { Offer } from "./offers.js";
import { type EndInTrace, RecordedEnd } from "./recorded-end.js";

/** Whether the service was asked to read: no; yes; it was asked to stop and has not answered. */
const Asked = { No: 0, Yes: 1, Stopping: 2 } as const;

const noop = (): void => {};

interface Taker {
  readonly max: number;
  /** Where the user asks for the message, for the trace. */
  readonly site: number;
  readonly done: (error: Error | null, message?: Uint8Array) => void;
}

/** What is left of an end that was dropped without being closed. */
interface Remains {
  readonly client: ConnectionClient;
  readonly id: number;
  /** Who reads it by the event loop. */
  loop: LoopReader | null;
}

function closeRemains({ client, id, loop }: Remains): void {
  loop?.close();
  client.post({ op: "close", id });
  client.unlisten(id);
}

const dropped = new FinalizationRegistry<Remains>(closeRemains);

function tooLong(length: number): Error {
  return errorWithCode("EMSGSIZE", `bad message length: ${length} bytes`);
}

export class ConnectionChannel implements ConnectionListener, Reading {
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
  #direct: boolean;
  readonly #sender: ConnectionSender;
  readonly #remains: Remains;
  /** The longest message that the event loop reads. */
  #longest = Number.POSITIVE_INFINITY;
  closed = false;
  /** What tells the trace of it; null where nothing is recorded. */
  readonly recorded: RecordedEnd | null;

  constructor(client: ConnectionClient, end: Pick<EndOfWire, "id" | "fd">, inTrace: EndInTrace | null, direct = true) {
    this.client = client;
    this.id = end.id;
    this.fd = end.fd;
    this.#direct = direct && end.fd >= 0;
    this.recorded = recording && inTrace !== null ? new RecordedEnd(inTrace) : null;
    this.#sender = new ConnectionSender(client, end, this.#direct, this.recorded);
    client.listen(this.id, this);
    this.#remains = { client, id: this.id, loop: null };
    dropped.register(this, this.#remains, this);
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

  /** Whether a message has been read that nobody has taken yet. */
  get isAhead(): boolean {
    return this.#inbox.length > 0;
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
    this.#end = tooLong(length);
  }

  /** Reads a message into the inbox if it is there and the descriptor is ours. Returns whether there is one. */
  #fetch(max: number): boolean {
    if (!this.#direct || this.#asked !== Asked.No || this.#end !== null || this.#remains.loop !== null) return false;
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
          this.#setEnd(incoming.begun ? errorWithCode("ECONNRESET", "got end of file during message") : null);
          return false;
        }
        incoming.advance(count);
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EAGAIN") return false;
      if (error instanceof RangeError) this.#refuse(incoming.length);
      else this.#setEnd(remadeError(error as NodeJS.ErrnoException));
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
    if (this.#remains.loop === null) this.#askService(max);
    else this.#remains.loop.start();
  }

  #askService(max: number): void {
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
      if (reply.error?.code === "EMSGSIZE") this.#end = remadeError(reply.error);
      else this.#setEnd(reply.error === null ? null : remadeError(reply.error));
    }
    this.#serve();
  }

  // --- Reading by this thread's own loop -------------------------------------------------------------------------

  /**
   * Has the event loop of this thread read this end from now on, messages of `longest` bytes at most, where the system
   * can do that. Only for ends that nobody else has or gets, and whose messages are waited for by {@link take}.
   */
  readByLoop(longest: number): void {
    if (!this.#direct || this.closed || this.#remains.loop !== null) return;
    this.#longest = longest;
    this.#remains.loop = LoopReader.tryMake(this.fd, this);
    if (this.#remains.loop !== null) this.client.readByLoop(this.id);
  }

  /** Blocks until a message has come, for `ms` at most. Returns false if none has, and at once where that cannot be. */
  waitBriefly(ms: number): boolean {
    const system = descriptors();
    const until = performance.now() + ms;
    while (this.#asked === Asked.No && this.#remains.loop !== null && this.#end === null && !this.closed) {
      if (system === null || !system.waitReadable(this.fd, until - performance.now())) return false;
      this.#readMuch();
      if (!this.#isReady()) continue;
      this.#serve();
      return true;
    }
    return false;
  }

  /** The thread is about to block: the service reads instead of its loop. */
  beforeBlocking(): void {
    const { loop } = this.#remains;
    if (loop === null || this.#asked !== Asked.No || this.#takers.length === 0 || this.#isReady()) return;
    loop.stop();
    this.#askService(this.#longest);
  }

  /** Reads what is there. */
  #readMuch(): void {
    const incoming = this.#incoming;
    try {
      // The rest of a long message goes where it belongs.
      const isLong = incoming !== null && incoming.length >= 0 && incoming.missing > readingBuffer().length;
      const target = isLong ? incoming.target() : readingBuffer();
      const count = readSync(this.fd, target, 0, target.length, null);
      if (count === 0) this.ended(null);
      else if (isLong) incoming.advance(count);
      else this.#add(target.subarray(0, count));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") this.ended(error as NodeJS.ErrnoException);
    }
  }

  /** Takes bytes of any number of messages. */
  #add(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      this.#incoming ??= new IncomingMessage();
      const incoming = this.#incoming;
      const target = incoming.target();
      const count = Math.min(target.length, bytes.length - at);
      target.set(bytes.subarray(at, at + count));
      incoming.advance(count);
      at += count;
      if (incoming.length > this.#longest) {
        // What came before it stays.
        this.#incoming = null;
        this.#end = tooLong(incoming.length);
        return;
      }
      if (incoming.message === null) continue;
      this.#inbox.push(incoming.message);
      this.#incoming = null;
    }
  }

  /** Takes what the loop has read. */
  bytes(bytes: Uint8Array): boolean {
    if (this.#end !== null) return false;
    try {
      this.#add(bytes);
    } catch (error) {
      this.ended(error as Error);
    }
    this.#serve();
    // What nobody asked for is not read, beyond what came along.
    return this.#asked === Asked.No && this.#end === null && (this.#takers.length > 0 || this.#inbox.length === 0);
  }

  /** Takes what the loop says of the stream's end. */
  ended(error: NodeJS.ErrnoException | null): void {
    if (this.#end !== null) return;
    if (error !== null) this.#setEnd(remadeError(error));
    else this.#setEnd(this.#incoming?.begun ? errorWithCode("ECONNRESET", "got end of file during message") : null);
    this.#serve();
  }

  // --- Sending ---------------------------------------------------------------------------------------------------

  /**
   * Sends a message, which nobody changes any more if it is `owned`; calls back when all of it is on its way. `unsent` is
   * called if nobody will ever receive it.
   */
  put(message: Uint8Array, owned: boolean, site: number, unsent: () => void = noop): Begin<void> {
    return (done) =>
      this.#sender.put(framed(message), message.length, owned, site, (error) => {
        if (error !== null) unsent();
        done(error);
      });
  }

  /** Sends short messages by one call of the system; calls back when all of them are on their way. */
  putTogether(messages: readonly Uint8Array[]): Begin<void> {
    const length = messages.reduce((sum, message) => sum + message.length, 0);
    return (done) => this.#sender.put([framedTogether(messages)], length, true, 0, done);
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
    this.#sender.direct = false;
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
    closeRemains(this.#remains);
    const error = errorWithCode("EBADF", "the connection is closed");
    for (const { done } of this.#takers.splice(0)) done(error);
    for (const watcher of [...this.#watchers]) watcher();
    this.#watchers.clear();
  }
}
