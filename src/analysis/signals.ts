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

/** When, by whom and where something was signalled. */
interface Signal {
  readonly t: number;
  readonly thread: number;
  readonly site: number;
}

interface Released {
  readonly start: number;
  readonly signal: Signal;
}

export class Signals {
  /** What each thread signalled last that can end a wait. */
  readonly #signalled = new Map<number, Signal>();
  /** When the waits began that are still waited. */
  readonly #open: number[] = [];
  /** Those that a signal has ended, and whose thread has only not gone on yet: it may be long until it has a core. */
  readonly #released: Released[] = [];
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
    const released = this.#takeOut(t, start);
    if (failed) {
      lane.tally.timeouts++;
      return;
    }
    lane.tally.acquisitions++;
    // Who comes early to a barrier's next round waits for those that leave the last one, which it may have let go itself.
    if (by < 0 || by === thread) return;
    // Clocks of two threads may differ a little: an arrow points forward.
    const signal = released?.thread === by ? released : this.#signalled.get(by);
    const from = Math.min(t, Math.max(start, signal?.t ?? t));
    flows.push(FlowKind.Wake, by, from, thread, t, lane.index, 0, signal?.site ?? 0);
  }

  /** The thread that waited is over. */
  waitCut(t: number, start: number): void {
    this.#takeOut(t, start);
  }

  /** Takes a wait out that is over. Returns the signal that had ended it before, if there was one that ended all. */
  #takeOut(t: number, start: number): Signal | undefined {
    const open = this.#open.indexOf(start);
    if (open >= 0) {
      this.#open.splice(open, 1);
      this.lane.lockWaitEnd(t);
      return undefined;
    }
    const released = this.#released.findIndex((wait) => wait.start === start);
    return released < 0 ? undefined : this.#released.splice(released, 1)[0]!.signal;
  }

  /** A wait that was over at once, or a try that did not wait. */
  neverWaited(failed: boolean): void {
    if (failed) this.lane.tally.failedTries++;
    else this.lane.tally.acquisitions++;
  }

  signal(t: number, thread: number, kind: number, site: number): void {
    const signal = { t, thread, site };
    if (kind !== SignalKind.Clear) this.#signalled.set(thread, signal);
    const holds = this.lane.holds!;
    switch (kind) {
      case SignalKind.Set:
        this.#release(signal);
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
        this.#release(signal);
        return;
      }
      case SignalKind.Break:
      case SignalKind.Reset:
        this.#release(signal);
    }
  }

  /** Nobody waits any more from now on, though they all will say so only when they have a core. */
  #release(signal: Signal): void {
    for (const start of this.#open) {
      this.lane.lockWaitEnd(signal.t);
      this.#released.push({ start, signal });
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
