// biome-ignore-all lint/suspicious/noExplicitAny: what is given no type argument is any, as in the contract
/** The proxies of locks, semaphores, conditions, events, barriers and queues. */
import { checkBlockingOptions, checkOptions, WAIT_OPTIONS } from "../../core/check-options.js";
import { deadlineAfter } from "../../core/deadline.js";
import { TimeoutError } from "../../core/errors.js";
import { HeldUntilDisposed } from "../../core/hold.js";
import { ask } from "../../core/predicate.js";
import type { Queue as ThreadQueue } from "../../queue/index.js";
import type {
  Acquirable,
  BarrierLike,
  ConditionLike,
  EventLike,
  Hold,
  Remote,
  TimeoutOptions,
  WaitOptions,
} from "../../types.js";
import { BaseProxy, callRemote, callRemoteSync, defineRemote, insideOf, registerProxyClass } from "./base-proxy.js";
import { ManagedQueue } from "./objects/queue.js";
import { ManagedBarrier, ManagedCondition, ManagedEvent } from "./objects/signals.js";

/** Gives a class of proxies its name and, above `acquire` and `release`, `hold`. */
function defineAcquirable(prototype: object): void {
  const notInTime = (proxy: Acquirable, options: TimeoutOptions | undefined) =>
    new TimeoutError(`${proxy.name} could not be had within ${options?.timeout} ms`);
  const heldBy = (proxy: { releaseSync(): void }) => new HeldUntilDisposed({ release: () => proxy.releaseSync() });
  const members: PropertyDescriptorMap = {
    name: {
      get(this: BaseProxy): string {
        return insideOf(this).token.name;
      },
    },
    hold: {
      value: async function hold(this: AcquirerProxy, options?: WaitOptions): Promise<Hold> {
        if (await this.acquire(options)) return heldBy(this);
        throw notInTime(this, options);
      },
    },
    holdSync: {
      value: function holdSync(this: AcquirerProxy, options?: TimeoutOptions): Hold {
        if (this.acquireSync(options)) return heldBy(this);
        throw notInTime(this, options);
      },
    },
  };
  for (const member of Object.values(members)) member.configurable = true;
  Object.defineProperties(prototype, members);
}

/**
 * A lock or semaphore at a server. The end of `using held = …` blocks the thread for its round trip.
 *
 * If the program that holds a lock dies, whoever waits for it, and everybody after, gets a `RuntimeError` that names it,
 * until somebody calls `release`. An RLock belongs to a thread, or to an async context, of one program.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { type AcquirerProxy, Manager, Process, type ValueProxy } from "heddle/multiprocessing";
 *
 * function deposit(lock: AcquirerProxy, balance: ValueProxy<number>) {
 *   for (let i = 0; i < 10; i++) {
 *     using _held = lock.holdSync();
 *     balance.setSync(balance.getSync() + 1);
 *   }
 * }
 *
 * if (isMain) {
 *   await using manager = await Manager();
 *   const lock = await manager.Lock();
 *   const balance = await manager.Value("i", 0);
 *   const tellers = [1, 2].map(() => new Process({ target: deposit, args: [lock, balance] }));
 *   for (const teller of tellers) teller.start();
 *   for (const teller of tellers) await teller.join();
 *   console.log(await balance.get()); // prints 20
 * }
 * ```
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the methods are defined below
export class AcquirerProxy extends BaseProxy {}
export interface AcquirerProxy extends Acquirable {
  /** {@link Acquirable.release}, as a round trip. */ release(n?: number): Promise<void>;
  /** Blocking {@link release}. */ releaseSync(n?: number): void;
}
defineRemote(AcquirerProxy.prototype, ["acquire", "release"]);
defineAcquirable(AcquirerProxy.prototype);
registerProxyClass("AcquirerProxy", AcquirerProxy);

/**
 * A condition at a server. `waitFor` calls its predicate here.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { type ConditionProxy, type ListProxy, Manager, Process } from "heddle/multiprocessing";
 *
 * async function bake(shop: ConditionProxy, shelf: ListProxy<string>) {
 *   using _held = await shop.hold();
 *   await shelf.append("bread");
 *   await shop.notifyAll();
 * }
 *
 * if (isMain) {
 *   await using manager = await Manager();
 *   const shop = await manager.Condition();
 *   const shelf = await manager.list<string>();
 *   const baker = new Process({ target: bake, args: [shop, shelf] });
 *   {
 *     using _held = await shop.hold();
 *     baker.start();
 *     await shop.waitFor(() => shelf.lengthSync() > 0);
 *     console.log(await shelf.pop()); // prints bread
 *   }
 *   await baker.join();
 * }
 * ```
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the methods are defined below
export class ConditionProxy extends BaseProxy {
  /** Waits until a predicate, called here under the lock, is truthy or time is up. Resolves with its last value. */
  async waitFor<T>(predicate: () => T, options: WaitOptions = {}): Promise<T> {
    checkOptions(options, WAIT_OPTIONS);
    const deadline = deadlineAfter(options.timeout);
    for (let value = ask(predicate); ; value = ask(predicate)) {
      const left = deadline - performance.now();
      if (value || left <= 0) return value;
      const timeout = left === Number.POSITIVE_INFINITY ? undefined : left;
      await callRemote(this, "wait", [{ ...options, timeout }]);
    }
  }

  /** Blocking {@link waitFor}. */
  waitForSync<T>(predicate: () => T, options: TimeoutOptions = {}): T {
    checkBlockingOptions(options);
    const deadline = deadlineAfter(options.timeout);
    for (let value = ask(predicate); ; value = ask(predicate)) {
      const left = deadline - performance.now();
      if (value || left <= 0) return value;
      callRemoteSync(this, "wait", [left === Number.POSITIVE_INFINITY ? {} : { timeout: left }]);
    }
  }
}
export interface ConditionProxy extends Omit<ConditionLike, "waitFor" | "waitForSync"> {
  /** {@link Acquirable.release}, as a round trip. */ release(): Promise<void>;
  /** Blocking {@link release}. */ releaseSync(): void;
  /** {@link ConditionLike.notify}, as a round trip. */ notify(n?: number): Promise<void>;
  /** Blocking {@link notify}. */ notifySync(n?: number): void;
  /** {@link ConditionLike.notifyAll}, as a round trip. */ notifyAll(): Promise<void>;
  /** Blocking {@link notifyAll}. */ notifyAllSync(): void;
}
defineRemote(ConditionProxy.prototype, ManagedCondition.exposed);
defineAcquirable(ConditionProxy.prototype);
registerProxyClass("ConditionProxy", ConditionProxy);

/**
 * An event at a server.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { type EventProxy, Manager, Process } from "heddle/multiprocessing";
 *
 * async function runner(gun: EventProxy) {
 *   await gun.wait();
 *   console.log("runs"); // prints runs
 * }
 *
 * if (isMain) {
 *   await using manager = await Manager();
 *   const gun = await manager.Event();
 *   const first = new Process({ target: runner, args: [gun] });
 *   first.start();
 *   await gun.set();
 *   await first.join();
 *   console.log(await gun.isSet()); // prints true
 * }
 * ```
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the methods are defined below
export class EventProxy extends BaseProxy {}
export interface EventProxy extends Remote<EventLike> {}
defineRemote(EventProxy.prototype, ManagedEvent.exposed);
registerProxyClass("EventProxy", EventProxy);

/** What a barrier is at one instant. */
export type BarrierState = Pick<BarrierLike, "parties" | "nWaiting" | "broken">;

/**
 * A barrier at a server. One who waits and is gone breaks it.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { type BarrierProxy, Manager, Process } from "heddle/multiprocessing";
 *
 * async function arrive(meeting: BarrierProxy) {
 *   await meeting.wait();
 * }
 *
 * if (isMain) {
 *   await using manager = await Manager();
 *   const meeting = await manager.Barrier(2);
 *   const friend = new Process({ target: arrive, args: [meeting] });
 *   friend.start();
 *   await meeting.wait(); // until both are there
 *   await friend.join();
 *   console.log((await meeting.state()).nWaiting); // prints 0
 * }
 * ```
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the methods are defined below
export class BarrierProxy extends BaseProxy {
  /** Resolves with `parties`, `nWaiting` and `broken` at one instant. */
  state(): Promise<BarrierState> {
    return callRemote(this, "state", []) as Promise<BarrierState>;
  }

  /** Blocking {@link state}. */
  stateSync(): BarrierState {
    return callRemoteSync(this, "state", []) as BarrierState;
  }
}
export interface BarrierProxy extends Remote<BarrierLike> {}
defineRemote(BarrierProxy.prototype, ManagedBarrier.exposed);
registerProxyClass("BarrierProxy", BarrierProxy);

/**
 * A queue at a server: `queue.Queue` at a distance.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { Manager, Process, type QueueProxy } from "heddle/multiprocessing";
 *
 * async function work(jobs: QueueProxy<string>) {
 *   for (let job = await jobs.get(); job !== "home"; job = await jobs.get()) {
 *     console.log(`done: ${job}`);
 *     // prints done: wash
 *     // prints done: dry
 *     await jobs.taskDone();
 *   }
 * }
 *
 * if (isMain) {
 *   await using manager = await Manager();
 *   const jobs = await manager.Queue<string>({ maxSize: 1 });
 *   const worker = new Process({ target: work, args: [jobs] });
 *   worker.start();
 *   await jobs.put("wash");
 *   await jobs.put("dry"); // waits for a free place
 *   await jobs.join(); // until both were reported done
 *   await jobs.put("home");
 *   await worker.join();
 * }
 * ```
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the methods are defined below
export class QueueProxy<T = any> extends BaseProxy<T[]> {}
export interface QueueProxy<T = any> extends Remote<ThreadQueue<T>> {}
defineRemote(QueueProxy.prototype, ManagedQueue.exposed);
registerProxyClass("QueueProxy", QueueProxy);
