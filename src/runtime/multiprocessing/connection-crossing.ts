/**
 * How the end of a connection crosses: to another thread by a port to the service that owns the socket; to a process
 * that is being started by its descriptor; to one that runs by an offer of its descriptor.
 */
import { MessageChannel, type MessagePort } from "node:worker_threads";
import { ObjectKind } from "../../trace/events.js";
import { DataCloneError, RuntimeError } from "../core/errors.js";
import type { Crossing, Pins } from "../core/handles.js";
import { transfer } from "../core/structured-clone.js";
import { ConnectionChannel } from "./connection-channel.js";
import { ConnectionClient, connectionClient } from "./connection-client.js";
import type { EndOfWire, OfferedEnd } from "./connection-requests.js";
import { offer, withdraw } from "./offers.js";
import { passDescriptor } from "./passed-descriptors.js";
import type { EndInTrace } from "./recorded-end.js";

/** What an end may do. */
export interface Direction {
  readonly readable: boolean;
  readonly writable: boolean;
}

interface Crossed extends Direction {
  readonly inTrace: EndInTrace;
}

/** To a thread. */
interface ByPort extends Crossed {
  readonly port: MessagePort;
  readonly word: SharedArrayBuffer;
  readonly id: number;
  readonly fd: number;
}

/** To a process that is being started, and finds it under this number. */
interface ByDescriptor extends Crossed {
  readonly fd: number;
  readonly unread: readonly Uint8Array[];
}

/** To a process that runs. */
interface ByOffer extends Crossed {
  readonly offered: OfferedEnd;
  readonly unread: readonly Uint8Array[];
}

/** What stands for an end while it crosses. */
export type ConnectionHandle = ByPort | ByDescriptor | ByOffer;

/** Of an end of a process that is not recorded. */
const NOT_RECORDED: EndInTrace = { kind: ObjectKind.Pipe, identity: 0, side: 0, sent: 0, received: 0 };

/** The handle of an end. Throws `DataCloneError` where it cannot cross. */
export function handleOf(
  channel: ConnectionChannel,
  direction: Direction,
  crossing: Crossing,
  pins: Pins,
): ConnectionHandle {
  if (channel.closed) throw new DataCloneError("a closed connection cannot cross");
  const { readable, writable } = direction;
  const crossed: Crossed = { readable, writable, inTrace: channel.recorded?.crossing ?? NOT_RECORDED };
  if (crossing === "thread") return toThread(channel, crossed, pins);
  const fd = channel.fd < 0 ? -1 : passDescriptor(channel.fd);
  if (fd < 0) return toRunning(channel, crossed, pins);
  const unread = channel.handOver();
  // If something else among the arguments cannot cross, it is still here.
  pins?.push(() => channel.takeOver(unread));
  return { ...crossed, fd, unread };
}

function toThread(channel: ConnectionChannel, crossed: Crossed, pins: Pins): ByPort {
  const { port1, port2 } = new MessageChannel();
  const word = new SharedArrayBuffer(4);
  channel.share();
  channel.client.post({ op: "share", id: channel.id, port: port2, word }, [port2]);
  pins?.push(() => port1.close());
  return { ...crossed, port: transfer(port1, [port1]), word, id: channel.id, fd: channel.fd };
}

function toRunning(channel: ConnectionChannel, crossed: Crossed, pins: Pins): ByOffer {
  // Not in the middle of a message.
  const unread = channel.handOver();
  try {
    const { offer: made, end } = offer(channel.client, channel.id, pins === null);
    // What any number of processes get is for none of them alone.
    if (pins === null) channel.takeOver(unread);
    else {
      pins.push(() => {
        withdraw([made]);
        channel.takeOver(unread);
      });
    }
    return { ...crossed, offered: end, unread: pins === null ? [] : unread };
  } catch (error) {
    channel.takeOver(unread);
    throw new DataCloneError(
      `a Connection cannot be sent to a process that runs already: ${(error as Error).message}; give it to the Process ` +
        "as an argument, when that starts, or let the other process connect with Client to a Listener",
    );
  }
}

/** The end that a handle leads to. Throws `RuntimeError` if it is gone. */
export function arrive(handle: ConnectionHandle): ConnectionChannel {
  if ("port" in handle) {
    return new ConnectionChannel(new ConnectionClient(handle.port, handle.word), handle, handle.inTrace, false);
  }
  const client = connectionClient();
  const end = "offered" in handle ? taken(client, handle.offered) : opened(client, handle.fd);
  const channel = new ConnectionChannel(client, end, handle.inTrace);
  channel.takeOver(handle.unread);
  return channel;
}

function opened(client: ConnectionClient, fd: number): EndOfWire {
  return client.ask((call) => ({ op: "open", call, fd })).ends![0]!;
}

function taken(client: ConnectionClient, offered: OfferedEnd): EndOfWire {
  try {
    return client.ask((call) => ({ op: "take", call, offered })).ends![0]!;
  } catch (cause) {
    throw new RuntimeError(
      `a Connection that was sent to this process did not arrive: ${(cause as Error).message}. Whoever sends one has to ` +
        "live until it is received",
      { cause },
    );
  }
}
