/**
 * Workers of pools of processes that are killed at random moments: before they are ready, in the initializer, with
 * nothing to do, when they take a call, in the middle of large arguments and results. A `Pool` loses the calls that the
 * killed had, and tells who had them; an executor breaks at once. `HEDDLE_KILLS` is how many are killed in each test.
 */
import { expectScript } from "../../harness/run-script.js";
import { randomOf } from "../../harness/seeded-random.js";

const kills = Number(process.env.HEDDLE_KILLS ?? 6);

const head = `
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { isMain, ProcessError } from "heddle";
import { BrokenProcessPool, type Future, ProcessPoolExecutor, wait, waitSync } from "heddle/futures";
import { Pool, RawArray } from "heddle/multiprocessing";

const KILLS = ${kills};
const CALLS = 80;
${randomOf}
const random = randomOf(Number(process.env.HEDDLE_SEED ?? 1));
const below = (n: number) => Math.floor(random() * n);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** How often each call was begun, in memory that the processes share; the last word counts those that got ready. */
let begun: RawArray<"i">;
const word = new Int32Array(new SharedArrayBuffer(4));
function prepare(shared: RawArray<"i">) {
  begun = shared;
  Atomics.wait(word, 0, 0, 3);
  Atomics.add(begun.view, CALLS, 1);
}
const note = (i: number) => { Atomics.add(begun.view, i, 1); return i; };
function nap(i: number) { note(i); Atomics.wait(word, 0, 0, 1); return i; }
async function later(i: number) { note(i); await pause(1); return i; }
function takes(i: number, bytes: Uint8Array) { note(i); if (bytes[bytes.length - 1] !== i % 251) throw new Error("torn"); return i; }
function gives(i: number, size: number) { note(i); const bytes = new Uint8Array(size); bytes[size - 1] = i % 251; return bytes; }
function some(i: number): [fn: any, args: unknown[]] {
  const kind = below(10);
  const size = 1 + below(kind < 2 ? 1_500_000 : 20_000);
  if (kind === 0 || kind === 2) { const bytes = new Uint8Array(size); bytes[size - 1] = i % 251; return [takes, [i, bytes]]; }
  if (kind === 1 || kind === 3) return [gives, [i, size]];
  return [kind === 4 ? nap : kind === 5 ? later : note, [i]];
}
const isRight = (value: any, i: number) => value === i || (value instanceof Uint8Array && value[value.length - 1] === i % 251);

/** The worker processes of this one, ready or not: they have the name of their pool, or that of the program still. */
function workers(): number[] {
  return readdirSync("/proc/self/task").flatMap((task) => {
    try { return readFileSync("/proc/self/task/" + task + "/children", "utf8").trim().split(" ").filter(Boolean).map(Number); } catch { return []; }
  }).filter((pid) => { try { return /^(crew_|.*process-main\\.cjs)/.test(readFileSync("/proc/" + pid + "/cmdline", "utf8").replaceAll("\\0", " ")); } catch { return false; } });
}
`;

const run = (body: string) =>
  expectScript(`${head}\nif (isMain) {\n${body}\nconsole.log("done");\n}`, { timeout: 20_000 + kills * 3_000 });

describe("pools of processes under kills", function () {
  this.timeout(30_000 + kills * 3_000);
  before(function () {
    if (process.platform !== "linux") this.skip();
  });

  it("lose nothing but what a killed process had, and say so to its callers", async () => {
    const { stdout } = await run(`
      begun = new RawArray("i", CALLS + 1);
      const pool = new Pool({ processes: 3, name: "crew", initializer: prepare, initArgs: [begun] });
      const killed = new Set<number>(), told = new Set<number>();
      let lost = 0, early = 0, readyBefore = -1;
      const kill = () => {
        const all = workers();
        const pid = all[below(all.length)];
        if (pid === undefined || killed.has(pid)) return;
        // Three that end before any is ready would be a pool that cannot start.
        const ready = Atomics.load(begun.view, CALLS);
        if (ready === readyBefore) return;
        readyBefore = ready;
        killed.add(pid);
        process.kill(pid, "SIGKILL");
      };
      while (killed.size < KILLS) {
        for (let i = 0; i < CALLS; i++) Atomics.store(begun.view, i, 0);
        const results = Array.from({ length: CALLS }, (_, i) => pool.applyAsync(...some(i)));
        if (random() < 0.2) for (const result of results) await result.wait(); // they have nothing to do then
        else if (random() < 0.5) results[below(CALLS)]!.waitSync({ timeout: random() * 30 });
        else await pause(random() * 30);
        kill();
        for (const [i, result] of results.entries()) {
          random() < 0.5 ? result.waitSync() : await result.wait();
          const times = begun[i]!;
          if (result.successful()) {
            assert.ok(isRight(result.getSync(), i), "call " + i);
            assert.equal(times, 1, "call " + i + " ran " + times + " times");
            continue;
          }
          const error: any = await result.get().catch((error) => error);
          assert.ok(error instanceof ProcessError, String(error));
          assert.ok(killed.has(error.pid) && error.signal === "SIGKILL" && error.exitCode === -9, String(error));
          assert.ok(!told.has(error.pid), "one call for one process");
          assert.ok(times <= 1);
          told.add(error.pid);
          lost++;
          if (times === 0) early++;
        }
      }
      for (let i = 0; i < 3; i++) {
        const last: any = await pool.apply(note, [i]).catch((error) => error);
        // One that was killed just now may not be known to be gone.
        if (last === i) continue;
        assert.ok(last instanceof ProcessError && killed.has((last as any).pid) && !told.has((last as any).pid), String(last));
        told.add((last as any).pid);
      }
      pool.close();
      pool.joinSync();
      assert.deepEqual(workers(), []);
      console.log(killed.size + " killed, " + lost + " calls lost, " + early + " of them before they began");
    `);
    if (process.env.HEDDLE_KILLS !== undefined) console.log(stdout);
  });

  it("break an executor at once: each future has its value or BrokenProcessPool, and no process is left", async () => {
    const { stdout } = await run(`
      let broken = 0, values = 0, quiet = 0;
      for (let round = 0; round < KILLS; round++) {
        begun = new RawArray("i", CALLS + 1);
        const executor = new ProcessPoolExecutor({ maxWorkers: 1 + below(3), name: "crew", initializer: prepare, initArgs: [begun] });
        const futures: Future<any>[] = [];
        const hand = (count: number) => {
          try {
            for (let i = 0; i < count && futures.length < CALLS; i++) { const [fn, args] = some(futures.length); futures.push(executor.submit(fn, ...args as [])); }
          } catch (error) {
            if (!(error instanceof BrokenProcessPool)) throw error;
          }
        };
        hand(1 + below(CALLS));
        const idle = random() < 0.2;
        if (idle) await wait(futures);
        // Often before they are ready.
        else if (random() < 0.6) await futures[below(futures.length)]!.exception();
        else while (workers().length === 0) await pause(1);
        if (!idle) await pause(random() * 20);
        const all = workers();
        const pid = all[below(all.length)]!;
        process.kill(pid, "SIGKILL");
        hand(below(CALLS));
        if (random() < 0.5) waitSync(futures); else await wait(futures);
        let failed = 0;
        for (const [i, future] of futures.entries()) {
          const error: any = future.exceptionSync();
          if (error === null) { assert.ok(isRight(future.resultSync(), i)); assert.equal(begun[i], 1); values++; continue; }
          assert.ok(error instanceof BrokenProcessPool, String(error));
          assert.match(error.message, new RegExp("process " + pid + " was killed by signal 9"));
          assert.ok(begun[i]! <= 1);
          failed++;
        }
        broken += failed;
        if (failed === 0) quiet++;
        // It is told when it is known, however little there was to do.
        for (;;) try { await executor.submit(note, 0); } catch (error) { assert.ok(error instanceof BrokenProcessPool); break; }
        random() < 0.5 ? executor.shutdownSync() : await executor.shutdown();
        assert.deepEqual(workers(), []);
      }
      assert.ok(broken > 0);
      console.log(KILLS + " killed, " + values + " values, " + broken + " futures broken, " + quiet + " with nothing to do");
    `);
    if (process.env.HEDDLE_KILLS !== undefined) console.log(stdout);
  });
});
