import { expectScript } from "../../harness/run-script.js";

describe("Semaphore and BoundedSemaphore", function () {
  this.timeout(90_000);

  it("have Python's contract in both forms", async () => {
    await expectScript(`
      import assert from "node:assert/strict";
      import { TimeoutError } from "heddle";
      import { BoundedSemaphore, Semaphore, TIMEOUT_MAX } from "heddle/threading";

      for (const Type of [Semaphore, BoundedSemaphore]) {
        assert.throws(() => new Type(-1), RangeError);
        assert.throws(() => new Type(1.5), RangeError);
        assert.throws(() => new Type("2" as any), TypeError);
        assert.match(new Type().name, new RegExp("^" + Type.name + " script\\\\.ts:10$"));
        assert.equal(new Type(2, { name: "seats" }).name, "seats");
        assert.equal(new Type().getValue(), 1);
        const empty = new Type(0);
        assert.equal(empty.locked(), true);
        assert.equal(empty.acquireSync({ blocking: false }), false);
        const s = new Type(3);
        for (let left = 2; left >= 0; left--) {
          assert.equal(left % 2 ? s.acquireSync() : await s.acquire(), true);
          assert.equal(s.getValue(), left);
          assert.equal(s.locked(), left === 0);
        }
        assert.equal(await s.acquire({ blocking: false }), false);
        assert.equal(await s.acquire({ timeout: 0 }), false);
        let start = performance.now();
        assert.equal(s.acquireSync({ timeout: 40 }), false);
        assert.ok(performance.now() - start >= 39);
        start = performance.now();
        assert.equal(await s.acquire({ timeout: 40 }), false);
        assert.ok(performance.now() - start >= 39);
        for (const bad of [{ timeout: -1 }, { timeout: NaN }, { timeout: TIMEOUT_MAX * 2 }, { blocking: false, timeout: 1 }]) {
          assert.throws(() => s.acquireSync(bad), RangeError);
          await assert.rejects(s.acquire(bad), RangeError);
        }
        assert.throws(() => s.holdSync({ timeout: 5 }), TimeoutError);
        await assert.rejects(s.hold({ timeout: 5 }), TimeoutError);
        for (const bad of [0, -1, 1.5, NaN]) assert.throws(() => s.release(bad), RangeError);
        assert.equal(s.getValue(), 0);
        s.release();
        {
          using seat = s.holdSync();
          assert.equal(s.getValue(), 0);
        }
        {
          using seat = await s.hold();
          assert.equal(s.getValue(), 0);
          seat.release();
          seat.release();
          assert.equal(s.getValue(), 1);
        }
        s.release(2);
        assert.equal(s.getValue(), 3);
      }
      const bounded = new BoundedSemaphore(2);
      assert.ok(bounded instanceof Semaphore);
      assert.throws(() => bounded.release(), RangeError);
      bounded.acquireSync();
      assert.throws(() => bounded.release(2), RangeError);
      assert.equal(bounded.getValue(), 1, "what overshoots gives nothing back");
      bounded.release();
      const free = new Semaphore(0);
      free.release(1000);
      assert.equal(free.getValue(), 1000);
      console.log("done");
    `);
  });

  it("wakes at most as many as were given, and all that wait in the end", async () => {
    await expectScript(`
      import assert from "node:assert/strict";
      import { isMain } from "heddle";
      import { Semaphore, Thread } from "heddle/threading";

      async function take(gate: Semaphore, arrived: Semaphore, passed: Semaphore, how: string) {
        arrived.release();
        if (how === "sync") gate.acquireSync();
        else await gate.acquire();
        passed.release();
      }
      if (isMain) {
        const gate = new Semaphore(0), arrived = new Semaphore(0), passed = new Semaphore(0);
        const threads = Array.from({ length: 6 }, (_, i) =>
          new Thread({ target: take, args: [gate, arrived, passed, i % 2 ? "sync" : "async"] }));
        for (const t of threads) t.start();
        for (let i = 0; i < 6; i++) arrived.acquireSync();
        gate.release(2);
        passed.acquireSync();
        passed.acquireSync();
        assert.equal(passed.acquireSync({ timeout: 100 }), false);
        assert.equal(gate.getValue(), 0);
        gate.release(4);
        for (let i = 0; i < 4; i++) await passed.acquire();
        for (const t of threads) await t.join();
        assert.equal(gate.getValue(), 0);
        assert.equal(passed.getValue(), 0);
        console.log("done");
      }
    `);
  });

  it("lets a wait be given up by its signal without leaving anything behind", async () => {
    await expectScript(`
      import assert from "node:assert/strict";
      import { Semaphore } from "heddle/threading";
      const s = new Semaphore(0);
      const reason = new Error("stop");
      await assert.rejects(s.acquire({ signal: AbortSignal.abort(reason) }), reason);
      const controllers = Array.from({ length: 5 }, () => new AbortController());
      const aborted = controllers.map((c) => s.acquire({ signal: c.signal }));
      const next = s.acquire();
      for (const c of controllers) c.abort(reason);
      for (const a of aborted) await assert.rejects(a, reason);
      s.release();
      assert.equal(await next, true);
      assert.equal(s.getValue(), 0);
      // Given up at the very moment at which it was woken: the permit goes to the other.
      for (let i = 0; i < 50; i++) {
        const c = new AbortController();
        const first = s.acquire({ signal: c.signal }).catch(() => "aborted");
        const second = s.acquire();
        s.release();
        c.abort(reason);
        const one = await first;
        if (one === true) s.release();
        assert.equal(await second, true);
        assert.equal(s.getValue(), 0);
      }
      console.log("done");
    `);
  });

  it("keeps the program alive while it is awaited", async () => {
    await expectScript(`
      import { isMain } from "heddle";
      import { Semaphore, Thread } from "heddle/threading";
      async function later(s: Semaphore) { await new Promise((r) => setTimeout(r, 100)); s.release(); }
      if (isMain) {
        const s = new Semaphore(0);
        new Thread({ target: later, args: [s], daemon: true }).start();
        await s.acquire();
        console.log("done");
      }
    `);
  });
});
