// biome-ignore-all lint/suspicious/noExplicitAny: any thread, whatever its arguments
/**
 * A thread: a worker with an event loop and a heap of its own, under the face of Python's `threading.Thread`.
 *
 * The state of a thread is in shared memory (`thread-record.ts`), so every thread can ask for it and wait for it; the
 * object is a view of it. Only the object that `start` was called on also holds the worker: to keep the program alive
 * (or not, for daemons), and to notice when a worker dies without having said so.
 */
import { join as joinPath } from "node:path";
import { inspect } from "node:util";
import { SHARE_ENV, type Worker } from "node:worker_threads";
import { callSite, emit, intern, newWaitNumber, recording, threadGone, threadStarting } from "../../recorder/emit.js";
import { EventFlag, EventKind, WaitReason } from "../../trace/events.js";
import { checkBlockingOptions, checkOptions, knownOptions, WAIT_OPTIONS } from "../core/check-options.js";
import { checkCallable } from "../core/crossing-refusal.js";
import { checkTimeout, deadlineIn } from "../core/deadline.js";
import { describe } from "../core/describe-value.js";
import { DataCloneError, RuntimeError } from "../core/errors.js";
import { type FunctionReference, referenceTo } from "../core/function-reference.js";
import { type Crossing, type Handle, HandleCache, registerHandle, toHandle } from "../core/handles.js";
import { HeapWord, words } from "../core/heap.js";
import { assertMayStart } from "../core/main-script.js";
import { startWorker } from "../core/node-arguments.js";
import { installMainOutput } from "../core/output.js";
import { decode, encode, movable } from "../core/structured-clone.js";
import { holdLoop, releaseLoop } from "../core/words.js";
import type { Activity, ActivityOptions, TimeoutOptions, WaitOptions } from "../types.js";
import { currentRecord, type ThreadWorkerData } from "./current-record.js";
import { callHook } from "./excepthook.js";
import { addWorker, removeWorker, tellEnd } from "./started-workers.js";
import { ThreadRecord } from "./thread-record.js";
import { joinThreadsAfterFatalError } from "./thread-shutdown.js";
import { isWatched, workerEnded, workerError, workerFailed } from "./worker-end.js";

const THREAD_OPTIONS = knownOptions("{ target: work, args: [1] }", "target", "args", "name", "daemon");

/** What a new thread is told to do. */
export interface ThreadStart {
  /** The subclass whose `run` it runs; null for Thread itself. */
  readonly type: FunctionReference | null;
  /** The fields of the subclass's object. */
  readonly fields: Record<string, unknown>;
  readonly target: FunctionReference | null;
  readonly args: readonly unknown[];
}

/** How often, in milliseconds, who joins a thread asks whether it still exists. */
const ASK = 200;

const cache = new HandleCache<Thread<unknown[]>>();

/** Gives the records of threads back whose objects nobody holds here. */
const registry = new FinalizationRegistry<number>((index) => ThreadRecord.release(index));

/** The classes of this library that a thread's object can have, by the record's kind. */
const classes: (typeof Thread)[] = [];

/** Registers the class of the objects of threads of a kind. */
export function registerThreadClass(kind: number, type: typeof Thread): void {
  classes[kind] = type;
}

/** The record of a thread. */
export const recordOf: unique symbol = Symbol("recordOf");

/** Internal ways to make the object of a thread that exists. */
export class ExistingThread {
  constructor(
    readonly record: ThreadRecord,
    readonly target: ((...args: unknown[]) => unknown) | null = null,
    readonly args: readonly unknown[] = [],
  ) {}
}

/** What ended a thread whose worker is watched; undefined if that was no error, or is not known. */
export let errorOf: (thread: Thread<any>) => unknown;

/** True if a thread has ended, also if it died without a word and no event could tell as this thread blocks. */
export let hasEnded: (thread: Thread<any>) => boolean;

/**
 * True if a thread whose worker was told to terminate has ended: the system is asked, as no event can tell while this
 * thread blocks. One that has no number in the system yet comes to nothing any more, and has ended at once.
 */
export let hasEndedAfterTermination: (thread: Thread<any>) => boolean;

/**
 * A thread of this process. Give it a `target`, or subclass it and override `run`; the fields of such an object are
 * copied into the thread at `start`, and what the thread does to its copy stays there.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { Thread } from "heddle/threading";
 *
 * function greet(name: string) {
 *   console.log(`hello from ${name}`); // prints hello from a worker
 * }
 *
 * // The same as a subclass: its fields are copied into the thread.
 * class Greeter extends Thread {
 *   who = "nobody";
 *   override run() {
 *     greet(this.who); // prints hello from a subclass
 *   }
 * }
 *
 * if (isMain) {
 *   const first = new Thread({ target: greet, args: ["a worker"], name: "greeter" });
 *   first.start();
 *   const second = new Greeter();
 *   second.who = "a subclass";
 *   second.start();
 *   await first.join();
 *   await second.join();
 *   console.log(first.name, first.isAlive()); // prints greeter false
 * }
 * ```
 */
export class Thread<A extends unknown[] = []> implements Activity {
  #record: ThreadRecord;
  #target: ((...args: A) => unknown) | null = null;
  #reference: FunctionReference | null = null;
  #args: Readonly<A> = [] as unknown as A;
  #started = false;

  static {
    hasEnded = (thread) => thread.#record.ended();
    hasEndedAfterTermination = (thread) => {
      const record = thread.#record;
      if (!record.isNumbered) record.end();
      return record.ended();
    };
    errorOf = (thread) => {
      thread.#deliverError();
      return workerError(thread);
    };
  }

  /** Makes a thread without starting it. Throws `DataCloneError` if the target cannot cross. */
  constructor(options?: ActivityOptions<A>) {
    if (options instanceof ExistingThread) {
      this.#record = options.record;
      this.#target = options.target as never;
      this.#args = options.args as Readonly<A>;
      this.#started = true;
      return;
    }
    checkOptions(options, THREAD_OPTIONS);
    const { target, args, name, daemon } = (options ?? {}) as {
      target?: (...args: A) => unknown;
      args?: Readonly<A>;
      name?: string;
      daemon?: boolean;
    };
    if (target !== undefined && target !== null) {
      checkCallable(target, "target");
      this.#reference = referenceTo(target, "target");
      this.#target = target;
    }
    if (args !== undefined) {
      if (!Array.isArray(args)) throw new TypeError(`args must be an array, not ${describe(args)}`);
      this.#args = [...args] as unknown as Readonly<A>;
    }
    let text = name ?? undefined;
    if (text === undefined) {
      const number = words.add(HeapWord.ThreadNames, 1) + 1;
      text = target?.name ? `Thread-${number} (${target.name})` : `Thread-${number}`;
    }
    this.#record = ThreadRecord.create(String(text), daemon ?? currentRecord().daemon);
    registry.register(this, this.#record.index);
  }

  /** What all threads know of it. */
  [recordOf](): ThreadRecord {
    return this.#record;
  }

  /** Its name on the timeline. */
  get name(): string {
    return this.#record.name;
  }

  set name(value: string) {
    this.#record.name = String(value);
    if (recording && this.#started) emit(EventKind.ThreadName, this.#record.ident, 0, 0, intern(String(value)), 0);
  }

  /** Whether the program ends without it; inherited from the creator. Throws `RuntimeError` if set after `start`. */
  get daemon(): boolean {
    return this.#record.daemon;
  }

  set daemon(value: boolean) {
    if (this.#started) throw new RuntimeError("cannot set daemon status of a thread that was started");
    this.#record.daemon = Boolean(value);
  }

  /** The number of the thread within the process, or null before `start`. */
  get ident(): number | null {
    return this.#started ? this.#record.ident : null;
  }

  /** The number the operating system gave it, or null before `start`. Waits the moment until a new thread has it. */
  get nativeId(): number | null {
    if (!this.#started) return null;
    return this.#record.waitForNativeId(5000) || null;
  }

  /** The thread's work, run in the thread; it ends when this returns or the promise it returns settles. */
  run(): unknown {
    // Called as a plain function: the thread is not its `this`.
    const target = this.#target;
    return target?.(...(this.#args as A));
  }

  /** True between `start` and its end. */
  isAlive(): boolean {
    return this.#started && this.#record.alive;
  }

  /** Starts it, once. Throws `RuntimeError` the second time and while the script is still being imported. */
  start(): void {
    if (this.#started) throw new RuntimeError("threads can only be started once");
    assertMayStart("thread");
    const type = this.constructor === Thread ? null : referenceTo(this.constructor, "the thread's class");
    const fields = { ...this } as Record<string, unknown>;
    const extras: unknown[] = [];
    const whole: ThreadStart = { type, fields, target: this.#reference, args: this.#args };
    const payload = encode(whole, { extras, path: "", once: true });
    installMainOutput();
    this.#started = true;
    const record = this.#record;
    const data: ThreadWorkerData = {
      heddleThread: { record: record.index, payload, extras, watched: isWatched(this) },
    };
    const site = recording ? callSite() : 0;
    let worker: Worker;
    // The thread's record points to its starter's.
    currentRecord().markKnown();
    try {
      const make = () =>
        startWorker(joinPath(__dirname, "thread-main.cjs"), {
          workerData: data,
          transferList: movable(extras) as never,
          env: SHARE_ENV,
          argv: process.argv.slice(2),
          name: record.name,
          stdin: false,
        });
      worker = record.watchBirth(make);
    } catch (error) {
      this.#started = false;
      throw error;
    }
    const number = worker.threadId + 1;
    record.enter(number, currentRecord().hookWord, 1);
    threadStarting();
    if (recording) emit(EventKind.ThreadSpawn, number, site, 0, intern(record.name), 0);
    cache.set(record.index, this as unknown as Thread<unknown[]>);
    addWorker(worker, this, record);
    joinThreadsAfterFatalError();
    // The loop lives as long as the worker anyway; so it also counts as waiting for it.
    let holds = !record.daemon;
    if (holds) holdLoop();
    const letGo = () => {
      if (holds) releaseLoop();
      holds = false;
    };
    worker.on("error", (error) => {
      workerFailed(this, error);
      if (!isWatched(this)) callHook(error, this as unknown as Thread);
    });
    worker.on("message", (message) => {
      // It has ended itself and only waits for daemons of its own.
      if ((message as { heddle?: unknown } | null)?.heddle === "unref") {
        worker.unref();
        letGo();
      }
    });
    worker.once("exit", (exitCode) => {
      letGo();
      removeWorker(worker);
      if (record.state !== 3) record.end();
      threadGone(number);
      this.#deliverError();
      workerEnded(this, exitCode);
      tellEnd();
    });
    if (record.daemon) worker.unref();
  }

  /** Gives the error that ended the thread, if it was left for this one's hook, to the hook. */
  #deliverError(): void {
    // Only who started it has the hook.
    if (this.#record.starter !== currentRecord().hookWord) return;
    const bytes = this.#record.takeError();
    if (bytes === null) return;
    const error = decode(bytes, { origin: `thread "${this.name}"` });
    if (isWatched(this)) workerFailed(this, error);
    else callHook(error, this as unknown as Thread);
  }

  #checkJoin(): void {
    if (!this.#started) throw new RuntimeError("cannot join a thread before it is started");
    if (this.#record.index === currentRecord().index) throw new RuntimeError("cannot join the current thread");
  }

  /** Waits for its end or the timeout and does not tell which. Rejects with `RuntimeError` before `start`. */
  async join(options: WaitOptions = {}): Promise<void> {
    checkOptions(options, WAIT_OPTIONS);
    this.#checkJoin();
    options.signal?.throwIfAborted();
    const deadline = deadlineIn(checkTimeout(options.timeout));
    const record = this.#record;
    if (record.alive) {
      const wait = this.#beginWait(EventFlag.Async);
      let failed: number = EventFlag.Failed;
      try {
        for (;;) {
          const left = deadline - performance.now();
          if (left <= 0) break;
          if (await record.waitAsync(Math.min(ASK, left), options.signal, left === Number.POSITIVE_INFINITY)) {
            failed = 0;
            break;
          }
        }
      } finally {
        if (recording) emit(EventKind.WaitEnd, record.ident, 0, wait, 0, EventFlag.Async | failed);
      }
    }
    if (!record.alive) this.#deliverError();
  }

  /** Blocking {@link join}. */
  joinSync(options: TimeoutOptions = {}): void {
    checkBlockingOptions(options);
    this.#checkJoin();
    const deadline = deadlineIn(checkTimeout(options.timeout));
    const record = this.#record;
    if (record.alive) {
      const wait = this.#beginWait(0);
      let ended = false;
      for (;;) {
        const left = deadline - performance.now();
        if (left <= 0) break;
        ended = record.waitSync(Math.min(ASK, left), left === Number.POSITIVE_INFINITY);
        if (ended) break;
      }
      if (recording) emit(EventKind.WaitEnd, record.ident, 0, wait, 0, ended ? 0 : EventFlag.Failed);
    }
    if (!record.alive) this.#deliverError();
  }

  #beginWait(flags: number): number {
    if (!recording) return 0;
    const wait = newWaitNumber();
    emit(EventKind.WaitBegin, this.#record.ident, callSite(), wait, WaitReason.ThreadJoin, flags);
    return wait;
  }

  [inspect.custom](): string {
    const state = this.#started ? `${this.isAlive() ? "started" : "stopped"} ident=${this.ident}` : "initial";
    return `<${this.constructor.name} name='${this.name}' ${state}${this.daemon ? " daemon" : ""}>`;
  }

  /** How it crosses to another thread. */
  [toHandle](crossing: Crossing): Handle {
    if (crossing !== "thread") throw new DataCloneError("a thread cannot cross to another process");
    if (!this.#started) throw new DataCloneError("a thread crosses only after start()");
    this.#record.markKnown();
    cache.set(this.#record.index, this as unknown as Thread<unknown[]>);
    return { tag: "Thread", value: this.#record.index };
  }
}

/** The object of the thread with this record. */
export function threadOf(record: ThreadRecord): Thread {
  let thread = cache.get(record.index);
  if (thread === undefined) {
    record.markKnown();
    const type = classes[record.kind] ?? Thread;
    thread = Reflect.construct(Thread, [new ExistingThread(record)], type) as Thread<unknown[]>;
    cache.set(record.index, thread);
  }
  return thread as unknown as Thread;
}

/** In the thread itself: makes its object, of its own class, without running that class's constructor. */
export function adoptThread(
  record: ThreadRecord,
  type: typeof Thread,
  target: ((...args: unknown[]) => unknown) | null,
  args: readonly unknown[],
  fields: Record<string, unknown>,
): Thread {
  const thread = Reflect.construct(Thread, [new ExistingThread(record, target, args)], type) as Thread<unknown[]>;
  Object.assign(thread, fields);
  cache.set(record.index, thread);
  own = thread as unknown as Thread;
  return own;
}

registerHandle<number>("Thread", (index) => threadOf(new ThreadRecord(index)));

let own: Thread | null = null;

/** The calling thread. */
export function currentThread(): Thread {
  own ??= threadOf(currentRecord());
  return own;
}
