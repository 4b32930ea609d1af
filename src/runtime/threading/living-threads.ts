/** Which threads there are, and numbers of the calling one. */
import { isMainThread, threadId } from "node:worker_threads";
import { nativeThreadId } from "../core/native-id.js";
import { currentRecord } from "./current-record.js";
import { currentThread, type Thread, threadOf } from "./thread.js";
import { ThreadRecord } from "./thread-record.js";

/** The thread in which the process started. */
export function mainThread(): Thread {
  if (isMainThread) return currentThread();
  const record = ThreadRecord.living().find((each) => each.ident === 1);
  return record === undefined ? currentThread() : threadOf(record);
}

/**
 * All living threads of this process, the main one and daemons included.
 *
 * @example
 * ```ts
 * import { currentThread, enumerate, mainThread } from "heddle/threading";
 *
 * console.log(enumerate().length, currentThread() === mainThread()); // prints 1 true
 * ```
 */
export function enumerate(): Thread[] {
  currentRecord();
  return ThreadRecord.living()
    .sort((a, b) => a.ident - b.ident)
    .map(threadOf);
}

/** How many {@link enumerate} would give. */
export function activeCount(): number {
  return enumerate().length;
}

/** The calling thread's `ident`. */
export function getIdent(): number {
  return threadId + 1;
}

/** The calling thread's `nativeId`. */
export function getNativeId(): number {
  return nativeThreadId();
}
