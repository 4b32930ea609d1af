/** The arrows of a trace, found by the thread they leave or reach. */
import { FlowKind, type TraceModel } from "../../src/analysis/model.js";
import { GrowingUint32 } from "./growing.js";
import { lowerBound } from "./lower-bound.js";

interface Ends {
  /** Rows of the flows that reach the thread: sorted by toTime. */
  readonly incoming: GrowingUint32;
  /** Rows of the flows that leave it; sorted by fromTime when asked for. */
  readonly outgoing: GrowingUint32;
  sorted: number;
}

/** Nanoseconds by which the ends of an arrow and of a slice may differ: two records, one moment. */
const SLACK_NS = 2_000;
/** How long after its wait a thread may take what it waited for, an item from a queue for instance. */
export const WAKE_NS = 1_000_000;

export class FlowIndex {
  readonly #model: TraceModel;
  readonly #threads: Ends[] = [];
  #taken = 0;

  constructor(model: TraceModel) {
    this.#model = model;
  }

  grow(): void {
    const { count, fromThread, toThread } = this.#model.flows;
    for (; this.#taken < count; this.#taken++) {
      this.#ends(fromThread[this.#taken]!)?.outgoing.push(this.#taken);
      this.#ends(toThread[this.#taken]!)?.incoming.push(this.#taken);
    }
  }

  /** Rows of the arrows that reach a thread within a span, at most `most`. */
  into(thread: number, from: number, to: number, most = 20): number[] {
    const ends = this.#threads[thread];
    if (!ends) return [];
    return collect(ends.incoming, this.#model.flows.toTime, from - SLACK_NS, to + SLACK_NS, most);
  }

  /** The arrow that ended a thread's wait at `end`, as a list of none or one: it may arrive a little after. */
  wakeOf(thread: number, end: number): number[] {
    return this.into(thread, end, end + WAKE_NS, 1);
  }

  /** Rows of the arrows that leave a thread within a span, at most `most`. */
  outOf(thread: number, from: number, to: number, most = 20): number[] {
    const ends = this.#threads[thread];
    if (!ends) return [];
    const { fromTime } = this.#model.flows;
    sortTail(ends, fromTime);
    return collect(ends.outgoing, fromTime, from - SLACK_NS, to + SLACK_NS, most);
  }

  /** Rows of all arrows that reach anyone within a span; null if there are more than `most`. */
  between(from: number, to: number, most: number): [number, number] | null {
    const { count, toTime } = this.#model.flows;
    const first = lowerBound(toTime, count, from);
    const last = lowerBound(toTime, count, to);
    return last - first > most ? null : [first, last];
  }

  #ends(thread: number): Ends | null {
    if (thread < 0) return null;
    this.#threads[thread] ??= { incoming: new GrowingUint32(), outgoing: new GrowingUint32(), sorted: 0 };
    return this.#threads[thread];
  }
}

/** Sorts what came since the last time, and only so much of what was sorted as that reaches back into. */
function sortTail(ends: Ends, fromTime: Float64Array): void {
  const { array, count } = ends.outgoing;
  if (ends.sorted === count) return;
  const byTime = (a: number, b: number): number => fromTime[a]! - fromTime[b]!;
  array.subarray(ends.sorted, count).sort(byTime);
  const earliest = fromTime[array[ends.sorted]!]!;
  let first = ends.sorted;
  while (first > 0 && fromTime[array[first - 1]!]! > earliest) first--;
  if (first < ends.sorted) array.subarray(first, count).sort(byTime);
  ends.sorted = count;
}

function collect(rows: GrowingUint32, times: Float64Array, from: number, to: number, most: number): number[] {
  let low = 0;
  let high = rows.count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[rows.array[middle]!]! < from) low = middle + 1;
    else high = middle;
  }
  const found: number[] = [];
  for (let i = low; i < rows.count && found.length < most; i++) {
    const row = rows.array[i]!;
    if (times[row]! > to) break;
    found.push(row);
  }
  return found;
}

/** What an arrow says, seen from where it arrives. */
export function flowWords(kind: number): { readonly from: string; readonly to: string } {
  switch (kind) {
    case FlowKind.Wake:
      return { from: "woken by", to: "woke" };
    case FlowKind.Item:
      return { from: "item put by", to: "item taken by" };
    case FlowKind.Task:
      return { from: "submitted by", to: "ran on" };
    case FlowKind.Message:
      return { from: "message from", to: "message to" };
    case FlowKind.Request:
      return { from: "asked by", to: "asked" };
    case FlowKind.Reply:
      return { from: "answered by", to: "answered" };
    case FlowKind.Result:
      return { from: "result from", to: "result to" };
    default:
      return { from: "started by", to: "started" };
  }
}
