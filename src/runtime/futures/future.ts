// biome-ignore-all lint/suspicious/noExplicitAny: any future, whatever its result
/**
 * The future of a task: `concurrent.futures.Future`.
 *
 * A future lives in one thread. What makes it done comes through that thread's inbox (an executor's result) or from
 * the thread's own code (`setResult`), so its state is plain fields; only whether a queued task has begun is told by
 * shared memory, and the executor that made the future answers that through {@link TaskLink}.
 *
 * Looking at a future takes in what has arrived in the inbox. Otherwise `while (!future.done()) …` would never end: the
 * loop would keep the event loop, which delivers, from running. So done-callbacks may run inside of such a look, as
 * Python's run at any time in another thread.
 *
 * A failed future stores its error until somebody asks. No promise exists before, so there is no unhandled rejection.
 */
import { inspect } from "node:util";
import { recording } from "../../recorder/emit.js";
import { WaitReason } from "../../trace/events.js";
import { checkBlockingOptions, checkOptions, WAIT_OPTIONS } from "../core/check-options.js";
import { atDeadline, deadlineAfter } from "../core/deadline.js";
import { CancelledError, DataCloneError, InvalidStateError, RuntimeError, TimeoutError } from "../core/errors.js";
import { type Handle, toHandle } from "../core/handles.js";
import { timedBy } from "../core/stuck-loop.js";
import type { TimeoutOptions, WaitOptions } from "../core/types.js";
import { blockUntil, takeInArrivals } from "./inbox.js";
import { beginWait, endWait, type RecordedWait } from "./recorded-wait.js";

const State = { Pending: 0, Running: 1, Cancelled: 2, CancelledAndNotified: 3, Finished: 4, Failed: 5 } as const;
type State = (typeof State)[keyof typeof State];

/** What an executor answers about the tasks behind its futures, which it knows by a number. */
export interface TaskLink {
  /** Number of the executor in the trace; 0 for none. */
  readonly poolNumber: number;
  /** Takes a task back if nobody has begun it. Returns whether it did. */
  tryCancel(task: number): boolean;
  /** True once a worker has taken a task. */
  hasBegun(task: number): boolean;
}

/**
 * Somebody who waits: a function to call, or a promise to settle. Of the latter there may be a hundred thousand at once,
 * and what keeps them is most of what the garbage collector has to look at: hence no closure for each.
 */
type Listener = (() => void) | Waiter;

class Waiter {
  constructor(
    readonly resolve: (value: never) => void,
    readonly reject: (error: unknown) => void,
    readonly wait: RecordedWait,
  ) {}
}

let lastResolve: (value: never) => void;
let lastReject: (error: unknown) => void;
const keepFunctions = (resolve: (value: never) => void, reject: (error: unknown) => void): void => {
  lastResolve = resolve;
  lastReject = reject;
};

// What the other files of this room may do with a future and users may not.

/** Ties a new future to the task it stands for. */
export let link: (future: Future<any>, executor: TaskLink, task: number) => void;
/** Has waits for one that stands for no task of its own recorded as waits for an executor, by its number in the trace. */
export function linkToPool(future: Future<any>, poolNumber: number): void {
  if (recording) link(future, { poolNumber, tryCancel: () => true, hasBegun: () => false }, 0);
}
/** {@link Future.setResult}, or with `failed` {@link Future.setException}, unless it is done. */
export let settle: (future: Future<any>, failed: boolean, value: unknown) => void;
/** Has `waiter` called, once, when the future gets done, before its callbacks. It must not throw. */
export let subscribe: (future: Future<any>, waiter: () => void) => void;
/** Takes back a {@link subscribe}. */
export let unsubscribe: (future: Future<any>, waiter: () => void) => void;
/** {@link Future.done} as of what was taken in so far. */
export let isDone: (future: Future<any>) => boolean;
/** True if it is done with an error. */
export let hasFailed: (future: Future<any>) => boolean;
/** The value of a future that is done, or throws its error or `CancelledError`. */
export let outcome: <T>(future: Future<T>) => T;

/**
 * The outcome, still to come, of a task. Awaiting it is awaiting `result()`.
 *
 * @example
 * ```ts
 * import { Future } from "heddle/futures";
 *
 * const answer = new Future<number>();
 * answer.addDoneCallback((done) => console.log(`done: ${done.resultSync()}`)); // prints done: 42
 * setTimeout(() => answer.setResult(42), 10);
 * console.log(await answer); // prints 42
 * console.log(answer.cancel(), answer.done()); // prints false true
 * ```
 */
export class Future<T = unknown> implements PromiseLike<T> {
  #state: State = State.Pending;
  /** The value, or what the task threw. */
  #value: unknown = undefined;
  #executor: TaskLink | null = null;
  #task = 0;
  /** Those who wait; told before the callbacks are, as in Python. Mostly there is one at most. */
  #waiters: Listener | Listener[] | null = null;
  #callbacks: ((future: any) => unknown)[] | null = null;

  static {
    link = (future, executor, task) => {
      future.#executor = executor;
      future.#task = task;
    };
    settle = (future, failed, value) => {
      if (future.#state >= State.Cancelled) return;
      future.#value = value;
      future.#end(failed ? State.Failed : State.Finished);
    };
    subscribe = (future, waiter) => {
      future.#listen(waiter);
    };
    unsubscribe = (future, waiter) => {
      const waiters = future.#waiters;
      if (waiters === waiter) future.#waiters = null;
      else if (Array.isArray(waiters)) {
        const index = waiters.indexOf(waiter);
        if (index >= 0) waiters.splice(index, 1);
      }
    };
    isDone = (future) => future.#state >= State.Cancelled;
    hasFailed = (future) => future.#state === State.Failed;
    outcome = (future) => future.#outcome();
  }

  /** Cancels it unless it runs or is done. Returns whether it is cancelled. */
  cancel(): boolean {
    if (this.#state === State.Pending) takeInArrivals();
    if (this.#state === State.Cancelled || this.#state === State.CancelledAndNotified) return true;
    if (this.#state !== State.Pending) return false;
    if (this.#executor !== null && !this.#executor.tryCancel(this.#task)) return false;
    this.#end(State.Cancelled);
    return true;
  }

  /** True if it was cancelled. */
  cancelled(): boolean {
    return this.#state === State.Cancelled || this.#state === State.CancelledAndNotified;
  }

  /** True while its task runs. */
  running(): boolean {
    if (this.#state < State.Cancelled) takeInArrivals();
    if (this.#state !== State.Pending) return this.#state === State.Running;
    return this.#executor?.hasBegun(this.#task) ?? false;
  }

  /** True if it has its result or error or was cancelled. */
  done(): boolean {
    if (this.#state < State.Cancelled) takeInArrivals();
    return this.#state >= State.Cancelled;
  }

  /**
   * Resolves with the task's value. Rejects with the task's own error, `CancelledError` or, after `timeout`
   * milliseconds, `TimeoutError`; with the signal's reason if that is aborted first.
   */
  result(options?: WaitOptions): Promise<T> {
    if (options === undefined) return this.#plain();
    return this.#promise(options, () => this.#outcome());
  }

  /**
   * Blocking {@link result}. What arrives meanwhile for other futures of this thread is taken in too. Throws
   * `RuntimeError` if nothing is under way that could ever end the wait.
   */
  resultSync(options?: TimeoutOptions): T {
    this.#block(options);
    return this.#outcome();
  }

  /** Resolves with what the task threw, or null if it returned. Rejects with `CancelledError` or `TimeoutError`. */
  exception(options?: WaitOptions): Promise<unknown> {
    return this.#promise(options, () => this.#exception());
  }

  /** Blocking {@link exception}. */
  exceptionSync(options?: TimeoutOptions): unknown {
    this.#block(options);
    return this.#exception();
  }

  /** Calls `callback` with this future when it is done, at once if it is; what a callback throws is logged. */
  addDoneCallback(callback: (future: this) => unknown): void {
    if (typeof callback !== "function") throw new TypeError("addDoneCallback takes a function");
    if (this.done()) this.#call(callback);
    else if (this.#callbacks === null) this.#callbacks = [callback];
    else this.#callbacks.push(callback);
  }

  /** For executors: marks it running; false if it was cancelled. Throws `RuntimeError` the second time. */
  setRunningOrNotifyCancel(): boolean {
    if (this.#state === State.Cancelled) {
      this.#state = State.CancelledAndNotified;
      return false;
    }
    if (this.#state !== State.Pending) throw new RuntimeError(`Future in unexpected state: ${this}`);
    this.#state = State.Running;
    return true;
  }

  /** For executors: makes it done with a value. Throws `InvalidStateError` if it is done. */
  setResult(value: T): void {
    this.#requireOpen();
    this.#value = value;
    this.#end(State.Finished);
  }

  /** For executors: makes it done with an error. Throws `InvalidStateError` if it is done. */
  setException(error: unknown): void {
    this.#requireOpen();
    this.#value = error;
    this.#end(State.Failed);
  }

  /** What `await` calls: `result().then(…)`. */
  // biome-ignore lint/suspicious/noThenProperty: a future is awaited by itself
  then<R1 = T, R2 = never>(
    onFulfilled?: ((value: T) => R1 | PromiseLike<R1>) | null,
    onRejected?: ((error: any) => R2 | PromiseLike<R2>) | null,
  ): Promise<R1 | R2> {
    return this.#plain().then(onFulfilled, onRejected);
  }

  /** It does not cross: what makes it done comes to the thread that has it. */
  [toHandle](): Handle {
    throw new DataCloneError("a future belongs to its thread; pass on its result");
  }

  /** Its state for people, like Python's `repr`. */
  toString(): string {
    return `<Future state=${this.#describe()}>`;
  }

  [inspect.custom](): string {
    return this.toString();
  }

  #describe(): string {
    if (this.#state === State.Failed) return `finished raised ${nameOf(this.#value)}`;
    if (this.#state === State.Finished) return `finished returned ${typeName(this.#value)}`;
    if (this.#state >= State.Cancelled) return "cancelled";
    return this.#state === State.Running || this.#executor?.hasBegun(this.#task) ? "running" : "pending";
  }

  #requireOpen(): void {
    if (this.#state >= State.Cancelled) throw new InvalidStateError(`The future is done already: ${this}`);
  }

  #outcome(): T {
    if (this.#state === State.Finished) return this.#value as T;
    throw this.#state === State.Failed ? this.#value : new CancelledError("The task was cancelled");
  }

  #exception(): unknown {
    if (this.#state < State.Finished) throw new CancelledError("The task was cancelled");
    return this.#state === State.Failed ? this.#value : null;
  }

  #end(state: State): void {
    this.#state = state;
    const waiters = this.#waiters;
    const callbacks = this.#callbacks;
    this.#waiters = null;
    this.#callbacks = null;
    if (Array.isArray(waiters)) for (const waiter of waiters) this.#tell(waiter);
    else if (waiters !== null) this.#tell(waiters);
    if (callbacks !== null) for (const callback of callbacks) this.#call(callback);
  }

  #call(callback: (future: this) => unknown): void {
    try {
      const returned = callback(this);
      if (returned instanceof Promise) returned.catch((error) => this.#log(error));
    } catch (error) {
      this.#log(error);
    }
  }

  #log(error: unknown): void {
    console.error(`A callback of ${this} failed:`, error);
  }

  /** A promise of the outcome, for those who just wait: most. */
  #plain(): Promise<T> {
    if (this.#state < State.Cancelled) takeInArrivals();
    const promise = new Promise<T>(keepFunctions);
    const done = this.#state >= State.Cancelled;
    const wait = !done && recording ? beginWait(WaitReason.Result, this.#executor?.poolNumber ?? 0, true) : null;
    const waiter = new Waiter(lastResolve, lastReject, wait);
    if (done) this.#tell(waiter);
    else this.#listen(waiter);
    return promise;
  }

  #listen(listener: Listener): void {
    const waiters = this.#waiters;
    if (waiters === null) this.#waiters = listener;
    else if (Array.isArray(waiters)) waiters.push(listener);
    else this.#waiters = [waiters, listener];
  }

  #tell(listener: Listener): void {
    if (!(listener instanceof Waiter)) {
      listener();
      return;
    }
    if (listener.wait !== null) endWait(listener.wait, false);
    if (this.#state === State.Finished) listener.resolve(this.#value as never);
    else if (this.#state === State.Failed) listener.reject(this.#value);
    else listener.reject(new CancelledError("The task was cancelled"));
  }

  /** A promise of what `read` gives once this future is done. */
  #promise<R>(options: WaitOptions | undefined, read: () => R): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      checkOptions(options, WAIT_OPTIONS);
      const deadline = deadlineAfter(options?.timeout);
      const signal = options?.signal;
      signal?.throwIfAborted();
      const settle = () => {
        try {
          resolve(read());
        } catch (error) {
          reject(error);
        }
      };
      if (this.done()) {
        settle();
        return;
      }
      const wait = beginWait(WaitReason.Result, this.#executor?.poolNumber ?? 0, true);
      const endTimed = timedBy(signal);
      let disarm: (() => void) | null = null;
      const leave = (failed: boolean) => {
        disarm?.();
        signal?.removeEventListener("abort", aborted);
        endTimed();
        endWait(wait, failed);
      };
      const done = () => {
        leave(false);
        settle();
      };
      const giveUp = (error: unknown) => {
        unsubscribe(this, done);
        leave(true);
        reject(error);
      };
      const aborted = () => giveUp(signal!.reason);
      subscribe(this, done);
      if (deadline !== Number.POSITIVE_INFINITY) {
        disarm = atDeadline(deadline, () => giveUp(new TimeoutError("The task was not done in time")));
      }
      signal?.addEventListener("abort", aborted, { once: true });
    });
  }

  #block(options: TimeoutOptions | undefined): void {
    checkBlockingOptions(options);
    const deadline = deadlineAfter(options?.timeout);
    if (this.done()) return;
    const wait = beginWait(WaitReason.Result, this.#executor?.poolNumber ?? 0, false);
    const end = blockUntil(() => this.#state >= State.Cancelled, deadline);
    endWait(wait, end !== "done");
    if (end === "timeout") throw new TimeoutError("The task was not done in time");
    if (end === "never") throw neverDone("This future");
  }
}

/** Why a blocking wait was refused: the blocked thread itself would have to make the future done. */
export function neverDone(subject: string): RuntimeError {
  return new RuntimeError(
    `${subject} can never be done while this thread blocks: no executor of this thread has work under way. ` +
      "Wait for it without blocking (await), or give a timeout.",
  );
}

function typeName(value: unknown): string {
  if (value === null || typeof value !== "object") return value === null ? "null" : typeof value;
  return value.constructor?.name ?? "object";
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeName(error);
}
