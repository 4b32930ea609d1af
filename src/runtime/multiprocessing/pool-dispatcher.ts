/**
 * A pool of processes as the io-service sees it: workers, and which of them gets which task.
 *
 * Tasks stay in their stream (`task-stream.ts`), where they can be cancelled, until a worker is to have them. A worker
 * that runs a task has others waiting in its channel only if tasks are short: then the trip from here would cost more
 * than the task, and as many are sent ahead as take about a millisecond. Long ones are not sent ahead, since a task
 * behind a long one would wait there while another worker has nothing to do.
 *
 * An executor starts workers on demand, when a task finds none that is free, and breaks at the death of one. A `Pool`
 * starts all at once and replaces those that end. A worker tells the result of each task before it begins the next, so
 * when one dies, the first task that it has not told of is the one it had, and is reported as lost; those that were sent
 * behind it were not begun and go to others, in their order. (A worker that is killed while it waits for a task that is
 * on its way to it had that one, too: whether it began nobody can know any more.)
 */
import { constants } from "node:os";
import type { ChildEvents } from "./child.js";
import { FromChild, functionHead, functionOf, kindOf, ToChild } from "./messages.js";
import type { TaskStreamReader } from "./task-stream.js";

/** What the dispatcher needs of a child; `Child` has it. */
export interface WorkerChild {
  readonly pid: number | undefined;
  send(kind: number, id: number, body: Uint8Array): void;
  signal(name: NodeJS.Signals): void;
}

/** Where the dispatcher stands: how it gets children and whom it tells. */
export interface PoolHost {
  startWorker(events: ChildEvents): WorkerChild;
  /** A task is done. `kind`: of `FromChild`. The body is only good during the call. */
  finished(id: number, kind: number, body: Uint8Array): void;
  /** So much was read of a worker at once; what was finished may be told. */
  flush(): void;
  /** A worker took a task with it; the others of the pool go on. `error`: what it ended by, if that is known. */
  lost(id: number, pid: number, exitCode: number, error: Uint8Array | null): void;
  /** All tasks that are not done are lost. `error`: what failed in a worker, if that is known. */
  broken(message: string, error: Uint8Array | null): void;
  /** It was shut down and the last worker has ended. */
  closed(): void;
}

export interface DispatcherOptions {
  readonly maxWorkers: number;
  readonly maxTasksPerChild: number;
  /** True for a `Pool`: all workers start at once, and one that ends is replaced. */
  readonly replaces: boolean;
}

/** How much work in microseconds is sent ahead to a worker, at most. */
const AHEAD_US = 1000;
/** Tasks above this are not sent ahead at all. */
const LONG_US = 5000;
/** How much one task changes what is thought of all. */
const WEIGHT_OF_ONE = 0.2;
/** The most tasks a worker has at a time. */
const MOST_AHEAD = 64;
/** How long a worker that is to be terminated may take before it is killed, in milliseconds. */
const TERMINATE_MS = 500;
/** Workers that fail one after the other before any gets ready break a pool that replaces: so many, or one for each. */
const MOST_FAILURES = 3;

/** A task that a worker has, to be given to another. */
interface Sent {
  readonly head: number;
  readonly body: Uint8Array;
}

interface PoolWorker {
  child: WorkerChild;
  ready: boolean;
  /** Was told to end. */
  stopping: boolean;
  /** Tasks it has, in order; their contents only where workers are replaced. */
  readonly tasks: Map<number, Sent | null>;
  /** Functions it was told of. */
  readonly functions: Set<number>;
  /** How many tasks it may still be given. */
  left: number;
  /** What it ends by, if it has said that. */
  error: Uint8Array | null;
  /** Its initializer threw that. */
  initializerFailed: boolean;
}

const nothing = new Uint8Array(0);

/** How a process ended, in words. */
export function describeEnd(exitCode: number): string {
  if (exitCode >= 0) return `exited with code ${exitCode}`;
  return `was killed by signal ${-exitCode}${signalName(-exitCode)}`;
}

function signalName(number: number): string {
  const name = Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
  return name === undefined ? "" : ` (${name})`;
}

export class PoolDispatcher {
  readonly #host: PoolHost;
  readonly #options: DispatcherOptions;
  readonly #stream: TaskStreamReader;
  /** References by number. */
  readonly #functions: Uint8Array[];
  readonly #workers = new Set<PoolWorker>();
  /** Tasks of workers that died before they began them. */
  readonly #returned: (Sent & { readonly id: number })[] = [];
  /** How long a task takes, smoothed; NaN until known. */
  #taskUs = Number.NaN;
  /** Workers that are ready and not told to end; those not told to end. */
  #ready = 0;
  #living = 0;
  /** Workers that ended before they were ready, since one was. */
  #failures = 0;
  #shutdown = false;
  #broken = false;
  #closed = false;

  constructor(host: PoolHost, stream: TaskStreamReader, functions: Uint8Array[], options: DispatcherOptions) {
    this.#host = host;
    this.#stream = stream;
    this.#functions = functions;
    this.#options = options;
  }

  /** Takes no more tasks; ends when those it has are done. */
  shutdown(): void {
    this.#shutdown = true;
    this.dispatch();
  }

  /** Ends the workers at once. */
  terminate(): void {
    if (this.#closed) return;
    this.#shutdown = true;
    this.#broken = true;
    for (const worker of this.#workers) worker.child.signal("SIGTERM");
    // One that does not listen is not asked again.
    const timer = setTimeout(() => {
      for (const worker of this.#workers) worker.child.signal("SIGKILL");
    }, TERMINATE_MS);
    timer.unref();
    this.#closeIfDone();
  }

  /** Hands out what can be handed out. Called after every change. */
  dispatch(): void {
    while (!this.#broken) {
      const seen = this.#stream.published;
      if (this.#waiting > 0) this.#feedAll();
      this.#startWorkers();
      // What comes next is asked for if it could be given to somebody, or be a reason to start another worker.
      if (this.#waiting > 0 && (this.#options.replaces || this.#living >= this.#options.maxWorkers)) break;
      this.#stream.askForPoke();
      // It may have come just before.
      if (this.#stream.published === seen) break;
    }
    this.#closeIfDone();
  }

  get #waiting(): number {
    return this.#returned.length + this.#stream.waiting;
  }

  #startWorkers(): void {
    const { maxWorkers, replaces } = this.#options;
    const waiting = this.#waiting;
    if (this.#shutdown && waiting === 0) return;
    // What those that are starting will take needs no further ones.
    let wanted = replaces ? maxWorkers : waiting - (this.#living - this.#ready);
    while (wanted-- > 0 && this.#living < maxWorkers && !this.#broken) this.#start();
  }

  #feedAll(): void {
    for (const worker of this.#workers) if (worker.ready && worker.tasks.size === 0) this.#feed(worker, 1);
    // One task for a worker is not enough to know which are short; from then on they are fed ahead.
    const ahead = this.#ahead();
    if (ahead > 1) for (const worker of this.#workers) if (worker.ready) this.#feed(worker, ahead);
  }

  /** How many tasks a worker may have now. */
  #ahead(): number {
    const us = this.#taskUs;
    if (!(us < LONG_US)) return 1;
    // Not while another worker could take them, and near the end of the queue fewer: all workers share what is left.
    const { maxWorkers } = this.#options;
    if (this.#ready < maxWorkers) return 1;
    const share = Math.floor(this.#waiting / (2 * maxWorkers));
    return Math.max(1, Math.min(MOST_AHEAD, Math.ceil(AHEAD_US / Math.max(us, 1)), share));
  }

  #feed(worker: PoolWorker, upTo: number): void {
    const stream = this.#stream;
    while (worker.tasks.size < upTo && worker.left > 0 && !worker.stopping) {
      const again = this.#returned.shift();
      if (again !== undefined) {
        this.#send(worker, again.id, again.head, again.body, again);
      } else if (stream.take()) {
        const { id, head, body, isOwn } = stream;
        const kept = this.#options.replaces ? { head, body: isOwn ? body : body.slice() } : null;
        this.#send(worker, id, head, body, kept);
      } else return;
    }
  }

  #send(worker: PoolWorker, id: number, head: number, body: Uint8Array, kept: Sent | null): void {
    const fn = functionOf(head);
    if (!worker.functions.has(fn)) {
      worker.functions.add(fn);
      worker.child.send(functionHead(fn), 0, this.#functions[fn] as Uint8Array);
    }
    worker.tasks.set(id, kept);
    worker.left--;
    worker.child.send(head, id, body);
  }

  #start(): void {
    const worker: PoolWorker = {
      child: { pid: undefined, send: () => {}, signal: () => {} },
      ready: false,
      stopping: false,
      tasks: new Map(),
      functions: new Set(),
      left: this.#options.maxTasksPerChild,
      error: null,
      initializerFailed: false,
    };
    this.#workers.add(worker);
    this.#living++;
    worker.child = this.#host.startWorker({
      started: () => {},
      failed: (error) => {
        this.#workers.delete(worker);
        this.#living--;
        this.#break(`A worker process could not be started: ${error.message}`, null);
      },
      frame: (kind, id, body) => this.#frame(worker, kind, id, body),
      read: () => this.#read(worker),
      ended: (exitCode) => this.#ended(worker, exitCode),
    });
  }

  #stop(worker: PoolWorker): void {
    if (worker.stopping) return;
    worker.child.send(ToChild.Stop, 0, nothing);
    this.#leaves(worker);
  }

  /** A worker takes no more tasks. */
  #leaves(worker: PoolWorker): void {
    if (worker.stopping) return;
    worker.stopping = true;
    this.#living--;
    if (worker.ready) this.#ready--;
  }

  #frame(worker: PoolWorker, head: number, id: number, body: Uint8Array): void {
    if (this.#broken) return;
    const kind = kindOf(head);
    switch (kind) {
      case FromChild.Ready:
        worker.ready = true;
        this.#ready++;
        this.#failures = 0;
        return;
      case FromChild.ImportFailed:
        // All others would fail at the same place.
        this.#break("A worker process could not import the script", body.slice());
        return;
      case FromChild.InitializerFailed:
        worker.error = body.slice();
        worker.initializerFailed = true;
        if (!this.#options.replaces)
          this.#break("A process initializer failed, the process pool is not usable anymore", worker.error);
        return;
      case FromChild.Uncaught:
        worker.error = body.slice();
        return;
      default: {
        worker.tasks.delete(id);
        const us = head >>> 8;
        // One that lost its core for a while is not to make all others wait for each other.
        this.#taskUs = Number.isNaN(this.#taskUs) ? us : this.#taskUs + (us - this.#taskUs) * WEIGHT_OF_ONE;
        this.#host.finished(id, kind, body);
      }
    }
  }

  /** All frames that came at once are dealt with. */
  #read(worker: PoolWorker): void {
    this.#host.flush();
    if (this.#broken) return;
    if (worker.tasks.size === 0 && worker.left === 0) this.#stop(worker);
    // Fed when half of what was sent ahead is done, so that it goes in batches.
    if (worker.tasks.size <= this.#ahead() >> 1 || this.#shutdown) this.dispatch();
  }

  #ended(worker: PoolWorker, exitCode: number): void {
    const expected = worker.stopping && worker.tasks.size === 0;
    this.#workers.delete(worker);
    this.#leaves(worker);
    if (!this.#broken && !expected) this.#died(worker, exitCode);
    this.dispatch();
  }

  #died(worker: PoolWorker, exitCode: number): void {
    const how = `process ${worker.child.pid} ${describeEnd(exitCode)}`;
    if (!this.#options.replaces) {
      this.#break(
        `A process in the process pool was terminated abruptly while the future was running or pending: ${how}`,
        worker.error,
      );
      return;
    }
    if (!worker.ready) {
      const most = Math.max(MOST_FAILURES, this.#options.maxWorkers);
      if (++this.#failures < most) return;
      const why = worker.initializerFailed ? "in the initializer" : `before it could take a call: ${how}`;
      this.#break(`${most} worker processes in a row failed ${why}; the pool is not usable anymore`, worker.error);
      return;
    }
    const [first, ...others] = worker.tasks;
    if (first === undefined) return;
    this.#returned.unshift(...others.map(([id, sent]) => ({ id, ...(sent as Sent) })));
    this.#host.lost(first[0], worker.child.pid ?? 0, exitCode, worker.error);
  }

  #break(message: string, error: Uint8Array | null): void {
    if (this.#broken) return;
    this.#broken = true;
    this.#host.flush();
    this.#host.broken(message, error);
    for (const worker of this.#workers) worker.child.signal("SIGKILL");
    this.#closeIfDone();
  }

  /** After a shutdown, sends home the workers that have nothing to do; when none is left, it is closed. */
  #closeIfDone(): void {
    if (this.#closed || !(this.#broken || (this.#shutdown && this.#waiting === 0))) return;
    if (!this.#broken) for (const worker of this.#workers) if (worker.tasks.size === 0) this.#stop(worker);
    if (this.#workers.size > 0) return;
    this.#closed = true;
    this.#host.closed();
  }
}
