/**
 * Conditions, events and barriers of a manager in the trace. A thread tells itself that it notifies, sets or clears, just
 * before it asks, so that nobody goes on before; that it waits, and by whom that was ended, it hears from the server
 * (`Reply.Waiting`, `Reply.Woken`). That a barrier passed or broke only the server knows, and tells (`objects/signals.ts`).
 */
import { emit, emitAt, newWaitNumber, now, sharedObjectNumber } from "../../../recorder/emit.js";
import { EventFlag, EventKind, ObjectKind, ObjectScope, SignalKind, WaitReason } from "../../../trace/events.js";
import type { Token } from "./protocol.js";
import type { RecordedCall } from "./recorded-lock.js";

const REASONS: ReadonlyMap<number, WaitReason> = new Map([
  [ObjectKind.Condition, WaitReason.Condition],
  [ObjectKind.Event, WaitReason.Event],
  [ObjectKind.Barrier, WaitReason.Barrier],
]);

/** The methods that signal; what a barrier does is told at the server. */
const SIGNALS: ReadonlyMap<string, SignalKind> = new Map([
  [`${ObjectKind.Condition}.notify`, SignalKind.Notify],
  [`${ObjectKind.Condition}.notifyAll`, SignalKind.Notify],
  [`${ObjectKind.Event}.set`, SignalKind.Set],
  [`${ObjectKind.Event}.clear`, SignalKind.Clear],
]);

/** Begins a call of something recorded that is signalled; null for what is none, or waits for nothing. */
export function recordSignalCall(token: Token, method: string, site: number, flags: number): RecordedCall | null {
  const { trace } = token;
  const reason = trace === null ? undefined : REASONS.get(trace[2]);
  if (trace === null || reason === undefined) return null;
  const [pid, number, kind] = trace as [number, number, ObjectKind];
  const signal = SIGNALS.get(`${kind}.${method}`);
  if (signal === undefined && method !== "wait") return null;
  const object = sharedObjectNumber(kind, pid, number, token.name, ObjectScope.Manager);
  if (signal !== undefined) {
    emit(EventKind.Signal, object, site, signal, 0, 0);
    return null;
  }
  // It waits from when it asks, though it hears of that only later.
  const began = now();
  let wait = 0;
  let isOver = false;
  const end = (by: number, more: number) => {
    isOver = true;
    emit(EventKind.WaitEnd, object, 0, wait, by, flags | more);
  };
  return {
    waiting() {
      wait = newWaitNumber();
      emitAt(began, EventKind.WaitBegin, object, site, wait, reason, flags);
    },
    woken(by) {
      if (wait !== 0 && !isOver) end(by, by === 0 ? 0 : EventFlag.Remote);
    },
    // Without a wait it was there when the thread asked, or there was no time to wait for it.
    ended(result) {
      if (!isOver) end(0, result === undefined || result === false ? EventFlag.Failed : 0);
    },
  };
}
