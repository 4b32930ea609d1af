/** Pools that fail, idle, start late, or are fed crumbs. */
import { SliceKind, ThreadState, type TraceModel } from "../../model.js";
import { formatCount, formatDuration, formatShare, plural } from "../format.js";
import { type FoundFinding, indexOfId, type Rule, unique } from "./rule.js";

export const pools: Rule = ({ model, numbers, report }) => {
  const found: FoundFinding[] = [];
  for (const pool of report.pools) {
    const { tasks, workers, busyFraction, run } = pool;
    const sites = unique([pool.site]);
    const subjects = [pool.id];
    if (pool.failed > 0) {
      found.push({
        rule: "failing-tasks",
        severity: pool.failed >= tasks ? "error" : "warning",
        title: `${plural(pool.failed, "task")} of “${pool.name}” failed`,
        detail: `${pool.failed} of ${plural(tasks, "task")} threw an error.`,
        costNs: 0,
        subjects,
        sites,
        advice: "Await each future, or look at `future.exception()`: an error that nobody asks for is not seen.",
      });
    }
    if (tasks === 0 || run.totalNs < 5e6) continue;
    const { firstTaskNs, lastTaskNs } = numbers.objects[indexOfId(pool.id)]!;
    const queued = model.objects[indexOfId(pool.id)]!.queued!;
    const startNs = queued.count > 0 ? firstTaskNs - queued.time[0]! : 0;
    if (startNs > 20e6 && startNs > (lastTaskNs - firstTaskNs) * 0.5) {
      found.push({
        rule: "slow-pool-start",
        severity: "info",
        title: `“${pool.name}” was slow to start`,
        detail:
          `The first task waited ${formatDuration(startNs)} for a worker to start; its ${plural(tasks, "task")} then took ` +
          `${formatDuration(lastTaskNs - firstTaskNs)} in all.`,
        costNs: Math.round(startNs),
        subjects,
        sites,
        evidence: {
          kinds: [],
          threads: workersOf(model, indexOfId(pool.id)),
          fromNs: queued.time[0]!,
          toNs: firstTaskNs,
        },
        advice:
          "Start the pool early and use it for all the work, give it more to do, or do so little work without a pool.",
      });
    } else if (workers >= 2 && busyFraction < 0.5) {
      const few = tasks < workers * 2;
      const uneven = run.maxNs > run.meanNs * 4 && run.maxNs > (run.totalNs / workers) * 0.5;
      found.push({
        rule: "idle-workers",
        severity: "info",
        title: `“${pool.name}” is ${formatShare(1 - busyFraction)} idle`,
        detail: few
          ? `${plural(tasks, "task")} for ${workers} workers: some had nothing to do.`
          : uneven
            ? `The longest task took ${formatDuration(run.maxNs)}, the others ${formatDuration(run.p50Ns)} (median): the rest waited for it.`
            : `Its ${workers} workers were busy ${formatShare(busyFraction)} of the time from the first task handed in to the end of the last.`,
        costNs: Math.round((lastTaskNs - firstTaskNs + Math.max(0, startNs)) * (1 - busyFraction)),
        subjects,
        sites,
        evidence:
          uneven && !few
            ? { kinds: [SliceKind.Task] }
            : {
                kinds: [],
                states: [ThreadState.Idle],
                threads: workersOf(model, indexOfId(pool.id)),
                fromNs: firstTaskNs - Math.max(0, startNs),
                toNs: lastTaskNs,
              },
        advice: few
          ? "Cut the work into more and smaller tasks, or take fewer workers."
          : uneven
            ? "Start the longest tasks first, or cut them up."
            : "Hand tasks in earlier, several at a time: what hands them in does not keep up.",
      });
    } else if (workers >= 2 && tasks >= 200 && run.p50Ns < 50e3) {
      found.push({
        rule: "tiny-tasks",
        severity: "info",
        title: `The tasks of “${pool.name}” are tiny`,
        detail: `Half of its ${formatCount(tasks)} tasks took ${formatDuration(run.p50Ns)} or less: handing one over costs about as much.`,
        costNs: 0,
        subjects,
        sites,
        advice: "Hand in several at once: `executor.map` with a `chunkSize`, or tasks that work on a range.",
      });
    }
  }
  return found;
};

function workersOf(model: TraceModel, pool: number): number[] {
  return model.threads.filter((thread) => thread.pool === pool).map(({ index }) => index);
}
