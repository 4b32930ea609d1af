import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import Ajv from "ajv";
import fc from "fast-check";
import { analyseFile } from "../../src/analysis/analyse-file.js";
import { formatDuration, formatShare, printable } from "../../src/analysis/report/format.js";
import { jsonReport } from "../../src/analysis/report/json-report.js";
import type { JsonReport } from "../../src/analysis/report/report-types.js";
import { textReport } from "../../src/analysis/report/text-report.js";
import { textWidth, wrap } from "../../src/analysis/report/text-width.js";
import { largeTrace } from "./large-trace.js";
import { ms, SyntheticTrace } from "./synthetic-trace.js";

const schema = JSON.parse(readFileSync(join(__dirname, "../../docs/report.schema.json"), "utf8"));
const validate = new Ajv({ allErrors: true }).compile(schema);

function reportOf(trace: SyntheticTrace, ending?: Parameters<SyntheticTrace["bytes"]>[0]): JsonReport {
  const { model, problem } = analyseFile(trace.bytes(ending));
  assert.equal(problem, null);
  const report = jsonReport(model);
  assert.ok(validate(JSON.parse(JSON.stringify(report))), JSON.stringify(validate.errors));
  return report;
}

function finding(report: JsonReport, rule: string) {
  const found = report.findings.find((one) => one.rule === rule);
  assert.ok(found, `no finding ${rule} among ${report.findings.map((one) => one.rule).join(", ")}`);
  return found;
}

const start = () => {
  const trace = new SyntheticTrace({ cores: 4, command: ["/work/bank.ts", "4"] });
  return { trace, main: trace.process(100, "bank.ts").thread("main") };
};

describe("JSON report", () => {
  it("gives a lock's exact numbers", () => {
    const { trace, main } = start();
    const lock = main.lock(ms(1), "accounts", "file:///work/bank.ts:12:9");
    const threads = [1, 2, 3].map((i) => main.spawn(ms(2), `teller-${i}`));
    threads[0]!.acquire(ms(10), lock).release(ms(20), lock);
    threads[1]!.acquire(ms(20), lock, { since: ms(12) }).release(ms(50), lock);
    threads[2]!.acquire(ms(50), lock, { since: ms(14) }).release(ms(52), lock);
    main.lockTimeout(ms(40), lock, { since: ms(30) });
    main.mark(ms(100), "end");
    const report = reportOf(trace);
    assert.deepEqual(report.locks, [
      {
        id: "lock-1",
        kind: "Lock",
        name: "accounts",
        scope: "thread",
        site: "/work/bank.ts:12",
        acquisitions: 3,
        contended: 3,
        timeouts: 1,
        wait: { totalNs: ms(54), meanNs: ms(18), p50Ns: ms(10), p99Ns: ms(36), maxNs: ms(36) },
        hold: { totalNs: ms(42), meanNs: ms(14), p50Ns: ms(10), p99Ns: ms(30), maxNs: ms(30) },
        maxWaiters: 2,
      },
    ]);
    assert.equal(report.durationNs, ms(100));
    const contended = finding(report, "contended-lock");
    assert.equal(contended.costNs, ms(54));
    assert.deepEqual(contended.subjects, ["lock-1"]);
    assert.deepEqual(contended.sites, ["/work/main.ts:10"]);
    assert.equal(contended.severity, "warning");
  });

  it("gives a queue's exact numbers and says that it is full", () => {
    const { trace, main } = start();
    const queue = main.queue(ms(0), "pages", 2);
    const consumer = main.spawn(ms(0), "consumer");
    main.put(ms(10), queue).put(ms(20), queue);
    consumer.get(ms(60), queue);
    main.put(ms(61), queue, { since: ms(21) });
    consumer.get(ms(90), queue).get(ms(100), queue);
    const report = reportOf(trace);
    const [pages] = report.queues;
    assert.equal(pages!.puts, 3);
    assert.equal(pages!.gets, 3);
    assert.equal(pages!.maxDepth, 2);
    // 1 for 10 + 1 + 10 ms and 2 for 40 + 29 ms, over the 90 ms since the first put.
    assert.equal(pages!.meanDepth, 1.767);
    assert.equal(pages!.putWait.totalNs, ms(40));
    assert.deepEqual(pages!.residence, {
      totalNs: ms(50 + 70 + 39),
      meanNs: ms(53),
      p50Ns: ms(50),
      p99Ns: ms(70),
      maxNs: ms(70),
    });
    assert.equal(finding(report, "saturated-queue").costNs, ms(40));
  });

  it("gives a pool's exact numbers, and says what failed", () => {
    const { trace, main } = start();
    const pool = main.pool(ms(0), "hashers", 2);
    const workers = [1, 2].map((i) => main.spawn(ms(0), `w${i}`).worksFor(ms(1), pool));
    const tasks = [10, 10, 10].map((t) => main.submit(ms(t), pool, "hash"));
    workers[0]!.task(ms(20), ms(60), pool, tasks[0]!, "hash");
    workers[1]!.task(ms(20), ms(40), pool, tasks[1]!, "hash", true);
    workers[1]!.task(ms(40), ms(90), pool, tasks[2]!, "hash");
    const report = reportOf(trace);
    const { queueWait, run, ...rest } = report.pools[0]!;
    assert.deepEqual(rest, {
      id: "pool-1",
      kind: "ThreadPoolExecutor",
      name: "hashers",
      site: "/work/main.ts:1",
      workers: 2,
      tasks: 3,
      failed: 1,
      cancelled: 0,
      maxQueued: 3,
      // 110 ms of work in the 80 ms from the first submit to the last end, on two workers.
      busyFraction: 0.6875,
    });
    assert.equal(queueWait.totalNs, ms(10 + 10 + 30));
    assert.equal(run.maxNs, ms(50));
    assert.equal(finding(report, "failing-tasks").severity, "warning");
  });

  it("finds a deadlock of two threads, names the circle, and nothing else", () => {
    const { trace, main } = start();
    const [left, right] = [main.lock(0, "left"), main.lock(0, "right")];
    const a = main.spawn(ms(1), "a");
    const b = main.spawn(ms(1), "b");
    a.acquire(ms(10), left);
    b.acquire(ms(11), right);
    a.waitForLock(ms(20), right, { site: "file:///work/d.ts:5:3" });
    b.waitForLock(ms(21), left, { site: "file:///work/d.ts:9:3" });
    main.join(ms(5), null, a);
    for (const ending of [{ end: false }, { signal: "SIGINT", exitCode: null }]) {
      main.mark(ms(200), "later");
      if (ending.signal) main.process.exit(ms(201), null, "SIGINT");
      const report = reportOf(trace, ending);
      assert.deepEqual(report.deadlocks, [
        {
          cycle: [
            { thread: "thread-2", waitsFor: "lock-2", heldBy: "thread-3", site: "/work/d.ts:5" },
            { thread: "thread-3", waitsFor: "lock-1", heldBy: "thread-2", site: "/work/d.ts:9" },
          ],
        },
      ]);
      assert.equal(report.findings[0]!.rule, "deadlock");
      assert.equal(report.findings[0]!.severity, "error");
      assert.match(report.findings[0]!.detail, /“a” waits for “right”, which “b” holds/);
    }
  });

  it("sees a circle through a join, and a lock taken twice", () => {
    const { trace, main } = start();
    const lock = main.lock(0, "l");
    const child = main.spawn(ms(1), "child");
    main.acquire(ms(2), lock).join(ms(10), null, child);
    child.waitForLock(ms(5), lock);
    const other = main.lock(0, "again");
    const selfish = main.spawn(ms(1), "selfish");
    selfish.acquire(ms(3), other);
    selfish.waitForLock(ms(4), other);
    main.mark(ms(100), "end");
    const { deadlocks } = reportOf(trace, { end: false });
    assert.deepEqual(
      deadlocks.map(({ cycle }) => cycle.map((step) => [step.thread, step.waitsFor, step.heldBy])),
      [
        [
          ["thread-1", "thread-2", "thread-2"],
          ["thread-2", "lock-1", "thread-1"],
        ],
        [["thread-3", "lock-2", "thread-3"]],
      ],
    );
  });

  it("does not take waiting for a busy holder for a deadlock", () => {
    const { trace, main } = start();
    const lock = main.lock(0, "l");
    const a = main.spawn(ms(1), "a");
    main.acquire(ms(2), lock);
    a.waitForLock(ms(3), lock);
    // A promise of the same thread holds it, and may go on.
    const own = main.lock(0, "own");
    main.acquire(ms(4), own).waitForLock(ms(5), own, { async: true });
    main.mark(ms(100), "end");
    const report = reportOf(trace);
    assert.deepEqual(report.deadlocks, []);
    assert.match(finding(report, "wait-never-ended").detail, /“main” held it to the end/);
  });

  it("says when the cores stood idle, and because of what", () => {
    const trace = new SyntheticTrace({ cores: 2, source: "perf" });
    const process = trace.process(100, "x.ts");
    const main = process.thread("main");
    const lock = main.lock(ms(1), "big");
    const a = main.spawn(ms(1), "a");
    const b = main.spawn(ms(1), "b");
    main.on(0, 0, ms(2)).join(ms(1.9), ms(190.1), b).on(0, ms(190), ms(190.5));
    a.on(0, ms(2), ms(100)).acquire(ms(3), lock).release(ms(100), lock);
    b.on(1, ms(2), ms(4.1))
      .acquire(ms(100.1), lock, { since: ms(4) })
      .on(1, ms(100.05), ms(190))
      .release(ms(190), lock);
    process.exit(ms(200));
    const report = reportOf(trace);
    const low = finding(report, "low-parallelism");
    assert.equal(report.coresUsed, 0.96);
    assert.match(low.detail, /“big”/);
    assert.equal(low.severity, "warning");
    assert.equal(report.cores[0]!.ownNs, ms(100.5));
    assert.equal(report.cores[0]!.idleNs, ms(99.5));
    const [, , waiter] = report.threads;
    assert.equal(waiter!.blockedNs, ms(100.05 - 4.1));
    // From its start to its first switch it is taken to run.
    assert.equal(waiter!.runningNs, ms(1 + 2.1 + 89.95));
    assert.equal(waiter!.idleNs + waiter!.ioNs, ms(10));
  });

  it("finds a blocked event loop and lost events", () => {
    const { trace, main } = start();
    main.span(ms(5), ms(290), "crunch").loopDelay(ms(300), 290);
    main.emit(ms(301), 62, { a: 17 });
    const report = reportOf(trace);
    assert.equal(finding(report, "event-loop-blocked").costNs, ms(290));
    assert.deepEqual(finding(report, "event-loop-blocked").sites, ["/work/main.ts:60"]);
    assert.match(finding(report, "events-dropped").title, /17 events/);
    assert.equal(report.recorder.dropped, 17);
  });

  it("holds its schema for large, cut and empty traces", () => {
    reportOf(largeTrace({ events: 20_000 }));
    reportOf(new SyntheticTrace());
    const bytes = largeTrace({ events: 5000 }).bytes();
    fc.assert(
      fc.property(fc.integer({ min: 400, max: bytes.length }), (length) => {
        const report = jsonReport(analyseFile(bytes.subarray(0, length)).model);
        assert.ok(validate(JSON.parse(JSON.stringify(report))), JSON.stringify(validate.errors));
      }),
      { numRuns: 30 },
    );
  });
});

describe("text report", () => {
  const hostile = "\x1b[2J\x1b]0;owned\x07\r\nname\u202egnp\u009b31m";
  const hostileReport = () => {
    const trace = new SyntheticTrace({ cores: 2, command: [`${hostile}.ts`] });
    const main = trace.process(100, hostile).thread(hostile);
    const lock = main.lock(0, hostile, `file:///work/${hostile}.ts:1:1`);
    const other = main.spawn(ms(1), hostile);
    main.acquire(ms(2), lock).release(ms(50), lock);
    other.acquire(ms(50), lock, { since: ms(3) }).release(ms(60), lock);
    return reportOf(trace);
  };

  it("passes no control character of a name to the terminal", () => {
    const text = textReport(hostileReport(), { tracePath: `${hostile}.heddle` });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what we look for.
    assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
    assert.match(text, /␛\[2J/);
    const coloured = textReport(hostileReport(), { colour: true });
    for (const code of coloured.split("\x1b").slice(1)) assert.match(code, /^\[(1|2|22|3[1-5]|39|90)m/);
  });

  it("has colours only when asked for", () => {
    const report = reportOf(largeTrace({ events: 5000 }));
    assert.ok(!textReport(report).includes("\x1b"));
    assert.ok(textReport(report, { colour: true }).includes("\x1b[32m"));
  });

  it("stays within the terminal's width", () => {
    const reports = [reportOf(largeTrace({ events: 5000 })), hostileReport()];
    for (const width of [50, 80, 100]) {
      for (const report of reports) {
        for (const line of textReport(report, { width }).split("\n")) {
          // A path is never cut: it is there to be copied.
          if (!line.includes(" at ")) assert.ok(textWidth(line) <= width, `${textWidth(line)} > ${width}: ${line}`);
        }
      }
    }
  });

  it("says what it is about, and where everything is", () => {
    const { trace, main } = start();
    const lock = main.lock(ms(1), "", "file:///work/bank.ts:12:9");
    const teller = main.spawn(ms(2), "teller");
    main.acquire(ms(3), lock).release(ms(20), lock);
    teller.acquire(ms(20), lock, { since: ms(5) }).release(ms(30), lock);
    main.process.exit(ms(50), 3);
    const text = textReport(reportOf(trace, { exitCode: 3 }), { tracePath: "t.heddle", htmlPath: "t.html" });
    assert.match(text, /\/work\/bank\.ts 4 {2}exit code 3/);
    assert.match(text, /50\.0 ms wall time/);
    assert.match(text, /Lock bank\.ts:12 +15\.0 ms +15\.0 ms +1 +2 +27\.0 ms/);
    assert.match(text, /Trace +t\.heddle\n +Timeline +t\.html/);
    assert.match(textReport(reportOf(trace, { end: false })), /Note: The recording was cut off/);
  });
});

describe("formats", () => {
  it("writes durations as a person reads them", () => {
    const cases: [number, string][] = [
      [0, "0 ns"],
      [999, "999 ns"],
      [999.6, "1.00 µs"],
      [12_345, "12.3 µs"],
      [999_999, "1.00 ms"],
      [ms(123.4), "123 ms"],
      [ms(999.9), "1.00 s"],
      [ms(59_999), "1 min 0 s"],
      [ms(3_723_000), "1 h 2 min"],
      [Number.NaN, "–"],
    ];
    for (const [ns, text] of cases) assert.equal(formatDuration(ns), text);
    assert.equal(formatShare(0.001), "<1 %");
  });

  it("makes any text printable, without losing what is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const shown = printable(text);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what we look for.
        assert.doesNotMatch(shown, /[\u0000-\u001f\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/u);
        assert.equal(printable(shown), shown);
      }),
    );
    assert.equal(printable("größe 日本 🎉"), "größe 日本 🎉");
  });

  it("wraps without losing words or parting a number from its unit", () => {
    const text = "It waited 12.3 ms in all, then 40 % of 3 min 2 s more.";
    for (let width = 8; width < 60; width++) {
      const lines = wrap(text, width);
      assert.equal(lines.join(" "), text);
      for (const line of lines) assert.doesNotMatch(line, /^(ms|%|min|s)\b/);
    }
  });
});
