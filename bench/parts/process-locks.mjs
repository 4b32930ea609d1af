/** What locks between processes cost: uncontended, and handed from process to process. */
import { ratio, Table } from "../figures.mjs";
import { explainGaps, figureOf, takeTurns } from "../measure.mjs";

const traced = (subject) => ({ ...subject, key: `${subject.key}, traced`, traced: true });

function uncontended({ rounds, measures }) {
  const kinds = ["Lock", "RLock", "Semaphore", "Condition", "Event", "Barrier"];
  const of = (name) => ({ key: name, task: "process-lock-operation.mjs", args: [name] });
  const pythons = ["Lock", "RLock", "Semaphore"].map((kind) => of(`CPython ${kind}`));
  const subjects = [of("clock"), ...kinds.flatMap((kind) => [of(kind), traced(of(kind))]), ...pythons];
  const results = takeTurns(subjects, rounds);
  const table = new Table("process-locks", "Between processes, uncontended: nanoseconds", [
    "operation",
    "untraced",
    "traced",
    "CPython",
    "untraced × CPython",
  ]);
  const what = {
    Condition: "Condition: acquireSync, notify, release",
    Event: "Event: set, waitSync, clear",
    Barrier: "Barrier of one: waitSync",
  };
  for (const kind of kinds) {
    const plain = figureOf(results.get(kind));
    if (plain === null) continue;
    const python = figureOf(results.get(`CPython ${kind}`));
    const label = what[kind] ?? `${kind}: acquireSync, release`;
    table.row(label, plain, figureOf(results.get(`${kind}, traced`)), python, ratio(plain, python));
  }
  table.row("one reading of the clock", figureOf(results.get("clock")));
  explainGaps(table, results);
  measures.processLock = figureOf(results.get("Lock"));
  measures.processLockTraced = figureOf(results.get("Lock, traced"));
  return table;
}

function handOver({ rounds, scale, measures }) {
  const more = rounds === 1 ? 1 : rounds + 2;
  const turns = scale(2000);
  const of = (name) => ({ key: name, task: "process-hand-over.mjs", args: [name, turns] });
  const [bare, lock, semaphore, python] = [
    "Process bare futex",
    "Process Lock",
    "Process Semaphore",
    "CPython Lock",
  ].map(of);
  const results = takeTurns([bare, lock, traced(lock), semaphore, traced(semaphore), python], more);
  const table = new Table("process-hand-over", "Two processes wake each other in turn: microseconds a hand-over", [
    "by",
    "time",
    "× bare",
  ]);
  const micro = (key) => figureOf(results.get(key))?.map((ns) => ns / 1000) ?? null;
  const reference = micro(bare.key);
  table.row("futex, by the same bridge to native code", reference, "1.00");
  for (const [key, label] of [
    [lock.key, "Lock"],
    [`${lock.key}, traced`, "Lock, traced"],
    [semaphore.key, "Semaphore"],
    [`${semaphore.key}, traced`, "Semaphore, traced"],
    [python.key, "CPython's multiprocessing.Lock"],
  ]) {
    if (figureOf(results.get(key)) !== null) table.row(label, micro(key), ratio(micro(key), reference));
  }
  explainGaps(table, results);
  measures.processBareHandOver = reference;
  measures.processHandOver = micro(lock.key);
  return table;
}

export default (context) => [uncontended(context), handOver(context)];
