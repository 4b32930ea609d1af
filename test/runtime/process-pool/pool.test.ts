import assert from "node:assert/strict";
import { expectScript, type RunOptions, runScript } from "../../harness/run-script.js";

const head = `
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, writeFileSync, appendFileSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { tmpdir } from "node:os";
import { BrokenProcessPool, DataCloneError, isMain, ProcessError, RuntimeError, TimeoutError } from "heddle";
import { activeChildren, currentProcess, Pool, Process } from "heddle/multiprocessing";
import { ProcessPoolExecutor } from "heddle/futures";
const word = new Int32Array(new SharedArrayBuffer(4));
class Odd extends RangeError { constructor(readonly x: number) { super("odd " + x); } }
const sqr = (x: number) => x * x;
const mul = (x: number, y: number) => x * y;
const nothing = () => {};
const pair = (...items: unknown[]) => items;
const pid = () => process.pid;
const who = () => currentProcess().name;
const later = async (x: number) => { await null; return x; };
const even = (x: number) => { if (x % 2) throw new Odd(x); return x; };
const oddLater = async (x: number) => { await null; return even(x); };
const busy = (file: string) => { writeFileSync(file, ""); for (;;); };
/** Says that it began, and waits for a file. */
const hold = (began: string, go: string, value: number) => { writeFileSync(began, ""); while (!existsSync(go)) Atomics.wait(word, 0, 0, 2); return value; };
const dieAt = (x: number) => { if (x === 7) process.kill(process.pid, "SIGKILL"); return x; };
let prepared = 0;
const prepare = (a: number, b: number) => { prepared = a * b; };
const look = (x: number) => prepared + x;
const slowPid = () => { Atomics.wait(word, 0, 0, 20); return process.pid; };
/** The processes of a pool of two. */
const both = (pool: Pool) => { for (;;) { const pids = new Set(pool.mapSync(slowPid, range(4), { chunkSize: 1 })); if (pids.size === 2) return [...pids]; } };
/** Waits for a file if it is given one. */
const await_ = (x: string | number) => { if (typeof x === "string") while (!existsSync(x)) Atomics.wait(word, 0, 0, 2); return x; };
const logged = (n: number, size: number, file: string) => { appendFileSync(file, n + "\\n"); const more = new Uint8Array(size); more[size - 1] = n; return more; };
const sometimes = (file: string) => { appendFileSync(file, "x"); if (readFileSync(file).length % 2) throw new Error("not this time"); };
const touch = (file: string) => writeFileSync(file, "");
const alive = (id: number) => { try { process.kill(id, 0); return !/^[^)]*\\) Z/.test(readFileSync("/proc/" + id + "/stat", "utf8")); } catch { return false; } };
const folder = isMain ? mkdtempSync(join(tmpdir(), "heddle-test-")) : "";
const range = (n: number) => Array.from({ length: n }, (_, i) => i);
const until = (test: () => boolean) => { while (!test()) Atomics.wait(word, 0, 0, 2); };
`;

const run = (body: string, options: RunOptions = {}) =>
  expectScript(`${head}\nif (isMain) {\n${body}\nconsole.log("done");\n}`, { timeout: 110_000, ...options });

describe("Pool", () => {
  for (const traced of [false, true]) {
    it(`applies and maps in all forms${traced ? ", traced" : ""}`, () =>
      run(
        `
        const pool = new Pool({ processes: 3, name: "mine" });
        assert.equal(pool.name, "mine");
        assert.equal(await pool.apply(sqr, [5]), 25);
        assert.equal(pool.applySync(sqr, [6]), 36);
        assert.equal(pool.applySync(nothing), undefined);
        assert.match(await pool.apply(who), /^mine_[012]$/);
        assert.notEqual(await pool.apply(pid), process.pid);
        const numbers = range(100), squares = numbers.map(sqr);
        assert.deepEqual(await pool.map(sqr, numbers), squares);
        assert.deepEqual(pool.mapSync(sqr, new Set(numbers), { chunkSize: 20 }), squares);
        assert.deepEqual(pool.mapSync(sqr, numbers, { chunkSize: 1000 }), squares);
        assert.deepEqual(await pool.map(later, numbers, { chunkSize: 7 }), numbers);
        assert.deepEqual(pool.mapSync(sqr, []), []);
        assert.deepEqual(await pool.starmap(mul, [[1, 2], [3, 4]]), [2, 12]);
        assert.deepEqual(pool.starmapSync(pair, [[], [1], [1, 2]], { chunkSize: 2 }), [[], [1], [1, 2]]);
        assert.deepEqual(pool.starmapAsync(mul, [[2, 3]]).getSync(), [6]);
        const value = { a: [new Date(3), new Map([[1, new Set("ab")]])], b: new Uint8Array([1, 2]), c: undefined, d: BigInt(10) };
        const same = (v: typeof value) => v;
        assert.deepEqual(await pool.apply(same, [value]), value);
        assert.deepEqual(pool.mapSync(same, range(10).map(() => value)), range(10).map(() => value));
        pool.close();
        pool.joinSync();
        await pool.join();
      `,
        { traced, runArgs: ["--report", "none"] },
      ));
  }

  it("packs numbers and strings without changing them", () =>
    run(`
      using pool = new Pool({ processes: 1 });
      const same = (x: unknown) => x;
      const lists: unknown[][] = [
        [0, -0, 1, -1, 2 ** 31 - 1, -(2 ** 31)], [2 ** 31, 1, 2, 3], [0.5, NaN, Infinity, -Infinity, -0, 5e-324],
        ["a", "", "long ".repeat(100), "z"], ["\\u00e9", "\\u00ff", "x", "\\0"], ["\\u{1f600}", "\\u4e2d", "\\ud800", "a"], ["x", "y".repeat(5000), "", "z"],
        [1, 2, 3, "4"], ["1", "2", "3", 4], [1, undefined, null, true], [BigInt(1), 2, 3, 4], [1, BigInt(2), 3, 4], [1.5, null, 2, 3],
        [{ a: 1 }, [2], "c", 4], [1, 2, 3, new Number(4)], [[], [], [], []], [1], [], ["only"],
      ];
      for (const list of lists) {
        for (const chunkSize of [1, 3, 100]) assert.deepEqual(pool.mapSync(same, list, { chunkSize }), list);
        assert.ok(pool.mapSync(same, list).every((x, i) => typeof x === "object" || Object.is(x, list[i])));
      }
      const text = (n: number) => "item " + n;
      assert.deepEqual(pool.mapSync(text, range(5000)), range(5000).map(text));
      const ratio = (n: number) => n / 7;
      assert.deepEqual(pool.mapSync(ratio, range(200_000)), range(200_000).map(ratio));
      assert.deepEqual(pool.mapSync(ratio, range(200_000), { chunkSize: 200_000 }), range(200_000).map(ratio));
    `));

  it("brings errors back as what they are, each call its own", () =>
    run(`
      using pool = new Pool({ processes: 2 });
      assert.throws(() => pool.applySync(even, [3]), (e: any) => e instanceof Odd && e instanceof RangeError && e.x === 3 && /in a process of Pool-1.*\\n *at even \\(.*script\\.ts/.test(e.stack));
      await assert.rejects(pool.apply(oddLater, [5]), (e: any) => e instanceof Odd && e.x === 5);
      for (const [fn, chunkSize] of [[even, 1], [even, 3], [even, 100], [oddLater, 2], [oddLater, 100]] as const) {
        await assert.rejects(pool.map(fn, range(10), { chunkSize }), Odd);
        const seen: unknown[] = [], results = pool.imap(fn, range(6), { chunkSize });
        for (let i = 0; i < 6; i++) try { seen.push((await results.next()).value); } catch (e: any) { assert.ok(e instanceof Odd); seen.push("odd " + e.x); }
        assert.deepEqual(seen, [0, "odd 1", 2, "odd 3", 4, "odd 5"]);
        assert.deepEqual(results.nextSync(), { done: true, value: undefined });
      }
      const throwing = () => { throw { not: "an error" }; };
      assert.deepEqual(await pool.apply(throwing).catch((e) => e), { not: "an error" });
      const half = (n: number) => n === 1 ? () => 1 : n === 2 ? (() => { throw () => 2; })() : n;
      const mixed = pool.imap(half as (n: number) => unknown, range(4), { chunkSize: 4 });
      assert.deepEqual(mixed.nextSync().value, 0);
      assert.throws(() => mixed.nextSync(), (e: any) => e instanceof DataCloneError && e.path === "result");
      assert.throws(() => mixed.nextSync(), (e: any) => e instanceof DataCloneError && e.path === "error");
      assert.deepEqual(mixed.nextSync().value, 3);
      // What cannot cross at all is refused at the call, and imap goes on behind it.
      const outer = 5;
      assert.throws(() => pool.applyAsync(() => outer), DataCloneError);
      assert.throws(() => pool.applyAsync(sqr as never, [() => 1] as never), DataCloneError);
      assert.throws(() => pool.mapAsync(sqr as never, [1, () => 1, 2] as never[], { chunkSize: 3 }), DataCloneError);
      const crossing = pool.imap(sqr as never, [1, () => 1, 2, 3] as never[], { chunkSize: 4 });
      assert.deepEqual(crossing.nextSync(), { done: false, value: 1 });
      assert.throws(() => crossing.nextSync(), DataCloneError);
      assert.deepEqual(crossing.nextSync(), { done: false, value: 4 });
      assert.equal(pool.applySync(sqr, [2]), 4, "the pool goes on");
    `));

  it("gives handles, and calls back before the result can be got", async () => {
    const { stderr } = await run(`
      await using pool = new Pool({ processes: 2 });
      const [began, go] = [join(folder, "began"), join(folder, "go")];
      const result = pool.applyAsync(hold, [began, go, 7]);
      until(() => existsSync(began));
      assert.equal(result.ready(), false);
      assert.throws(() => result.successful(), RangeError);
      assert.throws(() => result.getSync({ timeout: 1 }), TimeoutError);
      await assert.rejects(result.get({ timeout: 0 }), TimeoutError);
      result.waitSync({ timeout: 1 });
      await assert.rejects(result.wait({ signal: AbortSignal.abort(new Error("enough")) }), /enough/);
      writeFileSync(go, "");
      result.waitSync();
      assert.deepEqual([result.ready(), result.successful(), result.getSync(), await result.get()], [true, true, 7, 7]);
      const failed = pool.applyAsync(even, [3]);
      await failed.wait();
      assert.deepEqual([failed.ready(), failed.successful()], [true, false]);
      await assert.rejects(failed.get(), Odd);
      const seen: unknown[] = [];
      const note = (value: unknown) => { seen.push(value); };
      const a = pool.applyAsync(sqr, [4], { callback: (v) => { note(v); note(a.ready()); }, errorCallback: () => note("wrong") });
      assert.equal(a.getSync(), 16);
      const b = pool.mapAsync(even, range(20), { callback: () => note("wrong"), errorCallback: (e: Odd) => note(e.x % 2), chunkSize: 3 });
      assert.throws(() => b.getSync(), Odd);
      await pool.starmapAsync(mul, [[1, 2]], { callback: note }).get();
      assert.deepEqual(await pool.starmapAsync(mul, [], { callback: note }).get(), []);
      assert.deepEqual(seen, [16, false, 1, [2], []]);
      assert.equal(pool.applyAsync(sqr, [3], { callback: () => { throw new Error("in a callback"); } }).getSync(), 9);
    `);
    assert.match(stderr, /in a callback/);
  });

  it("imaps in order and as they come, with timeouts, over endless and failing inputs", () =>
    run(`
      const pool = new Pool({ processes: 2 });
      const numbers = range(50);
      for (const chunkSize of [1, 7, 100]) {
        assert.deepEqual([...pool.imap(sqr, numbers, { chunkSize }).sync()], numbers.map(sqr));
        assert.deepEqual([...pool.imapUnordered(sqr, numbers, { chunkSize }).sync()].sort((a, b) => a - b), numbers.map(sqr));
        const got: number[] = [];
        for await (const value of pool.imap(later, numbers, { chunkSize })) got.push(value);
        assert.deepEqual(got, numbers);
      }
      const [began, go] = [join(folder, "b"), join(folder, "g")];
      const order = pool.imapUnordered(await_, [go, 1, 2, 3] as (string | number)[]);
      assert.deepEqual([order.nextSync().value, order.nextSync().value, order.nextSync().value], [1, 2, 3], "what is held up does not hold up others");
      assert.throws(() => order.nextSync({ timeout: 1 }), TimeoutError);
      await assert.rejects(order.next({ timeout: 1 }), TimeoutError);
      writeFileSync(go, "");
      assert.equal((await order.next()).value, go);
      assert.deepEqual(order.nextSync(), { done: true, value: undefined });
      function* failing(n: number) { for (let i = 0; i < n; i++) yield i; throw new Error("no more"); }
      for (const chunkSize of [1, 2]) {
        const broken = pool.imap(sqr, failing(5), { chunkSize });
        for (let i = 0; i < 5; i++) assert.deepEqual(broken.nextSync(), { done: false, value: i * i });
        assert.throws(() => broken.nextSync(), /no more/);
        assert.deepEqual(broken.nextSync(), { done: true, value: undefined });
      }
      assert.throws(() => pool.mapAsync(sqr, failing(5)), /no more/);
      function* endless() { for (let i = 0; ; i++) yield i; }
      const all = pool.imap(sqr, endless(), { chunkSize: 10 });
      for (let i = 0; i < 5000; i++) assert.equal(all.nextSync().value, i * i);
      for (let i = 5000; i < 5100; i++) assert.equal((await all.next()).value, i * i);
      pool.terminate();
      await pool.join();
    `));

  it("refuses work when closed, waits for the rest, and ends at once when terminated", () =>
    run(`
      for (const blocking of [true, false]) {
        const [began, go] = [join(folder, "began" + blocking), join(folder, "go" + blocking)];
        const pool = new Pool({ processes: 2 });
        assert.throws(() => pool.joinSync(), RangeError);
        await assert.rejects(pool.join(), RangeError);
        const last = pool.applyAsync(hold, [began, go, 3]);
        const queued = pool.mapAsync(sqr, [1, 2, 3]);
        until(() => existsSync(began));
        pool.close(); pool.close();
        assert.throws(() => pool.applySync(sqr, [1]), RangeError);
        await assert.rejects(pool.apply(sqr, [1]), RangeError);
        assert.throws(() => pool.imap(sqr, [1]), RangeError);
        blocking ? pool.joinSync({ timeout: 1 }) : await pool.join({ timeout: 1 });
        assert.equal(last.ready(), false);
        writeFileSync(go, "");
        blocking ? pool.joinSync() : await pool.join();
        assert.deepEqual([last.ready(), last.getSync(), queued.getSync()], [true, 3, [1, 4, 9]]);
      }
      for (const blocking of [true, false]) {
        const pool = new Pool({ processes: 2 });
        const pids = both(pool);
        const began = join(folder, "busy" + blocking);
        const never = pool.applyAsync(busy, [began]);
        until(() => existsSync(began));
        const others = [pool.applyAsync(busy, [began]), pool.applyAsync(sqr, [1])];
        pool.terminate();
        assert.throws(() => pool.applySync(sqr, [1]), RangeError);
        blocking ? pool.joinSync() : await pool.join();
        for (const id of pids) assert.equal(alive(id), false);
        assert.equal(never.ready(), false);
        await assert.rejects(never.get({ timeout: 1 }), TimeoutError);
        assert.throws(() => never.getSync(), RuntimeError, "a wait that can never end is refused");
        pool.terminate(); pool.close();
      }
      // One that ignores the wish to end is ended all the same.
      const deaf = new Pool({ processes: 1, initializer: () => { process.on("SIGTERM", () => {}); } });
      const began = join(folder, "deaf"); deaf.applyAsync(busy, [began]); until(() => existsSync(began));
      deaf.terminate(); deaf.joinSync();
      // Terminated before its processes have begun.
      const young = new Pool({ processes: 2 }); young.terminate(); young.joinSync();
      const idle = new Pool({ processes: 2 }); idle.close(); await idle.join();
      { using pool = new Pool({ processes: 1 }); assert.equal(pool.applySync(sqr, [3]), 9); }
      { await using pool = new Pool({ processes: 1 }); pool.applyAsync(busy, [join(folder, "x")]); }
      const kept = new Pool({ processes: 1 });
      { using pool = kept; pool.applySync(nothing); }
      assert.throws(() => kept.applySync(sqr, [3]), RangeError);
    `));

  it("initializes each process, and replaces it after so many tasks", () =>
    run(`
      {
        using pool = new Pool({ processes: 3, initializer: prepare, initArgs: [2, 3] });
        assert.deepEqual(pool.mapSync(look, [1, 2, 3], { chunkSize: 1 }), [7, 8, 9]);
      }
      for (const processes of [1, 2]) {
        using fresh = new Pool({ processes, maxTasksPerChild: 3, initializer: prepare, initArgs: [1, 1] });
        const pids = fresh.mapSync(pid, range(12), { chunkSize: 1 });
        const counts = new Map<number, number>();
        for (const each of pids) counts.set(each, (counts.get(each) ?? 0) + 1);
        assert.ok(counts.size >= 4); assert.ok([...counts.values()].every((n) => n <= 3));
        assert.deepEqual(fresh.mapSync(look, range(40), { chunkSize: 4 }), range(40).map((n) => n + 1), "a chunk is one task");
        fresh.close(); fresh.joinSync();
      }
    `));

  it("replaces a process that dies, fails exactly what it had, and goes on", () =>
    run(`
      const pool = new Pool({ processes: 2 });
      // Learns that calls are short, so that they are sent ahead.
      pool.mapSync(sqr, range(2000), { chunkSize: 1 });
      const results = range(500).map((i) => pool.applyAsync(dieAt, [i]));
      const outcomes = results.map((r) => { r.waitSync(); return r.successful(); });
      assert.deepEqual(outcomes.flatMap((ok, i) => ok ? [] : [i]), [7]);
      assert.ok(results.every((r, i) => i === 7 || r.getSync() === i));
      const error = await results[7]!.get().catch((e) => e);
      assert.ok(error instanceof ProcessError);
      assert.match(error.message, /^The process \\d+ of Pool-1 was killed by signal 9 \\(SIGKILL\\) while it had the call of dieAt$/);
      assert.deepEqual([typeof error.pid, error.exitCode, error.signal], ["number", -9, "SIGKILL"]);
      const exits = (code: number) => process.exit(code);
      const exited = await pool.apply(exits, [3]).catch((e) => e);
      assert.match(exited.message, /exited with code 3 while it had the call of exits/);
      assert.deepEqual([exited.exitCode, exited.signal], [3, null]);
      // Of a chunk, all are lost; the other chunks are not.
      const chunks = pool.imap(dieAt, range(20), { chunkSize: 5 });
      const seen = range(20).map(() => { try { return chunks.nextSync().value; } catch (e: any) { assert.ok(e instanceof ProcessError); return e.message.replace(/.* while/, "while"); } });
      assert.deepEqual(seen, range(20).map((i) => i >= 5 && i < 10 ? "while it had 5 calls of dieAt, from number 6 on" : i));
      await assert.rejects(pool.map(dieAt, range(20)), ProcessError);
      // An idle one is replaced, too.
      const pids = both(pool);
      for (const id of pids) process.kill(id, "SIGKILL");
      until(() => pids.every((id) => !alive(id)));
      const again = range(100).map(() => pool.applyAsync(pid));
      for (const each of again) await each.wait();
      const lost = again.filter((each) => !each.successful()).length;
      assert.ok(lost <= 2, "at most what was on its way to each, not " + lost);
      assert.equal(pool.applySync(sqr, [5]), 25);
      pool.close(); pool.joinSync();
    `));

  it("neither loses nor doubles anything when processes are killed at any moment", () =>
    run(
      `
      const log = join(folder, "log");
      let seed = 11;
      const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
      const pool = new Pool({ processes: 2 });
      let kills = 0, lost = 0, done = 0;
      const workers = () => readdirSync("/proc/self/task").flatMap((t) => readFileSync("/proc/self/task/" + t + "/children", "utf8").trim().split(" ").filter(Boolean).map(Number))
        .filter((id) => { try { return readFileSync("/proc/" + id + "/cmdline", "utf8").startsWith("Pool-1_"); } catch { return false; } });
      for (let round = 0; round < 40; round++) {
        writeFileSync(log, "");
        const size = [10, 1000, 300_000][round % 3]!, count = size > 100_000 ? 15 : 60;
        const results = range(count).map((i) => pool.applyAsync(logged, [i, size, log]));
        const before = random() * 8;
        const killer = () => { const all = workers(); const victim = all[Math.floor(random() * all.length)]; if (victim !== undefined) { kills++; process.kill(victim, "SIGKILL"); } };
        const t = performance.now(); let killed = false, ended = 0;
        for (const result of results) {
          if (!killed && performance.now() - t > before) { killed = true; killer(); }
          round % 2 ? result.waitSync() : await result.wait();
          if (result.successful()) { ended++; const bytes = result.getSync(); assert.equal(bytes.length, size); }
          else { lost++; assert.ok((await result.get().catch((e) => e)) instanceof ProcessError); }
        }
        if (!killed) killer();
        const began = readFileSync(log, "utf8").trim().split("\\n").map(Number);
        assert.equal(new Set(began).size, began.length, "none ran twice");
        assert.ok(ended >= count - 2 && began.length >= ended, ended + " of " + count);
        done += ended;
      }
      assert.ok(kills >= 30, "kills: " + kills);
      assert.ok(lost <= kills);
      // The first may meet the process that was killed last.
      const map = () => pool.mapSync(sqr, range(100));
      let last;
      try { last = map(); } catch (error) { assert.ok(error instanceof ProcessError); last = map(); }
      assert.deepEqual(last, range(100).map(sqr));
      pool.close(); pool.joinSync();
      assert.deepEqual(workers(), []);
      console.log(kills, lost, done);
    `,
      { timeout: 170_000 },
    )).timeout(180_000);

  it("is broken, with the cause, when its processes cannot begin", async () => {
    const { stderr } = await run(`
      const bad = () => { throw new RangeError("not today"); };
      const pool = new Pool({ processes: 2, initializer: bad });
      const result = pool.applyAsync(sqr, [1]);
      assert.throws(() => result.getSync(), (e: any) => e instanceof BrokenProcessPool && /^3 worker processes in a row failed in the initializer/.test(e.message) && e.cause instanceof RangeError && /not today/.test(e.cause.message));
      assert.throws(() => pool.applySync(sqr, [1]), BrokenProcessPool);
      assert.throws(() => pool.imap(sqr, [1]).nextSync(), BrokenProcessPool);
      pool.close(); pool.joinSync();
      const dies = () => process.exit(4);
      const dead = new Pool({ processes: 1, initializer: dies });
      await assert.rejects(dead.map(sqr, [1, 2]), /3 worker processes in a row failed before it could take a call: process \\d+ exited with code 4/);
      await using unwatched = new Pool({ processes: 1, initializer: bad });
      await dead.apply(sqr, [1]).catch(() => {});
    `);
    assert.match(stderr, /not today/);
    // Now and then one fails, and the next does not.
    await run(`
      const counter = join(folder, "counter");
      using pool = new Pool({ processes: 1, initializer: sometimes, initArgs: [counter], maxTasksPerChild: 1 });
      for (let i = 0; i < 4; i++) assert.equal(pool.applySync(sqr, [i]), i * i);
    `);
  });

  it("says once, and with the cause, that the test of isMain is missing", async () => {
    const { stderr, code, timedOut } = await runScript(`
import { Pool } from "heddle/multiprocessing";
const f = (n: number) => n;
const pool = new Pool({ processes: 3 });
console.log(pool.mapSync(f, [1, 2, 3]));
`);
    assert.equal(timedOut, false);
    assert.equal(code, 1);
    assert.equal(stderr.match(/Put what is to happen once behind a test of isMain/g)?.length, 1, stderr);
    assert.match(stderr, /BrokenProcessPool: A worker process could not import the script[\s\S]*if \(isMain\)/);
  });

  it("ends with the program, closed or not, and leaves nothing behind", async () => {
    const { stdout } = await run(`
      const pool = new Pool({ processes: 2 });
      const pids = both(pool);
      pool.applyAsync(sqr, [2]).get().then((value) => assert.equal(value, 4));
      console.log(pids.join());
    `);
    for (const pid of stdout.split("\n")[0]!.split(",").map(Number)) assert.throws(() => process.kill(pid, 0));
    const killed = await runScript(`${head}
if (isMain) {
  const pool = new Pool({ processes: 2 });
  const pids = both(pool);
  const began = [join(folder, "1"), join(folder, "2")]; began.map((f) => pool.applyAsync(busy, [f])); until(() => began.every(existsSync));
  console.log(pids.join());
  process.kill(process.pid, "SIGKILL");
}`);
    assert.equal(killed.signal, "SIGKILL");
    const pids = killed.stdout.trim().split(",").map(Number);
    assert.equal(pids.length, 2);
    const gone = (pid: number) => {
      try {
        process.kill(pid, 0);
        return false;
      } catch {
        return true;
      }
    };
    const end = performance.now() + 10_000;
    while (!pids.every(gone) && performance.now() < end) await new Promise((r) => setTimeout(r, 20));
    assert.ok(pids.every(gone), "no process is left");
  });

  it("works inside of processes and threads, and not inside of its own processes", () =>
    expectScript(`${head}
import { Thread } from "heddle/threading";
function inProcess() { using pool = new Pool({ processes: 2 }); console.log(pool.mapSync(sqr, [1, 2]).join()); }
const daemon = () => currentProcess().daemon;
if (isMain) {
  const p = new Process({ target: inProcess }); p.start(); p.joinSync(); assert.equal(p.exitCode, 0);
  const t = new Thread({ target: inProcess }); t.start(); t.joinSync();
  using pool = new Pool({ processes: 1 });
  await assert.rejects(pool.apply(inProcess), (e: any) => e instanceof RuntimeError && /daemonic processes are not allowed to have children/.test(e.message));
  assert.equal(await pool.apply(daemon), true);
  assert.deepEqual(activeChildren(), []);
  console.log("done");
}`));

  it("refuses what makes no sense", () =>
    run(`
      for (const processes of [0, -1, NaN]) assert.throws(() => new Pool({ processes }), RangeError);
      assert.throws(() => new Pool({ processes: 1.5 }), TypeError);
      assert.throws(() => new Pool({ processes: "2" as never }), TypeError);
      assert.throws(() => new Pool({ initializer: 5 as never }), TypeError);
      for (const maxTasksPerChild of [0, -1]) assert.throws(() => new Pool({ maxTasksPerChild }), RangeError);
      for (const maxTasksPerChild of [1.5, "1"]) assert.throws(() => new Pool({ maxTasksPerChild: maxTasksPerChild as never }), TypeError);
      assert.throws(() => new Pool(2 as never), TypeError);
      const local = 1;
      assert.throws(() => new Pool({ initializer: () => { local; } }), DataCloneError);
      using pool = new Pool({ processes: 1 });
      assert.throws(() => pool.mapAsync(5 as never, [1]), TypeError);
      assert.throws(() => pool.mapAsync(sqr, 5 as never), TypeError);
      assert.throws(() => pool.starmapAsync(mul, [5] as never), TypeError);
      for (const chunkSize of [0, -3]) assert.throws(() => pool.mapSync(sqr, [1], { chunkSize }), RangeError);
      assert.throws(() => pool.imap(sqr, [1], { chunkSize: 1.5 }), TypeError);
      assert.throws(() => structuredClone as never && pool.applySync(sqr, [pool] as never), DataCloneError);
    `));

  it("does its work while the thread that owns it blocks in any way", () =>
    run(`
      const files = range(20).map((i) => join(folder, "f" + i));
      const pool = new Pool({ processes: 2 });
      pool.mapAsync(touch, files, { chunkSize: 1 });
      until(() => files.every((file) => existsSync(file)));
      pool.terminate();
      pool.joinSync();
    `));
});
