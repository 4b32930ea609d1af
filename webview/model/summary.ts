/** The numbers above the timeline: how the run went, and what most stood in its way. */

import { SliceKind, type TraceModel } from "../../src/analysis/model.js";
import { signalKindOf } from "../../src/analysis/signals.js";
import type { Headline } from "../../src/protocol/messages.js";
import { WaitReason } from "../../src/trace/events.js";
import { STATES } from "./state-shares.js";
import type { TrackIndexes } from "./track-indexes.js";

export interface Obstacle {
  /** Index into `objects`. */
  readonly object: number;
  /** Time that threads spent waiting for it, nanoseconds, summed. */
  waitedNs: number;
  waits: number;
  longestNs: number;
  /** Where the longest wait is. */
  longestThread: number;
  longestRow: number;
  /** How many threads waited. */
  readonly threads: Set<number>;
}

export interface Summary {
  readonly headline: Headline;
  /** Per state (1-based minus 1), summed over the runtime's threads. */
  readonly states: Float64Array;
  /** Threads that ran for a twentieth of the time and more. */
  readonly workers: number;
  /** Sorted by time waited. */
  readonly obstacles: readonly Obstacle[];
}

/** Whether a wait for such a reason is for an object: a condition, event, barrier or connection. */
function isForObject(reason: number): boolean {
  return signalKindOf(reason) !== 0 || reason === WaitReason.Receive || reason === WaitReason.Send;
}

/** Keeps sums up to date while a trace grows; each finished wait is counted once. */
export class Summarizer {
  readonly #model: TraceModel;
  readonly #indexes: TrackIndexes;
  readonly #obstacles = new Map<number, Obstacle>();
  /** Per thread: rows of slices taken in, and those passed while they were open. */
  readonly #taken: number[] = [];
  readonly #open: number[][] = [];
  readonly #times = new Float64Array(STATES);

  constructor(model: TraceModel, indexes: TrackIndexes) {
    this.#model = model;
    this.#indexes = indexes;
  }

  summarize(): Summary {
    const model = this.#model;
    const states = new Float64Array(STATES);
    let workers = 0;
    for (const thread of model.threads) {
      this.#takeWaits(thread.index);
      if (thread.number === 0) continue;
      this.#indexes.threads[thread.index]?.states.times(0, model.endNs, model.endNs, this.#times);
      for (let s = 0; s < STATES; s++) states[s]! += this.#times[s]!;
      if (this.#times[0]! >= model.endNs * 0.05) workers++;
    }
    const running = states[0]!;
    const headline: Headline = {
      durationNs: model.endNs,
      coresUsed: model.endNs > 0 ? this.#indexes.coresInUse.integralTo(model.endNs) / model.endNs : 0,
      coresAvailable: model.coresAvailable,
      runningNs: running,
      readyNs: states[1]!,
      blockedNs: states[2]!,
      live: !model.complete,
    };
    const obstacles = [...this.#obstacles.values()].sort((a, b) => b.waitedNs - a.waitedNs);
    return { headline, states, workers, obstacles };
  }

  #takeWaits(thread: number): void {
    const { slices } = this.#model.threads[thread]!;
    const open = this.#open[thread] ?? [];
    const still: number[] = [];
    for (const row of open) if (!this.#take(thread, row)) still.push(row);
    for (let row = this.#taken[thread] ?? 0; row < slices.count; row++) if (!this.#take(thread, row)) still.push(row);
    this.#taken[thread] = slices.count;
    this.#open[thread] = still;
  }

  /** False if the slice is not over. */
  #take(thread: number, row: number): boolean {
    const { slices } = this.#model.threads[thread]!;
    const kind = slices.kind[row]!;
    const object = slices.object[row]!;
    const forObject =
      (kind >= SliceKind.LockWait && kind <= SliceKind.QueueGetWait) ||
      (kind === SliceKind.OtherWait && isForObject(slices.value[row]!));
    if (!forObject || object < 0) return true;
    const end = slices.end[row]!;
    if (Number.isNaN(end)) return false;
    const length = end - slices.start[row]!;
    let obstacle = this.#obstacles.get(object);
    if (!obstacle) {
      obstacle = {
        object,
        waitedNs: 0,
        waits: 0,
        longestNs: -1,
        longestThread: -1,
        longestRow: -1,
        threads: new Set(),
      };
      this.#obstacles.set(object, obstacle);
    }
    obstacle.waitedNs += length;
    obstacle.waits++;
    obstacle.threads.add(thread);
    if (length > obstacle.longestNs) {
      obstacle.longestNs = length;
      obstacle.longestThread = thread;
      obstacle.longestRow = row;
    }
    return true;
  }
}
