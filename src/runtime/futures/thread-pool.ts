/**
 * A thread pool as its owner sees it: tasks that are not done, the threads, and how both end.
 *
 * Tasks lie in a queue in shared memory from which the threads help themselves, so a blocked owner still has its work
 * done; answers come through the owner's inbox. A thread is started by a submit that finds none idle, as in Python.
 *
 * A thread that ends without having been told to (process.exit in a task, out of memory, terminate) breaks the pool:
 * its task and all that have not begun fail; tasks that run in other threads end normally. Its end is learnt from its
 * own last message, from the worker's "exit" event, or, while the owner blocks, by looking whether it still exists.
 */
import { callSite, emit, intern, newObjectNumber, recording } from "../../recorder/emit.js";
import { EventKind, WaitReason } from "../../trace/events.js";
import { BrokenThreadPool, RuntimeError } from "../core/errors.js";
import { CLOSED, SharedFifo } from "../core/fifo.js";
import type { FunctionReference } from "../core/function-reference.js";
import { allocate, free, words } from "../core/heap.js";
import { threadExists } from "../core/heap-lock.js";
import { assertMayStart } from "../core/main-script.js";
import { decode } from "../core/structured-clone.js";
import { taskFunction } from "../multiprocessing/task-codec.js";
import { Thread } from "../threading/thread.js";
import { whenWorkerEnds } from "../threading/worker-end.js";
import { Future, isDone, link, type TaskLink } from "./future.js";
import { blockUntil, expect, fulfil, inboxOffset, register, takeInArrivals, unregister, watch } from "./inbox.js";
import { openPools } from "./open-pools.js";
import { beginWait, endWait } from "./recorded-wait.js";
import { TaskStateWords } from "./task-state-words.js";
import { serveThreadPool } from "./thread-pool-worker.js";
import {
  ANSWER_HEADER,
  Answer,
  encodeTask,
  POOL_WORDS,
  PoolWord,
  splitTask,
  TaskState,
  WORKER_WORDS,
  type WorkerStart,
  WorkerWord,
} from "./thread-task.js";

const view = words.view;

/** So many tasks under way have their call sites recorded; a flood of them goes without, since a site costs more. */
const SITES_AT_ONCE = 1024;

interface PoolThread {
  readonly thread: Thread<[WorkerStart]>;
  readonly record: number;
  ended: boolean;
}

export interface ThreadPoolSettings {
  readonly maxWorkers: number;
  readonly prefix: string;
  readonly initializer: FunctionReference | null;
  /** Encoded. */
  readonly initArgs: Uint8Array;
}

/** A task that is not done. */
class Task implements TaskLink {
  readonly future = new Future<unknown>();

  constructor(
    private readonly pool: ThreadPool,
    private readonly number: number,
    /** Where its state is in the heap. */
    readonly state: number,
  ) {}

  get poolNumber(): number {
    return this.pool.number;
  }

  tryCancel(): boolean {
    return this.pool.cancel(this.number);
  }

  hasBegun(): boolean {
    return Atomics.load(view, this.state) === TaskState.Running;
  }
}

export class ThreadPool {
  /** Its number in the trace. */
  readonly number = newObjectNumber();
  readonly #settings: ThreadPoolSettings;
  readonly #tasks = SharedFifo.create();
  readonly #words = allocate(POOL_WORDS);
  readonly #states = new TaskStateWords();
  readonly #open = new Map<number, Task>();
  readonly #threads: PoolThread[] = [];
  #left = 0;
  #receiver = 0;
  #unwatch = (): void => {};
  #lastTask = 0;
  #shutdown = false;
  #broken: BrokenThreadPool | null = null;
  readonly #whenLeft: (() => void)[] = [];

  constructor(settings: ThreadPoolSettings) {
    this.#settings = settings;
  }

  /** Queues a call. */
  submit(fn: (...args: never[]) => unknown, args: readonly unknown[]): Future<unknown> {
    if (this.#broken !== null) throw new BrokenThreadPool(this.#broken.message, { cause: this.#broken.cause });
    if (this.#shutdown) throw new RuntimeError("cannot schedule new futures after shutdown");
    assertMayStart("thread");
    const callee = taskFunction(fn);
    const number = this.#lastTask + 1;
    const state = this.#states.take();
    let bytes: Uint8Array;
    try {
      bytes = encodeTask(number, state, callee, args);
    } catch (error) {
      this.#states.giveBack(state);
      throw error;
    }
    this.#lastTask = number;
    const task = new Task(this, number, state);
    link(task.future, task);
    this.#open.set(number, task);
    if (recording) {
      const site = this.#open.size <= SITES_AT_ONCE ? callSite() : 0;
      emit(EventKind.TaskSubmit, this.number, site, number, intern(callee.name), 0);
    }
    try {
      if (this.#tasks.push(bytes) === CLOSED) throw new RuntimeError("cannot schedule new futures after shutdown");
      expect();
    } catch (error) {
      this.#open.delete(number);
      this.#states.giveBack(state);
      throw error;
    }
    this.#startThreadIfNoneIsIdle();
    return task.future;
  }

  #startThreadIfNoneIsIdle(): void {
    const idle = this.#words + PoolWord.Idle;
    for (let count = Atomics.load(view, idle); count > 0; count = Atomics.load(view, idle)) {
      if (Atomics.compareExchange(view, idle, count, count - 1) === count) return;
    }
    if (this.#threads.length < this.#settings.maxWorkers) this.#startThread();
  }

  #startThread(): void {
    if (this.#receiver === 0) {
      this.#receiver = register((number, payload) => this.#answer(number, payload));
      openPools.add(this);
      this.#unwatch = watch(() => this.#lookForDead());
    }
    const worker = this.#threads.length;
    const record = allocate(WORKER_WORDS);
    const { prefix, initializer, initArgs } = this.#settings;
    const thread = new Thread<[WorkerStart]>({
      target: serveThreadPool,
      name: `${prefix}_${worker}`,
      daemon: true,
      args: [
        {
          tasks: this.#tasks.offset,
          pool: this.#words,
          record,
          inbox: inboxOffset(),
          receiver: this.#receiver,
          worker,
          poolNumber: this.number,
          owner: `the owner of ${prefix}`,
          initializer,
          initArgs,
        },
      ],
    });
    const entry: PoolThread = { thread, record, ended: false };
    whenWorkerEnds(thread, (exitCode, error) => {
      takeInArrivals();
      if (!entry.ended) this.#died(entry, exitCode, error instanceof Error ? error.message : "");
    });
    thread.start();
    this.#threads.push(entry);
  }

  /** Takes back a task that nobody has begun. */
  cancel(number: number): boolean {
    const task = this.#open.get(number);
    if (task === undefined) return false;
    if (Atomics.compareExchange(view, task.state, TaskState.Pending, TaskState.Cancelled) !== TaskState.Pending) {
      return false;
    }
    // Its state word is needed until its message is out of the queue.
    this.#open.delete(number);
    this.#cancelledStates.set(number, task.state);
    fulfil();
    if (recording) emit(EventKind.TaskCancel, this.number, 0, number, 0, 0);
    return true;
  }

  readonly #cancelledStates = new Map<number, number>();

  #skipped(number: number): void {
    const state = this.#cancelledStates.get(number);
    if (state === undefined) return;
    this.#cancelledStates.delete(number);
    this.#states.giveBack(state);
  }

  #answer(number: number, payload: Uint8Array): void {
    const kind = payload[0];
    const body = payload.subarray(ANSWER_HEADER);
    const entry = this.#threads[Buffer.from(payload.buffer, payload.byteOffset).readUInt32LE(1)];
    if (kind === Answer.Result || kind === Answer.Failure) this.#finished(number, kind === Answer.Failure, body, entry);
    else if (kind === Answer.Skipped) this.#skipped(number);
    else if (entry === undefined) return;
    else if (kind === Answer.Leaving) this.#threadLeft(entry);
    else if (kind === Answer.InitializerFailed) {
      const cause = decode(body, { origin: `thread "${entry.thread.name}"` });
      this.#break("A thread initializer failed, the thread pool is not usable anymore", cause);
    } else if (kind === Answer.Dying) {
      const bytes = Buffer.from(body);
      this.#died(entry, bytes.readInt32LE(0), bytes.toString("utf8", 4));
    }
  }

  #finished(number: number, failed: boolean, body: Uint8Array, entry: PoolThread | undefined): void {
    const task = this.#open.get(number);
    if (task === undefined) return;
    this.#open.delete(number);
    this.#states.giveBack(task.state);
    fulfil();
    if (isDone(task.future)) return; // somebody else gave it an outcome
    let value: unknown;
    let threw = failed;
    try {
      value = decode(body, failed && entry !== undefined ? { origin: `thread "${entry.thread.name}"` } : {});
    } catch (error) {
      threw = true;
      value = error;
    }
    if (threw) task.future.setException(value);
    else task.future.setResult(value);
  }

  #threadLeft(entry: PoolThread): void {
    if (entry.ended) return;
    entry.ended = true;
    this.#left++;
    if (this.#shutdown) fulfil();
    if (this.#left === this.#threads.length) for (const resolve of this.#whenLeft.splice(0)) resolve();
    if (this.#shutdown && this.#left === this.#threads.length) this.#dispose();
  }

  #died(entry: PoolThread, exitCode: number | null, reason: string): void {
    if (entry.ended) return;
    const number = Atomics.load(view, entry.record + WorkerWord.Task);
    const task = this.#open.get(number);
    const how = reason !== "" ? `: ${reason}` : exitCode === null ? "" : ` with exit code ${exitCode}`;
    const began = Atomics.load(view, entry.record + WorkerWord.NativeId) !== 0;
    const where = task !== undefined ? "while it ran a task" : began ? "between tasks" : "before it could take a task";
    const error = this.#break(`The thread ${entry.thread.name} of the pool ended ${where}${how}`, undefined);
    if (task !== undefined) {
      this.#open.delete(number);
      this.#states.giveBack(task.state);
      fulfil();
      if (!isDone(task.future)) task.future.setException(error);
    }
    this.#threadLeft(entry);
  }

  /** Nothing can be run any more: what has not begun fails. */
  #break(message: string, cause: unknown): BrokenThreadPool {
    const error = new BrokenThreadPool(message, cause === undefined ? undefined : { cause });
    this.#broken ??= error;
    Atomics.store(view, this.#words + PoolWord.Broken, 1);
    this.#tasks.close();
    for (const [number, task] of [...this.#open]) {
      if (Atomics.compareExchange(view, task.state, TaskState.Pending, TaskState.Cancelled) !== TaskState.Pending) {
        continue;
      }
      this.#open.delete(number);
      this.#cancelledStates.set(number, task.state);
      fulfil();
      task.future.setException(new BrokenThreadPool(message, cause === undefined ? undefined : { cause }));
    }
    return error;
  }

  /** While the owner blocks no event tells that a worker is gone. */
  #lookForDead(): void {
    for (const entry of this.#threads) {
      if (entry.ended) continue;
      const native = Atomics.load(view, entry.record + WorkerWord.NativeId);
      if (entry.thread.isAlive() && threadExists(native)) continue;
      // Its last words may have come just now.
      takeInArrivals();
      if (!entry.ended) this.#died(entry, null, "");
    }
  }

  /** Accepts nothing more; the threads end when the queue is empty. */
  beginShutdown(cancelFutures: boolean): void {
    // Its memory may be another pool's by now.
    if (this.#disposed) return;
    takeInArrivals();
    if (!this.#shutdown) {
      this.#shutdown = true;
      // The ends of the threads are deliveries too.
      if (this.#left < this.#threads.length) expect(this.#threads.length - this.#left);
    }
    if (cancelFutures) {
      for (let message = this.#tasks.take(); message !== null; message = this.#tasks.take()) {
        const { number } = splitTask(message.bytes);
        this.#open.get(number)?.future.cancel();
        this.#skipped(number);
      }
    }
    if (!this.#tasks.closed) this.#tasks.close();
    if (this.#threads.length === 0) this.#dispose();
  }

  /** Resolves when all threads have ended. */
  async ended(): Promise<void> {
    if (this.#left < this.#threads.length) {
      const wait = beginWait(WaitReason.Shutdown, this.number, true);
      await new Promise<void>((resolve) => this.#whenLeft.push(resolve));
      endWait(wait, false);
    }
    for (const { thread } of this.#threads) await thread.join();
  }

  /** Blocks until all threads have ended. */
  endedSync(): void {
    if (this.#left < this.#threads.length) {
      const wait = beginWait(WaitReason.Shutdown, this.number, false);
      blockUntil(() => this.#left === this.#threads.length, Number.POSITIVE_INFINITY);
      endWait(wait, false);
    }
    for (const { thread } of this.#threads) thread.joinSync();
  }

  #disposed = false;

  /** Gives the shared memory back once no thread uses it any more. */
  #dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    openPools.delete(this);
    this.#unwatch();
    if (this.#receiver !== 0) unregister(this.#receiver);
    this.#tasks.dispose();
    this.#states.dispose();
    free(this.#words, POOL_WORDS);
    for (const { record } of this.#threads) free(record, WORKER_WORDS);
  }
}
