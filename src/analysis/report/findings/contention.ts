/** What is waited for: locks, full queues, empty queues. */
import type { TraceModel } from "../../model.js";
import { isSignalKind } from "../../signals.js";
import { withoutColumn } from "../../strings.js";
import { formatCount, formatDuration, formatShare, plural } from "../format.js";
import type { Finding } from "../report-types.js";
import { endOf, topSites } from "../trace-numbers.js";
import { type FindingsInput, indexOfId, type Rule, shareOfTime, unique } from "./rule.js";

const times = (count: number): string => (count === 1 ? "once" : `${formatCount(count)} times`);
const gaveUp = (count: number): string => (count === 0 ? "" : ` (and gave up ${times(count)})`);
const oneDigit = (value: number): string => String(Math.round(value * 10) / 10);

/** What is waited for in vain: that it was waited for long is told by why. */
function stuckObjects({ cycles, standstill }: FindingsInput): ReadonlySet<number> {
  const stuck = standstill?.threads ?? [];
  const rows = [...cycles.flat().map(({ wait }) => wait), ...stuck];
  return new Set(rows.map(({ thread, row }) => thread.slices.object[row]!));
}

export const contendedLock: Rule = (input) => {
  const { model, numbers, report } = input;
  const stuck = stuckObjects(input);
  return report.locks
    .filter((lock) => !stuck.has(indexOfId(lock.id)) && !isSignalKind(model.objects[indexOfId(lock.id)]!.kind))
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
        // Promises wait beside other work, and many at once: of them no share of a thread's time can be said.
        title:
          own.blockedNs >= lock.wait.totalNs * 0.5
            ? `${plural(threads, "thread")} wait${threads === 1 ? "s" : ""} ${shareOfTime(input, own.waiters, own.blockedNs)} for “${lock.name}”`
            : `“${lock.name}” is waited for`,
        detail:
          `${plural(threads, "thread")} waited for it ${times(lock.contended)}${gaveUp(lock.timeouts)}, ` +
          `${formatDuration(lock.wait.totalNs)} in all, ${formatDuration(lock.wait.maxNs)} at the longest, up to ` +
          `${plural(lock.maxWaiters, "wait")} at once. It was taken ${times(lock.acquisitions)} and held ` +
          `${formatDuration(lock.hold.meanNs)} on average.`,
        costNs: lock.wait.totalNs,
        subjects: [lock.id],
        sites: unique([...topSites(own.sites, 3), holdSite(model, indexOfId(lock.id))]),
        advice: long
          ? "Hold it for less: do the slow part (files, network, computing) before taking it or after giving it back."
          : "Take it less often: gather changes and apply several at once, or split what it guards into parts with a lock each.",
      } satisfies Finding;
    });
};

/** "3 consumers wait 58 % of their time", or without the share where promises wait. */
function waiting(input: FindingsInput, who: string, threads: Set<number>, blockedNs: number, ns: number): string {
  if (blockedNs < ns * 0.5) return `its ${who}s wait`;
  const waits = `wait${threads.size === 1 ? "s" : ""} ${shareOfTime(input, threads, blockedNs)}`;
  return threads.size === 1 ? `its ${who} ${waits}` : `its ${plural(threads.size, who)} ${waits}`;
}

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

export const queues: Rule = (input) => {
  const { numbers, report } = input;
  const found: Finding[] = [];
  const stuck = stuckObjects(input);
  for (const queue of report.queues) {
    if (stuck.has(indexOfId(queue.id))) continue;
    const own = numbers.objects[indexOfId(queue.id)]!;
    const { putWait, getWait } = queue;
    if (queue.capacity > 0 && putWait.totalNs >= Math.max(5e6, report.durationNs * 0.1)) {
      const [producers, consumers] = [own.putWaiters.size, own.waiters.size];
      // Each may wait once for the first item or the last: that says nothing of the queue's size.
      const often = getWait.totalNs - getWait.maxNs * consumers;
      const inTurn = consumers > 0 && often >= Math.max(5e6, report.durationNs * 0.05, putWait.totalNs * 0.2);
      found.push({
        rule: "saturated-queue",
        severity: putWait.totalNs >= report.durationNs * 0.5 ? "warning" : "info",
        title: inTurn
          ? `“${queue.name}” is too small: who puts and who gets wait in turn`
          : `“${queue.name}” is full: ${waiting(input, "producer", own.putWaiters, own.putBlockedNs, putWait.totalNs)}`,
        detail:
          `${plural(producers, "producer")} waited ${formatDuration(putWait.totalNs)} in all for ` +
          (queue.capacity === 1
            ? `its only place to become free. It was taken ${formatShare(queue.meanDepth)} of the time`
            : `one of its ${plural(queue.capacity, "place")} to become free. On average ${oneDigit(queue.meanDepth)} of them were taken`) +
          `, and an item stayed ${formatDuration(queue.residence.meanNs)}.` +
          (inTurn
            ? ` At other times ${plural(consumers, "consumer")} waited ${formatDuration(getWait.totalNs)} for something to be put in.`
            : ""),
        costNs: putWait.totalNs,
        subjects: [queue.id],
        sites: topSites(own.putSites, 3),
        advice: inTurn
          ? "Neither side is slow all the time: give it more places, so that what comes at once fits in and lasts until more comes."
          : "The consumers are the slow side: add some, or make their work shorter. More places only move the wait.",
      });
    } else if (getWait.totalNs >= Math.max(5e6, report.durationNs * 0.5) && queue.gets > 0) {
      found.push({
        rule: "starved-consumers",
        severity: "info",
        title: `“${queue.name}” is empty: ${waiting(input, "consumer", own.waiters, own.blockedNs - own.putBlockedNs, getWait.totalNs)}`,
        detail: `${plural(own.waiters.size, "consumer")} waited ${formatDuration(getWait.totalNs)} in all for something to be put in.`,
        costNs: getWait.totalNs,
        subjects: [queue.id],
        sites: topSites(own.sites, 3),
        advice:
          "The producers are the slow side: add some, or let them put smaller pieces in earlier. Or there are more consumers than it takes.",
      });
    }
  }
  return found;
};
