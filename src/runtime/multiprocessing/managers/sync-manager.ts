// biome-ignore-all lint/suspicious/noExplicitAny: what is given no type argument is any, as in the contract
/** `multiprocessing.managers.SyncManager`, `Manager` and `ManagerSync`. */
import { checkOptions, NAME_OPTIONS } from "../../core/check-options.js";
import { describe } from "../../core/describe-value.js";
import { referenceTo } from "../../core/function-reference.js";
import { BARRIER_OPTIONS } from "../../threading/barrier-base.js";
import type { BarrierOptions, NameOptions, QueueOptions, Remote } from "../../types.js";
import { POOL_OPTIONS, type PoolOptions } from "../pool/pool.js";
import { QUEUE_OPTIONS } from "../queues/queue.js";
import type { TypeCode, TypeCodes } from "../type-codes.js";
import { BaseManager, createObject, createObjectSync, type ManagerOptions } from "./base-manager.js";
import { BaseProxy } from "./base-proxy.js";
import {
  ArrayProxy,
  DictProxy,
  entriesOf,
  ListProxy,
  NamespaceProxy,
  ValueProxy,
  valuesOf,
} from "./container-proxies.js";
import { ManagedArray, ManagedDict, ManagedList, ManagedNamespace, ManagedValue } from "./objects/containers.js";
import { ManagedLock, ManagedRLock } from "./objects/lock.js";
import { ManagedPool } from "./objects/pool.js";
import { ManagedQueue } from "./objects/queue.js";
import { ManagedBoundedSemaphore, ManagedSemaphore } from "./objects/semaphore.js";
import { ManagedBarrier, ManagedCondition, ManagedEvent } from "./objects/signals.js";
import { PoolProxy } from "./pool-proxy.js";
import { register, registeredType } from "./registry.js";
import { localObject } from "./server.js";
import { registerManagerClass } from "./server-process.js";
import { AcquirerProxy, BarrierProxy, ConditionProxy, EventProxy, QueueProxy } from "./signal-proxies.js";
import { FunctionOnWire } from "./wire-values.js";

/** What a {@link SyncManager} makes besides containers. */
export interface Creations {
  /** Makes a lock. */ Lock(options?: NameOptions): AcquirerProxy;
  /** Makes a lock that its owner can take again. */ RLock(options?: NameOptions): AcquirerProxy;
  /** Makes a semaphore. */ Semaphore(value?: number, options?: NameOptions): AcquirerProxy;
  /** Makes a bounded semaphore. */ BoundedSemaphore(value?: number, options?: NameOptions): AcquirerProxy;
  /** Makes a condition, with an RLock of its own if none is given. */
  Condition(lock?: AcquirerProxy, options?: NameOptions): ConditionProxy;
  /** Makes an event. */ Event(options?: NameOptions): EventProxy;
  /** Makes a barrier; the action runs at the server. */
  Barrier(parties: number, options?: BarrierOptions): BarrierProxy;
  /** Makes a pool of processes, children of the server. */ Pool(options?: PoolOptions<any[]>): PoolProxy;
}

/**
 * A manager of the usual types. Each method makes an object at the server, with the options of the local class.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { SyncManager } from "heddle/multiprocessing";
 *
 * if (isMain) {
 *   // On one machine ...
 *   await using manager = new SyncManager({ address: ["127.0.0.1", 0], authkey: "our secret" });
 *   await manager.start();
 *
 *   // ... and, with its address and key, on any other. What it makes is its own; to share one object by name, register
 *   // a type whose callable looks it up.
 *   const elsewhere = new SyncManager({ address: manager.address!, authkey: "our secret" });
 *   await elsewhere.connect();
 *   const list = await elsewhere.list(["a", "b"]);
 *   console.log(await list.pop()); // prints b
 * }
 * ```
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the methods are defined below
export class SyncManager extends BaseManager {
  /** Makes a list. */
  async list<T = any>(items: Iterable<T> = []): Promise<ListProxy<T>> {
    return (await createObject(this, "list", valuesOf([items]))) as ListProxy<T>;
  }

  /** Blocking {@link list}. */
  listSync<T = any>(items: Iterable<T> = []): ListProxy<T> {
    return createObjectSync(this, "list", valuesOf([items])) as ListProxy<T>;
  }

  /** Makes a dictionary of entries. */
  dict<K = string, V = any>(entries?: Iterable<readonly [K, V]>): Promise<DictProxy<K, V>>;
  /** Makes a dictionary of an object's properties. */
  dict<V>(object: { readonly [key: string]: V }): Promise<DictProxy<string, V>>;
  async dict(entries: unknown = []): Promise<DictProxy<any, any>> {
    return (await createObject(this, "dict", entriesOf([entries]))) as DictProxy<any, any>;
  }

  /** Blocking {@link dict}. */
  dictSync<K = string, V = any>(entries?: Iterable<readonly [K, V]>): DictProxy<K, V>;
  /** Blocking {@link dict}. */
  dictSync<V>(object: { readonly [key: string]: V }): DictProxy<string, V>;
  dictSync(entries: unknown = []): DictProxy<any, any> {
    return createObjectSync(this, "dict", entriesOf([entries])) as DictProxy<any, any>;
  }

  /** Makes an object with attributes. */
  async Namespace<T extends object = Record<string, any>>(attributes?: T): Promise<NamespaceProxy<T>> {
    return (await createObject(this, "Namespace", attributesOf(attributes))) as NamespaceProxy<T>;
  }

  /** Blocking {@link Namespace}. */
  NamespaceSync<T extends object = Record<string, any>>(attributes?: T): NamespaceProxy<T> {
    return createObjectSync(this, "Namespace", attributesOf(attributes)) as NamespaceProxy<T>;
  }

  /** Makes a value. The type code is kept and not enforced. */
  Value<C extends TypeCode>(typeCode: C, value: TypeCodes[C]): Promise<ValueProxy<TypeCodes[C]>> {
    return createObject(this, "Value", [typeCode, value]) as Promise<ValueProxy<TypeCodes[C]>>;
  }

  /** Blocking {@link Value}. */
  ValueSync<C extends TypeCode>(typeCode: C, value: TypeCodes[C]): ValueProxy<TypeCodes[C]> {
    return createObjectSync(this, "Value", [typeCode, value]) as ValueProxy<TypeCodes[C]>;
  }

  /** Makes an array of the given elements. */
  async Array<C extends TypeCode>(typeCode: C, values: Iterable<TypeCodes[C]>): Promise<ArrayProxy<TypeCodes[C]>> {
    return (await createObject(this, "Array", [typeCode, ...valuesOf([values])])) as ArrayProxy<TypeCodes[C]>;
  }

  /** Blocking {@link Array}. */
  ArraySync<C extends TypeCode>(typeCode: C, values: Iterable<TypeCodes[C]>): ArrayProxy<TypeCodes[C]> {
    return createObjectSync(this, "Array", [typeCode, ...valuesOf([values])]) as ArrayProxy<TypeCodes[C]>;
  }

  /** Makes a queue, with task tracking. */
  async Queue<T = any>(options?: QueueOptions): Promise<QueueProxy<T>> {
    checkOptions(options, QUEUE_OPTIONS);
    return (await createObject(this, "Queue", [options?.maxSize], options?.name)) as QueueProxy<T>;
  }

  /** Blocking {@link Queue}. */
  QueueSync<T = any>(options?: QueueOptions): QueueProxy<T> {
    checkOptions(options, QUEUE_OPTIONS);
    return createObjectSync(this, "Queue", [options?.maxSize], options?.name) as QueueProxy<T>;
  }

  /** The same as {@link Queue}. */
  async JoinableQueue<T = any>(options?: QueueOptions): Promise<QueueProxy<T>> {
    checkOptions(options, QUEUE_OPTIONS);
    return (await createObject(this, "JoinableQueue", [options?.maxSize], options?.name)) as QueueProxy<T>;
  }

  /** Blocking {@link JoinableQueue}. */
  JoinableQueueSync<T = any>(options?: QueueOptions): QueueProxy<T> {
    checkOptions(options, QUEUE_OPTIONS);
    return createObjectSync(this, "JoinableQueue", [options?.maxSize], options?.name) as QueueProxy<T>;
  }
}
export interface SyncManager extends Remote<Creations> {}

// A bundler may rename a class that uses itself.
Object.defineProperty(SyncManager, "name", { value: "SyncManager", configurable: true });
registerManagerClass(SyncManager);

/** The arguments for the server, and the name of the object. */
type Prepare = (args: readonly unknown[]) => { readonly args: readonly unknown[]; readonly name: string | undefined };

function nameIn(options: unknown): string | undefined {
  checkOptions(options, NAME_OPTIONS);
  return (options as NameOptions | undefined)?.name;
}

/** The attributes of a namespace: a copy. Throws `TypeError` for what has none. */
function attributesOf(attributes: unknown = {}): [object] {
  if (typeof attributes !== "object" || attributes === null || attributes instanceof BaseProxy) {
    throw new TypeError(`attributes must be an object such as { user: "Ann" }, not ${describe(attributes)}`);
  }
  return [{ ...attributes }];
}

/** Registers a type, and gives the manager its method and twin unless it has one of its own. */
function type(
  typeId: string,
  proxyType: new () => BaseProxy,
  make: (...args: never[]) => object,
  prepare: Prepare | null,
): void {
  register(SyncManager, registeredType(typeId, { callable: make as (...args: unknown[]) => object, proxyType }));
  if (prepare === null) return;
  const define = (name: string, value: unknown) =>
    Object.defineProperty(SyncManager.prototype, name, { value, writable: true, configurable: true });
  define(typeId, async function (this: SyncManager, ...all: unknown[]) {
    const { args, name } = prepare(all);
    return createObject(this, typeId, args, name);
  });
  define(`${typeId}Sync`, function (this: SyncManager, ...all: unknown[]) {
    const { args, name } = prepare(all);
    return createObjectSync(this, typeId, args, name);
  });
}

type("list", ListProxy, (items: unknown[]) => new ManagedList(items), null);
type("dict", DictProxy, (entries: unknown) => new ManagedDict(entries), null);
type("Namespace", NamespaceProxy, (attributes: object) => new ManagedNamespace(attributes), null);
type("Value", ValueProxy, (code: string, value: unknown) => new ManagedValue(code, value), null);
type("Array", ArrayProxy, (code: string, items: unknown[]) => new ManagedArray(items, code), null);
type("Queue", QueueProxy, (maxSize?: number) => new ManagedQueue(maxSize), null);
type("JoinableQueue", QueueProxy, (maxSize?: number) => new ManagedQueue(maxSize), null);

const nameFirst: Prepare = ([options]) => ({ args: [], name: nameIn(options) });
const nameSecond: Prepare = ([value, options]) => ({ args: [value], name: nameIn(options) });

type("Lock", AcquirerProxy, () => new ManagedLock(), nameFirst);
type("RLock", AcquirerProxy, () => new ManagedRLock(), nameFirst);
type("Semaphore", AcquirerProxy, (value = 1) => new ManagedSemaphore(value), nameSecond);
type("BoundedSemaphore", AcquirerProxy, (value = 1) => new ManagedBoundedSemaphore(value), nameSecond);
type("Condition", ConditionProxy, (lock: unknown) => new ManagedCondition(localObject(lock)), nameSecond);
type("Event", EventProxy, () => new ManagedEvent(), nameFirst);
type(
  "Barrier",
  BarrierProxy,
  (parties: number, { action, timeout }: { action?: () => unknown; timeout?: number }) =>
    new ManagedBarrier(parties, action, timeout),
  ([parties, options]) => {
    checkOptions(options, BARRIER_OPTIONS);
    const { action, timeout, name } = (options ?? {}) as BarrierOptions;
    if (action === undefined) return { args: [parties, { timeout }], name };
    return { args: [parties, { timeout, action: new FunctionOnWire(referenceTo(action, "action")) }], name };
  },
);

type(
  "Pool",
  PoolProxy,
  (options: ConstructorParameters<typeof ManagedPool>[0]) => new ManagedPool(options),
  ([options]) => {
    checkOptions(options, POOL_OPTIONS);
    const { initializer, name, ...rest } = (options ?? {}) as PoolOptions<unknown[]>;
    const args = [
      initializer ? { ...rest, initializer: new FunctionOnWire(referenceTo(initializer, "initializer")) } : rest,
    ];
    return { args, name };
  },
);

/**
 * Starts a {@link SyncManager} on this machine.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { type DictProxy, Manager, Process } from "heddle/multiprocessing";
 *
 * async function work(squares: DictProxy<number, number>, n: number) {
 *   await squares.set(n, n * n);
 * }
 *
 * if (isMain) {
 *   await using manager = await Manager();
 *   const squares = await manager.dict<number, number>();
 *   const workers = [1, 2, 3].map((n) => new Process({ target: work, args: [squares, n] }));
 *   for (const worker of workers) worker.start();
 *   for (const worker of workers) await worker.join();
 *   console.log((await squares.keys()).sort()); // prints [ 1, 2, 3 ]
 *   console.log(await squares.get(3)); // prints 9
 * }
 * ```
 */
export async function Manager(options: ManagerOptions = {}): Promise<SyncManager> {
  const manager = new SyncManager(options);
  await manager.start();
  return manager;
}

/** Blocking {@link Manager}. */
export function ManagerSync(options: ManagerOptions = {}): SyncManager {
  const manager = new SyncManager(options);
  manager.startSync();
  return manager;
}
