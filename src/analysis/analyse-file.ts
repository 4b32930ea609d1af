import type { TraceModel } from "./model.js";
import { TraceBuilder } from "./trace-builder.js";

export interface AnalysedFile {
  readonly model: TraceModel;
  /** Why the file cannot be read, in words for a person; null if it can. */
  readonly problem: string | null;
}

/** The model of a whole file. Never throws on what the bytes are: see `problem`, and `model.cut`. */
export function analyseFile(bytes: Uint8Array): AnalysedFile {
  const builder = new TraceBuilder();
  builder.saved = true;
  builder.push(bytes);
  builder.finish();
  return { model: builder.model, problem: builder.problem };
}
