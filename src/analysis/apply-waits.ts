/** What records of waits that are for no lock and no item do to the model, and of what ends them. */
import { EventKind, WaitReason } from "../trace/events.js";
import { whatIsAwaited } from "./awaited.js";
import type { CurrentRecord } from "./current-record.js";
import { joinedThread } from "./joined-thread.js";
import { FlowKind, SliceKind } from "./model.js";

export function applyWait(record: CurrentRecord): void {
  switch (record.kind) {
    case EventKind.WaitBegin:
      waitBegins(record);
      return;
    case EventKind.WaitEnd:
      waitEnds(record);
      return;
    case EventKind.Signal:
      record.group.objects.get(record.object)?.signals?.signal(record.t, record.lane.index, record.a, record.site);
  }
}

function waitBegins(record: CurrentRecord): void {
  const { model, group, lane, t, object, a, b: reason } = record;
  const { name, index, joined, joinedProcess, signalKind } = whatIsAwaited(model, group, lane, object, reason);
  const text = model.table.index(name);
  const idle = reason === WaitReason.IdleWorker;
  const row = lane.beginWait(t, a, SliceKind.OtherWait, text, index, record.site, record.async, reason, idle);
  if (joined) lane.joins.set(row, joined.index);
  else if (reason === WaitReason.ThreadJoin && object !== 0) {
    const early = group.earlyJoins.get(object);
    if (early) early.push({ lane, row });
    else group.earlyJoins.set(object, [{ lane, row }]);
  }
  if (joinedProcess) lane.processJoins.set(row, joinedProcess.index);
  if (signalKind !== 0) model.objects[index]?.signals?.waitBegan(lane.slices.start[row]!);
  if (reason === WaitReason.QueueJoin) model.objects[index]?.joinBegan();
}

function waitEnds(record: CurrentRecord): void {
  const { model, group, lane, t, a, failed } = record;
  const { flows } = model;
  const thread = lane.index;
  if (a === 0) {
    group.objects.get(record.object)?.signals?.neverWaited(failed);
    return;
  }
  const row = lane.endWait(t, a, record.failure);
  if (row < 0) return;
  const index = lane.slices.object[row]!;
  const object = model.objects[index];
  const start = lane.slices.start[row]!;
  if (object?.signals) {
    object.signals.waitEnded(t, start, thread, record.who, failed, flows);
    return;
  }
  const reason = lane.slices.value[row]!;
  if (failed) {
    if (reason === WaitReason.QueueJoin && object) object.tally.timeouts++;
    return;
  }
  switch (reason) {
    case WaitReason.QueueJoin:
      object?.joinEnded(t, thread, start, flows);
      return;
    case WaitReason.ThreadJoin:
    case WaitReason.ProcessJoin: {
      const joined = joinedThread(model, lane, row);
      // Who is joined says that it is over, and ends a moment later.
      const ended = joined === undefined || Number.isNaN(joined.endNs) ? t : Math.min(joined.endNs, t);
      if (joined && ended >= start) flows.push(FlowKind.Result, joined.index, ended, thread, t, -1);
      return;
    }
    case WaitReason.Result:
    case WaitReason.Futures:
      if (object) {
        if (object.endedAt >= start) flows.push(FlowKind.Result, object.endedBy, object.endedAt, thread, t, index);
      } else if (group.taskEndedAt >= start) {
        // It waits for the tasks of several pools, or of one that is not told.
        flows.push(FlowKind.Result, group.taskEndedBy, group.taskEndedAt, thread, t, -1);
      }
  }
}
