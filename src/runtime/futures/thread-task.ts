/**
 * What a pool of threads and its workers agree on besides the channels of `core/task-channel.ts`: what a worker is told
 * at its start, and what it says to the inbox of the pool's owner. (Results do not go there but into its own channel.)
 */
import type { MessagePort } from "node:worker_threads";
import type { FunctionReference } from "../core/function-reference.js";
import { encode } from "../core/structured-clone.js";

/** What a worker says: one byte of these, its number as u32, then what belongs to it. */
export const Word = {
  /** The initializer threw: its error. */
  InitializerFailed: 1,
  /** It ends as it should. */
  Leaving: 2,
  /** It dies: its exit code as i32, and what is known of the reason as text. */
  Dying: 3,
  /** It has begun a task whose ports it needs; the message's number is the ticket. */
  NeedsPorts: 4,
} as const;

/** What goes through a worker's port: what belongs to the arguments of a task, or to a result. */
export interface ExtrasMessage {
  readonly ticket: number;
  readonly extras: readonly unknown[];
}

/** What a worker is told at its start. */
export interface WorkerStart {
  /** The channel of tasks. */
  readonly channel: number;
  /** Its own words. */
  readonly record: number;
  readonly inbox: number;
  readonly receiver: number;
  readonly worker: number;
  /** The pool in the trace. */
  readonly poolNumber: number;
  readonly owner: string;
  readonly initializer: FunctionReference | null;
  /** Encoded. */
  readonly initArgs: Uint8Array;
  /** For what cannot be in shared memory. */
  readonly port: MessagePort;
}

/** Bytes before the body of what a worker says. */
export const WORD_HEADER = 5;

/** What a worker says, as bytes. */
export function wordBytes(kind: number, worker: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(WORD_HEADER + body.length);
  bytes[0] = kind;
  new DataView(bytes.buffer).setUint32(1, worker, true);
  bytes.set(body, WORD_HEADER);
  return bytes;
}

/** An error as bytes, whatever it is; one that cannot cross is replaced by the `DataCloneError` that says why. */
export function encodeError(error: unknown): Uint8Array {
  try {
    return encode(error, { path: "error" });
  } catch (problem) {
    return encode(problem, { path: "error" });
  }
}
