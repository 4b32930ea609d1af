/** When the runner takes what its processes say for a program that can never go on. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Hang, HangMonitor } from "../../src/runner/hang-monitor.js";
import { hangFrame, processStartFrame } from "../../src/trace/writer.js";

describe("the monitor of hangs", () => {
  let folder: string;
  let child: ChildProcess;
  let monitor: HangMonitor;
  let told: (Hang | null)[];
  let coreAwaitedMs = 0;
  const append = (frame: Uint8Array) => appendFileSync(join(folder, "some.heddle"), frame);
  const [first, second] = [process.pid, () => child.pid as number];
  const says = (pid: number, hung: boolean, t: number, sinceNs = t) => {
    append(hangFrame({ pid, t, hung, sinceNs }));
    monitor.look();
  };

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "heddle-monitor-"));
    // Another process that is there: what it does is of no matter.
    child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1e6)"]);
    await once(child, "spawn");
    told = [];
    append(processStartFrame({ pid: first, parentPid: -1, name: "one", t: 0 }));
    append(processStartFrame({ pid: second(), parentPid: first, name: "two", t: 0 }));
    monitor = new HangMonitor(
      join(folder, "some.heddle"),
      (hang) => told.push(hang),
      () => coreAwaitedMs,
    );
  });

  afterEach(() => {
    monitor.stop();
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });

  it("is told that no process can go on when all have said it again since the last came to rest", () => {
    says(first, true, 100, 40);
    says(first, true, 150, 40);
    says(second(), true, 200, 120);
    says(second(), true, 250, 120);
    // The first may have been handed something by the second, just before that came to rest.
    assert.deepEqual(told, []);
    says(first, true, 260, 40);
    assert.deepEqual(told, [{ pids: [first, second()], sinceNs: 120 }]);
    says(first, true, 300, 40);
    assert.equal(told.length, 1);
  });

  it("waits for a process that has begun and has had no core yet to come to record", () => {
    const real = performance.now;
    try {
      const begun = real.call(performance);
      let laterMs = 0;
      performance.now = () => begun + laterMs;
      says(first, true, 100);
      says(first, true, 150);
      // What it had of its time is little.
      for (const [at, awaited] of [
        [9_000, 0],
        [30_000, 25_000],
        [60_000, 52_000],
      ] as const) {
        [laterMs, coreAwaitedMs] = [at, awaited];
        says(first, true, 200);
        assert.deepEqual(told, []);
      }
      // It had its time and does not record: what it is, is no process that could bring anything.
      laterMs = 70_000;
      says(first, true, 250);
      assert.equal(told.length, 1);
    } finally {
      performance.now = real;
    }
  });

  it("is told nothing of a process that was woken meanwhile, and that a program goes on after all", () => {
    says(first, true, 100);
    says(second(), true, 200);
    says(first, false, 210);
    says(second(), true, 250);
    assert.deepEqual(told, []);
    says(first, true, 300);
    says(second(), true, 310);
    assert.deepEqual(told, []);
    says(first, true, 320);
    assert.equal(told.length, 1);
    says(second(), false, 330);
    assert.deepEqual(told.slice(1), [null]);
  });
});
