/**
 * `multiprocessing.Process`.
 *
 * An object is one side's view: in the parent it looks at the child's record in shared memory, in the child it is who
 * the process is, made again from the fields that were copied. What is behind it sits beside it and not in it, because
 * the fields of a user's subclass, and only they, cross.
 */
import { inspect } from "node:util";
import { isMainThread } from "node:worker_threads";
import { callSite, emit, intern, recording } from "../../recorder/emit.js";
import { EventFlag, EventKind } from "../../trace/events.js";
import { checkBlockingOptions, checkName, checkOptions, knownOptions, WAIT_OPTIONS } from "../core/check-options.js";
import { checkCallable } from "../core/crossing-refusal.js";
import { describe as describeValue } from "../core/describe-value.js";
import { RuntimeError } from "../core/errors.js";
import { referenceTo } from "../core/function-reference.js";
import { assertMayStart, mainScriptUrl } from "../core/main-script.js";
import { encode } from "../core/structured-clone.js";
import type { ActivityOptions, TimeoutOptions, WaitOptions } from "../types.js";
import { childSettings } from "./child-settings.js";
import { withName } from "./named-session.js";
import { collectDescriptors } from "./passed-descriptors.js";
import { addChild, forgetChild, livingChildren, notice } from "./process-children.js";
import {
  beginJoin,
  endJoin,
  type Inside,
  inside,
  joinable,
  open,
  type Sentinel,
  setInside,
  setRecordOfSentinel,
  timeoutOf,
} from "./process-inside.js";
import { ProcessRecord, ProcessState } from "./process-record.js";
import {
  assertMayHaveChildren,
  makeSelf,
  nextIdentity,
  ownParent,
  ownProcess,
  takeOwnWork,
  whoIs,
} from "./process-self.js";
import { isServiceGone, request } from "./service-client.js";
import { encodeStart } from "./start-message.js";

export { allowChildren, becomeProcess, identityOfWorker } from "./process-self.js";

const PROCESS_OPTIONS = knownOptions("{ target: work, args: [1] }", "target", "args", "name", "daemon");

/**
 * A process of its own, with `target` or a subclass's `run` to do.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { Process } from "heddle/multiprocessing";
 *
 * function work(name: string) {
 *   console.log(`${name} runs`); // prints child runs
 *   process.exit(3);
 * }
 *
 * function idle() {
 *   setInterval(() => {}, 1000); // never ends by itself
 * }
 *
 * if (isMain) {
 *   const child = new Process({ target: work, args: ["child"] });
 *   child.start();
 *   await child.join();
 *   console.log(child.exitCode); // prints 3
 *
 *   const endless = new Process({ target: idle });
 *   endless.start();
 *   endless.kill();
 *   await endless.join();
 *   console.log(endless.exitCode); // by signal 9: prints -9
 * }
 * ```
 */
export class Process<A extends unknown[] = []> {
  /**
   * Makes a process without starting it. Throws `DataCloneError` if the target cannot cross, `TypeError` for options
   * of the wrong kind.
   */
  constructor(options: ActivityOptions<A> = {} as ActivityOptions<A>) {
    checkOptions(options, PROCESS_OPTIONS);
    const { target, args = [], name, daemon } = options as ActivityOptions<unknown[]>;
    if (target !== undefined) checkCallable(target, "target");
    if (!Array.isArray(args)) throw new TypeError(`args must be an array, not ${describeValue(args)}`);
    checkName(name);
    const creator = inside(ownProcess());
    const identity = nextIdentity();
    setInside(this, {
      name: name ?? `${new.target.name}-${identity.join(":")}`,
      daemon: Boolean(daemon ?? creator.daemon),
      authkey: creator.authkey,
      identity,
      target: target as never,
      targetReference: target === undefined ? null : referenceTo(target),
      args,
      record: null,
      pid: null,
      closed: false,
      noticed: false,
      sentinel: null,
    });
  }

  /** Its name on the timeline; by default the class and a number, such as `Process-1`. */
  get name(): string {
    return inside(this).name;
  }

  set name(name: string) {
    if (typeof name !== "string") throw new TypeError("name must be a string");
    inside(this).name = name;
  }

  /** Whether it is terminated when its parent ends. Throws `RuntimeError` if set after `start`. */
  get daemon(): boolean {
    return inside(this).daemon;
  }

  set daemon(daemon: boolean) {
    const it = inside(this);
    if (it.record !== null || it.pid !== null) throw new RuntimeError("process has already started");
    it.daemon = Boolean(daemon);
  }

  /** The number the operating system gave it, or null before `start`. */
  get pid(): number | null {
    const it = open(this);
    return it.pid ?? it.record?.pid ?? null;
  }

  /** Python's other name for {@link pid}. */
  get ident(): number | null {
    return this.pid;
  }

  /** Null until it ends; then 0, the code it exited with, 1 after an uncaught error, or -N after signal N. */
  get exitCode(): number | null {
    const it = open(this);
    if (it.record?.state !== ProcessState.Ended) return null;
    notice(this, it);
    return it.record.exitCode;
  }

  /** Something to wait for, ready when the process ends. Throws `RangeError` before `start`. */
  get sentinel(): Sentinel {
    const it = open(this);
    if (it.sentinel === null) {
      if (it.record === null) throw new RangeError("process not started");
      it.sentinel = Object.freeze({ pid: it.record.pid });
      setRecordOfSentinel(it.sentinel, it.record);
    }
    return it.sentinel;
  }

  /** The key that connections of this process use by default; inherited by its children. */
  get authkey(): Uint8Array {
    return inside(this).authkey;
  }

  set authkey(authkey: Uint8Array) {
    if (!(authkey instanceof Uint8Array)) throw new TypeError("authkey must be a Uint8Array");
    inside(this).authkey = Uint8Array.from(authkey);
  }

  /** The process's work, run in the child; it ends when this returns or the promise it returns settles. */
  run(): unknown {
    const { target, args } = inside(this);
    return target?.(...(args as never[]));
  }

  /**
   * Starts it, once. Throws `RuntimeError` the second time, in a daemon, and while the script is still being imported,
   * `DataCloneError` if the arguments or fields cannot cross, and the system's error if there can be no process.
   */
  start(): void {
    const it = open(this);
    if (it.pid !== null) throw new RuntimeError("can only start a process object created by current process");
    if (it.record !== null) throw new RuntimeError("cannot start a process twice");
    assertMayHaveChildren();
    assertMayStart("process");
    const type = Object.getPrototypeOf(this).constructor as typeof Process;
    const { value: start, descriptors } = collectDescriptors(() =>
      encodeStart({
        main: mainScriptUrl,
        argv: process.argv,
        who: whoIs(it),
        work: {
          kind: "process",
          target: it.targetReference,
          args: encode(it.args, { crossing: "process", once: true, path: "args" }),
          type: (type as unknown) === Process ? null : referenceTo(type, "the process's class"),
          fields: encode({ ...this }, { crossing: "process", once: true, path: "this" }),
        },
      }),
    );
    const record = new ProcessRecord();
    const settings = { ...withName(childSettings(), it.name), descriptors };
    request({ kind: "spawn", record: record.buffer, settings, start, daemon: it.daemon }, [
      ...(start.byteOffset === 0 && start.byteLength === start.buffer.byteLength ? [start.buffer as ArrayBuffer] : []),
    ]);
    record.waitStartedSync(isServiceGone);
    if (record.state === ProcessState.Failed) throw new Error(`the process could not be started: ${record.error}`);
    it.record = record;
    addChild(this);
    if (recording) emit(EventKind.ProcessSpawn, 0, callSite(), record.pid, intern(it.name), 0);
    // A program does not end before its children, unless they are daemons. A thread may.
    if (!it.daemon && isMainThread) {
      record.waitEnded(Number.POSITIVE_INFINITY, undefined).then(() => notice(this, it));
    }
  }

  /**
   * Waits for its end or, at most, `timeout` milliseconds, and does not tell which. Rejects with `RuntimeError` before
   * `start` and with the signal's reason if that is aborted.
   */
  async join(options: WaitOptions = {}): Promise<void> {
    checkOptions(options, WAIT_OPTIONS);
    const { it, record } = joinable(this);
    options.signal?.throwIfAborted();
    if (record.state === ProcessState.Running) {
      const wait = beginJoin(it, EventFlag.Async);
      try {
        await record.waitEnded(timeoutOf(options), options.signal);
      } finally {
        endJoin(wait, record, EventFlag.Async);
      }
    }
    notice(this, it);
  }

  /** Blocking {@link join}. */
  joinSync(options: TimeoutOptions = {}): void {
    checkBlockingOptions(options);
    const { it, record } = joinable(this);
    if (record.state === ProcessState.Running) {
      const wait = beginJoin(it, 0);
      record.waitEndedSync(timeoutOf(options), isServiceGone);
      endJoin(wait, record, 0);
    }
    notice(this, it);
  }

  /** True between `start` and its end. */
  isAlive(): boolean {
    const it = open(this);
    if ((this as unknown) === ownProcess()) return true;
    if (it.record === null) return it.pid !== null && it.pid === process.ppid;
    notice(this, it);
    return it.record.state === ProcessState.Running;
  }

  /** Asks it to end, with SIGTERM. Its exit handlers do not run. Throws `RuntimeError` before `start`. */
  terminate(): void {
    signal(this, "SIGTERM");
  }

  /** Ends it with SIGKILL. Throws `RuntimeError` before `start`. */
  kill(): void {
    signal(this, "SIGKILL");
  }

  /** Lets go of it; every later use throws `RangeError`, and so does this while it runs. */
  close(): void {
    const it = inside(this);
    if (it.closed) return;
    if (it.record?.state === ProcessState.Running) {
      throw new RangeError(
        "Cannot close a process while it is still running. You should first call join() or terminate().",
      );
    }
    notice(this, it);
    it.closed = true;
    forgetChild(this);
  }

  [inspect.custom](): string {
    const it = inside(this);
    return `<${this.constructor.name} name='${it.name}' ${it.closed ? "closed" : describe(this, it)}>`;
  }
}

// A bundler may rename a class that uses itself, and the name is in the names of processes.
Object.defineProperty(Process, "name", { value: "Process", configurable: true });
makeSelf(Process.prototype);

function describe(of: object, it: Inside): string {
  if (of === ownProcess()) return `pid=${process.pid} started`;
  if (it.record === null) return it.pid === null ? "initial" : `pid=${it.pid} unknown`;
  const ended = it.record.state === ProcessState.Ended;
  return `pid=${it.record.pid} ${ended ? `stopped exitcode=${it.record.exitCode}` : "started"}`;
}

function signal(process: object, name: NodeJS.Signals): void {
  const it = open(process);
  if (it.record === null) throw new RuntimeError(`cannot send ${name} to a process that this one has not started`);
  if (it.record.state === ProcessState.Running) request({ kind: "signal", pid: it.record.pid, name });
}

/** The calling process. */
export function currentProcess(): Process {
  return ownProcess() as Process;
}

/** The process that started this one, or null in the one the user started. */
export function parentProcess(): Process | null {
  return ownParent() as Process | null;
}

/** The living children of this process. */
export function activeChildren(): Process[] {
  return livingChildren() as Process[];
}

/** Gives the process that this is its class, its fields and what it runs. Returns it. */
export function takeWork(
  type: typeof Process | null,
  fields: object,
  target: ((...args: never[]) => unknown) | null,
  args: readonly unknown[],
): Process {
  return takeOwnWork(type, fields, target, args) as Process;
}
