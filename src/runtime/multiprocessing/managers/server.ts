/**
 * A manager's server: the objects, and what is done with them. It knows nothing of connections; what a client asks comes
 * from `peer.ts`, and from proxies in the server's own thread by {@link LocalTransport}.
 *
 * A request names a registered type, or an object and one of its exposed methods. Both are looked up as strings in maps
 * and sets of their own, never as properties of an object, so that no name reaches what was not meant.
 */
import { RemoteError, RuntimeError } from "../../core/errors.js";
import type { Address } from "../listener.js";
import {
  BaseProxy,
  type CallOptions,
  GET_VALUE,
  insideOf,
  makeProxy,
  type ProxyOrigin,
  proxyClassName,
  type Transport,
} from "./base-proxy.js";
import { Caller, type Client, type Holdable } from "./caller.js";
import { Deferred } from "./deferred.js";
import { callByTrying, waits, withSignal } from "./library-objects.js";
import { type Entry, ObjectTable } from "./object-table.js";
import { ManagedLock } from "./objects/lock.js";
import { Managed } from "./objects/managed.js";
import { ManagedPool } from "./objects/pool.js";
import { ManagedSemaphore } from "./objects/semaphore.js";
import { ManagedBarrier, ManagedCondition, ManagedEvent } from "./objects/signals.js";
import type { Token } from "./protocol.js";
import { publicMethods, type RegisteredType } from "./registry.js";
import { type Arrived, decodeFromWire, encodeForWire, FunctionOnWire, functionOf } from "./wire-values.js";

/** Types and methods that take functions from a client. */
const TAKES_FUNCTIONS = new Set(["Barrier", "Pool", "Pool.run", "list.sort"]);

/** What a request gives: a value, or an object that stays here. */
export type Result = { readonly value: unknown } | { readonly entry: Entry };

type Method = (...args: unknown[]) => unknown;

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return (
    (typeof value === "object" || typeof value === "function") &&
    typeof (value as { then?: unknown } | null)?.then === "function"
  );
}

export class ManagerServer {
  readonly objects = new ObjectTable();
  readonly transport: LocalTransport;
  /** No promise settles: the thread is blocked by `serveForeverSync`. */
  blocking = false;

  /** `ownProgram`: its key is that of this program, so that clients are parts of it. */
  constructor(
    readonly types: ReadonlyMap<string, RegisteredType>,
    address: Address,
    key: Uint8Array,
    readonly ownProgram: boolean,
  ) {
    this.transport = new LocalTransport(this, address, key);
  }

  close(): void {
    this.objects.clear();
  }

  /** Makes an object of a registered type. `done` is called once, now or later. */
  create(typeId: unknown, args: Arrived, name: string, caller: Caller, done: Done): void {
    const type = this.types.get(String(typeId));
    if (type === undefined) {
      done(new RemoteError(`no type ${JSON.stringify(String(typeId).slice(0, 100))} is registered at the server`));
      return;
    }
    this.#withFunctions(args, type.typeId, done, (all) => {
      const make = () => {
        if (type.callable !== null) return type.callable(...all);
        if (type.class !== null) return new type.class(...all);
        throw new RemoteError(
          `the server cannot make ${type.typeId}: it was registered there without callable and class`,
        );
      };
      this.#settle(make, caller, done, (object) => ({ entry: this.entryOf(object, type.typeId, name || type.typeId) }));
    });
  }

  /** The entry of an object as one of a registered type. */
  entryOf(object: unknown, typeId: string, name: string): Entry {
    const type = this.types.get(typeId);
    if (type === undefined) throw new RemoteError(`no type ${typeId} is registered at the server`);
    if (object === undefined || object === null) throw new RemoteError(`${typeId} gave ${object}, not an object`);
    const proxy = type.proxyType === null ? null : proxyClassName(type.proxyType);
    const exposed =
      type.exposed ??
      (object instanceof Managed
        ? (object.constructor as typeof Managed).exposed
        : publicMethods(Object(object) as object));
    return this.objects.add(object, typeId, type, name, { exposed, proxy });
  }

  /** Calls a method. `done` is called once, now or later. */
  call(id: unknown, method: unknown, args: Arrived, caller: Caller, done: Done): void {
    let entry: Entry;
    try {
      entry = this.objects.get(id);
    } catch (error) {
      done(error);
      return;
    }
    const { token, object, type } = entry;
    if (method === GET_VALUE) {
      this.#settle(
        () => (object instanceof Managed ? object.toValue() : object),
        caller,
        done,
        (value) => ({ value }),
      );
      return;
    }
    if (typeof method !== "string" || !token.exposed.includes(method)) {
      done(
        new RemoteError(
          `method ${JSON.stringify(String(method).slice(0, 100))} of ${token.typeId} is not exposed; exposed are: ${token.exposed.join(", ")}`,
        ),
      );
      return;
    }
    const made = type?.methodToTypeId.get(method);
    this.#withFunctions(args, `${token.typeId}.${method}`, done, (all) => {
      this.#settle(
        () => this.#invoke(object, method, all, caller),
        caller,
        done,
        (value) => (made === undefined ? { value } : { entry: this.entryOf(value, made, `${token.name}.${method}`) }),
      );
    });
  }

  /** Whether a call without functions is over in no time, since it runs no code of users. */
  isQuick(id: unknown): boolean {
    if (!this.objects.has(String(id))) return true;
    const { object } = this.objects.get(id);
    return object instanceof Managed && !(object instanceof ManagedBarrier) && !(object instanceof ManagedPool);
  }

  /**
   * For who waits to acquire a lock: the thread that has it; for who waits for a condition, an event or a barrier, and
   * where that is not known: 0; null for all other calls.
   */
  awaitedThread(id: unknown, method: unknown): number | null {
    if ((method !== "acquire" && method !== "wait") || !this.objects.has(String(id))) return null;
    const { object } = this.objects.get(id);
    if (method === "wait") {
      const isSignalled =
        object instanceof ManagedCondition || object instanceof ManagedEvent || object instanceof ManagedBarrier;
      return isSignalled ? 0 : null;
    }
    if (object instanceof ManagedLock) return object.holderThread;
    return object instanceof ManagedSemaphore ? 0 : null;
  }

  #invoke(object: unknown, method: string, args: readonly unknown[], caller: Caller): unknown {
    const fn = (object as Record<string, unknown>)[method];
    if (typeof fn !== "function") throw new RemoteError(`the object has no method ${method}`);
    if (object instanceof Managed) return (fn as Method).call(object, caller, ...args);
    if (!waits(object as object, method)) return (fn as Method).apply(object, [...args]);
    if (this.blocking) {
      const tried = callByTrying(object as object, method, args, caller);
      if (tried !== null) return tried;
    }
    return (fn as Method).apply(object, withSignal(method, args, caller));
  }

  /** Puts the functions in the place of their references, where a client may send some. */
  #withFunctions({ value, functions }: Arrived, where: string, done: Done, go: (args: unknown[]) => void): void {
    if (!Array.isArray(value)) {
      done(new RemoteError("the peer sent something else than arguments"));
      return;
    }
    if (!functions) {
      go(value);
      return;
    }
    if (!TAKES_FUNCTIONS.has(where)) {
      done(new RemoteError(`${where} takes no functions`));
      return;
    }
    let args: unknown[];
    try {
      args = value.map((arg) => this.#resolved(arg));
    } catch (error) {
      done(error);
      return;
    }
    if (!args.some(isPromiseLike)) go(args);
    else Promise.all(args).then(go, done);
  }

  #resolved(arg: unknown): unknown {
    if (arg instanceof FunctionOnWire) return functionOf(arg.reference, this.ownProgram);
    if (typeof arg !== "object" || arg === null || Object.getPrototypeOf(arg) !== Object.prototype) return arg;
    const fields = Object.entries(arg).map(([key, value]) => [
      key,
      value instanceof FunctionOnWire ? functionOf(value.reference, this.ownProgram) : value,
    ]);
    if (!fields.some(([, value]) => isPromiseLike(value))) return Object.fromEntries(fields);
    return Promise.all(fields.map(async ([key, value]) => [key, await value])).then(Object.fromEntries);
  }

  /** Does something that may give its result now or later. */
  #settle(act: () => unknown, caller: Caller, done: Done, resultOf: (value: unknown) => Result): void {
    const succeed = (value: unknown) => {
      let result: Result;
      try {
        result = resultOf(value);
      } catch (error) {
        done(error);
        return;
      }
      done(null, result);
    };
    let result: unknown;
    try {
      if (caller.cancelled) throw new RemoteError("the request was cancelled");
      result = act();
    } catch (error) {
      done(error);
      return;
    }
    if (result instanceof Deferred) result.whenSettled(succeed, done);
    else if (!isPromiseLike(result) || result instanceof BaseProxy) succeed(result);
    else if (this.blocking) {
      result.then(undefined, () => {});
      done(
        new RemoteError(
          "it returned a promise, and none settles while serveForeverSync() blocks the thread; use serveForever()",
        ),
      );
    } else result.then(succeed, done);
  }
}

/** Called with an error, or null and the result. */
export type Done = (error: unknown, result?: Result) => void;

/** The object that a proxy stands for, if its server is in this thread; else the argument itself. */
export function localObject(value: unknown): unknown {
  if (!(value instanceof BaseProxy)) return value;
  const { transport, token } = insideOf(value);
  return transport instanceof LocalTransport ? transport.server.objects.get(token.id).object : value;
}

/** The way of proxies in the server's own thread. What crosses is copied all the same. */
class LocalTransport implements Transport {
  readonly client: Client = {
    name: "the server's own thread",
    pid: process.pid,
    thread: 0,
    holds: new Set<Holdable>(),
    gone: false,
  };
  constructor(
    readonly server: ManagerServer,
    readonly address: Address,
    readonly key: Uint8Array,
  ) {}

  #begin(token: Token, method: string, args: readonly unknown[], caller: Caller): Deferred<unknown> {
    const deferred = new Deferred<unknown>();
    const origin = "the manager's server";
    const copied = decodeFromWire(encodeForWire(args, this, "args"), this, origin);
    this.server.call(token.id, method, copied, caller, (error, result) => {
      try {
        if (result === undefined) throw error;
        if ("entry" in result) deferred.resolve(this.made(result.entry));
        else deferred.resolve(decodeFromWire(encodeForWire(result.value, this, "result"), this, origin).value);
      } catch (error) {
        deferred.reject(error);
      }
    });
    return deferred;
  }

  call(token: Token, method: string, args: readonly unknown[], { signal }: CallOptions): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const caller = new Caller(this.client, 1, false);
      signal?.addEventListener("abort", () => caller.cancel(), { once: true });
      this.#begin(token, method, args, caller).whenSettled(resolve, (error) =>
        reject(caller.cancelled ? signal?.reason : error),
      );
    });
  }

  callSync(token: Token, method: string, args: readonly unknown[]): unknown {
    const caller = new Caller(this.client, 1, true);
    let outcome: { value: unknown } | { error: unknown } | null = null;
    this.#begin(token, method, args, caller).whenSettled(
      (value) => {
        outcome = { value };
      },
      (error) => {
        outcome = { error };
      },
    );
    const settled = outcome as { value: unknown } | { error: unknown } | null;
    if (settled === null) {
      caller.cancel();
      throw new RuntimeError(
        `${token.typeId}.${method}Sync() would wait in the thread that serves the object, for ever; use ${method}()`,
      );
    }
    if ("error" in settled) throw settled.error;
    return settled.value;
  }

  callInto(
    token: Token,
    method: string,
    args: readonly unknown[],
    done: (error: unknown, value?: unknown) => void,
  ): void {
    this.#begin(token, method, args, new Caller(this.client, 1, false)).whenSettled((value) => done(null, value), done);
  }

  /** The proxy of an object that has just been made. */
  made(entry: Entry): BaseProxy {
    this.server.objects.refer(entry, false);
    const proxy = makeProxy(this, entry.token, "answer");
    this.server.objects.unrefer(entry);
    return proxy;
  }

  proxyOf(token: Token): BaseProxy {
    // What it is called and may do is known here, whatever a peer says.
    const entry = this.server.objects.get(token.id);
    this.server.objects.refer(entry, true);
    try {
      return makeProxy(this, entry.token, "answer", entry.type?.proxyType ?? undefined);
    } finally {
      this.server.objects.unrefer(entry);
    }
  }

  hold(id: string, _made: ProxyOrigin): void {
    this.server.objects.refer(this.server.objects.get(id), false);
  }

  drop(id: string): void {
    if (this.server.objects.has(id)) this.server.objects.unrefer(this.server.objects.get(id));
  }

  pin(id: string): void {
    this.server.objects.pin(this.server.objects.get(id));
  }
}
