/**
 * The findings of a trace while it grows.
 *
 * They are made by the report's own rules, from all of the trace: of a million events that takes a few tenths of a
 * second. So it is done in short steps, in time that nothing else wants, and of a growing trace the less often the
 * longer it takes: never more than a thirtieth of the time goes into it.
 */
import type { TraceModel } from "../../src/analysis/model.js";
import type { SeenFinding } from "../../src/analysis/report/findings.js";
import { type SeenReport, seenReportInSteps } from "../../src/analysis/report/json-report.js";

/** A finding that keeps its key while its figures change. */
export interface ShownFinding extends SeenFinding {
  readonly key: string;
}

/** Milliseconds, as of `performance.now()`; and how to be called back. */
export interface Turns {
  now(): number;
  /** Calls back in idle time, with how many milliseconds there are. */
  whenIdle(work: (timeLeft: () => number) => void): void;
  after(ms: number, work: () => void): void;
}

const LEAST_PAUSE_MS = 1000;
/** Of a growing trace, pauses are so many times as long as the work. */
const PAUSE_PER_WORK = 30;

export class FindingsWatcher {
  readonly #model: TraceModel;
  readonly #turns: Turns;
  readonly #ready: (found: readonly ShownFinding[]) => void;
  #steps: Generator<void, SeenReport> | null = null;
  /** What the steps look at was complete when they began. */
  #isFinal = false;
  #workMs = 0;
  #nextAt = Number.NEGATIVE_INFINITY;
  #isWaiting = false;
  #isAsked = false;
  #isOver = false;

  /** `ready` is called with the findings, worst first, each time they were looked for. */
  constructor(model: TraceModel, turns: Turns, ready: (found: readonly ShownFinding[]) => void) {
    this.#model = model;
    this.#turns = turns;
    this.#ready = ready;
  }

  /** The trace has changed: its findings are wanted anew, soon. */
  changed(): void {
    if (this.#isOver || this.#isFinal) return;
    if (this.#model.complete) {
      // What was begun with less of it is of no use any more.
      this.#isFinal = true;
      this.#begin();
      return;
    }
    this.#isAsked = true;
    if (this.#steps !== null) return;
    const pause = this.#nextAt - this.#turns.now();
    if (pause <= 0) this.#begin();
    else if (!this.#isWaiting) {
      this.#isWaiting = true;
      this.#turns.after(pause, () => {
        this.#isWaiting = false;
        if (this.#isAsked && this.#steps === null && !this.#isFinal && !this.#isOver) this.#begin();
      });
    }
  }

  /** The trace is shown no more. */
  stop(): void {
    this.#isOver = true;
    this.#steps = null;
  }

  #begin(): void {
    this.#isAsked = false;
    this.#workMs = 0;
    const isAtWork = this.#steps !== null;
    this.#steps = seenReportInSteps(this.#model);
    if (!isAtWork) this.#turns.whenIdle((timeLeft) => this.#work(timeLeft));
  }

  #work(timeLeft: () => number): void {
    const steps = this.#steps;
    if (steps === null) return;
    const { now } = this.#turns;
    const begin = now();
    for (;;) {
      const { done, value } = steps.next();
      if (done) {
        this.#steps = null;
        this.#nextAt = now() + Math.max(LEAST_PAUSE_MS, PAUSE_PER_WORK * (this.#workMs + now() - begin));
        this.#ready(withKeys(value.findings));
        if (this.#isAsked) this.changed();
        return;
      }
      if (timeLeft() < 1) break;
    }
    this.#workMs += now() - begin;
    this.#turns.whenIdle((left) => this.#work(left));
  }
}

/** By what a finding is told from others, whatever its figures are. */
function withKeys(found: readonly SeenFinding[]): ShownFinding[] {
  const times = new Map<string, number>();
  return found.map((one) => {
    const { rule, subjects } = one.finding;
    // Of whom it is about may change while it grows; which object it is about does not.
    const objects = subjects.filter((id) => !id.startsWith("thread-"));
    const key = [rule, ...(objects.length > 0 || rule !== "wait-never-ended" ? objects : subjects)].join(" ");
    const time = (times.get(key) ?? 0) + 1;
    times.set(key, time);
    return { ...one, key: time > 1 ? `${key} ${time}` : key };
  });
}
