/** `ThreadPoolExecutor` by the behaviours that Python's own tests of `concurrent.futures` describe, in both forms. */
import assert from "node:assert/strict";
import { expectScript, runScript } from "../../harness/run-script.js";

const head = `
import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import { isMain, RuntimeError, DataCloneError } from "heddle";
import {
  ALL_COMPLETED, asCompleted, BrokenThreadPool, CancelledError, FIRST_COMPLETED, FIRST_EXCEPTION, Future,
  InvalidStateError, ThreadPoolExecutor, TimeoutError, wait, waitSync,
} from "heddle/futures";
import { Barrier, currentThread, enumerate, Event, Lock, Semaphore, Thread } from "heddle/threading";
import { Queue } from "heddle/queue";

export const mul = (x: number, y: number) => x * y;
export const div = (x: number, y: number) => { if (y === 0) throw new RangeError("division by zero"); return x / y; };
export const increment = (x: number) => x + 1;
export const throwTimeout = (_: number) => { throw new TimeoutError("of my own"); };
let barrier: Barrier;
export const prepare = (all: Barrier) => { barrier = all; };
export const meet = (x: number) => { barrier.waitSync(); return x; };
export const same = <T>(x: T) => x;
export const meetOrFail = (x: number) => { if (x === 0) throw new Error("zero"); return x; };
export const who = () => currentThread().name;
export const hold = (began: Event, go: Event, x: number) => { began.set(); go.waitSync(); return x; };
export const block = (s: Semaphore) => { s.acquireSync(); };
export const put = (q: Queue<number>, x: number) => { q.putSync(x); return x; };
export const echo = (...all: unknown[]) => all;
export const exitInTimer = (began: Event) => new Promise(() => { setTimeout(() => process.exit(9), 5); began.set(); });
export const throwLater = (began: Event) => new Promise(() => { setTimeout(() => { throw new Error("out of the blue"); }, 1); began.set(); });
export const nested = (n: number): number => {
  if (n === 0) return 0;
  using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
  return 1 + pool.submit(nested, n - 1).resultSync();
};
export const nestedAsync = async (n: number): Promise<number> => {
  if (n === 0) return 0;
  await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
  return 1 + (await pool.submit(nestedAsync, n - 1));
};
/** A task that runs until \`go\`, on a pool of one, so that what follows is queued. */
export function busyPool() {
  const pool = new ThreadPoolExecutor({ maxWorkers: 1 });
  const [began, go] = [new Event(), new Event()];
  const running = pool.submit(hold, began, go, 42);
  began.waitSync();
  return { pool, go, running };
}
`;

describe("ThreadPoolExecutor, by Python's tests", function () {
  this.timeout(60_000);

  const run = (body: string, options = {}) =>
    expectScript(`${head}\nif (isMain) {\n${body}\nconsole.log("done");\n}`, options);

  it("starts no more threads than there is work for, and than it may", () =>
    run(`
      const gate = new Semaphore(0);
      const few = new ThreadPoolExecutor({ maxWorkers: 4 });
      const blocked = Array.from({ length: 12 }, () => few.submit(block, gate));
      assert.equal(enumerate().length, 1 + 4);
      gate.release(12);
      waitSync(blocked);
      few.shutdownSync();
      // A thread whose task is done takes the next.
      const reuse = new ThreadPoolExecutor({ maxWorkers: 5 });
      for (let i = 1; i < 5; i++) assert.equal(reuse.submit(mul, 21, i).resultSync(), 21 * i);
      for (let i = 1; i < 5; i++) assert.equal(await reuse.submit(mul, 21, i), 21 * i);
      assert.equal(enumerate().length, 1 + 1);
      await reuse.shutdown();
      assert.equal(enumerate().length, 1);
      const named = new ThreadPoolExecutor({ maxWorkers: 2, threadNamePrefix: "SpecialPool" });
      assert.equal(named.submit(who).resultSync(), "SpecialPool_0");
      named.shutdownSync();
    `));

  it("cancels queued tasks only, tells running ones, and refuses to be told twice", () =>
    run(`
      const { pool, go, running } = busyPool();
      assert.deepEqual([running.running(), running.done(), running.cancel(), running.cancelled()], [true, false, false, false]);
      const queued = pool.submit(mul, 2, 3);
      const told: string[] = [];
      queued.addDoneCallback((f) => { told.push("first " + f.cancelled()); throw new Error("a callback"); });
      queued.addDoneCallback(() => told.push("second"));
      assert.deepEqual([queued.running(), queued.done(), queued.cancelled()], [false, false, false]);
      const waiting = queued.result();
      assert.deepEqual([queued.cancel(), queued.cancel(), queued.cancelled(), queued.done(), queued.running()], [true, true, true, true, false]);
      queued.addDoneCallback(() => told.push("late"));
      assert.deepEqual(told, ["first true", "second", "late"]);
      await assert.rejects(waiting, CancelledError);
      assert.throws(() => queued.resultSync({ timeout: 0 }), CancelledError);
      await assert.rejects(queued.exception({ timeout: 0 }), CancelledError);
      assert.throws(() => queued.setResult(1), InvalidStateError);
      const next = pool.submit(mul, 4, 5);
      go.set();
      assert.deepEqual([await running, next.resultSync()], [42, 20]);
      assert.deepEqual([running.cancel(), running.running(), running.done()], [false, false, true]);
      assert.throws(() => running.setException(new Error()), InvalidStateError);
      // Somebody else gives a task's future its outcome: the task's own comes too late.
      const [began, again] = [new Event(), new Event()];
      const mine = pool.submit(hold, began, again, 1);
      began.waitSync();
      mine.setResult(99);
      again.set();
      assert.equal(await pool.submit(mul, 1, 1), 1);
      assert.deepEqual([mine.resultSync(), await mine], [99, 99]);
      pool.shutdownSync();
    `));

  it("waits by all timeouts, which cancel nothing", () =>
    run(`
      const { pool, go, running } = busyPool();
      for (const timeout of [0, -1, -Infinity, 1, 0.5]) {
        assert.throws(() => running.resultSync({ timeout }), TimeoutError);
        assert.throws(() => running.exceptionSync({ timeout }), TimeoutError);
        await assert.rejects(running.result({ timeout }), TimeoutError);
        await assert.rejects(running.exception({ timeout }), TimeoutError);
        assert.equal(waitSync([running], { timeout }).notDone.size, 1);
        assert.equal((await wait([running], { timeout })).done.size, 0);
        assert.throws(() => asCompleted([running], { timeout }).nextSync(), /1 \\(of 1\\) futures unfinished/);
      }
      assert.throws(() => running.resultSync({ timeout: NaN }), RangeError);
      assert.throws(() => running.resultSync({ timeout: 1e300 }), RangeError);
      await assert.rejects(running.result({ timeout: 1e300 }), RangeError);
      assert.throws(() => running.resultSync({ timeout: "1" as never }), TypeError);
      const late = [running.result({ timeout: 2 ** 33 }), running.result({ timeout: Infinity }), running.result({ timeout: null as never })];
      go.set();
      assert.deepEqual(await Promise.all(late), [42, 42, 42]);
      assert.deepEqual([running.resultSync({ timeout: 0 }), await running.result({ timeout: -5 })], [42, 42]);
      pool.shutdownSync();
    `));

  for (const wait of [true, false]) {
    for (const cancelFutures of [true, false]) {
      for (const blocking of [true, false]) {
        it(`shuts down with work queued: wait ${wait}, cancelFutures ${cancelFutures}, ${blocking ? "blocking" : "by a promise"}`, () =>
          run(`
            const { pool, go, running } = busyPool();
            const q = new Queue<number>();
            const queued = Array.from({ length: 20 }, (_, i) => pool.submit(put, q, i));
            const gone = queued[7]!;
            gone.cancel();
            const release = new Thread({ target: (e: Event) => { e.set(); }, args: [go] });
            if (${wait}) release.start();
            const options = { wait: ${wait}, cancelFutures: ${cancelFutures} };
            ${blocking ? "pool.shutdownSync(options)" : "await pool.shutdown(options)"};
            assert.throws(() => pool.submit(mul, 1, 1), RuntimeError);
            assert.throws(() => pool.map(mul, [1], [1]), RuntimeError);
            if (!${wait}) release.start();
            assert.equal(${blocking ? "running.resultSync()" : "await running"}, 42);
            if (${wait}) assert.ok(queued.every((f) => f.done()));
            const expected = queued.filter((f) => f !== gone).map((f, i) => f);
            if (${cancelFutures}) {
              assert.ok(queued.every((f) => f.cancelled()));
              assert.equal(q.qsize(), 0);
            } else {
              waitSync(queued);
              assert.equal(q.qsize(), 19);
              assert.ok(expected.every((f) => !f.cancelled() && f.exceptionSync() === null));
            }
            pool.shutdownSync();
            await pool.shutdown({ cancelFutures: true });
            release.joinSync();
            assert.equal(enumerate().length, 1);
          `));
      }
    }
  }

  it("maps uneven inputs, errors, timeouts and buffers; all is handed in at once", () =>
    run(`
      using pool = new ThreadPoolExecutor({ maxWorkers: 2 });
      assert.deepEqual(pool.mapSync(mul, [1, 2, 3], [4, 5]), [4, 10]);
      assert.deepEqual(await pool.map(mul, [], [4, 5]), []);
      assert.deepEqual(pool.mapSync(echo, [1], ["a"], [null]), [[1, "a", null]]);
      const failing = pool.map(div, [1, 1, 1, 1], [2, 5, 0, 4]);
      assert.deepEqual([failing.nextSync().value, (await failing.next()).value], [0.5, 0.2]);
      assert.throws(() => failing.nextSync(), RangeError);
      assert.deepEqual(failing.nextSync(), { done: true, value: undefined }, "an error ends it");
      await assert.rejects(async () => await pool.map(div, [1], [0]), /division by zero/);
      assert.throws(() => pool.mapSync(div, [1], [0]), RangeError);
      // Handed in without being read.
      const q = new Queue<number>();
      pool.map(put, [q, q, q], [1, 2, 3]);
      assert.deepEqual([q.getSync(), q.getSync(), q.getSync()].sort(), [1, 2, 3]);
      // The timeout counts from the call, and ends it.
      const [began, go] = [new Event(), new Event()];
      const slow = pool.map(hold, [began, began], [go, go], [1, 2], { timeout: 30 });
      assert.throws(() => slow.nextSync(), TimeoutError);
      assert.deepEqual(slow.nextSync(), { done: true, value: undefined });
      go.set();
      // What a call throws is told from the timeout of the map.
      assert.throws(() => pool.mapSync(throwTimeout, [1], { timeout: 60_000 }), /of my own/);
      await assert.rejects(async () => await pool.map(throwTimeout, [1], { timeout: 60_000 }), /of my own/);
      // With a buffer the input is read as results are.
      let read = 0;
      function* input() { for (;;) yield read++; }
      const buffered = pool.map(mul, input(), input(), { bufferSize: 3 });
      assert.equal(read, 6);
      assert.deepEqual([buffered.nextSync().value, buffered.nextSync().value], [0, 6]);
      assert.equal(read, 10);
      for await (const value of buffered) { assert.equal(value, 20); break; }
      assert.deepEqual(await buffered.next(), { done: true, value: undefined });
      // The end of a loop cancels what has not begun, and ends the input.
      const { pool: one, go: free } = busyPool();
      let ended = false;
      function* watched() { try { for (;;) yield q; } finally { ended = true; } }
      const endless = one.map(put, watched(), input(), { bufferSize: 4 });
      const never = endless.next();
      for await (const _ of one.map(put, [] as Queue<number>[], [])) assert.fail();
      const ending = (endless as unknown as { return(): Promise<unknown> }).return();
      await ending;
      assert.deepEqual(await never, { done: true, value: undefined });
      assert.equal(ended, true);
      free.set();
      one.shutdownSync();
      assert.equal(q.qsize(), 0);
      // The input may hand in tasks of its own.
      function* busyInput() { for (let i = 0; i < 500; i++) { if (i % 3 === 0) pool.submit(mul, i, i); yield i; } }
      assert.deepEqual(pool.mapSync(increment, busyInput()), Array.from({ length: 500 }, (_, i) => i + 1));
      const many = Array.from({ length: 20_000 }, (_, i) => i);
      assert.deepEqual(await pool.map(increment, many), many.map(increment));
      assert.deepEqual(pool.mapSync(increment, many, { bufferSize: 100 }), many.map(increment));
    `));

  it("maps an array: each call by itself, on a thread of its own if it needs one", () =>
    run(`
      const all = new Barrier(3);
      const pool = new ThreadPoolExecutor({ maxWorkers: 3, initializer: prepare, initArgs: [all] });
      for (let round = 0; round < 20; round++) {
        // None of three returns before all have begun, whether the threads start, sleep or are awake.
        assert.deepEqual(round % 2 ? pool.mapSync(meet, [1, 2, 3]) : await pool.map(meet, [1, 2, 3]), [1, 2, 3]);
        if (round % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      }
      // Simple values and others, mixed; holes; getters that hand in calls of their own.
      const values = [1, "a", null, undefined, true, -0, 1.5, { x: 1 }, [2], "long".repeat(50), "é", 2 ** 40, new Map([[1, 2]])];
      assert.deepEqual(pool.mapSync(echo, values), values.map((value) => [value]));
      assert.ok(Object.is(pool.mapSync(same, [-0])[0], -0));
      assert.deepEqual(pool.mapSync(echo, [1, , 3]), [[1], [undefined], [3]]);
      const sly = Array.from({ length: 100 }, (_, i) => (i % 10 ? i : { get x() { pool.submit(mul, 1, 1); return i; } }));
      assert.deepEqual(pool.mapSync(same, sly as never[]), sly.map((value) => (typeof value === "number" ? value : { x: value.x })));
      assert.throws(() => pool.map(same, [1, 2, () => 1, 4] as never[]), DataCloneError);
      class Doubled extends Array<number> { *[Symbol.iterator]() { for (let i = 0; i < this.length; i++) yield this.at(i)! * 2; } }
      assert.deepEqual(pool.mapSync(same, Doubled.from([1, 2, 3])), [2, 4, 6]);
      const failing = pool.map(meetOrFail, [1, 2, 3, 0, 5]);
      assert.deepEqual([failing.nextSync().value, failing.nextSync().value, failing.nextSync().value], [1, 2, 3]);
      assert.throws(() => failing.nextSync(), /zero/);
      await pool.shutdown();
    `));

  it("hands futures over by wait and asCompleted, once each, whatever was given", () =>
    run(`
      const { pool, go, running } = busyPool();
      const other = new ThreadPoolExecutor({ maxWorkers: 1 });
      const [fine, bad] = [other.submit(mul, 6, 7), other.submit(div, 1, 0)];
      const cancelled = pool.submit(mul, 1, 1);
      cancelled.cancel();
      let r = waitSync([running, fine], { returnWhen: FIRST_COMPLETED });
      assert.deepEqual([[...r.done], [...r.notDone]], [[fine], [running]]);
      r = await wait([running, bad], { returnWhen: FIRST_EXCEPTION });
      assert.deepEqual([[...r[0]], [...r[1]]], [[bad], [running]]);
      assert.equal((await wait([running, cancelled], { returnWhen: FIRST_COMPLETED })).done.size, 1);
      assert.equal(waitSync([running, cancelled, fine], { returnWhen: FIRST_EXCEPTION, timeout: 1 }).done.size, 2, "a cancelled one has not failed");
      const all = [running, fine, running, bad, cancelled];
      const order = asCompleted(all);
      const seen = [order.nextSync().value!.index, (await order.next()).value!.index, order.nextSync().value!.index];
      assert.deepEqual(seen, [1, 3, 4]);
      assert.throws(() => order.nextSync({ timeout: 1 }), /1 \\(of 4\\) futures unfinished/);
      go.set();
      assert.equal((await order.next()).value!.result(), 42);
      assert.deepEqual(order.nextSync(), { done: true, value: undefined });
      assert.equal((await wait(all, { returnWhen: ALL_COMPLETED })).done.size, 4);
      assert.deepEqual([...asCompleted(new Set(all)).sync()].length, 4);
      const pending = new Future();
      assert.throws(() => [...asCompleted([fine, pending], { timeout: 1 }).sync()], TimeoutError);
      pool.shutdownSync();
      await other.shutdown();
    `));

  for (const [how, task] of [
    ["process.exit in a timer of its task", "exitInTimer"],
    ["an error nobody catches", "throwLater"],
  ]) {
    it(`breaks when a thread ends by ${how}: the task, and what is queued`, async () => {
      await run(`
        for (const blocking of [true, false]) {
          const pool = new ThreadPoolExecutor({ maxWorkers: 1 });
          const began = new Event();
          const dying = pool.submit(${task}, began);
          const told: unknown[] = [];
          const queued = Array.from({ length: 5 }, () => pool.submit(mul, 1, 1));
          queued[0]!.addDoneCallback((f) => told.push(f.exceptionSync()));
          queued[3]!.cancel();
          const mapped = pool.map(mul, [1, 2], [3, 4]);
          blocking ? waitSync([dying]) : await wait([dying]);
          for (const f of [dying, queued[0]!, queued[4]!]) {
            assert.ok(f.exceptionSync() instanceof BrokenThreadPool);
            await assert.rejects(f.result(), BrokenThreadPool);
          }
          await assert.rejects(async () => await mapped, BrokenThreadPool);
          assert.ok(queued[3]!.cancelled());
          assert.ok(told[0] instanceof BrokenThreadPool);
          assert.throws(() => pool.submit(mul, 1, 1), BrokenThreadPool);
          assert.throws(() => pool.mapSync(mul, [1], [1]), BrokenThreadPool);
          blocking ? pool.shutdownSync() : await pool.shutdown();
          assert.equal(enumerate().length, 1);
        }
      `);
    });
  }

  it("lets pools serve pools, and executors and futures stay in their thread", () =>
    run(`
      using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
      assert.equal(pool.submit(nested, 3).resultSync(), 3);
      assert.equal(await pool.submit(nestedAsync, 3), 3);
      const future = pool.submit(mul, 1, 1);
      for (const mine of [pool, future, [{ deep: pool }], new Map([[1, future]])]) {
        assert.throws(() => pool.submit(echo, mine), (e: any) => e instanceof DataCloneError && /belongs to/.test(e.message));
      }
    `));

  it("ends its threads when nobody has it any more", async () => {
    const { code, stdout, timedOut, stderr } = await runScript(
      `${head}
      import { setFlagsFromString } from "node:v8";
      import { runInNewContext } from "node:vm";
      if (isMain) {
        setFlagsFromString("--expose-gc");
        const gc = runInNewContext("gc");
        let future: Future<number>;
        (() => { future = new ThreadPoolExecutor({ maxWorkers: 2 }).submit(mul, 3, 5); })();
        assert.equal(await future!, 15, "a thread ran it");
        // The registry calls back at some turn after a collection.
        while (enumerate().length > 1) { gc(); await new Promise((r) => setTimeout(r, 1)); }
        console.log("done");
      }`,
      { timeout: 40_000 },
    );
    assert.deepEqual([code, timedOut, stdout.trim()], [0, false, "done"], stderr);
  });

  it("says that a program hangs whose tasks wait for tasks behind them", async () => {
    const { code, stderr } = await runScript(
      `${head}
      if (isMain) {
        const news = new Event({ name: "news" });
        const pool = new ThreadPoolExecutor({ maxWorkers: 1, name: "narrow" });
        const first = pool.submit((e: Event) => e.waitSync(), news);
        pool.submit((e: Event) => e.set(), news);
        first.resultSync();
      }`,
      { traced: true, runArgs: ["--report", "none"], timeout: 50_000 },
    );
    assert.equal(code, 86, stderr);
    assert.match(stderr, /waits for a result of ThreadPoolExecutor .*narrow/);
    assert.match(stderr, /waits for Event .*news/);
  });
});
