/** What locks and semaphores have in common, as Python's own tests of locks look at it. */
import { expectScript } from "../../harness/run-script.js";

const common = `
  import assert from "node:assert/strict";
  import { DataCloneError, isMain, RuntimeError } from "heddle";
  import { ThreadPoolExecutor } from "heddle/futures";
  import { BoundedSemaphore, Lock, RLock, Semaphore, Thread } from "heddle/threading";
  type Any = Lock | RLock | Semaphore;
  const kinds = { Lock: () => new Lock(), RLock: () => new RLock(), Semaphore: () => new Semaphore(), BoundedSemaphore: () => new BoundedSemaphore() };
  const forms = ["sync", "async"] as const;
  type Form = (typeof forms)[number];
  async function take(lock: Any, form: Form, options?: any): Promise<boolean> {
    return form === "sync" ? lock.acquireSync(options) : lock.acquire(options);
  }
`;

describe("what can be acquired", function () {
  this.timeout(90_000);

  it("goes to all who wait, one after the other", async () => {
    await expectScript(`${common}
      async function waits(lock: Any, form: Form, ready: Semaphore, passed: Semaphore) {
        ready.release();
        assert.equal(await take(lock, form), true);
        passed.release();
        lock.release();
      }
      if (isMain) {
        for (const make of Object.values(kinds)) {
          const lock = make(), ready = new Semaphore(0), passed = new Semaphore(0);
          lock.acquireSync();
          const threads = Array.from({ length: 5 }, (_, i) => new Thread({ target: waits, args: [lock, forms[i % 2]!, ready, passed] }));
          for (const t of threads) t.start();
          // Promises of this thread wait in the same line.
          const own = lock instanceof RLock ? [] : [waits(lock, "async", ready, passed), waits(lock, "async", ready, passed)];
          for (let i = 0; i < 5 + own.length; i++) ready.acquireSync();
          assert.equal(passed.acquireSync({ timeout: 30 }), false);
          lock.release();
          for (const t of threads) await t.join();
          await Promise.all(own);
          assert.equal(passed.getValue(), 5 + own.length);
          assert.equal(lock.acquireSync({ blocking: false }), true);
        }
        console.log("done");
      }
    `);
  });

  it("is not had later by who gave up waiting", async () => {
    await expectScript(`${common}
      async function givesUp(lock: Any, form: Form) {
        assert.equal(await take(lock, form, { timeout: 20 }), false);
        assert.equal(await take(lock, form, { blocking: false }), false);
      }
      if (isMain) {
        for (const make of Object.values(kinds)) for (const form of forms) {
          const lock = make();
          lock.acquireSync();
          const thread = new Thread({ target: givesUp, args: [lock, form] });
          thread.start();
          thread.joinSync();
          assert.equal(lock.locked(), true);
          lock.release();
          assert.equal(lock.locked(), false);
          assert.equal(lock.acquireSync({ blocking: false }), true);
        }
        console.log("done");
      }
    `);
  });

  it("can be taken twice and given back by another thread, if nobody owns it", async () => {
    await expectScript(`${common}
      async function twice(lock: Any, form: Form, has: Semaphore) {
        await take(lock, form);
        has.release();
        await take(lock, form); // until it is given back for us
        has.release();
      }
      if (isMain) {
        for (const make of [kinds.Lock, kinds.Semaphore, kinds.BoundedSemaphore]) for (const form of forms) {
          const lock = make(), has = new Semaphore(0);
          const thread = new Thread({ target: twice, args: [lock, form, has] });
          thread.start();
          has.acquireSync();
          assert.equal(has.acquireSync({ timeout: 20 }), false);
          lock.release();
          await has.acquire();
          await thread.join();
          assert.equal(lock.locked(), true, "it outlives the thread that took it");
          lock.release();
          assert.equal(lock.locked(), false);
        }
        console.log("done");
      }
    `);
  });

  it("is given back at the end of a block that throws", async () => {
    await expectScript(`${common}
      for (const make of Object.values(kinds)) {
        const lock = make();
        assert.throws(() => { using held = lock.holdSync(); assert.equal(held.release.length, 0); throw new Error("inside"); }, /inside/);
        assert.equal(lock.acquireSync({ blocking: false }), true);
        lock.release();
        await assert.rejects(async () => { using held = await lock.hold(); throw new Error("inside"); }, /inside/);
        assert.equal(lock.acquireSync({ blocking: false }), true);
      }
      console.log("done");
    `);
  });

  it("is the same object wherever it comes back, and cannot leave its process", async () => {
    await expectScript(`${common}
      import { ProcessPoolExecutor } from "heddle/futures";
      function back(lock: Any) { return [lock, lock.name, lock.constructor.name]; }
      if (isMain) {
        using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
        for (const [kind, make] of Object.entries(kinds)) {
          const lock = make();
          const [same, name, type] = await pool.submit(back, lock);
          assert.equal(same, lock);
          assert.equal(name, lock.name);
          assert.equal(type, kind);
          using processes = new ProcessPoolExecutor({ maxWorkers: 1 });
          assert.throws(() => processes.submit(back, lock), (error: Error) => error instanceof DataCloneError && error.message.includes("multiprocessing." + kind));
        }
        console.log("done");
      }
    `);
  });

  it("keeps the program alive while it is awaited, and lets go when that is given up", async () => {
    await expectScript(`${common}
      async function later(lock: Any) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        lock.release();
      }
      if (isMain) {
        const lock = new Lock();
        lock.acquireSync();
        const given = new AbortController();
        const waiting = Array.from({ length: 20 }, () => lock.acquire({ signal: given.signal }).catch((reason) => reason));
        given.abort("enough");
        assert.deepEqual(new Set(await Promise.all(waiting)), new Set(["enough"]));
        new Thread({ target: later, args: [lock], daemon: true }).start();
        // The release wakes this one, though twenty that gave up stood before it.
        assert.equal(await lock.acquire(), true);
        const pending = lock.acquire({ signal: given.signal }).catch(() => {});
        await pending;
        console.log("done");
      }
    `);
  });

  it("gives its memory back when it is collected", async () => {
    await expectScript(
      `${common}
      // Each takes a few words of 512 MiB: without giving back, this would take a tenth of it.
      import { setFlagsFromString } from "node:v8";
      import { runInNewContext } from "node:vm";
      setFlagsFromString("--expose-gc");
      const collect = runInNewContext("gc") as () => void;
      const heap = new Int32Array((await import("node:worker_threads")).getEnvironmentData("heddle.heap") as unknown as SharedArrayBuffer);
      const TOP = 1;
      async function make(count: number) {
        for (let i = 0; i < count; i++) { new Lock({ name: "x" }); new Semaphore(1, { name: "x" }); }
        for (let i = 0; i < 5; i++) { collect(); await new Promise((resolve) => setTimeout(resolve, 5)); }
      }
      await make(20_000);
      const before = heap[TOP]!;
      for (let round = 0; round < 4; round++) await make(20_000);
      const words = heap[TOP]! - before;
      assert.ok(words < 4 * 20_000 * 4, "grown by " + words + " words");
      console.log("done");
    `,
      { timeout: 40_000 },
    );
  });

  it("lives as long as somebody waits for it, though nobody else has it any more", async () => {
    await expectScript(
      `${common}
      import { setFlagsFromString } from "node:v8";
      import { runInNewContext } from "node:vm";
      setFlagsFromString("--expose-gc");
      const collect = runInNewContext("gc") as () => void;
      const turn = () => new Promise((resolve) => setImmediate(resolve));
      const abort = new AbortController();
      // The objects are nowhere but in these calls.
      const waits = Array.from({ length: 100 }, (_, i) => {
        const options = { signal: abort.signal };
        const held = new Lock();
        held.acquireSync();
        return i % 2 === 0 ? new Semaphore(0).acquire(options) : held.acquire(options);
      }).map((wait) => wait.then(() => "had", (reason: Error) => reason.message));
      for (let i = 0; i < 4; i++) { collect(); await turn(); }
      // Would have the same words, if these had been given back, and wake who waits there.
      const others = Array.from({ length: 1000 }, () => [new Semaphore(0), new Lock()] as const);
      for (const [permits, lock] of others) { permits.release(2); lock.acquireSync(); lock.release(); }
      for (let i = 0; i < 4; i++) await turn();
      abort.abort(new Error("enough"));
      assert.deepEqual(new Set(await Promise.all(waits)), new Set(["enough"]));
      for (const [permits, lock] of others) assert.deepEqual([permits.getValue(), lock.locked()], [2, false]);
      console.log("done");
    `,
      { timeout: 40_000 },
    );
  });
});
