/**
 * What the trace says of a pool of processes, against what the script did: its tasks in the processes that ran them, for
 * as long as they took, where they came from, how many waited and how many ran.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { analyseFile } from "../../../src/analysis/analyse-file.js";
import {
  FlowKind,
  type ObjectTrack,
  SliceKind,
  type StepColumns,
  type TraceModel,
} from "../../../src/analysis/model.js";
import { jsonReport } from "../../../src/analysis/report/json-report.js";
import { ObjectKind } from "../../../src/trace/events.js";
import { expectScript } from "../../harness/run-script.js";

/** Milliseconds that a thread may lose its core for on a busy machine. */
const PREEMPTED = 150;

const source = `
import assert from "node:assert/strict";
import { isMain } from "heddle";
import { Pool } from "heddle/multiprocessing";

const word = new Int32Array(new SharedArrayBuffer(4));
/** Says who it was and how long it took by its own clock. */
function nap(ms: number) {
  const start = performance.now();
  Atomics.wait(word, 0, 0, ms);
  return [process.pid, performance.now() - start];
}
function die() { process.kill(process.pid, "SIGKILL"); }
function fail() { throw new Error("no"); }

if (isMain) {
  const pool = new Pool({ processes: 2, name: "crew" });
  // Both are there, and calls are known to be long.
  while (new Set(pool.mapSync(nap, [50, 50, 50, 50], { chunkSize: 1 }).map(([pid]) => pid)).size < 2);
  const results = [80, 90, 100, 110, 120, 130].map((ms) => pool.applyAsync(nap, [ms]));
  for (const result of results) console.log("told " + JSON.stringify(result.getSync()));
  const chunk = await pool.map(nap, [20, 30, 40], { chunkSize: 3 });
  console.log("chunk " + JSON.stringify([chunk[0][0], chunk.reduce((sum, [, ms]) => sum + ms, 0)]));
  await assert.rejects(pool.apply(die));
  await assert.rejects(pool.apply(fail));
  pool.close();
  await pool.join();
  console.log("done");
}`;

describe("the trace of a pool of processes", function () {
  this.timeout(120_000);
  const folder = mkdtempSync(join(tmpdir(), "heddle-pool-trace-"));
  let model: TraceModel;
  let stdout: string;
  let pool: ObjectTrack;
  after(() => rmSync(folder, { recursive: true, force: true }));

  before(async () => {
    const file = join(folder, "pool.heddle");
    const run = await expectScript(source, {
      traced: true,
      runArgs: ["--out", file, "--report", "none"],
      timeout: 100_000,
    });
    stdout = run.stdout;
    const analysed = analyseFile(readFileSync(file));
    assert.equal(analysed.problem, null);
    model = analysed.model;
    assert.equal(model.recorder.dropped, 0);
    pool = model.objects.find((each) => each.name === "crew")!;
  });

  /** Slices of its tasks, by begin. */
  const tasks = () =>
    model.threads
      .flatMap(({ slices, process }) =>
        Array.from({ length: slices.count }, (_, i) => i)
          .filter((i) => slices.kind[i] === SliceKind.Task && slices.object[i] === pool.index)
          .map((i) => ({
            pid: model.processes[process]!.pid,
            start: slices.start[i]!,
            end: slices.end[i]!,
            name: model.strings[slices.name[i]!]!,
          })),
      )
      .sort((a, b) => a.start - b.start);
  const told = () =>
    [...stdout.matchAll(/^told (\[.*\])$/gm)].map((match) => JSON.parse(match[1]!) as [pid: number, ms: number]);

  it("is one object, of the kind Pool, and its processes are lanes of their own", () => {
    assert.equal(pool.kind, ObjectKind.Pool);
    assert.equal(model.objects.filter((each) => each.kind === ObjectKind.Pool).length, 1);
    const processes = model.processes.filter((each) => each.name.startsWith("crew_"));
    assert.ok(processes.length >= 3, "two, and one for the one that died");
    const report = jsonReport(model);
    const killed = report.processes.filter((each) => each.name.startsWith("crew_") && each.signal === "SIGKILL");
    assert.equal(killed.length, 1);
  });

  it("has each task in the process that ran it, as long as it took there", () => {
    const expected = told();
    assert.equal(expected.length, 6);
    const naps = tasks().filter(({ name }) => name === "nap");
    const actual = naps.slice(-7, -1);
    for (const pid of new Set(expected.map(([pid]) => pid))) {
      const lengths = actual.filter((each) => each.pid === pid).map(({ start, end }) => (end - start) / 1e6);
      const known = expected.filter(([of]) => of === pid).map(([, ms]) => ms);
      assert.equal(lengths.length, known.length, `${lengths} for ${known}`);
      lengths.forEach((ms, i) => {
        assert.ok(ms >= known[i]! - 1 && ms < known[i]! + PREEMPTED, `${ms} ms, not ${known[i]}`);
      });
    }
    // A chunk is one task.
    const [pid, ms] = JSON.parse(/^chunk (.*)$/m.exec(stdout)![1]!) as [number, number];
    const chunk = naps.at(-1)!;
    const length = (chunk.end - chunk.start) / 1e6;
    assert.ok(chunk.pid === pid && length >= ms - 1 && length < ms + PREEMPTED, `${length}, not ${ms}`);
  });

  it("has an arrow across the border from each submit to its begin", () => {
    const { flows } = model;
    const arrows = Array.from({ length: flows.count }, (_, i) => i).filter(
      (i) => flows.kind[i] === FlowKind.Task && flows.object[i] === pool.index,
    );
    const starts = new Set(tasks().map(({ start }) => start));
    for (const i of arrows) {
      assert.equal(model.threads[flows.fromThread[i]!]!.process, 0, "from who handed it in");
      assert.notEqual(model.threads[flows.toThread[i]!]!.process, 0, "to a process of the pool");
      assert.ok(flows.fromTime[i]! <= flows.toTime[i]! + 50_000, "not backwards, but for what clocks differ by");
      assert.ok(starts.has(flows.toTime[i]!));
    }
    assert.equal(arrows.length, tasks().length);
  });

  it("has how many waited and how many ran at each time", () => {
    const naps = tasks().filter(({ name }) => name === "nap");
    const begin = Math.max(...naps.slice(0, -7).map((each) => each.end)) + 1;
    const end = Math.max(...naps.slice(-7, -1).map((each) => each.end));
    const valuesIn = (steps: StepColumns) =>
      Array.from({ length: steps.count }, (_, i) => ({ t: steps.time[i]!, value: steps.value[i]! })).filter(
        ({ t }) => t >= begin && t <= end,
      );
    const queued = valuesIn(pool.queued!).map(({ value }) => value);
    const busy = valuesIn(pool.busy!).map(({ value }) => value);
    assert.equal(Math.max(...busy), 2, "two run at a time");
    assert.equal(busy.at(-1), 0);
    assert.ok(Math.max(...queued) >= 4 && Math.max(...queued) <= 6, `${queued}`);
    assert.equal(queued.at(-1), 0);
    const report = jsonReport(model).pools[0]!;
    assert.deepEqual([report.kind, report.name, report.failed, report.cancelled], ["Pool", "crew", 2, 0]);
    // Those that failed are die, whose process may have taken the begin of it along, and fail.
    assert.equal(report.tasks, naps.length + 2);
    assert.equal(pool.busy!.value[pool.busy!.count - 1], 0, "nothing runs at the end");
  });
});
