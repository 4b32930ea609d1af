/** Who asks a server for something, as the objects there see it. */

/** One client: a thread of some process, by its connection. */
export interface Client {
  /** "thread MainThread of process 4711". */
  readonly name: string;
  readonly pid: number;
  /** What the operating system calls the thread; 0 if that is not known. */
  readonly thread: number;
  /** Objects it holds: they are told when it is gone. */
  readonly holds: Set<Holdable>;
  /** It has disconnected. */
  readonly gone: boolean;
}

/** An object that may be held by a client, and has to know of its end. */
export interface Holdable {
  clientGone(client: Client): void;
}

/** Taken instead of an async context's number by what blocks its thread. */
export const WHOLE_THREAD = 0;

/** What a request that is not wanted any more ends with; never told to anybody. */
export const CANCELLED: unique symbol = Symbol("cancelled");

/** One request. */
export class Caller {
  readonly #ends = new Set<() => void>();
  #controller: AbortController | null = null;
  cancelled = false;
  /** Wants to know by which thread its wait was ended. */
  woken: ((thread: number) => void) | null = null;

  /** `context`: the async context that asks, not 0. `blocking`: its whole thread waits. */
  constructor(
    readonly client: Client,
    readonly context: number,
    readonly blocking: boolean,
  ) {}

  /** Who owns what this request takes: the whole thread, or the context. */
  get owner(): number {
    return this.blocking ? WHOLE_THREAD : this.context;
  }

  /** Has `end` called when the request is cancelled. Returns how to take that back. */
  onCancel(end: () => void): () => void {
    this.#ends.add(end);
    return () => this.#ends.delete(end);
  }

  /** Aborted when the request is cancelled. */
  get signal(): AbortSignal {
    if (this.#controller === null) {
      const controller = new AbortController();
      this.#controller = controller;
      if (this.cancelled) controller.abort(CANCELLED);
      else this.onCancel(() => controller.abort(CANCELLED));
    }
    return this.#controller.signal;
  }

  cancel(): void {
    if (this.cancelled) return;
    this.cancelled = true;
    for (const end of [...this.#ends]) end();
    this.#ends.clear();
  }
}
