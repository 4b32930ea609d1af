/** A server at work: it listens, and has a peer for each client. */
import { mkdtempSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { AuthenticationError } from "../../core/errors.js";
import { ConnectionChannel } from "../connection-channel.js";
import { connectionClient } from "../connection-client.js";
import type { CallAnswer } from "../connection-requests.js";
import { type Address, acceptingQuietly, Listener } from "../listener.js";
import { socketBase } from "../socket-base.js";
import { staleSockets } from "../stale-sockets.js";
import { callDue } from "./deferred.js";
import { lookAgain } from "./library-objects.js";
import { Peer } from "./peer.js";
import type { RegisteredType } from "./registry.js";
import { ManagerServer } from "./server.js";

/** How many clients may wait to be let in. */
const BACKLOG = 128;
/** How often those look again who cannot be told, in milliseconds. */
const LOOK_MS = 5;
/** The beginning of the folders that default addresses are in. */
const FOLDER = "heddle-manager-";

/** An address of this machine for which nobody else is there. On Unix a socket in a folder that only this user may enter. */
function freeAddress(): Address {
  if (process.platform === "win32") return `\\\\.\\pipe\\heddle-manager-${process.pid}-${crypto.randomUUID()}`;
  const base = socketBase();
  // Of servers that were killed together with those who would have removed them.
  for (const path of staleSockets(base, FOLDER, (name) => join(base, name, "socket"))) removeAddress(path);
  return join(mkdtempSync(join(base, `${FOLDER}${process.pid}-`)), "socket");
}

/** Removes what a server may have left of an address. */
export function removeAddress(address: Address | null): void {
  if (typeof address !== "string" || process.platform === "win32" || address.startsWith("\0")) return;
  try {
    rmSync(address, { force: true });
    const folder = dirname(address);
    if (folder.startsWith(join(dirname(folder), FOLDER))) rmSync(folder, { recursive: true, force: true });
  } catch {
    // It is somebody else's.
  }
}

export class ServedManager {
  readonly server: ManagerServer;
  readonly #listener: Listener;
  readonly #peers = new Set<Peer>();
  readonly #removeAtExit: () => void;
  #serving = false;
  #closed = false;

  /** Listens at once. Throws the system's error if it cannot. */
  constructor(
    types: ReadonlyMap<string, RegisteredType>,
    address: Address | null,
    key: Uint8Array,
    ownProgram: boolean,
  ) {
    this.#listener = new Listener(address ?? freeAddress(), { authkey: key, backlog: BACKLOG });
    this.server = new ManagerServer(types, this.#listener.address, key, ownProgram);
    this.#removeAtExit = () => removeAddress(this.#listener.address);
    process.on("exit", this.#removeAtExit);
  }

  get address(): Address {
    return this.#listener.address;
  }

  #admit(answer: CallAnswer): void {
    const from = answer.address === undefined || "path" in answer.address ? null : answer.address;
    const channel = new ConnectionChannel(connectionClient(), answer.ends![0]!, null);
    const where = from === null ? "" : `${from.host}:${from.port}`;
    this.#peers.add(new Peer(this.server, channel, where, (peer) => this.#peers.delete(peer)));
  }

  /** Serves until the signal is aborted. */
  async serve(signal?: AbortSignal): Promise<void> {
    this.#begin();
    try {
      while (!this.#closed && !signal?.aborted) {
        try {
          this.#admit(
            await connectionClient().wait(acceptingQuietly(this.#listener), signal === undefined ? {} : { signal }),
          );
        } catch (error) {
          // Who does not have the key is sent away; nobody else hears of it.
          if (!(error instanceof AuthenticationError) && !signal?.aborted) throw error;
        }
      }
    } finally {
      this.close();
    }
  }

  /** Serves for ever, and blocks the thread. */
  serveSync(): never {
    this.#begin();
    this.server.blocking = true;
    const client = connectionClient();
    let accepting = false;
    for (;;) {
      if (!accepting) {
        accepting = true;
        acceptingQuietly(this.#listener)((error, answer) => {
          accepting = false;
          if (error === null) this.#admit(answer as CallAnswer);
          else if (!(error instanceof AuthenticationError)) throw error;
        });
        continue;
      }
      const due = callDue();
      const deadline = lookAgain() ? Math.min(due, performance.now() + LOOK_MS) : due;
      client.next(deadline);
    }
  }

  #begin(): void {
    if (this.#serving) throw new Error("the server serves already");
    this.#serving = true;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    process.off("exit", this.#removeAtExit);
    this.#listener.close();
    for (const peer of [...this.#peers]) peer.close();
    this.server.close();
    removeAddress(this.address);
  }
}
