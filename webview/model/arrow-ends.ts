/** Where on a thread's lane an arrow begins or ends: at the slice it is about, not just anywhere on the lane. */
import { FlowKind, SliceKind, type TraceModel } from "../../src/analysis/model.js";
import { WAKE_NS } from "./flows.js";
import type { IntervalIndex } from "./interval-index.js";
import { type Lane, size } from "./lanes.js";
import type { TrackIndexes } from "./track-indexes.js";

/** Two records, one moment. */
const SLACK_NS = 1_000;
/** So many slices before the end of an arrow are looked at for the wait that it ended. */
const MOST_BACK = 8;

/** Arrows that end a wait, where there was one. */
const endsWait = new Set<number>([FlowKind.Wake, FlowKind.Item, FlowKind.Result, FlowKind.Message]);

/** Where the arrow `flow` leaves its lane, in CSS pixels below the lane's top. */
export function arrowStart(model: TraceModel, indexes: TrackIndexes, lane: Lane, flow: number): number {
  return middleOf(lane, depthAt(model, indexes, lane, model.flows.fromTime[flow]!));
}

/** Where it arrives. */
export function arrowEnd(model: TraceModel, indexes: TrackIndexes, lane: Lane, flow: number): number {
  const { toTime, kind } = model.flows;
  const time = toTime[flow]!;
  const wait = endsWait.has(kind[flow]!) ? depthOfWait(model, indexes, lane, time) : -1;
  return middleOf(lane, wait >= 0 ? wait : depthAt(model, indexes, lane, time));
}

/** The depth of the innermost slice at an instant; -1 if there is none. */
function depthAt(model: TraceModel, indexes: TrackIndexes, lane: Lane, time: number): number {
  const depths = depthsOf(indexes, lane);
  for (let depth = depths.length - 1; depth >= 0; depth--)
    if (depths[depth]!.hit(time, SLACK_NS, model.endNs) >= 0) return depth;
  return -1;
}

/** The depth of the wait that ended last before an instant, if that is not long ago; -1 without one. */
function depthOfWait(model: TraceModel, indexes: TrackIndexes, lane: Lane, time: number): number {
  const { end, kind } = model.threads[lane.index]!.slices;
  let found = -1;
  let latest = time - WAKE_NS;
  depthsOf(indexes, lane).forEach((index, depth) => {
    const last = index.firstStartingAt(time + SLACK_NS) - 1;
    for (let position = last; position >= 0 && position > last - MOST_BACK; position--) {
      const row = index.rowAt(position);
      if (end[row]! < latest) break;
      if (kind[row]! < SliceKind.LockWait || kind[row]! > SliceKind.OtherWait || !(end[row]! <= time + SLACK_NS))
        continue;
      found = depth;
      latest = end[row]!;
      break;
    }
  });
  return found;
}

function depthsOf(indexes: TrackIndexes, lane: Lane): readonly IntervalIndex[] {
  return indexes.threads[lane.index]?.slices.depths.slice(0, lane.rows) ?? [];
}

/** The middle of a row of slices; for depth -1 just above the band of states, on which it would hardly be seen. */
function middleOf(lane: Lane, depth: number): number {
  if (lane.rows === 0) return lane.height / 2;
  if (depth >= 0) return size.padding + (depth + 0.5) * size.sliceRow - 0.5;
  return size.padding + lane.rows * size.sliceRow - 3;
}
