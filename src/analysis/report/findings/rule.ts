/** What a rule gets and gives, and what several of them need. */
import type { SliceKind, ThreadState, ThreadTrack, TraceModel } from "../../model.js";
import { withoutColumn } from "../../strings.js";
import type { CycleStep, UnfinishedWait } from "../deadlocks.js";
import { formatShare } from "../format.js";
import type { Finding, JsonReport } from "../report-types.js";
import type { Standstill } from "../standstill.js";
import type { TraceNumbers } from "../trace-numbers.js";

export interface FindingsInput {
  readonly model: TraceModel;
  readonly numbers: TraceNumbers;
  readonly report: JsonReport;
  readonly waits: readonly UnfinishedWait[];
  readonly cycles: readonly CycleStep[][];
  readonly standstill: Standstill | null;
}

/** What a finding is made of: what to look for on the threads. */
export interface EvidenceSpec {
  /** Slices of these kinds: all that are about `objects`, or any if there are none. */
  readonly kinds: readonly SliceKind[];
  /** Times in these states. */
  readonly states: readonly ThreadState[];
  /** Flags that a slice must have. */
  readonly flags: number;
  /** Only what was not over when its thread or the trace ended. */
  readonly unfinished: boolean;
  /** Indexes of objects. */
  readonly objects: readonly number[];
  /** Indexes of threads; empty for any. */
  readonly threads: readonly number[];
  /** Only within this time. */
  readonly fromNs: number;
  readonly toNs: number;
  /** It is the time in which fewer cores than that were in use; 0 if it is not about cores. */
  readonly coresBelow: number;
}

/** A finding, and where to look for what it is made of, if that does not follow from its rule and subjects. */
export interface FoundFinding extends Finding {
  readonly evidence?: Partial<EvidenceSpec>;
}

/** Gives findings, or none. */
export type Rule = (input: FindingsInput) => FoundFinding[];

export const indexOfId = (id: string): number => Number(id.slice(id.lastIndexOf("-") + 1)) - 1;
export const unique = (texts: readonly string[]): string[] => [...new Set(texts.filter((text) => text !== ""))];

/** "24 % of their time": how much of the lives of these threads it was. */
export function shareOfTime({ model }: FindingsInput, threads: ReadonlySet<number>, ns: number): string {
  let life = 0;
  for (const index of threads) {
    const { startNs, endNs } = model.threads[index]!;
    life += (Number.isNaN(endNs) ? model.endNs : endNs) - startNs;
  }
  return `${formatShare(life > 0 ? Math.min(1, ns / life) : 0)} of ${threads.size === 1 ? "its" : "their"} time`;
}

/** Where these threads were started: the line of the thread, or of the pool it works for. */
export function startedAt(model: TraceModel, threads: readonly (ThreadTrack | undefined)[]): string[] {
  return unique(
    threads.map((thread) => withoutColumn(model.objects[thread?.pool ?? -1]?.site || (thread?.site ?? ""))),
  ).slice(0, 3);
}
