/**
 * What a thread of a pool runs: takes tasks out of the pool's queue, one after the other, and posts what came of them
 * to the inbox of the pool's owner.
 *
 * Between tasks it waits without blocking, so that what tasks left running (timers, sockets) goes on. Tasks that return
 * at once follow each other without a turn of the event loop, for at most {@link TURN_MS}.
 */
import { emit, intern, newWaitNumber, recording } from "../../recorder/emit.js";
import { EventFlag, EventKind, WaitReason } from "../../trace/events.js";
import { beginContext } from "../core/async-context.js";
import { SharedFifo } from "../core/fifo.js";
import { referenceName, resolveReference } from "../core/function-reference.js";
import { words } from "../core/heap.js";
import { nativeThreadId } from "../core/native-id.js";
import { decode, encode } from "../core/structured-clone.js";
import { referenceOfKey } from "../multiprocessing/task-codec.js";
import { postTo } from "./inbox.js";
import {
  Answer,
  answerBytes,
  encodeError,
  PoolWord,
  splitTask,
  TaskState,
  type WorkerStart,
  WorkerWord,
} from "./thread-task.js";

type AnyFunction = (...args: unknown[]) => unknown;
interface Known {
  readonly fn: AnyFunction;
  readonly name: string;
}

const TURN_MS = 5;
const nothing = new Uint8Array(0);
const view = words.view;
const functions = new Map<string, Known>();

const turnOfTheLoop = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}

class PoolWorker {
  readonly #start: WorkerStart;
  readonly #tasks: SharedFifo;
  readonly #origin: { readonly origin: string };

  constructor(start: WorkerStart) {
    this.#start = start;
    this.#tasks = SharedFifo.attach(start.tasks);
    this.#origin = { origin: start.owner };
  }

  post(kind: number, task: number, body: Uint8Array): void {
    postTo(this.#start.inbox, this.#start.receiver, task, answerBytes(kind, this.#start.worker, body));
  }

  /** Calls the initializer. Returns false if it threw, which is posted. */
  async initialize(): Promise<boolean> {
    const { initializer, initArgs } = this.#start;
    if (initializer === null) return true;
    try {
      const fn = (await resolveReference(initializer)) as AnyFunction;
      await fn(...(decode(initArgs, this.#origin) as unknown[]));
      return true;
    } catch (error) {
      console.error("Exception in initializer:", error);
      this.post(Answer.InitializerFailed, 0, encodeError(error));
      return false;
    }
  }

  /** Runs tasks until the pool is shut down and its queue empty, or the pool is broken. */
  async work(): Promise<void> {
    let turnEnds = performance.now() + TURN_MS;
    for (;;) {
      let message = this.#tasks.take();
      if (message === null) {
        if (this.#tasks.closed || !(await this.#idle())) return;
        turnEnds = performance.now() + TURN_MS;
        message = this.#tasks.take();
        if (message === null) continue;
      }
      if (Atomics.load(view, this.#start.pool + PoolWord.Broken) !== 0) return;
      const pending = this.#run(message.bytes);
      if (pending !== undefined) await pending;
      if (performance.now() > turnEnds) {
        await turnOfTheLoop();
        turnEnds = performance.now() + TURN_MS;
      }
    }
  }

  /** Waits until there may be a task. Returns false when none will come. */
  async #idle(): Promise<boolean> {
    Atomics.add(view, this.#start.pool + PoolWord.Idle, 1);
    const wait = recording ? newWaitNumber() : 0;
    if (recording) {
      emit(EventKind.WaitBegin, this.#start.poolNumber, 0, wait, WaitReason.IdleWorker, EventFlag.Async);
    }
    // Another worker may be faster: then this one waits on, without being counted as idle again.
    do await this.#tasks.waitForItemAsync();
    while (this.#tasks.length === 0 && !this.#tasks.closed);
    if (recording) emit(EventKind.WaitEnd, this.#start.poolNumber, 0, wait, 0, EventFlag.Async);
    return this.#tasks.length > 0;
  }

  #run(bytes: Uint8Array): Promise<void> | undefined {
    const { number, state, key, args } = splitTask(bytes);
    if (Atomics.compareExchange(view, state, TaskState.Pending, TaskState.Running) !== TaskState.Pending) {
      this.post(Answer.Skipped, number, nothing);
      return undefined;
    }
    Atomics.store(view, this.#start.record + WorkerWord.Task, number);
    const known = functions.get(key);
    return known === undefined ? this.#resolveAndCall(number, key, args) : this.#call(number, known, args);
  }

  async #resolveAndCall(number: number, key: string, args: Uint8Array): Promise<void> {
    const reference = referenceOfKey(key);
    const name = referenceName(reference);
    let known: Known;
    try {
      known = { fn: (await resolveReference(reference)) as AnyFunction, name };
    } catch (error) {
      this.#begin(number, name);
      this.#fail(number, error);
      return;
    }
    functions.set(key, known);
    await this.#call(number, known, args);
  }

  #call(number: number, { fn, name }: Known, encoded: Uint8Array): Promise<void> | undefined {
    this.#begin(number, name);
    try {
      const args = decode(encoded, this.#origin) as unknown[];
      const value = fn(...args);
      if (isThenable(value)) {
        return Promise.resolve(value).then(
          (settled) => this.#succeed(number, settled),
          (error) => this.#fail(number, error),
        );
      }
      this.#succeed(number, value);
    } catch (error) {
      this.#fail(number, error);
    }
    return undefined;
  }

  #begin(number: number, name: string): void {
    beginContext();
    if (recording) emit(EventKind.TaskStart, this.#start.poolNumber, 0, number, intern(name), 0);
  }

  #succeed(number: number, value: unknown): void {
    let body: Uint8Array;
    try {
      body = encode(value, { path: "result" });
      this.#end(Answer.Result, number, body, 0);
    } catch (error) {
      this.#fail(number, error);
    }
  }

  #fail(number: number, error: unknown): void {
    this.#end(Answer.Failure, number, encodeError(error), EventFlag.Failed);
  }

  #end(kind: number, number: number, body: Uint8Array, flags: number): void {
    if (recording) emit(EventKind.TaskEnd, this.#start.poolNumber, 0, number, 0, flags);
    this.post(kind, number, body);
    Atomics.store(view, this.#start.record + WorkerWord.Task, 0);
  }
}

/** The target of a pool's threads. */
export async function serveThreadPool(start: WorkerStart): Promise<void> {
  const worker = new PoolWorker(start);
  Atomics.store(view, start.record + WorkerWord.NativeId, nativeThreadId());
  if (recording) emit(EventKind.PoolWorker, start.poolNumber, 0, process.pid, 0, 0);
  let leaving = false;
  let reason = "";
  process.prependListener("uncaughtException", (error) => {
    reason = error instanceof Error ? (error.stack ?? String(error)) : String(error);
  });
  process.on("exit", (code) => {
    if (leaving) return;
    const body = Buffer.from(`    ${reason}`);
    body.writeInt32LE(code, 0);
    worker.post(Answer.Dying, 0, body);
  });
  if (await worker.initialize()) await worker.work();
  leaving = true;
  worker.post(Answer.Leaving, 0, nothing);
}
