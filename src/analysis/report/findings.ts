/** What a person should look at first, worst first. Each rule is one function below that gives findings or none. */
import { SliceKind, type TraceModel } from "../model.js";
import { isSignalKind } from "../signals.js";
import { withoutColumn } from "../strings.js";
import { SliceFlag } from "../thread-lane.js";
import { type CycleStep, holdersAt, siteOfWait, type UnfinishedWait } from "./deadlocks.js";
import { formatDuration, formatShare, plural } from "./format.js";
import type { Finding, JsonReport, Severity } from "./report-types.js";
import { findStandstill } from "./standstill.js";
import { endOf, type TraceNumbers } from "./trace-numbers.js";

export interface FindingsInput {
  readonly model: TraceModel;
  readonly numbers: TraceNumbers;
  readonly report: JsonReport;
  readonly waits: readonly UnfinishedWait[];
  readonly cycles: readonly CycleStep[][];
}

type Rule = (input: FindingsInput) => Finding[];

const RANK: Record<Severity, number> = { error: 0, warning: 1, info: 2 };

export function findFindings(input: FindingsInput): Finding[] {
  return RULES.flatMap((rule) => rule(input)).sort(
    (x, y) => RANK[x.severity] - RANK[y.severity] || y.costNs - x.costNs,
  );
}

const indexOfId = (id: string): number => Number(id.slice(id.lastIndexOf("-") + 1)) - 1;
const unique = (texts: string[]): string[] => [...new Set(texts.filter((text) => text !== ""))];

const deadlock: Rule = ({ model, cycles }) =>
  cycles.map((cycle) => {
    const steps = cycle.map(({ wait, heldBy }) => {
      const { thread, row } = wait;
      const object = model.objects[thread.slices.object[row]!];
      const what = object
        ? `“${object.name}”, which “${model.threads[heldBy]!.name}” holds`
        : `the end of “${model.threads[heldBy]!.name}”`;
      return `“${thread.name}” waits for ${what}`;
    });
    const since = Math.max(...cycle.map(({ wait }) => wait.thread.slices.start[wait.row]!));
    const until = Math.min(...cycle.map(({ wait }) => wait.endNs));
    const self = cycle.length === 1;
    return {
      rule: "deadlock",
      severity: "error" as const,
      title: self ? "A thread waits for itself" : `Deadlock of ${cycle.length} threads`,
      detail: `${steps.join("; ")}.`,
      costNs: Math.max(0, Math.round(until - since)),
      subjects: cycle.map(({ wait }) => `thread-${wait.thread.index + 1}`),
      sites: unique(cycle.map(({ wait }) => siteOfWait(model, wait))),
      advice: self
        ? "A Lock cannot be taken twice by one thread. Use an RLock, or give the lock back first."
        : "Take these locks in the same order everywhere, or hold only one at a time, or wait with a timeout.",
    };
  });

/** Where no circle says it already: everybody waits for what nobody brings. */
const standstill: Rule = ({ model, cycles }) => {
  if (cycles.length > 0) return [];
  const found = findStandstill(model);
  if (found === null || found.threads.length === 0) return [];
  return [
    {
      rule: "standstill",
      severity: "error",
      title: "The program could never go on",
      detail: `${found.threads.map(({ thread, text }) => `“${thread.name}” ${text}`).join("; ")}.`,
      costNs: Math.max(0, Math.round(model.endNs - found.sinceNs)),
      subjects: [...new Set(found.threads.map(({ thread }) => `thread-${thread.index + 1}`))],
      sites: unique(found.threads.map(({ site }) => site)),
      advice:
        "See that whoever is waited for does its part on every path, also when it throws: give back, put, set, notify, or shut down.",
    },
  ];
};

const abandonedLock: Rule = ({ model }) =>
  model.objects.flatMap((object) => {
    const dead = model.threads[object.abandonedBy];
    if (dead === undefined) return [];
    const { holds } = object;
    let site = 0;
    for (let i = 0; i < holds!.count; i++) if (holds!.thread[i] === dead.index) site = holds!.site[i]!;
    return [
      {
        rule: "abandoned-lock",
        severity: "error" as const,
        title: `“${dead.name}” died while it held “${object.name}”`,
        detail: "Those who waited for it got an error. What it guards may have been left halfway.",
        costNs: 0,
        subjects: [`lock-${object.index + 1}`, `thread-${dead.index + 1}`],
        sites: unique([withoutColumn(model.strings[site] ?? ""), withoutColumn(object.site)]),
        advice:
          "Hold it by `using held = lock.holdSync()`, so that an error gives it back, and end threads by telling them, not by terminating them.",
      },
    ];
  });

const neverEnded: Rule = ({ model, waits, cycles }) => {
  if (!model.complete || findStandstill(model) !== null) return [];
  const circular = new Set(cycles.flat().map(({ wait }) => wait));
  const found: Finding[] = [];
  for (const wait of waits) {
    const { thread, row, endNs } = wait;
    const kind = thread.slices.kind[row]!;
    const object = model.objects[thread.slices.object[row]!];
    const length = endNs - thread.slices.start[row]!;
    // What a worker waits for when its program ends is nobody's fault, and neither is a moment.
    if (circular.has(wait) || !object || kind === SliceKind.OtherWait || length < Math.max(50e6, model.endNs * 0.1))
      continue;
    const holders = kind === SliceKind.LockWait ? holdersAt(model, object.index, endNs) : [];
    const who = holders.map((index) => `“${model.threads[index]!.name}”`).join(", ");
    const why =
      kind === SliceKind.LockWait
        ? who === ""
          ? "nobody holds it, so nobody was going to give it back"
          : `${who} held it to the end`
        : kind === SliceKind.QueueGetWait
          ? "nothing was put into it any more"
          : "nobody took anything out of it any more";
    found.push({
      rule: "wait-never-ended",
      severity: "warning",
      title: `“${thread.name}” never stopped waiting for “${object.name}”`,
      detail: `It waited for ${formatDuration(length)}, until the end: ${why}.`,
      costNs: Math.round(length),
      subjects: [`thread-${thread.index + 1}`],
      sites: unique([siteOfWait(model, wait)]),
      advice:
        kind === SliceKind.LockWait
          ? "Give the lock back on every path: `using held = lock.holdSync()` does so even when something is thrown."
          : "Say when there is no more work: one end mark per consumer, or `queue.shutdown()`.",
    });
  }
  return found.sort((x, y) => y.costNs - x.costNs).slice(0, 5);
};

const lowParallelism: Rule = ({ model, numbers, report, cycles }) => {
  if (cycles.length > 0) return []; // A deadlock is reason enough.
  const { durationNs, coresAvailable, coresUsed, threads } = report;
  const workers = threads.filter((thread) => thread.endNs - thread.startNs > durationNs * 0.1);
  if (model.coreSource === "process-only" && model.coresInUse.count === 0) return [];
  const usable = Math.min(coresAvailable, workers.length);
  if (usable < 2 || durationNs < 20e6 || coresUsed > usable * 0.6) return [];
  const blocked = new Map<string, { ns: number; name: string; sites: string[] }>();
  model.objects.forEach((object, index) => {
    const { blockedNs } = numbers.objects[index]!;
    if (blockedNs > 0) {
      blocked.set(`${index}`, { ns: blockedNs, name: `“${object.name}”`, sites: numbers.objects[index]!.topSites(2) });
    }
  });
  const most = [...blocked.values()].sort((x, y) => y.ns - x.ns)[0];
  const total = threads.reduce((sum, thread) => sum + thread.blockedNs, 0);
  const ready = threads.reduce((sum, thread) => sum + thread.runnableNs, 0);
  const idle = threads.reduce((sum, thread) => sum + thread.idleNs + thread.ioNs, 0);
  // Others had the cores: that is a finding of its own.
  if (ready > threads.reduce((sum, thread) => sum + thread.runningNs, 0)) return [];
  const why =
    most && total >= idle * 0.5 && most.ns >= total * 0.2
      ? `Threads were blocked for ${formatDuration(total)} in all, most of it for ${most.name} (${formatDuration(most.ns)}).`
      : idle > total
        ? `Most of the rest of the threads' time they had nothing to do or waited for files or the network (${formatDuration(idle)} in all).`
        : `Threads were blocked for ${formatDuration(total)} and ready without a core for ${formatDuration(ready)} in all.`;
  const byWaits = why.startsWith("Threads were blocked") && most !== undefined;
  return [
    {
      rule: "low-parallelism",
      severity: byWaits ? "warning" : "info",
      title: `${coresUsed} of ${coresAvailable} cores used on average`,
      detail: `${plural(workers.length, "thread")} could have used ${usable}. ${why}`,
      costNs: Math.round(durationNs * (1 - coresUsed / usable)),
      subjects: [],
      sites: byWaits ? most.sites : [],
      advice: byWaits
        ? `Look at ${most.name} first: what is waited for is what holds the rest up.`
        : "Give the threads more to do at once: smaller pieces, started earlier, or more of them for what waits for files and the network.",
    },
  ];
};

const contendedLock: Rule = ({ model, numbers, report, cycles }) => {
  const deadlocked = new Set(cycles.flat().map(({ wait }) => wait.thread.slices.object[wait.row]));
  return report.locks
    .filter((lock) => !deadlocked.has(indexOfId(lock.id)) && !isSignalKind(model.objects[indexOfId(lock.id)]!.kind))
    .filter((lock) => lock.wait.totalNs >= Math.max(5e6, report.durationNs * 0.05))
    .sort((x, y) => y.wait.totalNs - x.wait.totalNs)
    .slice(0, 3)
    .map((lock) => {
      const own = numbers.objects[indexOfId(lock.id)]!;
      const long = lock.hold.p50Ns > 1e6;
      const threads = own.waiters.size;
      return {
        rule: "contended-lock",
        severity: lock.wait.totalNs >= report.durationNs * 0.2 ? "warning" : "info",
        title: `“${lock.name}” is waited for`,
        detail:
          `${plural(threads, "thread")} waited ${formatDuration(lock.wait.totalNs)} in all for it: ` +
          `${lock.contended} of ${lock.acquisitions} times it was taken, up to ${lock.maxWaiters} at once, ` +
          `${formatDuration(lock.wait.maxNs)} at the longest. It was held ${formatDuration(lock.hold.meanNs)} on average.`,
        costNs: lock.wait.totalNs,
        subjects: [lock.id],
        sites: unique([...own.topSites(3), holdSite(model, indexOfId(lock.id))]),
        advice: long
          ? "Hold it for less: do the slow part (files, network, computing) before taking it or after giving it back."
          : "Take it less often: gather changes and apply several at once, or split what it guards into parts with a lock each.",
      } satisfies Finding;
    });
};

/** Where the lock was held for longest, in all. */
function holdSite(model: TraceModel, object: number): string {
  const holds = model.objects[object]?.holds;
  if (!holds) return "";
  const sums = new Map<number, number>();
  for (let i = 0; i < holds.count; i++) {
    if (holds.inexact[i] !== 0) continue;
    const length = endOf(holds.end[i]!, model.endNs) - holds.start[i]!;
    sums.set(holds.site[i]!, (sums.get(holds.site[i]!) ?? 0) + length);
  }
  const top = [...sums].sort((x, y) => y[1] - x[1])[0];
  return top ? withoutColumn(model.strings[top[0]] ?? "") : "";
}

const queues: Rule = ({ numbers, report }) => {
  const found: Finding[] = [];
  for (const queue of report.queues) {
    const own = numbers.objects[indexOfId(queue.id)]!;
    const sites = own.topSites(3);
    const { putWait, getWait } = queue;
    if (queue.capacity > 0 && putWait.totalNs >= Math.max(5e6, report.durationNs * 0.1)) {
      found.push({
        rule: "saturated-queue",
        severity: putWait.totalNs >= report.durationNs * 0.5 ? "warning" : "info",
        title: `“${queue.name}” is full: its producers wait`,
        detail:
          `Producers waited ${formatDuration(putWait.totalNs)} in all for a free place among ${queue.capacity}; ` +
          `on average ${queue.meanDepth} were taken, and an item stayed ${formatDuration(queue.residence.meanNs)}.`,
        costNs: putWait.totalNs,
        subjects: [queue.id],
        sites,
        advice:
          "The consumers are the slow side: add some, or make their work shorter. More places only move the wait.",
      });
    } else if (getWait.totalNs >= Math.max(5e6, report.durationNs * 0.5) && queue.gets > 0) {
      found.push({
        rule: "starved-consumers",
        severity: "info",
        title: `“${queue.name}” is empty: its consumers wait`,
        detail: `${plural(own.waiters.size, "consumer")} waited ${formatDuration(getWait.totalNs)} in all for something to be put in.`,
        costNs: getWait.totalNs,
        subjects: [queue.id],
        sites,
        advice:
          "The producers are the slow side: add some, or let them put smaller pieces in earlier. Or there are more consumers than it takes.",
      });
    }
  }
  return found;
};

const pools: Rule = ({ model, numbers, report }) => {
  const found: Finding[] = [];
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
          `The first task waited ${formatDuration(startNs)} for a worker to start; all ${plural(tasks, "task")} were done ` +
          `${formatDuration(lastTaskNs - firstTaskNs)} later.`,
        costNs: Math.round(startNs),
        subjects,
        sites,
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
            : `Its ${workers} workers were busy ${formatShare(busyFraction)} of the time between the first task and the last.`,
        costNs: run.maxNs,
        subjects,
        sites,
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
        detail: `Half of its ${tasks} tasks took less than ${formatDuration(run.p50Ns)}: handing one over costs about as much.`,
        costNs: 0,
        subjects,
        sites,
        advice: "Hand in several at once: `executor.map` with a `chunkSize`, or tasks that work on a range.",
      });
    }
  }
  return found;
};

const eventLoop: Rule = ({ model, numbers, report }) => {
  const late = model.threads
    .filter((thread) => thread.isMain && thread.pool < 0) // A worker that works is not blocked.
    .map((thread) => ({ thread, delay: numbers.pauses[thread.index]!.loopDelay.summary() }))
    .filter(({ delay }) => delay.maxNs >= 100e6 && delay.totalNs >= report.durationNs * 0.1)
    .sort((x, y) => y.delay.totalNs - x.delay.totalNs);
  const worst = late[0];
  if (worst === undefined) return [];
  const { thread, delay } = worst;
  const process = model.processes[thread.process]!.name;
  return [
    {
      rule: "event-loop-blocked",
      severity: delay.totalNs >= report.durationNs * 0.5 ? "warning" : "info",
      title: `The event loop of “${thread.name}”${process === "" ? "" : ` in “${process}”`} was blocked`,
      detail:
        `It was late by ${formatDuration(delay.totalNs)} in all, by ${formatDuration(delay.maxNs)} at the worst: ` +
        `no timer and no answer in that time.${late.length > 1 ? ` So were those of ${plural(late.length - 1, "other process")}.` : ""}`,
      costNs: delay.totalNs,
      subjects: late.map((one) => `thread-${one.thread.index + 1}`),
      sites: busySites(model, thread.index),
      advice:
        "Let long computing run in a pool, and wait with `await` instead of a Sync call where the thread has other things to do.",
    },
  ];
};

/** Where blocking waits and spans of a thread were that took longest. */
function busySites(model: TraceModel, index: number): string[] {
  const { slices } = model.threads[index]!;
  const sums = new Map<number, number>();
  for (let i = 0; i < slices.count; i++) {
    const kind = slices.kind[i]!;
    if (slices.site[i] === 0 || kind >= SliceKind.Gc || (slices.flags[i]! & SliceFlag.Async) !== 0) continue;
    sums.set(slices.site[i]!, (sums.get(slices.site[i]!) ?? 0) + endOf(slices.end[i]!, model.endNs) - slices.start[i]!);
  }
  const top = [...sums].sort((x, y) => y[1] - x[1]).slice(0, 2);
  return top.map(([site]) => withoutColumn(model.strings[site] ?? ""));
}

const garbage: Rule = ({ numbers, report }) => {
  const collecting = report.threads
    .map((thread) => ({ thread, gc: numbers.pauses[indexOfId(thread.id)]!.gc.summary() }))
    .sort((x, y) => y.gc.totalNs - x.gc.totalNs);
  const total = collecting.reduce((sum, { gc }) => sum + gc.totalNs, 0);
  const running = report.threads.reduce((sum, thread) => sum + thread.runningNs, 0);
  const worst = collecting[0];
  if (worst === undefined || total < 50e6 || total < running * 0.25) return [];
  return [
    {
      rule: "garbage-collection",
      severity: "info",
      title: `Collecting garbage takes ${formatShare(total / Math.max(running, total))} of the running time`,
      detail:
        `${formatDuration(total)} in all, most of it in “${worst.thread.name}”: ` +
        `${formatDuration(worst.gc.totalNs)}, ${formatDuration(worst.gc.maxNs)} at the longest.`,
      costNs: Math.round(total),
      subjects: [worst.thread.id],
      sites: [],
      advice:
        "Make fewer short-lived objects in the hot loop, or hand large data over with `transfer` instead of copying it.",
    },
  ];
};

const noCore: Rule = ({ report }) => {
  const ready = report.threads.reduce((sum, thread) => sum + thread.runnableNs, 0);
  const running = report.threads.reduce((sum, thread) => sum + thread.runningNs, 0);
  if (ready < 50e6 || ready < running * 0.5 || ready < report.durationNs * 0.25) return [];
  const most = [...report.threads].sort((x, y) => y.runnableNs - x.runnableNs)[0]!;
  return [
    {
      rule: "no-core-free",
      severity: "info",
      title: "Threads were ready to run, but no core was free",
      detail:
        `${formatDuration(ready)} in all, beside ${formatDuration(running)} of running; “${most.name}” most of all ` +
        `(${formatDuration(most.runnableNs)}).`,
      costNs: ready,
      subjects: [most.id],
      sites: [],
      advice: `More threads compute at once than the ${plural(report.coresAvailable, "core")} can run, or other programs use them: take fewer workers, or measure on a quiet machine.`,
    },
  ];
};

const dropped: Rule = ({ report }) =>
  report.recorder.dropped === 0
    ? []
    : [
        {
          rule: "events-dropped",
          severity: "warning",
          title: `${plural(report.recorder.dropped, "event")} could not be recorded`,
          detail: "Threads wrote faster than the recorder could store: counts and times of what they did are too low.",
          costNs: 0,
          subjects: [],
          sites: [],
          advice: "Put fewer spans and marks into the hottest loop.",
        },
      ];

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
