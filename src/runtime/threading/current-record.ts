/** The calling thread's own record. */
import { isMainThread, threadId, workerData } from "node:worker_threads";
import { HeapWord, words } from "../core/heap.js";
import { nativeThreadId } from "../core/native-id.js";
import { ThreadRecord, ThreadState } from "./thread-record.js";

/** What a worker that the library started finds in `workerData`. */
export interface ThreadWorkerData {
  readonly heddleThread: {
    /** Index of the thread's record. */ readonly record: number;
    /** The encoded {@link ThreadStart}. */ readonly payload: Uint8Array;
    /** It works for a pool: its error is not for the hook. */ readonly watched: boolean;
    /** What could not be encoded and came by the worker's own channel. */ readonly extras: unknown[];
  };
}

let own: ThreadRecord | null = null;

function find(): ThreadRecord {
  const given = (workerData as Partial<ThreadWorkerData> | null | undefined)?.heddleThread;
  if (!isMainThread && given !== undefined) return new ThreadRecord(given.record);
  // The main thread, or a worker that somebody else started.
  const name = isMainThread ? "MainThread" : `Dummy-${words.add(HeapWord.ThreadNames, 1) + 1}`;
  const record = ThreadRecord.create(name, !isMainThread);
  record.enter(threadId + 1, 0, ThreadState.Running);
  record.begin(nativeThreadId());
  if (!isMainThread) {
    // A worker whose program came to its end has ended well; one that exits or is killed before has not.
    process.on("beforeExit", () => record.markReturned());
    process.on("exit", () => record.end());
  }
  return record;
}

/** The record of the calling thread. */
export function currentRecord(): ThreadRecord {
  own ??= find();
  return own;
}

// At once in the main thread, so that all its threads can find it.
if (isMainThread) currentRecord();
