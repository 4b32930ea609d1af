/** A server at work: it listens, and has a peer for each client. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { AuthenticationError } from "../../core/errors.js";
import { ConnectionChannel } from "../connection-channel.js";
import { connectionClient } from "../connection-client.js";
import type { CallAnswer } from "../connection-requests.js";
import { type Address, acceptingQuietly, Listener } from "../listener.js";
import { socketBase } from "../socket-base.js";
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
  removeStale(base);
  return join(mkdtempSync(join(base, `${FOLDER}${process.pid}-`)), "socket");
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  try {
    // Dead, and nobody has asked how it ended.
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return true;
  }
}

/**
 * Removes the folders of servers that were killed together with those who would have removed them. A process of a number
 * may live where it cannot be seen from here, so nobody must listen there either.
 */
function removeStale(base: string): void {
  const folders = readdirSync(base).filter((name) => name.startsWith(FOLDER));
  for (const folder of folders) {
    if (isAlive(Number(/^\d+/.exec(folder.slice(FOLDER.length))?.[0] ?? process.pid))) continue;
    const path = join(base, folder, "socket");
    try {
      const { ends } = connectionClient().ask((call) => ({ op: "connect", call, address: { path }, key: null }));
      for (const { id } of ends ?? []) connectionClient().post({ op: "close", id });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ECONNREFUSED" || code === "ENOENT") removeAddress(path);
    }
  }
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
