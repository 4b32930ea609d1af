// biome-ignore-all lint/suspicious/noExplicitAny: what is given no type argument is any, as in the contract
// biome-ignore-all lint/complexity/noThisInStatic: a static method is called on the user's subclass, which `this` is
/** `multiprocessing.managers.BaseManager`. */
import {
  checkBlockingOptions,
  checkInitArgs,
  checkInitializer,
  checkOptions,
  type KnownOptions,
  knownOptions,
  WAIT_OPTIONS,
} from "../../core/check-options.js";
import { ProcessError, RuntimeError } from "../../core/errors.js";
import { referenceTo } from "../../core/function-reference.js";
import { ObjectName } from "../../core/object-name.js";
import type { InitializerOptions, NameOptions, TimeoutOptions, WaitOptions } from "../../types.js";
import type { Address } from "../listener.js";
import type { Process } from "../process.js";
import { type AutoProxy, type BaseProxy, makeProxy, setUserClasses } from "./base-proxy.js";
import { type ManagerClient, managerClient } from "./client.js";
import { keyFrom } from "./keys.js";
import type { Token } from "./protocol.js";
import { type RegisteredType, type RegisterOptions, register, registeredType, typeOf, typesOf } from "./registry.js";
import { removeAddress, ServedManager } from "./served-manager.js";
import {
  classReference,
  type Ready,
  registerManagerClass,
  type ServerSettings,
  typesOnTheWay,
} from "./server-process.js";
import { StartedServer } from "./started-server.js";

export interface ManagerOptions extends NameOptions {
  /** Where the server listens, or is to be found; a free address of this machine by default. */
  address?: Address | undefined;
  /** The secret all users of the server must have; by default that of this process. */
  authkey?: string | Uint8Array | undefined;
  /** How long in milliseconds `shutdown` waits before it ends the server by force; 1000 by default. */
  shutdownTimeout?: number | undefined;
}

/** The methods that `register` adds to a manager. */
export type Creators<Id extends string, A extends unknown[], P> = {
  [K in Id]: (...args: A) => Promise<P>;
} & { [K in Id as `${K}Sync`]: (...args: A) => P };

/** A manager's server in this process. */
export interface Server {
  /** Where it listens, with the real port. */
  readonly address: Address;
  /** Serves until the signal is aborted, then resolves; without a signal, as long as the process lives. */
  serveForever(options?: { signal?: AbortSignal }): Promise<void>;
  /**
   * Blocking {@link serveForever}. Methods that return promises cannot be called meanwhile, other than those of the
   * library's own objects.
   */
  serveForeverSync(): void;
}

const START_OPTIONS = knownOptions("{ initializer: prepare, initArgs: [1] }", "initializer", "initArgs");
const SERVE_OPTIONS = knownOptions("{ signal: controller.signal }", "signal");
const MANAGER_OPTIONS: KnownOptions = knownOptions(
  '{ address: ["127.0.0.1", 50000], authkey: "secret" }',
  "address",
  "authkey",
  "shutdownTimeout",
  "name",
);
const DEFAULT_SHUTDOWN_MS = 1000;

/** Managers whose servers this thread has to end before it ends itself. */
const running = new Set<BaseManager>();
let endsAtExit = false;

/** The classes of proxies that users gave to their types, by typeId: what is used for handles that arrive. */
const userClasses = new Map<string, new (...args: never[]) => BaseProxy>();
setUserClasses((typeId) => userClasses.get(typeId));

/** Has the server make an object of a type that the manager's class has registered. */
export let createObject: (
  manager: BaseManager,
  typeId: string,
  args: readonly unknown[],
  name?: string,
) => Promise<unknown>;
/** Blocking {@link createObject}. */
export let createObjectSync: (manager: BaseManager, typeId: string, args: readonly unknown[], name?: string) => unknown;

/** Members of every manager; a type cannot be called so. */
const TAKEN = () => new Set(Object.getOwnPropertyNames(BaseManager.prototype));

/**
 * A server for objects of registered types. Subclass it, register on the subclass, then `start` a server in a process of
 * its own, run one here with `getServer`, or `connect` to one elsewhere.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { BaseManager, Process } from "heddle/multiprocessing";
 *
 * class Account {
 *   #balance = 0;
 *   deposit(amount: number) {
 *     this.#balance += amount;
 *   }
 *   balance() {
 *     return this.#balance;
 *   }
 * }
 *
 * const Bank = BaseManager.register("Account", { class: Account });
 * type AccountProxy = Awaited<ReturnType<InstanceType<typeof Bank>["Account"]>>;
 *
 * async function teller(account: AccountProxy) {
 *   for (let i = 0; i < 10; i++) await account.deposit(10);
 * }
 *
 * if (isMain) {
 *   await using bank = new Bank();
 *   await bank.start(); // a server in a process of its own
 *   const account = await bank.Account();
 *   const tellers = [1, 2].map(() => new Process({ target: teller, args: [account] }));
 *   for (const process of tellers) process.start();
 *   for (const process of tellers) await process.join();
 *   console.log(await account.balance()); // prints 200
 * }
 * ```
 */
export class BaseManager implements Disposable, AsyncDisposable {
  static {
    createObject = async (manager, typeId, args, name) => {
      const { client, type, called } = manager.#creating(typeId, name);
      return client.create(typeId, args, called, proxyMaker(client, type));
    };
    createObjectSync = (manager, typeId, args, name) => {
      const { client, type, called } = manager.#creating(typeId, name);
      return client.createSync(typeId, args, called, proxyMaker(client, type));
    };
  }

  readonly #options: ManagerOptions;
  readonly #key: Uint8Array;
  #state: "initial" | "started" | "connected" | "served" | "shut down" = "initial";
  #address: Address | null;
  #started: StartedServer | null = null;
  #client: ManagerClient | null = null;

  /** Throws `TypeError` for options of the wrong kind. */
  constructor(options: ManagerOptions = {}) {
    checkOptions(options, MANAGER_OPTIONS);
    const { address = null, authkey, shutdownTimeout } = options;
    if (shutdownTimeout !== undefined && typeof shutdownTimeout !== "number") {
      throw new TypeError("shutdownTimeout must be a number of milliseconds");
    }
    this.#options = options;
    this.#key = keyFrom(authkey);
    this.#address = address;
  }

  /**
   * Teaches this class, and its subclasses, to make objects of a type: `typeId` becomes a method, with a `Sync` twin.
   * Returns the class itself, typed with that method; or declare the method in the subclass, as
   * `declare getTasks: () => Promise<QueueProxy<string>>`. Where the objects are not made by this program,
   * `register<"getTasks", Queue<string>>("getTasks")` says what they are.
   *
   * Call it at the top level of the script, so that the server's process, which imports the script again, does so, too.
   * Throws `RangeError` for a name that cannot be used, `TypeError` for options of the wrong kind.
   */
  static register<
    Id extends string,
    T = any,
    A extends unknown[] = any[],
    P = AutoProxy<T>,
    M extends typeof BaseManager = typeof BaseManager,
  >(this: M, typeId: Id, options: RegisterOptions<T, A, P> = {}): M & (new (...args: any[]) => Creators<Id, A, P>) {
    const type = registeredType(typeId, options);
    const creates = options.createMethod ?? true;
    if (creates && TAKEN().has(typeId))
      throw new RangeError(`a type cannot be called ${typeId}: every manager has that method`);
    register(this, type);
    if (type.proxyType !== null) userClasses.set(typeId, type.proxyType);
    if (creates) addCreators(this.prototype, typeId);
    return this as never;
  }

  /** Where the server listens, with the real port; null before it is known. */
  get address(): Address | null {
    return this.#address;
  }

  /**
   * Starts a server in a new process, which runs the initializer first. Rejects with `ProcessError` if it was started
   * before, with what the initializer threw, and with an `Error` with code, as `EADDRINUSE`.
   */
  async start<I extends unknown[] = []>(options: InitializerOptions<I> = {} as InitializerOptions<I>): Promise<void> {
    const started = this.#spawn(options as InitializerOptions<unknown[]>);
    this.#begun(started, await started.ready());
  }

  /** Blocking {@link start}. */
  startSync<I extends unknown[] = []>(options: InitializerOptions<I> = {} as InitializerOptions<I>): void {
    const started = this.#spawn(options as InitializerOptions<unknown[]>);
    this.#begun(started, started.readySync());
  }

  #spawn(options: InitializerOptions<unknown[]>): StartedServer {
    checkOptions(options, START_OPTIONS);
    const { initializer, initArgs } = options;
    checkInitializer(initializer);
    this.#checkUnused();
    const type = this.constructor as typeof BaseManager;
    const settings: ServerSettings = {
      managerClass: classReference(type),
      types: typesOnTheWay(type),
      address: this.#address,
      key: this.#key,
      ownProgram: this.#options.authkey === undefined,
      initializer: initializer ? referenceTo(initializer, "initializer") : null,
      initArgs: checkInitArgs(initArgs),
    };
    const started = new StartedServer(settings, this.#options.name ?? `${type.name || "Manager"} server`);
    this.#state = "started";
    return started;
  }

  #checkUnused(): void {
    if (this.#state === "initial") return;
    throw new ProcessError(
      this.#state === "shut down"
        ? "the manager was shut down"
        : "the manager has a server already, or is connected to one",
    );
  }

  #begun(started: StartedServer, ready: Ready): void {
    if ("error" in ready) {
      this.#state = "initial";
      throw ready.error;
    }
    this.#started = started;
    this.#address = ready.address;
    this.#client = managerClient(ready.address, this.#key);
    running.add(this);
    if (endsAtExit) return;
    endsAtExit = true;
    // Before the io-service's own, which ends what it must by a signal.
    process.prependListener("exit", () => {
      for (const manager of [...running]) manager.shutdownSync();
    });
  }

  /**
   * Uses a server elsewhere. Rejects with `AuthenticationError`, `TimeoutError`, or an `Error` with code, as
   * `ECONNREFUSED`.
   */
  async connect(options: WaitOptions = {}): Promise<void> {
    checkOptions(options, WAIT_OPTIONS);
    await this.#connecting().connect(options);
    this.#state = "connected";
  }

  /** Blocking {@link connect}. */
  connectSync(options: TimeoutOptions = {}): void {
    checkBlockingOptions(options);
    this.#connecting().connectSync(options);
    this.#state = "connected";
  }

  #connecting(): ManagerClient {
    if (this.#state !== "connected") this.#checkUnused();
    if (this.#address === null) throw new TypeError("connect needs the address of a server: new Manager({ address })");
    this.#client = managerClient(this.#address, this.#key);
    return this.#client;
  }

  /** A server to run in this process; it listens at once. Throws `ProcessError` if one was started. */
  getServer(): Server {
    this.#checkUnused();
    const types = typesOf(this.constructor);
    const served = new ServedManager(types, this.#address, this.#key, this.#options.authkey === undefined);
    this.#state = "served";
    this.#address = served.address;
    return {
      address: served.address,
      serveForever: async (options = {}) => {
        checkOptions(options, SERVE_OPTIONS);
        await served.serve(options.signal);
      },
      serveForeverSync: () => served.serveSync(),
    };
  }

  /** Ends the server that `start` started, and with it all its objects; may be repeated. Does nothing for others. */
  async shutdown(): Promise<void> {
    const ending = this.#ending();
    if (ending === null) return;
    await ending.end(this.#options.shutdownTimeout ?? DEFAULT_SHUTDOWN_MS);
    this.#ended();
  }

  /** Blocking {@link shutdown}. */
  shutdownSync(): void {
    const ending = this.#ending();
    if (ending === null) return;
    ending.endSync(this.#options.shutdownTimeout ?? DEFAULT_SHUTDOWN_MS);
    this.#ended();
  }

  #ending(): StartedServer | null {
    if (this.#started === null || !running.delete(this)) return null;
    this.#state = "shut down";
    return this.#started;
  }

  #ended(): void {
    removeAddress(this.#address);
    this.#client?.disconnect();
  }

  /** Waits for the server process to end. Resolves also on timeout. Rejects with `RuntimeError` before `start`. */
  async join(options: WaitOptions = {}): Promise<void> {
    await this.#process().join(options);
  }

  /** Blocking {@link join}. */
  joinSync(options: TimeoutOptions = {}): void {
    this.#process().joinSync(options);
  }

  #process(): Process<never> {
    if (this.#started === null) throw new RuntimeError("the manager has started no server");
    return this.#started.process;
  }

  /** How many objects the server has: those that somebody has a proxy of. */
  numberOfObjects(): Promise<number> {
    return this.#inUse().numberOfObjects();
  }

  #inUse(): ManagerClient {
    if (this.#client === null || (this.#state !== "started" && this.#state !== "connected")) {
      throw new RuntimeError(
        this.#state === "shut down"
          ? "the manager was shut down"
          : "the manager has no server yet: call start() or connect()",
      );
    }
    return this.#client;
  }

  /** The end of `using`: `shutdownSync()`. */
  [Symbol.dispose](): void {
    this.shutdownSync();
  }

  /** The end of `await using`: `shutdown()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  #creating(typeId: string, name: string | undefined): { client: ManagerClient; type: RegisteredType; called: string } {
    const client = this.#inUse();
    return { client, type: typeOf(this.constructor, typeId), called: new ObjectName(name, typeId).toString() };
  }
}

// A bundler may rename a class that uses itself.
Object.defineProperty(BaseManager, "name", { value: "BaseManager", configurable: true });
registerManagerClass(BaseManager);

function proxyMaker(client: ManagerClient, type: RegisteredType): (token: Token) => BaseProxy {
  return (token) => makeProxy(client, token, "answer", type.proxyType ?? undefined);
}

function addCreators(prototype: object, typeId: string): void {
  const define = (name: string, value: unknown) =>
    Object.defineProperty(prototype, name, { value, writable: true, configurable: true });
  define(typeId, function (this: BaseManager, ...args: unknown[]) {
    return createObject(this, typeId, args);
  });
  define(`${typeId}Sync`, function (this: BaseManager, ...args: unknown[]) {
    return createObjectSync(this, typeId, args);
  });
}
