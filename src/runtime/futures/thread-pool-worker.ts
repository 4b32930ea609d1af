/**
 * What a thread of a pool runs: takes tasks out of the pool's channel, one after the other, and writes what came of them
 * into its own channel to the pool's owner.
 *
 * Between tasks it waits without blocking, so that what tasks left running (timers, sockets) goes on. Tasks that return
 * at once follow each other without a turn of the event loop, for about {@link TURN_MS}.
 *
 * Recorded tasks that follow each other share a reading of the clock: what lies between the end of one and the begin of
 * the next is a fraction of a microsecond.
 */
import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import { emit, emitAt, intern, newWaitNumber, now, recording } from "../../recorder/emit.js";
import { EventFlag, EventKind, WaitReason } from "../../trace/events.js";
import { beginContext } from "../core/async-context.js";
import { referenceName, resolveReference } from "../core/function-reference.js";
import { readTableEntry } from "../core/function-table.js";
import { words } from "../core/heap.js";
import { nativeThreadId } from "../core/native-id.js";
import { ResultKind, ResultWriter } from "../core/result-channel.js";
import { decode, movable } from "../core/structured-clone.js";
import { ChannelWord, WorkerWord } from "../core/task-channel.js";
import { TaskReceiver } from "../core/task-receiver.js";
import { postTo, ring } from "./inbox.js";
import { type ExtrasMessage, encodeError, Word, type WorkerStart, wordBytes } from "./thread-task.js";

type AnyFunction = (...args: unknown[]) => unknown;
interface Known {
  readonly fn: AnyFunction;
  /** Interned for the trace. */
  readonly name: number;
}

const TURN_MS = 5;
/** The most tasks between two readings of the clock; fewer when they take long. */
const MAX_STRIDE = 16;
const nothing = new Uint8Array(0);
const view = words.view;

const turnOfTheLoop = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}

class PoolWorker {
  readonly #start: WorkerStart;
  readonly #tasks: TaskReceiver;
  readonly #results: ResultWriter;
  readonly #origin: { readonly origin: string };
  readonly #port: MessagePort;
  /** By their numbers in the channel's table. */
  readonly #functions: (Known | undefined)[] = [];
  /** What came through the port, by ticket. */
  readonly #extras = new Map<number, readonly unknown[]>();
  /** The end of the task before, if the next follows at once; else 0. */
  #boundary = 0;

  constructor(start: WorkerStart) {
    this.#start = start;
    this.#tasks = new TaskReceiver(start.channel, start.record);
    this.#results = new ResultWriter(start.record);
    this.#origin = { origin: start.owner };
    this.#port = start.port;
  }

  /** Says something to the owner. */
  say(kind: number, body: Uint8Array, number = 0): void {
    postTo(this.#start.inbox, this.#start.receiver, number, wordBytes(kind, this.#start.worker, body));
  }

  /** Calls the initializer. Returns false if it threw, which is said. */
  async initialize(): Promise<boolean> {
    const { initializer, initArgs } = this.#start;
    if (initializer === null) return true;
    try {
      const fn = (await resolveReference(initializer)) as AnyFunction;
      await fn(...(decode(initArgs, this.#origin) as unknown[]));
      return true;
    } catch (error) {
      console.error("Exception in initializer:", error);
      this.say(Word.InitializerFailed, encodeError(error));
      return false;
    }
  }

  /** Runs tasks until the pool is shut down and none is left, or the pool is broken. */
  async work(): Promise<void> {
    const tasks = this.#tasks;
    let stride = 1;
    let left = 1;
    let looked = performance.now();
    let turnEnds = looked + TURN_MS;
    for (;;) {
      if (!tasks.claim() && !(tasks.hunt() && tasks.claim())) {
        if (tasks.closed || !(await this.#idle())) {
          // A task that was published just before the end.
          if (!tasks.claim()) return;
        } else {
          looked = performance.now();
          turnEnds = looked + TURN_MS;
          stride = left = 1;
          continue;
        }
      }
      if (tasks.broken) return;
      const pending = this.#run();
      if (pending !== undefined) await pending;
      if (--left > 0) continue;
      const time = performance.now();
      // Readings are to be at most a fraction of a turn apart.
      stride = time - looked > TURN_MS / MAX_STRIDE ? 1 : Math.min(stride * 2, MAX_STRIDE);
      looked = time;
      left = stride;
      if (time <= turnEnds) continue;
      this.#boundary = 0;
      await turnOfTheLoop();
      looked = performance.now();
      turnEnds = looked + TURN_MS;
    }
  }

  /** Waits until there may be a task. Returns false when none will come. */
  async #idle(): Promise<boolean> {
    this.#boundary = 0;
    if (!recording) return this.#tasks.sleep();
    const wait = newWaitNumber();
    emit(EventKind.WaitBegin, this.#start.poolNumber, 0, wait, WaitReason.IdleWorker, EventFlag.Async);
    const more = await this.#tasks.sleep();
    emit(EventKind.WaitEnd, this.#start.poolNumber, 0, wait, 0, EventFlag.Async);
    return more;
  }

  #run(): Promise<void> | undefined {
    const tasks = this.#tasks;
    const { ticket } = tasks;
    if (!tasks.begin()) {
      this.#results.skipped(ticket);
      this.#tell();
      return undefined;
    }
    const known = this.#functions[tasks.fn];
    if (known === undefined) return this.#resolveAndCall(ticket, tasks.fn);
    if (tasks.hasExtras) return this.#receiveAndCall(ticket, known);
    this.#begin(ticket, known.name);
    return this.#call(ticket, known.fn, undefined);
  }

  async #resolveAndCall(ticket: number, number: number): Promise<void> {
    const reference = readTableEntry(this.#start.channel + ChannelWord.Functions, number);
    const name = recording ? intern(referenceName(reference)) : 0;
    let known: Known;
    try {
      known = { fn: (await resolveReference(reference)) as AnyFunction, name };
    } catch (error) {
      this.#begin(ticket, name);
      this.#fail(ticket, error);
      return;
    }
    this.#functions[number] = known;
    if (this.#tasks.hasExtras) {
      await this.#receiveAndCall(ticket, known);
      return;
    }
    this.#begin(ticket, name);
    await this.#call(ticket, known.fn, undefined);
  }

  async #receiveAndCall(ticket: number, known: Known): Promise<void> {
    const extras = await this.#extrasOf(ticket);
    this.#begin(ticket, known.name);
    await this.#call(ticket, known.fn, extras);
  }

  /** What came through the port for a task. */
  async #extrasOf(ticket: number): Promise<readonly unknown[]> {
    for (let asked = false; ; asked = true) {
      const mail = this.#start.record + WorkerWord.Mail;
      const seen = Atomics.load(view, mail);
      let received = receiveMessageOnPort(this.#port);
      for (; received !== undefined; received = receiveMessageOnPort(this.#port)) {
        const message = received.message as ExtrasMessage;
        this.#extras.set(message.ticket, message.extras);
      }
      const extras = this.#extras.get(ticket);
      // Tickets are claimed in order: what is for earlier ones is for others.
      for (const other of this.#extras.keys()) if (((other - ticket) | 0) <= 0) this.#extras.delete(other);
      if (extras !== undefined) return extras;
      // Ports can go to one thread only: the owner sends them when it knows to which.
      if (!asked) this.say(Word.NeedsPorts, nothing, ticket >>> 0);
      await words.waitAsync(mail, seen);
    }
  }

  #call(ticket: number, fn: AnyFunction, extras: readonly unknown[] | undefined): Promise<void> | undefined {
    try {
      const options = extras === undefined ? this.#origin : { ...this.#origin, extras };
      const args = this.#tasks.args(options);
      const value = args.length === 1 ? fn(args[0]) : fn(...args);
      if (isThenable(value)) return this.#settle(ticket, value);
      this.#succeed(ticket, value);
    } catch (error) {
      this.#fail(ticket, error);
    }
    return undefined;
  }

  async #settle(ticket: number, value: PromiseLike<unknown>): Promise<void> {
    let settled: unknown;
    try {
      settled = await value;
    } catch (error) {
      this.#fail(ticket, error);
      return;
    }
    this.#succeed(ticket, settled);
  }

  #begin(ticket: number, name: number): void {
    beginContext();
    if (!recording) return;
    const time = this.#boundary === 0 ? now() : this.#boundary;
    emitAt(time, EventKind.TaskStart, this.#start.poolNumber, 0, (ticket >>> 0) + 1, name, 0);
  }

  #succeed(ticket: number, value: unknown): void {
    try {
      this.#results.write(ticket, ResultKind.Value, value, "result", this.#sendExtras);
    } catch (error) {
      this.#fail(ticket, error);
      return;
    }
    this.#end(ticket, 0);
  }

  #fail(ticket: number, error: unknown): void {
    try {
      this.#results.write(ticket, ResultKind.Error, error, "error", this.#sendExtras);
    } catch (problem) {
      this.#results.write(ticket, ResultKind.Error, problem, "error", this.#sendExtras);
    }
    this.#end(ticket, EventFlag.Failed);
  }

  readonly #sendExtras = (extras: unknown[]): void => {
    this.#port.postMessage({ ticket: this.#tasks.ticket, extras } satisfies ExtrasMessage, movable(extras));
  };

  /** The end of a task whose result is written. */
  #end(ticket: number, flags: number): void {
    if (recording) {
      this.#boundary = now();
      emitAt(this.#boundary, EventKind.TaskEnd, this.#start.poolNumber, 0, (ticket >>> 0) + 1, 0, flags);
    }
    this.#tell();
  }

  #tell(): void {
    this.#results.publish();
    this.#tasks.end();
    ring(this.#start.inbox);
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
    worker.say(Word.Dying, body);
  });
  if (await worker.initialize()) await worker.work();
  leaving = true;
  worker.say(Word.Leaving, nothing);
}
