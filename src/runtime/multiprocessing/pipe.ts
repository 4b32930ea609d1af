// biome-ignore-all lint/suspicious/noExplicitAny: what is given no type argument is any, as in the contract
/**
 * `multiprocessing.Pipe`: two connected sockets without native code.
 *
 * The connection service of the thread listens in a folder that only this user may enter, connects once and removes the
 * folder: what stays are two sockets without a name. (On Windows it is a named pipe with a random name.)
 *
 * How an end crosses:
 *
 * - To a process, as an argument of its `Process` or a field of its class: the child is started with the descriptor, so
 *   the operating system copies the end, as when Python forks or passes it on. Both have it then, messages go to
 *   whichever reads first, and the peer sees the end of the stream when all copies are closed; so the parent closes its
 *   copy if it has no use for it. What the parent had read and not received (one message that `poll` saw) goes along.
 * - To a thread of this process: by a port to the service that owns the socket, which counts the copies. It lives as
 *   long as the thread that made or was given it first.
 * - To a process that runs already (in a message of another connection, a queue, a call of a pool): the message carries a
 *   token, for which the receiver gets the descriptor from the sender's service (`descriptor-server.ts`).
 */

import { recording } from "../../recorder/emit.js";
import { ObjectKind } from "../../trace/events.js";
import { checkName, checkOptions, knownOptions } from "../core/check-options.js";
import type { NameOptions } from "../types.js";
import { type Connection, connectionOf, recordedEnd } from "./connection.js";
import { connectionClient } from "./connection-client.js";
import { siteAbove } from "./recorded-end.js";

/** A pipe is known in the trace by a random number up to this one. */
const MOST_IDENTITY = 2 ** 48 - 1;

const OPTIONS = knownOptions("{ duplex: false }", "duplex", "name");

/**
 * Two connected ends. With `duplex: false` the first only receives and the second only sends. Throws the system's error
 * if there can be no socket.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { type Connection, Pipe, Process } from "heddle/multiprocessing";
 *
 * async function shout(connection: Connection<string>) {
 *   await connection.send((await connection.recv()).toUpperCase());
 * }
 *
 * if (isMain) {
 *   const [ours, theirs] = Pipe<string>();
 *   const child = new Process({ target: shout, args: [theirs] });
 *   child.start();
 *   theirs.close(); // the child has its own copy
 *   await ours.send("hello");
 *   console.log(await ours.recv()); // prints HELLO
 *   await child.join();
 * }
 * ```
 */
export function Pipe<T = any>(options: NameOptions & { duplex?: boolean } = {}): [Connection<T>, Connection<T>] {
  checkOptions(options, OPTIONS);
  const { duplex = true, name } = options;
  checkName(name);
  const client = connectionClient();
  const [first, second] = client.ask((call) => ({ op: "pipe", call })).ends!;
  const identity = recording ? Math.ceil(Math.random() * MOST_IDENTITY) : 0;
  const inTrace = (side: 0 | 1) => ({ kind: ObjectKind.Pipe, identity, side, sent: 0, received: 0 });
  const ends: [Connection<T>, Connection<T>] = [
    connectionOf(client, first!, inTrace(0), { readable: true, writable: duplex }),
    connectionOf(client, second!, inTrace(1), { readable: duplex, writable: true }),
  ];
  recordedEnd(ends[0])?.made(name ?? "", siteAbove(Pipe));
  return ends;
}
