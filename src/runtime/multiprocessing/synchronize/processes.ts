/** What is different for the primitives of processes. */
import { ObjectScope } from "../../../trace/events.js";
import { checkAcquireOptions } from "../../core/check-options.js";
import { checkTimeout } from "../../core/deadline.js";
import type { Realm } from "../../core/realm.js";
import type { SegmentHandle } from "../../platform/segment.js";
import { ownProcessHeap, ProcessHeap } from "./process-heap.js";

export const processes: Realm = {
  of: "processes",
  scope: ObjectScope.Process,
  tagPrefix: "multiprocessing.",
  heap: ownProcessHeap,
  reference: (heap, _kind, _crossing, pins) => (heap as ProcessHeap).handle(pins),
  heapOf: (reference) => ProcessHeap.of(reference as SegmentHandle),
  acquireTimeout(options) {
    if (options === undefined) return Number.POSITIVE_INFINITY;
    checkAcquireOptions(options);
    const timeout = checkTimeout(options.timeout);
    return options.blocking === false ? 0 : Math.max(0, timeout);
  },
  notHeld: (what) => new RangeError(`release of a ${what} that is not held`),
};
