/** How long threads and processes take to start. */
import { ratio, Table } from "../figures.mjs";
import { explainGaps, figureOf, takeTurns } from "../measure.mjs";

export default function workers({ rounds, scale, measures }) {
  const starts = Math.max(2, scale(10));
  const of = (name, isTraced = false) => ({
    key: isTraced ? `${name}, traced` : name,
    task: "worker-start.mjs",
    args: [name, starts],
    traced: isTraced,
  });
  const subjects = [
    of("plain Worker"),
    of("Thread"),
    of("plain Worker", true),
    of("Thread", true),
    of("bare Worker"),
    of("Process"),
    of("child_process.fork"),
  ];
  const results = takeTurns(subjects, rounds);
  const table = new Table("worker-start", "Start of a thread or process: milliseconds", [
    "what",
    "to its first line",
    "× plain Worker",
    "to its end",
    "time on the cores",
  ]);
  const labels = {
    "plain Worker": "Worker with the same script, which imports heddle/threading",
    "plain Worker, traced": "the same, traced",
    "bare Worker": "Worker with a file that imports nothing",
  };
  for (const { key } of subjects) {
    const first = figureOf(results.get(key), "first");
    const reference = figureOf(
      results.get(key.endsWith(", traced") ? "plain Worker, traced" : "plain Worker"),
      "first",
    );
    table.row(
      labels[key] ?? key,
      first,
      ratio(first, reference),
      figureOf(results.get(key), "whole"),
      figureOf(results.get(key), "busy"),
    );
  }
  explainGaps(table, results);
  measures.thread = figureOf(results.get("Thread"), "first");
  measures.worker = figureOf(results.get("plain Worker"), "first");
  return [table];
}
