/** What a description is made of, and how threads and objects are called in it. */
import type { TraceModel } from "../../src/analysis/model.js";
import { distinctName } from "../../src/analysis/thread-name.js";
import { nameAmongWords } from "../model/format.js";
import type { Thing } from "../model/things.js";
import type { TrackIndexes } from "../model/track-indexes.js";

export interface Fact {
  readonly label: string;
  readonly value: string;
  /** Where a click leads. */
  readonly target?: Thing | null;
}

export interface Description {
  /** A CSS class that gives the colour: a state or a kind. */
  readonly tone: string;
  readonly kind: string;
  readonly title: string;
  readonly facts: readonly Fact[];
  /** Who caused it, and what it caused. */
  readonly links: readonly Fact[];
  /** "file:line:column", or "". */
  readonly site: string;
  /** The user's JSON detail, or "". */
  readonly detail: string;
}

/** The innermost slice of a thread at an instant, else its state; null if neither is known. */
export function sliceAt(model: TraceModel, indexes: TrackIndexes, thread: number, time: number): Thing | null {
  const index = indexes.threads[thread];
  const track = model.threads[thread];
  if (!index || !track) return null;
  const lane = `thread:${thread}`;
  for (let depth = index.slices.depths.length - 1; depth >= 0; depth--) {
    const row = index.slices.depths[depth]!.hit(time, 1000, model.endNs);
    if (row >= 0) return { type: "slice", lane, thread, row };
  }
  const row = index.states.rowAt(time);
  return row >= 0 ? { type: "state", lane, thread, row } : null;
}

export function threadName(model: TraceModel, thread: number): string {
  const track = model.threads[thread];
  if (!track) return "another program";
  const name = nameAmongWords(track.name) || (track.isMain ? "main" : `thread ${track.number || track.tid}`);
  return model.processes.length > 1 && track.name !== "" ? nameAmongWords(distinctName(model, track)) : name;
}

export function objectName(model: TraceModel, object: number): string {
  return nameAmongWords(model.objects[object]?.name ?? "");
}
