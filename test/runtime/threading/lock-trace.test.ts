/** What the trace says of locks against what the script did. */
import assert from "node:assert/strict";
import type { JsonReport } from "../../../src/analysis/report/report-types.js";
import { expectScript } from "../../harness/run-script.js";
import { measuring, TracedScript } from "../../harness/traced-script.js";

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

/** For scripts of threads that are to wait for each other for ever: says "done" a while after all of them do. */
const hanging = `
  const waiting = new Int32Array(new SharedArrayBuffer(4));
  /** Counts the wait, when it has begun: at the thread's next sleep. */
  function hangs(waiting: Int32Array, wait: () => void) {
    const real = Atomics.wait;
    (Atomics as any).wait = (...args: Parameters<typeof real>) => {
      (Atomics as any).wait = real;
      Atomics.add(waiting, 0, 1);
      return real(...args);
    };
    wait();
  }
  function doneWhen(count: number) {
    const look = setInterval(() => {
      if (Atomics.load(waiting, 0) < count) return;
      clearInterval(look);
      setTimeout(() => console.log("done"), 300);
    }, 5);
  }
`;

describe("the trace of locks", function () {
  this.timeout(120_000);

  it("has known holds and waits, and every acquisition, of locks that are hot at times", async () => {
    const { report, stdout } = await reportOf(`
      import { isMain } from "heddle";
      import { Lock, RLock, Semaphore, Thread } from "heddle/threading";

      ${measuring}
      /** Nanoseconds from just before to just after. */
      function timed(body: () => void) { const t = performance.now(); body(); return (performance.now() - t) * 1e6; }
      function waits(lock: any, ready: Semaphore) {
        // The first look for the line that called takes a while, before the wait begins.
        const first = timed(() => lock.acquireSync({ timeout: 1 }));
        // It is given back when this wait has begun for sure.
        const ns = timed(() => blocks(() => lock.acquireSync({ timeout: 60_000 }), 1, () => ready.release()));
        lock.release();
        console.log("MEASURED " + JSON.stringify({ wait: Math.max(first, ns) }));
      }
      if (isMain) {
        const ready = new Semaphore(0);
        const hot = new Lock({ name: "hot" }), again = new RLock({ name: "again" }), other = new Lock({ name: "other" });
        for (let i = 0; i < 20_000; i++) { hot.acquireSync(); hot.release(); }
        // Nothing tells the recorder that this hold will be a long one, but its collector's next tick.
        hot.acquireSync();
        nap(120);
        writtenOut();
        hot.release();
        for (let i = 0; i < 777; i++) { hot.acquireSync(); hot.release(); }
        for (let i = 0; i < 10; i++) { again.acquireSync(); again.acquireSync(); again.release(); again.release(); }
        for (let i = 0; i < 300; i++) { await other.acquire(); other.release(); }
        const waiting = new Lock({ name: "waited for" });
        const thread = new Thread({ target: waits, args: [waiting, ready] });
        waiting.acquireSync();
        thread.start();
        ready.acquireSync();
        nap(60);
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

  it("has holds from when they were had until they were given back, by whom ever", async () => {
    const traced = await TracedScript.run(`
      import { isMain } from "heddle";
      import { Lock, RLock, Thread } from "heddle/threading";
      ${measuring}
      function releases(lock: Lock) { lock.release(); }
      if (isMain) {
        for (const lock of [new Lock({ name: "plain" }), new RLock({ name: "owned" })]) {
          const had = around(() => lock.acquireSync());
          nap(50);
          tell({ name: lock.name, had, gave: around(() => lock.release()) });
        }
        const given = new Lock({ name: "given" });
        const before = clock();
        await given.acquire();
        const had = [before, clock()];
        const thread = new Thread({ target: releases, args: [given] });
        thread.start();
        // Had until it was last seen so, and no longer when it was seen to be free.
        let last = had[1], now = last;
        for (; given.locked(); now = clock()) { last = now; nap(0.2); }
        tell({ name: "given", had, gave: [last, clock()] });
        await thread.join();
        console.log("done");
      }
    `);
    const told = traced.told<{ name: string; had: [string, string]; gave: [string, string] }>();
    assert.equal(told.length, 3);
    for (const { name, had, gave } of told) {
      const { holds } = traced.named(name);
      assert.equal(lockNamed(traced.report, name).acquisitions, 1);
      assert.equal(holds!.count, 1);
      assert.ok(traced.model.threads[holds!.thread[0]!]!.isMain, "who took it had it");
      traced.within(`${name} is had`, holds!.start[0]!, had);
      traced.within(`${name} is given back`, holds!.end[0]!, gave);
      assert.equal(lockNamed(traced.report, name).hold.maxNs, Math.round(holds!.end[0]! - holds!.start[0]!));
    }
    assert.equal(lockNamed(traced.report, "owned").kind, "RLock");
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
        function left(a: ${kind}, b: ${kind}, ready: Semaphore, go: Semaphore, waiting: Int32Array) {
          a.acquireSync(); ready.release(); go.acquireSync();
          hangs(waiting, () => b.acquireSync());
        }
        async function right(a: ${kind}, b: ${kind}, ready: Semaphore, go: Semaphore, waiting: Int32Array) {
          await b.acquire(); ready.release(); await go.acquire();
          const taken = a.acquire();
          Atomics.add(waiting, 0, 1);
          await taken;
        }
        ${hanging}
        if (isMain) {
          const a = new ${kind}({ name: "a" }), b = new ${kind}({ name: "b" }), ready = new Semaphore(0), go = new Semaphore(0);
          new Thread({ target: left, args: [a, b, ready, go, waiting], name: "left", daemon: true }).start();
          new Thread({ target: right, args: [a, b, ready, go, waiting], name: "right", daemon: true }).start();
          ready.acquireSync();
          ready.acquireSync();
          go.release(2);
          doneWhen(2);
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
      function dine(left: Lock, right: Lock, seated: Semaphore, eat: Semaphore, waiting: Int32Array) {
        left.acquireSync();
        seated.release();
        eat.acquireSync();
        hangs(waiting, () => right.acquireSync());
      }
      ${hanging}
      if (isMain) {
        const forks = Array.from({ length: 5 }, (_, i) => new Lock({ name: "fork " + i }));
        const seated = new Semaphore(0), eat = new Semaphore(0);
        for (let i = 0; i < 5; i++) {
          new Thread({ target: dine, args: [forks[i]!, forks[(i + 1) % 5]!, seated, eat, waiting], name: "philosopher " + i, daemon: true }).start();
        }
        for (let i = 0; i < 5; i++) await seated.acquire();
        eat.release(5);
        doneWhen(5);
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
