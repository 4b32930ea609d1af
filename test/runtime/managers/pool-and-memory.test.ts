import { expectScript } from "../../harness/run-script.js";

const prelude = `
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { isMain } from "heddle";
import { Manager, Process, SharedMemoryManager, type PoolProxy } from "heddle/multiprocessing";
`;
const run = (source: string) => expectScript(prelude + source, { timeout: 90_000 });

describe("a manager's pool and shared memory", function () {
  this.timeout(100_000);

  it("Pool: all the ways of calling, in both forms, also from another process", async () => {
    await run(`
      let start = 0;
      function init(n: number) { start = n; }
      function square(n: number) { return n * n; }
      function add(a: number, b: number) { return a + b; }
      function started() { return start; }
      function fail(n: number) { if (n === 3) throw new RangeError("no " + n); return n; }
      function who() { return process.pid; }
      async function use(pool: PoolProxy) { assert.deepEqual(await pool.map(square, [5, 6]), [25, 36]); }
      if (isMain) {
        await using manager = await Manager();
        const pool = await manager.Pool({ processes: 2, initializer: init, initArgs: [7], name: "far pool" });
        assert.equal(pool.name, "far pool");
        assert.equal(await pool.apply(add, [1, 2]), 3);
        assert.equal(pool.applySync(started), 7);
        assert.notEqual(await pool.apply(who), process.pid);
        assert.deepEqual(await pool.map(square, [1, 2, 3], { chunkSize: 2 }), [1, 4, 9]);
        assert.deepEqual(pool.mapSync(square, new Set([4])), [16]);
        assert.deepEqual(await pool.starmap(add, [[1, 2], [3, 4]]), [3, 7]);
        assert.deepEqual(pool.starmapSync(add, [[1, 2]]), [3]);
        await assert.rejects(pool.map(fail, [1, 3]), { name: "RangeError", message: "no 3" });
        assert.throws(() => pool.applySync(fail, [3]), RangeError);
        let called = 0;
        const result = pool.applyAsync(square, [9], { callback: (n) => { called = n; } });
        assert.equal(await result.get(), 81);
        assert.equal(called, 81);
        assert.equal(pool.applyAsync(square, [10]).getSync(), 100);
        const seen: number[] = [];
        for await (const n of pool.imap(square, [1, 2, 3])) seen.push(n);
        assert.deepEqual(seen, [1, 4, 9]);
        assert.deepEqual([...pool.imapUnordered(square, [3]).sync()], [9]);
        const outside = 1;
        await assert.rejects(pool.apply((n: number) => n + outside, [1]), /outside/);
        const child = new Process({ target: use, args: [pool] });
        child.start();
        await child.join();
        assert.equal(child.exitCode, 0);
        await assert.rejects(pool.join(), RangeError);
        await pool.close();
        await assert.rejects(pool.apply(started), RangeError);
        await pool.join();
        using second = await manager.Pool({ processes: 1 });
        await assert.rejects(manager.Pool({ processes: 0 }), RangeError);
        console.log("done");
      }
    `);
  });

  it("SharedMemoryManager: what it makes is shared, and gone when it is shut down", async () => {
    await run(`
      function fill(memory: any, list: any) { memory.buf[0] = 42; list[0] = 7; }
      if (isMain) {
        const early = new SharedMemoryManager();
        await assert.rejects(early.SharedMemory(10), RangeError);
        assert.throws(() => early.ShareableListSync([1]), RangeError);
        const names: string[] = [];
        {
          await using manager = new SharedMemoryManager();
          await manager.start();
          const memory = await manager.SharedMemory(128), list = manager.ShareableListSync([1, 2.5, "three"]);
          const third = manager.SharedMemorySync(8), fourth = await manager.ShareableList([1]);
          names.push(memory.name, list.shm.name, third.name, fourth.shm.name);
          const child = new Process({ target: fill, args: [memory, list] });
          child.start();
          await child.join();
          assert.equal(memory.buf[0], 42);
          assert.equal(list[0], 7);
          third.unlink(); // nothing is left for the manager to do
          for (const name of [0, 1, 3]) assert.ok(existsSync("/dev/shm/" + names[name]!.replace("/", "")), names[name]);
        }
        for (const name of names) assert.equal(existsSync("/dev/shm/" + name.replace("/", "")), false, name);
        console.log("done");
      }
    `);
  });
});
