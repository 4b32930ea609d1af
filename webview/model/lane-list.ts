import { type Lane, laneAt, layOutLanes, totalHeight } from "./lanes.js";
import type { LoadedTrace } from "./loaded-trace.js";

/** Groups that are closed at first. */
const CLOSED = ["cores"];

/** The lanes as they lie now, and which groups the user has closed. */
export class LaneList {
  #lanes: readonly Lane[] = [];
  #collapsed = new Set(CLOSED);
  #seenProcesses = 0;
  #showSystemThreads = false;
  readonly #compact: boolean;

  constructor(compact: boolean) {
    this.#compact = compact;
  }

  get shown(): readonly Lane[] {
    return this.#lanes;
  }

  get height(): number {
    return totalHeight(this.#lanes);
  }

  /** Ids of the groups whose lanes are hidden; those of helpers are so until they are opened. */
  get collapsed(): ReadonlySet<string> {
    return this.#collapsed;
  }

  /** Forgets the lanes, but not which groups are closed. */
  clear(): void {
    this.#lanes = [];
    this.#seenProcesses = 0;
  }

  layOut(trace: LoadedTrace, showSystemThreads: boolean): void {
    this.#showSystemThreads = showSystemThreads;
    for (; this.#seenProcesses < trace.model.processes.length; this.#seenProcesses++)
      this.#collapsed.add(`helpers:${this.#seenProcesses}`);
    const before = this.#lanes;
    const lanes = layOutLanes(trace.model, trace.indexes, {
      collapsed: this.#collapsed,
      showSystemThreads,
      compact: this.#compact,
    });
    // The same objects where nothing changed, so that labels need not be touched.
    this.#lanes = lanes.map((lane, i) => (before[i] && sameLane(before[i], lane) ? before[i] : lane));
  }

  /** Also those of closed groups. */
  all(trace: LoadedTrace): Lane[] {
    const showSystemThreads = this.#showSystemThreads;
    return layOutLanes(trace.model, trace.indexes, { collapsed: new Set(), showSystemThreads, compact: false });
  }

  find(id: string): Lane | undefined {
    return id ? this.#lanes.find((lane) => lane.id === id) : undefined;
  }

  /** The lane at a height; null above, below and between. */
  at(y: number): Lane | null {
    return laneAt(this.#lanes, y);
  }

  /** Opens or closes a group; shows after {@link layOut}. */
  toggle(group: string): void {
    if (!this.#collapsed.delete(group)) this.#collapsed.add(group);
  }

  /** Opens the group of a lane that is hidden. @returns Whether there was one to open. */
  openGroupOf(trace: LoadedTrace, id: string): boolean {
    const group = this.all(trace).find((lane) => lane.id === id)?.group;
    return group !== undefined && this.#collapsed.delete(group);
  }

  setCollapsed(groups: readonly string[]): void {
    this.#collapsed = new Set(groups);
  }
}

function sameLane(a: Lane, b: Lane): boolean {
  return (
    a.id === b.id &&
    a.top === b.top &&
    a.height === b.height &&
    a.title === b.title &&
    a.subtitle === b.subtitle &&
    a.collapsed === b.collapsed &&
    a.members === b.members &&
    a.rows === b.rows
  );
}
