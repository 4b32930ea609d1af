import type { TraceModel } from "../../src/analysis/model.js";
import { IntervalIndex } from "./interval-index.js";
import { NestedSlices } from "./nested-slices.js";
import { PackedIntervals } from "./packed-intervals.js";
import { StateShares } from "./state-shares.js";
import { StepCurve } from "./step-curve.js";

export interface ThreadIndexes {
  readonly states: StateShares;
  readonly slices: NestedSlices;
}

export interface ObjectIndexes {
  readonly holds: PackedIntervals | null;
  readonly messages: PackedIntervals | null;
  readonly waiters: StepCurve | null;
  readonly depth: StepCurve | null;
  readonly queued: StepCurve | null;
  readonly busy: StepCurve | null;
}

/** The most rows in which a lock's holders at once are shown, or the messages on their way. */
const MAX_HOLDERS = 4;

/** What makes drawing and looking up fast, per track of a trace; grows with it. */
export class TrackIndexes {
  readonly threads: ThreadIndexes[] = [];
  readonly objects: ObjectIndexes[] = [];
  readonly cores: IntervalIndex[] = [];
  readonly counters: StepCurve[] = [];
  readonly coresInUse: StepCurve;
  readonly #model: TraceModel;

  constructor(model: TraceModel) {
    this.#model = model;
    this.coresInUse = new StepCurve(model.coresInUse);
  }

  /** Takes in what the model has gained. */
  grow(): void {
    const model = this.#model;
    for (const thread of model.threads) {
      let indexes = this.threads[thread.index];
      if (!indexes) {
        indexes = { states: new StateShares(thread.states), slices: new NestedSlices(thread.slices) };
        this.threads[thread.index] = indexes;
      }
      indexes.states.grow();
      indexes.slices.grow();
    }
    for (const object of model.objects) {
      let indexes = this.objects[object.index];
      if (!indexes) {
        indexes = {
          holds: object.holds && new PackedIntervals(object.holds, MAX_HOLDERS),
          messages: object.messages && new PackedIntervals(object.messages, MAX_HOLDERS),
          waiters: object.waiters && new StepCurve(object.waiters),
          depth: object.depth && new StepCurve(object.depth),
          queued: object.queued && new StepCurve(object.queued),
          busy: object.busy && new StepCurve(object.busy),
        };
        this.objects[object.index] = indexes;
      }
      for (const index of Object.values(indexes)) (index as PackedIntervals | StepCurve | null)?.grow();
    }
    model.cores.forEach((core, i) => {
      this.cores[i] ??= new IntervalIndex(core);
      const index = this.cores[i]!;
      while (index.count < core.count) index.push(index.count);
      index.grow();
    });
    for (const counter of model.counters) {
      this.counters[counter.index] ??= new StepCurve(counter.values);
      this.counters[counter.index]!.grow();
    }
    this.coresInUse.grow();
  }
}
