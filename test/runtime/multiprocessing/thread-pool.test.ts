/** `ThreadPool` of multiprocessing, by the behaviours of Python's tests of it, in both forms. */
import assert from "node:assert/strict";
import { expectScript } from "../../harness/run-script.js";

const head = `
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import type { Worker } from "node:worker_threads";
import { isMain, DataCloneError, RuntimeError, TimeoutError } from "heddle";
import { ThreadPool, dummy } from "heddle/multiprocessing";
import { BrokenThreadPool } from "heddle/futures";
import { currentThread, enumerate, Event, Lock, Thread } from "heddle/threading";
import { Queue } from "heddle/queue";

/** The workers that were started, as nothing of the library gives them away. */
const started: Worker[] = [];
if (isMain) {
  const module = createRequire(import.meta.url)("node:worker_threads");
  module.Worker = class extends module.Worker { constructor(...args: unknown[]) { super(...args); started.push(this as unknown as Worker); } };
}
export const sqr = (x: number) => x * x;
export const mul = (x: number, y: number) => x * y;
export const pair = (...args: number[]) => args;
export const nothing = () => undefined;
export async function later(x: number) { await new Promise((r) => setTimeout(r, x % 7)); return x; }
export class Odd extends RangeError { constructor(readonly x: number) { super("odd " + x); } }
export const even = (x: number) => { if (x % 2) throw new Odd(x); return x; };
export const hold = (began: Event, go: Event, x: number) => { began.set(); go.waitSync(); return x; };
export const wait = (go: Event) => go.waitSync();
export const who = () => currentThread().name;
export const local = { value: 0 };
export const prepare = (a: number, b: number) => { local.value = a + b; };
export const prepared = (x: number) => local.value + x;
export const badStart = () => { throw new Error("cannot start"); };
export const busy = (began: Event) => { began.set(); for (;;); };
export const take = (x: number, q: Queue<number>) => { q.putSync(x); };
export function* until(n: number, error: unknown) { for (let i = 0; i < n; i++) yield i; throw error; }
`;

describe("ThreadPool", function () {
  this.timeout(60_000);

  const run = (body: string, options = {}) =>
    expectScript(`${head}\nif (isMain) {\n${body}\nconsole.log("done");\n}`, options);

  for (const traced of [false, true]) {
    it(`applies and maps in all forms${traced ? ", traced" : ""}`, () =>
      run(
        `
        const pool = new ThreadPool({ processes: 3, name: "mine" });
        assert.equal(pool.name, "mine");
        assert.equal(enumerate().length, 4, "the threads start with the pool");
        assert.equal(await pool.apply(sqr, [5]), 25);
        assert.equal(pool.applySync(sqr, [6]), 36);
        assert.equal(pool.applySync(nothing), undefined);
        assert.match(await pool.apply(who), /^mine_[012]$/);
        const range = Array.from({ length: 100 }, (_, i) => i);
        const squares = range.map((x) => x * x);
        assert.deepEqual(await pool.map(sqr, range), squares);
        assert.deepEqual(pool.mapSync(sqr, new Set(range), { chunkSize: 20 }), squares);
        assert.deepEqual(await pool.map(later, range), range);
        assert.deepEqual(pool.mapSync(sqr, []), []);
        assert.deepEqual(await pool.starmap(mul, [[1, 2], [3, 4]]), [2, 12]);
        assert.deepEqual(pool.starmapSync(pair, [[], [1], [1, 2]], { chunkSize: 2 }), [[], [1], [1, 2]]);
        assert.deepEqual(pool.starmapAsync(mul, [[2, 3]]).getSync(), [6]);
        pool.close();
        pool.joinSync();
        assert.equal(enumerate().length, 1);
        await pool.join();
      `,
        { traced, runArgs: ["--report", "none"] },
      ));
  }

  it("gives handles that can be asked, waited for and got as often as one likes", () =>
    run(`
      await using pool = new ThreadPool({ processes: 2 });
      const [began, go] = [new Event(), new Event()];
      const result = pool.applyAsync(hold, [began, go, 7]);
      began.waitSync();
      assert.equal(result.ready(), false);
      assert.throws(() => result.successful(), RangeError);
      assert.throws(() => result.getSync({ timeout: 1 }), TimeoutError);
      await assert.rejects(result.get({ timeout: 1 }), TimeoutError);
      await assert.rejects(result.get({ timeout: 0 }), TimeoutError);
      await assert.rejects(result.get({ timeout: -1 }), TimeoutError);
      result.waitSync({ timeout: 1 });
      await result.wait({ timeout: 1 });
      await assert.rejects(result.wait({ signal: AbortSignal.abort(new Error("enough")) }), /enough/);
      assert.equal(result.ready(), false);
      go.set();
      await result.wait();
      result.waitSync();
      assert.deepEqual([result.ready(), result.successful()], [true, true]);
      assert.deepEqual([result.getSync(), await result.get(), await result.get({ timeout: 0 })], [7, 7, 7]);
      const failed = pool.applyAsync(even, [3]);
      failed.waitSync();
      assert.deepEqual([failed.ready(), failed.successful()], [true, false]);
      assert.throws(() => failed.getSync(), (e: any) => e instanceof Odd && e instanceof RangeError && e.x === 3 && /even/.test(e.stack));
      await assert.rejects(failed.get(), Odd);
    `));

  it("calls back before the result can be got, once, and survives what callbacks throw", async () => {
    const { stderr } = await run(`
      const pool = new ThreadPool({ processes: 2 });
      const seen: unknown[] = [];
      const ready: boolean[] = [];
      const note = (value: unknown) => { seen.push(value); };
      const a = pool.applyAsync(sqr, [4], { callback: (value) => { note(value); ready.push(a.ready()); }, errorCallback: () => note("wrong") });
      assert.equal(a.getSync(), 16);
      const b = pool.applyAsync(even, [5], { callback: () => note("wrong"), errorCallback: (error: Odd) => note(error.x) });
      await assert.rejects(b.get(), Odd);
      const c = pool.mapAsync(sqr, [1, 2, 3], { callback: note, chunkSize: 1 });
      await c.get();
      const d = pool.mapAsync(even, [2, 3, 4], { callback: () => note("wrong"), errorCallback: (error: Odd) => note(error.x) });
      assert.throws(() => d.getSync(), Odd);
      const e = pool.starmapAsync(mul, [], { callback: note });
      assert.deepEqual(await e.get(), []);
      assert.deepEqual(seen, [16, 5, [1, 4, 9], 3, []]);
      assert.deepEqual(ready, [false]);
      assert.equal(pool.applyAsync(sqr, [3], { callback: () => { throw new Error("in a callback"); } }).getSync(), 9);
      assert.equal(await pool.applyAsync(sqr, [3], { callback: async () => { throw new Error("in a promise"); } }).get(), 9);
      assert.throws(() => pool.applyAsync(sqr, [3], { callback: 5 as never }), TypeError);
      assert.equal(pool.applySync(sqr, [2]), 4, "the pool goes on");
      pool.terminate();
      pool.joinSync();
    `);
    assert.match(stderr, /in a callback/);
    assert.match(stderr, /in a promise/);
  });

  it("runs all calls of a map before it fails, with the first error", () =>
    run(`
      using pool = new ThreadPool({ processes: 1 });
      const q = new Queue<number>();
      const ran = (x: number, to: Queue<number>) => { to.putSync(x); if (x % 2) throw new RangeError("odd " + x); };
      assert.throws(() => pool.starmapSync(ran, [[0, q], [1, q], [2, q], [3, q]], { chunkSize: 1 }), /odd 1/);
      assert.deepEqual([q.getNowait(), q.getNowait(), q.getNowait(), q.getNowait()], [0, 1, 2, 3]);
    `));

  it("imaps in order and as they come, beyond errors, with timeouts, over endless and failing inputs", () =>
    run(`
      const pool = new ThreadPool({ processes: 2 });
      const range = Array.from({ length: 50 }, (_, i) => i);
      for (const chunkSize of [1, 7, 100]) {
        assert.deepEqual([...pool.imap(sqr, range, { chunkSize }).sync()], range.map((x) => x * x));
        assert.deepEqual([...pool.imapUnordered(sqr, range, { chunkSize }).sync()].sort((a, b) => a - b), range.map((x) => x * x));
        const got: number[] = [];
        for await (const value of pool.imap(later, range, { chunkSize })) got.push(value);
        assert.deepEqual(got, range);
      }
      assert.deepEqual([...pool.imap(sqr, []).sync()], []);
      // Errors come in their places, and it goes on.
      const mixed = pool.imap(even, [0, 1, 2, 3, 4]);
      assert.deepEqual(mixed.nextSync(), { done: false, value: 0 });
      assert.throws(() => mixed.nextSync(), Odd);
      assert.deepEqual(await mixed.next(), { done: false, value: 2 });
      await assert.rejects(mixed.next(), (e: any) => e instanceof Odd && e.x === 3);
      assert.deepEqual(await mixed.next(), { done: false, value: 4 });
      assert.deepEqual([await mixed.next(), mixed.nextSync()], [{ done: true, value: undefined }, { done: true, value: undefined }]);
      // Timeouts lose nothing.
      const [began, go] = [new Event(), new Event()];
      const held = pool.imap((x: number) => x, [1]);
      assert.deepEqual(await held.next(), { done: false, value: 1 });
      const slow = pool.imapUnordered(wait, [go, go]);
      assert.throws(() => slow.nextSync({ timeout: 1 }), TimeoutError);
      await assert.rejects(slow.next({ timeout: 1 }), TimeoutError);
      const asked = slow.next();
      go.set();
      assert.deepEqual([await asked, await slow.next(), await slow.next()].map((s) => s.done), [false, false, true]);
      // As they come: what is held up does not hold up others.
      const gate = new Event();
      const order = pool.imapUnordered((g: Event | number) => { if (typeof g !== "number") g.waitSync(); return g; }, [gate, 1, 2, 3]);
      assert.deepEqual([order.nextSync().value, order.nextSync().value, order.nextSync().value], [1, 2, 3]);
      gate.set();
      assert.equal((order.nextSync().value as Event).isSet(), true);
      assert.deepEqual(order.nextSync(), { done: true, value: undefined });
      // The error of an input comes in its place and ends it; map throws it at once.
      for (const chunkSize of [1, 2]) {
        const broken = pool.imap(sqr, until(5, new Error("no more")), { chunkSize });
        for (let i = 0; i < 5; i++) assert.deepEqual(broken.nextSync(), { done: false, value: i * i });
        assert.throws(() => broken.nextSync(), /no more/);
        assert.deepEqual(broken.nextSync(), { done: true, value: undefined });
      }
      assert.throws(() => pool.mapAsync(sqr, until(5, new Error("no more"))), /no more/);
      await assert.rejects(pool.map(sqr, until(1, new Error("no more"))), /no more/);
      // An input without an end.
      function* endless() { for (let i = 0; ; i++) yield i; }
      const all = pool.imap(sqr, endless());
      for (let i = 0; i < 5000; i++) assert.equal(all.nextSync().value, i * i);
      for (let i = 5000; i < 5100; i++) assert.equal((await all.next()).value, i * i);
      pool.terminate();
      await pool.join();
      assert.equal(enumerate().length, 1);
    `));

  it("runs what imap was given though nobody reads it, before it ends", () =>
    run(`
      const pool = new ThreadPool({ processes: 2 });
      const q = new Queue<number>();
      function* inputs() { for (let i = 0; i < 3000; i++) yield i; }
      pool.imap((x: number) => x, [1]);
      const rest = pool.imap((pair: [number, Queue<number>]) => { pair[1].putSync(pair[0]); }, (function* () { for (const i of inputs()) yield [i, q] as [number, Queue<number>]; })());
      pool.close();
      await pool.join();
      assert.equal(q.qsize(), 3000);
      assert.equal([...rest.sync()].length, 3000);
    `));

  it("refuses work when closed, waits for the rest, and ends at once when terminated", () =>
    run(`
      for (const blocking of [true, false]) {
        const pool = new ThreadPool({ processes: 2 });
        assert.throws(() => pool.joinSync(), RangeError);
        await assert.rejects(pool.join(), RangeError);
        const [began, go] = [new Event(), new Event()];
        const last = pool.applyAsync(hold, [began, go, 3]);
        const queued = pool.mapAsync(sqr, [1, 2, 3]);
        began.waitSync();
        pool.close();
        pool.close();
        assert.throws(() => pool.applySync(sqr, [1]), RangeError);
        await assert.rejects(pool.apply(sqr, [1]), RangeError);
        assert.throws(() => pool.mapAsync(sqr, [1]), RangeError);
        assert.throws(() => pool.imap(sqr, [1]), RangeError);
        blocking ? pool.joinSync({ timeout: 1 }) : await pool.join({ timeout: 1 });
        await assert.rejects(pool.join({ signal: AbortSignal.abort(new Error("enough")) }), /enough/);
        assert.equal(last.ready(), false);
        go.set();
        blocking ? pool.joinSync() : await pool.join();
        assert.deepEqual([last.ready(), last.getSync(), queued.getSync()], [true, 3, [1, 4, 9]]);
      }
      for (const blocking of [true, false]) {
        const pool = new ThreadPool({ processes: 2 });
        const began = new Event();
        const never = pool.applyAsync(busy, [began]);
        began.waitSync();
        const queued = pool.applyAsync(sqr, [1]);
        queued.waitSync();
        const others = [pool.applyAsync(busy, [began]), pool.applyAsync(sqr, [1])];
        pool.terminate();
        assert.throws(() => pool.applySync(sqr, [1]), RangeError);
        blocking ? pool.joinSync() : await pool.join();
        assert.deepEqual([never.ready(), queued.getSync()], [false, 1]);
        await assert.rejects(never.get({ timeout: 1 }), TimeoutError);
        assert.throws(() => never.getSync(), RuntimeError, "a wait that can never end is refused");
        pool.terminate();
        pool.close();
        await new Promise((r) => setImmediate(r));
      }
      // Terminated before its threads have begun.
      const young = new ThreadPool({ processes: 2 });
      young.terminate();
      young.joinSync();
      const other = new ThreadPool({ processes: 2 });
      other.terminate();
      await other.join();
    `));

  it("is disposed of by using, which terminates", () =>
    run(`
      const began = new Event();
      { using pool = new ThreadPool({ processes: 1 }); pool.applyAsync(busy, [began]); began.waitSync(); }
      began.clear();
      { await using pool = new ThreadPool({ processes: 1 }); pool.applyAsync(busy, [began]); began.waitSync(); }
      const kept = new ThreadPool({ processes: 1 });
      { using pool = kept; assert.equal(pool.applySync(sqr, [3]), 9); }
      assert.throws(() => kept.applySync(sqr, [3]), RangeError);
    `));

  it("initializes each worker, and is broken when that fails", () =>
    run(`
      using pool = new ThreadPool({ processes: 3, initializer: prepare, initArgs: [2, 3] });
      assert.deepEqual(pool.mapSync(prepared, [1, 2, 3], { chunkSize: 1 }), [6, 7, 8]);
      const bad = new ThreadPool({ processes: 1, initializer: badStart });
      const result = bad.applyAsync(sqr, [1]);
      assert.throws(() => result.getSync(), (e: any) => e instanceof BrokenThreadPool && /^3 threads in a row failed in the initializer/.test(e.message) && /cannot start/.test(e.cause.message));
      assert.throws(() => bad.applySync(sqr, [1]), BrokenThreadPool);
      bad.close();
      await bad.join();
    `));

  it("refuses what makes no sense and what cannot cross", () =>
    run(`
      for (const processes of [0, -1, NaN]) assert.throws(() => new ThreadPool({ processes }), RangeError);
      assert.throws(() => new ThreadPool({ processes: 1.5 }), TypeError);
      assert.throws(() => new ThreadPool({ processes: "2" as never }), TypeError);
      assert.throws(() => new ThreadPool({ initializer: 5 as never }), TypeError);
      using pool = new ThreadPool({ processes: 2 });
      const outer = 5;
      assert.throws(() => pool.applyAsync(() => outer), DataCloneError);
      assert.throws(() => pool.applyAsync(sqr as never, [() => 1] as never), DataCloneError);
      assert.throws(() => pool.mapAsync(sqr as never, [1, () => 1, 2] as never[]), DataCloneError);
      assert.throws(() => pool.mapAsync(5 as never, [1]), TypeError);
      assert.throws(() => pool.mapAsync(sqr, 5 as never), TypeError);
      assert.throws(() => pool.starmapAsync(mul, [5] as never), TypeError);
      for (const chunkSize of [0, -3]) {
        assert.throws(() => pool.mapSync(sqr, [1], { chunkSize }), RangeError);
        assert.throws(() => pool.imap(sqr, [1], { chunkSize }), RangeError);
      }
      assert.throws(() => pool.imap(sqr, [1], { chunkSize: 1.5 }), TypeError);
      const crossing = pool.imap(sqr as never, [1, () => 1, 2] as never[]);
      assert.deepEqual(crossing.nextSync(), { done: false, value: 1 });
      assert.throws(() => crossing.nextSync(), DataCloneError);
      assert.deepEqual(crossing.nextSync(), { done: false, value: 4 });
      assert.throws(() => pool.applySync(() => () => 1), DataCloneError, "a result that cannot cross");
    `));

  it("replaces a thread that dies, fails exactly the call it ran, and goes on", () =>
    run(`
      const pool = new ThreadPool({ processes: 2 });
      const dieAt = (x: number) => { if (x === 7) process.exit(3); return x; };
      const late = (x: number) => { if (x === 3) { setTimeout(() => { throw new RangeError("late"); }, 1); return new Promise<number>(() => {}); } return x; };
      for (const blocking of [true, false]) {
        const results = Array.from({ length: 200 }, (_, i) => pool.applyAsync(dieAt, [i]));
        for (const result of results) blocking ? result.waitSync() : await result.wait();
        assert.deepEqual(results.flatMap((r, i) => (r.successful() ? [] : [i])), [7]);
        assert.ok(results.every((r, i) => i === 7 || r.getSync() === i));
        await assert.rejects(results[7]!.get(), (e: any) => e instanceof RuntimeError && !(e instanceof BrokenThreadPool) && /^The thread ThreadPool-1_[0-9]+ of the pool ended while it ran a task/.test(e.message));
        const seen: unknown[] = [], items = pool.imap(late, [1, 2, 3, 4]);
        for (let i = 0; i < 4; i++) try { seen.push(blocking ? items.nextSync().value : (await items.next()).value); } catch (e: any) { seen.push(e.cause?.message); }
        assert.deepEqual(seen, [1, 2, "late", 4]);
        await assert.rejects(pool.map(dieAt, [5, 6, 7, 8]), /ended while it ran a task/);
        assert.equal(enumerate().length, 3, "there are as many threads as before");
      }
      const last = [pool.applyAsync(dieAt, [7]), pool.mapAsync(sqr, [1, 2, 3])] as const;
      pool.close();
      pool.joinSync();
      assert.equal(last[0].successful(), false);
      assert.deepEqual(last[1].getSync(), [1, 4, 9]);
    `));

  it("neither loses nor doubles a call when threads are killed between any two instructions", () =>
    run(
      `
      let seed = 5;
      const random = (n: number) => { seed = (seed * 48271) % 2147483647; return seed % n; };
      const counts = new Int32Array(new SharedArrayBuffer(4 * 400));
      const count = (words: Int32Array, i: number) => { Atomics.add(words, i, 1); return i; };
      const text = (n: number) => "x".repeat(n);
      const pool = new ThreadPool({ processes: 2 });
      let lost = 0;
      for (let round = 0; round < 60; round++) {
        counts.fill(0);
        const results = Array.from({ length: 400 }, (_, i) => pool.applyAsync(count, [counts, i]));
        const texts = Array.from({ length: 50 }, () => pool.applyAsync(text, [1 + random(20_000)]));
        const plain = pool.mapAsync(sqr, Array.from({ length: 300 }, (_, i) => i));
        results[random(300)]!.waitSync();
        const living = started.filter((worker) => worker.threadId > 0);
        const gone = living[random(living.length)]!.terminate();
        for (const result of [...results, ...texts]) round % 2 ? result.waitSync() : await result.wait();
        await plain.wait();
        const failed = [...results, ...texts].filter((result) => !result.successful()).length + (plain.successful() ? 0 : 1);
        assert.ok(failed <= 1, failed + " calls failed for one thread");
        lost += failed;
        results.forEach((result, i) => { assert.ok(counts[i] === 1 || (counts[i] === 0 && !result.successful()), "call " + i + " ran " + counts[i] + " times"); });
        // One that waits for its core could still take a call of the next round.
        await gone;
      }
      pool.close();
      pool.joinSync();
      console.log(lost, "lost");
    `,
      { timeout: 110_000 },
    )).timeout(120_000);

  it("is multiprocessing.dummy's Pool", () =>
    run(`
      assert.equal(dummy.Pool, ThreadPool);
      assert.equal(dummy.Process, Thread);
      using pool = new dummy.Pool({ processes: 2 });
      assert.deepEqual(pool.mapSync(sqr, [1, 2, 3]), [1, 4, 9]);
    `));

  it("ends with the program, closed or not", async () => {
    await run(`
      const pool = new ThreadPool({ processes: 2 });
      pool.applyAsync(sqr, [2]).get().then((value) => assert.equal(value, 4));
    `);
  });
});
