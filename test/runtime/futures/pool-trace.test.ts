/**
 * What the trace says of pools of threads against what the script did: counts, where each task ran and for how long, how
 * long it was queued, what waited for it.
 *
 * Each time has to lie between two readings of the script (see `traced-script.ts`): a task's begin between its submit and
 * its own first line, its end between its last line and when the owner had its result. Tasks that follow each other at
 * once share a reading of the clock, which may be from before the second one was handed in; so those that are looked at
 * are handed in when the threads are known to have nothing to do. And they go on only when the wait for them has begun.
 */
import assert from "node:assert/strict";
import { SliceKind } from "../../../src/analysis/model.js";
import { WaitReason } from "../../../src/trace/events.js";
import { measuring, TracedScript, type Wait } from "../../harness/traced-script.js";

const source = `
  import { isMain } from "heddle";
  import { ThreadPoolExecutor, waitSync } from "heddle/futures";
  import { ThreadPool } from "heddle/multiprocessing";

  ${measuring}
  /** Words that the threads share: how many tasks have begun, after how many a thread idled, and up to which they may go on. */
  const BEGUN = 0, IDLED = 1, TURN = 2;
  /** For a task: a thread's loop turns only when it has no task left. */
  const idles = (words: Int32Array) => setImmediate(() => Atomics.add(words, IDLED, 1));
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  async function until(words: Int32Array, word: number, count: number) {
    while (Atomics.load(words, word) < count) await pause(1);
  }
  /** Gives the readings of its first and last line. */
  export function work(ms: number, words: Int32Array, turn: number): [string, string] {
    const first = clock();
    idles(words);
    Atomics.add(words, BEGUN, 1);
    while (Atomics.load(words, TURN) < turn) nap(1);
    nap(ms);
    return [first, clock()];
  }
  export async function workAsync(ms: number, words: Int32Array, turn: number): Promise<[string, string]> {
    const first = clock();
    Atomics.add(words, BEGUN, 1);
    await until(words, TURN, turn);
    await pause(ms);
    idles(words);
    return [first, clock()];
  }
  export function fail() { throw new RangeError("meant to"); }
  export function nothing() {}
  if (isMain) {
    const words = new Int32Array(new SharedArrayBuffer(12));
    const executor = new ThreadPoolExecutor({ maxWorkers: 2, name: "executor" });
    // The threads are up, and all has been compiled.
    waitSync(Array.from({ length: 4 }, () => executor.submit(work, 1, words, 0)));
    await executor.submit(workAsync, 1, words, 0);
    let tasks = 5;
    let turn = 0;
    const goOn = () => Atomics.store(words, TURN, turn);
    for (const [form, task, ms] of [["blocking", work, 60], ["awaiting", work, 40], ["awaiting", workAsync, 50]] as const) {
      await until(words, IDLED, tasks++);
      turn++;
      const submit = clock();
      const future = executor.submit(task, ms, words, turn);
      const from = clock();
      let by = "";
      const begun = () => { by = clock(); goOn(); };
      if (form === "blocking") blocks(() => future.resultSync({ timeout: 60_000 }), 1, begun);
      else {
        const result = future.result();
        begun();
        await result;
      }
      const got = clock();
      const [first, last] = await future;
      tell({ what: "task", submit: [submit, from], first, last, got, by });
    }
    await until(words, IDLED, tasks);
    turn++;
    const held = [0, 1].map(() => {
      const before = clock();
      const future = executor.submit(work, 80, words, turn);
      return { submit: [before, clock()], future };
    });
    // Nobody can take what comes behind them.
    await until(words, BEGUN, tasks + 2);
    let queued: any[] = [];
    const submit = around(() => { queued = Array.from({ length: 10 }, () => executor.submit(nothing)); });
    for (const each of queued.slice(0, 3)) each.cancel();
    goOn();
    const results = await Promise.all(held.map(({ future }) => future));
    const got = clock();
    waitSync(queued);
    const done = clock();
    for (const [i, [first, last]] of results.entries()) tell({ what: "task", submit: held[i]!.submit, first, last, got });
    tell({ what: "queued", submit, done });
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

type Readings = readonly [before: string, after: string];
interface Task {
  readonly what: "task";
  readonly submit: Readings;
  /** Readings at its first and its last line. */
  readonly first: string;
  readonly last: string;
  readonly got: string;
  /** When the one wait for it had begun, if there was one. */
  readonly by?: string;
}
interface Queued {
  readonly what: "queued";
  readonly submit: Readings;
  readonly done: string;
}

describe("the trace of pools of threads", function () {
  this.timeout(90_000);
  let traced: TracedScript;
  before(async () => {
    traced = await TracedScript.run(source);
  });

  const told = <T extends Task | Queued>(what: T["what"]) => traced.told<T>().filter((each) => each.what === what);
  /** In the order in which they were handed in, which is that of their numbers, from 1 on. */
  const handedIn = () => traced.slicesOf("executor", SliceKind.Task).sort((x, y) => x.value - y.value);
  const submitOf = ({ thread, start, value }: Wait): number => {
    const arrows = traced.arrows("executor", "Task").filter(({ to, toTime }) => to === thread && toTime === start);
    assert.equal(arrows.length, 1, `arrows to task ${value}`);
    assert.ok(arrows[0]!.from.isMain);
    return arrows[0]!.fromTime;
  };

  it("counts what was handed in, failed and cancelled", () => {
    const { pools } = traced.report;
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
      const tasks = traced.slicesOf(name, SliceKind.Task);
      assert.equal(tasks.length, count);
      assert.equal(new Set(tasks.map((task) => task.value)).size, count);
      const last = new Map<string, Wait>();
      for (const task of tasks) {
        assert.match(task.thread.name, prefix);
        const before = last.get(task.thread.name);
        if (before !== undefined) {
          assert.ok(task.start >= before.end, `task ${task.value} began before ${before.value} ended`);
          assert.ok(task.value > before.value);
        }
        last.set(task.thread.name, task);
      }
    }
  });

  it("tells when tasks were handed in, began and ended, and how long the owner waited", () => {
    const tasks = handedIn().slice(5, 10);
    assert.deepEqual(
      tasks.map(({ name, value }) => [name, value]),
      [
        ["work", 6],
        ["work", 7],
        ["workAsync", 8],
        ["work", 9],
        ["work", 10],
      ],
    );
    const known = told<Task>("task");
    assert.equal(known.length, tasks.length);
    for (const [i, { submit, first, last, got, by }] of known.entries()) {
      const task = tasks[i]!;
      traced.within(`task ${i} is handed in`, submitOf(task), submit);
      traced.within(`task ${i} begins`, task.start, [submit[0], first]);
      traced.within(`task ${i} ends`, task.end, [last, got]);
      if (by === undefined) continue;
      const waits = traced
        .slicesOf("executor", SliceKind.OtherWait, WaitReason.Result)
        .filter(
          ({ thread, start, end }) => thread.isMain && end >= traced.time(submit[1]) && start <= traced.time(got),
        );
      assert.equal(waits.length, 1, `${waits.length} waits for task ${i}`);
      traced.within(`the wait for task ${i} begins`, waits[0]!.start, [submit[1], by]);
      traced.within(`the wait for task ${i} ends`, waits[0]!.end, [last, got]);
    }
  });

  it("tells how long tasks were queued", () => {
    const [queued] = told<Queued>("queued");
    // Those behind the two that napped 80 ms: without the three that were cancelled.
    const behind = handedIn().slice(10, 17);
    assert.deepEqual(
      behind.map(({ name, value }) => [name, value]),
      [14, 15, 16, 17, 18, 19, 20].map((value) => ["nothing", value]),
    );
    // The first of the two that ended, by its last line.
    const [free] = told<Task>("task")
      .slice(3)
      .map(({ last }) => last)
      .sort((x, y) => (BigInt(x) < BigInt(y) ? -1 : 1));
    for (const task of behind) {
      traced.within(`task ${task.value} is handed in`, submitOf(task), queued!.submit);
      traced.within(`task ${task.value} begins`, task.start, [free!, queued!.done]);
    }
    const waits = traced.arrows("executor", "Task").map(({ fromTime, toTime }) => toTime - fromTime);
    assert.equal(waits.length, 518);
    const { queueWait } = traced.report.pools.find((pool) => pool.name === "executor")!;
    assert.equal(queueWait.maxNs, Math.round(Math.max(...waits)));
  });
});
