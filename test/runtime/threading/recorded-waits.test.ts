/**
 * What a trace says of waits for conditions, events and barriers, against what the script itself measured.
 *
 * The script reads the clock right before and after each wait, so both differ only by what lies between those readings
 * and the recorder's: microseconds, unless the thread loses its core just there. So the middle one of the deviations
 * must be within 1 %, and none may be more than a few slices of the scheduler.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { analyseFile } from "../../../src/analysis/analyse-file.js";
import { FlowKind, SliceKind, ThreadState, type TraceModel } from "../../../src/analysis/model.js";
import { jsonReport } from "../../../src/analysis/report/json-report.js";
import { expectScript, runScript } from "../../harness/run-script.js";

/** Milliseconds that a thread may lose its core for on a busy machine. */
const PREEMPTED = 100;

interface Measured {
  readonly thread: string;
  readonly ms: number;
  readonly by: string;
}

describe("the trace of waits", function () {
  this.timeout(90_000);
  const folder = mkdtempSync(join(tmpdir(), "heddle-waits-"));
  after(() => rmSync(folder, { recursive: true, force: true }));

  async function trace(
    name: string,
    source: string,
  ): Promise<{ model: TraceModel; measured: Measured[]; stdout: string }> {
    const file = join(folder, `${name}.heddle`);
    const { stdout } = await expectScript(
      `
      import { isMain } from "heddle";
      import { Barrier, Condition, Event, Lock, Thread, Timer, currentThread } from "heddle/threading";
      import { Queue } from "heddle/queue";
      const NAP = 120;
      const nap = (ms = NAP) => { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms); };
      const me = () => (currentThread().ident === 1 ? "main" : currentThread().name);
      const told: object[] = [];
      /** Times a wait; by: who is known to end it, "" for nobody. */
      async function timed<T>(by: string, wait: () => T): Promise<Awaited<T>> {
        const start = performance.now();
        let got: any;
        let end = 0;
        try { got = wait(); if (got instanceof Promise) got = await got; } finally { end = performance.now(); }
        console.log("wait " + JSON.stringify({ thread: me(), ms: end - start, by }));
        return got;
      }
      ${source}
      if (isMain) { await run(); console.log("done"); }
    `,
      { traced: true, runArgs: ["--out", file, "--report", "none"] },
    );
    const { model, problem } = analyseFile(readFileSync(file));
    assert.equal(problem, null);
    assert.equal(model.recorder.dropped, 0);
    const measured = [...stdout.matchAll(/^wait (.*)$/gm)].map((match) => JSON.parse(match[1] as string) as Measured);
    return { model, measured, stdout };
  }

  /**
   * Compares each thread's waits for the object, in their order, with what it measured; and who ended them. `guard`: a
   * lock that a wait takes again before it is over.
   */
  function compare(model: TraceModel, name: string, measured: readonly Measured[], guard?: string): void {
    const object = model.objects.find((each) => each.name === name);
    assert.ok(object, `no ${name}`);
    const off: number[] = [];
    for (const thread of model.threads) {
      const { slices } = thread;
      const own = measured.filter((each) => each.thread === thread.name);
      const rows: number[] = Array.from({ length: slices.count }, (_, row) => row).filter(
        (row) => slices.object[row] === object.index && slices.kind[row] === SliceKind.OtherWait,
      );
      assert.equal(rows.length, own.length, `waits of ${thread.name}`);
      rows.forEach((row, i) => {
        const { kind, object: objects, site, start, end } = slices;
        const again = row + 1;
        const takesAgain =
          guard !== undefined &&
          again < slices.count &&
          kind[again] === SliceKind.LockWait &&
          site[again] === site[row];
        if (takesAgain) assert.equal(model.objects[objects[again]!]!.name, guard);
        const ms = (end[takesAgain ? again : row]! - start[row]!) / 1e6;
        const { ms: expected, by } = own[i]!;
        off.push(Math.abs(ms - expected) / expected);
        assert.ok(Math.abs(ms - expected) < PREEMPTED, `${thread.name}: ${ms} ms in the trace, measured ${expected}`);
        const arrows = Array.from({ length: model.flows.count }, (_, flow) => flow).filter(
          (flow) =>
            model.flows.kind[flow] === FlowKind.Wake &&
            model.flows.object[flow] === object.index &&
            model.flows.toThread[flow] === thread.index &&
            model.flows.toTime[flow] === slices.end[row],
        );
        const from = arrows.map((flow) => model.threads[model.flows.fromThread[flow]!]!.name);
        assert.deepEqual(from, by === "" ? [] : [by], `who ended the wait of ${thread.name}`);
        for (const flow of arrows) {
          const { fromTime, toTime } = model.flows;
          assert.ok(fromTime[flow]! >= slices.start[row]! && fromTime[flow]! <= toTime[flow]!);
          assert.ok(toTime[flow]! - fromTime[flow]! < PREEMPTED * 1e6, "it went on soon after");
        }
      });
    }
    off.sort((x, y) => x - y);
    assert.ok(off[off.length >> 1]! < 0.01, `off by ${off.map((o) => (o * 100).toFixed(2))} %`);
    const total = measured.reduce((sum, { ms }) => sum + ms, 0);
    const report = jsonReport(model).locks.find((lock) => lock.name === name)!;
    if (guard === undefined) assert.ok(Math.abs(report.wait.totalNs / 1e6 - total) < measured.length * PREEMPTED);
    assert.equal(report.hold.totalNs, 0);
  }

  const rowOf = (model: TraceModel, name: string) => {
    const lock = jsonReport(model).locks.find((each) => each.name === name)!;
    return [lock.kind, lock.acquisitions, lock.contended, lock.timeouts, lock.maxWaiters];
  };

  it("for an event", async () => {
    const { model, measured, stdout } = await trace(
      "event",
      `
      async function work(event: Event, ready: Queue, blocking: boolean) {
        for (let round = 0; round < 3; round++) {
          ready.putSync(round);
          await timed("main", () => (blocking ? event.waitSync() : event.wait()));
          while (event.isSet()) nap(1);
        }
      }
      async function run() {
        const event = new Event({ name: "go" });
        const ready = new Queue();
        const threads = [true, false].map((blocking) => new Thread({ target: work, args: [event, ready, blocking], name: blocking ? "blocks" : "awaits" }));
        for (const t of threads) t.start();
        for (let round = 0; round < 3; round++) {
          for (const _ of threads) await ready.get();
          nap();
          const since = performance.now();
          event.set();
          // Both are through before the flag goes down.
          nap(20);
          event.clear();
          console.log("up " + (performance.now() - since));
        }
        for (const t of threads) await t.join();
        await timed("", () => event.waitSync({ timeout: NAP }));
        await timed("", () => event.wait({ timeout: NAP }));
        event.waitSync({ timeout: 0 });
        event.set();
        event.waitSync();
        await event.wait();
      }`,
    );
    assert.equal(measured.length, 8);
    assert.deepEqual(rowOf(model, "go"), ["Event", 6 + 2, 8, 2, 2]);
    compare(model, "go", measured);
    const { holds } = model.objects.find((each) => each.name === "go")!;
    assert.equal(holds!.count, 4, "the flag was up so often");
    const up = [...stdout.matchAll(/^up (.*)$/gm)].map((match) => Number(match[1]));
    for (let i = 0; i < 3; i++) {
      const ms = (holds!.end[i]! - holds!.start[i]!) / 1e6;
      assert.ok(Math.abs(ms - up[i]!) < PREEMPTED, `up for ${ms} ms, measured ${up[i]}`);
      assert.equal(model.threads[holds!.thread[i]!]!.name, "main");
    }
  });

  it("for a condition", async () => {
    const { model, measured } = await trace(
      "condition",
      `
      async function work(c: Condition, ready: Queue, blocking: boolean) {
        for (let round = 0; round < 3; round++) {
          await c.acquire();
          ready.putSync(round);
          await timed("notifier", () => (blocking ? c.waitSync() : c.wait()));
          c.release();
        }
      }
      async function notifies(c: Condition, ready: Queue) {
        for (let round = 0; round < 3; round++) {
          for (let i = 0; i < 2; i++) await ready.get();
          nap();
          using held = c.holdSync();
          if (round === 0) { c.notify(); c.notify(); } else if (round === 1) c.notify(2); else c.notifyAll();
        }
      }
      async function run() {
        const c = new Condition(new Lock({ name: "guard" }), { name: "changed" });
        const ready = new Queue();
        const threads = [true, false].map((blocking) => new Thread({ target: work, args: [c, ready, blocking], name: blocking ? "blocks" : "awaits" }));
        threads.push(new Thread({ target: notifies, args: [c, ready], name: "notifier" }) as never);
        for (const t of threads) t.start();
        for (const t of threads) await t.join();
        using held = c.holdSync();
        await timed("", () => c.waitSync({ timeout: NAP }));
        await timed("", () => c.wait({ timeout: NAP }));
      }`,
    );
    assert.equal(measured.length, 8);
    assert.deepEqual(rowOf(model, "changed"), ["Condition", 6, 8, 2, 2]);
    compare(model, "changed", measured, "guard");
    // The lock itself: 3 rounds of 2, once a round to notify, once at the end; and again after each of the 8 waits.
    assert.equal(jsonReport(model).locks.find((lock) => lock.name === "guard")!.acquisitions, 6 + 3 + 1 + 8);
  });

  it("for a barrier", async () => {
    const { model, measured } = await trace(
      "barrier",
      `
      async function work(barrier: Barrier, ready: Queue, go: Event[], blocking: boolean) {
        const mine = blocking ? "blocks" : "awaits";
        for (const [round, last] of ["main", "blocks", "awaits"].entries()) {
          ready.putSync(round);
          if (last === mine) {
            go[round]!.waitSync();
            blocking ? barrier.waitSync() : await barrier.wait();
          } else await timed(last, () => (blocking ? barrier.waitSync() : barrier.wait()));
        }
      }
      async function run() {
        const barrier = new Barrier(3, { name: "start" });
        const ready = new Queue();
        const go = [new Event(), new Event(), new Event()];
        const threads = [true, false].map((blocking) => new Thread({ target: work, args: [barrier, ready, go, blocking], name: blocking ? "blocks" : "awaits" }));
        for (const t of threads) t.start();
        for (let round = 0; round < 3; round++) {
          for (const _ of threads) await ready.get();
          if (round === 0) { nap(); barrier.waitSync(); continue; }
          const wait = timed(round === 1 ? "blocks" : "awaits", () => barrier.wait());
          nap();
          go[round]!.set();
          await wait;
        }
        for (const t of threads) await t.join();
        await timed("", () => { try { barrier.waitSync({ timeout: NAP }); } catch {} });
      }`,
    );
    assert.equal(measured.length, 7);
    assert.deepEqual(rowOf(model, "start"), ["Barrier", 9, 7, 1, 2]);
    compare(model, "start", measured);
    const { holds } = model.objects.find((each) => each.name === "start")!;
    const rounds = Array.from({ length: holds!.count }, (_, i) => model.threads[holds!.thread[i]!]!.name);
    assert.deepEqual(rounds, ["main", "blocks", "awaits"], "who came last");
    for (let i = 0; i < 3; i++) {
      const ms = (holds!.end[i]! - holds!.start[i]!) / 1e6;
      const longest = Math.max(...measured.filter(({ by }) => by === rounds[i]).map((wait) => wait.ms));
      assert.ok(Math.abs(ms - longest) < PREEMPTED, `a round of ${ms} ms, in which one waited ${longest}`);
    }
  });

  it("for a timer: asleep by its own wish", async () => {
    const { model } = await trace(
      "timer",
      `
      function ring() {}
      async function run() {
        const t = new Timer(3_600_000, ring, { name: "alarm" });
        t.start();
        // It runs, and will soon sleep.
        if (t.nativeId !== null) nap(600);
        t.cancel();
        await t.join();
      }`,
    );
    const thread = model.threads.find((each) => each.name === "alarm")!;
    const { slices, states } = thread;
    const row = Array.from({ length: slices.count }, (_, i) => i).find(
      (i) => model.strings[slices.name[i]!] === "sleep",
    )!;
    assert.ok(slices.end[row]! - slices.start[row]! > 20e6);
    const middle = (slices.start[row]! + slices.end[row]!) / 2;
    const state = Array.from({ length: states.count }, (_, i) => i).find(
      (i) => states.start[i]! <= middle && !(states.end[i]! < middle),
    )!;
    assert.equal(states.state[state], ThreadState.Sleeping);
    assert.deepEqual(jsonReport(model).locks, [], "its flag is nobody's event");
  });

  it("for what never comes: says who waits for what, and ends with its own exit code", async () => {
    const { code, stderr } = await runScript(
      `
      import { isMain } from "heddle";
      import { Barrier, Condition, Event, Thread } from "heddle/threading";
      function listen(news: Condition) { using held = news.holdSync(); news.waitSync(); }
      async function run(gate: Barrier) { await gate.wait(); }
      if (isMain) {
        new Thread({ target: listen, args: [new Condition(undefined, { name: "news" })], name: "listener" }).start();
        new Thread({ target: run, args: [new Barrier(2, { name: "gate" })], name: "runner" }).start();
        await new Event({ name: "go" }).wait();
      }
    `,
      {
        traced: true,
        runArgs: ["--on-hang", "stop", "--report", "none", "--out", join(folder, "hang.heddle")],
        timeout: 40_000,
      },
    );
    assert.equal(code, 86, stderr);
    assert.match(stderr, /“main” +waits for Event “go” to be set, at .*script\.ts:9/);
    assert.match(stderr, /“listener” waits to be notified by Condition “news”, at .*script\.ts:4/);
    assert.match(stderr, /“runner” +waits for the other parties of Barrier “gate”, at .*script\.ts:5/);
  });
});
