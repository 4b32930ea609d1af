/** Requests to a manager in the trace, against what the script did. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JsonReport } from "../../../src/analysis/report/report-types.js";
import { runScript } from "../../harness/run-script.js";

interface Times {
  readonly totalNs: number;
  readonly count?: number;
}
interface ManagerReport {
  readonly pid: number;
  readonly name: string;
  readonly clients: number;
  readonly requests: number;
  readonly total: Times;
  readonly served: Times;
  readonly wire: Times;
  readonly methods: readonly { readonly name: string; readonly requests: number; readonly served: Times }[];
}

describe("managers in the trace", function () {
  this.timeout(120_000);
  const folder = mkdtempSync(join(tmpdir(), "heddle-manager-trace-"));
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("shows each request once, with its time in the server and on the wire, by whom it was asked", async () => {
    const reportFile = join(folder, "report.json");
    const options = ["--out", join(folder, "t.heddle"), "--report", "json", "--report-file", reportFile];
    const { code, stderr } = await runScript(
      `
      import { isMain } from "heddle";
      import { BaseManager, Process } from "heddle/multiprocessing";
      class Slow {
        async nap(ms: number) { await new Promise((r) => setTimeout(r, ms)); }
        fail() { throw new Error("on purpose"); }
      }
      class Base extends BaseManager {}
      const M = Base.register("Slow", { class: Slow });
      type SlowProxy = Awaited<ReturnType<InstanceType<typeof M>["Slow"]>>;
      async function client(slow: SlowProxy) {
        for (let i = 0; i < 5; i++) await slow.nap(20);
        slow.napSync(20);
      }
      if (isMain) {
        await using manager = new M({ name: "slow server" });
        await manager.start();
        const slow = await manager.Slow();
        const child = new Process({ target: client, args: [slow] });
        child.start();
        await Promise.all([slow.nap(100), slow.nap(100)]);
        await slow.fail().catch(() => {});
        await child.join();
      }
      `,
      { traced: true, runArgs: options, timeout: 90_000 },
    );
    assert.equal(code, 0, stderr);
    const report = JSON.parse(readFileSync(reportFile, "utf8")) as { managers: ManagerReport[] };
    assert.equal(report.managers.length, 1, JSON.stringify(report.managers));
    const manager = report.managers[0]!;
    assert.equal(manager.name, "slow server");
    const methods = new Map(manager.methods.map((method) => [method.name, method]));
    assert.deepEqual([...methods.keys()].sort(), ["Slow.create", "Slow.fail", "Slow.nap"]);
    assert.equal(methods.get("Slow.nap")!.requests, 8);
    assert.equal(methods.get("Slow.create")!.requests, 1);
    // Each nap is served for as long as it was asked for, at least: a timer may be a millisecond early.
    assert.ok(methods.get("Slow.nap")!.served.totalNs >= (6 * 19 + 2 * 99) * 1e6);
    assert.ok(manager.total.totalNs >= manager.served.totalNs);
    assert.ok(manager.wire.totalNs > 0);
    assert.equal(manager.clients, 2);
  });

  it("shows a manager's locks and queues as one lane each, whoever uses them", async () => {
    const reportFile = join(folder, "locks.json");
    const options = ["--out", join(folder, "l.heddle"), "--report", "json", "--report-file", reportFile];
    const { code, stderr } = await runScript(
      `
      import { isMain } from "heddle";
      import { type AcquirerProxy, type EventProxy, Manager, Process, type QueueProxy } from "heddle/multiprocessing";
      async function other(ledger: AcquirerProxy, again: AcquirerProxy, waits: EventProxy, jobs: QueueProxy<number>) {
        await waits.set();
        await ledger.acquire(); // main has it
        await ledger.release();
        using first = again.holdSync();
        using second = again.holdSync();
        for (let i = 0; i < 3; i++) await jobs.get();
      }
      if (isMain) {
        await using manager = await Manager();
        const ledger = await manager.Lock({ name: "ledger" }), again = await manager.RLock({ name: "again" });
        const jobs = await manager.Queue<number>({ name: "jobs", maxSize: 5 }), waits = await manager.Event();
        await ledger.acquire();
        const child = new Process({ target: other, args: [ledger, again, waits, jobs], name: "other" });
        child.start();
        await waits.wait();
        await new Promise((r) => setTimeout(r, 200)); // held for so long, at least
        await ledger.release();
        for (let i = 0; i < 4; i++) await jobs.put(i);
        await child.join();
      }
      `,
      { traced: true, runArgs: options, timeout: 90_000 },
    );
    assert.equal(code, 0, stderr);
    const report = JSON.parse(readFileSync(reportFile, "utf8")) as {
      locks: {
        name: string;
        kind: string;
        scope: string;
        acquisitions: number;
        contended: number;
        hold: { maxNs: number };
        wait: { maxNs: number };
      }[];
      queues: { name: string; capacity: number; puts: number; gets: number; maxDepth: number }[];
    };
    const named = (name: string) => report.locks.filter((lock) => lock.name === name);
    assert.equal(named("ledger").length, 1, JSON.stringify(report.locks));
    const [ledger] = named("ledger");
    assert.deepEqual([ledger!.kind, ledger!.scope, ledger!.acquisitions], ["Lock", "manager", 2]);
    assert.ok(ledger!.hold.maxNs >= 199e6);
    assert.ok(ledger!.contended <= 1 && ledger!.wait.maxNs < ledger!.hold.maxNs * 2);
    // Taken twice by one owner is once for all others.
    const [again] = named("again");
    assert.deepEqual([again!.kind, again!.acquisitions, again!.contended], ["RLock", 1, 0]);
    const jobs = report.queues.find(({ name }) => name === "jobs")!;
    assert.deepEqual([jobs.capacity, jobs.puts, jobs.gets], [5, 4, 3]);
  });

  it("shows a manager's conditions, events and barriers, with who waited and for how long", async () => {
    const reportFile = join(folder, "signals.json");
    const trace = join(folder, "s.heddle");
    const options = ["--out", trace, "--report", "json", "--report-file", reportFile];
    const { code, stderr, stdout } = await runScript(
      `
      import { isMain } from "heddle";
      import { type BarrierProxy, type ConditionProxy, type EventProxy, Manager, Process } from "heddle/multiprocessing";
      const tell = (name: string, since: number) => console.log("MEASURED " + JSON.stringify({ [name]: (performance.now() - since) * 1e6 }));
      async function other(gun: EventProxy, meeting: BarrierProxy, shop: ConditionProxy) {
        // The first look for the line that called takes a while, before the wait begins.
        await gun.wait({ timeout: 1 });
        await meeting.wait();
        const began = performance.now();
        gun.waitSync();
        tell("gun", began);
        await shop.acquire();
        await meeting.wait(); // main comes for the lock now, and cannot have it yet
        const slept = performance.now();
        await shop.wait();
        tell("shop", slept);
        await shop.release();
      }
      if (isMain) {
        await using manager = await Manager();
        const gun = await manager.Event({ name: "gun" }), meeting = await manager.Barrier(2, { name: "meeting" });
        const shop = await manager.Condition(undefined, { name: "shop" });
        const child = new Process({ target: other, args: [gun, meeting, shop], name: "other" });
        child.start();
        await meeting.wait();
        await new Promise((r) => setTimeout(r, 500));
        await gun.set();
        if (!(await gun.wait())) throw new Error("it is up");
        await gun.clear();
        await meeting.wait();
        {
          using held = await shop.hold();
          await new Promise((r) => setTimeout(r, 500));
          await shop.notify();
        }
        await child.join();
        await meeting.abort();
        await meeting.wait().then(() => { throw new Error("it is broken"); }, () => {});
      }
      `,
      { traced: true, runArgs: options, timeout: 90_000 },
    );
    assert.equal(code, 0, stderr);
    const measured: Record<string, number> = Object.assign(
      {},
      ...[...stdout.matchAll(/MEASURED (.*)/g)].map((found) => JSON.parse(found[1]!) as object),
    );
    const report = JSON.parse(readFileSync(reportFile, "utf8")) as JsonReport;
    const named = (name: string) => {
      const found = report.locks.filter((lock) => lock.name === name);
      assert.equal(found.length, 1, `${found.length} of ${name}: ${JSON.stringify(report.locks)}`);
      assert.equal(found[0]!.scope, "manager");
      return found[0]!;
    };
    // Of a wait, the way to the server and back is no part.
    const within = (name: string, least: number) => {
      const { wait } = named(name);
      assert.ok(
        wait.maxNs >= least && wait.maxNs <= measured[name]! + 1e6,
        `${name}: ${wait.maxNs} of ${measured[name]}`,
      );
    };
    const [gun, meeting, shop] = [named("gun"), named("meeting"), named("shop")];
    assert.deepEqual([gun.kind, gun.acquisitions, gun.timeouts], ["Event", 2, 1]);
    assert.deepEqual([meeting.kind, meeting.acquisitions], ["Barrier", 4]);
    assert.deepEqual([shop.kind, shop.acquisitions, shop.timeouts], ["Condition", 1, 0]);
    // Either is waited for from before the other sleeps: far more than this, but for what a busy machine takes.
    within("gun", 20e6);
    within("shop", 20e6);
  });
});
