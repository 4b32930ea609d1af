/**
 * Locks of a manager in the trace. A thread that takes one tells itself when it has it and when it gives it back; that it
 * has to wait, and for whom, it hears from the server (`Reply.Waiting`).
 */
import { emit, newWaitNumber, sharedObjectNumber } from "../../../recorder/emit.js";
import { EventFlag, EventKind, ObjectKind, ObjectScope } from "../../../trace/events.js";
import type { Token } from "./protocol.js";

const LOCKS: readonly number[] = [ObjectKind.Lock, ObjectKind.RLock, ObjectKind.Semaphore, ObjectKind.BoundedSemaphore];

/** How often this thread has an RLock: to take it again changes nothing for anybody else. */
const depths = new Map<string, number>();

/** A call of a lock's method, for the trace. */
export interface RecordedCall {
  /** It has to wait for a thread, 0 if it is not known for which. */
  waiting(holder: number): void;
  /** What it waited for has come, by a thread, 0 if it is not known by which. */
  woken(by: number): void;
  /** It returned something, or undefined if it threw. */
  ended(result: unknown): void;
}

function isLock(token: Token): boolean {
  return token.trace !== null && LOCKS.includes(token.trace[2]);
}

/** Begins a call of a recorded lock; null for what is none. `site`: the line that calls. */
export function recordCall(
  token: Token,
  method: string,
  args: readonly unknown[],
  site: number,
  flags: number,
): RecordedCall | null {
  if (!isLock(token) || (method !== "acquire" && method !== "release")) return null;
  const [pid, number, kind] = token.trace as [number, number, ObjectKind];
  const object = sharedObjectNumber(kind, pid, number, token.name, ObjectScope.Manager);
  const isRLock = kind === ObjectKind.RLock;
  if (method === "release") {
    const depth = (depths.get(token.id) ?? 1) - 1;
    if (isRLock) {
      if (depth > 0) depths.set(token.id, depth);
      else depths.delete(token.id);
    }
    // Before the next one can have it.
    if (!isRLock || depth <= 0)
      emit(EventKind.LockRelease, object, site, 0, typeof args[0] === "number" ? args[0] : 0, 0);
    return null;
  }
  let wait = 0;
  return {
    waiting(holder) {
      wait = newWaitNumber();
      emit(EventKind.LockWait, object, site, wait, holder, holder === 0 ? flags : flags | EventFlag.Remote);
    },
    // It has the lock when it has the answer.
    woken() {},
    ended(result) {
      if (result === true) {
        const depth = depths.get(token.id) ?? 0;
        if (isRLock) depths.set(token.id, depth + 1);
        if (depth === 0) emit(EventKind.LockAcquire, object, site, wait, 0, flags);
      } else emit(EventKind.LockTimeout, object, 0, wait, 0, flags);
    },
  };
}
