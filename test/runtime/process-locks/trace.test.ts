/** What the trace says of locks between processes against what the script did. */
import assert from "node:assert/strict";
import type { JsonReport } from "../../../src/analysis/report/report-types.js";
import { expectScript, runScript } from "../../harness/run-script.js";

async function reportOf(source: string): Promise<{ report: JsonReport; stdout: string }> {
  const { stderr, stdout } = await expectScript(source, {
    traced: true,
    runArgs: ["--report", "json"],
    timeout: 60_000,
  });
  return { report: JSON.parse(stderr.slice(stderr.indexOf("{"))) as JsonReport, stdout };
}

/** Lengths that the processes measured themselves, as they printed them: nanoseconds. */
function measured(stdout: string): Record<string, number> {
  const all = stdout.matchAll(/MEASURED (.*)/g);
  return Object.assign({}, ...[...all].map((found) => JSON.parse(found[1]!) as object)) as Record<string, number>;
}

/** As long as the process measured itself, but for what a machine with much to do takes between two readings of a clock. */
function near(actual: number, expected: number, what: string): void {
  assert.ok(Math.abs(actual - expected) <= 20e6, `${what}: ${actual}, not ${expected}`);
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
  const still = new Int32Array(new SharedArrayBuffer(4));
  const sleep = (ms: number) => Atomics.wait(still, 0, 0, ms);
  const tell = (lengths: object) => console.log("MEASURED " + JSON.stringify(lengths));
  const since = (t: number) => (performance.now() - t) * 1e6;
`;

describe("the trace of locks between processes", function () {
  this.timeout(120_000);

  it("has each lock once, with the holds and waits of all processes", async () => {
    const { report, stdout } = await reportOf(`${common}
      function child(lock: Lock, rlock: RLock, turn: Semaphore, go: Semaphore) {
        for (let i = 0; i < 500; i++) { lock.acquireSync(); lock.release(); }
        // The first look for the line that called takes a while, before the wait begins.
        lock.acquireSync();
        sleep(1);
        turn.release();
        go.acquireSync();
        const held = performance.now();
        sleep(300);
        tell({ held: since(held) });
        lock.release();
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
        const waited = performance.now();
        lock.acquireSync();
        tell({ waited: since(waited) });
        lock.release();
        for (let i = 0; i < 100; i++) { lock.acquireSync(); lock.release(); }
        await process.join();
        console.log("done");
      }
    `);
    const lengths = measured(stdout);
    const lock = named(report, "shared");
    assert.equal(lock.kind, "Lock");
    assert.equal(lock.acquisitions, 602);
    assert.equal(lock.timeouts, 1);
    near(lock.wait.maxNs, lengths.waited!, "the wait");
    assert.ok(lock.hold.maxNs >= lengths.held!, "the hold");
    assert.equal(named(report, "again").acquisitions, 1);
    assert.equal(named(report, "turn").acquisitions, 1);
  });

  it("has who waited for an event, a condition and a barrier, and for how long", async () => {
    const { report, stdout } = await reportOf(`${common}
      function child(event: Event, barrier: Barrier, condition: Condition) {
        // The first look for the line that called takes a while, before the wait begins.
        event.waitSync({ timeout: 1 });
        barrier.waitSync();
        const began = performance.now();
        event.waitSync();
        tell({ event: since(began) });
        condition.acquireSync();
        condition.waitSync({ timeout: 1 });
        barrier.waitSync();
        const slept = performance.now();
        condition.waitSync();
        tell({ condition: since(slept) });
        condition.release();
      }
      if (isMain) {
        const event = new Event({ name: "event" }), barrier = new Barrier(2, { name: "barrier" });
        const condition = new Condition(new Lock({ name: "guard" }), { name: "condition" });
        const process = new Process({ target: child, args: [event, barrier, condition] });
        process.start();
        barrier.waitSync();
        sleep(300);
        event.set();
        barrier.waitSync();
        condition.acquireSync();
        sleep(200);
        condition.notify();
        condition.release();
        await process.join();
        console.log("done");
      }
    `);
    const lengths = measured(stdout);
    near(named(report, "event").wait.maxNs, lengths.event!, "the event");
    near(named(report, "condition").wait.maxNs, lengths.condition!, "the condition");
    assert.equal(named(report, "barrier").acquisitions, 4);
    assert.equal(named(report, "condition").contended, 2);
  });

  it("names a process that died with a lock", async () => {
    const { report } = await reportOf(`${common}
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
