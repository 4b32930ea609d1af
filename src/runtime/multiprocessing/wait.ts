/** `multiprocessing.connection.wait`: for messages, ends of connections and ends of processes at once. */

import type { OnStack } from "../../recorder/call-site.js";
import { now, recording } from "../../recorder/emit.js";
import { WaitReason } from "../../trace/events.js";
import { checkBlockingOptions, checkOptions, WAIT_OPTIONS } from "../core/check-options.js";
import { TimeoutError } from "../core/errors.js";
import type { TimeoutOptions, WaitOptions } from "../types.js";
import { Connection, receivingChannel } from "./connection.js";
import { type Begin, type ConnectionClient, connectionClient } from "./connection-client.js";
import { recordOfSentinel, type Sentinel } from "./process-inside.js";
import { type ProcessRecord, ProcessState } from "./process-record.js";
import { beginWait, endWait, type RecordedWait, siteAbove } from "./recorded-end.js";

/** What {@link wait} can wait for: a message or the end of a connection, the end of a process. */
export type Waitable = Connection | Sentinel;

/** Something to wait for, and how to look at it. */
interface Source<W> {
  readonly object: W;
  readonly ready: () => boolean;
  readonly begin: (client: ConnectionClient) => Begin<unknown>;
  readonly client: ConnectionClient | null;
}

let lastWatch = 0;

function ofConnection<W extends Connection>(object: W): Source<W> {
  const channel = receivingChannel(object);
  // One that was closed meanwhile is not to be waited for any longer.
  return {
    object,
    ready: () => channel.closed || channel.ready(),
    begin: () => channel.watch(),
    client: channel.client,
  };
}

function ofProcess<W extends Sentinel>(object: W, record: ProcessRecord): Source<W> {
  const ready = () => record.state !== ProcessState.Running;
  // The service wakes us: one thing to wait on for all.
  const begin = (client: ConnectionClient): Begin<unknown> => {
    return (done) => {
      const watch = ++lastWatch;
      const look = () => {
        if (ready()) done(null);
      };
      client.onWake.add(look);
      client.post({ op: "watch", watch, record: record.buffer });
      return () => {
        client.onWake.delete(look);
        client.post({ op: "unwatch", watch });
      };
    };
  };
  return { object, ready, begin, client: null };
}

function sourcesOf<W extends Waitable>(objects: Iterable<W>): Source<W>[] {
  return [...objects].map((object) => {
    if (object instanceof Connection) return ofConnection(object) as unknown as Source<W>;
    const record = typeof object === "object" && object !== null ? recordOfSentinel(object) : undefined;
    if (record === undefined) throw new TypeError("wait takes connections and sentinels of processes");
    return ofProcess(object as never, record) as Source<W>;
  });
}

/** Calls back when one of them is ready. */
function any(sources: readonly Source<unknown>[], client: ConnectionClient): Begin<void> {
  return (done) => {
    const cancels: (() => void)[] = [];
    let over = false;
    const finish = () => {
      if (over) return;
      over = true;
      for (const cancel of cancels) cancel();
      done(null);
    };
    for (const { begin } of sources) {
      const cancel = begin(client)(finish);
      // It may have been ready at once.
      if (over) cancel();
      else cancels.push(cancel);
    }
    return () => {
      over = true;
      for (const cancel of cancels) cancel();
    };
  };
}

function ready<W>(sources: readonly Source<W>[]): W[] {
  return sources.filter((source) => source.ready()).map(({ object }) => object);
}

/** The client to wait on; a connection that came from another thread has one of its own. */
function clientsOf(sources: readonly Source<unknown>[]): ConnectionClient[] {
  const own = new Set<ConnectionClient>();
  for (const { client } of sources) if (client !== null) own.add(client);
  if (sources.some(({ client }) => client === null)) own.add(connectionClient());
  return [...own];
}

function waitingForAny(above: OnStack): RecordedWait | null {
  return recording ? { reason: WaitReason.AnyOf, object: 0, site: siteAbove(above), own: false } : null;
}

/** How long a blocking wait looks at each of several clients in turn. */
const TURN_MS = 2;

/**
 * Waits until at least one is ready and resolves with all that are; with none on timeout. Rejects with `TypeError` for
 * anything else than connections and sentinels, and with code `EBADF` for a connection that is closed.
 *
 * @example
 * ```ts
 * import { Pipe, wait } from "heddle/multiprocessing";
 *
 * const [first, toFirst] = Pipe<string>();
 * const [second, toSecond] = Pipe<string>();
 * await toSecond.send("here");
 * const ready = await wait([first, second]);
 * console.log(ready.length, await ready[0]!.recv()); // prints 1 here
 * for (const connection of [first, second, toFirst, toSecond]) connection.close();
 * ```
 */
export async function wait<W extends Waitable>(objects: Iterable<W>, options: WaitOptions = {}): Promise<W[]> {
  checkOptions(options, WAIT_OPTIONS);
  const sources = sourcesOf(objects);
  options.signal?.throwIfAborted();
  const at = ready(sources);
  if (at.length > 0 || (options.timeout !== undefined && options.timeout <= 0)) return at;
  const client = clientsOf(sources).find((own) => own === connectionClient()) ?? connectionClient();
  try {
    await client.wait(any(sources, client), options, waitingForAny(wait));
  } catch (error) {
    if (error instanceof TimeoutError) return [];
    throw error;
  }
  return ready(sources);
}

/** Blocking {@link wait}. */
export function waitSync<W extends Waitable>(objects: Iterable<W>, options: TimeoutOptions = {}): W[] {
  checkBlockingOptions(options);
  const sources = sourcesOf(objects);
  const at = ready(sources);
  const { timeout } = options;
  if (at.length > 0 || (timeout !== undefined && timeout <= 0)) return at;
  const clients = clientsOf(sources);
  const client = clients.length === 1 ? clients[0]! : connectionClient();
  const deadline = timeout === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeout;
  const recorded = waitingForAny(waitSync);
  const began = recorded === null || timeout === 0 ? 0 : beginWait(now(), recorded, false);
  let found: W[] = [];
  try {
    while (found.length === 0) {
      const left = deadline - performance.now();
      if (left <= 0) return ready(sources);
      try {
        client.waitSync(any(sources, client), { timeout: clients.length > 1 ? Math.min(left, TURN_MS) : left });
      } catch (error) {
        if (!(error instanceof TimeoutError)) throw error;
      }
      found = ready(sources);
    }
    return found;
  } finally {
    endWait(began, found.length === 0);
  }
}
