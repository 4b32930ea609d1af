/**
 * Threads as the system knows them, of this process and of others. A thread's number is given again to another thread
 * some time after its end, so a thread is known by its number and the time it began.
 */
import { readFileSync } from "node:fs";
import { isMainThread, threadId } from "node:worker_threads";
import { nativeThreadId } from "./native-id.js";

/** Fields of `/proc/…/stat` behind the name. */
const STATE = 0;
const START_TIME = 19;

/** What {@link beginning} gives for a thread that is gone, and for one of which nobody knows. */
const GONE = -1;
const UNKNOWN = -2;

/**
 * When a thread began, in ticks of the system's clock, as an int32 that is not negative; {@link GONE} for one that is
 * dead, also if its parent has not taken notice yet; {@link UNKNOWN} where the system does not tell.
 */
export function beginning(nativeId: number): number {
  if (process.platform !== "linux") return UNKNOWN;
  let text: string;
  try {
    text = readFileSync(`/proc/${nativeId}/task/${nativeId}/stat`, "latin1");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "ENOENT" || code === "ESRCH" ? GONE : UNKNOWN;
  }
  // The name may contain anything.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  if (fields[STATE] === "Z" || fields[STATE] === "X") return GONE;
  return Number(fields[START_TIME]) & 0x7fffffff;
}

/** When the calling thread began. */
export const ownBeginning: number = beginning(nativeThreadId());

/** True unless it is known that the thread with this number that began then is gone. */
export function lives(nativeId: number, began: number): boolean {
  const now = beginning(nativeId);
  return now === UNKNOWN || (now !== GONE && (began === UNKNOWN || now === began));
}

/** True unless the process is gone. */
export function processLives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

// A thread in 30 bits, so that one atomic operation can say whose something is. On Linux: its number, of 22 bits at most,
// and the last bits of its beginning. Elsewhere its process's number, and its own in there.
const BEGAN_BITS = 8;
const BEGAN = (1 << BEGAN_BITS) - 1;
const THREAD_BITS = 12;
const MOST_PIDS = 1 << (30 - THREAD_BITS);
/** 0 for one that has no room: nobody can tell then whether it lives. */
const shortPid = process.pid < MOST_PIDS ? process.pid : 0;

/** The calling thread in 30 bits, never 0. */
export const ownIdentity: number =
  process.platform === "linux"
    ? ((nativeThreadId() << BEGAN_BITS) | (ownBeginning & BEGAN)) & 0x3fffffff
    : (shortPid << THREAD_BITS) | (isMainThread ? 1 : 2 + (threadId % ((1 << THREAD_BITS) - 2)));

/** True unless it is known that the thread of such a number is gone. */
export function identityLives(identity: number): boolean {
  if (process.platform !== "linux") {
    const pid = identity >>> THREAD_BITS;
    return pid === 0 || processLives(pid);
  }
  const began = beginning(identity >>> BEGAN_BITS);
  return began === UNKNOWN || (began !== GONE && (began & BEGAN) === (identity & BEGAN));
}
