import { SliceKind } from "../src/analysis/model.js";
import type { ShownFinding } from "./model/findings.js";
import type { LaneList } from "./model/lane-list.js";
import type { LoadedTrace } from "./model/loaded-trace.js";
import type { Thing } from "./model/things.js";
import { Viewport } from "./model/viewport.js";
import { describe } from "./ui/describe.js";
import type { Description } from "./ui/description.js";

/** What is shown, and what of it is chosen: all that pointer, keys and drawing share. */
export class ViewState {
  readonly viewport = new Viewport();
  readonly lanes: LaneList;
  trace: LoadedTrace | null = null;
  selection: Thing | null = null;
  /** What the pointer is on. */
  hover: Thing | null = null;
  /** Id of the lane that the keys move on; "" for none. */
  activeLane = "";
  /** Id of the lane under the pointer, and where that is, CSS pixels; "" and NaN when it is elsewhere. */
  pointerLane = "";
  pointerX = Number.NaN;
  /** Index into the model's strings of the name that the search shows, or -1. */
  foundName = -1;
  /** A span the user has marked, nanoseconds. */
  range: { readonly from: number; readonly to: number } | null = null;

  /** Worst first; those that were found last while the trace grows. */
  findings: readonly ShownFinding[] = [];
  /** Keys of the finding that is shown in detail, and of the one whose traces light up; "" for none. */
  chosenFinding = "";
  litFinding = "";

  constructor(lanes: LaneList) {
    this.lanes = lanes;
  }

  /** Forgets the trace. */
  reset(): void {
    this.trace = null;
    this.lanes.clear();
    this.viewport.reset();
    this.selection = this.hover = null;
    this.activeLane = "";
    this.range = null;
    this.foundName = -1;
    this.findings = [];
    this.chosenFinding = this.litFinding = "";
  }

  finding(key: string): ShownFinding | undefined {
    return this.findings.find((one) => one.key === key);
  }

  description(thing: Thing): Description | null {
    const { trace } = this;
    return trace && describe(trace.model, trace.indexes, trace.flows, this.lanes.find(thing.lane), thing);
  }

  /** The object whose slices light up everywhere, or -1. */
  get litObject(): number {
    if (!this.trace) return -1;
    const lane = this.lanes.find(this.pointerLane);
    if (lane && (lane.kind === "lock" || lane.kind === "queue" || lane.kind === "pool" || lane.kind === "connection"))
      return lane.index;
    const thing = this.hover ?? this.selection;
    if (thing?.type === "slice") {
      const { kind, object } = this.trace.model.threads[thing.thread]!.slices;
      // All tasks of a pool would be most of the picture.
      return kind[thing.row] === SliceKind.Task ? -1 : object[thing.row]!;
    }
    return thing?.type === "hold" || thing?.type === "message" ? thing.object : -1;
  }
}
