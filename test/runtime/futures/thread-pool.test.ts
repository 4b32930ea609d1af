import { expectScript } from "../../harness/run-script.js";

const tasks = `
import assert from "node:assert/strict";
import { isMain, RuntimeError, DataCloneError } from "heddle";
import { Executor, Future, ThreadPoolExecutor, asCompleted, wait, waitSync, BrokenThreadPool, CancelledError, TimeoutError, FIRST_COMPLETED } from "heddle/futures";
import { Barrier } from "./barrier.js";
import { currentThread, enumerate, Lock, Thread } from "heddle/threading";
import { Queue } from "heddle/queue";

export class Odd extends RangeError { constructor(readonly code: number) { super("odd " + code); } }
export function add(a: number, b: number) { return a + b; }
export async function later(ms: number, value: number) { await new Promise((r) => setTimeout(r, ms)); return value; }
export function fail(code: number): number { throw new Odd(code); }
export function who() { return currentThread().name; }
export function say(q: Queue<string>, gate: Lock) { q.putSync("began"); gate.acquireSync(); gate.release(); return "said"; }
export function meet(q: Queue<number>, other: Queue<number>) { q.putSync(1); return other.getSync(); }
export function exit(code: number) { process.exit(code); }
export function uncloneable() { return () => 1; }
export function throwUncloneable() { throw Object.assign(new Error("mine"), { f: () => 1 }); }
export function eat() { const all: unknown[] = []; for (;;) all.push(new Array(1e5).fill(0).map(() => ({ x: 1 }))); }
export function floating() { Promise.reject(new Error("nobody catches this")); return later(2000, 0); }
export const state = { ready: 0 };
export function prepare(n: number) { state.ready = n; }
export function prepared() { return state.ready; }
export function badStart() { throw new Error("cannot start"); }
export function nested(n: number): number[] {
  using inner = new ThreadPoolExecutor({ maxWorkers: 2 });
  return inner.mapSync(add, [n, n], [1, 2]);
}
export function leaves(q: Queue<number>) { const p = new ThreadPoolExecutor({ maxWorkers: 1 }); p.submit(put, q, 5); }
export function put(q: Queue<number>, n: number) { q.putSync(n); }
`.replace(/.*barrier.*\n/, "");

describe("ThreadPoolExecutor", function () {
  this.timeout(60_000);

  const run = (body: string, options = {}) =>
    expectScript(`${tasks}\nif (isMain) {\n${body}\n;console.log("done");\n}`, options);

  for (const traced of [false, true]) {
    it(`runs tasks for an owner that awaits or blocks${traced ? ", traced" : ""}`, async () => {
      await run(
        `
        using pool = new ThreadPoolExecutor({ maxWorkers: 2, threadNamePrefix: "io", name: "pool" });
        assert.equal(pool.submit(add, 1, 2).resultSync(), 3);
        assert.equal(await pool.submit(later, 5, 4), 4);
        assert.equal(pool.submit(later, 5, 4).resultSync({ timeout: 5000 }), 4);
        assert.equal(await pool.submit(Math.max, 1, 9), 9);
        assert.equal(await pool.submit((x: number) => x * 2, 21), 42);
        const error: any = await pool.submit(fail, 3).exception();
        assert.ok(error instanceof Odd && error instanceof RangeError);
        assert.equal(error.code, 3);
        assert.match(error.stack, /fail/);
        assert.throws(() => pool.submit(fail, 4).resultSync(), Odd);
        assert.match(await pool.submit(who), /^io_[01]$/);
        // Two tasks that need each other get a thread each.
        const [a, b] = [new Queue<number>(), new Queue<number>()];
        assert.deepEqual([...waitSync([pool.submit(meet, a, b), pool.submit(meet, b, a)]).done].map((f) => f.resultSync()), [1, 1]);
        // An error that nobody asks for is no unhandled rejection.
        pool.submit(fail, 5);
        // Looking is enough: this loop never lets the event loop turn.
        const looked = pool.submit(add, 1, 1);
        while (!looked.done());
        assert.equal(looked.resultSync(), 2);
      `,
        { traced, runArgs: ["--report", "none"] },
      );
    });
  }

  it("starts threads on demand, names them, and shows them", async () => {
    await run(`
      const pool = new ThreadPoolExecutor({ maxWorkers: 3 });
      assert.equal(enumerate().length, 1);
      const gate = new Lock();
      gate.acquireSync();
      const q = new Queue<string>();
      const held = [pool.submit(say, q, gate), pool.submit(say, q, gate)];
      assert.deepEqual([q.getSync(), q.getSync()], ["began", "began"]);
      assert.deepEqual(enumerate().map((t) => t.name).sort(), ["MainThread", "ThreadPoolExecutor-0_0", "ThreadPoolExecutor-0_1"]);
      gate.release();
      assert.deepEqual(held.map((f) => f.resultSync()), ["said", "said"]);
      assert.match(pool.submit(who).resultSync(), /^ThreadPoolExecutor-0_[01]$/);
      assert.equal(enumerate().length, 3, "a thread is used again");
      await pool.shutdown();
      assert.equal(enumerate().length, 1);
      await pool.shutdown();
      pool.shutdownSync();
      assert.throws(() => pool.submit(add, 1, 2), RuntimeError);
      for (const maxWorkers of [0, -1, NaN]) assert.throws(() => new ThreadPoolExecutor({ maxWorkers }), RangeError);
      assert.throws(() => new ThreadPoolExecutor({ maxWorkers: 1.5 }), TypeError);
      assert.throws(() => new ThreadPoolExecutor({ initializer: 1 as never }), TypeError);
    `);
  });

  it("cancels what has not begun and nothing else, and shuts down in all ways", async () => {
    await run(`
      const gate = new Lock();
      gate.acquireSync();
      const q = new Queue<string>();
      const pool = new ThreadPoolExecutor({ maxWorkers: 1 });
      const running = pool.submit(say, q, gate);
      assert.equal(q.getSync(), "began");
      const [x, y, z] = [pool.submit(add, 1, 1), pool.submit(add, 2, 2), pool.submit(add, 3, 3)];
      assert.deepEqual([running.running(), running.cancel(), x.running(), x.cancel(), x.cancelled()], [true, false, false, true, true]);
      assert.throws(() => y.resultSync({ timeout: 1 }), TimeoutError);
      await pool.shutdown({ wait: false, cancelFutures: false });
      assert.throws(() => pool.submit(add, 1, 1), RuntimeError);
      z.cancel();
      gate.release();
      assert.deepEqual([running.resultSync(), y.resultSync()], ["said", 4]);
      pool.shutdownSync();

      gate.acquireSync();
      const other = new ThreadPoolExecutor({ maxWorkers: 1 });
      const r = other.submit(say, q, gate);
      assert.equal(q.getSync(), "began");
      const queued = Array.from({ length: 20 }, (_, i) => other.submit(add, i, 1));
      other.shutdownSync({ wait: false, cancelFutures: true });
      assert.ok(queued.every((f) => f.cancelled()));
      gate.release();
      await other.shutdown();
      assert.equal(await r, "said");
    `);
  });

  it("maps in order, with timeouts, buffers, several inputs, errors", async () => {
    await run(`
      await using pool = new ThreadPoolExecutor({ maxWorkers: 2 });
      assert.deepEqual(await pool.map(add, [1, 2, 3], new Set([10, 20])), [11, 22]);
      assert.deepEqual(pool.mapSync(later, [20, 1, 5], [1, 2, 3], { chunkSize: -3 }), [1, 2, 3]);
      assert.deepEqual([...pool.map(add, [1], [2], { timeout: 5000 }).sync()], [3]);
      const got: number[] = [];
      for await (const n of pool.map(add, [1, 2], [1, 1])) got.push(n);
      assert.deepEqual(got, [2, 3]);
      let read = 0;
      function* input() { for (;;) { read++; yield read; } }
      const endless = pool.map(add, input(), input(), { bufferSize: 2 });
      await endless.next();
      assert.ok(read <= 6, String(read));
      for await (const _ of endless) break;
      assert.throws(() => pool.map(add, [1], [1], { bufferSize: 0 }), RangeError);
      assert.throws(() => pool.map(add, 3 as never), TypeError);
      await assert.rejects(async () => await pool.map(fail, [1, 2]), Odd);
      const slow = pool.map(later, [400, 400, 400, 400], [1, 2, 3, 4], { timeout: 20 });
      await assert.rejects(async () => await slow, TimeoutError);
      assert.throws(() => pool.mapSync(later, [400], [1], { timeout: 10 }), TimeoutError);
      const again = pool.map(later, [50], [9]);
      assert.throws(() => again.nextSync({ timeout: 1 }), TimeoutError);
      assert.deepEqual(again.nextSync(), { done: false, value: 9 });
      assert.deepEqual(await again.next(), { done: true, value: undefined });
      class Inline extends Executor {
        submit<A extends unknown[], R>(fn: (...args: A) => R, ...args: A) { const f = new Future<Awaited<R>>(); f.setResult(fn(...args) as Awaited<R>); return f; }
        async shutdown() {}
        shutdownSync() {}
      }
      assert.deepEqual(new Inline().mapSync(add, [1, 2], [3, 4], { chunkSize: 2 }), [4, 6]);
    `);
  });

  it("refuses at submit what cannot cross, and fails tasks whose outcome cannot", async () => {
    await run(`
      using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
      const local = 5;
      assert.throws(() => pool.submit(() => local), DataCloneError);
      assert.throws(() => pool.submit(add as never, () => 1, 2), DataCloneError);
      assert.throws(() => pool.submit(7 as never), TypeError);
      assert.throws(() => pool.submit(uncloneable).resultSync(), DataCloneError);
      const error = pool.submit(throwUncloneable).exceptionSync();
      assert.ok(error instanceof Error, String(error));
      assert.equal(pool.submit(add, 1, 2).resultSync(), 3);
    `);
  });

  it("runs the initializer in each thread, and is broken when it throws", async () => {
    await run(`
      using pool = new ThreadPoolExecutor({ maxWorkers: 2, initializer: prepare, initArgs: [6] });
      assert.deepEqual(pool.mapSync(prepared as never, [1, 2, 3]), [6, 6, 6]);
      for (const blocking of [true, false]) {
        const bad = new ThreadPoolExecutor({ maxWorkers: 1, initializer: badStart });
        const fs = [bad.submit(add, 1, 2), bad.submit(add, 3, 4)];
        for (const f of fs) {
          const error: any = blocking ? f.exceptionSync() : await f.exception();
          assert.ok(error instanceof BrokenThreadPool);
          assert.match(error.cause.message, /cannot start/);
        }
        assert.throws(() => bad.submit(add, 1, 2), BrokenThreadPool);
        blocking ? bad.shutdownSync() : await bad.shutdown();
      }
    `);
  });

  for (const [how, task] of [
    ["process.exit", "submit(exit, 3)"],
    ["an unhandled rejection", "submit(floating)"],
  ]) {
    it(`breaks when a thread dies of ${how}; nothing hangs`, async () => {
      await run(`
        for (const blocking of [true, false]) {
          const pool = new ThreadPoolExecutor({ maxWorkers: 1 });
          const [dies, waits] = [pool.${task}, pool.submit(add, 1, 2)];
          for (const f of [dies, waits]) {
            const error: any = blocking ? f.exceptionSync() : await f.exception();
            assert.ok(error instanceof BrokenThreadPool, String(error));
            assert.match(error.message, /ended while it ran a task/);
          }
          assert.throws(() => pool.submit(add, 1, 2), BrokenThreadPool);
          blocking ? pool.shutdownSync() : await pool.shutdown();
        }
      `);
    });
  }

  it("serves pools in pools, in threads, and several at once", async () => {
    await run(`
      const [p, q] = [new ThreadPoolExecutor({ maxWorkers: 2 }), new ThreadPoolExecutor({ maxWorkers: 1 })];
      assert.deepEqual(p.mapSync(nested, [1, 5]), [[2, 3], [6, 7]]);
      const [asked, gate] = [new Queue<string>(), new Lock()];
      gate.acquireSync();
      const mixed: Future<any>[] = [p.submit(say, asked, gate), q.submit(later, 1, 2)];
      assert.deepEqual([...waitSync(mixed, { returnWhen: FIRST_COMPLETED }).done], [mixed[1]]);
      gate.release();
      assert.deepEqual([...asCompleted(mixed).sync()].map((c) => c.result()).sort(), [2, "said"]);
      const out = new Queue<number>();
      const t = new Thread({ target: leaves, args: [out] });
      t.start();
      assert.equal(out.getSync({ timeout: 5000 }), 5);
    `);
  });

  it("ends the program when all work is done, though nobody shut it down", async () => {
    const { stdout } = await expectScript(`${tasks}
      export async function print() { await later(50, 0); console.log("work done"); }
      if (isMain) {
        const pool = new ThreadPoolExecutor({ maxWorkers: 1 });
        pool.submit(print);
        pool.submit(later, 50, 1).addDoneCallback(() => console.log("done"));
      }`);
    if (!stdout.includes("work done")) throw new Error(stdout);
  });

  it("loses nothing under random schedules", async () => {
    await run(
      `
      let seed = 12345;
      const random = (n: number) => { seed = (seed * 1103515245 + 12345) % 2147483648; return seed % n; };
      for (let round = 0; round < 6; round++) {
        const pool = new ThreadPoolExecutor({ maxWorkers: 1 + random(3) });
        const all: Future<number>[] = [];
        let ended = 0;
        for (let i = 0; i < 3000; i++) {
          const f = random(10) === 0 ? pool.submit(later, random(2), i) : pool.submit(add, i, 0);
          f.addDoneCallback(() => ended++);
          all.push(f);
          if (random(4) === 0) all[random(all.length)]!.cancel();
          if (random(300) === 0) await null;
          if (random(500) === 0) all[random(all.length)]!.exceptionSync({ timeout: 1000 }) ?? 0;
          if (random(700) === 0) await new Promise((r) => setTimeout(r, 1));
        }
        random(2) === 0 ? waitSync(all) : await wait(all);
        all.forEach((f, i) => { if (!f.cancelled()) assert.equal(f.resultSync(), i); });
        assert.equal(ended, all.length);
        random(2) === 0 ? pool.shutdownSync() : await pool.shutdown();
      }
    `.replace(
        "all[random(all.length)]!.exceptionSync({ timeout: 1000 }) ?? 0;",
        "waitSync([all[random(all.length)]!]);",
      ),
      { timeout: 100_000 },
    );
  }).timeout(110_000);
});
