/** What a person should look at first, worst first. The rules are in `findings/`. */
import type { TraceModel } from "../model.js";
import { contendedLock, queues } from "./findings/contention.js";
import { type Evidence, evidenceInSteps, placeOf, specOf } from "./findings/evidence.js";
import { pools } from "./findings/pools.js";
import type { FindingsInput, FoundFinding, Rule } from "./findings/rule.js";
import { abandonedLock, deadlock, neverEnded, standstill } from "./findings/stuck.js";
import { dropped, eventLoop, garbage, lowParallelism, noCore } from "./findings/whole-run.js";
import type { LocatedFinding, Severity } from "./report-types.js";

const RULES: readonly Rule[] = [
  deadlock,
  standstill,
  abandonedLock,
  neverEnded,
  lowParallelism,
  contendedLock,
  queues,
  pools,
  eventLoop,
  garbage,
  noCore,
  dropped,
];

const RANK: Record<Severity, number> = { error: 0, warning: 1, info: 2 };

/** A finding, and what it was made of. */
export interface SeenFinding {
  readonly finding: LocatedFinding;
  /** Null if there is nothing to be seen of it. */
  readonly evidence: Evidence | null;
}

/** Worst first; in steps, between which the model may grow. */
export function* findInSteps(input: FindingsInput): Generator<void, SeenFinding[]> {
  const found = findFindings(input);
  const { model } = input;
  const evidence = yield* evidenceInSteps(
    model,
    found.map(({ evidence: own, ...finding }) => specOf(finding, own)),
  );
  return found.map((one, i) => seen(model, one, evidence[i]!));
}

function findFindings(input: FindingsInput): FoundFinding[] {
  return RULES.flatMap((rule) => rule(input)).sort(
    (x, y) => RANK[x.severity] - RANK[y.severity] || y.costNs - x.costNs,
  );
}

function seen(model: TraceModel, { evidence: _, ...finding }: FoundFinding, evidence: Evidence | null): SeenFinding {
  return { finding: { ...finding, where: placeOf(model, evidence) }, evidence };
}
