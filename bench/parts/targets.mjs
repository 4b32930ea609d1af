/** What the runtime is to reach, beside what was measured in this run. */
import { Figure, Table } from "../figures.mjs";

const thousand = (n) => n / 1000;
const sum = (a, b) => (a && b ? new Figure([a.median + b.median]) : null);
const quotient = (a, b) => (a && b ? new Figure([a.median / b.median]) : null);

/** [what, figure, target in words, whether a value reaches it]. */
function rows(m) {
  const pool = (form, more) => `executor, empty tasks, ${form === "burst" ? "burst" : "64 in flight"}${more}`;
  const perForm = ["burst", "inflight"].flatMap((form) => {
    const ours = m[`pool ${form}`];
    const recorded = m[`pool ${form}, traced`];
    return [
      [pool(form, ": k/s"), ours?.map(thousand), "≥ 500", (v) => v >= 500],
      [pool(form, ", traced: k/s"), recorded?.map(thousand), "≥ 400", (v) => v >= 400],
      [pool(form, ": × piscina"), quotient(ours, m[`piscina ${form}`]), "≥ 10", (v) => v >= 10],
      [pool(form, ": × multithreading"), quotient(ours, m[`multithreading ${form}`]), "≥ 2", (v) => v >= 2],
      [pool(form, ": × one postMessage a task"), quotient(ours, m[`plain workers ${form}`]), "", null],
    ];
  });
  return [
    ["uncontended lock and unlock: ns", m.lock, "≤ 25", (v) => v <= 25],
    ["the same: × bare compare-and-swap and store", quotient(m.lock, m.bareLock), "", null],
    ["the same, traced: ns", m.lockTraced, "≤ 60", (v) => v <= 60],
    ["the same, traced: × bare pair and one clock reading", quotient(m.lockTraced, sum(m.bareLock, m.clock)), "", null],
    ["contended hand-over: × Atomics ping-pong", quotient(m.handOver, m.bareHandOver), "≤ 1.2", (v) => v <= 1.2],
    ["await acquire(): × resolved await", quotient(m.awaitedLock, m.resolvedAwait), "≤ 1.5", (v) => v <= 1.5],
    ["queue, put and get inside a thread: ns", m.queueInside, "≤ 150", (v) => v <= 150],
    ["queue between two threads: k items/s", m.queueBetween?.map(thousand), "≥ 500", (v) => v >= 500],
    ...perForm,
    ["executor.map in chunks: M items/s", m.map?.map((n) => n / 1e6), "≥ 5", (v) => v >= 5],
    ["a million queued tasks: bytes each", m.queuedBytes, "≤ 200", (v) => v <= 200],
    ["the same, last ÷ first submits", m.submitGrowth, "≤ 1.2", (v) => v <= 1.2],
    ["start of a thread: × plain Worker", quotient(m.thread, m.worker), "≤ 1.3", (v) => v <= 1.3],
    ["process-shared lock and unlock: ns", m.processLock, "≤ 50", (v) => v <= 50],
    ["the same, traced: ns", m.processLockTraced, "≤ 110", (v) => v <= 110],
    [
      "hand-over between processes: × bare futex",
      quotient(m.processHandOver, m.processBareHandOver),
      "≤ 1.3",
      (v) => v <= 1.3,
    ],
    [
      "Value under its lock, two processes: × CPython",
      quotient(m.sharedCounter, m.sharedCounterPython),
      "≥ 3",
      (v) => v >= 3,
    ],
    ["queue between processes: k items/s", m.processQueue?.map(thousand), "≥ 200", (v) => v >= 200],
    ["the same, 64 KiB items: MB/s", m.processQueueBytes, "≥ 500", (v) => v >= 500],
    ["Pool.map, chunks of numbers: M items/s", m.poolMap?.map((n) => n / 1e6), "≥ 7", (v) => v >= 7],
    ["ProcessPoolExecutor, empty tasks: k/s", m.processTasks?.map(thousand), "≥ 100", (v) => v >= 100],
    ["the same: × CPython", quotient(m.processTasks, m.pythonTasks), "≥ 6.6", (v) => v >= 6.6],
    ["a Pool of four ready: × four forks", quotient(m.poolStart, m.forks), "≤ 1.3", (v) => v <= 1.3],
    ["a manager's request, Sync: × CPython", quotient(m.managerRequests, m.managerRequestsPython), "", null],
    ["cancel of a queued task: µs", m.cancel, "≤ 1", (v) => v <= 1],
  ];
}

/** The table of those that were measured; null if there are none. */
export function targets(measures) {
  const table = new Table("targets", "Targets of the runtime", ["measure", "here", "target", "reached"]);
  for (const [what, figure, target, reaches] of rows(measures)) {
    if (figure) table.row(what, figure, target, reaches === null ? "" : reaches(figure.median) ? "yes" : "no");
  }
  return table.rows.length > 0 ? table : null;
}
