/**
 * What conditions, events and barriers show beside how many wait for them: nobody holds them, somebody signals.
 *
 * In the lane of holds stands for an event when its flag was up, under the thread that raised it; for a barrier each
 * round, from the first party's coming to the last one's, under the thread that came last and that all the others
 * waited for; for a condition nothing. The report counts none of that as holding.
 */
import { ObjectKind, SignalKind, WaitReason } from "../trace/events.js";
import type { GrowingFlows, GrowingHolds } from "./columns.js";
import { FlowKind, type ObjectTally } from "./model.js";

/** Whether objects of this kind are signalled, not held. */
export const isSignalKind = (kind: number): boolean =>
  kind === ObjectKind.Condition || kind === ObjectKind.Event || kind === ObjectKind.Barrier;

/** The kind of object that a wait for such a reason is for; 0 if for none of these. */
export function signalKindOf(reason: number): ObjectKind | 0 {
  switch (reason) {
    case WaitReason.Condition:
      return ObjectKind.Condition;
    case WaitReason.Event:
      return ObjectKind.Event;
    case WaitReason.Barrier:
      return ObjectKind.Barrier;
    default:
      return 0;
  }
}

/** What is needed of the object's lane. */
interface Lane {
  readonly index: number;
  readonly holds: GrowingHolds | null;
  readonly tally: ObjectTally;
  lockWait(t: number): void;
  lockWaitEnd(t: number): void;
}

export class Signals {
  /** When and where each thread signalled last. */
  readonly #signalled = new Map<number, { t: number; site: number }>();
  /** When the open waits began: those that are still waited, and those whose thread has only not gone on yet. */
  readonly #open: number[] = [];
  readonly #released: number[] = [];
  /** Row of the hold that stands for the raised flag, or -1. */
  #up = -1;

  constructor(private readonly lane: Lane) {}

  waitBegan(t: number): void {
    this.lane.lockWait(t);
    this.#open.push(t);
  }

  /** `by`: the thread that ended it, or -1. */
  waitEnded(t: number, start: number, thread: number, by: number, failed: boolean, flows: GrowingFlows): void {
    const { lane } = this;
    if (remove(this.#open, start)) lane.lockWaitEnd(t);
    else remove(this.#released, start);
    if (failed) {
      lane.tally.timeouts++;
      return;
    }
    lane.tally.acquisitions++;
    // Who comes early to a barrier's next round waits for those that leave the last one, which it may have let go itself.
    if (by < 0 || by === thread) return;
    // Clocks of two threads may differ a little: an arrow points forward.
    const signal = this.#signalled.get(by);
    const from = Math.min(t, Math.max(start, signal?.t ?? t));
    flows.push(FlowKind.Wake, by, from, thread, t, lane.index, 0, signal?.site ?? 0);
  }

  /** The thread that waited is over. */
  waitCut(t: number, start: number): void {
    if (remove(this.#open, start)) this.lane.lockWaitEnd(t);
    else remove(this.#released, start);
  }

  /** A wait that was over at once, or a try that did not wait. */
  neverWaited(failed: boolean): void {
    if (failed) this.lane.tally.failedTries++;
    else this.lane.tally.acquisitions++;
  }

  signal(t: number, thread: number, kind: number, site: number): void {
    this.#signalled.set(thread, { t, site });
    const holds = this.lane.holds!;
    switch (kind) {
      case SignalKind.Set:
        this.#release(t);
        if (this.#up < 0) this.#up = this.#push(t, thread, site);
        return;
      case SignalKind.Clear:
        this.#lower(t);
        return;
      case SignalKind.Pass: {
        const row = this.#push(
          this.#open.reduce((a, b) => Math.min(a, b), t),
          thread,
          site,
        );
        holds.end[row] = Math.max(t, holds.start[row]!);
        this.#release(t);
        return;
      }
      case SignalKind.Break:
      case SignalKind.Reset:
        this.#release(t);
    }
  }

  /** Nobody waits any more from now on, though they all will say so only when they have a core. */
  #release(t: number): void {
    for (const start of this.#open) {
      this.lane.lockWaitEnd(t);
      this.#released.push(start);
    }
    this.#open.length = 0;
  }

  #lower(t: number): void {
    const holds = this.lane.holds!;
    if (this.#up >= 0) holds.end[this.#up] = Math.max(t, holds.start[this.#up]!);
    this.#up = -1;
  }

  #push(start: number, thread: number, site: number): number {
    const holds = this.lane.holds!;
    const least = holds.count === 0 ? 0 : holds.start[holds.count - 1]!;
    return holds.push(Math.max(start, least), thread, site, 1, false);
  }

  /** Nothing more of it is seen. */
  finish(t: number): void {
    this.#lower(t);
    this.#open.length = 0;
    this.#released.length = 0;
  }
}

/** Takes a value out once. False if it is not there. */
function remove(values: number[], value: number): boolean {
  const at = values.indexOf(value);
  if (at >= 0) values.splice(at, 1);
  return at >= 0;
}
