/**
 * What the trace says of a pool of processes, against what the script did: its tasks in the processes that ran them, for
 * as long as they took, where they came from, how many waited and how many ran.
 *
 * Each time has to lie between two readings of the script (see `traced-script.ts`): a task's begin between its submit
 * (or the last line of the task that its process had before) and its own first line, its end between its last line and
 * when the owner had its result. That so many wait and two run at a time does not hang on who has a core: the first two
 * go on only when both have begun and all are handed in.
 */
import assert from "node:assert/strict";
import { type ObjectTrack, SliceKind, type StepColumns, type TraceModel } from "../../../src/analysis/model.js";
import { ObjectKind } from "../../../src/trace/events.js";
import { CLOCKS_NS, measuring, TracedScript } from "../../harness/traced-script.js";

const source = `
import assert from "node:assert/strict";
import { isMain } from "heddle";
import { Pool, RawArray } from "heddle/multiprocessing";

${measuring}
type Readings = [pid: number, first: string, last: string];
function work(ms: number): Readings {
  const first = clock();
  nap(ms);
  return [process.pid, first, clock()];
}
/** How many have begun, and whether all are handed in. */
const BEGUN = 0, ALL_IN = 1;
function workTogether(ms: number, words: RawArray<"i">): Readings {
  const first = clock();
  Atomics.add(words.view, BEGUN, 1);
  while (Atomics.load(words.view, BEGUN) < 2 || Atomics.load(words.view, ALL_IN) === 0) nap(1);
  nap(ms);
  return [process.pid, first, clock()];
}
/** What its process told just before would die with it, which may be the end of a task that is looked at. */
function die() {
  writtenOut();
  process.kill(process.pid, "SIGKILL");
}
function fail() { throw new Error("no"); }

if (isMain) {
  const words = new RawArray("i", 2);
  const pool = new Pool({ processes: 2, name: "crew" });
  // Both are there, and calls are known to be long.
  while (new Set(pool.mapSync(work, [50, 50, 50, 50], { chunkSize: 1 }).map(([pid]) => pid)).size < 2);
  const given = [80, 90, 100, 110, 120, 130].map((ms) => {
    const submit = clock();
    return { submit, result: pool.applyAsync(workTogether, [ms, words]) };
  });
  Atomics.store(words.view, ALL_IN, 1);
  for (const { submit, result } of given) {
    const [pid, first, last] = result.getSync();
    tell({ what: "task", pid, submit, first, last, got: clock() });
  }
  const submit = clock();
  const chunk = await pool.map(work, [20, 30, 40], { chunkSize: 3 });
  tell({ what: "chunk", pid: chunk[0]![0], submit, first: chunk[0]![1], last: chunk[2]![2], got: clock() });
  await assert.rejects(pool.apply(die));
  await assert.rejects(pool.apply(fail));
  pool.close();
  await pool.join();
  console.log("done");
}`;

interface Told {
  readonly what: "task" | "chunk";
  readonly pid: number;
  readonly submit: string;
  /** Readings at the first and the last line. */
  readonly first: string;
  readonly last: string;
  readonly got: string;
}

const later = (x: string, y: string) => (BigInt(x) > BigInt(y) ? x : y);

describe("the trace of a pool of processes", function () {
  this.timeout(120_000);
  let traced: TracedScript;
  let model: TraceModel;
  let pool: ObjectTrack;

  before(async () => {
    traced = await TracedScript.run(source, 100_000);
    model = traced.model;
    pool = traced.named("crew");
  });

  /** Slices of its tasks, by begin. */
  const tasks = () => traced.slicesOf("crew", SliceKind.Task);
  const six = () => tasks().filter(({ name }) => name === "workTogether");

  it("is one object, of the kind Pool, and its processes are lanes of their own", () => {
    assert.equal(pool.kind, ObjectKind.Pool);
    assert.equal(model.objects.filter((each) => each.kind === ObjectKind.Pool).length, 1);
    const processes = model.processes.filter((each) => each.name.startsWith("crew_"));
    assert.ok(processes.length >= 3, "two, and one for the one that died");
    const killed = traced.report.processes.filter((each) => each.name.startsWith("crew_") && each.signal === "SIGKILL");
    assert.equal(killed.length, 1);
  });

  it("has each task in the process that ran it, as long as it took there", () => {
    const told = traced.told<Told>();
    assert.deepEqual(
      told.map(({ what }) => what),
      [...Array(6).fill("task"), "chunk"],
    );
    // A chunk is one task.
    const actual = [...six(), tasks().findLast(({ name }) => name === "work")!];
    assert.equal(actual.length, 7);
    for (const pid of new Set(told.map((each) => each.pid))) {
      const own = actual.filter(({ thread }) => model.processes[thread.process]!.pid === pid);
      const known = told.filter((each) => each.pid === pid);
      assert.equal(own.length, known.length, `process ${pid} had ${own.length} tasks, not ${known.length}`);
      let free = "0";
      for (const [i, { what, submit, first, last, got }] of known.entries()) {
        traced.within(`${what} ${i} of ${pid} begins`, own[i]!.start, [later(submit, free), first]);
        traced.within(`${what} ${i} of ${pid} ends`, own[i]!.end, [last, got]);
        free = last;
      }
    }
  });

  it("has an arrow across the border from each submit to its begin", () => {
    const arrows = traced.arrows("crew", "Task");
    const starts = new Set(tasks().map(({ start }) => start));
    for (const { from, fromTime, to, toTime } of arrows) {
      assert.equal(from.process, 0, "from who handed it in");
      assert.notEqual(to.process, 0, "to a process of the pool");
      assert.ok(fromTime <= toTime + CLOCKS_NS, "not backwards, but for what clocks differ by");
      assert.ok(starts.has(toTime));
    }
    assert.equal(arrows.length, tasks().length);
    // Each was handed in between the reading before it and that before the next; the last, before its own first line.
    const submits = six().map(({ start }) => arrows.find(({ toTime }) => toTime === start)!.fromTime);
    const told = traced.told<Told>().slice(0, 6);
    for (const [i, time] of submits.sort((x, y) => x - y).entries()) {
      traced.within(`submit ${i}`, time, [told[i]!.submit, told[i + 1]?.submit ?? told[i]!.first]);
    }
  });

  it("has how many waited and how many ran at each time", () => {
    const last = six();
    const works = tasks().filter(({ name }) => name === "work");
    const begin = Math.max(...works.slice(0, -1).map((each) => each.end)) + 1;
    const end = Math.max(...last.map((each) => each.end));
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
    const report = traced.report.pools[0]!;
    assert.deepEqual([report.kind, report.name, report.failed, report.cancelled], ["Pool", "crew", 2, 0]);
    // Those that failed are die and fail.
    assert.equal(report.tasks, works.length + last.length + 2);
    assert.equal(tasks().length, report.tasks);
    assert.equal(pool.busy!.value[pool.busy!.count - 1], 0, "nothing runs at the end");
  });
});
