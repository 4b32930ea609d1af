/** Pools that fail, idle, start late, or are fed crumbs or one task at a time. */
import { type ObjectTrack, SliceKind, ThreadState, type TraceModel } from "../../model.js";
import { distinctName } from "../../thread-name.js";
import { timeInState } from "../../time-in-state.js";
import { formatCount, formatDuration, formatShare, plural } from "../format.js";
import { type ObjectNumbers, topSites } from "../trace-numbers.js";
import { type FoundFinding, indexOfId, type Rule, unique } from "./rule.js";

/** The part of its time from which on who hands in is too busy to do so. */
const BUSY = 0.6;

export const pools: Rule = ({ model, numbers, report }) => {
  const found: FoundFinding[] = [];
  for (const pool of report.pools) {
    const { tasks, workers, busyFraction, run } = pool;
    const own = numbers.objects[indexOfId(pool.id)]!;
    const sites = unique([...topSites(own.sites, 1), pool.site]);
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
    const { firstTaskNs, lastTaskNs } = own;
    const object = model.objects[indexOfId(pool.id)]!;
    const queued = object.queued!;
    const places = Math.min(Math.max(object.capacity, workers), tasks);
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
      continue;
    }
    const fromNs = firstTaskNs - Math.max(0, startNs);
    const few = tasks < workers * 2;
    // A pool that has little to do in all holds nobody up.
    const matters = !few && places >= 2 && run.totalNs >= report.durationNs * 0.1;
    const feeder = matters ? busyFeeder(model, own, fromNs, lastTaskNs) : null;
    const fills = run.totalNs >= Math.max(report.durationNs * 0.2, (lastTaskNs - fromNs) * 0.5);
    if (places >= 2 && tasks >= 3 && feeder === null && fills && isOneAtATime(object, own)) {
      found.push({
        rule: "one-task-at-a-time",
        severity: run.totalNs >= report.durationNs * 0.3 ? "warning" : "info",
        title: `“${pool.name}” gets one task at a time`,
        detail:
          `Each of its ${plural(tasks, "task")} was handed in when the one before was done: for ` +
          `${formatDuration(run.totalNs)} one worker had work, and the other${places === 2 ? "" : ` ${places - 1}`} that it may have had none.`,
        costNs: Math.round(run.totalNs * (1 - 1 / Math.max(1, Math.min(places, report.coresAvailable || places)))),
        subjects,
        sites,
        evidence: { kinds: [SliceKind.Task] },
        advice:
          "Hand in all of them first and await their results then (`executor.map`, `asCompleted`), unless each needs the result of the one before.",
      });
    } else if ((workers >= 2 || feeder !== null) && busyFraction < 0.5) {
      const uneven = feeder === null && run.maxNs > run.meanNs * 4 && run.maxNs > (run.totalNs / workers) * 0.5;
      const costNs = Math.round((lastTaskNs - fromNs) * (1 - busyFraction));
      const busy = `Its ${plural(workers, "worker")} ${workers === 1 ? "was" : "were"} busy ${formatShare(busyFraction)} of the time from the first task handed in to the end of the last`;
      found.push({
        rule: "idle-workers",
        severity: feeder !== null && costNs >= report.durationNs * 0.2 ? "warning" : "info",
        title: `“${pool.name}” is ${formatShare(1 - busyFraction)} idle${feeder === null ? "" : `: “${feeder.name}” does not keep up`}`,
        detail: few
          ? `${plural(tasks, "task")} for ${workers} workers: some had nothing to do.`
          : uneven
            ? `The longest task took ${formatDuration(run.maxNs)}, the others ${formatDuration(run.p50Ns)} (median): the rest waited for it.`
            : feeder === null
              ? `${busy}.`
              : `${busy}, and “${feeder.name}”, which hands them in, for ${formatShare(feeder.share)} of it.`,
        costNs,
        subjects,
        sites,
        evidence:
          uneven && !few
            ? { kinds: [SliceKind.Task] }
            : {
                kinds: [],
                states: [ThreadState.Idle],
                threads: workersOf(model, indexOfId(pool.id)),
                fromNs,
                toNs: lastTaskNs,
              },
        advice: few
          ? "Cut the work into more and smaller tasks, or take fewer workers."
          : uneven
            ? "Start the longest tasks first, or cut them up."
            : feeder === null
              ? "Hand tasks in earlier, several at a time: what hands them in does not keep up."
              : "Let the tasks do what is done between them, and hand over little: a path, a range, shared memory, or `transfer` instead of large objects that are copied.",
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

/** Whether next to no time passed in which two tasks were handed in and not done. */
function isOneAtATime({ queued, busy }: ObjectTrack, { use }: ObjectNumbers): boolean {
  const most = use.summary().totalNs * 0.02;
  let [several, i, j] = [0, 0, 0];
  let since = 0;
  let underWay = 0;
  while (i < queued!.count || j < busy!.count) {
    const ofQueued = i < queued!.count ? queued!.time[i]! : Number.POSITIVE_INFINITY;
    const ofBusy = j < busy!.count ? busy!.time[j]! : Number.POSITIVE_INFINITY;
    const time = Math.min(ofQueued, ofBusy);
    if (underWay >= 2) several += time - since;
    if (several > most) return false;
    // A start changes both at one time.
    if (ofQueued === time) i++;
    if (ofBusy === time) j++;
    underWay = (i > 0 ? queued!.value[i - 1]! : 0) + (j > 0 ? busy!.value[j - 1]! : 0);
    since = time;
  }
  return true;
}

/** Who handed in most, if it was busy itself for most of the time; what it is called, and for how much of it. */
function busyFeeder(
  model: TraceModel,
  { submitters }: ObjectNumbers,
  from: number,
  to: number,
): { name: string; share: number } | null {
  const [index] = [...submitters].sort((x, y) => y[1] - x[1])[0] ?? [];
  const thread = model.threads[index ?? -1];
  if (thread === undefined || model.coreSource === "process-only") return null;
  const busyNs =
    timeInState(thread.states, from, to, ThreadState.Running) +
    timeInState(thread.states, from, to, ThreadState.Runnable);
  const share = to > from ? busyNs / (to - from) : 0;
  return share >= BUSY ? { name: distinctName(model, thread), share } : null;
}

function workersOf(model: TraceModel, pool: number): number[] {
  return model.threads.filter((thread) => thread.pool === pool).map(({ index }) => index);
}
