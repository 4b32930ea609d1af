/** `ThreadPoolExecutor` where little is there: no reference, no input, no arguments, no thread. */
import assert from "node:assert/strict";
import { expectScript, runScript } from "../../harness/run-script.js";

const head = `
import assert from "node:assert/strict";
import { isMain, RuntimeError } from "heddle";
import { ThreadPoolExecutor } from "heddle/futures";
import { Queue } from "heddle/queue";

export const mul = (x: number, y: number) => x * y;
export const increment = (x: number) => x + 1;
export const same = <T>(x: T) => x;
export const put = (q: Queue<number>, x: number) => { q.putSync(x); return x; };
`;

describe("ThreadPoolExecutor without what it usually has", function () {
  this.timeout(60_000);

  it("has all of an input mapped with few calls under way, though nobody has it any more", async () => {
    const { code, stdout, timedOut, stderr } = await runScript(
      `${head}
      import { setFlagsFromString } from "node:v8";
      import { runInNewContext } from "node:vm";
      const results = () => new ThreadPoolExecutor({ maxWorkers: 1 }).map(increment, [1, 2, 3, 4, 5], { bufferSize: 1 });
      if (isMain) {
        setFlagsFromString("--expose-gc");
        const gc = runInNewContext("gc");
        const seen: number[] = [];
        for await (const result of results()) {
          seen.push(result);
          // The registry calls back at some turn after a collection.
          for (let i = 0; i < 5; i++) { gc(); await new Promise((r) => setTimeout(r, 1)); }
        }
        console.log(seen.join());
      }`,
      { timeout: 40_000 },
    );
    assert.deepEqual([code, timedOut, stdout.trim()], [0, false, "2,3,4,5,6"], stderr);
  });

  for (const traced of [false, true]) {
    it(`hands nothing in for an empty input, whatever it is: also after a shutdown${traced ? ", traced" : ""}`, () =>
      expectScript(
        `${head}
        if (isMain) {
          const pool = new ThreadPoolExecutor({ maxWorkers: 1 });
          const empty = [() => [], () => new Set<number>(), () => [].values()];
          for (const input of empty) assert.throws(() => pool.map("x" as any, input()), { name: "TypeError", message: /fn must be a function/ });
          await pool.shutdown();
          for (const input of empty) assert.deepEqual([await pool.map(increment, input()), pool.mapSync(increment, input())], [[], []]);
          assert.throws(() => pool.map(increment, [1]), RuntimeError);
          console.log("done");
        }`,
        { traced, ...(traced ? { runArgs: ["--report", "none"] } : {}) },
      ));
  }

  it("refuses arguments of an initializer that are no array, and inputs that cannot be read at once", () =>
    expectScript(`${head}
      import { Pool, ThreadPool } from "heddle/multiprocessing";
      import { ProcessPoolExecutor } from "heddle/futures";
      async function* slow() { yield 1; }
      if (isMain) {
        for (const type of [ThreadPoolExecutor, ProcessPoolExecutor, ThreadPool, Pool] as any[]) {
          for (const initArgs of [3, "ab"]) {
            assert.throws(() => new type({ initializer: same, initArgs }), { name: "TypeError", message: \`initArgs must be an array, not \${JSON.stringify(initArgs)}\` });
          }
        }
        using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
        assert.throws(() => pool.map(same, slow() as any), /argument 2 can only be read asynchronously/);
        assert.throws(() => pool.map(mul, [1], slow() as any), /argument 3 can only be read asynchronously/);
        assert.throws(() => pool.map(mul, 5 as any, [1]), /argument 2 is not iterable/);
        console.log("done");
      }`));

  it("queues nothing when no thread can be started, and works when one can", () =>
    expectScript(`${head}
      import { syncBuiltinESMExports } from "node:module";
      import threads from "node:worker_threads";
      const { Worker } = threads;
      function allow(yes: boolean) {
        threads.Worker = yes ? Worker : class { constructor() { throw new Error("EAGAIN"); } } as never;
        syncBuiltinESMExports();
      }
      if (isMain) {
        const pool = new ThreadPoolExecutor({ maxWorkers: 2 });
        const ran = new Queue<number>();
        allow(false);
        assert.throws(() => pool.submit(put, ran, 1), /EAGAIN/);
        assert.throws(() => pool.map(increment, [1, 2, 3]), /EAGAIN/);
        assert.throws(() => pool.map(same, [[1], [2]]), /EAGAIN/);
        allow(true);
        assert.equal(await pool.submit(put, ran, 2), 2);
        assert.equal(ran.getNowait(), 2);
        assert.ok(ran.empty());
        assert.deepEqual(await pool.map(increment, [1, 2, 3]), [2, 3, 4]);
        // Its tasks are over, so nothing keeps the program: it was never shut down.
        const unused = new ThreadPoolExecutor();
        allow(false);
        assert.throws(() => unused.submit(increment, 1), /EAGAIN/);
        allow(true);
        console.log("done");
      }`));
});
