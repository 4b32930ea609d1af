/** Where each finding is seen, on traces made for it. */
import assert from "node:assert/strict";
import { analyseFile } from "../../src/analysis/analyse-file.js";
import { isEvidence, lowStretch, specOf } from "../../src/analysis/report/findings/evidence.js";
import { type EvidenceSpec, indexOfId } from "../../src/analysis/report/findings/rule.js";
import { jsonReport } from "../../src/analysis/report/json-report.js";
import type { LocatedFinding } from "../../src/analysis/report/report-types.js";
import { demoTrace } from "../ui/demo-trace.js";
import { deadlockTrace } from "../ui/stuck-trace.js";
import { ms, SyntheticTrace, us } from "./synthetic-trace.js";

const trace = (source: "perf" | "process-only" = "process-only") => {
  const made = new SyntheticTrace({ cores: 4, source });
  const process = made.process(100, "main.ts");
  return { made, process, main: process.thread("main") };
};

function seen(bytes: Uint8Array, rule: string) {
  const { model } = analyseFile(bytes);
  const report = jsonReport(model);
  const finding = report.findings.find((one) => one.rule === rule);
  assert.ok(finding, `no ${rule} among ${report.findings.map((one) => one.rule).join(", ")}`);
  assert.ok(finding.where, "nothing is to be seen of it");
  const names = (ids: readonly string[]): string[] => ids.map((id) => model.threads[indexOfId(id)]!.name);
  return { model, finding, where: finding.where, threads: names(finding.where.threads) };
}

describe("where a finding is seen", () => {
  it("of a lock: who waited for it, the longest first, and the longest wait of all", () => {
    const { made, main } = trace();
    const [lock, other] = [main.lock(0, "l"), main.lock(0, "other")];
    const [a, b] = [main.spawn(ms(1), "a"), main.spawn(ms(1), "b")];
    main.acquire(ms(2), lock).release(ms(50), lock);
    a.acquire(ms(50), lock, { since: ms(30) }).release(ms(51), lock);
    b.lockTimeout(ms(45), lock, { since: ms(10), site: "file:///work/b.ts:7:3" });
    // A longer wait, but for something else.
    main.acquire(ms(52), other).release(ms(100), other);
    a.acquire(ms(100), other, { since: ms(52) }).release(ms(101), other);
    main.mark(ms(110), "end");
    const { where, threads, finding } = seen(made.bytes(), "contended-lock");
    assert.equal(where.count, 2);
    assert.deepEqual(threads, ["b", "a"]);
    assert.deepEqual([where.startNs, where.endNs], [ms(10), ms(50)]);
    assert.deepEqual(where.longest, {
      thread: "thread-3",
      startNs: ms(10),
      endNs: ms(45),
      site: "/work/b.ts:7",
    });
    assert.match(finding.title, /^2 threads wait \d+ % of their time for “l”$/);
  });

  it("of a deadlock: the waits of its circle", () => {
    const { where, threads, finding } = seen(
      deadlockTrace().bytes({ exitCode: null, signal: "SIGTERM", hung: true }),
      "deadlock",
    );
    assert.deepEqual([...threads].sort(), ["one", "two"]);
    assert.equal(where.count, 2);
    assert.equal(where.startNs, ms(390));
    assert.ok(finding.where!.longest);
  });

  it("of failed tasks: those that failed", () => {
    const { where, model } = seen(demoTrace().bytes(), "failing-tasks");
    assert.equal(where.count, model.objects.find(({ queued }) => queued)!.tally.failed);
  });

  it("of a pool that idles: its workers without a task, while there were tasks", () => {
    const { made, main } = trace("perf");
    const pool = main.pool(ms(1), "p", 2);
    const [one, two] = [main.spawn(ms(2), "one"), main.spawn(ms(2), "two")];
    for (const worker of [one, two]) worker.worksFor(ms(4), pool);
    const task = main.submit(ms(5), pool, "job", "file:///work/a.ts:1:1");
    one.on(0, ms(5), ms(90)).task(ms(6), ms(90), pool, task, "job");
    two.on(1, ms(2), ms(4));
    main.mark(ms(200), "end");
    const { where, threads } = seen(made.bytes(), "idle-workers");
    assert.equal(threads[0], "two");
    assert.equal(where.longest?.thread, where.threads[0]);
    assert.ok(where.startNs >= ms(5) && where.endNs <= ms(90) + us(1), JSON.stringify(where));
  });

  it("of a pool that starts slowly: the time until its first task", () => {
    const { made, main } = trace();
    const pool = main.pool(ms(1), "p", 1);
    const task = main.submit(ms(10), pool, "job", "file:///work/a.ts:1:1");
    const worker = main.spawn(ms(11), "w", ms(80)).worksFor(ms(85), pool);
    worker.task(ms(90), ms(100), pool, task, "job");
    main.mark(ms(120), "end");
    const { where, threads } = seen(made.bytes(), "slow-pool-start");
    assert.deepEqual([where.startNs, where.endNs, where.longest], [ms(10), ms(90), null]);
    assert.deepEqual(threads, ["w"]);
  });

  it("of cores that were not used: when most was lost", () => {
    const { made, main } = trace("perf");
    const workers = [1, 2, 3].map((i) => main.spawn(ms(1), `w${i}`));
    // All at work for 100 ms, then one alone for 300 ms.
    workers.forEach((worker, i) => {
      worker.on(i + 1, ms(2), ms(100)).wait(ms(100), ms(400), 1, 0);
    });
    main.on(0, 0, ms(400));
    main.end(ms(400));
    const { where } = seen(made.bytes(), "low-parallelism");
    assert.ok(Math.abs(where.startNs - ms(100)) < ms(5) && where.endNs > ms(395), JSON.stringify(where));
  });

  it("is nothing for events that were lost, and always within the trace for all else", () => {
    for (const bytes of [demoTrace().bytes(), deadlockTrace().bytes()]) {
      const { model } = analyseFile(bytes);
      for (const { where } of jsonReport(model).findings) {
        if (where === null) continue;
        assert.ok(where.startNs >= 0 && where.startNs <= where.endNs && where.endNs <= model.endNs);
        assert.ok(where.longest === null || where.threads.includes(where.longest.thread));
      }
    }
    const dropped = { rule: "events-dropped", subjects: [] as string[] } as LocatedFinding;
    assert.deepEqual(specOf(dropped).kinds, []);
  });

  it("of a rule that is not known follows from its subjects", () => {
    const { model } = analyseFile(demoTrace().bytes());
    const lock = model.objects.find(({ name }) => name === "ledger")!.index;
    const finding = { rule: "of-tomorrow", subjects: [`lock-${lock + 1}`] } as LocatedFinding;
    const spec: EvidenceSpec = specOf(finding);
    let waits = 0;
    for (const thread of model.threads) {
      for (let row = 0; row < thread.slices.count; row++) {
        if (!isEvidence(spec, thread, row)) continue;
        waits++;
        assert.equal(thread.slices.object[row], lock);
      }
    }
    assert.equal(waits, model.objects[lock]!.tally.contended);
  });

  it("has a stretch of little use that a moment of much does not end", () => {
    const time = Float64Array.from([0, 100, 101, 102, 200].map((at) => ms(at)));
    const value = Float64Array.from([4, 1, 4, 1, 4]);
    const model = { coresInUse: { count: 5, time, value }, endNs: ms(300) } as never;
    const [from, to] = lowStretch(model, 2.4);
    assert.ok(Math.abs(from - ms(100)) < ms(2) && Math.abs(to - ms(200)) < ms(2), `${from} ${to}`);
  });
});
