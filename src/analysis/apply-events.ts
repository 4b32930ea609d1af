/** What each kind of event does to the model. Events come in order of time. */
import { EventKind, type ObjectKind } from "../trace/events.js";
import type { ThreadEvents } from "../trace/frames.js";
import { applyLock } from "./apply-locks.js";
import { applyMessage } from "./apply-messages.js";
import { applyQueue } from "./apply-queues.js";
import { TaskApplier } from "./apply-tasks.js";
import { applyWait } from "./apply-waits.js";
import { CurrentRecord } from "./current-record.js";
import { GC_NAMES, SCOPES, SIGNALS } from "./event-names.js";
import type { GrowingModel, ProcessGroup } from "./growing-model.js";
import { loopWasLate } from "./loop-delay.js";
import { FlowKind, SliceKind } from "./model.js";
import { isKnownKind } from "./object-lane.js";
import { SliceFlag } from "./thread-lane.js";

/** Applies the records of one thread of one process. */
export class RecordApplier {
  readonly #record: CurrentRecord;
  readonly #tasks: TaskApplier;

  constructor(model: GrowingModel, group: ProcessGroup, number: number) {
    this.#record = new CurrentRecord(model, group, number);
    this.#tasks = new TaskApplier(this.#record);
  }

  defineText(number: number, text: string): void {
    this.#record.defineText(number, text);
  }

  /** Applies a row at the time `t`, which never falls. */
  readonly apply = (t: number, events: ThreadEvents, row: number): void => {
    const record = this.#record;
    record.fill(t, events, row);
    switch (record.kind) {
      case EventKind.LockWait:
      case EventKind.LockAcquire:
      case EventKind.LockTimeout:
      case EventKind.LockRelease:
      case EventKind.LockHold:
      case EventKind.LockHolds:
      case EventKind.LockHeld:
      case EventKind.LockAbandoned:
        applyLock(record);
        return;
      case EventKind.QueuePutWait:
      case EventKind.QueuePut:
      case EventKind.QueueGetWait:
      case EventKind.QueueGet:
      case EventKind.QueueWaitEnd:
      case EventKind.QueueDepth:
      case EventKind.QueueDone:
        applyQueue(record);
        return;
      case EventKind.TaskSubmit:
      case EventKind.TaskStart:
      case EventKind.TaskEnd:
      case EventKind.TaskCancel:
      case EventKind.PoolWorker:
        this.#tasks.apply();
        return;
      case EventKind.WaitBegin:
      case EventKind.WaitEnd:
      case EventKind.Signal:
        applyWait(record);
        return;
      case EventKind.ConnectionEnd:
      case EventKind.MessageSend:
      case EventKind.MessageReceive:
      case EventKind.RequestBegin:
      case EventKind.RequestEnd:
      case EventKind.ServeBegin:
      case EventKind.ServeEnd:
        applyMessage(record);
        return;
      default:
        applyOther(record);
    }
  };
}

/** Objects, threads and processes that come and go, what the user says, and how the thread is. */
function applyOther(record: CurrentRecord): void {
  const { model, group, lane, t, own, flags, object, a, b } = record;
  const { flows, table } = model;
  const thread = lane.index;
  switch (record.kind) {
    case EventKind.ObjectCreate: {
      if (!isKnownKind(flags)) return;
      const created = model.object(group, object, flags as ObjectKind);
      // Both ends of a socket can be told of so: the first one counts.
      if (created.messages === null || !created.created) created.create(record.name(b), table.all[record.site]!, a);
      return;
    }
    case EventKind.ObjectScope: {
      const known = group.objects.get(object);
      if (known) known.scope = SCOPES.get(b) ?? known.scope;
      return;
    }
    case EventKind.ObjectShared: {
      if (!isKnownKind(flags)) return;
      const shared = model.share(group, object, a, b, flags as ObjectKind);
      shared.scope = "process";
      const name = record.siteAsName;
      if (name !== "" && !shared.created) shared.name = name;
      return;
    }

    case EventKind.ThreadStart: {
      model.thread(group, record.number, a);
      const spawned = group.spawned.get(record.number);
      const name = b !== 0 ? record.name(b) : spawned && spawned.name !== 0 ? table.all[spawned.name]! : "";
      if (name !== "") lane.name = name;
      lane.begin(t);
      for (const join of group.earlyJoins.get(record.number) ?? []) join.lane.joins.set(join.row, thread);
      group.earlyJoins.delete(record.number);
      if (spawned) lane.site = table.all[spawned.site]!;
      if (spawned) flows.push(FlowKind.Spawn, spawned.thread, spawned.t, thread, t, -1, 0, spawned.site);
      else if (record.number === 1) {
        const from = model.spawnsOfProcesses.get(group.pid);
        if (from) flows.push(FlowKind.Spawn, from.thread, from.t, thread, t, -1);
      }
      return;
    }
    case EventKind.ThreadEnd:
      model.finishThread(lane, t);
      return;
    case EventKind.ThreadName:
      if (b !== 0)
        (object === 0 || object === record.number ? lane : model.thread(group, object, 0)).name = record.name(b);
      return;
    case EventKind.ThreadSpawn:
      if (!group.spawned.has(object)) group.spawned.set(object, { thread, t, name: record.text(b), site: record.site });
      return;
    case EventKind.ProcessSpawn: {
      const child = model.process(a);
      // Who started it knows it by a better name than the system does.
      if (b !== 0) {
        child.name = record.name(b);
        child.namedByParent = true;
      }
      if (child.parentPid < 0) child.parentPid = group.pid;
      if (Number.isNaN(child.startNs)) child.startNs = t;
      model.spawnsOfProcesses.set(a, { thread, t });
      return;
    }
    case EventKind.ProcessExit: {
      const code = b - 1000;
      model.process(a).endedBy(code >= 0 ? code : null, code >= 0 ? null : (SIGNALS[-code] ?? `signal ${-code}`));
      return;
    }

    case EventKind.SpanBegin: {
      const before = lane.spans.get(a);
      if (before !== undefined) lane.close(before, t, SliceFlag.CutShort);
      lane.spans.set(a, lane.open(t, SliceKind.Span, record.text(b), -1, record.site, 0, 0));
      lane.stateMayChange(t);
      return;
    }
    case EventKind.SpanEnd: {
      const row = lane.spans.get(a);
      if (row === undefined) return;
      lane.spans.delete(a);
      lane.close(row, t, record.failure);
      lane.stateMayChange(t);
      return;
    }
    case EventKind.Detail: {
      const row = a === 0 ? lane.lastMark : lane.spans.get(a);
      if (row === undefined || row < 0) return;
      (a === 0 ? lane.marks.detail : lane.slices.detail)[row] = record.text(b);
      return;
    }
    case EventKind.Mark:
      lane.lastMark = lane.marks.push(t, record.text(b), record.site);
      return;
    case EventKind.Counter:
      // A graph that sums up would never get over what is no number.
      if (Number.isFinite(a)) model.counter(group, record.text(b), record.text(object)).values.push(t, a);
      return;

    case EventKind.Gc:
      if (a >= 0) lane.past(Math.max(0, own - a * 1e6), own, SliceKind.Gc, table.index(GC_NAMES.get(flags) ?? "GC"), 0);
      return;
    case EventKind.LoopDelay:
      if (a >= 0) loopWasLate(lane, Math.max(0, own - a * 1e6), own, table);
      return;
    case EventKind.Dropped:
      model.recorder.dropped += a;
  }
}
