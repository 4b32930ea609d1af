import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatDuration, readSummary } from "../../src/extension/trace-summary.js";
import { ms, SyntheticTrace } from "../analysis/synthetic-trace.js";

describe("the summary of a trace", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "heddle-summary-"));
  });
  after(() => rmSync(folder, { recursive: true }));

  function file(name: string, bytes: Uint8Array | string): string {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    return path;
  }

  function trace(events: number): SyntheticTrace {
    const trace = new SyntheticTrace({ command: ["a.ts", "x y"], cwd: "/here" });
    const main = trace.process(7, "a.ts").thread("main");
    const lock = main.lock(0, "bank");
    for (let i = 0; i < events; i++) main.acquire(ms(i) + 1, lock).release(ms(i) + 100, lock);
    main.end(ms(events));
    return trace;
  }

  it("is the same for a small file and one that is read only at its ends", async () => {
    for (const events of [3, 20_000]) {
      const bytes = trace(events).bytes({ exitCode: 4 });
      strictEqual(bytes.length > 3 * 64 * 1024, events > 1000);
      const summary = await readSummary(file("whole.heddle", bytes));
      deepStrictEqual(summary.command, ["a.ts", "x y"]);
      strictEqual(summary.cwd, "/here");
      strictEqual(summary.startedAt, Date.UTC(2026, 0, 2, 3, 4, 5));
      strictEqual(summary.durationNs, ms(events));
      deepStrictEqual([summary.complete, summary.exitCode, summary.problem], [true, 4, ""]);
      strictEqual(summary.bytes, bytes.length);
    }
  });

  it("tells a run that could never go on", async () => {
    const stopped = { exitCode: null, signal: "SIGTERM" };
    strictEqual((await readSummary(file("hung.heddle", trace(3).bytes({ ...stopped, hung: true })))).hung, true);
    strictEqual((await readSummary(file("stopped.heddle", trace(3).bytes(stopped)))).hung, false);
  });

  it("of a cut file says up to where it is known", async () => {
    const bytes = trace(20_000).bytes({ end: false });
    const summary = await readSummary(file("cut.heddle", bytes.subarray(0, Math.floor(bytes.length / 2))));
    strictEqual(summary.complete, false);
    strictEqual(summary.problem, "");
    ok(summary.durationNs > ms(5000) && summary.durationNs < ms(15_000), `${summary.durationNs}`);
  });

  it("of what is no trace says so", async () => {
    match((await readSummary(file("empty.heddle", ""))).problem, /empty/);
    match((await readSummary(file("text.heddle", "no trace ".repeat(20)))).problem, /not a Heddle trace/);
    match((await readSummary(file("long.heddle", "no trace ".repeat(20_000)))).problem, /not a Heddle trace/);
    const cut = trace(1).bytes().subarray(0, 20);
    ok((await readSummary(file("head.heddle", cut))).problem);
  });

  it("writes durations for people", () => {
    deepStrictEqual([1.25e6, 12e6, 999e6, 1.239e9, 59.94e9, 125e9, Number.NaN].map(formatDuration), [
      "1.3 ms",
      "12 ms",
      "999 ms",
      "1.24 s",
      "59.9 s",
      "2 min 5 s",
      "unknown duration",
    ]);
  });
});
