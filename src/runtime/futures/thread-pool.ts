/**
 * A pool of threads as its owner sees it: tasks that are not done, and how they travel. `pool-threads.ts` has the threads
 * themselves.
 *
 * Tasks lie in a channel in shared memory from which the threads help themselves (`core/task-channel.ts`), so a blocked
 * owner still has its work done; results come back in a channel from each thread, read in place. A thread is started by
 * a submit that finds none free.
 */
import { emit, emitAt, intern, newObjectNumber, now, recording } from "../../recorder/emit.js";
import { EventFlag, EventKind } from "../../trace/events.js";
import { BrokenThreadPool, CancelledError, RuntimeError } from "../core/errors.js";
import { FunctionTable, type TableEntry } from "../core/function-table.js";
import { assertMayStart } from "../core/main-script.js";
import { ResultKind } from "../core/result-channel.js";
import { ChannelWord } from "../core/task-channel.js";
import { TaskSender } from "../core/task-sender.js";
import type { TimeoutOptions, WaitOptions } from "../core/types.js";
import { Future, link, settle, type TaskLink } from "./future.js";
import { expect, fulfil, takeInArrivals } from "./inbox.js";
import { type PoolThread, PoolThreads, type ThreadPoolSettings, type ThreadWork } from "./pool-threads.js";
import { affordableSite } from "./recorded-wait.js";
import { TaskExtras } from "./task-extras.js";

type AnyFunction = (...args: never[]) => unknown;

/** Who has the outcome of a task when it is no future: one for many tasks, told by their tickets. */
export interface TaskSink {
  /** The task returned or, with `failed`, threw; or it can never run. Must not throw. */
  settle(ticket: number, failed: boolean, value: unknown): void;
}

export class ThreadPool implements TaskLink, ThreadWork {
  /** Its number in the trace. */
  readonly number = newObjectNumber();
  readonly #tasks = new TaskSender<Future<unknown> | TaskSink>();
  readonly #functions = new FunctionTable(this.#tasks.index + ChannelWord.Functions);
  readonly #extras = new TaskExtras();
  readonly #threads: PoolThreads;
  readonly #list: readonly PoolThread[];
  #open = 0;
  #shutdown = false;
  #terminated = false;
  #broken: BrokenThreadPool | null = null;

  constructor(settings: ThreadPoolSettings) {
    this.#threads = new PoolThreads(this, settings);
    this.#list = this.#threads.list;
  }

  get poolNumber(): number {
    return this.number;
  }

  get channel(): number {
    return this.#tasks.index;
  }

  get openTasks(): number {
    return this.#open;
  }

  get isBroken(): boolean {
    return this.#broken !== null;
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
    this.#queued(ticket, 1);
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
    const first = this.#tasks.next;
    const count = this.#tasks.pushSimple(fn.number, items, from, sink);
    if (count === 0) return 0;
    this.#queued(first, count);
    return count;
  }

  /**
   * So many tasks were queued: starts threads for those that find none free. Throws if one cannot be started, as the
   * system has no more; then those that nobody has begun are queued no longer.
   */
  #queued(first: number, count: number): void {
    this.#open += count;
    expect(count);
    const threads = this.#threads;
    try {
      for (let i = 0; i < count && threads.areShort(this.#open) && !this.#tasks.servedAtOnce; i++) threads.start();
    } catch (error) {
      let begun = 0;
      for (let i = 0; i < count; i++) if (!this.tryCancel((first + i) | 0)) begun++;
      if (begun < count) throw error;
    }
  }

  /** Starts all threads at once instead of on demand. */
  startAll(): void {
    this.#threads.startAll();
  }

  readonly #addExtras = (ticket: number, extras: readonly unknown[]): void => this.#extras.add(ticket, extras);

  // --- What came of tasks --------------------------------------------------------------------------------------------

  /** True if there are results. */
  pending(): boolean {
    for (let i = 0; i < this.#list.length; i++) if ((this.#list[i] as PoolThread).results.pending) return true;
    return false;
  }

  /** Takes in up to `max` results of each thread. */
  take(max: number): void {
    for (let i = 0; i < this.#list.length; i++) this.#takeFrom(this.#list[i] as PoolThread, max);
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
      this.#threads.succeeded();
      this.#open--;
      fulfil();
      this.#pass(sink, ticket, failed, value);
    }
  }

  #pass(owner: Future<unknown> | TaskSink, ticket: number, failed: boolean, value: unknown): void {
    if (owner instanceof Future) settle(owner, failed, value);
    else owner.settle(ticket, failed, value);
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

  // --- What the threads need -----------------------------------------------------------------------------------------

  joined({ words, port }: PoolThread): void {
    this.#tasks.addWorker(words.index);
    this.#extras.addWorker(port);
  }

  takeAll(thread: PoolThread): void {
    this.#takeFrom(thread, Number.POSITIVE_INFINITY);
  }

  isOpen(ticket: number): boolean {
    return this.#tasks.ownerOf(ticket) !== null;
  }

  sendExtras(ticket: number, { port }: PoolThread): void {
    this.#extras.send(ticket, port);
  }

  goOnWithout({ words, port }: PoolThread, ticket: number, error: RuntimeError): () => void {
    const told: (() => void)[] = [];
    // Not if the thread was ended before it ran it: then it is queued still.
    const sink = this.#tasks.ownerOf(ticket);
    if (sink !== null && this.#tasks.isRunning(ticket)) {
      this.#tasks.finish(ticket);
      this.#extras.remove(ticket);
      told.push(this.#failing(sink, ticket, error));
    }
    this.#tasks.removeWorker(words.index);
    this.#extras.removeWorker(port);
    this.#tasks.requeueUnbegun(
      (owner, from, to) => {
        this.#extras.move(from, to);
        if (recording) emit(EventKind.TaskCancel, this.number, 0, (from >>> 0) + 1, (to >>> 0) + 1, 0);
        return { settle: (_, failed, value) => this.#pass(owner, from, failed, value) };
      },
      (owner, from, refusal) => told.push(this.#failing(owner, from, refusal)),
    );
    return () => {
      for (const tell of told) tell();
    };
  }

  lost(ticket: number, error: Error): void {
    const sink = this.#tasks.ownerOf(ticket);
    if (sink === null) return;
    this.#tasks.finish(ticket);
    this.#failing(sink, ticket, error)();
  }

  /** Nothing can be run any more: what has not begun fails. */
  break(message: string, cause: unknown): BrokenThreadPool {
    const options = cause === undefined ? undefined : { cause };
    const error = new BrokenThreadPool(message, options);
    this.#broken ??= error;
    this.#tasks.break();
    for (const ticket of this.#tasks.open()) {
      const sink = this.#tasks.ownerOf(ticket);
      if (sink === null || !this.#tasks.cancel(ticket)) continue;
      this.#failing(sink, ticket, new BrokenThreadPool(message, options))();
    }
    return error;
  }

  /** Counts a task as ended that nobody can run, or has run to its end. Call the result to tell it. */
  #failing(sink: Future<unknown> | TaskSink, ticket: number, error: unknown): () => void {
    if (recording) emit(EventKind.TaskEnd, this.number, 0, (ticket >>> 0) + 1, 0, EventFlag.Failed);
    this.#open--;
    fulfil();
    return () => this.#pass(sink, ticket, true, error);
  }

  // --- The end -------------------------------------------------------------------------------------------------------

  /** Accepts nothing more; the threads end when the queue is empty. */
  beginShutdown(cancelFutures: boolean): void {
    // Its memory may be another pool's by now.
    if (this.#threads.areDisposed) return;
    takeInArrivals();
    if (!this.#shutdown) {
      this.#shutdown = true;
      this.#threads.close();
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
    this.#threads.disposeIfLeft();
  }

  /** Ends the threads at once. What is open stays so for ever. */
  terminate(): void {
    if (this.#threads.areDisposed || this.#terminated) return;
    this.beginShutdown(false);
    if (this.#threads.areDisposed) return;
    this.#tasks.break();
    for (const ticket of this.#tasks.open()) {
      if (this.tryCancel(ticket) || !recording) continue;
      emit(EventKind.TaskEnd, this.number, 0, (ticket >>> 0) + 1, 0, EventFlag.Failed);
    }
    this.#terminated = true;
    fulfil(this.#open);
    this.#open = 0;
    this.#threads.terminate();
  }

  /** Resolves when all threads have ended. Rejects with `TimeoutError` or the signal's reason if that comes first. */
  ended(options?: WaitOptions): Promise<void> {
    return this.#threads.ended(options);
  }

  /** Blocks until all threads have ended. Throws `TimeoutError` if it takes longer. */
  endedSync(options?: TimeoutOptions): void {
    this.#threads.endedSync(options);
  }

  /** Gives the memory of the tasks back. */
  dispose(): void {
    this.#tasks.dispose();
    this.#functions.dispose();
  }
}
