/** Which lanes there are, in which order, and how tall: the vertical layout, in CSS pixels. */
import { isHelperProcess, type ObjectTrack, type ThreadTrack, type TraceModel } from "../../src/analysis/model.js";
import { ObjectKind } from "../../src/trace/events.js";
import { displayName, shortSite } from "./format.js";
import type { TrackIndexes } from "./track-indexes.js";

export type LaneKind = "group" | "thread" | "lock" | "queue" | "pool" | "connection" | "core" | "counter";

export interface Lane {
  /** Stable while the trace grows. */
  readonly id: string;
  readonly kind: LaneKind;
  /** Index into the model's list of its kind; for groups of a process the process, else -1. */
  readonly index: number;
  readonly title: string;
  /** What stands small beside or below the title. */
  readonly subtitle: string;
  /** The group's id; "" for groups. */
  readonly group: string;
  readonly top: number;
  readonly height: number;
  /** Threads: rows of slices. Locks: rows of holders. Connections: rows of messages. */
  readonly rows: number;
  /** Groups: whether its lanes are hidden. */
  readonly collapsed: boolean;
  /** Groups: how many lanes it has. */
  readonly members: number;
}

/** Heights in CSS pixels. */
export const size = {
  group: 26,
  sliceRow: 17,
  stateBand: 12,
  stateBandAlone: 16,
  padding: 5,
  holdRow: 14,
  waiters: 14,
  /** A title with a line below it. */
  twoLines: 30,
  steps: 34,
  core: 17,
} as const;

export interface LaneOptions {
  readonly collapsed: ReadonlySet<string>;
  readonly showSystemThreads: boolean;
  /** The sidebar's small lanes: threads only, state bands only. */
  readonly compact: boolean;
}

type Body = Pick<Lane, "id" | "kind" | "index" | "title" | "subtitle" | "rows" | "height">;

/** All lanes from top to bottom. */
export function layOutLanes(model: TraceModel, indexes: TrackIndexes, options: LaneOptions): Lane[] {
  const lanes: Lane[] = [];
  let top = 0;
  const addGroup = (id: string, index: number, title: string, subtitle: string, members: Body[]): void => {
    if (members.length === 0) return;
    const collapsed = options.collapsed.has(id);
    const common = { id, kind: "group", index, title, subtitle, group: "", collapsed, rows: 0 } as const;
    lanes.push({ ...common, top, height: options.compact ? 20 : size.group, members: members.length });
    top += options.compact ? 20 : size.group;
    if (collapsed) return;
    for (const member of members) {
      lanes.push({ ...member, group: id, top, collapsed: false, members: 0 });
      top += member.height;
    }
    top += options.compact ? 2 : 6;
  };

  const processes = model.processes.filter((process) => !isHelperProcess(process));
  const several = processes.length > 1;
  for (const process of processes) {
    const lanesOf = (threads: readonly ThreadTrack[]): Body[] =>
      [...threads]
        .sort((a, b) => Number(b.isMain) - Number(a.isMain) || a.number - b.number || a.index - b.index)
        .map((thread) => threadLane(thread, indexes, options.compact));
    const threads = model.threads.filter(
      (thread) => thread.process === process.index && (thread.number !== 0 || options.showSystemThreads),
    );
    const helpers = threads.filter((thread) => isHelper(thread, indexes));
    const members = lanesOf(threads.filter((thread) => !helpers.includes(thread)));
    const ended = process.signal ?? (process.exitCode ? `exit ${process.exitCode}` : "");
    const subtitle = [`pid ${process.pid}`, ended].filter(Boolean).join(" · ");
    addGroup(`process:${process.index}`, process.index, displayName(process.name) || "process", subtitle, members);
    // Threads that did nothing a script would notice stand apart, so that they do not hide those that did.
    if (!options.compact) {
      const where = several ? `pid ${process.pid}` : "loaders and other threads without work of the script";
      addGroup(`helpers:${process.index}`, -1, "Helper threads", where, lanesOf(helpers));
    }
  }
  if (options.compact) return lanes;

  const place = (object: ObjectTrack): string => {
    const parts = [object.site ? shortSite(object.site) : ""];
    const pids = object.processes.map((index) => model.processes[index]?.pid ?? "?");
    if (pids.length > 3) parts.push(`${pids.length} processes`);
    else if (pids.length > 1) parts.push(`pids ${pids.join(", ")}`);
    else if (several) parts.push(`pid ${pids[0] ?? "?"}`);
    if (object.scope === "manager") parts.push("by a manager");
    return parts.filter(Boolean).join(" · ");
  };
  const title = (object: ObjectTrack): string =>
    displayName(object.name) || `${objectKindName(object.kind)} ${object.index + 1}`;

  const steps = 2 * size.padding + size.steps;
  const locks: Body[] = [];
  const queues: Body[] = [];
  const pools: Body[] = [];
  const connections: Body[] = [];
  for (const object of model.objects) {
    const common = { index: object.index, title: title(object), subtitle: place(object) };
    if (object.depth) queues.push({ ...common, id: `queue:${object.index}`, kind: "queue", rows: 0, height: steps });
    else if (object.queued || object.busy)
      pools.push({ ...common, id: `pool:${object.index}`, kind: "pool", rows: 0, height: steps });
    else if (object.messages) {
      if (object.messages.count === 0) continue;
      const rows = Math.max(1, indexes.objects[object.index]?.messages?.levels.length ?? 1);
      const height = 2 * size.padding + Math.max(size.twoLines, rows * size.holdRow);
      connections.push({ ...common, id: `connection:${object.index}`, kind: "connection", rows, height });
    } else if (object.holds || object.waiters) {
      const used = (object.holds?.count ?? 0) + (object.waiters?.count ?? 0);
      if (used === 0) continue;
      const rows = Math.max(1, indexes.objects[object.index]?.holds?.levels.length ?? 1);
      const strip = indexes.objects[object.index]?.waiters?.greatest ? 2 + size.waiters : 0;
      const height = 2 * size.padding + Math.max(size.twoLines, rows * size.holdRow + strip);
      locks.push({ ...common, id: `lock:${object.index}`, kind: "lock", rows, height });
    }
  }
  addGroup("locks", -1, "Locks", "holders and waiters", locks);
  addGroup("queues", -1, "Queues", "items in them", queues);
  addGroup("pools", -1, "Pools", "running, waiting", pools);
  addGroup("connections", -1, "Connections", "messages on their way", connections);
  const counters = model.counters.map((counter) => ({
    id: `counter:${counter.index}`,
    kind: "counter" as const,
    index: counter.index,
    title: displayName(counter.name),
    subtitle: displayName(counter.unit),
    rows: 0,
    height: steps,
  }));
  addGroup("counters", -1, "Counters", "", counters);
  const cores = model.cores.map((core, index) => ({
    id: `core:${index}`,
    kind: "core" as const,
    index,
    title: `core ${index}`,
    subtitle: "",
    rows: 1,
    height: size.core + 4,
    used: core.count > 0,
  }));
  const used = cores.filter((core) => core.used).map(({ used: _, ...core }) => core);
  addGroup("cores", -1, "Cores", "which thread ran", used);
  return lanes;
}

/** A thread without a name of its own that never waited, worked for a pool, or ran a task or span. */
function isHelper(thread: ThreadTrack, indexes: TrackIndexes): boolean {
  if (thread.isMain || thread.pool >= 0 || !/^(thread \d+)?$/.test(thread.name)) return false;
  return !indexes.threads[thread.index]?.slices.busy && thread.marks.count === 0;
}

function threadLane(thread: ThreadTrack, indexes: TrackIndexes, compact: boolean): Body {
  const rows = compact ? 0 : (indexes.threads[thread.index]?.slices.depths.length ?? 0);
  const inner = rows === 0 ? size.stateBandAlone : rows * size.sliceRow + size.stateBand + 2;
  return {
    id: `thread:${thread.index}`,
    kind: "thread",
    index: thread.index,
    title: displayName(thread.name) || (thread.isMain ? "main" : `thread ${thread.number || thread.tid}`),
    subtitle: "",
    rows,
    height: compact ? 13 : inner + 2 * size.padding,
  };
}

/** The lane at a height; null above, below and between. */
export function laneAt(lanes: readonly Lane[], y: number): Lane | null {
  let low = 0;
  let high = lanes.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const lane = lanes[middle]!;
    if (y < lane.top) high = middle - 1;
    else if (y >= lane.top + lane.height) low = middle + 1;
    else return lane;
  }
  return null;
}

/** The lanes that are at least partly between two heights, as [first, last). */
export function lanesBetween(lanes: readonly Lane[], top: number, bottom: number): [number, number] {
  let first = 0;
  let high = lanes.length;
  while (first < high) {
    const middle = (first + high) >>> 1;
    const lane = lanes[middle]!;
    if (lane.top + lane.height <= top) first = middle + 1;
    else high = middle;
  }
  let last = first;
  while (last < lanes.length && lanes[last]!.top < bottom) last++;
  return [first, last];
}

/** Height of everything. */
export function totalHeight(lanes: readonly Lane[]): number {
  const last = lanes.at(-1);
  return last ? last.top + last.height + 8 : 0;
}

const kindNames: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(ObjectKind).map(([name, kind]) => [kind, name]),
);

/** The id of an object's lane, whether it is shown or not. */
export function laneOfObject(object: ObjectTrack): string {
  const kind = object.depth ? "queue" : object.queued || object.busy ? "pool" : object.messages ? "connection" : "lock";
  return `${kind}:${object.index}`;
}

/** "Lock", "ThreadPoolExecutor", … */
export function objectKindName(kind: ObjectKind): string {
  return kindNames[kind] ?? "object";
}
