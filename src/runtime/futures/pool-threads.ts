/**
 * The threads of a pool: how they start, how they end, and how they are replaced.
 *
 * A thread that ends without having been told to (process.exit in a task, out of memory, terminate) breaks the pool:
 * its task and all that have not begun fail; tasks that run in other threads end normally. The pool of a `ThreadPool`
 * replaces it instead, and only the call it ran fails. Its end is learnt from its own last message, from the worker's
 * "exit" event, or, while the owner blocks, by looking whether it still exists.
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import { WaitReason } from "../../trace/events.js";
import { deadlineAfter } from "../core/deadline.js";
import { RuntimeError, TimeoutError } from "../core/errors.js";
import type { FunctionReference } from "../core/function-reference.js";
import { words } from "../core/heap.js";
import { ResultReader } from "../core/result-channel.js";
import { decode, transfer } from "../core/structured-clone.js";
import { allocateWorker, type LineBlock, WorkerWord } from "../core/task-channel.js";
import type { TimeoutOptions, WaitOptions } from "../core/types.js";
import { callHook } from "../threading/excepthook.js";
import { terminateWorker } from "../threading/started-workers.js";
import { errorOf, hasEnded, hasEndedAfterTermination, Thread } from "../threading/thread.js";
import { whenWorkerEnds } from "../threading/worker-end.js";
import { Future, linkToPool } from "./future.js";
import {
  addSource,
  blockUntil,
  expect,
  fulfil,
  inboxOffset,
  register,
  removeSource,
  type Source,
  takeInArrivals,
  unregister,
  watch,
} from "./inbox.js";
import { type OpenPool, openPools } from "./open-pools.js";
import { beginWait, endWait } from "./recorded-wait.js";
import { serveThreadPool } from "./thread-pool-worker.js";
import { type ExtrasMessage, WORD_HEADER, Word, type WorkerStart } from "./thread-task.js";

const { view } = words;
const pillow = new Int32Array(new SharedArrayBuffer(4));

/** A thread that works for a pool. */
export interface PoolThread {
  readonly thread: Thread<[WorkerStart]>;
  readonly words: LineBlock;
  readonly port: MessagePort;
  readonly results: ResultReader;
  ended: boolean;
  /** Another was started in its place. */
  replaced: boolean;
}

/** Threads that fail one after the other break a pool that replaces them: so many, or one for each. */
const MOST_FAILURES = 3;

export interface ThreadPoolSettings {
  /** True for a `ThreadPool`: a thread that dies is replaced, and takes only the call it ran with it. */
  readonly replaces?: boolean;
  readonly maxWorkers: number;
  readonly prefix: string;
  readonly initializer: FunctionReference | null;
  /** Encoded. */
  readonly initArgs: Uint8Array;
}

/** The pool that the threads work for: its tasks. */
export interface ThreadWork extends Source, OpenPool {
  /** Its number in the trace. */
  readonly number: number;
  /** Where its tasks are. */
  readonly channel: number;
  /** Tasks that are neither done nor cancelled. */
  readonly openTasks: number;
  readonly isBroken: boolean;
  /** A thread is about to start. */
  joined(thread: PoolThread): void;
  /** Takes in all results of a thread. */
  takeAll(thread: PoolThread): void;
  /** True if a task is neither done nor cancelled. */
  isOpen(ticket: number): boolean;
  /** Sends a thread what it needs for the task that it has begun. */
  sendExtras(ticket: number, thread: PoolThread): void;
  /** Goes on without a thread: what it had claimed is for others; the task that it ran fails when what is returned is called. */
  goOnWithout(thread: PoolThread, ticket: number, error: RuntimeError): () => void;
  /** Fails all that has not begun, and all that will come. Returns the error. */
  break(message: string, cause: unknown): Error;
  /** The end of a task that its thread has taken along, unless it is over. */
  lost(ticket: number, error: Error): void;
  /** Gives the memory of the tasks back. */
  dispose(): void;
}

export class PoolThreads {
  readonly #work: ThreadWork;
  readonly #settings: ThreadPoolSettings;
  /** All that were started. */
  readonly list: PoolThread[] = [];
  #left = 0;
  #receiver = 0;
  #unwatch = (): void => {};
  #closed = false;
  #terminated = false;
  #disposed = false;
  /** Threads that ended one after the other without a result of any. */
  #failures = 0;
  readonly #whenLeft: (() => void)[] = [];

  constructor(work: ThreadWork, settings: ThreadPoolSettings) {
    this.#work = work;
    this.#settings = settings;
  }

  /** True if so many tasks are a reason to start another. */
  areShort(openTasks: number): boolean {
    const living = this.list.length - this.#left;
    return openTasks > living && living < this.#settings.maxWorkers;
  }

  /** Starts all at once instead of on demand. */
  startAll(): void {
    while (this.list.length < this.#settings.maxWorkers) this.start();
  }

  /** Starts another. Throws if the system has no more, and is as it was. */
  start(): void {
    const work = this.#work;
    if (this.#receiver === 0) {
      this.#receiver = register((number, payload) => this.#hear(number, payload));
      addSource(work);
      openPools.add(work);
      this.#unwatch = watch(() => this.#lookForDead());
    }
    const worker = this.list.length;
    const own = allocateWorker();
    const { port1, port2 } = new MessageChannel();
    const { prefix, initializer, initArgs } = this.#settings;
    const name = `${prefix}_${worker}`;
    const thread = new Thread<[WorkerStart]>({
      target: serveThreadPool,
      name,
      daemon: true,
      args: [
        {
          channel: work.channel,
          record: own.index,
          inbox: inboxOffset(),
          receiver: this.#receiver,
          worker,
          poolNumber: work.number,
          owner: `the owner of ${prefix}`,
          initializer,
          initArgs,
          port: transfer(port2, [port2]),
        },
      ],
    });
    const results = new ResultReader(own.index, { origin: `thread "${name}"` }, () => {
      const received = receiveMessageOnPort(port1)?.message as ExtrasMessage | undefined;
      return received?.extras ?? [];
    });
    const entry: PoolThread = { thread, words: own, port: port1, results, ended: false, replaced: false };
    whenWorkerEnds(thread, (exitCode) => {
      takeInArrivals();
      if (!entry.ended) this.#died(entry, exitCode, "");
    });
    try {
      thread.start();
    } catch (error) {
      port1.close();
      own.free();
      throw error;
    }
    work.joined(entry);
    this.list.push(entry);
  }

  /** One of them has brought a result: they do work. */
  succeeded(): void {
    this.#failures = 0;
  }

  // --- How they end --------------------------------------------------------------------------------------------------

  /** What a thread says. */
  #hear(number: number, payload: Uint8Array): void {
    const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    const entry = this.list[bytes.readUInt32LE(1)];
    if (entry === undefined) return;
    const body = bytes.subarray(WORD_HEADER);
    switch (bytes[0]) {
      case Word.Leaving:
        this.#leaves(entry);
        return;
      case Word.InitializerFailed: {
        const cause = decode(body, { origin: `thread "${entry.thread.name}"` });
        // It says next that it leaves.
        if (this.#settings.replaces && !this.#failedTooOften("in the initializer", cause)) {
          this.#replace(entry);
          return;
        }
        this.#work.break("A thread initializer failed, the thread pool is not usable anymore", cause);
        return;
      }
      case Word.Dying:
        this.#died(entry, body.readInt32LE(0), body.toString("utf8", 4));
        return;
      case Word.NeedsPorts: {
        this.#work.sendExtras(number | 0, entry);
        const mail = entry.words.index + WorkerWord.Mail;
        Atomics.add(view, mail, 1);
        Atomics.notify(view, mail);
      }
    }
  }

  #leaves(entry: PoolThread): void {
    if (entry.ended) return;
    // It told all of its results before.
    this.#work.takeAll(entry);
    if (entry.ended) return;
    entry.ended = true;
    entry.port.close();
    this.#left++;
    if (this.#closed) fulfil();
    if (this.#left === this.list.length) for (const resolve of this.#whenLeft.splice(0)) resolve();
    if (this.#closed) this.disposeIfLeft();
  }

  #died(entry: PoolThread, exitCode: number | null, reason: string): void {
    const work = this.#work;
    work.takeAll(entry);
    if (entry.ended) return;
    if (this.#terminated) {
      this.#leaves(entry);
      return;
    }
    const ticket = (Atomics.load(view, entry.words.index + WorkerWord.Task) - 1) | 0;
    const hadTask = ticket !== -1 && work.isOpen(ticket);
    const cause = errorOf(entry.thread);
    const why = cause instanceof Error ? String(cause).split("\n", 1)[0] : reason;
    const how = why ? `: ${why}` : exitCode === null ? "" : ` with exit code ${exitCode}`;
    const began = Atomics.load(view, entry.words.index + WorkerWord.NativeId) !== 0;
    const where = hadTask ? "while it ran a task" : began ? "between tasks" : "before it could take a task";
    const message = `The thread ${entry.thread.name} of the pool ended ${where}${how}`;
    const isNews = cause !== undefined && work.openTasks === 0 && !work.isBroken;
    const mayGoOn = this.#settings.replaces === true && !work.isBroken;
    const wasReady = hadTask || Atomics.load(view, entry.words.index + WorkerWord.Sleeping) !== 0;
    if (mayGoOn && (wasReady || !this.#failedTooOften("before they took a call", cause))) {
      const options = cause === undefined ? undefined : { cause };
      const tell = work.goOnWithout(entry, ticket, new RuntimeError(message, options));
      this.#replace(entry);
      this.#leaves(entry);
      tell();
      return;
    }
    const error = work.break(message, cause);
    // No task is left to tell it by.
    if (isNews) callHook(cause, entry.thread as unknown as Thread);
    if (hadTask) work.lost(ticket, error);
    this.#leaves(entry);
  }

  #failedTooOften(where: string, cause: unknown): boolean {
    const most = Math.max(MOST_FAILURES, this.#settings.maxWorkers);
    if (++this.#failures < most) return false;
    this.#work.break(`${most} threads in a row failed ${where}; the thread pool is not usable anymore`, cause);
    return true;
  }

  /** Starts another thread in the place of one that ends, unless nothing is left to do. */
  #replace(entry: PoolThread): void {
    if (entry.replaced || this.#terminated || (this.#closed && this.#work.openTasks === 0)) return;
    entry.replaced = true;
    // Its end is a delivery too.
    if (this.#closed) expect();
    this.start();
  }

  /** While the owner blocks no event tells that a thread is gone. */
  #lookForDead(): void {
    for (const entry of this.list) {
      if (entry.ended || !hasEnded(entry.thread)) continue;
      // Its last words may have come just now.
      takeInArrivals();
      if (!entry.ended) this.#died(entry, null, "");
    }
  }

  /** No task will come any more: from now on their ends are awaited. To be told once. */
  close(): void {
    this.#closed = true;
    // Their ends are deliveries too.
    if (this.#left < this.list.length) expect(this.list.length - this.#left);
  }

  /** Ends them at once, wherever they are. */
  terminate(): void {
    this.#terminated = true;
    for (const { thread, ended } of this.list) if (!ended) terminateWorker(thread);
  }

  /** Resolves when all have ended. Rejects with `TimeoutError` or the signal's reason if that comes first. */
  async ended(options?: WaitOptions): Promise<void> {
    if (this.#left < this.list.length) {
      const gate = new Future<void>();
      this.#whenLeft.push(() => gate.setResult(undefined));
      linkToPool(gate, this.#work.number);
      await gate.result(options);
    }
    // Those that ended by themselves have said so a moment before.
    for (const { thread } of this.list) await thread.join(options);
  }

  /** Blocks until all have ended. Throws `TimeoutError` if it takes longer. */
  endedSync(options?: TimeoutOptions): void {
    const deadline = deadlineAfter(options?.timeout);
    if (this.#left < this.list.length) {
      const wait = beginWait(WaitReason.Shutdown, this.#work.number, false);
      const ended = this.#terminated
        ? this.#waitForTerminated(deadline)
        : blockUntil(() => this.#left === this.list.length, deadline) === "done";
      endWait(wait, !ended);
      if (!ended) throw new TimeoutError("The threads of the pool did not end in time");
    } else if (this.#terminated) this.#waitForTerminated(deadline);
    if (this.#terminated) return;
    for (const { thread } of this.list) thread.joinSync({ timeout: deadline - performance.now() });
  }

  /** The "exit" events of terminated threads cannot come while this one blocks: the system is asked for them. */
  #waitForTerminated(deadline: number): boolean {
    for (const { thread } of this.list) {
      while (!hasEndedAfterTermination(thread)) {
        if (performance.now() > deadline) return false;
        Atomics.wait(pillow, 0, 0, 1);
      }
    }
    return true;
  }

  /** True if nothing of the pool can be used any more: its memory may be another's. */
  get areDisposed(): boolean {
    return this.#disposed;
  }

  /** Gives the shared memory back if no thread uses it any more. To be called when the pool is shut down. */
  disposeIfLeft(): void {
    if (this.#disposed || this.#left < this.list.length) return;
    this.#disposed = true;
    openPools.delete(this.#work);
    this.#unwatch();
    if (this.#receiver !== 0) unregister(this.#receiver);
    removeSource(this.#work);
    this.#work.dispose();
    for (const { words, results } of this.list) {
      results.dispose();
      words.free();
    }
  }
}
