/** What a thread asks of its io-service. Each request is one message; they are served in order. */
import type { MessagePort } from "node:worker_threads";
import type { ChildSettings } from "./child.js";
import type { DispatcherOptions } from "./pool-dispatcher.js";
import type { PoolAddress } from "./pool-post.js";

/** Starts a process. */
export interface SpawnRequest {
  readonly kind: "spawn";
  /** The buffer of its {@link ProcessRecord}. */
  readonly record: SharedArrayBuffer;
  readonly settings: ChildSettings;
  /** The body of its first frame. */
  readonly start: Uint8Array;
  readonly daemon: boolean;
}

/** Sends a signal to a process. */
export interface SignalRequest {
  readonly kind: "signal";
  readonly pid: number;
  readonly name: NodeJS.Signals;
}

/** Makes a pool. */
export interface PoolRequest {
  readonly kind: "pool";
  readonly pool: number;
  readonly address: PoolAddress;
  /** Where its tasks come from. */
  readonly stream: number;
  /** For what is too large for the heap, both ways. */
  readonly port: MessagePort;
  readonly options: DispatcherOptions;
  readonly settings: ChildSettings;
  /** The body of the first frame to its workers; each gets a number behind the name in it. */
  readonly start: Uint8Array;
}

/** Tells that there are tasks, when the pool had asked to be told. */
export interface TasksRequest {
  readonly kind: "tasks";
  readonly pool: number;
}

/** Ends a pool when its tasks are done, or at once. */
export interface ShutdownRequest {
  readonly kind: "shutdown" | "terminate";
  readonly pool: number;
}

/** The thread ends: daemons are terminated, and so are pools of daemons; executors finish. The answer comes when no child is left. */
export interface ExitRequest {
  readonly kind: "exit";
  readonly answer: SharedArrayBuffer;
}

/** The thread uses connections: what it asks of their part of the service comes by a port of its own. */
export interface ConnectionsRequest {
  readonly kind: "connections";
  readonly port: MessagePort;
  /** A word that changes with everything that is said on the port. */
  readonly word: SharedArrayBuffer;
}

export type Request =
  | SpawnRequest
  | SignalRequest
  | PoolRequest
  | TasksRequest
  | ShutdownRequest
  | ConnectionsRequest
  | ExitRequest;

/** What word 0 of an answer is once it is there; 0 before. */
export const ANSWERED = 1;
