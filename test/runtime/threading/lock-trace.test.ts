/** What the trace says of locks against what the script did. */
import assert from "node:assert/strict";
import type { JsonReport } from "../../../src/analysis/report/report-types.js";
import { expectScript } from "../../harness/run-script.js";

async function reportOf(source: string): Promise<{ report: JsonReport; stdout: string }> {
  const { stderr, stdout } = await expectScript(source, {
    traced: true,
    runArgs: ["--report", "json"],
    timeout: 60_000,
  });
  return { report: JSON.parse(stderr.slice(stderr.indexOf("{"))) as JsonReport, stdout };
}

/** Lengths that the script measured itself, as it printed them: nanoseconds. */
const measured = (stdout: string): Record<string, number> =>
  JSON.parse(/MEASURED (.*)/.exec(stdout)![1]!) as Record<string, number>;

const lockNamed = (report: JsonReport, name: string) => {
  const lock = report.locks.find((each) => each.name === name);
  assert.ok(lock, `no lock ${name}`);
  return lock;
};

describe("the trace of locks", function () {
  this.timeout(120_000);

  it("has known holds and waits, and every acquisition, of locks that are hot at times", async () => {
    const { report, stdout } = await reportOf(`
      import { isMain } from "heddle";
      import { Lock, RLock, Semaphore, Thread } from "heddle/threading";

      const still = new Int32Array(new SharedArrayBuffer(4));
      const sleep = (ms: number) => Atomics.wait(still, 0, 0, ms);
      /** Nanoseconds from just before to just after. */
      function timed(body: () => void) { const t = performance.now(); body(); return (performance.now() - t) * 1e6; }
      function waits(lock: any, ready: Semaphore) {
        // The first look for the line that called takes a while, before the wait begins.
        const first = timed(() => lock.acquireSync({ timeout: 1 }));
        ready.release();
        const ns = timed(() => lock.acquireSync());
        lock.release();
        console.log("MEASURED " + JSON.stringify({ wait: Math.max(first, ns) }));
      }
      if (isMain) {
        const ready = new Semaphore(0);
        const hot = new Lock({ name: "hot" }), again = new RLock({ name: "again" }), other = new Lock({ name: "other" });
        for (let i = 0; i < 20_000; i++) { hot.acquireSync(); hot.release(); }
        // Nothing tells the recorder that this hold will be a long one, but its collector's next tick.
        hot.acquireSync();
        sleep(120);
        hot.release();
        for (let i = 0; i < 777; i++) { hot.acquireSync(); hot.release(); }
        for (let i = 0; i < 10; i++) { again.acquireSync(); again.acquireSync(); again.release(); again.release(); }
        for (let i = 0; i < 300; i++) { await other.acquire(); other.release(); }
        const waiting = new Lock({ name: "waited for" });
        const thread = new Thread({ target: waits, args: [waiting, ready] });
        waiting.acquireSync();
        thread.start();
        ready.acquireSync();
        sleep(60);
        waiting.release();
        await thread.join();
        console.log("done");
      }
    `);
    const hot = lockNamed(report, "hot");
    assert.equal(hot.acquisitions, 20_778);
    assert.equal(hot.contended, 0);
    assert.ok(hot.hold.maxNs >= 119.9e6 && hot.hold.p50Ns < 1e6, JSON.stringify(hot.hold));
    assert.equal(lockNamed(report, "again").acquisitions, 10, "taking it again is no acquisition");
    assert.equal(lockNamed(report, "other").acquisitions, 300);
    const waited = lockNamed(report, "waited for");
    assert.equal(waited.acquisitions, 2);
    assert.equal(waited.contended, 2);
    assert.equal(waited.timeouts, 1);
    assert.equal(waited.maxWaiters, 1);
    // Held beside the clock from both sides in `runtime/trace/ended-waits-of-threads.test.ts`.
    assert.ok(waited.wait.maxNs > 0 && waited.wait.maxNs <= measured(stdout).wait! + 50e3, "wait");
    assert.ok(waited.hold.maxNs >= 59.9e6, "it was held until after the sleep");
  });

  it("has every acquisition of hot locks of threads that end in any way of their own", async () => {
    const { report } = await reportOf(`
      import { isMain } from "heddle";
      import { Lock, Semaphore, setExcepthook, Thread } from "heddle/threading";
      function hot(lock: Lock, count: number) { for (let i = 0; i < count; i++) { lock.acquireSync(); lock.release(); } }
      function ends(lock: Lock, how: string) {
        hot(lock, 5000);
        if (how === "exit") process.exit();
        if (how === "throw") throw new Error("planned");
      }
      function blocks(lock: Lock, never: Semaphore, ready: Semaphore) {
        hot(lock, 5000);
        never.acquireSync({ timeout: 500 });
        ready.release();
        for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
      }
      if (isMain) {
        const locks = ["return", "exit", "throw", "block", "main"].map((name) => new Lock({ name }));
        const never = new Semaphore(0), ready = new Semaphore(0);
        setExcepthook(() => {});
        const threads = ["return", "exit", "throw"].map((how, i) => new Thread({ target: ends, args: [locks[i]!, how] }));
        const blocked = new Thread({ target: blocks, args: [locks[3]!, never, ready], daemon: true });
        for (const t of [...threads, blocked]) t.start();
        for (const t of threads) await t.join();
        await ready.acquire();
        hot(locks[4]!, 5000);
        console.log("done");
        process.exit(0);
      }
    `);
    for (const name of ["return", "exit", "throw", "block", "main"]) {
      assert.equal(lockNamed(report, name).acquisitions, 5000, name);
    }
  });

  it("has every acquisition of threads that are terminated while they compute, and every hold that never ends", async () => {
    const { report } = await reportOf(`
      import { isMain } from "heddle";
      import { Event, Lock, Thread } from "heddle/threading";

      function computes(hot: Lock, kept: Lock, taken: Event) {
        for (let i = 0; i < 20_000; i++) { hot.acquireSync(); hot.release(); }
        kept.acquireSync();
        taken.set();
        for (;;);
      }
      function givesBack(lent: Lock, back: Event) { lent.release(); for (let i = 0; i < 50; i++) { lent.acquireSync(); lent.release(); } back.set(); }
      if (isMain) {
        const hot = new Lock({ name: "hot" }), kept = new Lock({ name: "kept" }), own = new Lock({ name: "own" });
        const lent = new Lock({ name: "lent" }), taken = new Event(), back = new Event();
        new Thread({ target: computes, args: [hot, kept, taken], daemon: true }).start();
        taken.waitSync();
        // Many more than are kept an eye on at once.
        for (let i = 0; i < 100; i++) { const each = new Lock({ name: "each" + i }); each.acquireSync(); each.release(); }
        lent.acquireSync();
        new Thread({ target: givesBack, args: [lent, back] }).start();
        back.waitSync();
        own.acquireSync();
        console.log("done");
        process.exit(0);
      }
    `);
    assert.equal(lockNamed(report, "hot").acquisitions, 20_000);
    assert.equal(lockNamed(report, "kept").acquisitions, 1);
    assert.equal(lockNamed(report, "own").acquisitions, 1);
    assert.equal(lockNamed(report, "lent").acquisitions, 51);
    for (let i = 0; i < 100; i++) assert.equal(lockNamed(report, `each${i}`).acquisitions, 1);
    assert.ok(lockNamed(report, "kept").hold.totalNs > 0);
  });

  it("has the lengths of holds within one in a hundred, by whom ever they are given back", async () => {
    const { report, stdout } = await reportOf(`
      import { isMain } from "heddle";
      import { Lock, RLock, Thread } from "heddle/threading";
      const still = new Int32Array(new SharedArrayBuffer(4));
      const sleep = (ms: number) => Atomics.wait(still, 0, 0, ms);
      function releases(lock: Lock) { lock.release(); }
      if (isMain) {
        const lengths: Record<string, number> = {}, slack: Record<string, number> = {};
        for (const [name, lock] of [["plain", new Lock({ name: "plain" })], ["owned", new RLock({ name: "owned" })]] as const) {
          const before = performance.now();
          lock.acquireSync();
          const t = performance.now();
          sleep(50);
          const end = performance.now();
          lock.release();
          lengths[name] = (end - t) * 1e6;
          // What the two calls took: the lock is had for a part of it, and on a busy machine they can take long.
          slack[name] = (t - before + performance.now() - end) * 1e6;
        }
        const given = new Lock({ name: "given" });
        const before = performance.now();
        await given.acquire();
        const t = performance.now();
        const thread = new Thread({ target: releases, args: [given] });
        thread.start();
        // Had until it was last seen so, and no longer when it was seen to be free.
        let last = t;
        for (let now = t; given.locked(); now = performance.now()) { last = now; sleep(0.2); }
        lengths.given = (last - t) * 1e6;
        lengths.givenAtMost = (performance.now() - before) * 1e6;
        await thread.join();
        console.log("MEASURED " + JSON.stringify({ ...lengths, plainSlack: slack.plain, ownedSlack: slack.owned }));
        console.log("done");
      }
    `);
    const lengths = measured(stdout);
    for (const name of ["plain", "owned", "given"]) {
      const lock = lockNamed(report, name);
      assert.equal(lock.acquisitions, 1);
      const { maxNs } = lock.hold;
      if (name === "given")
        assert.ok(maxNs >= lengths.given! - 50e3 && maxNs <= lengths.givenAtMost! + 50e3, `${maxNs}`);
      else {
        const longer = lock.hold.maxNs - lengths[name]!;
        const most = lengths[`${name}Slack`]! + 0.01 * lengths[name]!;
        assert.ok(longer >= -100e3 && longer <= most, `${name}: ${longer} ns longer, at most ${most}`);
      }
    }
    assert.equal(lockNamed(report, "owned").kind, "RLock");
  });

  it("counts a semaphore's permits", async () => {
    const { report } = await reportOf(`
      import { isMain } from "heddle";
      import { BoundedSemaphore, Semaphore } from "heddle/threading";
      if (isMain) {
        const seats = new Semaphore(3, { name: "seats" }), bounded = new BoundedSemaphore(1, { name: "bounded" });
        for (let i = 0; i < 3; i++) await seats.acquire();
        await seats.acquire({ timeout: 20 });
        seats.acquireSync({ blocking: false });
        seats.release(3);
        using one = bounded.holdSync();
        console.log("done");
      }
    `);
    const seats = lockNamed(report, "seats");
    assert.deepEqual([seats.kind, seats.acquisitions, seats.contended, seats.timeouts], ["Semaphore", 3, 1, 1]);
    assert.equal(lockNamed(report, "bounded").kind, "BoundedSemaphore");
  });

  for (const kind of ["Lock", "RLock"]) {
    it(`finds two ${kind}s that are taken crosswise, and names both lines`, async () => {
      const { report } = await reportOf(`
        import { isMain } from "heddle";
        import { ${kind}, Semaphore, Thread } from "heddle/threading";
        function left(a: ${kind}, b: ${kind}, ready: Semaphore, go: Semaphore) {
          a.acquireSync(); ready.release(); go.acquireSync();
          b.acquireSync();
        }
        async function right(a: ${kind}, b: ${kind}, ready: Semaphore, go: Semaphore) {
          await b.acquire(); ready.release(); await go.acquire();
          await a.acquire();
        }
        if (isMain) {
          const a = new ${kind}({ name: "a" }), b = new ${kind}({ name: "b" }), ready = new Semaphore(0), go = new Semaphore(0);
          new Thread({ target: left, args: [a, b, ready, go], name: "left", daemon: true }).start();
          new Thread({ target: right, args: [a, b, ready, go], name: "right", daemon: true }).start();
          ready.acquireSync();
          ready.acquireSync();
          go.release(2);
          setTimeout(() => console.log("done"), 300);
        }
      `);
      const found = report.findings.find((finding) => finding.rule === "deadlock");
      assert.ok(found, JSON.stringify(report.findings));
      assert.match(found.detail, /“left” waits for “b”, which “right” holds/);
      assert.match(found.detail, /“right” waits for “a”, which “left” holds/);
      assert.deepEqual(found.sites.map((site) => /script\.ts:(\d+)$/.exec(site)?.[1]).sort(), ["10", "6"]);
      assert.equal(report.deadlocks.length, 1);
      assert.equal(report.deadlocks[0]!.cycle.length, 2);
    });
  }

  it("finds the dining philosophers who all took their left forks", async () => {
    const { report } = await reportOf(`
      import { isMain } from "heddle";
      import { Lock, Semaphore, Thread } from "heddle/threading";
      function dine(left: Lock, right: Lock, seated: Semaphore, eat: Semaphore) {
        left.acquireSync();
        seated.release();
        eat.acquireSync();
        right.acquireSync();
      }
      if (isMain) {
        const forks = Array.from({ length: 5 }, (_, i) => new Lock({ name: "fork " + i }));
        const seated = new Semaphore(0), eat = new Semaphore(0);
        for (let i = 0; i < 5; i++) {
          new Thread({ target: dine, args: [forks[i]!, forks[(i + 1) % 5]!, seated, eat], name: "philosopher " + i, daemon: true }).start();
        }
        for (let i = 0; i < 5; i++) await seated.acquire();
        eat.release(5);
        setTimeout(() => console.log("done"), 300);
      }
    `);
    const found = report.findings.find((finding) => finding.rule === "deadlock");
    assert.ok(found, JSON.stringify(report.findings));
    assert.equal(found.title, "Deadlock of 5 threads");
    for (let i = 0; i < 5; i++) {
      assert.ok(
        found.detail.includes(
          `“philosopher ${i}” waits for “fork ${(i + 1) % 5}”, which “philosopher ${(i + 1) % 5}” holds`,
        ),
        found.detail,
      );
    }
    assert.match(found.sites[0]!, /script\.ts:8$/);
  });
});
