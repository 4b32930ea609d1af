import type { TraceModel } from "../../src/analysis/model.js";
import { TraceBuilder } from "../../src/analysis/trace-builder.js";
import { FlowIndex } from "./flows.js";
import { StandstillFinder } from "./standing-still.js";
import { Summarizer } from "./summary.js";
import { TrackIndexes } from "./track-indexes.js";

/** A model with all that makes it fast to draw and to ask. */
export class LoadedTrace {
  readonly model: TraceModel;
  readonly indexes: TrackIndexes;
  readonly flows: FlowIndex;
  readonly summarizer: Summarizer;
  readonly standstill: StandstillFinder;

  constructor(model: TraceModel) {
    this.model = model;
    this.indexes = new TrackIndexes(model);
    this.flows = new FlowIndex(model);
    this.standstill = new StandstillFinder(model);
    this.summarizer = new Summarizer(model, this.indexes);
  }

  /** Takes in what the model has gained. */
  grow(): void {
    this.indexes.grow();
    this.flows.grow();
  }
}

/** Stands in while there is no trace, so that drawing has no special case. */
export const emptyTrace = new LoadedTrace(new TraceBuilder().model);
