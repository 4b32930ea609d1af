/**
 * How much queues carry between two processes, and how fast two processes count in one shared value. Bounded ones have
 * 1024 places, or 64 for items of 64 KiB.
 */
import { ratio, Table } from "../figures.mjs";
import { explainGaps, figureOf, takeTurns } from "../measure.mjs";

function between({ rounds, scale, measures }) {
  const counts = { number: scale(50_000), object: scale(50_000), "64 KiB": scale(5_000) };
  const of = (name, item, isTraced = false) => ({
    key: `${name} of ${item}${isTraced ? ", traced" : ""}`,
    task: "queue-between-processes.mjs",
    args: [name, item, counts[item]],
    traced: isTraced,
  });
  const names = ["Queue", "Queue, bounded", "Queue, await get()", "SimpleQueue", "CPython", "CPython, bounded"];
  const kinds = Object.keys(counts);
  const results = takeTurns(
    kinds.flatMap((item) => [...names.map((name) => of(name, item)), of("Queue, bounded", item, true)]),
    rounds,
  );
  const table = new Table("process-queues", "From one process to another: items a second; of 64 KiB, MB a second", [
    "by",
    "numbers",
    "small objects",
    "64 KiB",
  ]);
  const rate = (name, item, end = "") =>
    figureOf(results.get(`${name} of ${item}${end}`))?.map((ns) => (item === "64 KiB" ? 65_536e3 : 1e9) / ns) ?? null;
  const add = (label, name, end) => {
    const rates = kinds.map((item) => rate(name, item, end));
    if (rates[0] !== null) table.row(label, ...rates);
  };
  for (const name of names.slice(0, 4)) add(name === "Queue" ? "Queue, putSync and getSync" : name, name);
  add("Queue, bounded, traced", "Queue, bounded", ", traced");
  add("CPython's multiprocessing.Queue", "CPython");
  add("the same, bounded", "CPython, bounded");
  explainGaps(table, results);
  measures.processQueue = rate("Queue", "number");
  measures.processQueueBytes = rate("Queue, bounded", "64 KiB");
  return table;
}

function counting({ rounds, scale, measures }) {
  const count = scale(50_000);
  const of = (name) => ({ key: name, task: "shared-counter.mjs", args: [name, count] });
  const results = takeTurns(["hold", "acquire", "getObj", "CPython"].map(of), rounds);
  const rate = (name) => figureOf(results.get(name))?.map((ns) => 1e9 / ns) ?? null;
  const python = rate("CPython");
  const table = new Table("shared-counter", "Two processes count in one Value under its lock: increments a second", [
    "by",
    "rate",
    "× CPython",
  ]);
  for (const [name, label] of [
    ["hold", "holdSync, value += 1, release"],
    ["acquire", "acquireSync, value += 1, release"],
    ["getObj", "acquireSync, getObj().value += 1, release"],
  ]) {
    table.row(label, rate(name), ratio(rate(name), python));
  }
  if (python !== null) table.row("CPython: with get_lock(): value += 1", python, "1.00");
  explainGaps(table, results);
  measures.sharedCounter = rate("hold");
  measures.sharedCounterPython = python;
  return table;
}

export default (context) => [between(context), counting(context)];
