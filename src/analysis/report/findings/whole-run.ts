/** How the run as a whole used its cores, event loops and memory. */
import { SliceKind, ThreadState, type ThreadTrack, type TraceModel } from "../../model.js";
import { withoutColumn } from "../../strings.js";
import { SliceFlag } from "../../thread-lane.js";
import { formatDuration, formatShare, plural } from "../format.js";
import { endOf, sitesOf } from "../trace-numbers.js";
import { WAITS } from "./evidence.js";
import { indexOfId, type Rule, startedAt, unique } from "./rule.js";

/** The part of the cores whose use is enough. */
const ENOUGH = 0.6;

export const lowParallelism: Rule = ({ model, numbers, report, cycles }) => {
  if (cycles.length > 0 || report.hung) return []; // That is reason enough.
  const { durationNs, coresAvailable, coresUsed, threads } = report;
  // Who only ever awaits the others cannot use a core.
  const waiters = new Set(numbers.objects.flatMap((object) => [...object.waiters, ...object.putWaiters]));
  const workers = threads.filter(
    (thread) =>
      thread.runningNs + thread.runnableNs + thread.ioNs >= durationNs * 0.05 || waiters.has(indexOfId(thread.id)),
  );
  if (model.coreSource === "process-only" && model.coresInUse.count === 0) return [];
  const usable = Math.min(coresAvailable, workers.length);
  if (usable < 2 || durationNs < 20e6 || coresUsed > usable * ENOUGH) return [];
  const blocked = new Map<string, { index: number; ns: number; name: string; sites: string[] }>();
  model.objects.forEach((object, index) => {
    const { blockedNs } = numbers.objects[index]!;
    if (blockedNs > 0) {
      const sites = sitesOf(numbers.objects[index]!, 2);
      blocked.set(`${index}`, { index, ns: blockedNs, name: `“${object.name}”`, sites });
    }
  });
  const most = [...blocked.values()].sort((x, y) => y.ns - x.ns)[0];
  const total = threads.reduce((sum, thread) => sum + thread.blockedNs, 0);
  const ready = threads.reduce((sum, thread) => sum + thread.runnableNs, 0);
  const idle = threads.reduce((sum, thread) => sum + thread.idleNs + thread.ioNs, 0);
  // Others had the cores: that is a finding of its own.
  if (ready > threads.reduce((sum, thread) => sum + thread.runningNs, 0)) return [];
  const byWaits = most !== undefined && total >= idle * 0.5 && most.ns >= total * 0.2;
  const inTurn = !byWaits && ranInTurn(model, workers);
  const why = byWaits
    ? `Threads were blocked for ${formatDuration(total)} in all, most of it for ${most.name} (${formatDuration(most.ns)}).`
    : inTurn
      ? `But they ran in turn: each began when the one before had ended.`
      : idle > total
        ? `Most of the time the threads had nothing to do or waited for files, the network or other programs (${formatDuration(idle)} in all).`
        : `Threads were blocked for ${formatDuration(total)} and ready without a core for ${formatDuration(ready)} in all.`;
  return [
    {
      rule: "low-parallelism",
      severity: byWaits ? "warning" : "info",
      title: `${coresUsed} of ${coresAvailable} cores used on average${byWaits ? `: ${most.name} is waited for` : ""}`,
      detail: `${plural(workers.length, "thread")} had work, enough to use ${plural(usable, "core")} at once. ${why}`,
      costNs: Math.round(durationNs * (1 - coresUsed / usable)),
      subjects: [],
      evidence: {
        ...(byWaits
          ? { kinds: WAITS, objects: [most.index] }
          : {
              states: idle > total ? [ThreadState.Idle, ThreadState.Io] : [ThreadState.Blocked, ThreadState.Runnable],
            }),
        threads: workers.map(({ id }) => indexOfId(id)),
        coresBelow: usable * ENOUGH,
      },
      sites: byWaits
        ? most.sites
        : startedAt(
            model,
            workers.map((thread) => model.threads[indexOfId(thread.id)]),
          ),
      advice: byWaits
        ? `Look at ${most.name} first: what is waited for is what holds the rest up.`
        : inTurn
          ? "Start all of them first, and wait for their ends then (`join`)."
          : "Give the threads more to do at once: smaller pieces, started earlier, or more of them for what waits for files and the network.",
    },
  ];
};

/** Whether threads that somebody started lived one after the other, beside the main thread that waited for them. */
function ranInTurn(model: TraceModel, workers: readonly { readonly id: string }[]): boolean {
  const started = workers
    .map(({ id }) => model.threads[indexOfId(id)]!)
    .filter((thread) => !thread.isMain && thread.pool < 0)
    .sort((x, y) => x.startNs - y.startNs);
  if (started.length < 2 || started.length < workers.length - 1) return false;
  return started.every((thread, i) => i === 0 || thread.startNs >= endOf(started[i - 1]!.endNs, model.endNs));
}

export const eventLoop: Rule = ({ model, numbers, report }) => {
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
        `no timer fired and no answer was read in that time.${late.length > 1 ? ` So were those of ${plural(late.length - 1, "other process")}.` : ""}`,
      costNs: delay.totalNs,
      subjects: late.map((one) => `thread-${one.thread.index + 1}`),
      sites: unique([...blockingSites(model, thread), ...startedAt(model, [thread])]),
      advice:
        "Let long computing run in a pool, and wait with `await` instead of a Sync call where the thread has other things to do.",
    },
  ];
};

/** Lines that kept an event loop busy, or if none is known, the last one before it was late for longest. */
function blockingSites(model: TraceModel, { index, slices }: ThreadTrack): string[] {
  const known = busySites(model, index);
  if (known.length > 0) return known;
  let [from, longestNs] = [0, 0];
  for (let i = 0; i < slices.count; i++) {
    const length = slices.end[i]! - slices.start[i]!;
    if (slices.kind[i] === SliceKind.LoopDelay && length > longestNs) [from, longestNs] = [slices.start[i]!, length];
  }
  let [site, latest] = [0, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < slices.count; i++) {
    const end = slices.end[i]!;
    if (slices.site[i] !== 0 && end > latest && end <= from) [site, latest] = [slices.site[i]!, end];
  }
  return [withoutColumn(model.strings[site] ?? "")];
}

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

export const garbage: Rule = ({ model, numbers, report }) => {
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
      sites: unique([
        ...startedAt(model, [model.threads[indexOfId(worst.thread.id)]]),
        ...busySites(model, indexOfId(worst.thread.id)),
      ]),
      advice:
        "Make fewer short-lived objects in the hot loop, or hand large data over with `transfer` instead of copying it.",
    },
  ];
};

export const noCore: Rule = ({ model, report }) => {
  const ready = report.threads.reduce((sum, thread) => sum + thread.runnableNs, 0);
  const running = report.threads.reduce((sum, thread) => sum + thread.runningNs, 0);
  if (ready < 50e6 || ready < running * 0.5 || ready < report.durationNs * 0.25) return [];
  const sorted = [...report.threads].sort((x, y) => y.runnableNs - x.runnableNs);
  const most = sorted[0]!;
  const other = report.cores.reduce((sum, core) => sum + core.otherNs, 0);
  const own = report.cores.reduce((sum, core) => sum + core.ownNs, 0);
  const share = other / Math.max(1, own + other);
  return [
    {
      rule: "no-core-free",
      severity: "info",
      title:
        share >= 0.5
          ? "No core was free: other programs used most of them"
          : `No core was free: more threads want to compute than ${plural(report.coresAvailable, "core")} can run`,
      detail:
        `Threads were ready to run for ${formatDuration(ready)} in all, beside ${formatDuration(running)} of running; “${most.name}” most of all ` +
        `(${formatDuration(most.runnableNs)}).` +
        (share >= 0.25 ? ` Of the time that cores were busy, other programs had ${formatShare(share)}.` : ""),
      costNs: ready,
      subjects: [most.id],
      sites: startedAt(
        model,
        sorted.slice(0, 8).map((thread) => model.threads[indexOfId(thread.id)]),
      ),
      advice:
        share >= 0.5
          ? "Other programs used most of the cores: measure again on a quiet machine before changing anything."
          : `More threads want to compute at once than the ${plural(report.coresAvailable, "core")} can run: more of them make nothing faster.${share >= 0.25 ? " Measure on a quiet machine." : ""}`,
    },
  ];
};

export const dropped: Rule = ({ report }) =>
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
