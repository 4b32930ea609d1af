/** What records of pools and their tasks do to the model. */
import { EventKind, ObjectKind } from "../trace/events.js";
import type { CurrentRecord } from "./current-record.js";
import type { ProcessGroup } from "./growing-model.js";
import { SliceKind } from "./model.js";
import type { ObjectLane } from "./object-lane.js";
import { SliceFlag } from "./thread-lane.js";

/** Tasks of several pools can have the same number; one thread works for few pools. */
const taskKey = (pool: ObjectLane, task: number) => pool.index * 2 ** 32 + task;

/** Applies such records of one thread. */
export class TaskApplier {
  /** The process that owns the pool this thread works for. */
  #owner: ProcessGroup;

  constructor(readonly record: CurrentRecord) {
    this.#owner = record.group;
  }

  apply(): void {
    const { record } = this;
    const { model, group, lane, t, a, b } = record;
    const { flows } = model;
    const thread = lane.index;
    if (record.kind === EventKind.PoolWorker) {
      if (a !== 0 && a !== group.pid) this.#owner = model.process(a);
      lane.pool = model.object(this.#owner, record.object, ObjectKind.ThreadPoolExecutor).index;
      return;
    }
    const owner = record.remote ? this.#owner : group;
    const pool = model.object(owner, record.object, ObjectKind.ThreadPoolExecutor);
    switch (record.kind) {
      case EventKind.TaskSubmit:
        pool.submit(t, thread, a, record.site, flows);
        return;
      case EventKind.TaskStart: {
        // A worker does not know where its task comes from; who handed it in does.
        const submittedFrom = pool.start(t, thread, a, flows);
        const key = taskKey(pool, a);
        const before = lane.tasks.get(key);
        if (before !== undefined) lane.close(before, t, SliceFlag.CutShort);
        lane.tasks.set(key, lane.open(t, SliceKind.Task, record.text(b), pool.index, submittedFrom, 0, a));
        lane.stateMayChange(t);
        return;
      }
      case EventKind.TaskEnd: {
        const key = taskKey(pool, a);
        const row = lane.tasks.get(key);
        if (row !== undefined) {
          lane.tasks.delete(key);
          lane.close(row, t, record.failure);
          lane.stateMayChange(t);
        }
        pool.end(t, thread, a, record.failed);
        const ofPool = model.processes[pool.process]!;
        ofPool.taskEndedBy = thread;
        ofPool.taskEndedAt = t;
        return;
      }
      case EventKind.TaskCancel:
        if (b === 0) pool.cancel(t, a);
        else pool.renumber(a, b);
    }
  }
}
