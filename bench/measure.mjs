/**
 * Runs tasks, each in a process of its own, one at a time. Subjects that are compared take turns (A B A B …), so that a
 * machine that gets slower or faster meanwhile does so for all of them.
 *
 * A task (a file of tasks/) prints one line `RESULT {…}`: numbers by name, and under `expect` what a trace of it has to
 * hold. A traced run is checked against its report, so that no "traced" figure comes from a run that did not record.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Figure } from "./figures.mjs";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
export const cli = join(root, "dist", "cli.cjs");
const tasks = join(root, "bench", "tasks");

/** A folder that is removed when the program ends. */
export const scratch = mkdtempSync(join(tmpdir(), "heddle-bench-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(130));

const sum = (list, value) => list.reduce((total, item) => total + value(item), 0);

/** What a report counts, under the names that tasks use in `expect`. */
const counted = {
  acquisitions: ({ locks }) => sum(locks, (lock) => lock.acquisitions),
  puts: ({ queues }) => sum(queues, (queue) => queue.puts),
  gets: ({ queues }) => sum(queues, (queue) => queue.gets),
  tasks: ({ pools }) => sum(pools, (pool) => pool.tasks),
};

function checkReport(what, expect, report) {
  const { events, dropped } = report.recorder;
  if (events + dropped < (expect.events ?? 1)) throw new Error(`${what}: only ${events} events were recorded`);
  if (dropped > 0) return;
  for (const [name, count] of Object.entries(expect)) {
    if (name === "events") continue;
    const found = counted[name](report);
    if (found !== count) throw new Error(`${what}: the trace has ${found} ${name} instead of ${count}`);
  }
}

/**
 * Runs one task. Gives what it printed, or null if what it needs does not exist yet.
 * `traced` runs it by `heddle run`; the result then has `report`.
 */
export function runTask({ task, args = [], traced = false, nodeArgs = [], trace = join(scratch, "task.heddle") }) {
  rmSync(trace, { force: true });
  const script = [join(tasks, task), ...args.map(String)];
  const reportFile = join(scratch, "report.json");
  const recording = [cli, "run", "--report", "json", "--report-file", reportFile, "--out", trace];
  const argv = traced ? [...recording, ...script] : [...nodeArgs, ...script];
  const what = `${task} ${args.join(" ")}${traced ? ", traced" : ""}`;
  const { stdout, stderr, status, error } = spawnSync(process.execPath, argv, {
    cwd: scratch,
    encoding: "utf8",
    timeout: 180_000,
    maxBuffer: 1 << 26,
    env: { ...process.env, NODE_OPTIONS: "" },
  });
  const line = stdout?.split("\n").find((text) => text.startsWith("RESULT "));
  if (error || status !== 0 || !line) {
    throw new Error(`${what} failed with ${error?.message ?? `code ${status}`}\n${stdout}${stderr}`.slice(0, 4000));
  }
  const result = JSON.parse(line.slice("RESULT ".length));
  if (result.missing) return null;
  if (!traced) return result;
  const report = JSON.parse(readFileSync(reportFile, "utf8"));
  checkReport(what, result.expect ?? {}, report);
  return { ...result, report };
}

/**
 * Runs every subject once a round. Gives, by the subject's key, the list of its results; null for what does not exist
 * yet, and the error of a peer that does not run here.
 */
export function takeTurns(subjects, rounds) {
  const results = new Map(subjects.map(({ key }) => [key, []]));
  for (let round = 0; round < rounds; round++) {
    for (const subject of subjects) {
      const list = results.get(subject.key);
      if (!Array.isArray(list)) continue;
      tell(`${subject.key}, round ${round + 1} of ${rounds}`);
      try {
        const result = subject.peer ? runPeer(subject, list) : runTask(subject);
        if (result === null) results.set(subject.key, null);
        else list.push(result);
      } catch (error) {
        if (!subject.peer) throw error;
        results.set(subject.key, error);
      }
    }
  }
  tell("");
  return results;
}

/** A peer that fails is given a second chance, which is told below the table. */
function runPeer(subject, list) {
  try {
    return runTask(subject);
  } catch {
    list.repeated = (list.repeated ?? 0) + 1;
    return runTask(subject);
  }
}

/** The figure of one name in a list of results of {@link takeTurns}; null where there is none. */
export function figureOf(results, name = "ns") {
  return Array.isArray(results) && results[0]?.[name] !== undefined
    ? new Figure(results.map((result) => result[name]))
    : null;
}

/** Shows what is going on, where somebody watches. */
export function tell(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

/** Says below a table what is missing in it, which peers did not run, and which traced runs lost events. */
export function explainGaps(table, results) {
  const missing = [...results].filter(([, list]) => list === null).map(([key]) => key);
  if (missing.length > 0) table.note(`Not there yet: ${missing.join(", ")}.`);
  for (const [key, list] of results) {
    if (list instanceof Error) table.note(`${key} did not run: ${firstLine(list.message)}`);
    if (!Array.isArray(list)) continue;
    if (list.repeated > 0) table.note(`${key}: a run that failed was repeated ${list.repeated} times.`);
    const dropped = Math.max(0, ...list.map((result) => result.report?.recorder.dropped ?? 0));
    const events = Math.max(...list.map((result) => result.report?.recorder.events ?? 0));
    if (dropped > 0) table.note(`${key}: up to ${dropped} of ${events + dropped} events were dropped.`);
  }
}

const firstLine = (text) =>
  text
    .split("\n")
    .find((line) => /Error|failed/.test(line))
    ?.trim() ?? text.split("\n")[0];

/** Bundles sources that tasks need by themselves (not through the runtime) and gives the file. */
export function bundle(source) {
  const out = join(root, "out", "bench");
  const file = join(out, `${source.split("/").at(-2)}.cjs`);
  mkdirSync(out, { recursive: true });
  const esbuild = createRequire(import.meta.url)("esbuild");
  esbuild.buildSync({
    entryPoints: [join(root, source)],
    bundle: true,
    platform: "node",
    format: "cjs",
    outfile: file,
  });
  if (!existsSync(file)) throw new Error(`${source} was not bundled`);
  return file;
}
