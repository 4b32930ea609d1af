/** What an event costs the thread that writes it, and what a trace of a million of them costs everybody. */
import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { Figure, ratio, Table } from "../figures.mjs";
import { bundle, explainGaps, figureOf, runTask, scratch, takeTurns, tell } from "../measure.mjs";

function oneEvent({ rounds }) {
  const recorder = bundle("src/recorder/emit.ts");
  const of = (name, isTraced = false) => ({
    key: isTraced ? `${name}, traced` : name,
    task: "event.mjs",
    args: [name, recorder],
    traced: isTraced,
  });
  const ours = {
    "ring write": ["ring write with its clock reading", 1],
    "trace.mark": ["trace.mark", 1],
    "trace.counter": ["trace.counter", 1],
    "trace.span, begun and ended": ["trace.span, begun and ended", 2],
    "trace.span around a call": ["trace.span around a call", 2],
  };
  const nodes = {
    "performance.mark": "performance.mark",
    diagnostics_channel: "diagnostics_channel: publish to one subscriber",
  };
  const subjects = [
    of("empty loop"),
    ...Object.keys(ours).flatMap((name) => [of(name), of(name, true)]),
    ...Object.keys(nodes).map((name) => of(name)),
  ];
  const results = takeTurns(subjects, rounds);
  const table = new Table("events", "One event for the thread that writes it: nanoseconds", [
    "event",
    "untraced",
    "traced",
    "× performance.mark",
  ]);
  const reference = figureOf(results.get("performance.mark"));
  table.row("an empty loop", figureOf(results.get("empty loop")));
  for (const [name, [label, events]] of Object.entries(ours)) {
    const recorded = figureOf(results.get(`${name}, traced`));
    const what = events === 1 ? label : `${label} (${events} events)`;
    table.row(what, figureOf(results.get(name)), recorded, ratio(recorded, reference));
  }
  for (const [name, label] of Object.entries(nodes)) {
    const figure = figureOf(results.get(name));
    table.row(label, figure, "", ratio(figure, reference));
  }
  table.note("Untraced includes the loop. Traced: in batches that fit in the ring.");
  explainGaps(table, results);
  return table;
}

/** A trace of a million events, and one of Node's own `trace_events`. */
function millionEvents({ rounds, scale }) {
  const analysis = bundle("src/analysis/index.ts");
  const trace = join(scratch, "many.heddle");
  const kinds = { mixed: scale(1_000_000), marks: scale(1_000_000) };
  const nodes = scale(200_000);
  let lost = 0;
  const columns = { write: [], collect: [], bytes: [], open: [], mib: [] };
  const rows = new Map([...Object.keys(kinds), "console.time"].map((kind) => [kind, structuredClone(columns)]));
  for (let round = 0; round < rounds; round++) {
    for (const [kind, count] of Object.entries(kinds)) {
      tell(`${count} events, ${kind}, round ${round + 1} of ${rounds}`);
      const { ns, report } = runTask({ task: "many-events.mjs", args: [kind, count], traced: true, trace });
      const { events, dropped, overheadNs } = report.recorder;
      lost = Math.max(lost, dropped);
      const opened = runTask({ task: "open-trace.mjs", args: [trace, analysis] });
      const row = rows.get(kind);
      row.write.push(ns / (events + dropped));
      row.collect.push(overheadNs / events);
      row.bytes.push(statSync(trace).size / events);
      row.open.push((opened.ms * 1e6) / events);
      row.mib.push((opened.mib / events) * 1e6);
    }
    nodesOwn(nodes, rows.get("console.time"));
  }
  tell("");
  const table = new Table("million-events", "A trace of about a million events, written as fast as it goes", [
    "events",
    "ns each for the thread",
    "ns each to collect",
    "bytes each in the file",
    "ns each to open",
    "MiB open",
  ]);
  const labels = {
    mixed: "locks, queues, spans, marks, counters",
    marks: "trace.mark",
    "console.time": "Node's trace_events: console.time and timeEnd",
  };
  for (const [kind, { write, collect, bytes, open, mib }] of rows) {
    const figures = [write, collect, bytes, open, mib].map((list) => (list.length > 0 ? new Figure(list) : null));
    table.row(labels[kind], ...figures);
  }
  table.note("Opening is from the file to the columns that a timeline is drawn from; for Node's, to parsed JSON.");
  if (lost > 0)
    table.note(`Up to ${lost.toLocaleString("en-US")} events of a run were dropped: no core was free to collect.`);
  return table;
}

function nodesOwn(count, row) {
  const isLog = (name) => name.startsWith("node-trace");
  const nodeArgs = ["--trace-event-categories", "node.console"];
  // biome-ignore lint/suspicious/noTemplateCurlyInString: Node fills it in
  nodeArgs.push("--trace-event-file-pattern", join(scratch, "node-trace-${rotation}.json"));
  const { ns } = runTask({ task: "many-events.mjs", args: ["console.time", count], nodeArgs });
  const files = readdirSync(scratch).filter(isLog);
  let [bytes, ms, mib, events] = [0, 0, 0, 0];
  for (const name of files) {
    const file = join(scratch, name);
    const opened = runTask({ task: "open-trace.mjs", args: [file] });
    bytes += statSync(file).size;
    ms += opened.ms;
    mib += opened.mib;
    events += opened.events;
    rmSync(file);
  }
  if (events < count) throw new Error(`Node's trace has ${events} of ${count} events`);
  row.write.push(ns / events);
  row.bytes.push(bytes / events);
  row.open.push((ms * 1e6) / events);
  row.mib.push((mib / events) * 1e6);
}

export default (context) => [oneEvent(context), millionEvents(context)];
