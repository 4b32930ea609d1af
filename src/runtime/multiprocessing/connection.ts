/** `multiprocessing.Connection`. */

import { inspect } from "node:util";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import type { OnStack } from "../../recorder/call-site.js";
import { ObjectKind, WaitReason } from "../../trace/events.js";
import { checkOptions, knownOptions, WAIT_OPTIONS } from "../core/check-options.js";
import { DataCloneError, TimeoutError } from "../core/errors.js";
import { type Crossing, type Handle, type Pins, registerHandle, toHandle } from "../core/handles.js";
import { decode, detach, encodeUnsent, transfer } from "../core/structured-clone.js";
import type { TimeoutOptions, WaitOptions } from "../types.js";
import {
  maxLengthOf,
  partOf,
  type RecvBytesOptions,
  type SendBytesOptions,
  store,
  targetOf,
} from "./connection-arguments.js";
import { ConnectionChannel, systemError } from "./connection-channel.js";
import { ConnectionClient, connectionClient } from "./connection-client.js";
import type { EndOfWire } from "./connection-requests.js";
import { passDescriptor } from "./passed-descriptors.js";
import { type EndInTrace, type RecordedEnd, siteAbove } from "./recorded-end.js";

const SEND_OPTIONS = knownOptions("{ offset: 4 }", "offset", "size", "timeout", "signal");
const RECV_OPTIONS = knownOptions("{ maxLength: 1024 }", "maxLength", "timeout", "signal");
const INTO_OPTIONS = knownOptions("{ offset: 4 }", "offset", "timeout", "signal");

/** What an end may do. */
export interface Direction {
  readonly readable: boolean;
  readonly writable: boolean;
}

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

/** Of an end of a process that is not recorded. */
const NOT_RECORDED: EndInTrace = { kind: ObjectKind.Pipe, identity: 0, side: 0, sent: 0, received: 0 };

const BOTH: Direction = { readable: true, writable: true };

/**
 * One end of a pipe or socket that keeps messages whole. Once closed, its use is an `Error` with code `EBADF`.
 *
 * A message whose sending has begun goes out whole, also if its time is up or its signal aborted meanwhile.
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
   * there is no peer, `DataCloneError` if it cannot cross, and `TimeoutError`.
   */
  send(value: T, options: WaitOptions = {}): Promise<void> {
    try {
      checkOptions(options, WAIT_OPTIONS);
      const channel = this.#sending();
      options.signal?.throwIfAborted();
      return this.#put(channel, encodeValue(value), true, options, channel.recorded?.sends.lineAbove(this.send) ?? 0);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Blocking {@link send}. */
  sendSync(value: T, options: TimeoutOptions = {}): void {
    checkOptions(options, WAIT_OPTIONS);
    const channel = this.#sending();
    this.#putSync(channel, encodeValue(value), true, options, channel.recorded?.sends.lineAbove(this.sendSync) ?? 0);
  }

  /**
   * Receives a value. Rejects with `EOFError` when the peer is closed and nothing is left, `TimeoutError`, and an `Error`
   * with code `ECONNRESET` if the peer ended within a message.
   */
  recv(options: WaitOptions = {}): Promise<T> {
    try {
      checkOptions(options, WAIT_OPTIONS);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#take(options, Number.POSITIVE_INFINITY, this.recv).then((message) => decode(message) as T);
  }

  /** Blocking {@link recv}. */
  recvSync(options: TimeoutOptions = {}): T {
    checkOptions(options, WAIT_OPTIONS);
    return decode(this.#takeSync(options, Number.POSITIVE_INFINITY, this.recvSync)) as T;
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
    checkOptions(options, WAIT_OPTIONS);
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
      return this.#put(channel, part, false, options, channel.recorded?.sends.lineAbove(this.sendBytes) ?? 0);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Blocking {@link sendBytes}. */
  sendBytesSync(buffer: Uint8Array, options: Omit<SendBytesOptions, "signal"> = {}): void {
    checkOptions(options, SEND_OPTIONS);
    const part = partOf(buffer, options);
    const channel = this.#sending();
    this.#putSync(channel, part, false, options, channel.recorded?.sends.lineAbove(this.sendBytesSync) ?? 0);
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

  /** How it crosses: by its descriptor to a process that is being started, by a port to another thread. */
  [toHandle](crossing: Crossing, pins: Pins): Handle {
    const channel = this.#channel;
    if (channel.closed) throw new DataCloneError("a closed connection cannot cross");
    const direction: Direction = { readable: this.readable, writable: this.writable };
    if (crossing === "thread") {
      const { port1, port2 } = new MessageChannel();
      const word = new SharedArrayBuffer(4);
      channel.share();
      channel.client.post({ op: "share", id: channel.id, port: port2, word }, [port2]);
      pins?.push(() => port1.close());
      const value: ThreadHandle = {
        ...direction,
        port: transfer(port1, [port1]),
        word,
        id: channel.id,
        fd: channel.fd,
        inTrace: channel.recorded?.crossing ?? NOT_RECORDED,
      };
      return { tag: "Connection", value };
    }
    const fd = channel.fd < 0 ? -1 : passDescriptor(channel.fd);
    if (fd < 0) {
      throw new DataCloneError(
        "a Connection can cross to another process as an argument of the Process, when that starts, only; give it " +
          "there, or let the other process connect with Client to a Listener",
      );
    }
    const unread = channel.handOver();
    // If something else among the arguments cannot cross, it is still here.
    pins?.push(() => channel.takeOver(unread));
    const inTrace = channel.recorded?.crossing ?? NOT_RECORDED;
    const value: ProcessHandle = { ...direction, port: null, fd, unread, inTrace };
    return { tag: "Connection", value };
  }

  [inspect.custom](): string {
    return `<Connection ${this.closed ? "closed" : `handle=${this.#channel.fd}`}>`;
  }

  #open(): ConnectionChannel {
    if (this.#channel.closed) throw systemError("EBADF", "the connection is closed");
    return this.#channel;
  }

  #sending(): ConnectionChannel {
    const channel = this.#open();
    if (!this.#writable) throw systemError("EBADF", "connection is read-only");
    return channel;
  }

  #receiving(): ConnectionChannel {
    const channel = this.#open();
    if (!this.#readable) throw systemError("EBADF", "connection is write-only");
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

  #put(
    channel: ConnectionChannel,
    bytes: Uint8Array,
    owned: boolean,
    options: WaitOptions,
    site: number,
  ): Promise<void> {
    const recorded = channel.recorded?.wait(WaitReason.Send, site) ?? null;
    return channel.client.wait(channel.put(bytes, owned, site), options, recorded);
  }

  #putSync(channel: ConnectionChannel, bytes: Uint8Array, owned: boolean, options: TimeoutOptions, site: number): void {
    const recorded = channel.recorded?.wait(WaitReason.Send, site) ?? null;
    channel.client.waitSync(channel.put(bytes, owned, site), options, recorded);
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

/** The bytes of a value. What was to be moved leaves this thread with it. */
function encodeValue(value: unknown): Uint8Array {
  const unsent = encodeUnsent(value, { crossing: "process", once: true });
  if (unsent.moved.length > 0) detach(unsent.moved);
  return unsent.bytes;
}

interface ThreadHandle extends Direction {
  readonly port: MessagePort;
  readonly word: SharedArrayBuffer;
  readonly id: number;
  readonly fd: number;
  readonly inTrace: EndInTrace;
}

interface ProcessHandle extends Direction {
  readonly port: null;
  readonly fd: number;
  readonly unread: readonly Uint8Array[];
  readonly inTrace: EndInTrace;
}

/** The ends that this process was started with, by descriptor. */
const inherited = new Map<number, Connection>();

registerHandle<ThreadHandle | ProcessHandle>("Connection", (handle) => {
  if (handle.port !== null) {
    const client = new ConnectionClient(handle.port, handle.word);
    return make(new ConnectionChannel(client, handle, handle.inTrace, false), handle);
  }
  let connection = inherited.get(handle.fd);
  if (connection === undefined) {
    const client = connectionClient();
    const { ends } = client.ask((call) => ({ op: "open", call, fd: handle.fd }));
    const channel = new ConnectionChannel(client, ends![0] as EndOfWire, handle.inTrace);
    channel.takeOver(handle.unread);
    connection = make(channel, handle);
    inherited.set(handle.fd, connection);
  }
  return connection;
});
