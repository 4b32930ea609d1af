// biome-ignore-all lint/suspicious/noExplicitAny: what is given no type argument is any, as in the contract
/** `multiprocessing.Connection`. */

import { inspect } from "node:util";
import type { OnStack } from "../../recorder/call-site.js";
import { WaitReason } from "../../trace/events.js";
import { checkBlockingOptions, checkOptions, knownOptions, refuseSignal, WAIT_OPTIONS } from "../core/check-options.js";
import { checkTimeout } from "../core/deadline.js";
import { TimeoutError } from "../core/errors.js";
import { type Crossing, type Handle, type Pins, registerHandle, toHandle } from "../core/handles.js";
import { decode, detach, discard, encodeUnsent } from "../core/structured-clone.js";
import { errorWithCode } from "../platform/system-error.js";
import type { TimeoutOptions, WaitOptions } from "../types.js";
import {
  maxLengthOf,
  partOf,
  type RecvBytesOptions,
  type SendBytesOptions,
  store,
  targetOf,
} from "./connection-arguments.js";
import { ConnectionChannel } from "./connection-channel.js";
import type { ConnectionClient } from "./connection-client.js";
import { arrive, type ConnectionHandle, type Direction, handleOf } from "./connection-crossing.js";
import type { EndOfWire } from "./connection-requests.js";
import { latestOffer, offersSince } from "./offers.js";
import { type EndInTrace, type RecordedEnd, siteAbove } from "./recorded-end.js";

const SEND_OPTIONS = knownOptions("{ offset: 4 }", "offset", "size", "timeout", "signal");
const RECV_OPTIONS = knownOptions("{ maxLength: 1024 }", "maxLength", "timeout", "signal");
const INTO_OPTIONS = knownOptions("{ offset: 4 }", "offset", "timeout", "signal");

let make: (channel: ConnectionChannel, direction: Direction) => Connection;
let channelOf: (connection: Connection) => ConnectionChannel;
let endOf: (connection: Connection) => RecordedEnd | null;

/** Makes a connection of an end that the service has. */
export function connectionOf(
  client: ConnectionClient,
  end: EndOfWire,
  inTrace: EndInTrace,
  direction = BOTH,
): Connection {
  return make(new ConnectionChannel(client, end, inTrace), direction);
}

/** What tells the trace of a connection; null where nothing is recorded. */
export function recordedEnd(connection: Connection): RecordedEnd | null {
  return endOf(connection);
}

/** The channel of a connection that is open and receives. Throws the error of one that is or does not. */
export function receivingChannel(connection: Connection): ConnectionChannel {
  return channelOf(connection);
}

const BOTH: Direction = { readable: true, writable: true };

/**
 * One end of a pipe or socket that keeps messages whole. Once closed, its use is an `Error` with code `EBADF`.
 *
 * A message whose sending has begun goes out whole, also if its time is up or its signal aborted meanwhile.
 *
 * A connection can itself be sent: to threads, and to processes of this machine by all that carries values (arguments,
 * queues, calls of pools, other connections). The receiver gets a copy. The sender's stays open and usable until it is
 * closed, and the peer sees the end when all copies are; so close it where it is not needed any more. Who sends one to a
 * process that runs already has to live until it has arrived; if it does not, receiving is a `RuntimeError`.
 *
 * @example
 * ```ts
 * import { Pipe } from "heddle/multiprocessing";
 *
 * const [left, right] = Pipe();
 * await left.send({ weights: [1, 2] }); // any value that can be cloned
 * console.log((await right.recv()).weights.length); // prints 2
 * right.sendBytesSync(new Uint8Array([7, 8, 9]), { offset: 1 });
 * console.log(left.recvBytesSync().join()); // prints 8,9
 * console.log(await left.poll()); // prints false
 * left.close();
 * right.close();
 * ```
 *
 * @example
 * A process that runs already is handed one pipe after the other.
 * ```ts
 * import { isMain } from "heddle";
 * import { type Connection, Pipe, Process, Queue } from "heddle/multiprocessing";
 *
 * function serve(callers: Queue<Connection | null>) {
 *   for (let caller = callers.getSync(); caller !== null; caller = callers.getSync()) {
 *     caller.sendSync(`hello, ${caller.recvSync()}`);
 *     caller.close();
 *   }
 * }
 *
 * if (isMain) {
 *   const callers = new Queue<Connection | null>();
 *   const server = new Process({ target: serve, args: [callers] });
 *   server.start();
 *   for (const name of ["Ada", "Grace"]) {
 *     const [ours, theirs] = Pipe<string>();
 *     await callers.put(theirs);
 *     theirs.close(); // the server has, or will have, its own copy
 *     await ours.send(name);
 *     console.log(await ours.recv());
 *   }
 *   // prints hello, Ada
 *   // prints hello, Grace
 *   await callers.put(null);
 *   await server.join();
 * }
 * ```
 */
export class Connection<T = any> implements Disposable {
  readonly #channel: ConnectionChannel;
  readonly #writable: boolean;
  #readable: boolean;

  static {
    make = (channel, direction) => new Connection(channel, direction);
    channelOf = (connection) => connection.#receiving();
    endOf = (connection) => connection.#channel.recorded;
  }

  private constructor(channel: ConnectionChannel, direction: Direction) {
    this.#channel = channel;
    this.#readable = direction.readable;
    this.#writable = direction.writable;
  }

  /** True once this end is closed. */
  get closed(): boolean {
    return this.#channel.closed;
  }

  /** True if this end receives. */
  get readable(): boolean {
    return this.#readable;
  }

  /** True if this end sends. */
  get writable(): boolean {
    return this.#writable;
  }

  /**
   * Sends a value, taken as it is now, and resolves when it is on its way. Rejects with an `Error` with code `EPIPE` if
   * there is no peer, `DataCloneError` if it cannot cross, and `TimeoutError`. A connection that is sent stays open here.
   */
  send(value: T, options: WaitOptions = {}): Promise<void> {
    try {
      checkOptions(options, WAIT_OPTIONS);
      const channel = this.#sending();
      options.signal?.throwIfAborted();
      checkTimeout(options.timeout);
      return this.#put(channel, encodeFor(channel, value), options, channel.recorded?.sends.lineAbove(this.send) ?? 0);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Blocking {@link send}. */
  sendSync(value: T, options: TimeoutOptions = {}): void {
    checkBlockingOptions(options);
    const channel = this.#sending();
    checkTimeout(options.timeout);
    this.#putSync(channel, encodeFor(channel, value), options, channel.recorded?.sends.lineAbove(this.sendSync) ?? 0);
  }

  /**
   * Receives a value. Rejects with `EOFError` when the peer is closed and nothing is left, `TimeoutError`, and an `Error`
   * with code `ECONNRESET` if the peer ended within a message; with `RangeError` for a message of `sendBytes`.
   */
  recv(options: WaitOptions = {}): Promise<T> {
    try {
      checkOptions(options, WAIT_OPTIONS);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#take(options, Number.POSITIVE_INFINITY, this.recv).then((message) => valueIn(message) as T);
  }

  /** Blocking {@link recv}. */
  recvSync(options: TimeoutOptions = {}): T {
    checkBlockingOptions(options);
    return valueIn(this.#takeSync(options, Number.POSITIVE_INFINITY, this.recvSync)) as T;
  }

  /** Resolves with whether there is a message or the end. Unlike other waits it takes no timeout for zero. */
  async poll(options: WaitOptions = {}): Promise<boolean> {
    checkOptions(options, WAIT_OPTIONS);
    const channel = this.#receiving();
    const { timeout = 0, signal } = options;
    signal?.throwIfAborted();
    if (channel.ready()) return true;
    if (timeout <= 0) return false;
    const recorded = channel.recorded?.wait(WaitReason.Receive, siteAbove(this.poll)) ?? null;
    return orFalse(() => channel.client.wait(channel.watch(), { timeout, signal }, recorded));
  }

  /** Blocking {@link poll}. */
  pollSync(options: TimeoutOptions = {}): boolean {
    checkBlockingOptions(options);
    const channel = this.#receiving();
    const { timeout = 0 } = options;
    if (channel.ready()) return true;
    if (timeout <= 0) return false;
    try {
      const recorded = channel.recorded?.wait(WaitReason.Receive, siteAbove(this.pollSync)) ?? null;
      return channel.client.waitSync(channel.watch(), { timeout }, recorded);
    } catch (error) {
      if (error instanceof TimeoutError) return false;
      throw error;
    }
  }

  /** Sends bytes as one message. Throws `RangeError` at once for a part outside the buffer. */
  sendBytes(buffer: Uint8Array, options: SendBytesOptions = {}): Promise<void> {
    checkOptions(options, SEND_OPTIONS);
    const part = partOf(buffer, options);
    try {
      const channel = this.#sending();
      options.signal?.throwIfAborted();
      return this.#put(
        channel,
        { bytes: part, owned: false },
        options,
        channel.recorded?.sends.lineAbove(this.sendBytes) ?? 0,
      );
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Blocking {@link sendBytes}. */
  sendBytesSync(buffer: Uint8Array, options: Omit<SendBytesOptions, "signal"> = {}): void {
    refuseSignal(options);
    checkOptions(options, SEND_OPTIONS);
    const part = partOf(buffer, options);
    const channel = this.#sending();
    this.#putSync(
      channel,
      { bytes: part, owned: false },
      options,
      channel.recorded?.sends.lineAbove(this.sendBytesSync) ?? 0,
    );
  }

  /** Receives a message as bytes. Rejects with `EOFError`, or beyond `maxLength`, then for good, with `EMSGSIZE`. */
  recvBytes(options: RecvBytesOptions = {}): Promise<Uint8Array> {
    try {
      checkOptions(options, RECV_OPTIONS);
      return this.#take(options, maxLengthOf(options), this.recvBytes);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Blocking {@link recvBytes}. */
  recvBytesSync(options: Omit<RecvBytesOptions, "signal"> = {}): Uint8Array {
    refuseSignal(options);
    checkOptions(options, RECV_OPTIONS);
    return this.#takeSync(options, maxLengthOf(options), this.recvBytesSync);
  }

  /** Receives one message into a buffer and resolves with its length. Rejects with `BufferTooShort` or `EOFError`. */
  async recvBytesInto(buffer: Uint8Array, options: WaitOptions & { offset?: number } = {}): Promise<number> {
    checkOptions(options, INTO_OPTIONS);
    const into = targetOf(buffer, options.offset);
    return store(await this.#take(options, Number.POSITIVE_INFINITY, this.recvBytesInto), into);
  }

  /** Blocking {@link recvBytesInto}. */
  recvBytesIntoSync(buffer: Uint8Array, options: TimeoutOptions & { offset?: number } = {}): number {
    refuseSignal(options);
    checkOptions(options, INTO_OPTIONS);
    const into = targetOf(buffer, options.offset);
    return store(this.#takeSync(options, Number.POSITIVE_INFINITY, this.recvBytesIntoSync), into);
  }

  /** The descriptor underneath; -1 on Windows. */
  fileno(): number {
    this.#open();
    return this.#channel.fd;
  }

  /** Closes this end; may be repeated. */
  close(): void {
    this.#channel.close();
  }

  /** The end of `using`: `close()`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** How it crosses to a thread or process. */
  [toHandle](crossing: Crossing, pins: Pins): Handle {
    return { tag: "Connection", value: handleOf(this.#channel, this, crossing, pins) };
  }

  [inspect.custom](): string {
    return `<Connection ${this.closed ? "closed" : `handle=${this.#channel.fd}`}>`;
  }

  #open(): ConnectionChannel {
    if (this.#channel.closed) throw errorWithCode("EBADF", "the connection is closed");
    return this.#channel;
  }

  #sending(): ConnectionChannel {
    const channel = this.#open();
    if (!this.#writable) throw errorWithCode("EBADF", "connection is read-only");
    return channel;
  }

  #receiving(): ConnectionChannel {
    const channel = this.#open();
    if (!this.#readable) throw errorWithCode("EBADF", "connection is write-only");
    return channel;
  }

  /** `above`: the method that the user called. */
  #take(options: WaitOptions, max: number, above: OnStack): Promise<Uint8Array> {
    try {
      const channel = this.#receiving();
      const site = channel.recorded?.receives.lineAbove(above) ?? 0;
      const recorded = channel.recorded?.wait(WaitReason.Receive, site) ?? null;
      return channel.client.wait(channel.take(max, site), options, recorded);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #takeSync(options: TimeoutOptions, max: number, above: OnStack): Uint8Array {
    const channel = this.#receiving();
    channel.client.drain();
    const site = channel.recorded?.receives.lineAbove(above) ?? 0;
    const recorded = channel.recorded?.wait(WaitReason.Receive, site) ?? null;
    return channel.client.waitSync(channel.take(max, site), options, recorded);
  }

  #put(channel: ConnectionChannel, message: Outgoing, options: WaitOptions, site: number): Promise<void> {
    const recorded = channel.recorded?.wait(WaitReason.Send, site) ?? null;
    const { bytes, owned, unsent } = message;
    return channel.client.wait(channel.put(bytes, owned, site, unsent), options, recorded);
  }

  #putSync(channel: ConnectionChannel, message: Outgoing, options: TimeoutOptions, site: number): void {
    const recorded = channel.recorded?.wait(WaitReason.Send, site) ?? null;
    const { bytes, owned, unsent } = message;
    channel.client.waitSync(channel.put(bytes, owned, site, unsent), options, recorded);
  }
}

// A bundler may rename a class that uses itself.
Object.defineProperty(Connection, "name", { value: "Connection", configurable: true });

async function orFalse(wait: () => Promise<true>): Promise<boolean> {
  try {
    return await wait();
  } catch (error) {
    if (error instanceof TimeoutError) return false;
    throw error;
  }
}

/** A message to be sent. */
interface Outgoing {
  readonly bytes: Uint8Array;
  /** Nobody changes the bytes any more. */
  readonly owned: boolean;
  /** Called if nobody will ever receive it. */
  readonly unsent?: () => void;
}

/** A value as a message of a channel. What was to be moved leaves this thread with it. */
function encodeFor(channel: ConnectionChannel, value: unknown): Outgoing {
  const before = latestOffer();
  const unsent = encodeUnsent(value, { crossing: "process", once: true });
  const { bytes, moved, pins } = unsent;
  const offers = offersSince(before);
  if (offers.length > 0) channel.carries(offers);
  if (moved.length > 0) detach(moved);
  return pins === null || pins.length === 0
    ? { bytes, owned: true }
    : { bytes, owned: true, unsent: () => discard(unsent) };
}

/** The value of a message. Throws `RangeError` for bytes that somebody sent as such. */
function valueIn(message: Uint8Array): unknown {
  try {
    return decode(message, { whole: true });
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
    throw new RangeError(
      `the message of ${message.length} bytes holds no value: what sendBytes() or another program has sent is for recvBytes()`,
      { cause: error },
    );
  }
}

/** The ends that this process was started with, by descriptor. */
const inherited = new Map<number, Connection>();

registerHandle<ConnectionHandle>("Connection", (handle) => {
  const startedWith = "unread" in handle && "fd" in handle ? handle.fd : -1;
  const known = inherited.get(startedWith);
  if (known !== undefined) return known;
  const connection = make(arrive(handle), handle);
  if (startedWith >= 0) inherited.set(startedWith, connection);
  return connection;
});
