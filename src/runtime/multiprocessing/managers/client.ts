/**
 * What a thread asks of a manager's server, and what it makes of the answers. Each thread has a connection of its own
 * (`server-link.ts`), made when it is first needed: so a thread that blocks holds up no other, and the server knows who
 * holds what.
 */

import { hostname } from "node:os";
import { beginRequest, callSite, endRequest, recording } from "../../../recorder/emit.js";
import { EventFlag } from "../../../trace/events.js";
import { currentContext } from "../../core/async-context.js";
import { RemoteError } from "../../core/errors.js";
import { nativeThreadId } from "../../core/native-id.js";
import { errorWithCode } from "../../platform/system-error.js";
import { currentRecord } from "../../threading/current-record.js";
import type { TimeoutOptions, WaitOptions } from "../../types.js";
import { type Begin, connectionClient } from "../connection-client.js";
import type { Address } from "../listener.js";
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
import { message, PROTOCOL_VERSION, Reply, Request, type Token } from "./protocol.js";
import { type RecordedCall, recordCall } from "./recorded-lock.js";
import { recordSignalCall } from "./recorded-signal.js";
import { type Answer, type Answered, reachable, ServerLink, shown } from "./server-link.js";
import { checkedToken, decodeFromWire, encodeForWire, encodeRequest } from "./wire-values.js";

/** What a request is, for the trace. */
interface InTrace {
  /** "type.method". */
  readonly name: string;
  readonly lock: { readonly token: Token; readonly method: string; readonly args: readonly unknown[] } | null;
}

/** Who this thread is, for the server's messages. */
function ownName(): string {
  return `thread ${currentRecord().name} of process ${currentProcess().name} (pid ${process.pid} on ${hostname()})`;
}

export class ManagerClient implements Transport {
  readonly address: Address;
  readonly key: Uint8Array;
  readonly #link: ServerLink;
  /** How many proxies of each object there are here. */
  readonly #held = new Map<string, number>();

  constructor(address: Address, key: Uint8Array) {
    this.address = address;
    this.key = key;
    this.#link = new ServerLink(address, key, {
      greet: () => this.#greet(),
      errorOf: (answer) => this.#errorOf(answer),
      decode: (payload) => this.#decode(payload),
    });
  }

  // --- The connection ----------------------------------------------------------------------------------------------

  #greet(): void {
    // What it is answered is of interest only if it is another version.
    this.#link.request(
      Request.Hello,
      encodeForWire([PROTOCOL_VERSION, ownName(), process.pid, recording ? nativeThreadId() : 0], this, "hello"),
      (_, answer) => {
        if (answer?.kind === Reply.Refused) this.#link.close(this.#errorOf(answer) as Error);
      },
    );
    for (const [id, count] of this.#held) for (let i = 0; i < count; i++) this.#post(Request.Incref, [id, false]);
  }

  /** Connects, if it is not connected, and makes sure that somebody is there. */
  async connect(options: WaitOptions = {}): Promise<void> {
    await connectionClient().wait(this.#link.open(), options);
    await this.#wait(
      this.#link.begin(Request.Ask, () => encodeForWire(["here"], this, "")),
      options,
    );
  }

  /** Blocking {@link connect}. */
  connectSync(options: TimeoutOptions = {}): void {
    connectionClient().waitSync(this.#link.open(), options);
    connectionClient().waitSync(
      this.#link.begin(Request.Ask, () => encodeForWire(["here"], this, "")),
      options,
    );
  }

  /** Lets go of the connection; it is made again if it is needed again. */
  disconnect(): void {
    if (this.#link.isOpen) this.#link.close(errorWithCode("ECONNRESET", "the manager was shut down"));
  }

  // --- Requests and answers ----------------------------------------------------------------------------------------

  /** Says something that is not answered, if there is a connection. */
  #post(kind: number, value: unknown): void {
    if (this.#link.isOpen) this.#link.send(message(kind, 0, encodeForWire(value, this, "")));
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
    if (!this.#link.isOpen) await connectionClient().wait(this.#link.open(), { signal });
    const traced = recording ? beginRequest(name, site, 0, true) : 0;
    const recorded = recording ? recordLock(lock, site, EventFlag.Async) : null;
    let cancel = () => {};
    let outcome: unknown;
    let failed = true;
    try {
      const begin = this.#link.begin(
        kind,
        () => encode([context, false, signalAt, process.pid, traced]),
        recorded,
        (number) => {
          cancel = () => this.#link.send(message(Request.Cancel, number, new Uint8Array(0)));
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
    if (!this.#link.isOpen) client.waitSync(this.#link.open());
    const traced = recording ? beginRequest(name, site, 0, false) : 0;
    const recorded = recording ? recordLock(lock, site, 0) : null;
    let outcome: unknown;
    let failed = true;
    try {
      const begin = this.#link.begin(kind, () => encode([currentContext(), true, -1, process.pid, traced]), recorded);
      outcome = this.#outcome(client.waitSync(this.#link.soon(begin)), made);
      failed = false;
      return outcome;
    } finally {
      recorded?.ended(outcome);
      if (recording) endRequest(traced, failed);
    }
  }

  #call(token: Token, method: string, args: readonly unknown[]): (asks: readonly unknown[]) => Uint8Array {
    return (asks) => encodeRequest([token.id, method, args, ...asks], 2, this);
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
      this.#link.open()((error) => {
        const end: Answered = (error, answer) => {
          ended(error, answer);
          settled(null);
        };
        if (error !== null) end(error);
        else this.#link.request(Request.Call, payload, end);
      });
    // The promise keeps the event loop alive; it never fails.
    void connectionClient().wait(begin);
  }

  #create(typeId: string, args: readonly unknown[], name: string): (asks: readonly unknown[]) => Uint8Array {
    return (asks) => encodeRequest([typeId, args, name, ...asks], 1, this);
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
    await connectionClient().wait(this.#link.open());
    return this.#outcome(
      await this.#wait(this.#link.begin(Request.Ask, () => encodeForWire(["objects"], this, ""))),
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
    if (this.#link.isOpen) this.#post(Request.Incref, [id, made === "handle"]);
    // The greeting tells it. A server that cannot be reached is for whoever uses the proxy to hear of.
    else if (made === "handle") this.#link.open()(() => {});
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
  if (lock === null) return null;
  const { token, method, args } = lock;
  return recordCall(token, method, args, site, flags) ?? recordSignalCall(token, method, site, flags);
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
