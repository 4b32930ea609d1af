/** What the trace says of locks between processes against what the script did. */
import assert from "node:assert/strict";
import { SliceKind } from "../../../src/analysis/model.js";
import type { JsonReport } from "../../../src/analysis/report/report-types.js";
import { expectScript, runScript } from "../../harness/run-script.js";
import { CLOCKS_NS, measuring, TracedScript } from "../../harness/traced-script.js";

async function reportOf(source: string): Promise<JsonReport> {
  const { stderr } = await expectScript(source, { traced: true, runArgs: ["--report", "json"], timeout: 60_000 });
  return JSON.parse(stderr.slice(stderr.indexOf("{"))) as JsonReport;
}

const named = (report: JsonReport, name: string) => {
  const found = report.locks.filter((each) => each.name === name);
  assert.equal(found.length, 1, `${found.length} locks ${name}`);
  assert.equal(found[0]!.scope, "process");
  return found[0]!;
};

const common = `
  import { isMain } from "heddle";
  import { Barrier, Condition, Event, Lock, Process, RLock, Semaphore } from "heddle/multiprocessing";
  ${measuring}
`;

/** How long each wait was is held beside the clock in `runtime/trace/ended-waits-of-processes.test.ts`. */
describe("the trace of locks between processes", function () {
  this.timeout(120_000);

  it("has each lock once, with the holds and waits of all processes", async () => {
    const traced = await TracedScript.run(`${common}
      function child(lock: Lock, rlock: RLock, turn: Semaphore, go: Semaphore) {
        for (let i = 0; i < 500; i++) { lock.acquireSync(); lock.release(); }
        // The first look for the line that called takes a while.
        const had = around(() => lock.acquireSync());
        nap(1);
        turn.release();
        go.acquireSync();
        nap(60);
        tell({ had, gave: around(() => lock.release()) });
        rlock.acquireSync();
        rlock.release();
      }
      if (isMain) {
        const lock = new Lock({ name: "shared" }), rlock = new RLock({ name: "again" });
        const turn = new Semaphore(0, { name: "turn" }), go = new Semaphore(0, { name: "go" });
        const process = new Process({ target: child, args: [lock, rlock, turn, go] });
        process.start();
        turn.acquireSync();
        lock.acquireSync({ timeout: 1 });
        go.release();
        tell({ waited: around(() => lock.acquireSync()) });
        lock.release();
        for (let i = 0; i < 100; i++) { lock.acquireSync(); lock.release(); }
        await process.join();
        console.log("done");
      }
    `);
    const { report } = traced;
    const [gave, waited] = ["gave", "waited"].map((what) => {
      const told = traced.told<Record<string, [string, string]>>().find((each) => what in each);
      assert.ok(told, what);
      return told;
    });
    const lock = named(report, "shared");
    assert.equal(lock.kind, "Lock");
    assert.equal(lock.acquisitions, 602);
    assert.equal(lock.timeouts, 1);
    const [gaveUp, wait] = traced.slicesOf("shared", SliceKind.LockWait);
    assert.ok(gaveUp!.end <= wait!.start);
    // It may have lost its core between the readings and the wait: that is no wait of the lock's.
    const [from, until] = waited!.waited!;
    traced.within("the wait begins", wait!.start, [from, until]);
    traced.within("the wait ends", wait!.end, [gave!.gave![0], until]);
    const { holds } = traced.named("shared");
    const givenBack = traced.time(gave!.gave![0]) - CLOCKS_NS;
    const row = holds!.start.findIndex((start, i) => start <= givenBack && holds!.end[i]! >= givenBack);
    traced.within("the hold begins", holds!.start[row]!, gave!.had!);
    traced.within("the hold ends", holds!.end[row]!, gave!.gave!);
    assert.equal(named(report, "again").acquisitions, 1);
    assert.equal(named(report, "turn").acquisitions, 1);
  });

  it("has who waited for an event, a condition and a barrier, and how often", async () => {
    const report = await reportOf(`${common}
      function child(event: Event, barrier: Barrier, condition: Condition) {
        event.waitSync({ timeout: 1 });
        barrier.waitSync();
        event.waitSync();
        condition.acquireSync();
        condition.waitSync({ timeout: 1 });
        barrier.waitSync();
        condition.waitSync();
        condition.release();
      }
      if (isMain) {
        const event = new Event({ name: "event" }), barrier = new Barrier(2, { name: "barrier" });
        const condition = new Condition(new Lock({ name: "guard" }), { name: "condition" });
        const process = new Process({ target: child, args: [event, barrier, condition] });
        process.start();
        barrier.waitSync();
        event.set();
        barrier.waitSync();
        // The child has the lock until it waits.
        condition.acquireSync();
        condition.notify();
        condition.release();
        await process.join();
        console.log("done");
      }
    `);
    const event = named(report, "event");
    assert.deepEqual([event.acquisitions, event.timeouts], [1, 1]);
    assert.equal(named(report, "barrier").acquisitions, 4);
    const condition = named(report, "condition");
    assert.deepEqual([condition.contended, condition.timeouts], [2, 1]);
  });

  it("names a process that died with a lock", async () => {
    const report = await reportOf(`${common}
      function take(lock: Lock) { lock.acquireSync(); process.kill(process.pid, "SIGKILL"); }
      if (isMain) {
        const lock = new Lock({ name: "left" });
        const child = new Process({ name: "fragile", target: take, args: [lock] });
        child.start();
        await child.join();
        await lock.acquire().then(() => process.exit(1), () => console.log("done"));
      }
    `);
    const finding = report.findings.find((each) => /died while it held “left”/.test(each.title));
    assert.ok(finding, JSON.stringify(report.findings));
    assert.match(finding.title, /fragile/);
  });

  it("finds a deadlock between processes, and names both", async () => {
    const { code, stderr } = await runScript(
      `${common}
      function want(first: Lock, second: Lock, both: Barrier) {
        first.acquireSync();
        both.waitSync();
        second.acquireSync();
      }
      if (isMain) {
        const a = new Lock({ name: "A" }), b = new Lock({ name: "B" }), both = new Barrier(2);
        new Process({ name: "other", target: want, args: [a, b, both] }).start();
        want(b, a, both);
      }
    `,
      { traced: true, timeout: 60_000 },
    );
    assert.equal(code, 86, stderr);
    assert.match(stderr, /main of other/);
    assert.match(stderr, /“A”/);
    assert.match(stderr, /“B”/);
  });
});
