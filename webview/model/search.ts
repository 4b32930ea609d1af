/** Finds lanes and slices by their names. */
import type { TraceModel } from "../../src/analysis/model.js";
import type { Lane } from "./lanes.js";

export interface SearchHit {
  readonly kind: "lane" | "name";
  /** What to show: a lane's title or a slice's name, as the trace has it. */
  readonly text: string;
  /** Lanes: the id. */
  readonly lane: string;
  /** Names: how many slices and marks are called so. */
  readonly count: number;
  /** Names: index into the model's strings. */
  readonly string: number;
}

/** All lanes and slice names that contain `query`, whatever its case; at most `most`. */
export function search(model: TraceModel, lanes: readonly Lane[], query: string, most = 50): SearchHit[] {
  const wanted = query.trim().toLowerCase();
  if (!wanted) return [];
  const hits: SearchHit[] = [];
  for (const lane of lanes) {
    if (lane.kind !== "group" && lane.title.toLowerCase().includes(wanted))
      hits.push({ kind: "lane", text: lane.title, lane: lane.id, count: 1, string: -1 });
    if (hits.length >= most) return hits;
  }
  const names = new Map<number, number>();
  model.strings.forEach((text, i) => {
    if (i > 0 && text.toLowerCase().includes(wanted)) names.set(i, 0);
  });
  if (names.size === 0) return hits;
  for (const thread of model.threads) {
    for (const columns of [thread.slices, thread.marks]) {
      const { count, name } = columns;
      for (let row = 0; row < count; row++) {
        const seen = names.get(name[row]!);
        if (seen !== undefined) names.set(name[row]!, seen + 1);
      }
    }
  }
  const found = [...names].filter(([, count]) => count > 0).sort((a, b) => b[1] - a[1]);
  for (const [string, count] of found.slice(0, most - hits.length))
    hits.push({ kind: "name", text: model.strings[string]!, lane: "", count, string });
  return hits;
}

/** A slice or mark that was found by its name. */
export interface Named {
  readonly type: "slice" | "mark";
  readonly thread: number;
  readonly row: number;
  readonly time: number;
}

/**
 * The slice or mark called `string` nearest after `after` (before it for step -1) on any thread; goes round at the
 * ends. `after` holds the last answer, so that those of one instant are all reached.
 */
export function nextNamed(model: TraceModel, string: number, after: Named | null, step: 1 | -1): Named | null {
  let best: Named | null = null;
  let extreme: Named | null = null;
  const before = (a: Named, b: Named): boolean => (step > 0 ? precedes(a, b) : precedes(b, a));
  for (const thread of model.threads) {
    for (const type of ["slice", "mark"] as const) {
      const { count, name } = type === "slice" ? thread.slices : thread.marks;
      const times = type === "slice" ? thread.slices.start : thread.marks.time;
      for (let row = 0; row < count; row++) {
        if (name[row] !== string) continue;
        const candidate: Named = { type, thread: thread.index, row, time: times[row]! };
        if (!extreme || before(candidate, extreme)) extreme = candidate;
        if ((!after || before(after, candidate)) && (!best || before(candidate, best))) best = candidate;
      }
    }
  }
  return best ?? extreme;
}

function precedes(a: Named, b: Named): boolean {
  if (a.time !== b.time) return a.time < b.time;
  if (a.thread !== b.thread) return a.thread < b.thread;
  return a.type === b.type ? a.row < b.row : a.type === "slice";
}
