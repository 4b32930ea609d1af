/**
 * A pool of threads as its owner sees it: tasks that are not done, the threads, and how both end.
 *
 * Tasks lie in a channel in shared memory from which the threads help themselves (`core/task-channel.ts`), so a blocked
 * owner still has its work done; results come back in a channel from each thread, read in place. A thread is started by
 * a submit that finds none free.
 *
 * A thread that ends without having been told to (process.exit in a task, out of memory, terminate) breaks the pool:
 * its task and all that have not begun fail; tasks that run in other threads end normally. The pool of a `ThreadPool`
 * replaces it instead, and only the call it ran fails. Its end is learnt from its
 * own last message, from the worker's "exit" event, or, while the owner blocks, by looking whether it still exists.
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import { emit, emitAt, intern, newObjectNumber, now, recording } from "../../recorder/emit.js";
import { EventFlag, EventKind, WaitReason } from "../../trace/events.js";
import { deadlineAfter } from "../core/deadline.js";
import { BrokenThreadPool, CancelledError, RuntimeError, TimeoutError } from "../core/errors.js";
import type { FunctionReference } from "../core/function-reference.js";
import { FunctionTable, type TableEntry } from "../core/function-table.js";
import { words } from "../core/heap.js";
import { assertMayStart } from "../core/main-script.js";
import { ResultKind, ResultReader } from "../core/result-channel.js";
import { decode, transfer } from "../core/structured-clone.js";
import { allocateWorker, ChannelWord, type LineBlock, WorkerWord } from "../core/task-channel.js";
import { TaskSender } from "../core/task-sender.js";
import type { TimeoutOptions, WaitOptions } from "../core/types.js";
import { callHook } from "../threading/excepthook.js";
import { terminateWorker } from "../threading/started-workers.js";
import { errorOf, hasEnded, hasEndedAfterTermination, Thread } from "../threading/thread.js";
import { whenWorkerEnds } from "../threading/worker-end.js";
import { Future, link, settle, type TaskLink } from "./future.js";
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
import { openPools } from "./open-pools.js";
import { affordableSite, beginWait, endWait } from "./recorded-wait.js";
import { TaskExtras } from "./task-extras.js";
import { serveThreadPool } from "./thread-pool-worker.js";
import { type ExtrasMessage, WORD_HEADER, Word, type WorkerStart } from "./thread-task.js";

const { view } = words;
const pillow = new Int32Array(new SharedArrayBuffer(4));

type AnyFunction = (...args: never[]) => unknown;

interface PoolThread {
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

/** Who has the outcome of a task when it is no future: one for many tasks, told by their tickets. */
export interface TaskSink {
  /** The task returned or, with `failed`, threw; or it can never run. Must not throw. */
  settle(ticket: number, failed: boolean, value: unknown): void;
}

export class ThreadPool implements TaskLink, Source {
  /** Its number in the trace. */
  readonly number = newObjectNumber();
  readonly #settings: ThreadPoolSettings;
  readonly #tasks = new TaskSender<Future<unknown> | TaskSink>();
  readonly #functions = new FunctionTable(this.#tasks.index + ChannelWord.Functions);
  readonly #extras = new TaskExtras();
  readonly #threads: PoolThread[] = [];
  /** Tasks that are neither done nor cancelled. */
  #open = 0;
  #left = 0;
  #receiver = 0;
  #unwatch = (): void => {};
  #shutdown = false;
  #broken: BrokenThreadPool | null = null;
  readonly #whenLeft: (() => void)[] = [];

  constructor(settings: ThreadPoolSettings) {
    this.#settings = settings;
  }

  get poolNumber(): number {
    return this.number;
  }

  /** Queues a call. */
  submit(fn: AnyFunction, args: readonly unknown[]): Future<unknown> {
    const entry = this.functionFor(fn);
    const future = new Future<unknown>();
    link(future, this, this.push(entry, args, future));
    return future;
  }

  /** The function of tasks to be queued. Throws as {@link submit} does. */
  functionFor(fn: AnyFunction): TableEntry {
    if (this.#broken !== null) throw new BrokenThreadPool(this.#broken.message, { cause: this.#broken.cause });
    if (this.#shutdown) throw new RuntimeError("cannot schedule new futures after shutdown");
    assertMayStart("thread");
    return this.#functions.entryOf(fn);
  }

  /** Queues a call of a function from {@link functionFor} for a sink. Returns its ticket. */
  push(fn: TableEntry, args: readonly unknown[], sink: Future<unknown> | TaskSink): number {
    // A worker may begin it before it is recorded.
    const time = recording ? now() : 0;
    const ticket = this.#tasks.push(fn.number, args, sink, this.#addExtras);
    if (recording) {
      emitAt(time, EventKind.TaskSubmit, this.number, affordableSite(time), (ticket >>> 0) + 1, intern(fn.name), 0);
    }
    this.#open++;
    expect();
    const living = this.#threads.length - this.#left;
    if (living < this.#settings.maxWorkers && this.#open > living && !this.#tasks.servedAtOnce) this.#startThread();
    return ticket;
  }

  /** The ticket that the next call gets. */
  get nextTicket(): number {
    return this.#tasks.next;
  }

  /**
   * Queues a call with one argument for each item from `from` on, as far as these are simple values. Returns how many.
   * They are not recorded.
   */
  pushSimple(fn: TableEntry, items: readonly unknown[], from: number, sink: TaskSink): number {
    const count = this.#tasks.pushSimple(fn.number, items, from, sink);
    if (count === 0) return 0;
    this.#open += count;
    expect(count);
    while (this.#threads.length < this.#settings.maxWorkers && this.#open > this.#threads.length) this.#startThread();
    return count;
  }

  /** Starts all threads at once instead of on demand. */
  startAll(): void {
    while (this.#threads.length < this.#settings.maxWorkers) this.#startThread();
  }

  readonly #addExtras = (ticket: number, extras: readonly unknown[]): void => this.#extras.add(ticket, extras);

  #startThread(): void {
    if (this.#receiver === 0) {
      this.#receiver = register((number, payload) => this.#hear(number, payload));
      addSource(this);
      openPools.add(this);
      this.#unwatch = watch(() => this.#lookForDead());
    }
    const worker = this.#threads.length;
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
          channel: this.#tasks.index,
          record: own.index,
          inbox: inboxOffset(),
          receiver: this.#receiver,
          worker,
          poolNumber: this.number,
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
    thread.start();
    this.#tasks.addWorker(own.index);
    this.#extras.addWorker(port1);
    this.#threads.push(entry);
  }

  // --- What came of tasks --------------------------------------------------------------------------------------------

  /** True if there are results. */
  pending(): boolean {
    for (let i = 0; i < this.#threads.length; i++) if ((this.#threads[i] as PoolThread).results.pending) return true;
    return false;
  }

  /** Takes in up to `max` results of each thread. */
  take(max: number): void {
    for (let i = 0; i < this.#threads.length; i++) this.#takeFrom(this.#threads[i] as PoolThread, max);
  }

  #takeFrom({ results }: PoolThread, max: number): void {
    // What is settled may run code of the user that comes back here, so nothing is kept between two results.
    for (let i = 0; i < max && results.next(); i++) {
      const { ticket, kind } = results;
      const sink = this.#tasks.finish(ticket);
      this.#extras.remove(ticket);
      if (kind === ResultKind.Skipped) continue;
      if (sink === null || this.#terminated) {
        results.drop();
        continue;
      }
      let failed = kind === ResultKind.Error;
      let value: unknown;
      try {
        value = results.value();
      } catch (error) {
        failed = true;
        value = error;
      }
      this.#failures = 0;
      this.#settle(sink, ticket, failed, value);
    }
  }

  #settle(sink: Future<unknown> | TaskSink, ticket: number, failed: boolean, value: unknown): void {
    this.#open--;
    fulfil();
    this.#pass(sink, ticket, failed, value);
  }

  /** The end of a task that nobody can run, or has run to its end. */
  #fail(sink: Future<unknown> | TaskSink, ticket: number, error: unknown): void {
    if (recording) emit(EventKind.TaskEnd, this.number, 0, (ticket >>> 0) + 1, 0, EventFlag.Failed);
    this.#settle(sink, ticket, true, error);
  }

  /** Takes back a task that nobody has begun. */
  tryCancel(ticket: number): boolean {
    if (this.#terminated || !this.#tasks.cancel(ticket)) return false;
    this.#open--;
    fulfil();
    this.#extras.remove(ticket);
    if (recording) emit(EventKind.TaskCancel, this.number, 0, (ticket >>> 0) + 1, 0, 0);
    return true;
  }

  /** True once a worker runs a task, which is not done. */
  hasBegun(ticket: number): boolean {
    return !this.#terminated && this.#tasks.isRunning(ticket);
  }

  // --- The ends of threads -------------------------------------------------------------------------------------------

  /** What a worker says. */
  #hear(number: number, payload: Uint8Array): void {
    const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    const entry = this.#threads[bytes.readUInt32LE(1)];
    if (entry === undefined) return;
    const body = bytes.subarray(WORD_HEADER);
    switch (bytes[0]) {
      case Word.Leaving:
        this.#threadLeft(entry);
        return;
      case Word.InitializerFailed: {
        const cause = decode(body, { origin: `thread "${entry.thread.name}"` });
        // It says next that it leaves.
        if (this.#settings.replaces && !this.#failedTooOften("in the initializer", cause)) {
          this.#replace(entry);
          return;
        }
        this.#break("A thread initializer failed, the thread pool is not usable anymore", cause);
        return;
      }
      case Word.Dying:
        this.#died(entry, body.readInt32LE(0), body.toString("utf8", 4));
        return;
      case Word.NeedsPorts: {
        this.#extras.send(number | 0, entry.port);
        const mail = entry.words.index + WorkerWord.Mail;
        Atomics.add(view, mail, 1);
        Atomics.notify(view, mail);
      }
    }
  }

  #threadLeft(entry: PoolThread): void {
    if (entry.ended) return;
    // It told all of its results before.
    this.#takeFrom(entry, Number.POSITIVE_INFINITY);
    if (entry.ended) return;
    entry.ended = true;
    entry.port.close();
    this.#left++;
    if (this.#shutdown) fulfil();
    if (this.#left === this.#threads.length) for (const resolve of this.#whenLeft.splice(0)) resolve();
    if (this.#shutdown && this.#left === this.#threads.length) this.#dispose();
  }

  #died(entry: PoolThread, exitCode: number | null, reason: string): void {
    this.#takeFrom(entry, Number.POSITIVE_INFINITY);
    if (entry.ended) return;
    if (this.#terminated) {
      this.#threadLeft(entry);
      return;
    }
    const ticket = (Atomics.load(view, entry.words.index + WorkerWord.Task) - 1) | 0;
    const sink = ticket === -1 ? null : this.#tasks.ownerOf(ticket);
    const cause = errorOf(entry.thread);
    const why = cause instanceof Error ? String(cause).split("\n", 1)[0] : reason;
    const how = why ? `: ${why}` : exitCode === null ? "" : ` with exit code ${exitCode}`;
    const began = Atomics.load(view, entry.words.index + WorkerWord.NativeId) !== 0;
    const where = sink !== null ? "while it ran a task" : began ? "between tasks" : "before it could take a task";
    const message = `The thread ${entry.thread.name} of the pool ended ${where}${how}`;
    const isNews = cause !== undefined && this.#open === 0 && this.#broken === null;
    const mayGoOn = this.#settings.replaces === true && this.#broken === null;
    if (mayGoOn && this.#survives(entry, sink, ticket, message, cause)) return;
    const error = this.#break(message, cause);
    // No task is left to tell it by.
    if (isNews) callHook(cause, entry.thread as unknown as Thread);
    // Not if the thread was ended before it ran it: then it was queued still.
    if (sink !== null && this.#tasks.ownerOf(ticket) !== null) {
      this.#tasks.finish(ticket);
      this.#fail(sink, ticket, error);
    }
    this.#threadLeft(entry);
  }

  /** Threads that ended one after the other without a result of any. */
  #failures = 0;

  #failedTooOften(where: string, cause: unknown): boolean {
    const most = Math.max(MOST_FAILURES, this.#settings.maxWorkers);
    if (++this.#failures < most) return false;
    this.#break(`${most} threads in a row failed ${where}; the thread pool is not usable anymore`, cause);
    return true;
  }

  /** A thread died, and the pool goes on without it and the call it ran. False if that happened too often in a row. */
  #survives(
    entry: PoolThread,
    sink: Future<unknown> | TaskSink | null,
    ticket: number,
    message: string,
    cause: unknown,
  ): boolean {
    const wasReady = sink !== null || Atomics.load(view, entry.words.index + WorkerWord.Sleeping) !== 0;
    if (!wasReady && this.#failedTooOften("before they took a call", cause)) return false;
    const options = cause === undefined ? undefined : { cause };
    if (sink !== null && this.#tasks.isRunning(ticket)) {
      this.#tasks.finish(ticket);
      this.#extras.remove(ticket);
      this.#fail(sink, ticket, new RuntimeError(message, options));
    }
    this.#tasks.removeWorker(entry.words.index);
    this.#extras.removeWorker(entry.port);
    const refused: (() => void)[] = [];
    this.#tasks.requeueUnbegun(
      (owner, from, to) => {
        this.#extras.move(from, to);
        if (recording) emit(EventKind.TaskCancel, this.number, 0, (from >>> 0) + 1, (to >>> 0) + 1, 0);
        return { settle: (_, failed, value) => this.#pass(owner, from, failed, value) };
      },
      (owner, from, error) => refused.push(() => this.#fail(owner, from, error)),
    );
    this.#replace(entry);
    this.#threadLeft(entry);
    for (const tell of refused) tell();
    return true;
  }

  #pass(owner: Future<unknown> | TaskSink, ticket: number, failed: boolean, value: unknown): void {
    if (owner instanceof Future) settle(owner, failed, value);
    else owner.settle(ticket, failed, value);
  }

  /** Starts another thread in the place of one that ends, unless nothing is left to do. */
  #replace(entry: PoolThread): void {
    if (entry.replaced || this.#terminated || (this.#shutdown && this.#open === 0)) return;
    entry.replaced = true;
    // Its end is a delivery too.
    if (this.#shutdown) expect();
    this.#startThread();
  }

  /** Nothing can be run any more: what has not begun fails. */
  #break(message: string, cause: unknown): BrokenThreadPool {
    const options = cause === undefined ? undefined : { cause };
    const error = new BrokenThreadPool(message, options);
    this.#broken ??= error;
    this.#tasks.break();
    for (const ticket of this.#tasks.open()) {
      const sink = this.#tasks.ownerOf(ticket);
      if (sink === null || !this.#tasks.cancel(ticket)) continue;
      this.#fail(sink, ticket, new BrokenThreadPool(message, options));
    }
    return error;
  }

  /** While the owner blocks no event tells that a worker is gone. */
  #lookForDead(): void {
    for (const entry of this.#threads) {
      if (entry.ended) continue;
      if (!hasEnded(entry.thread)) continue;
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
      for (const ticket of this.#tasks.claimRest()) {
        const sink = this.#tasks.ownerOf(ticket);
        if (sink instanceof Future) sink.cancel();
        else if (sink !== null && this.tryCancel(ticket))
          sink.settle(ticket, true, new CancelledError("The task was cancelled"));
        this.#tasks.finish(ticket);
        this.#extras.remove(ticket);
      }
    }
    this.#tasks.close();
    if (this.#left === this.#threads.length) this.#dispose();
  }

  #terminated = false;

  /** Ends the threads at once. What is open stays so for ever. */
  terminate(): void {
    if (this.#disposed || this.#terminated) return;
    this.beginShutdown(false);
    if (this.#disposed) return;
    this.#tasks.break();
    for (const ticket of this.#tasks.open()) if (this.#tasks.ownerOf(ticket) !== null) this.tryCancel(ticket);
    this.#terminated = true;
    fulfil(this.#open);
    this.#open = 0;
    for (const { thread, ended } of this.#threads) if (!ended) terminateWorker(thread);
  }

  /** Resolves when all threads have ended. Rejects with `TimeoutError` or the signal's reason if that comes first. */
  async ended(options?: WaitOptions): Promise<void> {
    if (this.#left < this.#threads.length) {
      const gate = new Future<void>();
      this.#whenLeft.push(() => gate.setResult(undefined));
      link(gate, this, 0);
      await gate.result(options);
    }
    // Those that ended by themselves have said so a moment before.
    for (const { thread } of this.#threads) await thread.join(options);
  }

  /** Blocks until all threads have ended. Throws `TimeoutError` if it takes longer. */
  endedSync(options?: TimeoutOptions): void {
    const deadline = deadlineAfter(options?.timeout);
    if (this.#left < this.#threads.length) {
      const wait = beginWait(WaitReason.Shutdown, this.number, false);
      const ended = this.#terminated
        ? this.#waitForTerminated(deadline)
        : blockUntil(() => this.#left === this.#threads.length, deadline) === "done";
      endWait(wait, !ended);
      if (!ended) throw new TimeoutError("The threads of the pool did not end in time");
    } else if (this.#terminated) this.#waitForTerminated(deadline);
    if (this.#terminated) return;
    for (const { thread } of this.#threads) thread.joinSync({ timeout: deadline - performance.now() });
  }

  /** The "exit" events of terminated threads cannot come while this one blocks: the system is asked for them. */
  #waitForTerminated(deadline: number): boolean {
    for (const { thread } of this.#threads) {
      while (!hasEndedAfterTermination(thread)) {
        if (performance.now() > deadline) return false;
        Atomics.wait(pillow, 0, 0, 1);
      }
    }
    return true;
  }

  #disposed = false;

  /** Gives the shared memory back once no thread uses it any more. */
  #dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    openPools.delete(this);
    this.#unwatch();
    if (this.#receiver !== 0) unregister(this.#receiver);
    removeSource(this);
    this.#tasks.dispose();
    this.#functions.dispose();
    for (const { words, results } of this.#threads) {
      results.dispose();
      words.free();
    }
  }
}
