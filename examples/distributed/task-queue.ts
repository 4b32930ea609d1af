// What the three programs of this folder have in common: the queues, and what they carry.
//
// A plain queue would lose what a killed worker had taken. This one only lends its tasks: a worker that does not say in
// time that it is still at it loses the task to the next one.

import { Empty, Queue } from "heddle/queue";

export interface Task {
  readonly id: number;
  /** Count the primes below this. */
  readonly limit: number;
}

export interface Result {
  readonly id: number;
  readonly limit: number;
  readonly primes: number;
  /** Who found out. */
  readonly worker: string;
}

/** How long a worker may be silent, in milliseconds. */
export const LEASE_MS = 1000;

/** Lives at the server; workers and clients have proxies of it. */
export class TaskQueue {
  readonly #waiting = new Queue<Task>({ name: "task_queue" });
  readonly #lent = new Map<number, { readonly task: Task; until: number }>();
  readonly #results: Queue<Result>;
  #lastId = 0;
  #again = 0;

  constructor(results: Queue<Result>) {
    this.#results = results;
    setInterval(() => this.#takeBack(), LEASE_MS / 10).unref();
  }

  /** Adds a task. Returns its number. */
  put(limit: number): number {
    const task = { id: ++this.#lastId, limit };
    this.#waiting.putNowait(task);
    return task.id;
  }

  /** Lends a task, or resolves with null if there is none for a while, and none is lent that could come back. */
  async get(timeout = 500): Promise<Task | null> {
    for (;;) {
      try {
        const task = await this.#waiting.get({ timeout });
        this.#lent.set(task.id, { task, until: performance.now() + LEASE_MS });
        return task;
      } catch (error) {
        if (!(error instanceof Empty)) throw error;
        if (this.#lent.size === 0) return null;
      }
    }
  }

  /** A worker is still at a task. Returns false if it was taken for dead: the task is somebody else's. */
  keep(id: number): boolean {
    const lent = this.#lent.get(id);
    if (lent !== undefined) lent.until = performance.now() + LEASE_MS;
    return lent !== undefined;
  }

  /** A task is done. Returns false, and drops the result, if somebody else has done it. */
  done(result: Result): boolean {
    if (!this.#lent.delete(result.id)) return false;
    this.#results.putNowait(result);
    return true;
  }

  /** How many tasks wait, are lent, and were handed out again. */
  state() {
    return { waiting: this.#waiting.qsize(), lent: this.#lent.size, again: this.#again };
  }

  #takeBack() {
    for (const [id, { task, until }] of this.#lent) {
      if (performance.now() < until) continue;
      this.#lent.delete(id);
      this.#again++;
      this.#waiting.putNowait(task);
    }
  }
}
