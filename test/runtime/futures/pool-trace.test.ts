/**
 * What the trace says of pools of threads against what the script did and its tasks measured: counts, where each task
 * ran and for how long, how long it was queued, what waited for it. The middle one of all deviations must be within 1 %,
 * and none more than a busy machine takes a thread's core away for.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { analyseFile } from "../../../src/analysis/analyse-file.js";
import { SliceKind, type TraceModel } from "../../../src/analysis/model.js";
import { jsonReport } from "../../../src/analysis/report/json-report.js";
import { expectScript } from "../../harness/run-script.js";

/** Milliseconds that a thread may lose its core for on a busy machine. */
const PREEMPTED = 150;

const source = `
  import { isMain } from "heddle";
  import { ThreadPoolExecutor, waitSync } from "heddle/futures";
  import { ThreadPool } from "heddle/multiprocessing";

  const sleepSync = (ms: number) => { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms); };
  /** Naps, and gives what it measured of it. */
  export function nap(ms: number) { const start = performance.now(); sleepSync(ms); return performance.now() - start; }
  export async function napAsync(ms: number) {
    const start = performance.now();
    await new Promise((resolve) => setTimeout(resolve, ms));
    return performance.now() - start;
  }
  export function fail() { throw new RangeError("meant to"); }
  export function nothing() {}
  if (isMain) {
    const executor = new ThreadPoolExecutor({ maxWorkers: 2, name: "executor" });
    // The threads are up, and all has been compiled.
    waitSync(Array.from({ length: 4 }, () => executor.submit(nap, 1)));
    await executor.submit(napAsync, 1);
    const before = performance.now();
    const future = executor.submit(nap, 60);
    const measured = [future.resultSync()];
    console.log("waited " + (performance.now() - before));
    measured.push(await executor.submit(nap, 40), await executor.submit(napAsync, 50));
    for (const ms of measured) console.log("ran " + ms);
    const held = [executor.submit(nap, 80), executor.submit(nap, 80)];
    const queued = Array.from({ length: 10 }, () => executor.submit(nothing));
    for (const each of queued.slice(0, 3)) each.cancel();
    await Promise.all(held);
    waitSync(queued);
    await executor.submit(fail).exception();
    executor.mapSync(nothing as (n: number) => void, Array.from({ length: 500 }, (_, i) => i));
    await executor.shutdown();

    const pool = new ThreadPool({ processes: 3, name: "pool" });
    await pool.map(nothing as (n: number) => void, Array.from({ length: 100 }, (_, i) => i));
    for (const _ of pool.imap(nothing as (n: number) => void, [1, 2, 3], { chunkSize: 2 }).sync());
    await pool.apply(fail).catch(() => {});
    pool.close();
    pool.joinSync();
    console.log("done");
  }
`;

describe("the trace of pools of threads", function () {
  this.timeout(90_000);
  const folder = mkdtempSync(join(tmpdir(), "heddle-pools-"));
  let model: TraceModel;
  let stdout: string;
  after(() => rmSync(folder, { recursive: true, force: true }));

  before(async () => {
    const file = join(folder, "pools.heddle");
    ({ stdout } = await expectScript(source, {
      traced: true,
      runArgs: ["--out", file, "--report", "none"],
      timeout: 60_000,
    }));
    const analysed = analyseFile(readFileSync(file));
    assert.equal(analysed.problem, null);
    model = analysed.model;
    assert.equal(model.recorder.dropped, 0);
  });

  const told = (what: string): number[] =>
    [...stdout.matchAll(new RegExp(`^${what} (.*)$`, "gm"))].map((match) => Number(match[1]));
  const indexOf = (name: string): number => {
    const object = model.objects.find((each) => each.name === name);
    assert.ok(object, `no ${name}`);
    return object.index;
  };

  interface Slice {
    readonly start: number;
    readonly end: number;
    readonly name: string;
    readonly task: number;
    readonly thread: string;
  }

  function slices(object: string, kind: number): Slice[] {
    const index = indexOf(object);
    const found: Slice[] = [];
    for (const thread of model.threads) {
      const { slices: of } = thread;
      for (let i = 0; i < of.count; i++) {
        if (of.object[i] !== index || of.kind[i] !== kind) continue;
        found.push({
          start: of.start[i]!,
          end: of.end[i]!,
          name: model.strings[of.name[i]!]!,
          task: of.value[i]!,
          thread: thread.name,
        });
      }
    }
    return found.sort((a, b) => a.start - b.start);
  }

  it("counts what was handed in, failed and cancelled", () => {
    const { pools } = jsonReport(model);
    const [executor, pool] = ["executor", "pool"].map((name) => pools.find((each) => each.name === name));
    assert.deepEqual(
      [executor?.kind, executor?.workers, executor?.tasks, executor?.failed, executor?.cancelled],
      ["ThreadPoolExecutor", 2, 4 + 1 + 3 + 2 + 10 + 1 + 500, 1, 3],
    );
    assert.deepEqual(
      [pool?.kind, pool?.workers, pool?.tasks, pool?.failed, pool?.cancelled],
      ["ThreadPool", 3, 104, 1, 0],
    );
  });

  it("shows each task once, on its thread, one at a time, in the order of its channel", () => {
    for (const [name, prefix, count] of [
      ["executor", /^ThreadPoolExecutor-0_[01]$/, 518],
      ["pool", /^pool_[012]$/, 104],
    ] as const) {
      const tasks = slices(name, SliceKind.Task);
      assert.equal(tasks.length, count);
      assert.equal(new Set(tasks.map((task) => task.task)).size, count);
      const last = new Map<string, Slice>();
      for (const task of tasks) {
        assert.match(task.thread, prefix);
        const before = last.get(task.thread);
        if (before !== undefined) {
          assert.ok(task.start >= before.end, `task ${task.task} began before ${before.task} ended`);
          assert.ok(task.task > before.task);
        }
        last.set(task.thread, task);
      }
    }
  });

  it("tells how long tasks ran and were queued, and how long the owner waited", () => {
    const tasks = slices("executor", SliceKind.Task);
    const off: number[] = [];
    const compare = (what: string, ns: number, ms: number) => {
      const deviation = Math.abs(ns / 1e6 - ms);
      assert.ok(deviation < PREEMPTED, `${what}: ${ns / 1e6} ms, not ${ms}`);
      off.push(deviation / ms);
    };
    const ran = tasks.filter((task) => /^nap/.test(task.name)).slice(5, 8);
    assert.deepEqual(
      ran.map((task) => task.name),
      ["nap", "nap", "napAsync"],
    );
    for (const [i, ms] of told("ran").entries()) compare(`task ${i}`, ran[i]!.end - ran[i]!.start, ms);
    const waits = slices("executor", SliceKind.OtherWait).filter(
      (wait) => wait.thread === "main" || /\.ts$/.test(wait.thread),
    );
    const [blocked] = waits.filter((wait) => wait.start < ran[0]!.end && wait.end >= ran[0]!.end);
    assert.ok(blocked, "the wait for the first result");
    compare("the wait", blocked.end - blocked.start, told("waited")[0]!);
    off.sort((a, b) => a - b);
    assert.ok(off[off.length >> 1]! < 0.01, `deviations ${off.join(", ")}`);
    const { queueWait } = jsonReport(model).pools.find((pool) => pool.name === "executor")!;
    // Those behind the two of 80 ms waited for them.
    assert.ok(queueWait.maxNs / 1e6 > 70, `${queueWait.maxNs} ns`);
  });
});
