/**
 * Proxies: what stands for an object at a manager's server, and how it crosses to other threads and processes.
 *
 * Each proxy counts as one reference at the server. One that is collected gives its reference back. While a handle of it
 * is under way the server keeps the object for a while by itself (`Pin`), so that it does not matter which of the two
 * ends first drops its proxy.
 */
import { inspect } from "node:util";
import { RemoteError } from "../../core/errors.js";
import { type Crossing, type Handle, registerHandle, toHandle } from "../../core/handles.js";
import type { Remote } from "../../types.js";
import type { Address } from "../listener.js";
import { seal, unseal } from "./keys.js";
import type { Token } from "./protocol.js";
import { checkedToken, currentWire, PROXY, setForeignReader, type WireEnd } from "./wire-values.js";

/** How to call. */
export interface CallOptions {
  /** Takes the call back, if it can be. */
  readonly signal?: AbortSignal | undefined;
  /** The place of the options among the arguments, to get a signal there at the server. */
  readonly signalAt?: number | undefined;
}

/**
 * What a proxy was made of: a server's answer, which counts it already; a handle that was sent to this thread; one that
 * was in a value of another server's, to which nothing connects before somebody uses it.
 */
export type ProxyOrigin = "answer" | "handle" | "value";

/** The way to an object: a connection to its server, or the server itself in its own thread. */
export interface Transport extends WireEnd {
  readonly address: Address;
  readonly key: Uint8Array;
  call(token: Token, method: string, args: readonly unknown[], options: CallOptions): Promise<unknown>;
  callSync(token: Token, method: string, args: readonly unknown[], options: CallOptions): unknown;
  /** Calls by a callback, which comes also while the thread blocks. Throws what keeps the arguments from crossing. */
  callInto(
    token: Token,
    method: string,
    args: readonly unknown[],
    done: (error: unknown, value?: unknown) => void,
  ): void;
  /** A proxy was made. */
  hold(id: string, made: ProxyOrigin): void;
  /** A proxy is gone. */
  drop(id: string): void;
  /** A handle is on its way. */
  pin(id: string): void;
}

interface Inside {
  readonly transport: Transport;
  readonly token: Token;
}

const insides = new WeakMap<object, Inside>();
const dropped = new FinalizationRegistry<Inside>(({ transport, token }) => transport.drop(token.id));

/** The method's name that stands for a copy of the whole; none of an object can be called so. */
export const GET_VALUE = "#value";

export function insideOf(proxy: object): Inside {
  const inside = insides.get(proxy);
  if (inside === undefined) throw new TypeError("a proxy is made by a manager, not by its constructor");
  return inside;
}

/** Stands for the way and the token while the constructor of a user's subclass runs. */
let making: Inside | null = null;

/**
 * Stands for an object at a manager's server. Subclass it to give a registered type a face of its own.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { BaseManager, BaseProxy } from "heddle/multiprocessing";
 *
 * class Counter {
 *   #count = 0;
 *   increment(by = 1) {
 *     return (this.#count += by);
 *   }
 * }
 *
 * class CounterProxy extends BaseProxy<Counter> {
 *   twice() {
 *     return this.callMethod<number>("increment", [2]);
 *   }
 * }
 *
 * const CounterManager = BaseManager.register("Counter", { class: Counter, proxyType: CounterProxy });
 *
 * if (isMain) {
 *   await using manager = new CounterManager();
 *   await manager.start();
 *   const counter = await manager.Counter();
 *   await counter.twice();
 *   console.log(await counter.twice()); // prints 4
 * }
 * ```
 */
export class BaseProxy<T = unknown> {
  constructor() {
    const inside = making;
    if (inside === null) throw new TypeError("a proxy is made by a manager, not by its constructor");
    making = null;
    insides.set(this, inside);
    dropped.register(this, inside);
  }

  /** The type of the object, as it was registered. */
  get typeId(): string {
    return insideOf(this).token.typeId;
  }

  /** Calls a method by name. Rejects with `RemoteError` if it is not exposed, and with what it throws. */
  callMethod<R = unknown>(method: string, args: readonly unknown[] = []): Promise<R> {
    return callRemote(this, method, args) as Promise<R>;
  }

  /** Blocking {@link callMethod}. */
  callMethodSync<R = unknown>(method: string, args: readonly unknown[] = []): R {
    return callRemoteSync(this, method, args) as R;
  }

  /** Resolves with a copy of the whole object. */
  getValue(): Promise<T> {
    return callRemote(this, GET_VALUE, []) as Promise<T>;
  }

  /** Blocking {@link getValue}. */
  getValueSync(): T {
    return callRemoteSync(this, GET_VALUE, []) as T;
  }

  /** How it crosses: to its own server as a token, to others with the address, and to parts of this program the key. */
  [toHandle](crossing: Crossing): Handle {
    const { transport, token } = insideOf(this);
    const wire = currentWire();
    transport.pin(token.id);
    if (wire === transport) return { tag: PROXY, value: { token } };
    const { address, key } = transport;
    if (wire !== null) return { tag: PROXY, value: { token, address } };
    const secret = crossing === "thread" ? { key } : { sealed: seal(key) };
    return { tag: PROXY, value: { token, address, ...secret } };
  }

  [inspect.custom](): string {
    const { token, transport } = insideOf(this);
    const at = typeof transport.address === "string" ? transport.address : transport.address.join(":");
    return `<${this.constructor.name} object, typeId '${token.typeId}' at ${at}>`;
  }
}

// A bundler may rename a class that uses itself.
Object.defineProperty(BaseProxy, "name", { value: "BaseProxy", configurable: true });

/** The options that a call's last argument may be, with the signal taken out: it stays here, and is told by a message. */
function withoutSignal(args: readonly unknown[]): { args: readonly unknown[]; options: CallOptions } {
  const at = args.length - 1;
  const last = args[at] as { signal?: unknown } | null | undefined;
  if (typeof last !== "object" || last === null || !(last.signal instanceof AbortSignal)) return { args, options: {} };
  const { signal, ...rest } = last;
  return { args: [...args.slice(0, at), rest], options: { signal, signalAt: at } };
}

/** Calls a method of the object that a proxy stands for. */
export function callRemote(proxy: object, method: string, args: readonly unknown[]): Promise<unknown> {
  try {
    const { transport, token } = insideOf(proxy);
    const call = withoutSignal(args);
    call.options.signal?.throwIfAborted();
    return transport.call(token, method, call.args, call.options);
  } catch (error) {
    return Promise.reject(error);
  }
}

/** Blocking {@link callRemote}. */
export function callRemoteSync(proxy: object, method: string, args: readonly unknown[]): unknown {
  const { transport, token } = insideOf(proxy);
  return transport.callSync(token, method, args, {});
}

/** Makes the arguments that go to the server of those a method is called with. */
export type Convert = (args: readonly unknown[]) => readonly unknown[];

/** Gives a class of proxies each of these methods as a promise and as a `Sync` twin, where it has none of its own. */
export function defineRemote(
  prototype: object,
  methods: readonly string[],
  converts: Readonly<Record<string, Convert>> = {},
): void {
  for (const name of methods) {
    const convert: Convert = (Object.hasOwn(converts, name) ? converts[name] : undefined) ?? ((args) => args);
    define(prototype, name, async function (this: object, ...args: unknown[]) {
      return callRemote(this, name, convert(args));
    });
    define(prototype, `${name}Sync`, function (this: object, ...args: unknown[]) {
      return callRemoteSync(this, name, convert(args));
    });
  }
}

function define(prototype: object, member: string, value: unknown): void {
  // What every proxy has stays what it is; and a proxy with a method `then` could not be awaited.
  if (member in BaseProxy.prototype || member === "then" || Object.hasOwn(prototype, member)) return;
  Object.defineProperty(value, "name", { value: member, configurable: true });
  Object.defineProperty(prototype, member, { value, writable: true, configurable: true });
}

/** The proxy of a registered type without one of its own: each exposed method as a promise and as a `Sync` twin. */
export type AutoProxy<T> = BaseProxy<T> & Remote<T>;

type ProxyClass = new (...args: never[]) => BaseProxy;
const autoClasses = new Map<string, ProxyClass>();

function autoProxyClass({ typeId, exposed }: Token): ProxyClass {
  const key = JSON.stringify([typeId, exposed]);
  let type = autoClasses.get(key);
  if (type === undefined) {
    type = class extends BaseProxy {};
    Object.defineProperty(type, "name", { value: `AutoProxy[${typeId}]`, configurable: true });
    defineRemote(type.prototype, exposed);
    autoClasses.set(key, type);
  }
  return type;
}

const ownClasses = new Map<string, ProxyClass>();

/** Registers a class of proxies of the library under its name, so that its proxies are made again elsewhere. */
export function registerProxyClass(name: string, type: new (...args: never[]) => BaseProxy): void {
  Object.defineProperty(type, "name", { value: name, configurable: true });
  ownClasses.set(name, type);
}

/** The name of a class of proxies of the library, or null. */
export function proxyClassName(type: unknown): string | null {
  for (const [name, own] of ownClasses) if (own === type) return name;
  return null;
}

let userClassOf: (typeId: string, address: Address) => ProxyClass | undefined = () => undefined;

/** Tells how to find the class that a user registered for the proxies of a type, here. */
export function setUserClasses(find: typeof userClassOf): void {
  userClassOf = find;
}

/** Makes a proxy, of a class of its own or of the one that its type has here. */
export function makeProxy(transport: Transport, token: Token, made: ProxyOrigin, type?: ProxyClass): BaseProxy {
  const own = token.proxy === null ? undefined : ownClasses.get(token.proxy);
  const proxyClass = type ?? own ?? userClassOf(token.typeId, transport.address) ?? autoProxyClass(token);
  making = { transport, token };
  let proxy: BaseProxy;
  try {
    proxy = new proxyClass();
    insideOf(proxy);
  } finally {
    making = null;
  }
  transport.hold(token.id, made);
  return proxy;
}

/** The transport to a server with an address, by a key. Set by `client.ts`, which is built on this file. */
let transportTo: (address: Address, key: Uint8Array) => Transport;

export function setTransports(find: typeof transportTo): void {
  transportTo = find;
}

function fromAnywhere(value: unknown, made: ProxyOrigin): BaseProxy {
  const { token, address, key, sealed } = value as {
    token: unknown;
    address: Address;
    key?: Uint8Array;
    sealed?: Uint8Array | null;
  };
  const isPath = typeof address === "string";
  if (!isPath && !(Array.isArray(address) && typeof address[0] === "string" && Number.isInteger(address[1]))) {
    throw new RemoteError("the peer sent something else than an address");
  }
  const transport = transportTo(address, key instanceof Uint8Array ? key : unseal(sealed));
  return makeProxy(transport, checkedToken(token), made);
}

registerHandle(PROXY, (value: unknown) => fromAnywhere(value, "handle"));
// A peer says where to connect to, but not with what key.
setForeignReader((value) => fromAnywhere({ ...(value as object), key: undefined, sealed: undefined }, "value"));
