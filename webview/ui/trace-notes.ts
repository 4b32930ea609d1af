import type { TraceModel } from "../../src/analysis/model.js";
import { displayName, formatDuration, plural } from "../model/format.js";

export interface Note {
  readonly words: string;
  readonly warning: boolean;
  readonly title: string;
}

/** What one should know of a trace before believing it. */
export function traceNotes(model: TraceModel): Note[] {
  const notes: Note[] = [];
  if (model.cut)
    notes.push({ words: displayName(model.cut), warning: true, title: "What is shown ends where the file does." });
  if (model.recorder.dropped > 0)
    notes.push({
      words: `${plural(model.recorder.dropped, "event")} lost`,
      warning: true,
      title: "The recorder could not keep up.",
    });
  const source = {
    perf: ["cores: exact", "Every context switch, from the kernel."],
    sampled: ["cores: sampled", "What ran between two samples is not seen."],
    "process-only": ["cores: per process", "The system tells CPU time per process only."],
  }[model.coreSource];
  notes.push({ words: source[0]!, warning: false, title: source[1]! });
  if (model.recorder.events > 0)
    notes.push({
      words: plural(model.recorder.events, "event"),
      warning: false,
      title: `The recorder took ${formatDuration(model.recorder.overheadNs)} of CPU time.`,
    });
  return notes;
}
