/** What the io-service tells the thread that owns a pool, through that thread's inbox. */
import { postTo } from "../futures/inbox.js";

/** Where a pool's messages go: the inbox of its thread, and a receiver there for each kind. */
export interface PoolAddress {
  readonly inbox: number;
  /** number: the task's; payload: its value. */
  readonly results: number;
  /** number: the task's; payload: its error. */
  readonly failures: number;
  /** number: one of {@link PoolEvent}. */
  readonly events: number;
}

export const PoolEvent = {
  /** A worker died: payload, the message as text. */
  Broken: 1,
  /** The initializer failed: payload, the error; comes before Broken. */
  InitializerFailed: 2,
  /** It was shut down and no worker is left. */
  Closed: 3,
  /** A worker was started: payload, its pid (i32) and name. */
  Started: 4,
  /** A worker ended: payload, its pid and exit code (i32). */
  Ended: 5,
} as const;

const nothing = new Uint8Array(0);

export class PoolPost {
  readonly #to: PoolAddress;

  constructor(to: PoolAddress) {
    this.#to = to;
  }

  finished(id: number, failed: boolean, body: Uint8Array): void {
    postTo(this.#to.inbox, failed ? this.#to.failures : this.#to.results, id, body);
  }

  started(pid: number, name: string): void {
    const payload = Buffer.from(`    ${name}`);
    payload.writeInt32LE(pid, 0);
    this.#event(PoolEvent.Started, payload);
  }

  ended(pid: number, exitCode: number): void {
    const payload = Buffer.alloc(8);
    payload.writeInt32LE(pid, 0);
    payload.writeInt32LE(exitCode, 4);
    this.#event(PoolEvent.Ended, payload);
  }

  broken(message: string, error: Uint8Array | null): void {
    if (error !== null) this.#event(PoolEvent.InitializerFailed, error);
    this.#event(PoolEvent.Broken, new TextEncoder().encode(message));
  }

  closed(): void {
    this.#event(PoolEvent.Closed, nothing);
  }

  #event(kind: number, payload: Uint8Array): void {
    postTo(this.#to.inbox, this.#to.events, kind, payload);
  }
}
