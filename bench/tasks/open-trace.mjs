/**
 * Milliseconds from a trace's bytes to what a timeline is drawn from, and MiB of memory: `open-trace.mjs FILE ANALYSIS`,
 * where ANALYSIS is src/analysis as a bundle. For a file of Node's own trace events, the time to parse it.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { result } from "./timing.mjs";

const [, , file, analysis] = process.argv;
const before = process.memoryUsage().rss;
const begin = process.hrtime.bigint();
let content;
if (analysis === undefined) content = JSON.parse(readFileSync(file, "utf8")).traceEvents;
else {
  const { analyseFile } = createRequire(import.meta.url)(analysis);
  const { model, problem } = analyseFile(readFileSync(file));
  if (problem !== null) throw new Error(problem);
  content = model;
}
const ms = Number(process.hrtime.bigint() - begin) / 1e6;
const mib = (process.memoryUsage().rss - before) / 2 ** 20;
result({ ms, mib, events: content.length ?? 0 });
