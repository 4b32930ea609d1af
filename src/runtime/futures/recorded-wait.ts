/** Writes waits for futures and executors into the trace: {@link beginWait} before, {@link endWait} after. */
import { callSite, emit, emitAt, newWaitNumber, now, recording } from "../../recorder/emit.js";
import { EventFlag, EventKind, type WaitReason } from "../../trace/events.js";

/** A wait that has begun; 0 when nothing is recorded. */
export type RecordedWait = { readonly object: number; readonly wait: number; readonly async: boolean } | null;

/**
 * A call site costs about ten microseconds, many times what the rest of a task does. So a flood of tasks, and of waits
 * for them, has only some of them told: so many at once, and so many more each millisecond.
 */
const SITES_AT_ONCE = 512;
const SITES_A_MS = 3;
let sitesLeft = SITES_AT_ONCE;
let refilled = 0;

/** The call site, or 0 if there were too many. `time` is {@link now}. */
export function affordableSite(time: number): number {
  sitesLeft = Math.min(SITES_AT_ONCE, sitesLeft + (time - refilled) * SITES_A_MS);
  refilled = time;
  if (sitesLeft < 1) return 0;
  sitesLeft--;
  return callSite();
}

/** Writes that this thread, or with `async` one of its promises, begins to wait. `object`: the executor, 0 if none. */
export function beginWait(reason: WaitReason, object: number, async: boolean): RecordedWait {
  if (!recording) return null;
  const wait = newWaitNumber();
  const time = now();
  const site = async ? affordableSite(time) : callSite();
  emitAt(time, EventKind.WaitBegin, object, site, wait, reason, async ? EventFlag.Async : 0);
  return { object, wait, async };
}

/** Writes the end of a wait; `failed` if it gave up. */
export function endWait(begun: RecordedWait, failed: boolean): void {
  if (begun === null) return;
  const flags = (begun.async ? EventFlag.Async : 0) | (failed ? EventFlag.Failed : 0);
  emit(EventKind.WaitEnd, begun.object, 0, begun.wait, 0, flags);
}
