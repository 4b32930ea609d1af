/**
 * What is said of a trace as a whole, and when it is said anew: the numbers, that it can never go on, the findings.
 * While a trace grows that is a few times a second at most; the frames in between show what was said last.
 */
import { turns } from "./idle.js";
import { FindingsWatcher, type ShownFinding } from "./model/findings.js";
import type { LoadedTrace } from "./model/loaded-trace.js";
import type { StandingStill } from "./model/standing-still.js";
import type { Summary } from "./model/summary.js";

/** How often the numbers above a live timeline change, milliseconds. */
const PAUSE_MS = 250;

export interface DigestEvents {
  /** It is time for a frame, in which the trace is looked at again. */
  due(): void;
  /** The numbers were made anew. */
  summarized(trace: LoadedTrace, summary: Summary): void;
  found(findings: readonly ShownFinding[]): void;
}

export class Digest {
  summary: Summary | null = null;
  /** That nobody can ever go on; null while anybody can. */
  still: StandingStill | null = null;
  /** Findings were looked for at least once. */
  isSearched = false;
  readonly #events: DigestEvents;
  #watcher: FindingsWatcher | null = null;
  #watched: LoadedTrace | null = null;
  #at = Number.NEGATIVE_INFINITY;
  #timer = 0;

  constructor(events: DigestEvents) {
    this.#events = events;
  }

  /** Forgets the trace. */
  reset(): void {
    this.#watcher?.stop();
    this.#watcher = this.#watched = this.summary = this.still = null;
    this.isSearched = false;
  }

  /**
   * The trace has grown. A file that is being read is looked through for findings when all of it is there: `isLive` is
   * of runs only.
   */
  take(trace: LoadedTrace, isLive: boolean): void {
    const now = performance.now();
    const { complete } = trace.model;
    if (complete || now - this.#at >= PAUSE_MS) this.#summarize(trace, now);
    else this.#timer ||= window.setTimeout(() => this.#events.due(), PAUSE_MS);
    if (isLive || complete) this.#look(trace);
  }

  #summarize(trace: LoadedTrace, now: number): void {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#at = now;
    this.summary = trace.summarizer.summarize();
    this.still = trace.standstill.find();
    this.#events.summarized(trace, this.summary);
  }

  #look(trace: LoadedTrace): void {
    if (this.#watched !== trace) {
      this.#watcher?.stop();
      this.#watched = trace;
      const watcher = new FindingsWatcher(trace.model, turns, (found) => {
        if (this.#watcher !== watcher) return;
        this.isSearched = true;
        this.#events.found(found);
      });
      this.#watcher = watcher;
    }
    this.#watcher!.changed();
  }
}
