/** The report as JSON, from the model. */

import { joinedThread } from "../joined-thread.js";
import type { ObjectTrack, ThreadTrack, TraceModel } from "../model.js";
import { isHelperProcess, isHelperThread, ThreadState } from "../model.js";
import { isConnectionKind, isLockKind, isPoolKind, isQueueKind, kindName } from "../object-lane.js";
import { withoutColumn } from "../strings.js";
import { findCycles, siteOfWait, unfinishedWaits } from "./deadlocks.js";
import { integral, maximum } from "./durations.js";
import { findInSteps, type SeenFinding } from "./findings.js";
import type {
  CoreReport,
  JsonReport,
  LockReport,
  PoolReport,
  ProcessReport,
  QueueReport,
  ThreadReport,
} from "./report-types.js";
import { findStandstill } from "./standstill.js";
import { allSteps, completeNumbers, countInSteps, endOf, type ObjectNumbers } from "./trace-numbers.js";
import { connectionReport, managerReports } from "./traffic-report.js";

export interface ReportOptions {
  /** What is missing of the trace, if the model does not say it itself. */
  readonly cut?: string;
}

export const threadId = (index: number): string => `thread-${index + 1}`;
export const objectId = (object: ObjectTrack): string => `${familyOf(object.kind)}-${object.index + 1}`;

function familyOf(kind: number): string {
  if (isLockKind(kind)) return "lock";
  if (isQueueKind(kind)) return "queue";
  return isPoolKind(kind) ? "pool" : "connection";
}

/** A time of the model as the report has it. */
const ns = (time: number): number => (Number.isFinite(time) ? Math.max(0, Math.round(time)) : 0);

/** Everything the report says. The model may still grow: then it says what is known so far. */
export function jsonReport(model: TraceModel, options: ReportOptions = {}): JsonReport {
  return allSteps(reportInSteps(model, options));
}

/** The same in short steps, between which the model may grow. */
export function* reportInSteps(model: TraceModel, options: ReportOptions = {}): Generator<void, JsonReport> {
  return (yield* seenReportInSteps(model, options)).report;
}

/** A report, and what its findings were made of, in their order. */
export interface SeenReport {
  readonly report: JsonReport;
  readonly findings: readonly SeenFinding[];
}

export function* seenReportInSteps(model: TraceModel, options: ReportOptions = {}): Generator<void, SeenReport> {
  const numbers = yield* countInSteps(model);
  const objects = model.objects.filter((object) => object.created || isUsed(object));
  const threads: ThreadReport[] = [];
  for (const thread of [...model.threads]) {
    if (thread.number <= 0 || isHelperThread(model, thread)) continue;
    threads.push(threadReport(model, thread));
    yield;
  }
  function* reports<T>(isOne: (kind: number) => boolean, make: (object: ObjectTrack) => T): Generator<void, T[]> {
    const made: T[] = [];
    for (const object of objects) {
      if (!isOne(object.kind)) continue;
      made.push(make(object));
      yield;
    }
    return made;
  }
  const of = (object: ObjectTrack): ObjectNumbers => numbers.objects[object.index]!;
  const locks = yield* reports(isLockKind, (object) => lockReport(object, of(object)));
  const queues = yield* reports(isQueueKind, (object) => queueReport(model, object, of(object)));
  const pools = yield* reports(isPoolKind, (object) => poolReport(model, object, of(object)));
  const connections = yield* reports(isConnectionKind, (object) =>
    connectionReport(model, object, objectId(object), of(object)),
  );
  const managers = managerReports(model);
  yield;
  const cores = coreReports(model);
  yield;
  const waits = unfinishedWaits(model);
  const cycles = findCycles(model, waits);
  const standstill = findStandstill(model);
  yield;
  const report: JsonReport = {
    version: 1,
    command: [...model.command],
    cwd: model.cwd,
    startedAt: new Date(model.startedAt).toISOString(),
    exitCode: model.exitCode,
    signal: model.signal,
    hung: standstill !== null,
    durationNs: ns(model.endNs),
    coresAvailable: model.coresAvailable,
    coresUsed: coresUsed(model),
    cut: options.cut ?? model.cut,
    processes: model.processes
      .filter((process) => !isHelperProcess(process))
      .map((process) => processReport(model, process)),
    threads,
    locks,
    queues,
    pools,
    connections,
    managers,
    cores,
    coreSource: model.coreSource,
    deadlocks: cycles.map((cycle) => ({
      cycle: cycle.map(({ wait, heldBy }) => ({
        thread: threadId(wait.thread.index),
        waitsFor: waitedFor(model, wait.thread, wait.row),
        heldBy: threadId(heldBy),
        site: siteOfWait(model, wait),
      })),
    })),
    findings: [],
    recorder: {
      events: model.recorder.events,
      dropped: model.recorder.dropped,
      bytes: model.recorder.bytes,
      overheadNs: ns(model.recorder.overheadNs),
    },
  };
  completeNumbers(model, numbers);
  const findings = yield* findInSteps({ model, numbers, report, waits, cycles, standstill });
  report.findings = findings.map(({ finding }) => finding);
  return { report, findings };
}

function isUsed(object: ObjectTrack): boolean {
  const { tally } = object;
  return (
    tally.acquisitions + tally.contended + tally.failedTries + tally.puts + tally.gets + tally.tasks + tally.messages >
    0
  );
}

function waitedFor(model: TraceModel, thread: ThreadTrack, row: number): string {
  const object = model.objects[thread.slices.object[row]!];
  if (object) return objectId(object);
  const joined = joinedThread(model, thread, row);
  return joined === undefined ? (model.strings[thread.slices.name[row]!] ?? "") : threadId(joined.index);
}

function processReport(model: TraceModel, process: TraceModel["processes"][number]): ProcessReport {
  return {
    pid: process.pid,
    name: process.name,
    parentPid: process.parentPid,
    startNs: ns(process.startNs),
    endNs: ns(endOf(process.endNs, model.endNs)),
    exitCode: process.exitCode,
    signal: process.signal,
  };
}

function threadReport(model: TraceModel, thread: ThreadTrack): ThreadReport {
  const { states } = thread;
  const sums = new Float64Array(8);
  for (let i = 0; i < states.count; i++) {
    sums[states.state[i]! & 7]! += endOf(states.end[i]!, model.endNs) - states.start[i]!;
  }
  const running = sums[ThreadState.Running]!;
  return {
    id: threadId(thread.index),
    pid: model.processes[thread.process]?.pid ?? 0,
    tid: thread.tid,
    name: thread.name,
    startNs: ns(thread.startNs),
    endNs: ns(endOf(thread.endNs, model.endNs)),
    cpuNs: ns(Number.isNaN(thread.cpuNs) ? (model.coreSource === "process-only" ? 0 : running) : thread.cpuNs),
    runningNs: ns(running),
    runnableNs: ns(sums[ThreadState.Runnable]!),
    blockedNs: ns(sums[ThreadState.Blocked]!),
    idleNs: ns(sums[ThreadState.Idle]! + sums[ThreadState.Sleeping]!),
    ioNs: ns(sums[ThreadState.Io]!),
  };
}

function lockReport(object: ObjectTrack, numbers: ObjectNumbers): LockReport {
  return {
    id: objectId(object),
    kind: kindName(object.kind),
    name: object.name,
    scope: object.scope,
    site: withoutColumn(object.site),
    acquisitions: object.tally.acquisitions,
    contended: object.tally.contended,
    timeouts: object.tally.timeouts,
    wait: numbers.wait.summary(),
    hold: numbers.holdSummary(),
    maxWaiters: object.waiters ? maximum(object.waiters) : 0,
  };
}

function queueReport(model: TraceModel, object: ObjectTrack, numbers: ObjectNumbers): QueueReport {
  const depth = object.depth!;
  const { sum, fromNs } = integral(depth, model.endNs);
  const known = model.endNs - fromNs;
  return {
    id: objectId(object),
    kind: kindName(object.kind),
    name: object.name,
    site: withoutColumn(object.site),
    capacity: object.capacity,
    puts: object.tally.puts,
    gets: object.tally.gets,
    done: object.tally.done,
    unfinished: object.tally.unfinished,
    maxDepth: maximum(depth),
    meanDepth: known > 0 ? Math.round((sum / known) * 1000) / 1000 : 0,
    putWait: numbers.putWait.summary(),
    getWait: numbers.wait.summary(),
    joinWait: numbers.joinWait.summary(),
    residence: numbers.use.summary(),
  };
}

function poolReport(model: TraceModel, object: ObjectTrack, numbers: ObjectNumbers): PoolReport {
  const seen = model.threads.filter((thread) => thread.pool === object.index).length;
  const workers = seen > 0 ? seen : object.capacity;
  const busy = object.busy!;
  const until = Math.min(Math.max(numbers.lastTaskNs, 0), model.endNs);
  const { sum } = integral(busy, until);
  const queued = object.queued!;
  const from = Math.min(queued.count > 0 ? queued.time[0]! : Number.POSITIVE_INFINITY, numbers.firstTaskNs);
  const life = until - from;
  return {
    id: objectId(object),
    kind: kindName(object.kind),
    name: object.name,
    site: withoutColumn(object.site),
    workers,
    tasks: object.tally.tasks,
    failed: object.tally.failed,
    cancelled: object.tally.cancelled,
    queueWait: numbers.wait.summary(),
    run: numbers.use.summary(),
    maxQueued: maximum(queued),
    busyFraction: life > 0 && workers > 0 ? Math.min(1, Math.round((sum / (life * workers)) * 1e4) / 1e4) : 0,
  };
}

/** How many cores the trace used on average, from what the system says, else from the threads' own states. */
export function coresUsed(model: TraceModel): number {
  if (!(model.endNs > 0)) return 0;
  const steps = model.coresInUse;
  if (steps.count > 0) return Math.round((integral(steps, model.endNs).sum / model.endNs) * 100) / 100;
  let cpu = 0;
  for (const thread of model.threads) if (!Number.isNaN(thread.cpuNs)) cpu += thread.cpuNs;
  return Math.round((cpu / model.endNs) * 100) / 100;
}

function coreReports(model: TraceModel): CoreReport[] {
  const durationNs = ns(model.endNs);
  // A thread's migrations are counted to the core it came to.
  const migrations = model.cores.map(() => 0);
  for (const { states } of model.threads) {
    let before = -1;
    for (let i = 0; i < states.count; i++) {
      const core = states.core[i]!;
      if (core < 0 || states.state[i] !== ThreadState.Running) continue;
      if (before >= 0 && core !== before && core < migrations.length) migrations[core]!++;
      before = core;
    }
  }
  return model.cores.map((columns, core) => {
    let own = 0;
    let seen = 0;
    for (let i = 0; i < columns.count; i++) {
      const length = endOf(columns.end[i]!, model.endNs) - columns.start[i]!;
      const thread = model.threads[columns.thread[i]!];
      if (thread !== undefined && !isHelperThread(model, thread)) own += length;
      else seen += length;
    }
    // The system counts in steps: never more than there was time for.
    const { busyNs } = columns;
    const counted = busyNs.count === 0 ? 0 : busyNs.value[busyNs.count - 1]! - busyNs.value[0]!;
    const other = Math.max(0, Math.min(Math.max(seen, counted - own), model.endNs - own));
    return {
      core,
      busyNs: ns(own + other),
      ownNs: ns(own),
      otherNs: ns(other),
      idleNs: ns(durationNs - own - other),
      migrations: migrations[core]!,
    };
  });
}
