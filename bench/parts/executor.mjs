/** What else executors are asked for: sequences mapped in chunks, a million tasks that wait, giving tasks up. */
import { ratio, Table } from "../figures.mjs";
import { explainGaps, figureOf, takeTurns } from "../measure.mjs";

function mapping({ rounds, scale, measures }) {
  const count = scale(200_000);
  const of = (key, name, chunk, isTraced = false) => ({
    key,
    task: "map.mjs",
    args: [name, count, chunk],
    traced: isTraced,
  });
  const subjects = [
    of("ThreadPoolExecutor, chunkSize 1000", "ThreadPoolExecutor", 1000),
    of("ThreadPoolExecutor, chunkSize 1000, traced", "ThreadPoolExecutor", 1000, true),
    of("ThreadPoolExecutor, no chunks", "ThreadPoolExecutor", 1),
    of("ProcessPoolExecutor, chunkSize 1000", "ProcessPoolExecutor", 1000),
    of("plain workers, arrays of 1000", "plain workers", 1000),
  ];
  const results = takeTurns(subjects, rounds);
  const items = count.toLocaleString("en-US");
  const table = new Table("map", `executor.map of n => n + 1 over ${items} numbers, two workers: items a second`, [
    "by",
    "items/s",
  ]);
  const rate = (key) => figureOf(results.get(key))?.map((ns) => 1e9 / ns) ?? null;
  for (const { key } of subjects) table.row(key, rate(key));
  explainGaps(table, results);
  measures.map = rate(subjects[0].key);
  return table;
}

function queued({ rounds, scale, measures }) {
  const [many, fewer] = [scale(1_000_000), scale(100_000)];
  const of = (name, count, more) => ({
    key: name,
    task: "million-tasks.mjs",
    args: [name, count],
    nodeArgs: ["--expose-gc"],
    ...more,
  });
  const subjects = [of("ThreadPoolExecutor", many), of("piscina", fewer, { peer: true }), of("plain workers", fewer)];
  const results = takeTurns(subjects, Math.min(2, rounds));
  const table = new Table("queued-tasks", "Tasks that wait behind two blocked workers", [
    "pool",
    "tasks",
    "bytes each",
    "in use",
    "ns a submit",
    "last ÷ first submits",
    "ns each until all ran",
  ]);
  for (const { key, args } of subjects) {
    const of = (name) => figureOf(results.get(key), name);
    table.row(key, args[1].toLocaleString("en-US"), of("bytes"), of("inUse"), of("submit"), of("growth"), of("drain"));
  }
  table.note(
    "Bytes are what the whole process grew by, a future for each task included; in use without what V8 keeps free. None was lost.",
  );
  explainGaps(table, results);
  measures.queuedBytes = figureOf(results.get("ThreadPoolExecutor"), "bytes");
  measures.submitGrowth = figureOf(results.get("ThreadPoolExecutor"), "growth");
  return table;
}

function givingUp({ rounds, scale, measures }) {
  const count = scale(2000);
  const of = (name, more) => ({ key: name, task: "cancel.mjs", args: [name, count], ...more });
  const subjects = [
    of("Future.cancel"),
    of("Lock.acquire, abort"),
    of("AbortController alone"),
    of("piscina, abort", { peer: true }),
  ];
  const results = takeTurns(subjects, rounds);
  const table = new Table("giving-up", `Giving up one of ${count.toLocaleString("en-US")} that wait: microseconds`, [
    "what",
    "time",
    "× plain listener",
  ]);
  const micro = (key) => figureOf(results.get(key))?.map((ns) => ns / 1000) ?? null;
  const labels = {
    "Future.cancel": "a queued task: Future.cancel()",
    "Lock.acquire, abort": "an awaited acquire of a lock: abort(reason)",
    "AbortController alone": "a promise of a plain listener: abort(reason)",
    "piscina, abort": "a queued task of piscina: abort(reason)",
  };
  for (const [key, label] of Object.entries(labels)) {
    const isAbort = key !== "Future.cancel";
    table.row(label, micro(key), isAbort ? ratio(micro(key), micro("AbortController alone")) : "");
  }
  explainGaps(table, results);
  measures.cancel = micro("Future.cancel");
  return table;
}

export default (context) => [mapping(context), queued(context), givingUp(context)];
