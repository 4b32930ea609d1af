/** What records of locks do to the model: of what is held, by one or by several. */
import { EventKind, ObjectKind } from "../trace/events.js";
import type { CurrentRecord } from "./current-record.js";
import { SliceKind } from "./model.js";
import { SliceFlag } from "./thread-lane.js";

export function applyLock(record: CurrentRecord): void {
  const { model, lane, t, own, a, b } = record;
  const { flows } = model;
  const thread = lane.index;
  const lock = record.objectLike(ObjectKind.Lock);
  switch (record.kind) {
    case EventKind.LockWait: {
      lock.lockWait(t);
      const name = model.table.index(lock.name);
      lane.beginWait(t, a, SliceKind.LockWait, name, lock.index, record.site, record.async, 0, false);
      return;
    }
    case EventKind.LockAcquire: {
      const row = a === 0 ? -1 : lane.endWait(t, a, 0);
      if (row >= 0) lock.lockWaitEnd(t);
      const acquired = record.site || (row >= 0 ? lane.slices.site[row]! : 0);
      lock.acquire(t, thread, acquired, row >= 0 ? lane.slices.start[row]! : Number.NaN, flows);
      return;
    }
    case EventKind.LockTimeout:
      if (a !== 0 && lane.endWait(t, a, SliceFlag.Failed) >= 0) {
        lock.lockWaitEnd(t);
        lock.tally.timeouts++;
      } else lock.tally.failedTries++;
      return;
    case EventKind.LockRelease:
      lock.release(t, thread, flows, Math.max(1, b));
      return;
    // What is told afterwards counts from the time that it carries: its thread may have told of later things before.
    case EventKind.LockHold: {
      const holder = b === 0 ? thread : record.who;
      if (holder >= 0) lock.held(own - a * 1e6, own, holder, record.site, record.inexact, thread, flows);
      return;
    }
    case EventKind.LockHolds:
      lock.heldBriefly(own - b * 1e3, own, thread, record.site, a);
      return;
    case EventKind.LockHeld: {
      const holder = record.who;
      if (holder < 0) return;
      // Of itself a thread tells only at its end, when much can have happened to the lock since.
      const memory = holder === thread ? Number.POSITIVE_INFINITY : undefined;
      lock.found(own - a * 1e6, holder, record.site, record.inexact, memory);
      return;
    }
    case EventKind.LockAbandoned:
      if (a !== 0 && lane.endWait(t, a, SliceFlag.Failed) >= 0) lock.lockWaitEnd(t);
      lock.abandonedBy = record.who;
  }
}
