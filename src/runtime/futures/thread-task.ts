/**
 * Tasks of a thread pool as they lie in shared memory, and what its workers answer.
 *
 * A task:   u32 task number, u32 word of its state, u32 bytes of the function's reference, the reference as JSON (equal
 *           functions have equal bytes, so a worker resolves each once), the arguments encoded.
 * An answer: one byte of {@link Answer}, u32 worker, then what belongs to it; the message's number is the task's.
 *
 * The state word decides who has a task. A worker that takes it changes it from Pending to Running, `cancel` from
 * Pending to Cancelled; whoever comes second finds it changed.
 */
import type { FunctionReference } from "../core/function-reference.js";
import { encode } from "../core/structured-clone.js";
import type { TaskFunction } from "../multiprocessing/task-codec.js";

export const TaskState = { Pending: 0, Running: 1, Cancelled: 2 } as const;

export const Answer = {
  /** The task returned: its value. */
  Result: 0,
  /** The task threw: its error. */
  Failure: 1,
  /** The task was cancelled before; its state word is not needed any more. */
  Skipped: 2,
  /** The worker's initializer threw: its error. */
  InitializerFailed: 3,
  /** The worker ends as it should. */
  Leaving: 4,
  /** The worker dies: its exit code as i32, and what is known of the reason as text. */
  Dying: 5,
} as const;

/** Words of a worker's record in the heap. */
export const WorkerWord = {
  /** The task it runs, 0 for none. */
  Task: 0,
  /** Its OS thread, 0 until it runs. */
  NativeId: 1,
} as const;
export const WORKER_WORDS = 4;

/** Words that a pool shares with its workers. */
export const PoolWord = {
  /** Workers that wait and were not reckoned with by a submit yet: Python's idle semaphore. */
  Idle: 0,
  /** Not 0: no task is to be begun any more. */
  Broken: 1,
} as const;
export const POOL_WORDS = 4;

/** What a worker is told at its start: plain numbers, which cross as they are. */
export interface WorkerStart {
  readonly tasks: number;
  readonly pool: number;
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
}

const HEADER_BYTES = 12;

/** The bytes of a task. Throws `DataCloneError` for arguments that cannot cross. */
export function encodeTask(number: number, state: number, fn: TaskFunction, args: readonly unknown[]): Uint8Array {
  const encoded = encode(args, { path: "args" });
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + fn.bytes.length + encoded.length);
  bytes.writeUInt32LE(number, 0);
  bytes.writeUInt32LE(state, 4);
  bytes.writeUInt32LE(fn.bytes.length, 8);
  bytes.set(fn.bytes, HEADER_BYTES);
  bytes.set(encoded, HEADER_BYTES + fn.bytes.length);
  return bytes;
}

/** The parts of a task. */
export function splitTask(bytes: Uint8Array): { number: number; state: number; key: string; args: Uint8Array } {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = HEADER_BYTES + buffer.readUInt32LE(8);
  return {
    number: buffer.readUInt32LE(0),
    state: buffer.readUInt32LE(4),
    key: buffer.toString("latin1", HEADER_BYTES, end),
    args: buffer.subarray(end),
  };
}

/** Bytes of an answer before its body. */
export const ANSWER_HEADER = 5;

/** An answer: its kind, the worker's number, a body. */
export function answerBytes(kind: number, worker: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(ANSWER_HEADER + body.length);
  bytes[0] = kind;
  bytes[1] = worker;
  bytes[2] = worker >>> 8;
  bytes[3] = worker >>> 16;
  bytes[4] = worker >>> 24;
  bytes.set(body, ANSWER_HEADER);
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
