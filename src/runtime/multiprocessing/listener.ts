// biome-ignore-all lint/suspicious/noExplicitAny: what is given no type argument is any, as in the contract
/** `multiprocessing.Listener` and `Client`. */

import { rmSync } from "node:fs";
import { basename, join } from "node:path";
import { recording } from "../../recorder/emit.js";
import { ObjectKind, WaitReason } from "../../trace/events.js";
import {
  checkBlockingOptions,
  checkName,
  checkOptions,
  knownOptions,
  refuseSignal,
  WAIT_OPTIONS,
} from "../core/check-options.js";
import { checkTimeout } from "../core/deadline.js";
import { errorWithCode } from "../platform/system-error.js";
import type { NameOptions, TimeoutOptions, WaitOptions } from "../types.js";
import { type Connection, connectionOf, recordedEnd } from "./connection.js";
import { type Begin, type ConnectionClient, connectionClient, errorOf } from "./connection-client.js";
import type { CallAnswer, EndOfWire, SocketAddress } from "./connection-requests.js";
import { type RecordedWait, siteAbove } from "./recorded-end.js";
import { socketBase } from "./socket-base.js";
import { staleSockets } from "./stale-sockets.js";

const LISTENER_OPTIONS = knownOptions("{ authkey: key }", "authkey", "family", "backlog", "name");
const CLIENT_OPTIONS = knownOptions("{ authkey: key }", "authkey", "family", "timeout", "signal");

/** A host and port, or the path of a Unix socket or Windows pipe. */
export type Address = readonly [host: string, port: number] | string;

export interface ConnectOptions {
  /** The secret both ends must have; without one, nobody is asked. An empty one is a key too. */
  authkey?: string | Uint8Array | undefined;
  /** The kind of address when it does not tell; by its form otherwise. */
  family?: "AF_INET" | "AF_UNIX" | "AF_PIPE" | undefined;
}

const DEFAULT_BACKLOG = 1;
const HIGHEST_PORT = 65_535;

function keyOf(authkey: string | Uint8Array | undefined): Uint8Array | null {
  if (authkey === undefined) return null;
  if (typeof authkey === "string") return new TextEncoder().encode(authkey);
  if (!(authkey instanceof Uint8Array)) throw new TypeError("authkey must be a string or a Uint8Array");
  return Uint8Array.from(authkey);
}

/** How many bytes the path of a socket may have, with a NUL at its end; Node would cut a longer one off and use that. */
const PATH_BYTES = process.platform === "darwin" ? 104 : 108;

function checkPath(path: string): void {
  if (process.platform === "win32") return;
  const isAbstract = path.startsWith("\0");
  const longest = isAbstract ? PATH_BYTES : PATH_BYTES - 1;
  const bytes = Buffer.byteLength(path);
  if (bytes > longest) {
    throw errorWithCode("ENAMETOOLONG", `the path of a socket has at most ${longest} bytes, not ${bytes}: ${path}`);
  }
  if (!isAbstract && path.includes("\0")) throw new RangeError("a path may have a NUL only as its first character");
}

/** Checks an address, and that it is one of its family. */
function socketAddress(address: Address, family: ConnectOptions["family"]): SocketAddress {
  if (family !== undefined && family !== "AF_INET" && family !== "AF_UNIX" && family !== "AF_PIPE") {
    throw new RangeError(`address family ${String(family)} not recognized`);
  }
  if (family === "AF_PIPE" && process.platform !== "win32") {
    throw new RangeError("address family AF_PIPE exists on Windows only");
  }
  if (typeof address === "string") {
    if (address === "") throw new RangeError("the path of an address must not be empty");
    if (family === "AF_INET") throw new TypeError("an address of family AF_INET is [host, port]");
    checkPath(address);
    return { path: address };
  }
  if (!Array.isArray(address) || address.length !== 2) {
    throw new TypeError("address must be [host, port] or a path");
  }
  if (family !== undefined && family !== "AF_INET") throw new TypeError(`an address of family ${family} is a path`);
  const [host, port] = address as unknown as [string, number];
  if (typeof host !== "string" || typeof port !== "number") throw new TypeError("address must be [host, port]");
  if (!Number.isInteger(port) || port < 0 || port > HIGHEST_PORT) {
    throw new RangeError(`a port is a whole number from 0 to ${HIGHEST_PORT}`);
  }
  // As in Python, no host is any of this machine.
  return { host: host === "" ? "0.0.0.0" : host, port };
}

function publicAddress(address: SocketAddress): Address {
  return "path" in address ? address.path : [address.host, address.port];
}

const FREE = "heddle-listener-";

function freeAddress(family: ConnectOptions["family"]): Address {
  if (family === undefined || family === "AF_INET") return ["127.0.0.1", 0];
  const name = `${FREE}${process.pid}-`;
  if (process.platform === "win32") return `\\\\.\\pipe\\${name}${crypto.randomUUID()}`;
  const base = socketBase();
  for (const path of staleSockets(base, FREE, (name) => join(base, name))) removeSocket(path);
  return join(base, `${name}${crypto.randomUUID().slice(0, 8)}`);
}

function removeSocket(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // It is somebody else's.
  }
}

/** The paths at which this thread listens: it may end in a way in which Node does not remove them. */
const paths = new Set<string>();

function removeAtExit(path: string): void {
  if (process.platform === "win32" || path.startsWith("\0")) return;
  if (paths.size === 0) process.off("exit", removeSockets).on("exit", removeSockets);
  paths.add(path);
}

function removeSockets(): void {
  for (const path of paths) removeSocket(path);
}

/** The next connection of a listener as something to wait for, and not in the trace: its end is in the answer. */
export let acceptingQuietly: (listener: Listener) => Begin<CallAnswer>;

/**
 * Accepts connections. Peers are asked for their key when they connect, not when they are accepted, all side by side; one
 * that does not prove within ten seconds that it has it fails.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { type Address, ClientSync, Listener, Process } from "heddle/multiprocessing";
 *
 * function greet(address: Address) {
 *   using connection = ClientSync(address, { authkey: "our secret" });
 *   connection.sendSync("hello from a client");
 * }
 *
 * if (isMain) {
 *   using listener = new Listener(null, { authkey: "our secret" });
 *   const client = new Process({ target: greet, args: [listener.address] });
 *   client.start();
 *   using connection = await listener.accept();
 *   console.log(await connection.recv()); // prints hello from a client
 *   await client.join();
 * }
 * ```
 */
export class Listener<T = any> implements Disposable {
  static {
    acceptingQuietly = (listener) => listener.#next();
  }

  readonly #client: ConnectionClient;
  readonly #listener: number;
  readonly #address: Address;
  readonly #name: string;
  #lastAccepted: Address | null = null;
  #closed = false;

  /**
   * Listens at once, by default on a free address of this machine. Throws an `Error` with code, as `EADDRINUSE`, and
   * `TypeError` or `RangeError` for what is no address.
   */
  constructor(address?: Address | null, options: ConnectOptions & NameOptions & { backlog?: number } = {}) {
    checkOptions(options, LISTENER_OPTIONS);
    const { authkey, family, backlog = DEFAULT_BACKLOG, name } = options;
    checkName(name);
    if (typeof backlog !== "number") throw new TypeError("backlog must be a number");
    const key = keyOf(authkey);
    const where = socketAddress(address ?? freeAddress(family), family);
    this.#client = connectionClient();
    const answer = this.#client.ask((call) => ({ op: "listen", call, address: where, key, backlog }));
    this.#listener = answer.listener!;
    this.#address = publicAddress(answer.address!);
    if (typeof this.#address === "string") removeAtExit(this.#address);
    this.#name = name ?? nameOf(answer.address!);
  }

  /** Where it listens, with the real port. */
  get address(): Address {
    return this.#address;
  }

  /** Whom it accepted last, or null. */
  get lastAccepted(): Address | null {
    return this.#lastAccepted;
  }

  /** Resolves with the next connection. Rejects with `AuthenticationError`, after which it goes on listening. */
  async accept(options: WaitOptions = {}): Promise<Connection<T>> {
    checkOptions(options, WAIT_OPTIONS);
    const site = siteAbove(this.accept);
    return this.#accepted(await this.#client.wait(this.#next(), options, waiting(WaitReason.Accept, site)), site);
  }

  /** Blocking {@link accept}. */
  acceptSync(options: TimeoutOptions = {}): Connection<T> {
    checkBlockingOptions(options);
    const site = siteAbove(this.acceptSync);
    return this.#accepted(this.#client.waitSync(this.#next(), options, waiting(WaitReason.Accept, site)), site);
  }

  /** Stops listening; may be repeated. Who waits to accept gets an `Error` with code `EBADF`. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // When this returns, the address is free again and the path of a Unix socket is gone.
    this.#client.ask((call) => ({ op: "unlisten", call, listener: this.#listener }));
    if (typeof this.#address === "string") paths.delete(this.#address);
  }

  /** The end of `using`: `close()`. */
  [Symbol.dispose](): void {
    this.close();
  }

  #next(): Begin<CallAnswer> {
    if (this.#closed) throw errorWithCode("EBADF", "the listener is closed");
    return calling(this.#client, (call) => ({ op: "accept", call, listener: this.#listener }));
  }

  #accepted(answer: CallAnswer, site: number): Connection<T> {
    this.#lastAccepted = answer.address === undefined ? "" : publicAddress(answer.address);
    return socketOf(this.#client, answer.ends![0]!, 1, this.#name, site);
  }
}

/** A connection by a socket that was just made, which the trace calls by the listener's address. */
function socketOf(client: ConnectionClient, end: EndOfWire, side: 0 | 1, name: string, site: number): Connection {
  const { identity } = end;
  const connection = connectionOf(client, end, { kind: ObjectKind.Socket, identity, side, sent: 0, received: 0 });
  recordedEnd(connection)?.made(name, site);
  return connection;
}

function nameOf(address: SocketAddress): string {
  return "path" in address ? basename(address.path) : `${address.host}:${address.port}`;
}

function waiting(reason: WaitReason, site: number): RecordedWait | null {
  return recording ? { reason, object: 0, site, own: false } : null;
}

/** A connection to a listener as something to wait for, and not in the trace: its end is in the answer. */
export function connectingQuietly(address: Address, authkey: Uint8Array): Begin<CallAnswer> {
  return connecting(socketAddress(address, undefined), { authkey });
}

/** A call as something to wait for. */
function calling(client: ConnectionClient, make: Parameters<ConnectionClient["call"]>[0]): Begin<CallAnswer> {
  return (done) => {
    const call = client.call(make, (answer) => done(answer.error === null ? null : errorOf(answer.error), answer));
    return () => client.forget(call);
  };
}

function connecting(where: SocketAddress, { authkey }: ConnectOptions): Begin<CallAnswer> {
  const key = keyOf(authkey);
  return calling(connectionClient(), (call) => ({ op: "connect", call, address: where, key }));
}

/**
 * Connects to a {@link Listener}. Rejects with `AuthenticationError`, `TimeoutError`, or an `Error` with code, as
 * `ECONNREFUSED`.
 */
export async function Client<T = any>(
  address: Address,
  options: ConnectOptions & WaitOptions = {},
): Promise<Connection<T>> {
  checkOptions(options, CLIENT_OPTIONS);
  options.signal?.throwIfAborted();
  const client = connectionClient();
  const site = siteAbove(Client);
  const where = socketAddress(address, options.family);
  const answer = await client.wait(connecting(where, options), options, waiting(WaitReason.Connect, site));
  return socketOf(client, answer.ends![0]!, 0, nameOf(where), site);
}

/** Blocking {@link Client}. */
export function ClientSync<T = any>(address: Address, options: ConnectOptions & TimeoutOptions = {}): Connection<T> {
  refuseSignal(options);
  checkOptions(options, CLIENT_OPTIONS);
  checkTimeout(options.timeout);
  const client = connectionClient();
  const site = siteAbove(ClientSync);
  const where = socketAddress(address, options.family);
  const answer = client.waitSync(connecting(where, options), options, waiting(WaitReason.Connect, site));
  return socketOf(client, answer.ends![0]!, 0, nameOf(where), site);
}
