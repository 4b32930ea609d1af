/**
 * A pool of processes as its owner sees it: tasks that are not done, and how they travel. `pool-processes.ts` has what is
 * told of the processes. `ProcessPoolExecutor` and `Pool` stand on it.
 *
 * Tasks go through a stream in shared memory to the thread's io-service, where `pool-dispatcher.ts` feeds the worker
 * processes; what comes of them is delivered to this thread's inbox, many results together. So tasks run and results
 * arrive while this thread blocks.
 */
import { constants } from "node:os";
import { emit, emitAt, intern, newObjectNumber, now, recording } from "../../recorder/emit.js";
import { EventFlag, EventKind } from "../../trace/events.js";
import { BrokenProcessPool, ProcessError, RuntimeError } from "../core/errors.js";
import { assertMayStart } from "../core/main-script.js";
import { decode, encode } from "../core/structured-clone.js";
import type { TimeoutOptions, WaitOptions } from "../core/types.js";
import { Future, isDone, link, settle, type TaskLink } from "../futures/future.js";
import { expect, fulfil } from "../futures/inbox.js";
import { affordableSite } from "../futures/recorded-wait.js";
import { decodeList, encodeList } from "./chunk-codec.js";
import { Form, FromChild, functionHead, taskHead } from "./messages.js";
import { OffersOfCalls } from "./offers.js";
import type { AnyFunction, CallEnded } from "./pool/pool-engine.js";
import { describeEnd } from "./pool-dispatcher.js";
import { type PoolFunction, PoolFunctions } from "./pool-functions.js";
import { PoolProcesses, type ProcessPoolSettings, type ProcessWork } from "./pool-processes.js";
import type { TaskPlace, TaskStreamWriter } from "./task-stream.js";

/** Calls that travel together, each with an outcome of its own. */
interface Chunk {
  readonly place: number;
  readonly count: number;
  readonly ended: CallEnded;
}

/** A task that is not done. */
interface Task extends TaskPlace {
  readonly sink: Future<unknown> | Chunk;
  /** The future's value is a list of values. */
  readonly isList: boolean;
  readonly fn: PoolFunction;
}

/** The error of calls whose process died with them. */
export interface LostCallError extends ProcessError {
  readonly pid: number;
  readonly exitCode: number;
  readonly signal: NodeJS.Signals | null;
}

export class ProcessPool implements TaskLink, ProcessWork {
  /** Its number in the trace. */
  readonly poolNumber = newObjectNumber();
  readonly #open = new Map<number, Task>();
  /** Connections among the arguments of tasks that are not done. */
  readonly #offers = new OffersOfCalls();
  readonly #functions = new PoolFunctions((number, reference) => {
    this.#processes.start().push(0, functionHead(number), Buffer.from(JSON.stringify(reference)));
  });
  readonly #name: string;
  readonly #replaces: boolean;
  readonly #processes: PoolProcesses;
  #lastId = 0;
  #shutdown = false;
  #terminated = false;
  #broken: string | null = null;
  /** What failed in a process. */
  #cause: unknown = undefined;

  constructor(settings: ProcessPoolSettings) {
    this.#name = settings.name;
    this.#replaces = settings.replaces;
    this.#processes = new PoolProcesses(this, settings);
  }

  /** Starts the processes of a `Pool`, which do not wait for a task. */
  start(): void {
    this.#processes.start();
  }

  // --- Tasks ---------------------------------------------------------------------------------------------------------

  /**
   * The function of tasks to be handed in. Throws `RuntimeError` after a shutdown, `BrokenProcessPool`, and
   * `DataCloneError` if it cannot cross.
   */
  functionFor(fn: AnyFunction): PoolFunction {
    if (this.#broken !== null) throw this.#brokenError();
    if (this.#shutdown) throw new RuntimeError("cannot schedule new futures after shutdown");
    assertMayStart("process");
    return this.#functions.entryOf(fn);
  }

  /** Queues a call. Throws `DataCloneError` if its arguments cannot cross. */
  submit(fn: PoolFunction, args: readonly unknown[]): Future<unknown> {
    const stream = this.#processes.start();
    const id = this.#nextId();
    const time = recording ? now() : 0;
    this.#push(stream, id, fn, args);
    const future = new Future<unknown>();
    link(future, this, id);
    this.#handedIn(stream, id, fn, future, false, time);
    return future;
  }

  /** Queues calls that travel together: the future's value is the list of their values, or the first error. */
  submitTogether(fn: PoolFunction, rounds: readonly (readonly unknown[])[]): Future<unknown[]> {
    const stream = this.#processes.start();
    const id = this.#nextId();
    const time = recording ? now() : 0;
    const single = rounds.every((round) => round.length === 1);
    const form = single ? Form.ItemsTogether : Form.ListsTogether;
    const list = single ? rounds.map((round) => round[0]) : rounds;
    stream.push(id, taskHead(form, fn.number), encodeList(list, { path: "args" }));
    const future = new Future<unknown[]>();
    link(future, this, id);
    this.#handedIn(stream, id, fn, future as Future<unknown>, true, time);
    return future;
  }

  /**
   * Queues calls that travel together, with each an outcome of its own: of `items[from]` up to `items[to]`, which are
   * the arguments, or with `spread` lists of arguments. Throws `DataCloneError` if one of them cannot cross; then none
   * is queued.
   */
  call(fn: PoolFunction, items: readonly unknown[], spread: boolean, place: number, ended: CallEnded): void {
    const stream = this.#processes.start();
    const id = this.#nextId();
    const time = recording ? now() : 0;
    const { length } = items;
    if (length === 1) this.#push(stream, id, fn, spread ? (items[0] as readonly unknown[]) : items);
    else {
      const body = encodeList(items, { path: "args" });
      stream.push(id, taskHead(spread ? Form.Lists : Form.Items, fn.number), body);
    }
    this.#handedIn(stream, id, fn, { place, count: length, ended }, length !== 1, time);
  }

  /** Hands in one call. */
  #push(stream: TaskStreamWriter, id: number, fn: PoolFunction, args: readonly unknown[]): void {
    const head = taskHead(Form.Call, fn.number);
    if (stream.pushSimple(id, head, args)) return;
    stream.push(id, head, encode(args, { crossing: "process", once: true, path: "args" }));
  }

  #nextId(): number {
    this.#offers.begin();
    // Zero is no task's.
    this.#lastId = (this.#lastId + 1) >>> 0 || 1;
    return this.#lastId;
  }

  #handedIn(
    stream: TaskStreamWriter,
    id: number,
    fn: PoolFunction,
    sink: Future<unknown> | Chunk,
    isList: boolean,
    time: number,
  ): void {
    this.#open.set(id, { at: stream.lastAt, segment: stream.lastSegment, sink, isList, fn });
    this.#offers.keep(id);
    expect();
    if (time !== 0) emitAt(time, EventKind.TaskSubmit, this.poolNumber, affordableSite(time), id, intern(fn.name), 0);
    if (stream.mustPoke()) this.#processes.poke();
  }

  /** Takes back a task that no process has. */
  tryCancel(id: number): boolean {
    const task = this.#open.get(id);
    if (task === undefined || !this.#processes.stream!.cancel(task)) return false;
    this.#remove(id);
    if (recording) emit(EventKind.TaskCancel, this.poolNumber, 0, id, 0, 0);
    return true;
  }

  /** True once a process has been given a task, which is not done. */
  hasBegun(id: number): boolean {
    const task = this.#open.get(id);
    return task !== undefined && this.#processes.stream!.isTaken(task);
  }

  #remove(id: number): Task | undefined {
    const task = this.#open.get(id);
    if (task === undefined) return undefined;
    this.#open.delete(id);
    this.#offers.over(id);
    fulfil();
    return task;
  }

  /** {@link #remove} of a task whose end no process tells. */
  #removeLost(id: number): Task | undefined {
    const task = this.#remove(id);
    if (task !== undefined && recording) emit(EventKind.TaskEnd, this.poolNumber, 0, id, 0, EventFlag.Failed);
    return task;
  }

  /** True if there are results. */
  pending(): boolean {
    return this.#processes.arrived.pending;
  }

  /** Takes in up to `max` results. */
  take(max: number): void {
    // What is settled may run code of the user that comes back here, so nothing is kept between two results.
    for (let i = 0; i < max && this.#processes.arrived.pending; i++) this.#takeOne();
  }

  #takeOne(): void {
    const { arrived } = this.#processes;
    arrived.next();
    const { kind, body } = arrived;
    const task = this.#remove(arrived.id);
    if (task === undefined) return;
    if (task.sink instanceof Future) this.#settleFuture(task.sink, task.isList, kind, body);
    else this.#settleChunk(task.sink, task.isList, kind, body);
  }

  /** Where errors come from. */
  get origin(): string {
    return `a process of ${this.#name}`;
  }

  #settleFuture(future: Future<unknown>, isList: boolean, kind: number, body: Uint8Array): void {
    let value: unknown;
    let failed = kind !== FromChild.Result;
    try {
      if (isList && !failed) value = decodeList(body, this.origin);
      else value = decode(body, failed ? { origin: this.origin } : noOptions);
    } catch (error) {
      failed = true;
      value = error;
    }
    settle(future, failed, value);
  }

  #settleChunk(chunk: Chunk, isList: boolean, kind: number, body: Uint8Array): void {
    let values: unknown[] = [];
    let places: number[] = [];
    let errors: unknown[] = [];
    try {
      if (kind === FromChild.Result) values = isList ? decodeList(body, this.origin) : [decode(body)];
      else if (kind === FromChild.Mixed) {
        [values, places, errors] = decode(body, { origin: this.origin }) as [unknown[], number[], unknown[]];
      } else throw decode(body, { origin: this.origin });
    } catch (error) {
      this.#failChunk(chunk, error);
      return;
    }
    const { place, count, ended } = chunk;
    const failures = new Map(places.map((at, i) => [at, errors[i]]));
    for (let i = 0; i < count; i++) {
      if (failures.size > 0 && failures.has(i)) ended(place + i, true, failures.get(i));
      else ended(place + i, false, values[i]);
    }
  }

  #failChunk({ place, count, ended }: Chunk, error: unknown): void {
    for (let i = 0; i < count; i++) ended(place + i, true, error);
  }

  #fail({ sink }: Task, error: unknown): void {
    if (!(sink instanceof Future)) this.#failChunk(sink, error);
    else if (!isDone(sink)) sink.setException(error);
  }

  /** A process died with a task. `cause`: the error it died of, if that is known. */
  lost(id: number, pid: number, exitCode: number, cause: unknown): void {
    const task = this.#removeLost(id);
    if (task === undefined) return;
    const { sink, fn } = task;
    const calls =
      sink instanceof Future || sink.count === 1
        ? `the call of ${fn.name}`
        : `${sink.count} calls of ${fn.name}, from number ${sink.place + 1} on`;
    const signal = signalOf(-exitCode);
    const error = new ProcessError(
      `The process ${pid} of ${this.#name} ${describeEnd(exitCode)} while it had ${calls}${firstLineOf(cause)}`,
      causedBy(cause),
    );
    this.#fail(task, Object.assign(error, { pid, exitCode, signal }) satisfies LostCallError);
  }

  broke(message: string, cause: unknown): void {
    this.#broken = message;
    this.#cause = cause;
    const tasks = [...this.#open.keys()];
    // Nobody else will be told.
    if (this.#replaces && tasks.length === 0 && !this.#shutdown) console.error(this.#brokenError());
    for (const id of tasks) {
      const task = this.#removeLost(id);
      if (task !== undefined) this.#fail(task, this.#brokenError());
    }
  }

  #brokenError(): BrokenProcessPool {
    return new BrokenProcessPool(`${this.#broken}${firstLineOf(this.#cause)}`, causedBy(this.#cause));
  }

  // --- The end -------------------------------------------------------------------------------------------------------

  /** Accepts nothing more; the processes end when all that was accepted is done. */
  beginShutdown(cancelFutures: boolean): void {
    const first = !this.#shutdown;
    this.#shutdown = true;
    if (cancelFutures) {
      for (const { sink } of [...this.#open.values()]) if (sink instanceof Future) sink.cancel();
    }
    if (first) this.#processes.end("shutdown");
  }

  /** Ends the processes at once. What is open stays so for ever. */
  terminate(): void {
    if (this.#terminated) return;
    this.#terminated = true;
    this.#shutdown = true;
    for (const [id, task] of [...this.#open]) {
      if (this.#processes.stream?.cancel(task)) {
        this.#remove(id);
        if (recording) emit(EventKind.TaskCancel, this.poolNumber, 0, id, 0, 0);
      } else this.#removeLost(id);
    }
    this.#processes.end("terminate");
  }

  /** Resolves when all processes have ended. Rejects with `TimeoutError` or the signal's reason if that comes first. */
  ended(options?: WaitOptions): Promise<void> {
    return this.#processes.ended(options);
  }

  /** Blocks until all processes have ended. Throws `TimeoutError` if it takes longer. */
  endedSync(options?: TimeoutOptions): void {
    this.#processes.endedSync(options);
  }
}

const noOptions = {};

function causedBy(cause: unknown): ErrorOptions | undefined {
  return cause === undefined ? undefined : { cause };
}

/** What an error says, for the end of the message of the one it causes. */
function firstLineOf(cause: unknown): string {
  return cause instanceof Error ? `: ${String(cause).split("\n", 1)[0]}` : "";
}

function signalOf(number: number): NodeJS.Signals | null {
  const entry = Object.entries(constants.signals).find(([, value]) => value === number);
  return number > 0 && entry !== undefined ? (entry[0] as NodeJS.Signals) : null;
}
