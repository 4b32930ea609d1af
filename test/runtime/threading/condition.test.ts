import { expectScript } from "../../harness/run-script.js";

describe("Condition", function () {
  this.timeout(90_000);

  it("has Python's contract in both forms", async () => {
    await expectScript(`
      import assert from "node:assert/strict";
      import { RuntimeError, TimeoutError } from "heddle";
      import { Condition, Lock, RLock, Semaphore, TIMEOUT_MAX } from "heddle/threading";

      // Its lock is an RLock of its own by default, or the one that is given.
      const own = new Condition();
      assert.match(own.name, /^Condition script\\.ts:7$/);
      assert.equal(new Condition(undefined, { name: "news" }).name, "news");
      assert.ok(own.acquireSync() && (await own.acquire()));
      own.release();
      own.release();
      assert.throws(() => own.release(), RuntimeError);
      for (const bad of [new Semaphore(), own, {}, "lock"]) assert.throws(() => new Condition(bad as any), TypeError);
      const lock = new Lock();
      const plain = new Condition(lock);
      plain.acquireSync();
      assert.equal(lock.acquireSync({ blocking: false }), false);
      plain.release();
      lock.acquireSync();
      assert.equal(plain.acquireSync({ blocking: false }), false);
      assert.throws(() => plain.holdSync({ timeout: 5 }), TimeoutError);
      lock.release();
      {
        using held = plain.holdSync();
        assert.equal(lock.locked(), true);
      }
      {
        using held = await plain.hold();
        assert.equal(lock.locked(), true);
      }
      assert.equal(lock.locked(), false);

      // Nothing without the lock.
      for (const c of [own, plain, new Condition(new RLock())]) {
        assert.throws(() => c.notify(), RuntimeError);
        assert.throws(() => c.notifyAll(), RuntimeError);
        assert.throws(() => c.waitSync(), RuntimeError);
        assert.throws(() => c.waitForSync(() => true), RuntimeError);
        await assert.rejects(c.wait(), RuntimeError);
        await assert.rejects(c.waitFor(() => true), RuntimeError);
      }

      for (const c of [own, plain]) {
        using held = c.holdSync();
        // Nobody waits: no effect, now or later.
        c.notify();
        c.notify(0);
        c.notify(-1);
        c.notifyAll();
        assert.throws(() => c.notify(NaN), RangeError);
        assert.throws(() => c.notify("1" as any), TypeError);
        for (const timeout of [0, -1, -Infinity]) {
          assert.equal(c.waitSync({ timeout }), false);
          assert.equal(await c.wait({ timeout }), false);
        }
        let start = performance.now();
        assert.equal(c.waitSync({ timeout: 40 }), false);
        assert.ok(performance.now() - start >= 39.5);
        start = performance.now();
        assert.equal(await c.wait({ timeout: 40 }), false);
        assert.ok(performance.now() - start >= 39.5);
        for (const timeout of [NaN, TIMEOUT_MAX * 2]) {
          assert.throws(() => c.waitSync({ timeout }), RangeError);
          assert.throws(() => c.waitForSync(() => true, { timeout }), RangeError);
          await assert.rejects(c.wait({ timeout }), RangeError);
        }
        // The predicate is called at once, and its value is the result.
        assert.equal(c.waitForSync(() => "now"), "now");
        assert.equal(await c.waitFor(() => 7), 7);
        let calls = 0;
        assert.equal(c.waitForSync(() => { calls++; return 0; }, { timeout: 0 }), 0);
        assert.equal(calls, 2, "as in Python, it let go of the lock once");
        assert.equal(await c.waitFor(() => { calls++; return null; }, { timeout: 20 }), null);
        const problem = new Error("predicate");
        assert.throws(() => c.waitForSync(() => { throw problem; }), problem);
        await assert.rejects(c.waitFor(() => { throw problem; }), problem);
        // All of that, and it is still held.
        c.notify();
      }
      assert.equal(lock.locked(), false);
      assert.equal(own.acquireSync(), true);
      own.release();
      assert.throws(() => own.notify(), RuntimeError);
      console.log("done");
    `);
  });

  it("wakes promises in order, as many as it is told, and nobody who came later", async () => {
    await expectScript(`
      import assert from "node:assert/strict";
      import { Condition, Lock } from "heddle/threading";

      const c = new Condition(new Lock());
      const log: string[] = [];
      const waiter = async (name: string, options?: { timeout?: number; signal?: AbortSignal }) => {
        using held = await c.hold();
        try { log.push(name + " " + (await c.wait(options))); } catch (error) { log.push(name + " " + (error as Error).message); }
      };
      const turns = async () => { for (let i = 0; i < 20; i++) await new Promise((r) => setImmediate(r)); };
      const take = () => log.splice(0);

      let all = ["a", "b", "c", "d", "e"].map((n) => waiter(n));
      await turns();
      { using held = c.holdSync(); c.notify(); c.notify(2); }
      await turns();
      assert.deepEqual(take().sort(), ["a true", "b true", "c true"]);
      { using held = c.holdSync(); c.notify(7); }
      const late = waiter("late");
      await Promise.all(all);
      await turns();
      assert.deepEqual(take().sort(), ["d true", "e true"]);
      { using held = c.holdSync(); c.notifyAll(); }
      await late;
      assert.deepEqual(take(), ["late true"]);

      // Who is notified waits until the lock is released.
      all = [waiter("x")];
      await turns();
      c.acquireSync();
      c.notify();
      await turns();
      assert.deepEqual(take(), []);
      c.release();
      await Promise.all(all);
      assert.deepEqual(take(), ["x true"]);

      // One that has timed out, or was aborted, takes no notification with it, even if nothing of it has run yet.
      const abort = new AbortController();
      all = [waiter("timed", { timeout: 30 }), waiter("aborted", { signal: abort.signal }), waiter("stays")];
      await turns();
      c.acquireSync();
      abort.abort(new Error("stop"));
      await new Promise((r) => setTimeout(r, 60));
      assert.deepEqual(take(), [], "they want the lock first");
      c.notify();
      c.release();
      await Promise.all(all);
      assert.deepEqual(take().sort(), ["aborted stop", "stays true", "timed false"]);

      // Notified first and then too late: it was notified. The other way round it was not.
      const abort2 = new AbortController();
      all = [waiter("t", { timeout: 30 }), waiter("a", { signal: abort2.signal })];
      await turns();
      c.acquireSync();
      c.notify(2);
      abort2.abort(new Error("stop"));
      await new Promise((r) => setTimeout(r, 60));
      c.release();
      await Promise.all(all);
      assert.deepEqual(take().sort(), ["a true", "t true"]);

      // An aborted signal gives the lock back to nobody: the caller has it when it hears of it.
      const abort3 = new AbortController();
      await c.acquire();
      const given = c.wait({ signal: abort3.signal });
      await c.acquire();
      abort3.abort(new Error("three"));
      let heard = false;
      given.catch(() => { heard = true; });
      await turns();
      assert.equal(heard, false);
      c.release();
      await assert.rejects(given, /three/);
      c.notify();
      c.release();
      {
        using held = await c.hold();
        await assert.rejects(c.wait({ signal: AbortSignal.abort(new Error("before")) }), /before/);
        c.notify();
        await assert.rejects(c.waitFor(() => false, { signal: AbortSignal.timeout(20) }), { name: "TimeoutError" });
        c.notify();
      }
      console.log("done");
    `);
  });

  it("lets go of an RLock however deep, and has it as deep again", async () => {
    await expectScript(`
      import assert from "node:assert/strict";
      import { isMain, RuntimeError } from "heddle";
      import { Condition, RLock, Thread } from "heddle/threading";
      import { Queue } from "heddle/queue";

      async function deep(c: Condition, lock: RLock, out: Queue, blocking: boolean) {
        for (let i = 0; i < 5; i++) lock.acquireSync();
        out.putSync("in");
        assert.equal(blocking ? c.waitSync() : await c.wait(), true);
        assert.deepEqual([lock.depth(), lock.isOwned()], [5, true]);
        assert.equal(blocking ? c.waitSync({ timeout: 10 }) : await c.wait({ timeout: 10 }), false);
        assert.equal(lock.depth(), 5);
        if (!blocking) {
          const abort = new AbortController();
          const p = c.wait({ signal: abort.signal });
          assert.deepEqual([lock.depth(), lock.isOwned()], [0, false]);
          abort.abort(new Error("stop"));
          await assert.rejects(p, /stop/);
          assert.equal(lock.depth(), 5);
        }
        for (let i = 0; i < 5; i++) c.release();
        assert.throws(() => c.release(), RuntimeError, "not once more");
        out.putSync("out");
      }
      if (isMain) {
        for (const blocking of [true, false]) {
          const lock = new RLock();
          const c = new Condition(lock);
          const out = new Queue();
          const t = new Thread({ target: deep, args: [c, lock, out, blocking] });
          t.start();
          assert.equal(out.getSync(), "in");
          // It waits: the lock can be had.
          assert.equal(c.acquireSync({ timeout: 10_000 }), true);
          assert.throws(() => new Condition(new RLock()).notify(), RuntimeError);
          c.notify();
          c.release();
          assert.equal(await out.get({ timeout: 10_000 }), "out");
          await t.join();
          assert.equal(lock.locked(), false);
        }
        // Acquired by promises: it belongs to this context all along.
        const c = new Condition();
        await c.acquire();
        await c.acquire();
        const p = c.wait();
        await c.acquire();
        c.notifyAll();
        c.release();
        assert.equal(await p, true);
        c.release();
        c.release();
        assert.throws(() => c.release(), RuntimeError);
        console.log("done");
      }
    `);
  });

  it("notifies phase by phase between threads, as Python's own test has it", async () => {
    await expectScript(`
      import assert from "node:assert/strict";
      import { isMain } from "heddle";
      import { Condition, Lock, Thread } from "heddle/threading";

      const [READY, PHASE, FIRST, SECOND] = [0, 1, 2, 6];
      /** Counts per phase in which the first and the second wait ended. */
      async function waits(c: Condition, shared: SharedArrayBuffer, blocking: boolean) {
        const view = new Int32Array(shared);
        for (const results of [FIRST, SECOND]) {
          c.acquireSync();
          view[READY]!++;
          const got = blocking ? c.waitSync() : await c.wait();
          assert.equal(got, true);
          const phase = view[PHASE]!;
          c.release();
          Atomics.add(view, results + phase, 1);
        }
      }
      if (isMain) {
        const conditions = [new Condition(), new Condition(new Lock())];
        for (const c of conditions) {
          for (let time = 0; time < (c === conditions[0] ? 2 : 1); time++) {
            const shared = new SharedArrayBuffer(64);
            const view = new Int32Array(shared);
            const until = async (holds: () => boolean) => { while (!holds()) await new Promise((r) => setTimeout(r, 1)); };
            const ready = async (n: number) => {
              for (;;) {
                { using held = await c.hold(); if (view[READY] === n) return; }
                await new Promise((r) => setTimeout(r, 2));
              }
            };
            const threads = Array.from({ length: 5 }, (_, i) => new Thread({ target: waits, args: [c, shared, i % 2 === 0] }));
            for (const t of threads) t.start();
            await ready(5);
            await c.acquire();
            c.notify(3);
            view[PHASE] = 1;
            c.release();
            await until(() => Atomics.load(view, FIRST + 1) === 3);
            await ready(8);
            await c.acquire();
            assert.deepEqual([...view.slice(FIRST, FIRST + 4)], [0, 3, 0, 0]);
            c.notify(5);
            view[PHASE] = 2;
            c.release();
            await until(() => Atomics.load(view, FIRST + 2) + Atomics.load(view, SECOND + 2) === 5);
            await ready(10);
            await c.acquire();
            assert.deepEqual([...view.slice(FIRST)].slice(0, 8), [0, 3, 2, 0, 0, 0, 3, 0]);
            c.notifyAll();
            view[PHASE] = 3;
            c.release();
            for (const t of threads) await t.join();
            assert.deepEqual([...view.slice(FIRST)].slice(0, 8), [0, 3, 2, 0, 0, 0, 3, 2]);
          }
        }
        console.log("done");
      }
    `);
  });

  it("keeps one deadline over many wake-ups, and the loop alive while a promise waits", async () => {
    await expectScript(`
      import assert from "node:assert/strict";
      import { isMain } from "heddle";
      import { Condition, Thread } from "heddle/threading";
      function disturb(c: Condition, shared: SharedArrayBuffer) {
        const view = new Int32Array(shared);
        while (Atomics.load(view, 0) === 0) {
          { using held = c.holdSync(); c.notifyAll(); }
          Atomics.wait(view, 0, 0, 2);
        }
      }
      if (isMain) {
        const c = new Condition();
        const shared = new SharedArrayBuffer(4);
        // A daemon: nothing but the promise keeps this thread's loop alive.
        const t = new Thread({ target: disturb, args: [c, shared], daemon: true });
        t.start();
        { using held = c.holdSync(); assert.equal(c.waitSync(), true); }
        for (const blocking of [false, true]) {
          let calls = 0;
          const never = () => { calls++; return false; };
          await c.acquire();
          const start = performance.now();
          const got = blocking ? c.waitForSync(never, { timeout: 400 }) : await c.waitFor(never, { timeout: 400 });
          const took = performance.now() - start;
          assert.equal(got, false);
          c.release();
          assert.ok(took >= 399.5 && took < 3_000, "took " + took);
          assert.ok(calls > 2, "it was woken " + calls);
        }
        Atomics.store(new Int32Array(shared), 0, 1);
        await t.join();
        console.log("done");
      }
    `);
  });

  it("crosses with its lock, and spends no notification on a dead thread", async () => {
    await expectScript(`
      import assert from "node:assert/strict";
      import { DataCloneError, isMain } from "heddle";
      import { Condition, Lock, Thread } from "heddle/threading";
      import { Process } from "heddle/multiprocessing";
      import { Queue } from "heddle/queue";

      function nothing(_: unknown) {}
      async function dies(c: Condition, out: Queue) {
        await c.acquire();
        out.putSync("in");
        setTimeout(() => process.exit(), 20);
        await c.wait();
      }
      /** Takes the notification with it into death: it can never have the lock. */
      function notifiedThenDies(c: Condition, lock: Lock, out: Queue) {
        assert.equal(new Map([[c, 1]]).get(c), 1);
        c.acquireSync();
        out.putSync("in");
        c.wait();
        setTimeout(() => process.exit(), 200);
        return new Promise(() => {});
      }
      function survives(c: Condition, out: Queue) {
        using held = c.holdSync();
        out.putSync("in");
        out.putSync(c.waitSync({ timeout: 20_000 }));
      }
      if (isMain) {
        const lock = new Lock();
        const c = new Condition(lock, { name: "shared" });
        const out = new Queue();
        const dead = Array.from({ length: 3 }, () => new Thread({ target: dies, args: [c, out] }));
        for (const t of dead) { t.start(); assert.equal(await out.get(), "in"); }
        for (const t of dead) await t.join();
        const living = new Thread({ target: survives, args: [c, out] });
        living.start();
        assert.equal(await out.get(), "in");
        { using held = await c.hold(); c.notify(); }
        assert.equal(await out.get(), true);
        await living.join();

        const doomed = new Thread({ target: notifiedThenDies, args: [c, lock, out] });
        doomed.start();
        assert.equal(await out.get(), "in");
        const heir = new Thread({ target: survives, args: [c, out] });
        heir.start();
        assert.equal(await out.get(), "in");
        {
          using held = await c.hold();
          c.notify();
          await doomed.join();
        }
        assert.equal(await out.get({ timeout: 20_000 }), true, "it was passed on");
        await heir.join();
        assert.throws(() => new Process({ target: nothing, args: [c] }).start(), DataCloneError);
        console.log("done");
      }
    `);
  });

  it("loses and doubles no wake-up: producers and consumers with random timeouts, aborts and deaths", async () => {
    await expectScript(
      `
      import assert from "node:assert/strict";
      import { isMain } from "heddle";
      import { Condition, Lock, Thread } from "heddle/threading";

      // Words under the lock: items there, items made, items taken, end, wake-ups without an item.
      const [THERE, MADE, TAKEN, END, SPARE] = [0, 1, 2, 3, 4];
      async function consume(c: Condition, shared: SharedArrayBuffer, seed: number, dies: boolean) {
        const view = new Int32Array(shared);
        const random = () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff;
        let dead = false;
        if (dies) setTimeout(() => { dead = true; }, 20 + random() * 150);
        for (;;) {
          await c.acquire();
          if (dead) {
            // Dies while it waits, the lock released.
            setTimeout(() => process.exit(), 5);
            await c.wait();
          }
          while (view[THERE] === 0 && view[END] === 0) {
            const way = random();
            if (way < 0.35) c.waitSync();
            else if (way < 0.7) await c.wait();
            else if (way < 0.8) c.waitSync({ timeout: random() * 3 });
            else if (way < 0.9) await c.wait({ timeout: random() * 3 });
            else {
              const abort = new AbortController();
              setTimeout(() => abort.abort(), random() * 3);
              await c.wait({ signal: abort.signal }).catch(() => false);
            }
          }
          if (view[THERE] === 0) { c.release(); return; }
          view[THERE]!--;
          view[TAKEN]!++;
          c.release();
        }
      }
      async function produce(c: Condition, shared: SharedArrayBuffer, seed: number, items: number) {
        const view = new Int32Array(shared);
        const random = () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff;
        for (let i = 0; i < items; ) {
          await c.acquire();
          const n = random() < 0.2 ? 3 : 1;
          view[THERE]! += n;
          view[MADE]! += n;
          i += n;
          // Exactly one wake-up an item: if one is lost, an item stays and everybody sleeps.
          c.notify(n);
          c.release();
          if (random() < 0.3) await new Promise((r) => setImmediate(r));
        }
      }
      if (isMain) {
        for (const c of [new Condition(), new Condition(new Lock())]) {
          const shared = new SharedArrayBuffer(32);
          const view = new Int32Array(shared);
          const consumers = Array.from({ length: 5 }, (_, i) => new Thread({ target: consume, args: [c, shared, i * 7919 + 1, i >= 4] }));
          const producers = [1, 2].map((i) => new Thread({ target: produce, args: [c, shared, i * 104729, 150] }));
          for (const t of [...consumers, ...producers]) t.start();
          for (const t of producers) await t.join();
          // Nobody notifies any more, and all items are taken nevertheless.
          const since = performance.now();
          while (Atomics.load(view, TAKEN) < Atomics.load(view, MADE)) {
            assert.ok(performance.now() - since < 30_000, "items stay: " + view);
            await new Promise((r) => setTimeout(r, 2));
          }
          { using held = await c.hold(); view[END] = 1; c.notifyAll(); }
          for (const t of consumers) await t.join();
          assert.deepEqual([view[THERE], view[TAKEN] === view[MADE]], [0, true]);
        }
        console.log("done");
      }
    `,
      { timeout: 60_000 },
    );
  });
});
