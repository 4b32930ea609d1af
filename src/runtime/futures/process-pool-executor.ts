/**
 * `concurrent.futures.ProcessPoolExecutor`.
 *
 * The tasks lie with the thread's io-service (`multiprocessing/pool-dispatcher.ts`), which feeds the worker processes
 * and posts what comes of them to this thread's inbox. So tasks run, and results arrive, while this thread blocks.
 */
import { availableParallelism } from "node:os";
import { callSite, emit, intern, newObjectNumber, recording, recordObject } from "../../recorder/emit.js";
import { EventKind, ObjectKind, WaitReason } from "../../trace/events.js";
import { checkOptions, knownOptions } from "../core/check-options.js";
import { BrokenProcessPool, RuntimeError } from "../core/errors.js";
import { referenceTo } from "../core/function-reference.js";
import { assertMayStart, mainScriptUrl } from "../core/main-script.js";
import { decode, encode } from "../core/structured-clone.js";
import type { InitializerOptions, NameOptions } from "../core/types.js";
import { childSettings } from "../multiprocessing/child-settings.js";
import { PoolEvent } from "../multiprocessing/pool-post.js";
import { identityOfWorker } from "../multiprocessing/process.js";
import { request, whenChildrenAreFinished } from "../multiprocessing/service-client.js";
import { encodeStart } from "../multiprocessing/start-message.js";
import { encodeTask, type TaskFunction, taskFunction } from "../multiprocessing/task-codec.js";
import { TaskStates } from "../multiprocessing/task-states.js";
import { Executor, type ShutdownOptions } from "./executor.js";
import { Future, isDone, link, type TaskLink } from "./future.js";
import { blockUntil, expect, fulfil, inboxOffset, register, takeInArrivals, unregister } from "./inbox.js";
import { submitChunk } from "./map-results.js";
import { beginWait, endWait } from "./recorded-wait.js";

const EXECUTOR_OPTIONS = knownOptions(
  "{ maxWorkers: 4 }",
  "maxWorkers",
  "maxTasksPerChild",
  "initializer",
  "initArgs",
  "name",
);

export type ProcessPoolExecutorOptions<I extends unknown[]> = NameOptions & {
  /** The most processes, by default the processors. Below 1 is a `RangeError`. */
  maxWorkers?: number | undefined;
  /** After how many tasks a process is replaced; never by default. Below 1 is a `RangeError`. */
  maxTasksPerChild?: number | undefined;
} & InitializerOptions<I>;

type AnyFunction = (...args: never[]) => unknown;

let made = 0;
const MOVE_FROM_BYTES = 64 * 1024;

/** A whole number from 1, or the error that Python gives. */
function positive(value: number | undefined, name: string, otherwise: number): number {
  if (value === undefined || value === null) return otherwise;
  if (typeof value !== "number") throw new TypeError(`${name} must be an integer`);
  if (value < 1 || Number.isNaN(value)) throw new RangeError(`${name} must be greater than 0`);
  if (value !== Number.POSITIVE_INFINITY && !Number.isInteger(value)) throw new TypeError(`${name} must be an integer`);
  return value;
}

/** A task that is not done. */
class Task implements TaskLink {
  readonly future = new Future<unknown>();
  readonly #pool: ProcessPoolExecutor<never>;
  readonly #id: number;

  constructor(pool: ProcessPoolExecutor<never>, id: number) {
    this.#pool = pool;
    this.#id = id;
  }

  get poolNumber(): number {
    return numberOf(this.#pool);
  }

  tryCancel(): boolean {
    return cancelTask(this.#pool, this.#id);
  }

  hasBegun(): boolean {
    return hasBegun(this.#pool, this.#id);
  }
}

let numberOf: (pool: ProcessPoolExecutor<never>) => number;
let cancelTask: (pool: ProcessPoolExecutor<never>, id: number) => boolean;
let hasBegun: (pool: ProcessPoolExecutor<never>, id: number) => boolean;

/**
 * Runs calls in processes. The death of one breaks it: all open futures fail with `BrokenProcessPool`.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { ProcessPoolExecutor } from "heddle/futures";
 *
 * function sum(from: number, to: number) {
 *   let total = 0;
 *   for (let n = from; n < to; n++) total += n;
 *   return total;
 * }
 *
 * if (isMain) {
 *   await using pool = new ProcessPoolExecutor({ maxWorkers: 2 });
 *   const halves = await pool.map(sum, [0, 500_000], [500_000, 1_000_000]);
 *   console.log(halves[0]! + halves[1]!); // prints 499999500000
 * }
 * ```
 */
export class ProcessPoolExecutor<I extends unknown[] = []> extends Executor {
  readonly #name: string;
  readonly #number = newObjectNumber();
  readonly #maxWorkers: number;
  readonly #maxTasksPerChild: number;
  readonly #initializer: ReturnType<typeof referenceTo> | null;
  readonly #initArgs: Uint8Array;
  readonly #open = new Map<number, Task>();
  readonly #states = new TaskStates();
  #receivers: number[] = [];
  #lastId = 0;
  #shutdown = false;
  #closed = false;
  #broken: string | null = null;
  #initializerError: unknown = undefined;

  static {
    numberOf = (pool) => pool.#number;
    cancelTask = (pool, id) => pool.#cancel(id);
    hasBegun = (pool, id) => pool.#states.isTaken(id);
  }

  /**
   * Makes a pool; its processes start on demand. Throws `RangeError` for counts below 1, `TypeError` for options of the
   * wrong kind and `DataCloneError` if the initializer or its arguments cannot cross.
   */
  constructor(options: ProcessPoolExecutorOptions<I> = {} as ProcessPoolExecutorOptions<I>) {
    super();
    checkOptions(options, EXECUTOR_OPTIONS);
    const { name, maxWorkers, maxTasksPerChild, initializer, initArgs } = options as ProcessPoolExecutorOptions<
      unknown[]
    >;
    this.#maxWorkers = positive(maxWorkers, "maxWorkers", availableParallelism());
    this.#maxTasksPerChild = positive(maxTasksPerChild, "maxTasksPerChild", Number.POSITIVE_INFINITY);
    if (initializer !== undefined && typeof initializer !== "function") {
      throw new TypeError("initializer must be a function");
    }
    this.#initializer = initializer === undefined ? null : referenceTo(initializer, "initializer");
    this.#initArgs = encode(initArgs ?? [], { crossing: "process", path: "initArgs" });
    this.#name = name ?? `ProcessPoolExecutor-${made++}`;
    recordObject(this.#number, ObjectKind.ProcessPoolExecutor, name ?? "", callSite(), this.#maxWorkers);
  }

  /**
   * Queues a call. Throws `RuntimeError` after `shutdown` and while the script is still being imported,
   * `BrokenProcessPool` after the death of a worker, `DataCloneError` if the function or its arguments cannot cross.
   */
  submit<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Future<Awaited<R>> {
    return this.#submit(fn as AnyFunction, args, false) as Future<Awaited<R>>;
  }

  /** Queues several calls that travel together; the future's value is the array of their values. */
  [submitChunk](fn: (...items: unknown[]) => unknown, rounds: unknown[][]): Future<unknown[]> {
    return this.#submit(fn, rounds, true) as Future<unknown[]>;
  }

  /** Stops accepting work and waits for what was accepted and for the processes to end. May be repeated. */
  async shutdown(options: ShutdownOptions = {}): Promise<void> {
    this.#beginShutdown(options);
    if (options.wait === false || this.#isClosed()) return;
    const wait = beginWait(WaitReason.Shutdown, this.#number, true);
    await new Promise<void>((resolve) => this.#whenClosed.push(resolve));
    endWait(wait, false);
  }

  /** Blocking {@link shutdown}. */
  shutdownSync(options: ShutdownOptions = {}): void {
    this.#beginShutdown(options);
    if (options.wait === false || this.#isClosed()) return;
    const wait = beginWait(WaitReason.Shutdown, this.#number, false);
    blockUntil(() => this.#closed, Number.POSITIVE_INFINITY);
    endWait(wait, false);
  }

  readonly #whenClosed: (() => void)[] = [];

  #isClosed(): boolean {
    takeInArrivals();
    return this.#closed;
  }

  #submit(fn: AnyFunction, args: readonly unknown[], chunk: boolean): Future<unknown> {
    if (this.#broken !== null) throw this.#brokenError();
    if (this.#shutdown) throw new RuntimeError("cannot schedule new futures after shutdown");
    if (typeof fn !== "function") throw new TypeError("submit takes a function");
    assertMayStart("process");
    const callee: TaskFunction = taskFunction(fn);
    const body = encodeTask(callee, args, chunk);
    if (this.#receivers.length === 0) this.#openPool();
    const id = ++this.#lastId;
    const task = new Task(this as never, id);
    link(task.future, task, id);
    this.#open.set(id, task);
    expect();
    if (recording) emit(EventKind.TaskSubmit, this.#number, callSite(), id, intern(callee.name), 0);
    // Moving a body has a price of its own, which small ones do not repay.
    const moved = body.length < MOVE_FROM_BYTES ? [] : [body.buffer as ArrayBuffer];
    request({ kind: "task", pool: this.#number, id, body, states: this.#states.add(id) }, moved);
    return task.future;
  }

  /** Tells the io-service of this pool, at its first task. */
  #openPool(): void {
    const who = identityOfWorker();
    this.#receivers = [
      register((id, payload) => this.#finished(id, false, payload)),
      register((id, payload) => this.#finished(id, true, payload)),
      register((event, payload) => this.#event(event, payload)),
    ];
    const [results, failures, events] = this.#receivers as [number, number, number];
    if (recording) whenChildrenAreFinished(takeInArrivals);
    request({
      kind: "pool",
      pool: this.#number,
      address: { inbox: inboxOffset(), results, failures, events },
      maxWorkers: this.#maxWorkers,
      maxTasksPerChild: this.#maxTasksPerChild,
      settings: childSettings(),
      start: encodeStart({
        main: mainScriptUrl,
        argv: process.argv,
        who: { ...who, name: this.#name },
        work: { kind: "worker", pool: this.#number, initializer: this.#initializer, initArgs: this.#initArgs },
      }),
    });
  }

  #beginShutdown({ cancelFutures = false }: ShutdownOptions): void {
    const first = !this.#shutdown;
    this.#shutdown = true;
    if (cancelFutures) for (const task of [...this.#open.values()]) task.future.cancel();
    if (!first) return;
    if (this.#receivers.length === 0) this.#closed = true;
    else if (!this.#closed) {
      // The end of the workers is a delivery too.
      expect();
      this.#expectsClose = true;
      request({ kind: "shutdown", pool: this.#number });
    }
  }

  #expectsClose = false;

  #cancel(id: number): boolean {
    if (!this.#open.has(id) || !this.#states.cancel(id)) return false;
    this.#remove(id);
    if (recording) emit(EventKind.TaskCancel, this.#number, 0, id, 0, 0);
    request({ kind: "forget", pool: this.#number, id });
    return true;
  }

  #remove(id: number): Task | undefined {
    const task = this.#open.get(id);
    if (task === undefined) return undefined;
    this.#open.delete(id);
    this.#states.over(id);
    fulfil();
    return task;
  }

  #finished(id: number, failed: boolean, payload: Uint8Array): void {
    const task = this.#remove(id);
    if (task === undefined || isDone(task.future)) return;
    let value: unknown;
    let threw = failed;
    try {
      value = decode(payload, { origin: `a process of ${this.#name}` });
    } catch (error) {
      threw = true;
      value = error;
    }
    if (threw) task.future.setException(value);
    else task.future.setResult(value);
  }

  #event(event: number, payload: Uint8Array): void {
    const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
    switch (event) {
      case PoolEvent.InitializerFailed:
        this.#initializerError = decode(payload, { origin: `a process of ${this.#name}` });
        return;
      case PoolEvent.Broken:
        this.#break(bytes.toString());
        return;
      case PoolEvent.Started:
        if (recording) {
          emit(EventKind.ProcessSpawn, 0, 0, bytes.readInt32LE(0), intern(bytes.toString("utf8", 4)), 0);
        }
        return;
      case PoolEvent.Ended:
        if (recording) emit(EventKind.ProcessExit, 0, 0, bytes.readInt32LE(0), bytes.readInt32LE(4) + 1000, 0);
        return;
      case PoolEvent.Closed:
        this.#closed = true;
        for (const receiver of this.#receivers) unregister(receiver);
        if (this.#expectsClose) fulfil();
        this.#expectsClose = false;
        for (const resolve of this.#whenClosed.splice(0)) resolve();
        return;
    }
  }

  #break(message: string): void {
    this.#broken = message;
    for (const id of [...this.#open.keys()]) {
      const { future } = this.#remove(id)!;
      if (!isDone(future)) future.setException(this.#brokenError());
    }
  }

  #brokenError(): BrokenProcessPool {
    const error = new BrokenProcessPool(this.#broken!);
    if (this.#initializerError !== undefined) error.cause = this.#initializerError;
    return error;
  }
}
