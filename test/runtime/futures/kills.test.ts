/** Threads of pools that are killed between any two instructions: nothing hangs, and nothing of others is harmed. */
import { expectScript } from "../../harness/run-script.js";

const head = `
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import type { Worker } from "node:worker_threads";
import { isMain } from "heddle";
import { BrokenThreadPool, ThreadPoolExecutor, wait, waitSync, type Future } from "heddle/futures";
import { ThreadPool } from "heddle/multiprocessing";
import { enumerate } from "heddle/threading";

export const add = (a: number, b: number) => a + b;
export const text = (n: number) => "x".repeat(n);
export const list = (n: number) => Array.from({ length: n }, (_, i) => ({ i }));
export const shared = (words: Int32Array, n: number) => { Atomics.add(words, 0, 1); return n; };
export async function later(ms: number, value: number) { await new Promise((r) => setTimeout(r, ms)); return value; }

/** The workers that were started, as nothing of the library gives them away. */
const started: Worker[] = [];
if (isMain) {
  const module = createRequire(import.meta.url)("node:worker_threads");
  module.Worker = class extends module.Worker { constructor(...args: unknown[]) { super(...args); started.push(this as unknown as Worker); } };
}
let seed = Number(process.argv[2] ?? 1);
const random = (n: number) => { seed = (seed * 48271) % 2147483647; return seed % n; };
`;

describe("pools whose threads are killed", function () {
  this.timeout(120_000);

  it("end every future, once, with its own value or BrokenThreadPool; the next pool works", () =>
    expectScript(
      `${head}
if (isMain) {
  let broken = 0;
  const words = new Int32Array(new SharedArrayBuffer(4));
  for (let round = 0; round < 25; round++) {
    const pool = new ThreadPoolExecutor({ maxWorkers: 1 + random(3) });
    started.length = 0;
    let ended = 0, asked = 0;
    const all: [Future<any>, unknown][] = [];
    const hand = () => {
      const i = asked++;
      const kind = random(12);
      const f: Future<any> = kind === 0 ? pool.submit(later, random(3), i)
        : kind === 1 ? pool.submit(text, 1 + random(40_000))
        : kind === 2 ? pool.submit(list, random(50))
        : kind === 3 ? pool.submit(shared, words, i)
        : kind === 4 ? pool.submit(add, i, "y".repeat(random(9000)) as never)
        : pool.submit(add, i, 1);
      f.addDoneCallback(() => ended++);
      all.push([f, kind > 4 ? i + 1 : kind === 0 || kind === 3 ? i : undefined]);
    };
    try {
      for (let i = 0; i < 300; i++) hand();
      // The kill comes at a moment that nothing here decides, in the middle of what they do.
      const victim = started[random(started.length)]!;
      if (random(2) === 0) all[random(200)]![0].exceptionSync();
      else await all[random(200)]![0].exception();
      void victim.terminate();
      for (let i = 0; i < 300; i++) hand();
      for (let i = 0; i < 20; i++) all[random(all.length)]![0].cancel();
    } catch (error) {
      if (!(error instanceof BrokenThreadPool)) throw error;
    }
    const futures = all.map(([f]) => f);
    if (random(2) === 0) waitSync(futures); else await wait(futures);
    for (const [f, value] of all) {
      if (f.cancelled()) continue;
      const error = f.exceptionSync();
      if (error === null) { if (value !== undefined) assert.equal(f.resultSync(), value); }
      else { assert.ok(error instanceof BrokenThreadPool, String(error)); broken++; }
    }
    assert.equal(ended, all.length);
    if (random(2) === 0) pool.shutdownSync(); else await pool.shutdown();
  }
  assert.ok(broken > 0);
  using pool = new ThreadPoolExecutor({ maxWorkers: 2 });
  assert.deepEqual(pool.mapSync(add, [1, 2, 3], [1, 1, 1]), [2, 3, 4]);
  pool.shutdownSync();
  assert.equal(enumerate().length, 1);
  console.log("done");
}`,
      { timeout: 110_000 },
    ));

  it("are terminated in the middle of anything", () =>
    expectScript(
      `${head}
if (isMain) {
  for (let round = 0; round < 25; round++) {
    const pool = new ThreadPool({ processes: 1 + random(3) });
    const results = [
      pool.mapAsync(add as never, Array.from({ length: 2000 }, (_, i) => i)),
      pool.mapAsync(text, Array.from({ length: 100 }, () => random(20_000))),
    ];
    if (random(3) > 0) pool.applySync(add, [1, 2]);
    if (random(2) === 0) results[random(2)]!.waitSync({ timeout: random(5) });
    else await results[random(2)]!.wait({ timeout: random(5) });
    pool.terminate();
    if (random(2) === 0) pool.joinSync(); else await pool.join();
    for (const result of results) if (result.ready()) assert.ok((await result.get()).length > 0);
  }
  using pool = new ThreadPool({ processes: 2 });
  assert.deepEqual(pool.starmapSync(add, [[1, 2], [3, 4]]), [3, 7]);
  console.log("done");
}`,
      { timeout: 110_000 },
    ));
});
