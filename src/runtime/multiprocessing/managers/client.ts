/**
 * A thread's connection to a manager's server. Each thread has its own, made when it is first needed: so a thread that
 * blocks holds up no other, and the server knows who holds what.
 *
 * Requests have numbers and are answered in any order. While anybody waits for an answer one message is being taken from
 * the connection, by the event loop or by the thread that blocks; whoever takes it hands it to the one it is for.
 */
import { hostname } from "node:os";
import { beginRequest, callSite, endRequest, recording } from "../../../recorder/emit.js";
import { EventFlag } from "../../../trace/events.js";
import { currentContext } from "../../core/async-context.js";
import { RemoteError } from "../../core/errors.js";
import { nativeThreadId } from "../../core/native-id.js";
import { currentRecord } from "../../threading/current-record.js";
import type { TimeoutOptions, WaitOptions } from "../../types.js";
import { ConnectionChannel, systemError } from "../connection-channel.js";
import { type Begin, connectionClient } from "../connection-client.js";
import type { EndOfWire } from "../connection-requests.js";
import { type Address, connectingQuietly } from "../listener.js";
import { currentProcess } from "../process.js";
import {
  type BaseProxy,
  type CallOptions,
  makeProxy,
  type ProxyOrigin,
  setTransports,
  type Transport,
} from "./base-proxy.js";
import { fingerprint, sameKey } from "./keys.js";
import { LONGEST_MESSAGE, message, PROTOCOL_VERSION, parts, Reply, Request, type Token } from "./protocol.js";
import { type RecordedCall, recordCall } from "./recorded-lock.js";
import { checkedToken, decodeFromWire, encodeForWire } from "./wire-values.js";

/** An answer: what kind of one, and what it holds. */
interface Answer {
  readonly kind: number;
  readonly payload: Uint8Array;
}

type Answered = (error: Error | null, answer?: Answer) => void;

/** What a request is, for the trace. */
interface InTrace {
  /** "type.method". */
  readonly name: string;
  readonly lock: { readonly token: Token; readonly method: string; readonly args: readonly unknown[] } | null;
}

/** Where an address is to be found from here: a server that listens everywhere is on this machine, too. */
function reachable(address: Address): Address {
  if (typeof address === "string") return address;
  return address[0] === "0.0.0.0" || address[0] === "" ? ["127.0.0.1", address[1]] : address;
}

function shown(address: Address): string {
  return typeof address === "string" ? address : `${address[0]}:${address[1]}`;
}

/** Who this thread is, for the server's messages. */
function ownName(): string {
  return `thread ${currentRecord().name} of process ${currentProcess().name} (pid ${process.pid} on ${hostname()})`;
}

export class ManagerClient implements Transport {
  readonly address: Address;
  readonly key: Uint8Array;
  #channel: ConnectionChannel | null = null;
  /** Who waits for the connection; null while nobody is connecting. */
  #opening: ((error: Error | null) => void)[] | null = null;
  readonly #answers = new Map<number, Answered>();
  /** Those that want to hear that they wait for a lock. */
  readonly #waiting = new Map<number, RecordedCall>();
  #last = 0;
  #taking = false;
  #looping = false;
  /** How many proxies of each object there are here. */
  readonly #held = new Map<string, number>();

  constructor(address: Address, key: Uint8Array) {
    this.address = address;
    this.key = key;
  }

  // --- The connection ----------------------------------------------------------------------------------------------

  /** Calls back when there is a connection. Who gives up waiting ends nothing. */
  #open(): Begin<void> {
    return (done) => {
      connectionClient().drain();
      if (this.#channel !== null) {
        done(null);
        return () => {};
      }
      const waiting = this.#opening ?? [];
      waiting.push(done);
      if (this.#opening === null) {
        this.#opening = waiting;
        this.#connect();
      }
      return () => {
        const at = waiting.indexOf(done);
        if (at >= 0) waiting.splice(at, 1);
      };
    };
  }

  #connect(): void {
    const opened = (error: Error | null) => {
      const waiting = this.#opening ?? [];
      this.#opening = null;
      for (const done of waiting.splice(0)) done(error);
    };
    try {
      connectingQuietly(
        reachable(this.address),
        this.key,
      )((error, answer) => {
        if (error !== null) {
          opened(this.#unreachable(error));
          return;
        }
        this.#channel = new ConnectionChannel(connectionClient(), answer!.ends![0] as EndOfWire, null);
        this.#greet();
        opened(null);
      });
    } catch (error) {
      opened(error as Error);
    }
  }

  /** The path of a server that is gone is gone, too. */
  #unreachable(error: Error): Error {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT" && code !== "ECONNREFUSED") return error;
    return systemError("ECONNREFUSED", `no manager's server listens at ${shown(this.address)}`);
  }

  #greet(): void {
    // What it is answered is of interest only if it is another version.
    this.#request(
      Request.Hello,
      encodeForWire([PROTOCOL_VERSION, ownName(), process.pid, recording ? nativeThreadId() : 0], this, "hello"),
      (_, answer) => {
        if (answer?.kind === Reply.Refused) this.#broken(this.#errorOf(answer) as Error);
      },
    );
    for (const [id, count] of this.#held) for (let i = 0; i < count; i++) this.#post(Request.Incref, [id, false]);
  }

  /** The connection is of no use any more: all who wait for an answer get an error. */
  #broken(error: Error): void {
    this.#channel?.close();
    this.#channel = null;
    this.#taking = false;
    this.#waiting.clear();
    const answers = [...this.#answers.values()];
    this.#answers.clear();
    for (const answered of answers) answered(error);
  }

  #gone(error: Error): Error {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EPIPE" || code === "ECONNREFUSED") return error;
    return systemError("ECONNRESET", `the manager's server at ${shown(this.address)} is gone (${error.message})`);
  }

  /** Connects, if it is not connected, and makes sure that somebody is there. */
  async connect(options: WaitOptions = {}): Promise<void> {
    await connectionClient().wait(this.#open(), options);
    await this.#wait(
      this.#begin(Request.Ask, () => encodeForWire(["here"], this, "")),
      options,
    );
  }

  /** Blocking {@link connect}. */
  connectSync(options: TimeoutOptions = {}): void {
    connectionClient().waitSync(this.#open(), options);
    connectionClient().waitSync(
      this.#begin(Request.Ask, () => encodeForWire(["here"], this, "")),
      options,
    );
  }

  /** Lets go of the connection; it is made again if it is needed again. */
  disconnect(): void {
    if (this.#channel !== null) this.#broken(systemError("ECONNRESET", "the manager was shut down"));
  }

  // --- Requests and answers ----------------------------------------------------------------------------------------

  #request(kind: number, payload: Uint8Array, answered: Answered): number {
    if (this.#channel === null) {
      answered(this.#gone(new Error("the connection was closed")));
      return 0;
    }
    this.#last = (this.#last + 1) >>> 0 || 1;
    const number = this.#last;
    this.#answers.set(number, answered);
    this.#send(message(kind, number, payload));
    this.#read();
    return number;
  }

  #send(bytes: Uint8Array): void {
    const channel = this.#channel;
    channel?.put(
      bytes,
      true,
      0,
    )((error) => {
      // An end that can be read still tells why, so that what was answered before comes first.
      if (error !== null && this.#answers.size === 0 && this.#channel === channel) this.#broken(this.#gone(error));
    });
  }

  /** Says something that is not answered, if there is a connection. */
  #post(kind: number, value: unknown): void {
    if (this.#channel !== null) this.#send(message(kind, 0, encodeForWire(value, this, "")));
  }

  #read(): void {
    // What takes a message at once comes back here: the loop below goes on instead.
    if (this.#looping) return;
    this.#looping = true;
    try {
      while (!this.#taking && this.#answers.size > 0 && this.#channel !== null) {
        this.#taking = true;
        const channel = this.#channel;
        channel.take(
          LONGEST_MESSAGE,
          0,
        )((error, bytes) => {
          if (this.#channel !== channel) return;
          this.#taking = false;
          if (error !== null) this.#broken(this.#gone(error));
          else this.#arrived(bytes as Uint8Array);
          this.#read();
        });
      }
    } finally {
      this.#looping = false;
    }
  }

  #arrived(bytes: Uint8Array): void {
    const answer = parts(bytes);
    if (answer === null || (answer.request === 0 && answer.kind === Reply.Refused)) {
      const why =
        answer === null ? new RemoteError("the server sent something else than an answer") : this.#errorOf(answer);
      this.#broken(why as Error);
      return;
    }
    if (answer.kind === Reply.Waiting) {
      this.#waiting.get(answer.request)?.waiting(Number(this.#decode(answer.payload)));
      return;
    }
    this.#waiting.delete(answer.request);
    const answered = this.#answers.get(answer.request);
    this.#answers.delete(answer.request);
    answered?.(null, answer);
  }

  /** A request as something to wait for. Who gives up waiting gets its answer thrown away. */
  #begin(kind: number, encoded: () => Uint8Array, begun: (number: number) => void = () => {}): Begin<Answer> {
    return (done) => {
      begun(this.#request(kind, encoded(), done));
      return () => {};
    };
  }

  #wait(begin: Begin<Answer>, options: WaitOptions = {}): Promise<Answer> {
    return connectionClient().wait(begin, options);
  }

  /** What an answer gives. Throws what it says was thrown. */
  #outcome(answer: Answer, made: ((token: Token) => BaseProxy) | null): unknown {
    if (answer.kind === Reply.Value) return this.#decode(answer.payload);
    if (answer.kind === Reply.Token) {
      const token = checkedToken(this.#decode(answer.payload));
      return made === null ? makeProxy(this, token, "answer") : made(token);
    }
    throw this.#errorOf(answer);
  }

  #errorOf(answer: Answer): unknown {
    if (answer.kind === Reply.Threw) return this.#decode(answer.payload);
    if (answer.kind !== Reply.Refused) return new RemoteError("the server sent something else than an answer");
    const [text, stack] = this.#decode(answer.payload) as [unknown, unknown];
    return new RemoteError(String(text), String(stack));
  }

  #decode(payload: Uint8Array): unknown {
    return decodeFromWire(payload, this, `the manager's server at ${shown(this.address)}`).value;
  }

  async #ask(
    kind: number,
    { name, lock }: InTrace,
    encode: (asks: readonly unknown[]) => Uint8Array,
    { signal, signalAt = -1 }: CallOptions,
    made: ((token: Token) => BaseProxy) | null,
  ): Promise<unknown> {
    const context = currentContext();
    const site = recording ? callSite() : 0;
    if (this.#channel === null) await connectionClient().wait(this.#open(), { signal });
    const traced = recording ? beginRequest(name, site, 0, true) : 0;
    const recorded = recording ? recordLock(lock, site, EventFlag.Async) : null;
    let cancel = () => {};
    let outcome: unknown;
    let failed = true;
    try {
      const begin = this.#begin(
        kind,
        () => encode([context, false, signalAt, process.pid, traced]),
        (number) => {
          if (recorded !== null) this.#waiting.set(number, recorded);
          cancel = () => this.#send(message(Request.Cancel, number, new Uint8Array(0)));
        },
      );
      const waiting = this.#wait(begin);
      // What the server has done by then counts, so its answer is waited for.
      signal?.addEventListener("abort", cancel, { once: true });
      const answer = await waiting;
      if (answer.kind === Reply.Cancelled) throw signal?.reason;
      outcome = this.#outcome(answer, made);
      failed = false;
      return outcome;
    } finally {
      signal?.removeEventListener("abort", cancel);
      recorded?.ended(outcome);
      if (recording) endRequest(traced, failed);
    }
  }

  #askSync(
    kind: number,
    { name, lock }: InTrace,
    encode: (asks: readonly unknown[]) => Uint8Array,
    made: ((token: Token) => BaseProxy) | null,
  ): unknown {
    const client = connectionClient();
    const site = recording ? callSite() : 0;
    if (this.#channel === null) client.waitSync(this.#open());
    const traced = recording ? beginRequest(name, site, 0, false) : 0;
    const recorded = recording ? recordLock(lock, site, 0) : null;
    let outcome: unknown;
    let failed = true;
    try {
      const begin = this.#begin(
        kind,
        () => encode([currentContext(), true, -1, process.pid, traced]),
        (number) => {
          if (recorded !== null) this.#waiting.set(number, recorded);
        },
      );
      outcome = this.#outcome(client.waitSync(begin), made);
      failed = false;
      return outcome;
    } finally {
      recorded?.ended(outcome);
      if (recording) endRequest(traced, failed);
    }
  }

  #call(token: Token, method: string, args: readonly unknown[]): (asks: readonly unknown[]) => Uint8Array {
    return (asks) => encodeForWire([token.id, method, args, ...asks], this, "args");
  }

  call(token: Token, method: string, args: readonly unknown[], options: CallOptions): Promise<unknown> {
    const inTrace = { name: `${token.typeId}.${method}`, lock: { token, method, args } };
    return this.#ask(Request.Call, inTrace, this.#call(token, method, args), options, null);
  }

  callSync(token: Token, method: string, args: readonly unknown[]): unknown {
    const inTrace = { name: `${token.typeId}.${method}`, lock: { token, method, args } };
    return this.#askSync(Request.Call, inTrace, this.#call(token, method, args), null);
  }

  callInto(
    token: Token,
    method: string,
    args: readonly unknown[],
    done: (error: unknown, value?: unknown) => void,
  ): void {
    const payload = this.#call(token, method, args)([currentContext(), false, -1, process.pid, 0]);
    const ended: Answered = (error, answer) => {
      if (error !== null) return done(error);
      try {
        done(null, this.#outcome(answer as Answer, null));
      } catch (error) {
        done(error);
      }
    };
    const begin: Begin<void> = (settled) =>
      this.#open()((error) => {
        const end: Answered = (error, answer) => {
          ended(error, answer);
          settled(null);
        };
        if (error !== null) end(error);
        else this.#request(Request.Call, payload, end);
      });
    // The promise keeps the event loop alive; it never fails.
    void connectionClient().wait(begin);
  }

  #create(typeId: string, args: readonly unknown[], name: string): (asks: readonly unknown[]) => Uint8Array {
    return (asks) => encodeForWire([typeId, args, name, ...asks], this, "args");
  }

  /** Has an object made. `made` makes its proxy. */
  create(typeId: string, args: readonly unknown[], name: string, made: (token: Token) => BaseProxy): Promise<unknown> {
    return this.#ask(
      Request.Create,
      { name: `${typeId}.create`, lock: null },
      this.#create(typeId, args, name),
      {},
      made,
    );
  }

  /** Blocking {@link create}. */
  createSync(typeId: string, args: readonly unknown[], name: string, made: (token: Token) => BaseProxy): unknown {
    return this.#askSync(
      Request.Create,
      { name: `${typeId}.create`, lock: null },
      this.#create(typeId, args, name),
      made,
    );
  }

  /** How many objects the server has. */
  async numberOfObjects(): Promise<number> {
    await connectionClient().wait(this.#open());
    return this.#outcome(
      await this.#wait(this.#begin(Request.Ask, () => encodeForWire(["objects"], this, ""))),
      null,
    ) as number;
  }

  // --- References --------------------------------------------------------------------------------------------------

  proxyOf(token: Token): BaseProxy {
    return makeProxy(this, token, "handle");
  }

  hold(id: string, made: ProxyOrigin): void {
    this.#held.set(id, (this.#held.get(id) ?? 0) + 1);
    if (made === "answer") return;
    if (this.#channel !== null) this.#post(Request.Incref, [id, made === "handle"]);
    // The greeting tells it. A server that cannot be reached is for whoever uses the proxy to hear of.
    else if (made === "handle") this.#open()(() => {});
  }

  drop(id: string): void {
    const count = this.#held.get(id) ?? 0;
    if (count > 1) this.#held.set(id, count - 1);
    else this.#held.delete(id);
    this.#post(Request.Decref, id);
  }

  pin(id: string): void {
    this.#post(Request.Pin, id);
  }
}

function recordLock(lock: InTrace["lock"], site: number, flags: number): RecordedCall | null {
  return lock === null ? null : recordCall(lock.token, lock.method, lock.args, site, flags);
}

const clients = new Map<string, WeakRef<ManagerClient>>();
const collected = new FinalizationRegistry<string>((name) => {
  if (clients.get(name)?.deref() === undefined) clients.delete(name);
});

/** This thread's connection to a server. */
export function managerClient(address: Address, key: Uint8Array): ManagerClient {
  const name = `${fingerprint(key)} ${shown(reachable(address))}`;
  let client = clients.get(name)?.deref();
  if (client === undefined || !sameKey(client.key, key)) {
    client = new ManagerClient(address, key);
    clients.set(name, new WeakRef(client));
    collected.register(client, name);
  }
  return client;
}

setTransports(managerClient);
