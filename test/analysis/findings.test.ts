/** Each finding on a trace made for it: who is counted, what is said, and where it points to. */
import assert from "node:assert/strict";
import { analyseFile } from "../../src/analysis/analyse-file.js";
import { jsonReport } from "../../src/analysis/report/json-report.js";
import type { Finding } from "../../src/analysis/report/report-types.js";
import { textReport } from "../../src/analysis/report/text-report.js";
import { textWidth } from "../../src/analysis/report/text-width.js";
import { isSignalKind } from "../../src/analysis/signals.js";
import { EventKind, ObjectKind, WaitReason } from "../../src/trace/events.js";
import { ms, SyntheticTrace, us } from "./synthetic-trace.js";

const trace = (source: "perf" | "process-only" = "process-only") => {
  const made = new SyntheticTrace({ cores: 4, source });
  const process = made.process(100, "main.ts");
  return { made, process, main: process.thread("main") };
};

function findingsOf(made: SyntheticTrace): Finding[] {
  const { findings } = jsonReport(analyseFile(made.bytes()).model);
  for (const finding of findings) {
    for (const words of [finding.title, finding.detail, finding.advice]) {
      assert.doesNotMatch(words, /undefined|NaN|Infinity|\[object/);
      assert.ok(words.length > 0);
    }
  }
  return findings;
}

function finding(made: SyntheticTrace, rule: string): Finding {
  const all = findingsOf(made);
  const found = all.find((one) => one.rule === rule);
  assert.ok(found, `no ${rule} among ${all.map((one) => one.rule).join(", ")}`);
  return found;
}

describe("a finding", () => {
  it("counts a queue's consumers and producers each for their own waits", () => {
    const { made, main } = trace();
    const queue = main.queue(0, "q", 1);
    const producers = [1, 2, 3].map((i) => main.spawn(ms(1), `p${i}`));
    const consumer = main.spawn(ms(1), "c");
    producers[0]!.put(ms(60), queue);
    consumer.get(ms(60), queue, { since: ms(2) });
    main.put(ms(61), queue);
    // Three that wait for a place, but not for long.
    for (const [i, producer] of producers.entries()) {
      consumer.get(ms(63 + i), queue);
      producer.put(ms(63 + i), queue, { since: ms(62) });
    }
    main.mark(ms(100), "end");
    const starved = finding(made, "starved-consumers");
    assert.match(starved.detail, /^1 consumer waited 58\.0 ms/);
    assert.deepEqual(starved.sites, ["/work/main.ts:30"]);
  });

  it("of a full queue counts its producers and points to their lines", () => {
    const { made, main } = trace();
    const queue = main.queue(0, "q", 1);
    const producers = [1, 2].map((i) => main.spawn(ms(1), `p${i}`));
    const consumer = main.spawn(ms(1), "c");
    main.put(ms(2), queue);
    consumer.get(ms(40), queue);
    producers[0]!.put(ms(41), queue, { since: ms(3), site: "file:///work/producer.ts:7:1" });
    consumer.get(ms(80), queue, { since: ms(79) });
    producers[1]!.put(ms(81), queue, { since: ms(4), site: "file:///work/producer.ts:9:1" });
    main.mark(ms(100), "end");
    const full = finding(made, "saturated-queue");
    assert.match(
      full.detail,
      /^2 producers waited 115 ms in all for its only place to become free\. It was taken \d+ % of the time, and/,
    );
    assert.deepEqual(full.sites, ["/work/producer.ts:9", "/work/producer.ts:7"]);
  });

  it("of a queue that is full and empty in turn says that it is too small, and not for one long wait", () => {
    for (const bursts of [1, 6]) {
      const { made, main } = trace();
      const queue = main.queue(0, "q", 1);
      const [producer, consumer] = [main.spawn(ms(1), "p"), main.spawn(ms(1), "c")];
      let t = 0;
      for (let i = 0; i < bursts; i++) {
        // Nothing comes for a while, then more than fits in.
        producer.put(ms(t + 40), queue);
        consumer.get(ms(t + 40), queue, { since: ms(t + 5) });
        producer.put(ms(t + 41), queue);
        consumer.get(ms(t + 70), queue);
        producer.put(ms(t + 70), queue, { since: ms(t + 42) });
        consumer.get(ms(t + 95), queue);
        t += 100;
      }
      main.mark(ms(t), "end");
      const full = finding(made, "saturated-queue");
      assert.equal(/^“q” is too small/.test(full.title), bursts === 6, full.title);
      assert.equal(/give it more places/.test(full.advice), bursts === 6);
      assert.equal(/1 consumer waited 210 ms/.test(full.detail), bursts === 6, full.detail);
    }
  });

  it("of a lock says how often it was waited for, given up and taken", () => {
    const { made, main } = trace();
    const lock = main.lock(0, "l");
    const [a, b] = [main.spawn(ms(1), "a"), main.spawn(ms(1), "b")];
    main.acquire(ms(2), lock).release(ms(50), lock);
    a.acquire(ms(50), lock, { since: ms(10) }).release(ms(51), lock);
    b.lockTimeout(ms(30), lock, { since: ms(20) });
    main.mark(ms(60), "end");
    const { detail } = finding(made, "contended-lock");
    assert.match(detail, /^2 threads waited for it 2 times \(and gave up once\), 50\.0 ms in all/);
    assert.match(detail, /up to 2 waits at once\. It was taken 2 times/);
  });

  it("works for every kind of lock and queue", () => {
    for (const kind of Object.values(ObjectKind).filter((kind) => kind < 32 && !isSignalKind(kind))) {
      const { made, main } = trace();
      const object = main.create(0, kind, "o", 1);
      const other = main.spawn(ms(1), "other");
      if (kind < 16) {
        main.acquire(ms(2), object).release(ms(50), object);
        other.acquire(ms(50), object, { since: ms(3) }).release(ms(51), object);
      } else {
        main.put(ms(2), object).put(ms(50), object, { since: ms(3) });
        other.get(ms(49), object);
      }
      main.mark(ms(100), "end");
      assert.deepEqual(finding(made, kind < 16 ? "contended-lock" : "saturated-queue").subjects.length, 1, `${kind}`);
    }
  });

  it("of a producer that never got its place does not talk of end marks", () => {
    const { made, main } = trace();
    const queue = main.queue(0, "q", 1);
    const producer = main.spawn(ms(1), "p");
    producer.put(ms(2), queue);
    producer.emit(ms(3), EventKind.QueuePutWait, { object: queue.number, a: 77, site: "file:///work/p.ts:3:1" });
    main.mark(ms(400), "end");
    const never = finding(made, "wait-never-ended");
    assert.match(never.detail, /nobody took anything out of it any more/);
    assert.match(never.advice, /consumer take until the producers are done/);
    assert.deepEqual(never.sites, ["/work/p.ts:3"]);
  });

  it("of unused cores does not count who only awaits the others", () => {
    const { made, process, main } = trace("perf");
    const worker = main.spawn(ms(2), "worker");
    main.on(0, 0, ms(4)).join(ms(3), ms(398), worker).on(0, ms(398), ms(399));
    worker.on(1, ms(4), ms(397)).end(ms(397));
    process.exit(ms(400));
    assert.deepEqual(
      findingsOf(made).map((one) => one.rule),
      [],
    );
  });

  it("of missing cores says where the threads were started, and whether others had the cores", () => {
    const { made, process, main } = trace("perf");
    const site = "file:///work/start.ts:5:9";
    const threads = [2, 3].map((number) => {
      main.emit(ms(1), EventKind.ThreadSpawn, { object: number, site });
      return process.thread(`t${number}`, ms(1));
    });
    main.on(0, 0, ms(2)).join(ms(1), ms(399), threads[0]!);
    for (const [core, thread] of threads.entries()) {
      for (let t = 10; t < 390; t += 40) thread.on(core, ms(t), ms(t + 10), true);
    }
    made.coreTimes(0, [0, 0]);
    made.coreTimes(ms(400), [ms(390), ms(390)]);
    process.exit(ms(400));
    const missing = finding(made, "no-core-free");
    assert.deepEqual(missing.sites, ["/work/start.ts:5"]);
    assert.match(missing.detail, /other programs had 7\d %/);
    assert.match(missing.advice, /^Other programs used most of the cores/);
  });

  it("of tiny tasks and of idle workers gives counts and the pool's line", () => {
    const { made, main } = trace();
    const pool = main.pool(0, "p", 2, "file:///work/pool.ts:4:1");
    const workers = [1, 2].map((i) => main.spawn(0, `w${i}`).worksFor(1, pool));
    for (let i = 0; i < 400; i++) {
      const t = us(100 * Math.floor(i / 2));
      workers[i % 2]!.task(t, t + us(40), pool, main.submit(t, pool, "crumb"), "crumb");
    }
    main.mark(ms(25), "end");
    const idle = finding(made, "idle-workers");
    assert.deepEqual(idle.sites, ["/work/main.ts:40", "/work/pool.ts:4"]);
    assert.ok(idle.costNs > ms(10) && idle.costNs < ms(14), `${idle.costNs}`);
  });

  /** A pool of four whose tasks of 8 ms are handed in every 10 ms by a main thread that is on a core for so long of them. */
  function fed(computesMs: number, options: { ahead?: number; workers?: number } = {}): SyntheticTrace {
    const { ahead = 0, workers = 1 } = options;
    const { made, process, main } = trace("perf");
    const pool = main.pool(0, "p", 4, "file:///work/pool.ts:4:1");
    const team = Array.from({ length: workers }, (_, i) => main.spawn(0, `w${i}`).worksFor(1, pool));
    for (let i = 0; i < 30; i++) {
      const t = ms(10 * i);
      const worker = team[i % workers]!;
      worker.task(t + us(20), t + ms(8), pool, main.submit(Math.max(0, t - ms(ahead)), pool, "job"), "job");
      worker.on(1, t + us(10), t + ms(8));
      main.on(0, t, t + ms(computesMs));
    }
    process.exit(ms(310));
    return made;
  }

  it("of a pool that gets its next task when the last is done says so, whoever ran them", () => {
    for (const workers of [1, 2]) {
      const one = finding(fed(0.1, { workers }), "one-task-at-a-time");
      assert.equal(one.severity, "warning");
      assert.match(one.detail, /Each of its 30 tasks .* for 239 ms one worker had work, and the other 3 /);
      assert.match(one.advice, /^Hand in all of them first/);
      assert.deepEqual(one.sites, ["/work/main.ts:40", "/work/pool.ts:4"]);
    }
    // Handed in before the last was done.
    assert.ok(!findingsOf(fed(0.1, { ahead: 5 })).some(({ rule }) => rule === "one-task-at-a-time"));
  });

  it("of a pool that idles says when who hands in computes meanwhile, and where", () => {
    for (const workers of [1, 3]) {
      const rules = findingsOf(fed(9.5, { workers })).map(({ rule }) => rule);
      assert.ok(!rules.includes("one-task-at-a-time"), rules.join());
    }
    const idle = finding(fed(9.5, { workers: 3 }), "idle-workers");
    assert.equal(idle.title, "“p” is 73 % idle: “main” does not keep up");
    assert.match(idle.detail, /^Its 3 workers were busy 27 % .*, and “main”, which hands them in, for 9\d % of it\.$/);
    assert.equal(idle.severity, "warning");
    assert.deepEqual(idle.sites, ["/work/main.ts:40", "/work/pool.ts:4"]);
    // The one that hands in waits: it is not to blame.
    assert.equal(finding(fed(0.1, { workers: 3, ahead: 5 }), "idle-workers").severity, "info");
  });

  it("of cores that were not used says when threads ran in turn", () => {
    for (const overlapMs of [0, 50]) {
      const { made, process, main } = trace("perf");
      for (let i = 0; i < 4; i++) {
        const from = ms(10 + 100 * i);
        const thread = main.spawn(from, `t${i}`);
        const to = from + ms(90 + overlapMs);
        thread.on(1 + (i % 2), from, to).end(to);
        main.join(from, to, thread);
      }
      main.on(0, 0, ms(1));
      process.exit(ms(500));
      const low = finding(made, "low-parallelism");
      assert.equal(/they ran in turn/.test(low.detail), overlapMs === 0, low.detail);
      assert.equal(/^Start all of them first/.test(low.advice), overlapMs === 0);
    }
  });

  it("of a blocked event loop points to what ran last before it, where nothing else is known", () => {
    const { made, process, main } = trace("perf");
    main.on(0, 0, ms(600));
    main.wait(ms(100), ms(200), WaitReason.Result, 0, { async: true, site: "file:///work/loop.ts:8:1" });
    main.loopDelay(ms(550), 340);
    main.wait(ms(551), ms(560), WaitReason.Result, 0, { async: true, site: "file:///work/late.ts:9:1" });
    process.exit(ms(600));
    assert.deepEqual(finding(made, "event-loop-blocked").sites, ["/work/loop.ts:8"]);
  });

  it("has a title that a narrow terminal breaks instead of cutting it", () => {
    const report = jsonReport(analyseFile(fed(9.5, { workers: 3 }).bytes()).model);
    const text = textReport(report, { width: 40 });
    assert.match(text.replaceAll(/\s+/g, " "), /▲ “p” is 73 % idle: “main” does not keep up \d/);
    for (const line of text.split("\n")) if (!line.includes(" at ")) assert.ok(textWidth(line) <= 40, line);
  });
});
