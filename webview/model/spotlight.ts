/** What of the timeline a finding speaks of: its lanes, its slices or states, its time. */
import type { TraceModel } from "../../src/analysis/model.js";
import { type EvidenceSpec, indexOfId } from "../../src/analysis/report/findings/rule.js";
import type { ShownFinding } from "./findings.js";
import { laneOfObject } from "./lanes.js";
import type { Thing } from "./things.js";

export interface Spotlight {
  readonly spec: EvidenceSpec;
  /** Ids of lanes; the others recede. */
  readonly lanes: ReadonlySet<string>;
  /** Nanoseconds. */
  readonly from: number;
  readonly to: number;
  /** The longest of what it speaks of. */
  readonly longest: Extract<Thing, { type: "slice" | "state" }> | null;
}

/** Null if there is nothing to be seen of the finding. */
export function spotlightOf(model: TraceModel, { finding, evidence }: ShownFinding): Spotlight | null {
  if (evidence === null) return null;
  const { spec, threads, startNs, endNs, longest } = evidence;
  const lanes = new Set(threads.map((index) => `thread:${index}`));
  const addObject = (index: number): void => {
    const object = model.objects[index];
    if (object) lanes.add(laneOfObject(object));
  };
  spec.objects.forEach(addObject);
  for (const id of finding.subjects) {
    if (id.startsWith("thread-")) lanes.add(`thread:${indexOfId(id)}`);
    else addObject(indexOfId(id));
  }
  return {
    spec,
    lanes,
    from: startNs,
    to: endNs,
    longest: longest && { ...longest, lane: `thread:${longest.thread}` },
  };
}

/** How much is shown around the longest wait: so many times its length, before and after. */
const AROUND = 2.5;

/** The window of time in which a finding is seen best: around the longest of it, or all of it. */
export function bestView(model: TraceModel, { evidence }: ShownFinding): { from: number; to: number } | null {
  if (evidence === null) return null;
  const { startNs, endNs, longest, spec } = evidence;
  if (longest === null || spec.coresBelow > 0) return padded(startNs, endNs);
  const track = model.threads[longest.thread]!;
  const { start, end } = longest.type === "slice" ? track.slices : track.states;
  const from = Math.max(start[longest.row]!, spec.fromNs);
  const to = Math.min(Number.isNaN(end[longest.row]!) ? model.endNs : end[longest.row]!, spec.toNs);
  const around = Math.max(1000, (to - from) * AROUND);
  return { from: from - around, to: to + around };
}

function padded(from: number, to: number): { from: number; to: number } {
  const room = Math.max(1000, (to - from) * 0.08);
  return { from: from - room, to: to + room };
}
