import { expectScript } from "../../harness/run-script.js";

describe("RLock", function () {
  this.timeout(90_000);

  it("has Python's contract in both forms", async () => {
    await expectScript(`
      import assert from "node:assert/strict";
      import { RuntimeError, TimeoutError } from "heddle";
      import { RLock, TIMEOUT_MAX, getNativeId } from "heddle/threading";

      const lock = new RLock({ name: "mine" });
      assert.equal(lock.name, "mine");
      assert.match(new RLock().name, /^RLock script\\.ts:8$/);
      const free = () => {
        assert.equal(lock.locked(), false);
        assert.equal(lock.isOwned(), false);
        assert.equal(lock.depth(), 0);
        assert.equal(lock.owner, null);
        assert.throws(() => lock.release(), RuntimeError);
      };
      free();
      for (const acquire of [() => lock.acquireSync(), () => lock.acquire()]) {
        for (let depth = 1; depth <= 50; depth++) {
          assert.equal(await acquire(), true);
          assert.equal(lock.depth(), depth);
          assert.equal(lock.isOwned(), true);
          assert.deepEqual(lock.owner, { pid: process.pid, nativeId: getNativeId() });
        }
        assert.equal(lock.acquireSync({ blocking: false }), true);
        assert.equal(await lock.acquire({ timeout: 0 }), true);
        for (let depth = 52; depth > 0; depth--) {
          assert.equal(lock.depth(), depth);
          assert.equal(lock.locked(), true);
          lock.release();
        }
        free();
      }
      {
        using outer = lock.holdSync();
        {
          using inner = await lock.hold();
          assert.equal(lock.depth(), 2);
        }
        assert.equal(lock.depth(), 1);
      }
      free();
      for (const bad of [{ timeout: -1 }, { timeout: NaN }, { timeout: TIMEOUT_MAX * 2 }, { blocking: false, timeout: 1 }]) {
        assert.throws(() => lock.acquireSync(bad), RangeError);
        await assert.rejects(lock.acquire(bad), RangeError);
      }
      await assert.rejects(lock.acquire({ signal: AbortSignal.abort(new Error("no")) }), /no/);
      free();
      console.log("done");
    `);
  });

  it("belongs to its thread: others wait, and cannot release it", async () => {
    await expectScript(`
      import assert from "node:assert/strict";
      import { isMain, RuntimeError, TimeoutError } from "heddle";
      import { RLock, Semaphore, Thread } from "heddle/threading";

      async function other(lock: RLock, tried: Semaphore, nativeId: number) {
        assert.equal(lock.isOwned(), false);
        assert.equal(lock.depth(), 0);
        assert.equal(lock.owner!.nativeId, nativeId);
        assert.throws(() => lock.release(), RuntimeError);
        assert.equal(lock.acquireSync({ blocking: false }), false);
        assert.equal(lock.acquireSync({ timeout: 30 }), false);
        assert.equal(await lock.acquire({ timeout: 30 }), false);
        assert.throws(() => lock.holdSync({ timeout: 5 }), TimeoutError);
        tried.release();
        lock.acquireSync();
        lock.acquireSync();
        assert.equal(lock.depth(), 2);
        lock.release();
        lock.release();
      }
      if (isMain) {
        const lock = new RLock(), tried = new Semaphore(0);
        lock.acquireSync();
        lock.acquireSync();
        const threads = Array.from({ length: 3 }, () => new Thread({ target: other, args: [lock, tried, lock.owner!.nativeId] }));
        for (const t of threads) t.start();
        for (const _ of threads) tried.acquireSync();
        lock.release();
        assert.equal(threads[0]!.isAlive(), true);
        lock.release();
        for (const t of threads) t.joinSync();
        assert.equal(lock.owner, null);
        console.log("done");
      }
    `);
  });

  it("belongs to the task of a pool that awaited it, not to the worker's next one", async () => {
    await expectScript(`
      import assert from "node:assert/strict";
      import { isMain, RuntimeError } from "heddle";
      import { ThreadPoolExecutor } from "heddle/futures";
      import { RLock } from "heddle/threading";

      async function takes(lock: RLock) { await lock.acquire(); await lock.acquire(); return lock.depth(); }
      async function finds(lock: RLock) {
        assert.equal(lock.locked(), true);
        assert.equal(lock.isOwned(), false);
        assert.equal(lock.depth(), 0);
        assert.throws(() => lock.release(), RuntimeError);
        assert.throws(() => lock.acquireSync(), /another async context/);
        assert.equal(lock.acquireSync({ timeout: 20 }), false);
        assert.equal(await lock.acquire({ timeout: 20 }), false);
        return "other";
      }
      function takesForThread(lock: RLock) { return lock.acquireSync(); }
      function again(lock: RLock) { lock.acquireSync(); return lock.depth(); }
      if (isMain) {
        using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
        const first = new RLock(), second = new RLock();
        assert.equal(await pool.submit(takes, first), 2);
        assert.equal(await pool.submit(finds, first), "other");
        // Taken by the blocking form it belongs to the thread, and so to its next task, too.
        assert.equal(await pool.submit(takesForThread, second), true);
        assert.equal(await pool.submit(again, second), 2);
        console.log("done");
      }
    `);
  });
});
