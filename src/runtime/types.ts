// biome-ignore-all lint/suspicious/noExplicitAny: any method, whatever it takes and returns
/**
 * The types the libraries share: options, what the primitives of threads and of processes have in common, queues,
 * activities, results in sequence.
 */
import type { MessagePort } from "node:worker_threads";

/** What `transfer` can move. */
export type TransferItem = ArrayBuffer | MessagePort;

// --- Options ------------------------------------------------------------------------------------------------

export interface NameOptions {
  /** Shown on the timeline and in reports; by default the kind and the file and line of creation. */
  name?: string | undefined;
}
export interface Named {
  /** Its name on the timeline. */ readonly name: string;
}
export interface TimeoutOptions {
  /** The longest wait in milliseconds; for ever when omitted. */ timeout?: number | undefined;
}
export interface WaitOptions extends TimeoutOptions {
  /** Ends the wait when aborted: the promise rejects with the signal's reason and nothing is taken. */
  signal?: AbortSignal | undefined;
}
/** How to wait for a lock, or for an item or a place in a queue, when blocking the thread. */
export interface AcquireSyncOptions extends TimeoutOptions {
  /** False to try once and not wait at all. */ blocking?: boolean | undefined;
}
/** How to wait for a lock, or for an item or a place in a queue. */
export interface AcquireOptions extends WaitOptions, AcquireSyncOptions {}

// --- Functions that run elsewhere ---------------------------------------------------------------------------

/** The option `args`, demanded only when the function cannot do without arguments. */
export type ArgsOption<A extends unknown[]> = [] extends A
  ? { /** Arguments of the function; copied. */ args?: Readonly<A> | undefined }
  : { /** Arguments of the function; copied. */ args: Readonly<A> };
/** The parameter `args`, demanded only when the function cannot do without arguments. */
export type ArgsParameter<A extends unknown[]> = [] extends A ? [args?: Readonly<A>] : [args: Readonly<A>];
/** The options of a pool's workers that run a function before their first task. */
export type InitializerOptions<I extends unknown[]> = {
  /** Runs once in each worker before its first task. */ initializer?: ((...args: I) => unknown) | undefined;
} & ([] extends I ? { initArgs?: Readonly<I> | undefined } : { initArgs: Readonly<I> });

// --- Results in sequence ------------------------------------------------------------------------------------

/** What `for await` runs over. */
export interface AsyncSequence<T> {
  /** Resolves with the next element, or with `done`. */ next(): Promise<IteratorResult<T, undefined>>;
  /** This object itself. */ [Symbol.asyncIterator](): this;
}
/** Results of tasks, one at a time. An element that fails rejects at its own position. */
export interface ResultIterator<T> extends AsyncSequence<T> {
  /** Resolves with the next result. Rejects with `TimeoutError`, after which it may be called again. */
  next(options?: WaitOptions): Promise<IteratorResult<T, undefined>>;
  /** Blocking {@link next}. */ nextSync(options?: TimeoutOptions): IteratorResult<T, undefined>;
  /** The same results as a plain iterable that blocks the thread at each step. */
  sync(): IterableIterator<T>;
}

// --- Primitives: what those of threads and those of processes have in common --------------------------------

/** Something held until it is disposed of, as by `using held = lock.holdSync()`. */
export interface Hold extends Disposable {
  /** Releases before the end of the block; further calls and the disposal then do nothing. */
  release(): void;
}
/** Whatever has acquire and release: locks, semaphores, conditions, shared values, a manager's proxies of them. */
export interface Acquirable extends Named {
  /** Takes it, or resolves with false if time is up. `RangeError` for `blocking: false` with a timeout; between processes the timeout is then ignored. */
  acquire(options?: AcquireOptions): Promise<boolean>;
  /** Blocking {@link acquire}. */ acquireSync(options?: AcquireSyncOptions): boolean;
  /** Gives it back. Throws `RuntimeError` if it is not held; for a plain lock of processes, `RangeError`. */
  release(): void;
  /** Takes it for a `using` block. Rejects with `TimeoutError` if it could not be had in time. */
  hold(options?: WaitOptions): Promise<Hold>;
  /** Blocking {@link hold}. */ holdSync(options?: TimeoutOptions): Hold;
}
/** A lock of this machine. A plain one has no owner: any thread may release it, and taking it twice waits. */
export interface LockLike extends Acquirable {
  /** True while anybody holds it. */ locked(): boolean;
}
/**
 * A lock its owner may take again and must release as often. Taken by a `Sync` form it belongs to the thread, as in
 * Python. Taken by an asynchronous form it belongs to the async context: the asyncio task, the pool's task or the
 * thread's target that awaited it, with all that it awaits in turn. Two chains of promises in one such context
 * share it, so give each its own with `asyncio.createTask`. `release` by another owner throws `RuntimeError`, and
 * so does a `Sync` form without timeout while another context of the same thread owns it: it could never end.
 */
export interface RLockLike extends LockLike {
  /** True if the caller owns it. */ isOwned(): boolean;
  /** How often the caller has taken it; 0 when it is not the owner. */ depth(): number;
  /** Who owns it now, or null. */
  readonly owner: { readonly pid: number; readonly nativeId: number } | null;
}
/** A number of permits; `acquire` takes one. */
export interface SemaphoreLike extends LockLike {
  /** Gives back `n` permits, 1 by default, or throws `RangeError`: for less than 1, or too many if it is bounded. */
  release(n?: number): void;
  /** True while no permit is left. */ locked(): boolean;
  /** The permits left. */ getValue(): number;
}
/** A lock with a place to wait for news. Waiting and notifying without holding it throws `RuntimeError`. */
export interface ConditionLike extends Acquirable {
  /** Releases the lock, however deep, waits to be notified and takes it again. Resolves with false on timeout. */
  wait(options?: WaitOptions): Promise<boolean>;
  /** Blocking {@link wait}. */ waitSync(options?: TimeoutOptions): boolean;
  /** Waits until a predicate, called here under the lock, is truthy or time is up. Resolves with its last value. */
  waitFor<T>(predicate: () => T, options?: WaitOptions): Promise<T>;
  /** Blocking {@link waitFor}. */ waitForSync<T>(predicate: () => T, options?: TimeoutOptions): T;
  /** Wakes up to `n` waiters, 1 by default, which go on once the lock is released. Nobody waiting: no effect. */
  notify(n?: number): void;
  /** Wakes all waiters. */ notifyAll(): void;
}
/** A flag to wait for. */
export interface EventLike extends Named {
  /** True while the flag is up. */ isSet(): boolean;
  /** Raises the flag and wakes all waiters, even if it is lowered at once. */ set(): void;
  /** Lowers the flag. */ clear(): void;
  /** Waits for the flag. Resolves with false on timeout. */
  wait(options?: WaitOptions): Promise<boolean>;
  /** Blocking {@link wait}. */ waitSync(options?: TimeoutOptions): boolean;
}
/** A meeting point of a fixed number of parties, for any number of rounds. */
export interface BarrierLike extends Named {
  /** How many have to come. */ readonly parties: number;
  /** How many are waiting. */ readonly nWaiting: number;
  /** True after an abort, a timeout or a failed action, until `reset`. */ readonly broken: boolean;
  /** Waits for all and resolves with an index from 0, to each another. A timeout breaks it: `BrokenBarrierError`. */
  wait(options?: WaitOptions): Promise<number>;
  /** Blocking {@link wait}. */ waitSync(options?: TimeoutOptions): number;
  /** Makes it empty and whole again; those waiting get `BrokenBarrierError`. */ reset(): void;
  /** Breaks it: those waiting and those to come get `BrokenBarrierError`. */ abort(): void;
}
export interface BarrierOptions extends NameOptions, TimeoutOptions {
  /** A synchronous function that one of the waiters runs in each round, when all have come and before any goes on. */
  action?: (() => unknown) | undefined;
}

/** Any queue: of threads, of processes, or a manager's proxy of one. */
export interface QueueLike<T> {
  /** Puts an item in. Rejects with `Full` if no place was free in time, `ShutDown` or, once closed, `RangeError`. */
  put(item: T, options?: AcquireOptions): Promise<void>;
  /** Blocking {@link put}. */ putSync(item: T, options?: AcquireSyncOptions): void;
  /** Takes an item out. Rejects with `Empty` if none came in time, `ShutDown` or, once closed, `RangeError`. */
  get(options?: AcquireOptions): Promise<T>;
  /** Blocking {@link get}. */ getSync(options?: AcquireSyncOptions): T;
}
/** A queue of this machine. */
export interface LocalQueue<T> extends QueueLike<T>, Named {
  /** Puts an item in or throws `Full` at once. */ putNowait(item: T): void;
  /** Takes an item out or throws `Empty` at once. */ getNowait(): T;
  /** The number of items; others may change it before it is used. */ qsize(): number;
  /** True while there is no item. */ empty(): boolean;
}
/** A queue with a capacity. */
export interface BoundedQueue<T> extends LocalQueue<T> {
  /** The capacity; 0 or less means none. */ readonly maxSize: number;
  /** True while there is no free place. */ full(): boolean;
}
/** The count of items that were put and are not yet reported done. */
export interface TaskTracking {
  /** Reports one item taken from the queue as done. Throws `RangeError` if called more often than items were put. */
  taskDone(): void;
  /** Waits until every item was reported done. Rejects with `TimeoutError`. */
  join(options?: WaitOptions): Promise<void>;
  /** Blocking {@link join}. */ joinSync(options?: TimeoutOptions): void;
}
export interface QueueOptions extends NameOptions {
  /** The capacity; 0, the default, means none. */ maxSize?: number | undefined;
}
export interface PriorityQueueOptions<T> extends QueueOptions {
  /** As for `Array.sort`. By default numbers, strings and dates by value, arrays element by element. */
  compare?: ((a: T, b: T) => number) | undefined;
}

/** What threads and processes have in common. */
export interface Activity {
  /** Its name on the timeline; by default `Thread-1 (target)` or `Process-1`, counting up. */ name: string;
  /** Whether the program ends without it; inherited from the creator. Throws `RuntimeError` if set after `start`. */
  daemon: boolean;
  /** Starts it, once. Throws `RuntimeError` the second time and while the script is still being imported. */
  start(): void;
  /** Waits for its end or the timeout and does not tell which. Rejects with `RuntimeError` before `start`. */
  join(options?: WaitOptions): Promise<void>;
  /** Blocking {@link join}. */ joinSync(options?: TimeoutOptions): void;
  /** True between `start` and its end. */ isAlive(): boolean;
}
/** How to make a thread or process. */
export type ActivityOptions<A extends unknown[]> = NameOptions & {
  /** The function to run; `run` calls it. */ target?: ((...args: A) => unknown) | undefined;
  /** Whether the program ends without it. */ daemon?: boolean | undefined;
} & ArgsOption<A>;

// --- Views of a type ----------------------------------------------------------------------------------------

/** `T` without its `Sync` members: the face of an object that lives in one thread. */
export type AsyncOnly<T> = Pick<T, Exclude<keyof T, `${string}Sync`>>;
/** The name of a method of `T`, unless it is a `Sync` twin. */
export type MethodName<T, K extends keyof T> = T[K] extends (...args: any) => any
  ? Exclude<K & string, `${string}Sync`>
  : never;
/** `T` at a distance: each method as a promise, and as a `Sync` twin that blocks the thread for the round trip. */
export type Remote<T> = {
  [K in keyof T as MethodName<T, K>]: T[K] extends (...args: infer A) => infer R
    ? (...args: A) => Promise<Awaited<R>>
    : never;
} & {
  [K in keyof T as `${MethodName<T, K>}Sync`]: T[K] extends (...args: infer A) => infer R
    ? (...args: A) => Awaited<R>
    : never;
};
