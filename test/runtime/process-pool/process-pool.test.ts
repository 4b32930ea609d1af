import assert from "node:assert/strict";
import { expectScript, runScript } from "../../harness/run-script.js";

const head = `
import assert from "node:assert/strict";
import { DataCloneError, isMain, RuntimeError } from "heddle";
import { BrokenProcessPool, BrokenExecutor, CancelledError, ProcessPoolExecutor, TimeoutError, asCompleted, wait, waitSync } from "heddle/futures";
import * as mp from "heddle/multiprocessing";
const add = (a: number, b: number) => a + b;
function nop() {}
function pid() { return process.pid; }
function spin(ms: number) { for (const end = performance.now() + ms; performance.now() < end; ); return ms; }
const pause = (ms: number) => new Promise((r) => setTimeout(r, ms));
`;

describe("ProcessPoolExecutor", () => {
  it("gives results in both forms, from processes of its own", () =>
    expectScript(`${head}
async function later(x: string) { await null; return x + "!"; }
if (isMain) {
  const pool = new ProcessPoolExecutor({ maxWorkers: 2 });
  assert.equal(await pool.submit(add, 1, 2), 3);
  assert.equal(pool.submit(add, 3, 4).resultSync(), 7);
  assert.equal(pool.submit(later, "x").resultSync(), "x!");
  assert.equal(pool.submit(nop).resultSync(), undefined);
  assert.notEqual(await pool.submit(pid), process.pid);
  const value = { a: [new Date(3), new Map([[1, new Set("ab")]])], b: new Uint8Array([1, 2]), c: undefined, d: BigInt(10) };
  assert.deepEqual(await pool.submit(structuredClone as (x: typeof value) => typeof value, value), value);
  const futures = Array.from({ length: 20 }, (_, i) => pool.submit(add, i, i));
  assert.deepEqual(await Promise.all(futures), futures.map((_, i) => i * 2));
  const done = await wait(futures); assert.equal(done.done.size, 20);
  for await (const each of asCompleted(futures)) assert.equal(each.result(), each.index * 2);
  await pool.shutdown(); pool.shutdownSync(); await pool.shutdown();
  assert.throws(() => pool.submit(nop), (e) => e instanceof RuntimeError && /after shutdown/.test(e.message));
  { using other = new ProcessPoolExecutor({ maxWorkers: 1, name: "other" }); other.submit(nop); }
  { await using another = new ProcessPoolExecutor(); another.submit(nop); }
  new ProcessPoolExecutor().shutdownSync();
  console.log("done");
}`));

  it("maps in order, in chunks and from several iterables", () =>
    expectScript(`${head}
const square = (n: number) => n * n;
const fails = (n: number) => { if (n === 5) throw new RangeError("five"); return n; };
const unordered = (n: number) => { spin(n === 0 ? 150 : 0); return n; };
if (isMain) {
  using pool = new ProcessPoolExecutor({ maxWorkers: 2 });
  const input = Array.from({ length: 101 }, (_, i) => i), squares = input.map((n) => n * n);
  for (const chunkSize of [1, 7, 1000]) {
    assert.deepEqual(await pool.map(square, input, { chunkSize }), squares);
    assert.deepEqual(pool.mapSync(square, input, { chunkSize }), squares);
    const seen: number[] = [];
    assert.throws(() => { for (const n of pool.map(fails, input, { chunkSize }).sync()) seen.push(n); }, /five/);
    assert.deepEqual(seen, input.slice(0, chunkSize === 1 ? 5 : 0));
  }
  assert.deepEqual(pool.mapSync(add, [1, 2, 3], new Set([10, 20])), [11, 22]);
  assert.deepEqual(pool.mapSync(add, [1, 2, 3], [1, 2, 3], { chunkSize: 2 }), [2, 4, 6]);
  assert.deepEqual(pool.mapSync(unordered, [0, 1, 2, 3], { bufferSize: 2 }), [0, 1, 2, 3]);
  assert.deepEqual(await pool.map(async (n: number) => n, [1, 2], { chunkSize: 2 }), [1, 2]);
  assert.throws(() => pool.map(square, [1], { chunkSize: 0 }), RangeError);
  await assert.rejects(async () => { await pool.map(spin, [300, 300, 300], { timeout: 100 }); }, TimeoutError);
  console.log("done");
}`));

  it("brings errors back as what they are", () =>
    expectScript(`${head}
class Mine extends TypeError { constructor(readonly code: number) { super("mine"); } }
function throws() { throw new Mine(42); }
function odd() { throw { not: "an error" }; }
function unsendable() { return () => 1; }
if (isMain) {
  using pool = new ProcessPoolExecutor({ maxWorkers: 1 });
  await assert.rejects(pool.submit(throws).result(), (e) => e instanceof Mine && e.code === 42 && /in a process of .*\\n *at throws \\(.*script\\.ts/.test(e.stack!));
  assert.throws(() => pool.submit(throws).resultSync(), Mine);
  assert.deepEqual(pool.submit(odd).exceptionSync(), { not: "an error" });
  const error = await pool.submit(unsendable).exception();
  assert.ok(error instanceof DataCloneError); assert.equal(error.path, "result");
  const local = 1;
  assert.throws(() => pool.submit(() => local), DataCloneError);
  assert.throws(() => pool.submit(add as any, { x: () => 1 }), (e) => e instanceof DataCloneError && e.path === "args[0].x");
  assert.equal(await pool.submit(add, 1, 1), 2);
  console.log("done");
}`));

  it("refuses options that make no sense", () =>
    expectScript(`${head}
if (isMain) {
  for (const options of [{ maxWorkers: 0 }, { maxWorkers: -1 }, { maxTasksPerChild: 0 }, { maxTasksPerChild: -3 }]) assert.throws(() => new ProcessPoolExecutor(options), RangeError);
  for (const options of [{ maxWorkers: 1.5 }, { maxWorkers: "2" }, { maxTasksPerChild: 1.5 }, { initializer: 5 }]) assert.throws(() => new ProcessPoolExecutor(options as any), TypeError);
  const local = 1;
  assert.throws(() => new ProcessPoolExecutor({ initializer: () => { local; } }), DataCloneError);
  console.log("done");
}`));

  it("runs the initializer once in each process, and replaces processes after so many tasks", () =>
    expectScript(
      `${head}
let prepared = "";
function prepare(text: string) { prepared += text; }
const look = () => prepared;
if (isMain) {
  using pool = new ProcessPoolExecutor({ maxWorkers: 2, initializer: prepare, initArgs: ["ready"] });
  assert.deepEqual(new Set(pool.mapSync(look, [1, 2, 3, 4, 5, 6])), new Set(["ready"]));
  for (const maxWorkers of [1, 2]) {
    using fresh = new ProcessPoolExecutor({ maxWorkers, maxTasksPerChild: 3 });
    const pids = fresh.mapSync(pid, Array(12).fill(0));
    const counts = new Map<number, number>();
    for (const each of pids) counts.set(each, (counts.get(each) ?? 0) + 1);
    assert.ok(counts.size >= 4); assert.ok([...counts.values()].every((n) => n <= 3));
  }
  console.log("done");
}`,
      { timeout: 50_000 },
    ));

  it("cancels what waits, not what runs", () =>
    expectScript(`${head}
if (isMain) {
  const pool = new ProcessPoolExecutor({ maxWorkers: 1 });
  pool.submit(spin, 20).resultSync();
  const running = pool.submit(spin, 300), waiting = Array.from({ length: 2000 }, () => pool.submit(nop));
  while (!running.running());
  assert.equal(waiting[0]!.running(), false);
  assert.equal(running.cancel(), false); assert.equal(waiting[0]!.cancel(), true); assert.equal(waiting[0]!.cancelled(), true);
  await assert.rejects(waiting[0]!.result(), CancelledError);
  await pool.shutdown({ cancelFutures: true });
  assert.equal(await running, 300);
  assert.ok(waiting.every((f) => f.cancelled()));
  const unhurried = new ProcessPoolExecutor({ maxWorkers: 1 });
  const f = unhurried.submit(add, 1, 1);
  const t = performance.now(); unhurried.shutdownSync({ wait: false }); assert.ok(performance.now() - t < 50);
  assert.equal(f.resultSync(), 2);
  console.log("done");
}`));

  it("does not keep a task behind a long one while another process is free", () =>
    expectScript(`${head}
if (isMain) {
  using pool = new ProcessPoolExecutor({ maxWorkers: 2 });
  pool.mapSync(spin, [60, 60, 60, 60]);
  const long = pool.submit(spin, 3000), short = Array.from({ length: 6 }, () => pool.submit(spin, 30));
  waitSync(short);
  assert.equal(long.done(), false);
  console.log("done");
}`));

  it("works while the thread that owns it blocks in any way", () =>
    expectScript(`${head}
import { Lock, Thread } from "heddle/threading";
import { writeFileSync, existsSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import { tmpdir } from "node:os";
const touch = (file: string) => writeFileSync(file, "");
if (isMain) {
  const folder = mkdtempSync(join(tmpdir(), "heddle-test-"));
  const pool = new ProcessPoolExecutor({ maxWorkers: 1 });
  pool.map(touch, ["a", "b", "c"].map((name) => join(folder, name)));
  const word = new Int32Array(new SharedArrayBuffer(4));
  for (let i = 0; !existsSync(join(folder, "c")); i++) { assert.ok(i < 100); Atomics.wait(word, 0, 0, 100); }
  console.log("done");
}`));

  it("breaks when a process dies: all open futures at once, naming pid and signal, the other processes killed", () =>
    expectScript(`${head}
import { existsSync } from "node:fs";
function die(how: string) { if (how === "exit") process.exit(7); else process.kill(process.pid, how); return pause(60_000); }
const big = (n: number) => new Uint8Array(n);
if (isMain) {
  for (const [how, said] of [["SIGKILL", "was killed by signal 9"], ["exit", "exited with code 7"], ["SIGTERM", "was killed by signal 15"]] as const) {
    const pool = new ProcessPoolExecutor({ maxWorkers: 2 });
    const other = await pool.submit(pid);
    const futures = [pool.submit(spin, 60_000), pool.submit(die, how), pool.submit(nop), ...Array.from({ length: 100 }, () => pool.submit(nop))];
    const t = performance.now();
    for (const future of futures) {
      const error = future.exceptionSync();
      assert.ok(error instanceof BrokenProcessPool && error instanceof BrokenExecutor && error instanceof RuntimeError);
      assert.match(error.message, new RegExp("process \\\\d+ " + said));
    }
    assert.ok(performance.now() - t < 10_000);
    assert.throws(() => pool.submit(nop), BrokenProcessPool);
    assert.throws(() => pool.map(nop, [1]), BrokenProcessPool);
    pool.shutdownSync();
    assert.equal(existsSync("/proc/" + other), false);
  }
  const pool = new ProcessPoolExecutor({ maxWorkers: 1, initializer: () => { throw new RangeError("not today"); } });
  const error = pool.submit(nop).exceptionSync() as Error;
  assert.ok(error instanceof BrokenProcessPool); assert.match(error.message, /initializer/);
  assert.ok(error.cause instanceof RangeError); assert.match(error.cause.message, /not today/);
  await pool.shutdown();
  console.log("done");
}`));

  it("never hangs when processes are killed at any moment, in the middle of large messages", () =>
    expectScript(
      `${head}
const grow = (bytes: Uint8Array) => { const more = new Uint8Array(bytes.length * 2); more.set(bytes); return more; };
if (isMain) {
  let seed = 7, broken = 0;
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  for (let round = 0; round < 50; round++) {
    const pool = new ProcessPoolExecutor({ maxWorkers: 1 + (round % 2) });
    const size = [1_000, 400_000][round % 2]!;
    const futures = Array.from({ length: 12 }, () => pool.submit(grow, new Uint8Array(size)));
    const first = pool.submit(pid);
    if (random() < 0.8) await futures[0]!.exception();
    const victim = await first.result().catch(() => 0);
    setTimeout(() => { if (victim > 0) try { process.kill(victim, "SIGKILL"); } catch {} }, random() * 10);
    const rest = Array.from({ length: 40 }, () => pool.submit(grow, new Uint8Array(size)));
    for (const future of [...futures, ...rest]) {
      const error = round % 3 === 0 ? future.exceptionSync() : await future.exception();
      if (error !== null) { assert.ok(error instanceof BrokenProcessPool, String(error)); broken++; }
      else assert.equal(future.resultSync().length, size * 2);
    }
    if (round % 2) pool.shutdownSync(); else await pool.shutdown();
  }
  assert.ok(broken > 0);
  console.log("done");
}`,
      { timeout: 150_000 },
    )).timeout(180_000);

  it("passes a hundred megabytes through and back", () =>
    expectScript(
      `${head}
const reverse = (bytes: Uint8Array) => bytes.reverse();
if (isMain) {
  using pool = new ProcessPoolExecutor({ maxWorkers: 2 });
  const bytes = new Uint8Array(50_000_000); bytes[0] = 1;
  for (const back of pool.mapSync(reverse, [bytes, bytes])) { assert.equal(back.length, bytes.length); assert.equal(back.at(-1), 1); }
  console.log("done");
}`,
      { timeout: 100_000 },
    )).timeout(110_000);

  it("ends with its script: what was handed in is done, idle processes go", async () => {
    const { code, stdout, timedOut } = await runScript(`${head}
function say(n: number) { spin(20); console.log("task", n); }
if (isMain) {
  const pool = new ProcessPoolExecutor({ maxWorkers: 1 });
  for (let i = 0; i < 5; i++) pool.submit(say, i);
  process.exitCode = 3;
}`);
    assert.equal(timedOut, false);
    assert.equal(code, 3);
    assert.equal(stdout, "task 0\ntask 1\ntask 2\ntask 3\ntask 4\n");
  });

  it("starts nothing while the script is being imported, and says so once, as the cause", async () => {
    const { stderr, stdout } = await runScript(`
import { ProcessPoolExecutor } from "heddle/futures";
const f = () => 1;
const pool = new ProcessPoolExecutor({ maxWorkers: 3 });
const [error] = [pool.submit(f), pool.submit(f), pool.submit(f)].map((future) => future.exceptionSync() as Error);
console.log(error!.name, (error!.cause as Error).name, /An attempt .* start a new process[^]*if \\(isMain/.test((error!.cause as Error).message));
`);
    assert.equal(stderr, "");
    assert.equal(stdout, "BrokenProcessPool RuntimeError true\n");
  });

  it("works inside of processes and threads", () =>
    expectScript(`${head}
import { Thread } from "heddle/threading";
function nested() { using pool = new ProcessPoolExecutor({ maxWorkers: 2 }); console.log(pool.mapSync(add, [1, 2], [3, 4]).join()); }
if (isMain) {
  const p = new mp.Process({ target: nested }); p.start(); p.joinSync(); assert.equal(p.exitCode, 0);
  const t = new Thread({ target: nested }); t.start(); t.joinSync();
  console.log("done");
}`).then(({ stdout }) => assert.equal(stdout, "4,6\n4,6\ndone\n")));
});
