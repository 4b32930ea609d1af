/** Waits that never ended: circles, what nobody brings, what a dead thread held. */
import { WaitReason } from "../../../trace/events.js";
import { SliceKind } from "../../model.js";
import { withoutColumn } from "../../strings.js";
import { distinctName } from "../../thread-name.js";
import { holdersAt, siteOfWait } from "../deadlocks.js";
import { formatDuration } from "../format.js";
import type { Standstill } from "../standstill.js";
import { type FoundFinding, type Rule, unique } from "./rule.js";

const GET_ADVICE = "Say when there is no more work: one end mark per consumer, or `queue.shutdown()`.";
const ORDER_ADVICE =
  "Take these locks in the same order everywhere, or hold only one at a time, or wait with a timeout.";
const PUT_ADVICE = "Let a consumer take until the producers are done, or end them with `queue.shutdown()`.";

export const deadlock: Rule = ({ model, cycles }) =>
  cycles.map((cycle) => {
    const steps = cycle.map(({ wait, heldBy }) => {
      const { thread, row } = wait;
      const object = model.objects[thread.slices.object[row]!];
      const what = object
        ? `“${object.name}”, which “${distinctName(model, model.threads[heldBy]!)}” holds`
        : `the end of “${distinctName(model, model.threads[heldBy]!)}”`;
      return `“${distinctName(model, thread)}” waits for ${what}`;
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
        ? "Only an RLock can be taken again by the thread that has it. Use one, or give this back first."
        : ORDER_ADVICE,
    };
  });

/** Where no circle says it already: everybody waits for what nobody brings. */
export const standstill: Rule = ({ model, cycles, standstill: found }) => {
  if (cycles.length > 0) return [];
  if (found === null || found.threads.length === 0) return [];
  return [
    {
      rule: "standstill",
      severity: "error",
      title: "The program could never go on",
      detail: `${[...found.threads.map(({ name, text }) => `“${name}” ${text}`), ...found.starved.map(({ text }) => text)].join("; ")}.`,
      costNs: Math.max(0, Math.round(model.endNs - found.sinceNs)),
      subjects: [...new Set(found.threads.map(({ thread }) => `thread-${thread.index + 1}`))],
      sites: unique(found.threads.map(({ site }) => site)),
      advice: standstillAdvice(found),
    },
  ];
};

/** Waits for somebody to be done: never the reason. */
const FOR_ENDS: ReadonlySet<number> = new Set([
  WaitReason.ThreadJoin,
  WaitReason.ProcessJoin,
  WaitReason.Result,
  WaitReason.Futures,
  WaitReason.Shutdown,
]);

/** What is most likely to be missing, by what is waited for. */
function standstillAdvice({ threads, starved }: Standstill): string {
  if (starved.length > 0)
    return "If what its workers wait for is to come from those tasks, give these a pool of their own, or more workers: a task that waits for another of its pool needs a worker for each.";
  const waits = threads
    .map(({ thread: { slices }, row }) => ({ kind: slices.kind[row]!, reason: slices.value[row]! }))
    .filter(({ kind, reason }) => kind !== SliceKind.OtherWait || !FOR_ENDS.has(reason));
  const locks = waits.filter(({ kind }) => kind === SliceKind.LockWait).length;
  const has = (wanted: SliceKind, why?: WaitReason): boolean =>
    waits.some(({ kind, reason }) => kind === wanted && (why === undefined || reason === why));
  if (has(SliceKind.OtherWait, WaitReason.QueueJoin))
    return "Call `taskDone` for every item that was taken, in a `finally`, so that an error does not leave it out.";
  if (locks > 1 && locks === waits.length) return ORDER_ADVICE;
  if (locks > 0 && locks < waits.length)
    return "Give a lock back before waiting for something else: whoever is to bring that may need the lock.";
  if (has(SliceKind.QueuePutWait)) return PUT_ADVICE;
  if (has(SliceKind.QueueGetWait)) return GET_ADVICE;
  if (has(SliceKind.OtherWait, WaitReason.Condition))
    return "A notification that comes before the wait is lost: under the condition's lock, change a variable and then notify, and wait only while it has not changed (`waitFor`).";
  return "See that whoever is waited for does its part on every path, also when it throws: give back, put, set, notify, or shut down.";
}

export const abandonedLock: Rule = ({ model }) =>
  model.objects.flatMap((object) => {
    const dead = model.threads[object.abandonedBy];
    if (dead === undefined) return [];
    const { holds } = object;
    let [site, sinceNs] = [0, dead.startNs];
    for (let i = 0; i < holds!.count; i++)
      if (holds!.thread[i] === dead.index) [site, sinceNs] = [holds!.site[i]!, holds!.start[i]!];
    return [
      {
        rule: "abandoned-lock",
        severity: "error" as const,
        title: `“${distinctName(model, dead)}” died while it held “${object.name}”`,
        detail: "Those who waited for it got an error. What it guards may have been left halfway.",
        costNs: 0,
        subjects: [`lock-${object.index + 1}`, `thread-${dead.index + 1}`],
        sites: unique([withoutColumn(model.strings[site] ?? ""), withoutColumn(object.site)]),
        evidence: { kinds: [], fromNs: sinceNs, toNs: Number.isNaN(dead.endNs) ? model.endNs : dead.endNs },
        advice:
          "Hold it by `using held = lock.holdSync()`, so that an error gives it back, and end threads by telling them, not by terminating them.",
      },
    ];
  });

export const neverEnded: Rule = ({ model, waits, cycles, standstill }) => {
  if (!model.complete || standstill !== null) return [];
  const circular = new Set(cycles.flat().map(({ wait }) => wait));
  const found: FoundFinding[] = [];
  for (const wait of waits) {
    const { thread, row, endNs } = wait;
    const kind = thread.slices.kind[row]!;
    const object = model.objects[thread.slices.object[row]!];
    const length = endNs - thread.slices.start[row]!;
    // What a worker waits for when its program ends is nobody's fault, and neither is a moment.
    if (circular.has(wait) || !object || kind === SliceKind.OtherWait || length < Math.max(50e6, model.endNs * 0.1))
      continue;
    const holders = kind === SliceKind.LockWait ? holdersAt(model, object.index, endNs) : [];
    const who = holders.map((index) => `“${distinctName(model, model.threads[index]!)}”`).join(", ");
    const why =
      kind === SliceKind.LockWait
        ? who === ""
          ? "nobody was seen to hold it, so nobody was going to give it back"
          : `${who} held it to the end`
        : kind === SliceKind.QueueGetWait
          ? "nothing was put into it any more"
          : "nobody took anything out of it any more";
    found.push({
      rule: "wait-never-ended",
      severity: "warning",
      title: `“${distinctName(model, thread)}” never stopped waiting for “${object.name}”`,
      detail: `It waited for ${formatDuration(length)}, until the end: ${why}.`,
      costNs: Math.round(length),
      subjects: [`thread-${thread.index + 1}`],
      evidence: { objects: [object.index] },
      sites: unique([siteOfWait(model, wait)]),
      advice:
        kind === SliceKind.LockWait
          ? "Give the lock back on every path: `using held = lock.holdSync()` does so even when something is thrown."
          : kind === SliceKind.QueueGetWait
            ? GET_ADVICE
            : PUT_ADVICE,
    });
  }
  return found.sort((x, y) => y.costNs - x.costNs).slice(0, 5);
};
