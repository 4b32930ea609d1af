/** What records of queues do to the model; a join, which waits for no item, is in `apply-waits.ts`. */
import { EventKind, ObjectKind } from "../trace/events.js";
import type { CurrentRecord } from "./current-record.js";
import { SliceKind } from "./model.js";

export function applyQueue(record: CurrentRecord): void {
  const { model, lane, t, a, b, kind } = record;
  const { flows } = model;
  const thread = lane.index;
  const queue = record.objectLike(ObjectKind.Queue);
  switch (kind) {
    case EventKind.QueuePutWait:
    case EventKind.QueueGetWait: {
      const put = kind === EventKind.QueuePutWait;
      const name = model.table.index(`${put ? "put" : "get"} ${queue.name}`);
      const sliceKind = put ? SliceKind.QueuePutWait : SliceKind.QueueGetWait;
      lane.beginWait(t, a, sliceKind, name, queue.index, record.site, record.async, 0, false);
      return;
    }
    case EventKind.QueueWaitEnd: {
      const row = lane.endWait(t, a, record.failure);
      if (row < 0) return;
      if (record.failed) queue.tally.timeouts++;
      else if (lane.slices.kind[row] === SliceKind.QueuePutWait)
        queue.placeFound(t, thread, lane.slices.start[row]!, flows);
      return;
    }
    case EventKind.QueuePut:
      queue.put(t, thread, a, b, flows);
      return;
    case EventKind.QueueGet:
      queue.get(t, thread, a, b, flows);
      return;
    case EventKind.QueueDepth:
      queue.depth?.push(t, b);
      return;
    case EventKind.QueueDone:
      queue.done(t, thread, a, b, record.site);
  }
}
