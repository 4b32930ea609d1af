/**
 * A program that can never go on: what each of its threads waits for, and why nobody brings it.
 *
 * That it cannot go on is found in the program itself (`hang` frames of the trace): only there it is known that a loop
 * has no timer or socket left. What the threads wait for is found here, from the waits that never ended.
 */
import { ObjectKind, WaitReason } from "../../trace/events.js";
import { type ObjectTrack, SliceKind, type ThreadTrack, type TraceModel } from "../model.js";
import { kindName } from "../object-lane.js";
import { distinctName } from "../thread-name.js";
import { findCycles, holdersAt, siteOfWait, type UnfinishedWait, unfinishedWaits } from "./deadlocks.js";
import { formatCount, formatDuration, plural, printable } from "./format.js";

export interface StuckThread {
  readonly thread: ThreadTrack;
  /** What texts call it. */
  readonly name: string;
  /** The wait: a row of the thread's slices. */
  readonly row: number;
  /** Such as "waits for Lock “b”, which “two” holds (taken at bank.ts:12)". */
  readonly text: string;
  /** "file:line" of the wait, or "". */
  readonly site: string;
}

/** A pool whose tasks wait for its other tasks: a deadlock that has no lock in it. */
export interface StarvedPool {
  /** Index of the pool. */
  readonly object: number;
  /** Such as "2 tasks of ThreadPoolExecutor “p” cannot begin: both of its workers wait". */
  readonly text: string;
}

export interface Standstill {
  /** Since when nobody could go on: nanoseconds from the trace's origin. */
  readonly sinceNs: number;
  /** Threads that wait, without workers that only have no task. */
  readonly threads: readonly StuckThread[];
  /** Workers of pools that wait for a task. */
  readonly idleWorkers: number;
  /** Pools with tasks that cannot begin, since what all of their workers do is wait. */
  readonly starved: readonly StarvedPool[];
  /** The threads of each circle, in the order of who waits for whom. */
  readonly cycles: readonly (readonly StuckThread[])[];
}

/** What stands still at the end of the model (which may still grow); null if anything can go on. */
export function findStandstill(model: TraceModel): Standstill | null {
  const hung = model.processes.filter((process) => !Number.isNaN(process.hungSinceNs));
  if (hung.length === 0) return null;
  const sinceNs = Math.max(...hung.map((process) => process.hungSinceNs));
  const lives = (endNs: number) => Number.isNaN(endNs) || endNs > sinceNs;
  const recorded = new Set(model.threads.filter((thread) => thread.number > 0).map((thread) => thread.process));
  for (const process of model.processes) {
    if (recorded.has(process.index) && lives(process.endNs) && Number.isNaN(process.hungSinceNs)) return null;
  }
  const waits = unfinishedWaits(model).filter(
    ({ thread, row }) => lives(thread.endNs) && thread.slices.start[row]! <= sinceNs + 1e9,
  );
  const threads: StuckThread[] = [];
  const byWait = new Map<UnfinishedWait, StuckThread>();
  let idleWorkers = 0;
  for (const wait of waits) {
    const { thread, row } = wait;
    const { slices } = thread;
    if (slices.kind[row] === SliceKind.OtherWait && slices.value[row] === WaitReason.IdleWorker) {
      idleWorkers++;
      continue;
    }
    const name = distinctName(model, thread);
    const stuck = { thread, name, row, text: describeWait(model, wait), site: siteOfWait(model, wait) };
    threads.push(stuck);
    byWait.set(wait, stuck);
  }
  const cycles = findCycles(model, waits).map((cycle) => cycle.map(({ wait }) => byWait.get(wait)!));
  return { sinceNs, threads, idleWorkers, starved: starvedPools(model, threads, sinceNs), cycles };
}

function starvedPools(model: TraceModel, stuck: readonly StuckThread[], sinceNs: number): StarvedPool[] {
  const found: StarvedPool[] = [];
  for (const object of model.objects) {
    const { queued, index } = object;
    if (queued === null) continue;
    // What is handed back when the program is stopped is not what stood still.
    let row = queued.count - 1;
    while (row >= 0 && queued.time[row]! > sinceNs) row--;
    const tasks = row < 0 ? 0 : queued.value[row]!;
    const workers = new Set(stuck.flatMap(({ thread }) => (thread.pool === index ? [thread.index] : []))).size;
    if (tasks === 0 || workers === 0) continue;
    const who =
      workers === 1
        ? "its only worker waits"
        : workers === 2
          ? "both of its workers wait"
          : `all of its ${workers} workers wait`;
    found.push({ object: index, text: `${plural(tasks, "task")} of ${namedKind(object)} cannot begin: ${who}` });
  }
  return found;
}

/** Items that were taken and never reported: `join` waits for those, too. */
function leftOver(queue: ObjectTrack | undefined): string {
  if (!queue || !(queue.tally.unfinished > 0)) return "";
  const { puts, gets, unfinished } = queue.tally;
  const taken = Math.max(0, unfinished - Math.max(0, puts - gets));
  return taken > 0
    ? `, of which ${formatCount(taken)} ${taken === 1 ? "was" : "were"} taken and not reported by taskDone`
    : "";
}

/** "Lock “bank”"; or, where nobody gave it a name, its kind and where it was made: "Lock bank.ts:3". */
function namedKind({ kind, name }: ObjectTrack): string {
  return name.startsWith(`${kindName(kind)} `) ? name : `${kindName(kind)} “${name}”`;
}

/** Those of whom it is enough to tell: a circle's threads if there is one, else all that wait. */
export function culprits({ cycles, threads }: Standstill): readonly StuckThread[] {
  return cycles[0] ?? threads;
}

/** What a wait is for and who could end it, as the predicate of a sentence about its thread. */
function describeWait(model: TraceModel, { thread, row, endNs }: UnfinishedWait): string {
  const { slices } = thread;
  const object = model.objects[slices.object[row]!];
  const what = object ? namedKind(object) : "";
  switch (slices.kind[row]) {
    case SliceKind.LockWait: {
      const holders = object ? holdersAt(model, object.index, endNs) : [];
      const names = holders.map((index) =>
        index === thread.index ? "it holds itself" : `“${distinctName(model, model.threads[index]!)}” holds`,
      );
      if (object && (object.kind === ObjectKind.Semaphore || object.kind === ObjectKind.BoundedSemaphore)) {
        return `waits for a permit of ${what}, which has none left`;
      }
      return `waits for ${what}, which ${names.length > 0 ? names.join(" and ") : "nobody gives back"}`;
    }
    case SliceKind.QueueGetWait:
      return `waits for an item of ${what}, which is empty`;
    case SliceKind.QueuePutWait:
      return `waits for a free place in ${what}, which is full`;
  }
  const joined = thread.joins.get(row);
  const processName = model.processes[thread.processJoins.get(row) ?? -1]?.name ?? "";
  // Who was joined before it began is known by name only.
  const joinedName =
    joined === undefined ? model.strings[slices.name[row]!]!.replace(/^join ?/, "") : model.threads[joined]!.name;
  switch (slices.value[row]) {
    case WaitReason.ThreadJoin:
      return `waits for the end of ${joinedName === "" ? "a thread" : `“${joinedName}”`}`;
    case WaitReason.Receive:
      return `waits for a message of ${what || "a connection"}, which nobody sends`;
    case WaitReason.Send:
      return `waits for room in ${what || "a connection"}, which nobody reads from`;
    case WaitReason.ProcessJoin:
      return `waits for the end of ${processName === "" ? "a process" : `process “${processName}”`}`;
    case WaitReason.Condition:
      return `waits to be notified by ${what}`;
    case WaitReason.Event:
      return `waits for ${what} to be set`;
    case WaitReason.Barrier:
      return `waits for the other parties of ${what}`;
    case WaitReason.QueueJoin:
      return `waits for the tasks of ${what || "a queue"} to be done${leftOver(object)}`;
    case WaitReason.Result:
    case WaitReason.Futures:
      return `waits for a result${what && ` of ${what}`}`;
    case WaitReason.Shutdown:
      return `waits for ${what || "a pool"} to shut down`;
  }
  return `waits: ${model.strings[slices.name[row]!] ?? ""}`;
}

/** A standstill as lines for a terminal; names are made safe to print. */
export function standstillText(standstill: Standstill, nowNs: number): string {
  const { threads, idleWorkers, starved, cycles, sinceNs } = standstill;
  const names = threads.map(({ name }) => `“${printable(name)}”`);
  const width = Math.min(24, Math.max(0, ...names.map((name) => name.length)));
  const lines = [
    `This program can never go on: all of its threads wait for each other or for nobody, since ${formatDuration(Math.max(0, nowNs - sinceNs))}.`,
  ];
  threads.forEach(({ text, site }, i) => {
    lines.push(`  ${names[i]!.padEnd(width)} ${printable(text)}${site === "" ? "" : `, at ${printable(site)}`}`);
  });
  if (idleWorkers > 0)
    lines.push(`  ${plural(idleWorkers, "worker")} of pools ${idleWorkers === 1 ? "has" : "have"} no task.`);
  for (const { text } of starved) lines.push(`  ${printable(text)}.`);
  for (const cycle of cycles) {
    const circle = [...cycle, cycle[0]!].map(({ name }) => `“${printable(name)}”`);
    lines.push(`  Deadlock: ${circle.join(" waits for ")}.`);
  }
  return lines.join("\n");
}
