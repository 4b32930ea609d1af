/** What one can point at, select and step through: a row of some lane. */
import type { TraceModel } from "../../src/analysis/model.js";
import type { IntervalIndex } from "./interval-index.js";
import { type Lane, size } from "./lanes.js";
import { lowerBound } from "./lower-bound.js";
import type { TrackIndexes } from "./track-indexes.js";
import type { Viewport } from "./viewport.js";

export type Thing =
  | { readonly type: "slice"; readonly lane: string; readonly thread: number; readonly row: number }
  | { readonly type: "state"; readonly lane: string; readonly thread: number; readonly row: number }
  | { readonly type: "mark"; readonly lane: string; readonly thread: number; readonly row: number }
  | { readonly type: "hold"; readonly lane: string; readonly object: number; readonly row: number }
  | { readonly type: "message"; readonly lane: string; readonly object: number; readonly row: number }
  | { readonly type: "core"; readonly lane: string; readonly core: number; readonly row: number }
  /** The value of a queue, pool or counter at an instant. */
  | { readonly type: "value"; readonly lane: string; readonly time: number };

export function sameThing(a: Thing | null, b: Thing | null): boolean {
  if (a === null || b === null || a.type !== b.type || a.lane !== b.lane) return a === b;
  return a.type === "value" ? a.time === (b as typeof a).time : a.row === (b as typeof a).row;
}

/** Whether a value from elsewhere is a thing of this model. */
export function isThingOf(model: TraceModel, value: unknown): value is Thing {
  if (typeof value !== "object" || value === null) return false;
  const { type, lane, thread, object, core, row, time } = value as Partial<Record<string, unknown>>;
  if (typeof lane !== "string") return false;
  if (type === "value") return typeof time === "number";
  const rows = (): number | undefined => {
    switch (type) {
      case "slice":
        return model.threads[thread as number]?.slices.count;
      case "state":
        return model.threads[thread as number]?.states.count;
      case "mark":
        return model.threads[thread as number]?.marks.count;
      case "hold":
        return model.objects[object as number]?.holds?.count;
      case "message":
        return model.objects[object as number]?.messages?.count;
      case "core":
        return model.cores[core as number]?.count;
    }
    return undefined;
  };
  return Number.isInteger(row) && (row as number) >= 0 && (row as number) < (rows() ?? 0);
}

/** From when to when it lasted; the end is that of the trace if it is open. */
export function extentOf(model: TraceModel, thing: Thing): { start: number; end: number; open: boolean } {
  const of = (columns: { start: Float64Array; end: Float64Array }, row: number) => {
    const end = columns.end[row]!;
    const open = Number.isNaN(end);
    return { start: columns.start[row]!, end: open ? model.endNs : end, open };
  };
  switch (thing.type) {
    case "slice":
      return of(model.threads[thing.thread]!.slices, thing.row);
    case "state":
      return of(model.threads[thing.thread]!.states, thing.row);
    case "hold":
      return of(model.objects[thing.object]!.holds!, thing.row);
    case "message":
      return of(model.objects[thing.object]!.messages!, thing.row);
    case "core":
      return of(model.cores[thing.core]!, thing.row);
    case "mark": {
      const time = model.threads[thing.thread]!.marks.time[thing.row]!;
      return { start: time, end: time, open: false };
    }
    case "value":
      return { start: thing.time, end: thing.time, open: false };
  }
}

/** Pixels beside a mark that still hit it. */
const MARK_REACH = 4;

/** What lies at pixel `x` and height `y` (of all lanes) in `lane`. */
export function hitTest(
  model: TraceModel,
  indexes: TrackIndexes,
  viewport: Viewport,
  lane: Lane,
  x: number,
  y: number,
): Thing | null {
  const time = viewport.timeAt(x);
  const inner = y - lane.top - (lane.kind === "core" ? 2 : size.padding);
  const reach = viewport.nsPerPixel;
  const now = model.endNs;
  const hit = (index: IntervalIndex | undefined): number => index?.hit(time, reach, now) ?? -1;
  switch (lane.kind) {
    case "group":
      return null;
    case "thread": {
      const thread = model.threads[lane.index]!;
      const mark = nearestMark(thread.marks, time);
      if (mark >= 0 && Math.abs(viewport.xOf(thread.marks.time[mark]!) - x) <= MARK_REACH && inner < 9)
        return { type: "mark", lane: lane.id, thread: lane.index, row: mark };
      const depth = Math.floor(inner / size.sliceRow);
      // Above the slices there is nothing but marks.
      if (lane.rows > 0 && depth < lane.rows) {
        const row = hit(indexes.threads[lane.index]!.slices.depths[depth]);
        return row >= 0 ? { type: "slice", lane: lane.id, thread: lane.index, row } : null;
      }
      const row = indexes.threads[lane.index]!.states.rowAt(time);
      return row >= 0 ? { type: "state", lane: lane.id, thread: lane.index, row } : null;
    }
    case "lock": {
      const level = Math.floor(inner / size.holdRow);
      if (level < lane.rows) {
        const row = hit(indexes.objects[lane.index]!.holds?.levels[Math.max(0, level)]);
        if (row >= 0) return { type: "hold", lane: lane.id, object: lane.index, row };
      }
      return { type: "value", lane: lane.id, time };
    }
    case "connection": {
      const level = Math.max(0, Math.floor(inner / size.holdRow));
      const row = hit(indexes.objects[lane.index]!.messages?.levels[level]);
      return row >= 0 ? { type: "message", lane: lane.id, object: lane.index, row } : null;
    }
    case "core": {
      const row = hit(indexes.cores[lane.index]);
      return row >= 0 ? { type: "core", lane: lane.id, core: lane.index, row } : null;
    }
    default:
      return time >= 0 && time <= now ? { type: "value", lane: lane.id, time } : null;
  }
}

function nearestMark(marks: { count: number; time: Float64Array }, time: number): number {
  let low = 0;
  let high = marks.count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (marks.time[middle]! < time) low = middle + 1;
    else high = middle;
  }
  if (low === marks.count) return low - 1;
  if (low > 0 && time - marks.time[low - 1]! < marks.time[low]! - time) return low - 1;
  return low;
}

/**
 * The next (`step` 1) or previous (-1) thing of a lane. Threads step through their slices in order of start, or
 * through their states if they have none.
 */
export function neighbour(
  model: TraceModel,
  indexes: TrackIndexes,
  lane: Lane,
  from: Thing | null,
  time: number,
  step: 1 | -1,
): Thing | null {
  const same = from && from.lane === lane.id ? from : null;
  switch (lane.kind) {
    case "thread": {
      const { slices, states } = model.threads[lane.index]!;
      const useSlices = same ? same.type === "slice" : slices.count > 0;
      if (useSlices) {
        const row = neighbourSlice(
          indexes.threads[lane.index]!.slices.depths,
          slices,
          same?.type === "slice" ? same.row : -1,
          time,
          step,
        );
        return row < 0 ? null : { type: "slice", lane: lane.id, thread: lane.index, row };
      }
      const row =
        same?.type === "state" ? same.row + step : lowerBound(states.start, states.count, time) - (step > 0 ? 0 : 1);
      return row >= 0 && row < states.count ? { type: "state", lane: lane.id, thread: lane.index, row } : null;
    }
    case "lock": {
      const holds = model.objects[lane.index]!.holds;
      if (!holds) return null;
      const row =
        same?.type === "hold" ? same.row + step : lowerBound(holds.start, holds.count, time) - (step > 0 ? 0 : 1);
      return row >= 0 && row < holds.count ? { type: "hold", lane: lane.id, object: lane.index, row } : null;
    }
    case "connection": {
      const messages = model.objects[lane.index]!.messages;
      if (!messages) return null;
      const row =
        same?.type === "message"
          ? same.row + step
          : lowerBound(messages.start, messages.count, time) - (step > 0 ? 0 : 1);
      return row >= 0 && row < messages.count ? { type: "message", lane: lane.id, object: lane.index, row } : null;
    }
    case "core": {
      const core = model.cores[lane.index]!;
      const row =
        same?.type === "core" ? same.row + step : lowerBound(core.start, core.count, time) - (step > 0 ? 0 : 1);
      return row >= 0 && row < core.count ? { type: "core", lane: lane.id, core: lane.index, row } : null;
    }
    case "queue":
    case "pool":
    case "counter": {
      const object = model.objects[lane.index];
      const columns =
        lane.kind === "counter"
          ? model.counters[lane.index]!.values
          : lane.kind === "queue"
            ? object!.depth
            : object!.busy;
      if (!columns) return null;
      const at = same?.type === "value" ? same.time : time;
      const bound = lowerBound(columns.time, columns.count, at);
      let row = step > 0 ? bound : bound - 1;
      if (step > 0) while (row < columns.count && columns.time[row]! <= at) row++;
      return row >= 0 && row < columns.count ? { type: "value", lane: lane.id, time: columns.time[row]! } : null;
    }
    case "group":
      return null;
  }
}

/** The slice before or after `from` (a row, or -1 for the instant `time`) in the order of start, then depth; or -1. */
function neighbourSlice(
  depths: readonly IntervalIndex[],
  { start, depth }: { readonly start: Float64Array; readonly depth: Uint16Array },
  from: number,
  time: number,
  step: 1 | -1,
): number {
  const at = from >= 0 ? start[from]! : time;
  const level = from >= 0 ? depth[from]! : step > 0 ? -1 : 0;
  let best = -1;
  depths.forEach((index, d) => {
    let position = index.firstStartingAt(at);
    if (from >= 0 && d === level) position = index.positionOf(from) + step;
    else if (step > 0 && d < level) while (position < index.count && start[index.rowAt(position)]! === at) position++;
    else if (step < 0) {
      if (from >= 0 && d < level) while (position < index.count && start[index.rowAt(position)]! === at) position++;
      position--;
    }
    if (position < 0 || position >= index.count) return;
    const row = index.rowAt(position);
    if (best < 0) best = row;
    else if (step > 0 ? start[row]! < start[best]! : start[row]! >= start[best]!) best = row;
  });
  return best;
}
