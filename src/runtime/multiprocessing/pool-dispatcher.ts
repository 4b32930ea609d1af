/**
 * A process pool as the io-service sees it: tasks that wait, and workers that take them.
 *
 * Tasks stay here, where they can be cancelled, until a worker is to have them. A worker that runs a task has others
 * waiting in its pipe only if tasks are short: then the trip from here would cost more than the task, and as many are
 * sent ahead as take about a millisecond. Long ones are not sent ahead, since a task behind a long one would wait there
 * while another worker has nothing to do.
 *
 * Workers start on demand: when a task finds none that is free, until there are as many as may be.
 */
import type { ChildEvents } from "./child.js";
import { FromChild, ToChild } from "./messages.js";
import { TaskStates } from "./task-states.js";

/** What the dispatcher needs of a child; `Child` has it. */
export interface WorkerChild {
  readonly pid: number | undefined;
  send(kind: number, id: number, body: Uint8Array): void;
  signal(name: NodeJS.Signals): void;
}

/** Where the dispatcher stands: how it gets children and whom it tells. */
export interface PoolHost {
  startWorker(events: ChildEvents): WorkerChild;
  /** A task is done: its result or error. The body is only good during the call. */
  finished(id: number, failed: boolean, body: Uint8Array): void;
  /** A worker died or could not be started; all tasks that are not done are lost. `error`: of the initializer. */
  broken(message: string, error: Uint8Array | null): void;
  /** It was shut down and the last worker has ended. */
  closed(): void;
}

/** How much work in microseconds is sent ahead to a worker, at most. */
const AHEAD_US = 1000;
/** Tasks above this are not sent ahead at all. */
const LONG_US = 5000;
/** The most tasks a worker has at a time. */
const MOST_AHEAD = 64;

interface PoolWorker {
  child: WorkerChild;
  ready: boolean;
  /** Was told to end. */
  stopping: boolean;
  /** Tasks it has, in order. */
  readonly tasks: Set<number>;
  /** How many it may still be given. */
  left: number;
}

const nothing = new Uint8Array(0);

export class PoolDispatcher {
  readonly #host: PoolHost;
  readonly #maxWorkers: number;
  readonly #maxTasksPerChild: number;
  /** Who got a task first: a worker, or its owner, who cancelled it. */
  readonly states = new TaskStates();
  readonly #waiting = new Map<number, Uint8Array>();
  readonly #workers = new Set<PoolWorker>();
  /** How long a task takes, smoothed; NaN until known. */
  #taskUs = Number.NaN;
  #shutdown = false;
  #broken = false;
  #closed = false;

  constructor(host: PoolHost, maxWorkers: number, maxTasksPerChild: number) {
    this.#host = host;
    this.#maxWorkers = maxWorkers;
    this.#maxTasksPerChild = maxTasksPerChild;
  }

  /** Takes a task in. */
  submit(id: number, body: Uint8Array): void {
    if (this.#broken) return;
    this.#waiting.set(id, body);
  }

  /** Lets go of a task that was cancelled. */
  forget(id: number): void {
    if (this.#waiting.delete(id)) this.states.over(id);
    this.#closeIfDone();
  }

  /** Takes no more tasks; ends when those it has are done. */
  shutdown(): void {
    this.#shutdown = true;
    this.dispatch();
  }

  /** Hands out what can be handed out. Called after every batch of changes. */
  dispatch(): void {
    if (this.#broken) return;
    let starting = 0;
    if (this.#waiting.size > 0) {
      for (const worker of this.#workers) {
        if (worker.ready) {
          if (worker.tasks.size === 0) this.#feed(worker, 1);
        } else if (!worker.stopping) starting++;
      }
    }
    // One task for a worker is not enough to know which are short; from then on they are fed ahead.
    const ahead = this.#ahead();
    if (ahead > 1 && this.#waiting.size > 0) {
      for (const worker of this.#workers) if (worker.ready) this.#feed(worker, ahead);
    }
    // What those that are starting will take needs no further ones. One dies and its successor comes: count the living.
    let wanted = this.#waiting.size - starting;
    while (wanted-- > 0 && this.#living() < this.#maxWorkers) this.#start();
    this.#closeIfDone();
  }

  /** How many tasks a worker may have now. */
  #ahead(): number {
    const us = this.#taskUs;
    if (!(us < LONG_US)) return 1;
    // Not while another worker could take them, and near the end of the queue fewer: all workers share what is left.
    if (this.#readyWorkers() < this.#maxWorkers) return 1;
    const share = Math.floor(this.#waiting.size / (2 * this.#maxWorkers));
    return Math.max(1, Math.min(MOST_AHEAD, Math.ceil(AHEAD_US / Math.max(us, 1)), share));
  }

  #feed(worker: PoolWorker, upTo: number): void {
    while (worker.tasks.size < upTo && worker.left > 0 && !worker.stopping) {
      const next = this.#waiting.entries().next();
      if (next.done) return;
      const [id, body] = next.value;
      this.#waiting.delete(id);
      if (!this.states.take(id)) {
        this.states.over(id);
        continue;
      }
      worker.tasks.add(id);
      worker.left--;
      worker.child.send(ToChild.Task, id, body);
    }
  }

  #readyWorkers(): number {
    let count = 0;
    for (const worker of this.#workers) if (worker.ready && !worker.stopping) count++;
    return count;
  }

  #living(): number {
    let count = 0;
    for (const worker of this.#workers) if (!worker.stopping) count++;
    return count;
  }

  #start(): void {
    const worker: PoolWorker = {
      child: { pid: undefined, send: () => {}, signal: () => {} },
      ready: false,
      stopping: false,
      tasks: new Set(),
      left: this.#maxTasksPerChild,
    };
    this.#workers.add(worker);
    worker.child = this.#host.startWorker({
      started: () => {},
      failed: (error) => {
        this.#workers.delete(worker);
        this.#break(`A worker process could not be started: ${error.message}`, null);
      },
      frame: (kind, id, body) => this.#frame(worker, kind, id, body),
      ended: (exitCode) => this.#ended(worker, exitCode),
    });
  }

  #stop(worker: PoolWorker): void {
    if (worker.stopping) return;
    worker.stopping = true;
    worker.child.send(ToChild.Stop, 0, nothing);
  }

  #frame(worker: PoolWorker, head: number, id: number, body: Uint8Array): void {
    const kind = head & 0xff;
    if (this.#broken) return;
    if (kind === FromChild.Ready) {
      worker.ready = true;
      this.dispatch();
    } else if (kind === FromChild.InitializerFailed) {
      this.#break("A process initializer failed, the process pool is not usable anymore", body.slice());
    } else {
      worker.tasks.delete(id);
      this.states.over(id);
      const us = head >>> 8;
      // Up at once, down slowly: a wrong guess at short tasks holds up other tasks, the opposite one costs little.
      this.#taskUs = us > this.#taskUs || Number.isNaN(this.#taskUs) ? us : this.#taskUs * 0.9 + us * 0.1;
      this.#host.finished(id, kind === FromChild.Failure, body);
      if (worker.tasks.size === 0 && worker.left === 0) this.#stop(worker);
      // Fed when half of what was sent ahead is done, so that it goes in batches.
      if (worker.tasks.size <= this.#ahead() >> 1 || this.#shutdown) this.dispatch();
    }
  }

  #ended(worker: PoolWorker, exitCode: number): void {
    this.#workers.delete(worker);
    if (!this.#broken && (!worker.stopping || worker.tasks.size > 0)) {
      const how = exitCode < 0 ? `was killed by signal ${-exitCode}` : `exited with code ${exitCode}`;
      this.#break(
        `A process in the process pool was terminated abruptly while the future was running or pending: ` +
          `process ${worker.child.pid} ${how}`,
        null,
      );
    }
    this.dispatch();
    this.#closeIfDone();
  }

  #break(message: string, error: Uint8Array | null): void {
    if (this.#broken) return;
    this.#host.broken(message, error);
    this.#waiting.clear();
    this.#abandon();
  }

  #abandon(): void {
    this.#broken = true;
    for (const worker of this.#workers) worker.child.signal("SIGKILL");
  }

  /** After a shutdown, sends home the workers that have nothing to do; when none is left, it is closed. */
  #closeIfDone(): void {
    if (this.#closed || !(this.#broken || this.#shutdown) || this.#waiting.size > 0) return;
    for (const worker of this.#workers) if (worker.tasks.size === 0) this.#stop(worker);
    if (this.#workers.size > 0) return;
    this.#closed = true;
    this.#host.closed();
  }
}
