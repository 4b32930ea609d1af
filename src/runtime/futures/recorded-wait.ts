/** Writes waits for futures and executors into the trace: {@link beginWait} before, {@link endWait} after. */
import { callSite, emit, newWaitNumber, recording } from "../../recorder/emit.js";
import { EventFlag, EventKind, type WaitReason } from "../../trace/events.js";

/** A wait that has begun; 0 when nothing is recorded. */
export type RecordedWait = { readonly object: number; readonly wait: number; readonly async: boolean } | null;

/** So many promises of one thread may wait with their call sites told; a flood of them goes without. */
const SITES_AT_ONCE = 64;
let asyncWaits = 0;

/** Writes that this thread, or with `async` one of its promises, begins to wait. `object`: the executor, 0 if none. */
export function beginWait(reason: WaitReason, object: number, async: boolean): RecordedWait {
  if (!recording) return null;
  const wait = newWaitNumber();
  const site = async && asyncWaits >= SITES_AT_ONCE ? 0 : callSite();
  if (async) asyncWaits++;
  emit(EventKind.WaitBegin, object, site, wait, reason, async ? EventFlag.Async : 0);
  return { object, wait, async };
}

/** Writes the end of a wait; `failed` if it gave up. */
export function endWait(begun: RecordedWait, failed: boolean): void {
  if (begun === null) return;
  if (begun.async) asyncWaits--;
  const flags = (begun.async ? EventFlag.Async : 0) | (failed ? EventFlag.Failed : 0);
  emit(EventKind.WaitEnd, begun.object, 0, begun.wait, 0, flags);
}
