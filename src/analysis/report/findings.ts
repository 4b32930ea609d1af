/** What a person should look at first, worst first. The rules are in `findings/`. */
import { contendedLock, queues } from "./findings/contention.js";
import { pools } from "./findings/pools.js";
import type { FindingsInput, Rule } from "./findings/rule.js";
import { abandonedLock, deadlock, neverEnded, standstill } from "./findings/stuck.js";
import { dropped, eventLoop, garbage, lowParallelism, noCore } from "./findings/whole-run.js";
import type { Finding, Severity } from "./report-types.js";

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

export function findFindings(input: FindingsInput): Finding[] {
  return RULES.flatMap((rule) => rule(input)).sort(
    (x, y) => RANK[x.severity] - RANK[y.severity] || y.costNs - x.costNs,
  );
}
