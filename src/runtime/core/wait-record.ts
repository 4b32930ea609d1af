/** The records of a wait that is for no lock and no queue: its begin, its end, and a wait that was over at once. */
import { callSite, emit, newWaitNumber, recording } from "../../recorder/emit.js";
import { EventFlag, EventKind, type WaitReason } from "../../trace/events.js";

/** Writes that the calling thread begins to wait. Returns the wait's number for {@link endWait}. */
export function beginWait(object: number, reason: WaitReason, flags: number): number {
  if (!recording) return 0;
  const wait = newWaitNumber();
  emit(EventKind.WaitBegin, object, callSite(), wait, reason, flags);
  return wait;
}

/** Writes that it is over, ended by thread `by` (0: not known, or by nobody as it failed). */
export function endWait(object: number, wait: number, by: number, ok: boolean, flags: number): void {
  if (recording) emit(EventKind.WaitEnd, object, 0, wait, by, ok ? flags : flags | EventFlag.Failed);
}

/** Writes that something was there when the thread asked (or, if not `ok`, was not and it did not wait). */
export function neverWaited(object: number, ok: boolean): void {
  if (recording) emit(EventKind.WaitEnd, object, 0, 0, 0, ok ? 0 : EventFlag.Failed);
}
