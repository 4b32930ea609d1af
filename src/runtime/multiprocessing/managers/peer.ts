/**
 * One client of a server: a connection whose two ends have proven their key. Its requests begin in order and run side by
 * side. When it is gone, what it waited for is cancelled, its references are given back, and what it holds hears of it.
 */
import { beginServe, endServe, recording } from "../../../recorder/emit.js";
import { RemoteError } from "../../core/errors.js";
import type { ConnectionChannel } from "../connection-channel.js";
import { CANCELLED, Caller, type Client, type Holdable } from "./caller.js";
import type { Entry } from "./object-table.js";
import { LONGEST_MESSAGE, message, PROTOCOL_VERSION, parts, Reply, Request } from "./protocol.js";
import type { ManagerServer, Result } from "./server.js";
import { isTalkative } from "./talkative.js";
import { type Arrived, decodeFromWire, encodeForWire } from "./wire-values.js";

/** How many requests of one client may be open at once. */
const MOST_REQUESTS = 100_000;
/** How many bytes of answers may lie unread; then no more requests are taken. */
const MOST_UNREAD = 64 * 1024 * 1024;
const LONGEST_NAME = 300;
/** Answers below this many bytes may be held back for a moment, and so many of them. */
const HELD_BELOW = 1024;
const MOST_HELD = 64;

export class Peer implements Client {
  name: string;
  pid = 0;
  thread = 0;
  readonly holds = new Set<Holdable>();
  gone = false;
  readonly #server: ManagerServer;
  readonly #channel: ConnectionChannel;
  readonly #left: (peer: Peer) => void;
  readonly #open = new Map<number, Caller>();
  readonly #references = new Map<Entry, number>();
  #unread = 0;
  /** Answers that go out together with those of the requests that are here already. */
  #held: Uint8Array[] = [];
  #serving = false;
  #taking = false;
  #looping = false;

  constructor(server: ManagerServer, channel: ConnectionChannel, from: string, left: (peer: Peer) => void) {
    this.#server = server;
    this.#channel = channel;
    this.#left = left;
    this.name = `a client${from === "" ? "" : ` at ${from}`}`;
    this.#read();
  }

  // --- What comes --------------------------------------------------------------------------------------------------

  #read(): void {
    if (this.#looping) return;
    this.#looping = true;
    try {
      while (!this.#taking && !this.gone && this.#unread < MOST_UNREAD) {
        this.#taking = true;
        this.#channel.take(
          LONGEST_MESSAGE,
          0,
        )((error, bytes) => {
          // Until it is dealt with, so that an answer which is sent at once does not read on beyond an end.
          if (error === null) {
            this.#serving = true;
            this.#arrived(bytes as Uint8Array);
            this.#serving = false;
            if (!this.#channel.isAhead) this.#sendHeld();
            this.#taking = false;
          } else {
            // Nothing behind a message that is too long can be made sense of.
            if ((error as NodeJS.ErrnoException).code === "EMSGSIZE") {
              this.#refuse(0, new RemoteError(`a message was longer than ${LONGEST_MESSAGE} bytes: ${error.message}`));
            }
            this.close();
          }
          this.#read();
        });
      }
    } finally {
      this.#looping = false;
    }
  }

  #arrived(bytes: Uint8Array): void {
    if (isTalkative()) this.#channel.readByLoop(LONGEST_MESSAGE);
    const came = parts(bytes);
    if (came === null) {
      this.#refuse(0, new RemoteError("that is no request"));
      this.close();
      return;
    }
    const { kind, request, payload } = came;
    try {
      if (kind === Request.Cancel) this.#open.get(request)?.cancel();
      else this.#serve(kind, request, this.#decode(payload));
    } catch (error) {
      if (request === 0) return; // nobody waits for an answer
      this.#refuse(request, error instanceof RemoteError ? error : new RemoteError(`that is no request: ${error}`));
    }
  }

  #decode(payload: Uint8Array): Arrived {
    return decodeFromWire(payload, this.#server.transport, this.name);
  }

  #serve(kind: number, request: number, { value, functions }: Arrived): void {
    const { objects } = this.#server;
    switch (kind) {
      case Request.Hello: {
        const [version, name, pid, thread] = value as unknown[];
        if (version !== PROTOCOL_VERSION) throw new RemoteError(`the server speaks version ${PROTOCOL_VERSION}`);
        if (typeof name === "string") this.name = name.slice(0, LONGEST_NAME);
        if (typeof pid === "number") this.pid = pid;
        if (typeof thread === "number") this.thread = thread;
        this.#give(request, [PROTOCOL_VERSION]);
        return;
      }
      case Request.Call: {
        const [id, method, args, ...asks] = value as unknown[];
        const isQuick = !functions && this.#server.isQuick(id);
        this.#begin(request, asks, String(method), { value: args, functions }, isQuick, (caller, all, done) =>
          this.#server.call(id, method, all, caller, done),
        );
        // Who is recorded wants to know that it waits.
        const waiting = asks[4] === 0 ? undefined : this.#open.get(request);
        const awaited = waiting === undefined ? null : this.#server.awaitedThread(id, method);
        if (waiting === undefined || awaited === null) return;
        this.#encoded(request, Reply.Waiting, awaited);
        if (method === "wait") waiting.woken = (by) => this.gone || this.#encoded(request, Reply.Woken, by);
        return;
      }
      case Request.Create: {
        const [typeId, args, name, ...asks] = value as unknown[];
        const called = typeof name === "string" ? name.slice(0, LONGEST_NAME) : "";
        this.#begin(request, asks, `${String(typeId)}.create`, { value: args, functions }, false, (caller, all, done) =>
          this.#server.create(typeId, all, called, caller, done),
        );
        return;
      }
      case Request.Incref: {
        const [id, arrived] = value as [unknown, unknown];
        this.#refer(objects.get(id), arrived === true);
        return;
      }
      case Request.Decref:
        this.#unrefer(objects.get(value));
        return;
      case Request.Pin:
        objects.pin(objects.get(value));
        return;
      case Request.Ask:
        if ((value as unknown[])[0] === "objects") this.#give(request, objects.size);
        else this.#give(request, null);
        return;
      default:
        throw new RemoteError(`that is no request: ${kind}`);
    }
  }

  #begin(
    request: number,
    asks: readonly unknown[],
    name: string,
    args: Arrived,
    isQuick: boolean,
    act: (caller: Caller, args: Arrived, done: (error: unknown, result?: Result) => void) => void,
  ): void {
    const [context, blocking, signalAt, pid, traced] = asks as [number, boolean, number, number, number];
    if (this.#open.size >= MOST_REQUESTS) throw new RemoteError(`more than ${MOST_REQUESTS} requests at once`);
    if (this.#open.has(request)) throw new RemoteError("a request of that number is open");
    const caller = new Caller(this, Number(context), blocking === true);
    if (Number.isInteger(signalAt) && signalAt >= 0) addSignal(args.value, signalAt, caller);
    const served = recording ? beginServe(Number(pid) || 0, Number(traced) || 0, name.slice(0, 100)) : 0;
    this.#open.set(request, caller);
    if (!isQuick) this.#sendHeld();
    act(caller, args, (error, result) => {
      if (recording) endServe(Number(pid) || 0, served, result === undefined);
      this.#open.delete(request);
      if (!this.gone) this.#answer(request, caller, error, result);
    });
  }

  // --- What goes ---------------------------------------------------------------------------------------------------

  #answer(request: number, caller: Caller, error: unknown, result: Result | undefined): void {
    if (result === undefined) {
      if (error === CANCELLED || (caller.cancelled && isAbort(error)))
        this.#send(Reply.Cancelled, request, new Uint8Array(0));
      else if (error instanceof RemoteError) this.#refuse(request, error);
      else this.#encoded(request, Reply.Threw, error);
      return;
    }
    if ("entry" in result) {
      this.#refer(result.entry, false);
      this.#encoded(request, Reply.Token, result.entry.token);
    } else this.#encoded(request, Reply.Value, result.value);
  }

  #give(request: number, value: unknown): void {
    this.#encoded(request, Reply.Value, value);
  }

  #encoded(request: number, kind: number, value: unknown): void {
    let payload: Uint8Array;
    try {
      payload = encodeForWire(value, this.#server.transport, kind === Reply.Threw ? "error" : "result");
    } catch (error) {
      this.#refuse(
        request,
        new RemoteError(`the result cannot cross: ${(error as Error).message}`, (error as Error).stack),
      );
      return;
    }
    this.#send(kind, request, payload);
  }

  #refuse(request: number, error: RemoteError): void {
    const stack = error.remoteStack || String(error.stack);
    this.#send(Reply.Refused, request, encodeForWire([error.message, stack], this.#server.transport, ""));
  }

  #send(kind: number, request: number, payload: Uint8Array): void {
    const bytes = message(kind, request, payload);
    this.#unread += bytes.length;
    if (bytes.length < HELD_BELOW) {
      this.#held.push(bytes);
      if (!(this.#serving && this.#channel.isAhead && this.#held.length < MOST_HELD)) this.#sendHeld();
      return;
    }
    this.#sendHeld();
    this.#channel.put(bytes, true, 0)(() => this.#sent(bytes.length));
  }

  /** Sends what is held back. To be called before anything is done that may take long. */
  #sendHeld(): void {
    const { length } = this.#held;
    if (length === 0) return;
    const held = this.#held;
    this.#held = [];
    const bytes = held.reduce((sum, each) => sum + each.length, 0);
    this.#channel.putTogether(held)(() => this.#sent(bytes));
  }

  #sent(bytes: number): void {
    this.#unread -= bytes;
    this.#read();
  }

  // --- References and the end --------------------------------------------------------------------------------------

  #refer(entry: Entry, arrived: boolean): void {
    this.#references.set(entry, (this.#references.get(entry) ?? 0) + 1);
    this.#server.objects.refer(entry, arrived);
  }

  #unrefer(entry: Entry): void {
    const count = this.#references.get(entry) ?? 0;
    if (count === 0) return;
    if (count > 1) this.#references.set(entry, count - 1);
    else this.#references.delete(entry);
    this.#server.objects.unrefer(entry);
  }

  /** The client is gone, or has to go. */
  close(): void {
    if (this.gone) return;
    this.gone = true;
    this.#sendHeld();
    this.#channel.close();
    for (const caller of [...this.#open.values()]) caller.cancel();
    this.#open.clear();
    for (const held of [...this.holds]) held.clientGone(this);
    this.holds.clear();
    for (const [entry, count] of this.#references) for (let i = 0; i < count; i++) this.#server.objects.unrefer(entry);
    this.#references.clear();
    this.#left(this);
  }
}

function isAbort(error: unknown): boolean {
  return error === CANCELLED || (error as { name?: unknown } | null)?.name === "AbortError";
}

/** Puts a signal where the client had one. */
function addSignal(args: unknown, at: number, caller: Caller): void {
  const options = Array.isArray(args) ? args[at] : undefined;
  if (typeof options === "object" && options !== null && Object.getPrototypeOf(options) === Object.prototype) {
    (options as { signal?: AbortSignal }).signal = caller.signal;
  }
}
