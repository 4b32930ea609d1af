/**
 * A listening socket in the connection service. Every connection is asked for its key as soon as it comes, side by side
 * with all others and within a time limit, so that a silent peer holds up nobody; those that wait to be accepted have
 * passed.
 */
import { lookup } from "node:dns/promises";
import { chmodSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { answerChallenge, deliverChallenge } from "./authentication.js";
import type { CarriedError, SocketAddress } from "./connection-requests.js";
import { identityOfChallenge, identityOfSocket } from "./socket-identity.js";
import { Dialogue, Wire } from "./wire.js";

/** How long a peer may take to prove that it has the key. */
const HANDSHAKE_MS = 10_000;
/** How many peers may be at it at once; for a further one, the one that is at it for longest is sent away. */
const MOST_HANDSHAKES = 256;

/** What there is for who accepts. */
export type Arrival = { readonly wire: Wire; readonly from: SocketAddress | null } | { readonly error: CarriedError };

/**
 * Makes sure of both ends' key. Rejects, and closes the wire, if one does not have it or is silent. `begun` gets how to
 * end it before its time.
 */
async function authenticate(
  wire: Wire,
  key: Uint8Array,
  asks: "first" | "second",
  begun: (cut: () => void) => void = () => {},
): Promise<void> {
  const dialogue = new Dialogue(wire);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(reject, HANDSHAKE_MS, new Error("the peer took too long to authenticate itself"));
    begun(() => reject(new Error("too many peers authenticate themselves at once")));
  });
  try {
    const talk = async () => {
      const first = await (asks === "first" ? deliverChallenge : answerChallenge)(dialogue, key);
      await (asks === "first" ? answerChallenge : deliverChallenge)(dialogue, key);
      wire.identity = identityOfChallenge(first);
    };
    await Promise.race([talk(), late]);
  } catch (error) {
    wire.close();
    throw Object.assign(error as Error, { code: "AUTH" });
  } finally {
    clearTimeout(timer);
  }
}

async function resolved(address: SocketAddress): Promise<SocketAddress> {
  if ("path" in address) return address;
  // As Python's AF_INET: a name means its IPv4 address if it has one.
  const { address: host } = await lookup(address.host, { family: 4 }).catch(() => lookup(address.host));
  return { host, port: address.port };
}

/** Connects a plain socket. Rejects with the system's error. */
export function connectSocket(address: SocketAddress): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...address, allowHalfOpen: true });
    // Nothing may be read before the wire takes over.
    socket.pause();
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(socket);
    });
  });
}

/** Connects to a listener and authenticates both. */
export async function connectTo(address: SocketAddress, key: Uint8Array | null): Promise<Wire> {
  const socket = await connectSocket(await resolved(address));
  const identity = identityOfSocket(socket);
  const wire = new Wire(socket);
  wire.identity = identity;
  if (key !== null) await authenticate(wire, key, "second");
  return wire;
}

/** Starts a server on which nothing is read yet. Rejects with the system's error. */
export function listenOn(server: Server, address: SocketAddress, backlog: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ ...address, backlog }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

export class SocketServer {
  readonly #server = createServer(
    { pauseOnConnect: true, allowHalfOpen: true },
    (socket) => void this.#arrived(socket),
  );
  readonly #key: Uint8Array | null;
  readonly #arrivals: Arrival[] = [];
  readonly #takers: ((arrival: Arrival) => void)[] = [];
  /** Those that authenticate themselves, the longest first, and how to end that. */
  readonly #handshakes = new Map<Wire, () => void>();
  #closed = false;

  constructor(key: Uint8Array | null) {
    this.#key = key;
  }

  /** Begins to listen. Resolves with the address, with the real port. */
  async listen(address: SocketAddress, backlog: number): Promise<SocketAddress> {
    const where = await resolved(address);
    await listenOn(this.#server, where, backlog);
    this.#server.on("error", () => {});
    if ("path" in where) {
      // Only for this user, unless the folder says so anyway.
      if (process.platform !== "win32" && !where.path.startsWith("\0")) chmodSync(where.path, 0o600);
      return where;
    }
    const bound = this.#server.address() as { address: string; port: number };
    return { host: bound.address, port: bound.port };
  }

  async #arrived(socket: Socket): Promise<void> {
    const { remoteAddress: host, remotePort: port } = socket;
    const from = host === undefined || port === undefined ? null : { host, port };
    const identity = identityOfSocket(socket);
    const wire = new Wire(socket);
    wire.identity = identity;
    if (this.#closed) {
      wire.close();
      return;
    }
    if (this.#key === null) {
      this.#give({ wire, from });
      return;
    }
    // Who has the key is done in no time: those that take long are the ones that do not have it.
    for (const [oldest, cut] of this.#handshakes) {
      if (this.#handshakes.size < MOST_HANDSHAKES) break;
      this.#handshakes.delete(oldest);
      cut();
    }
    this.#handshakes.set(wire, () => {});
    try {
      await authenticate(wire, this.#key, "first", (cut) => this.#handshakes.set(wire, cut));
      if (this.#closed) wire.close();
      else this.#give({ wire, from });
    } catch (error) {
      this.#give({ error: { code: "AUTH", message: (error as Error).message } });
    } finally {
      this.#handshakes.delete(wire);
    }
  }

  #give(arrival: Arrival): void {
    const taker = this.#takers.shift();
    if (taker !== undefined) taker(arrival);
    // Of failures nobody asks for, the first ones are enough.
    else if ("wire" in arrival || this.#arrivals.length < MOST_HANDSHAKES) this.#arrivals.push(arrival);
  }

  /** Calls back with the next that arrives. Returns how to take that back. */
  accept(taker: (arrival: Arrival) => void): () => void {
    const arrival = this.#arrivals.shift();
    if (arrival !== undefined) taker(arrival);
    else this.#takers.push(taker);
    return () => {
      const at = this.#takers.indexOf(taker);
      if (at >= 0) this.#takers.splice(at, 1);
    };
  }

  /** Takes back what somebody accepted and did not want: it is the first for the next. */
  giveBack(arrival: Arrival): void {
    const taker = this.#takers.shift();
    if (this.#closed) {
      if ("wire" in arrival) arrival.wire.close();
    } else if (taker !== undefined) taker(arrival);
    else this.#arrivals.unshift(arrival);
  }

  /** Stops listening; those not accepted are closed, and who waits to accept gets an error. */
  close(): void {
    this.#closed = true;
    this.#server.close(() => {});
    for (const wire of this.#handshakes.keys()) wire.close();
    for (const arrival of this.#arrivals.splice(0)) if ("wire" in arrival) arrival.wire.close();
    for (const taker of this.#takers.splice(0)) taker({ error: { code: "EBADF", message: "the listener is closed" } });
  }
}
