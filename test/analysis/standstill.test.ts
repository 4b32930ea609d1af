/** Programs that can never go on, each made up to the moment when its processes said so. */
import assert from "node:assert/strict";
import { analyseFile } from "../../src/analysis/analyse-file.js";
import { jsonReport } from "../../src/analysis/report/json-report.js";
import { culprits, findStandstill, type Standstill, standstillText } from "../../src/analysis/report/standstill.js";
import { textReport } from "../../src/analysis/report/text-report.js";
import { EventFlag, EventKind, ObjectKind, WaitReason } from "../../src/trace/events.js";
import { type Handle, ms, type SyntheticThread, SyntheticTrace } from "./synthetic-trace.js";

const begin = (source: "perf" | "process-only" = "process-only") => {
  const made = new SyntheticTrace({ cores: 2, source });
  const process = made.process(100, "main.ts");
  return { made, process, main: process.thread("main") };
};

const modelOf = (made: SyntheticTrace) => analyseFile(made.bytes({ exitCode: null, signal: "SIGTERM" })).model;

function standstillOf(made: SyntheticTrace): Standstill {
  const found = findStandstill(modelOf(made));
  assert.ok(found, "no standstill");
  for (const { thread, row } of found.threads) assert.ok(row < thread.slices.count);
  return found;
}

/** What one waiting thread is said to wait for, after `wait` made it wait. */
function textOf(wait: (main: SyntheticThread) => void): string {
  const { made, process, main } = begin();
  wait(main);
  process.stuck(ms(2100), ms(600));
  const { threads, cycles } = standstillOf(made);
  assert.deepEqual(cycles, []);
  assert.equal(threads.length, 1);
  assert.equal(threads[0]!.thread.name, "main");
  return threads[0]!.text;
}

const waitFor = (main: SyntheticThread, kind: ObjectKind, reason: WaitReason, async = false): Handle => {
  const object = main.create(0, kind, "it");
  main.wait(ms(500), null, reason, object.number, { async });
  return object;
};

describe("a standstill", () => {
  it("of a circle names its threads in their order, and not who only waits for one of them", () => {
    const { made, process, main } = begin();
    const [a, b] = [main.lock(0, "a"), main.lock(0, "b")];
    const [one, two] = [main.spawn(ms(1), "one"), main.spawn(ms(1), "two")];
    one.acquire(ms(2), a);
    two.acquire(ms(2), b);
    one.waitForLock(ms(3), b, { site: "file:///work/main.ts:12:5" });
    two.waitForLock(ms(3), a, { site: "file:///work/main.ts:13:5" });
    main.join(ms(4), null, one);
    process.stuck(ms(1600), ms(100));
    const found = standstillOf(made);
    assert.equal(found.sinceNs, ms(100));
    assert.equal(found.threads.length, 3);
    assert.equal(found.cycles.length, 1);
    assert.deepEqual(
      culprits(found)
        .map(({ thread, text, site }) => `${thread.name} ${text} ${site}`)
        .sort(),
      [
        "one waits for Lock “b”, which “two” holds /work/main.ts:12",
        "two waits for Lock “a”, which “one” holds /work/main.ts:13",
      ],
    );
    const text = standstillText(found, ms(1600));
    assert.match(text, /can never go on.*since 1\.50 s\./);
    assert.match(text, /“main” waits for the end of “one”/);
    assert.match(text, /Deadlock: “(one|two)” waits for “(one|two)” waits for “(one|two)”\./);
  });

  it("of one thread and a lock that it holds itself is a circle of one", () => {
    const { made, process, main } = begin();
    const lock = main.lock(0, "mine");
    main.acquire(ms(1), lock);
    main.waitForLock(ms(2), lock);
    process.stuck(ms(1600), ms(100));
    const found = standstillOf(made);
    assert.equal(found.cycles.length, 1);
    assert.equal(culprits(found)[0]!.text, "waits for Lock “mine”, which it holds itself");
  });

  it("tells what is missing", () => {
    const wait = (kind: ObjectKind, reason: WaitReason) => textOf((main) => void waitFor(main, kind, reason));
    assert.equal(
      textOf((main) => {
        const queue = main.queue(0, "jobs");
        main.emit(ms(500), EventKind.QueueGetWait, { object: queue.number, a: 77, flags: EventFlag.Async });
      }),
      "waits for an item of Queue “jobs”, which is empty",
    );
    assert.equal(
      textOf((main) => {
        const queue = main.queue(0, "jobs", 1);
        main.put(ms(1), queue);
        main.emit(ms(500), EventKind.QueuePutWait, { object: queue.number, a: 77 });
      }),
      "waits for a free place in Queue “jobs”, which is full",
    );
    assert.equal(
      textOf((main) => {
        const permits = main.create(0, ObjectKind.Semaphore, "seats", 1);
        main.acquire(ms(1), permits);
        main.waitForLock(ms(2), permits, { async: true });
      }),
      "waits for a permit of Semaphore “seats”, which has none left",
    );
    assert.equal(wait(ObjectKind.Condition, WaitReason.Condition), "waits to be notified by Condition “it”");
    assert.equal(wait(ObjectKind.Event, WaitReason.Event), "waits for Event “it” to be set");
    assert.equal(wait(ObjectKind.Barrier, WaitReason.Barrier), "waits for the other parties of Barrier “it”");
    assert.equal(wait(ObjectKind.Queue, WaitReason.QueueJoin), "waits for the tasks of Queue “it” to be done");
    assert.equal(
      wait(ObjectKind.ThreadPoolExecutor, WaitReason.Result),
      "waits for a result of ThreadPoolExecutor “it”",
    );
    assert.equal(
      wait(ObjectKind.ThreadPoolExecutor, WaitReason.Shutdown),
      "waits for ThreadPoolExecutor “it” to shut down",
    );
    assert.equal(
      textOf((main) => main.wait(ms(500), null, WaitReason.ProcessJoin, 0)),
      "waits for the end of a process",
    );
  });

  it("holds every promise's wait of a thread", () => {
    const { made, process, main } = begin();
    const queue = main.queue(0, "jobs");
    main.emit(ms(1), EventKind.QueueGetWait, { object: queue.number, a: 77, flags: EventFlag.Async });
    waitFor(main, ObjectKind.Event, WaitReason.Event, true);
    process.stuck(ms(2100), ms(600));
    assert.deepEqual(
      standstillOf(made)
        .threads.map(({ text }) => text)
        .sort(),
      ["waits for Event “it” to be set", "waits for an item of Queue “jobs”, which is empty"],
    );
  });

  it("counts workers without a task apart", () => {
    const { made, process, main } = begin();
    const pool = main.pool(0, "pool", 1);
    main.spawn(ms(1), "worker").worksFor(ms(1), pool).wait(ms(1), null, WaitReason.IdleWorker, pool.number);
    waitFor(main, ObjectKind.Event, WaitReason.Event);
    process.stuck(ms(2100), ms(600));
    const found = standstillOf(made);
    assert.equal(found.idleWorkers, 1);
    assert.deepEqual(
      found.threads.map(({ thread }) => thread.name),
      ["main"],
    );
    assert.match(standstillText(found, ms(2100)), /1 worker of pools has no task/);
  });

  it("of a pool whose tasks wait for tasks behind them tells of those", () => {
    for (const [workers, who] of [
      [1, "its only worker waits"],
      [2, "both of its workers wait"],
      [3, "all of its 3 workers wait"],
    ] as const) {
      const { made, process, main } = begin("perf");
      main.on(0, 0, ms(1));
      const pool = main.pool(0, "ThreadPoolExecutor main.ts:7", workers);
      const queue = main.queue(0, "answers");
      for (let i = 0; i < workers; i++) {
        const worker = main.spawn(ms(1), `worker ${i}`).worksFor(ms(1), pool);
        const task = main.submit(ms(2), pool, "outer");
        worker.emit(ms(3), EventKind.TaskStart, { object: pool.number, a: task });
        worker.emit(ms(4), EventKind.QueueGetWait, { object: queue.number, a: 70 + i });
      }
      const behind = [main.submit(ms(5), pool, "inner"), main.submit(ms(5), pool, "inner")];
      main.wait(ms(6), null, WaitReason.Result, pool.number);
      process.stuck(ms(2100), ms(100));
      // Handed back when the program is stopped.
      for (const task of behind) main.cancel(ms(2200), pool, task);
      const said = `2 tasks of ThreadPoolExecutor main.ts:7 cannot begin: ${who}`;
      const found = standstillOf(made);
      assert.deepEqual(
        found.starved.map(({ text }) => text),
        [said],
      );
      assert.ok(standstillText(found, ms(2100)).split("\n").includes(`  ${said}.`));
      assert.equal(found.threads.at(0)?.text, "waits for a result of ThreadPoolExecutor main.ts:7");
      const { findings } = jsonReport(modelOf(made));
      const finding = findings.find(({ rule }) => rule === "standstill");
      assert.ok(finding?.detail.endsWith(`${said}.`), finding?.detail);
      assert.match(finding!.advice, /a pool of their own, or more workers/);
      // That it used no cores meanwhile is no news.
      assert.ok(!findings.some(({ rule }) => rule === "low-parallelism"));
    }
  });

  it("advises by what is waited for, and tells no contention of it", () => {
    const join = (main: SyntheticThread, queue: Handle) =>
      main.wait(ms(20), null, WaitReason.QueueJoin, queue.number, { async: true });
    const get = (main: SyntheticThread, queue: Handle) =>
      main.emit(ms(20), EventKind.QueueGetWait, { object: queue.number, a: 77 });
    const cases: [name: string, advice: RegExp, wait: (main: SyntheticThread, other: SyntheticThread) => void][] = [
      [
        "two tasks of one loop that took two locks",
        /^Take these locks in the same order everywhere/,
        (main) => {
          const [a, b] = [main.lock(0, "a"), main.lock(0, "b")];
          main.acquire(ms(2), a).acquire(ms(3), b);
          main.waitForLock(ms(4), b, { async: true });
          main.waitForLock(ms(5), a, { async: true });
        },
      ],
      [
        "a lock held by who waits for an item",
        /^Give a lock back before waiting for something else/,
        (main, other) => {
          const lock = main.lock(0, "l");
          const queue = main.queue(0, "q");
          main.acquire(ms(2), lock);
          get(main, queue);
          other.waitForLock(ms(21), lock);
        },
      ],
      ["an item", /^Say when there is no more work/, (main) => get(main, main.queue(0, "q"))],
      [
        "a place",
        /^Let a consumer take/,
        (main) => {
          const queue = main.queue(0, "q", 1);
          main.put(ms(1), queue).emit(ms(20), EventKind.QueuePutWait, { object: queue.number, a: 78 });
        },
      ],
      [
        "a notification",
        /^A notification that comes before the wait is lost/,
        (main) => waitFor(main, ObjectKind.Condition, WaitReason.Condition),
      ],
      ["an event", /^See that whoever is waited for/, (main) => waitFor(main, ObjectKind.Event, WaitReason.Event)],
      [
        "items that were never reported",
        /^Call `taskDone` for every item/,
        (main, other) => {
          const queue = main.queue(0, "q");
          main.put(ms(1), queue).put(ms(2), queue);
          other.get(ms(5), queue).get(ms(6), queue).done(ms(7), queue, 1, 1);
          join(main, queue);
          get(other, queue);
        },
      ],
    ];
    for (const [name, advice, wait] of cases) {
      const { made, process, main } = begin();
      const other = main.spawn(ms(1), "other", ms(1.5));
      wait(main, other);
      // Who waits for the end of another is not the reason; but of one that waits for its lock, it would be a circle.
      if (!name.startsWith("a lock")) main.join(ms(30), null, other);
      process.stuck(ms(2100), ms(100));
      const { findings } = jsonReport(modelOf(made));
      assert.deepEqual(
        findings.map(({ rule }) => rule),
        ["standstill"],
        name,
      );
      assert.match(findings[0]!.advice, advice, name);
    }
  });

  it("of a join tells how many items were taken and not reported", () => {
    const { made, process, main } = begin();
    const queue = main.queue(0, "jobs");
    for (let i = 0; i < 4; i++) main.put(ms(1 + i), queue);
    main.get(ms(6), queue).get(ms(7), queue).get(ms(8), queue).done(ms(9), queue, 1, 3);
    main.wait(ms(20), null, WaitReason.QueueJoin, queue.number);
    process.stuck(ms(2100), ms(100));
    assert.equal(
      standstillOf(made).threads[0]!.text,
      "waits for the tasks of Queue “jobs” to be done, of which 2 were taken and not reported by taskDone",
    );
  });

  it("of two processes begins when both stand still", () => {
    const { made, process, main } = begin();
    const child = made.process(200, "child.ts", ms(10), 100);
    const inChild = child.thread("main");
    main.wait(ms(500), null, WaitReason.ProcessJoin, 0);
    waitFor(inChild, ObjectKind.Event, WaitReason.Event);
    process.stuck(ms(2100), ms(600));
    assert.equal(findStandstill(modelOf(made)), null, "the child can go on");
    child.stuck(ms(2400), ms(900));
    const found = standstillOf(made);
    assert.equal(found.sinceNs, ms(900));
    assert.deepEqual(found.threads.map(({ text }) => text).sort(), [
      "waits for Event “it” to be set",
      "waits for the end of a process",
    ]);
  });

  it("does not ask processes that ended before", () => {
    const { made, process, main } = begin();
    const child = made.process(200, "child.ts", ms(10), 100);
    child.thread("main").mark(ms(20), "done");
    child.exit(ms(30));
    waitFor(main, ObjectKind.Event, WaitReason.Event);
    process.stuck(ms(2100), ms(600));
    assert.equal(standstillOf(made).threads.length, 1);
  });

  it("is none when the program goes on after all", () => {
    const { made, process, main } = begin();
    const event = main.create(0, ObjectKind.Event, "it");
    main.wait(ms(500), ms(3000), WaitReason.Event, event.number);
    process.stuck(ms(2100), ms(600)).stuck(ms(3010), ms(3010), false);
    const model = modelOf(made);
    assert.equal(findStandstill(model), null);
    assert.equal(jsonReport(model).hung, false);
  });

  it("heads the report, in place of the signal that ended it", () => {
    const { made, process, main } = begin();
    waitFor(main, ObjectKind.Event, WaitReason.Event);
    process.stuck(ms(2100), ms(600));
    const report = jsonReport(modelOf(made));
    assert.equal(report.hung, true);
    assert.equal(report.signal, "SIGTERM");
    const text = textReport(report, { width: 100 });
    assert.match(text, /^Heddle {2}main\.ts {2}stopped: it could never go on\n/);
    assert.doesNotMatch(text, /killed by/);
    // While it still stands there.
    const live = textReport(jsonReport(analyseFile(made.bytes({ end: false })).model), { width: 100 });
    assert.match(live, /^Heddle {2}main\.ts {2}it could never go on\n/);
  });
});
