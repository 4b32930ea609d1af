/** What a rule gets and gives, and what several of them need. */
import type { ThreadTrack, TraceModel } from "../../model.js";
import { withoutColumn } from "../../strings.js";
import type { CycleStep, UnfinishedWait } from "../deadlocks.js";
import type { Finding, JsonReport } from "../report-types.js";
import type { TraceNumbers } from "../trace-numbers.js";

export interface FindingsInput {
  readonly model: TraceModel;
  readonly numbers: TraceNumbers;
  readonly report: JsonReport;
  readonly waits: readonly UnfinishedWait[];
  readonly cycles: readonly CycleStep[][];
}

/** Gives findings, or none. */
export type Rule = (input: FindingsInput) => Finding[];

export const indexOfId = (id: string): number => Number(id.slice(id.lastIndexOf("-") + 1)) - 1;
export const unique = (texts: readonly string[]): string[] => [...new Set(texts.filter((text) => text !== ""))];

/** Where these threads were started: the line of the thread, or of the pool it works for. */
export function startedAt(model: TraceModel, threads: readonly (ThreadTrack | undefined)[]): string[] {
  return unique(
    threads.map((thread) => withoutColumn(model.objects[thread?.pool ?? -1]?.site || (thread?.site ?? ""))),
  ).slice(0, 3);
}
