/** What the timeline and the report must not say wrongly, each on a trace that says exactly what happened. */
import assert from "node:assert/strict";
import { analyseFile } from "../../src/analysis/analyse-file.js";
import { SliceKind, type ThreadTrack, type TraceModel } from "../../src/analysis/model.js";
import { jsonReport } from "../../src/analysis/report/json-report.js";
import { ObjectScope, WaitReason } from "../../src/trace/events.js";
import { OffReason } from "../../src/trace/frames.js";
import { ms, SyntheticTrace } from "./synthetic-trace.js";

const STATES = ["", "running", "ready", "blocked", "io", "sleeping", "idle"];

function modelOf(trace: SyntheticTrace): TraceModel {
  const { model, problem } = analyseFile(trace.bytes());
  assert.equal(problem, null);
  return model;
}

/** "running 0-5, io 5-90": a thread's states, in milliseconds. */
function states(model: TraceModel, thread: ThreadTrack): string {
  const { count, state, start, end } = thread.states;
  return Array.from({ length: count }, (_, i) => {
    const until = Number.isNaN(end[i]!) ? model.endNs : end[i]!;
    return `${STATES[state[i]!]} ${start[i]! / 1e6}-${until / 1e6}`;
  })
    .filter((_, i) => start[i]! < model.endNs)
    .join(", ");
}

function loopDelays(thread: ThreadTrack): [start: number, end: number][] {
  const { count, kind, start, end } = thread.slices;
  const found: [number, number][] = [];
  for (let i = 0; i < count; i++) if (kind[i] === SliceKind.LoopDelay) found.push([start[i]! / 1e6, end[i]! / 1e6]);
  return found;
}

const perf = () => {
  const trace = new SyntheticTrace({ cores: 2, source: "perf" });
  const process = trace.process(100, "main.ts");
  return { trace, process, main: process.thread("main") };
};

describe("a thread off its core", () => {
  it("is what the system says it is, from when it left its core", () => {
    const { trace, main } = perf();
    main.on(0, 0, ms(10)).on(0, ms(100), ms(110)).on(0, ms(200), ms(210)).on(0, ms(300), ms(310));
    trace.offCore(ms(30), main, OffReason.Io);
    trace.offCore(ms(130), main, OffReason.Loop);
    trace.offCore(ms(230), main, OffReason.Lock);
    trace.offCore(ms(330), main, OffReason.Sleep);
    main.mark(ms(400), "end");
    const model = modelOf(trace);
    assert.equal(
      states(model, model.threads[0]!),
      "running 0-10, io 10-100, running 100-110, idle 110-200, running 200-210, blocked 210-300, " +
        "running 300-310, sleeping 310-400",
    );
    const [thread] = jsonReport(model).threads;
    assert.equal(thread!.ioNs, ms(90));
    assert.equal(thread!.idleNs, ms(90 + 90));
    assert.equal(thread!.blockedNs, ms(90));
  });

  it("is idle in its loop, also within a span that awaits something", () => {
    const { trace, main } = perf();
    main.on(0, 0, ms(10)).span(ms(5), ms(95), "fetch").on(0, ms(90), ms(100));
    trace.offCore(ms(30), main, OffReason.Loop);
    const model = modelOf(trace);
    assert.equal(states(model, model.threads[0]!), "running 0-10, idle 10-90, running 90-100");
  });

  it("for too short to be asked is what it was just before, but not for long", () => {
    const { trace, main } = perf();
    main.on(0, 0, ms(10)).on(0, ms(40), ms(50)).on(0, ms(55), ms(60)).on(0, ms(400), ms(410)).on(0, ms(415), ms(420));
    trace.offCore(ms(30), main, OffReason.Io);
    trace.offCore(ms(90), main, OffReason.Loop);
    const model = modelOf(trace);
    assert.equal(
      states(model, model.threads[0]!),
      "running 0-10, io 10-40, running 40-50, io 50-55, running 55-60, idle 60-400, running 400-410, " +
        "idle 410-415, running 415-420",
    );
  });

  it("stays blocked in a wait of ours, whatever the system calls it", () => {
    const { trace, main } = perf();
    const lock = main.lock(0, "l");
    main
      .on(0, 0, ms(10))
      .acquire(ms(90), lock, { since: ms(5) })
      .on(0, ms(89), ms(100));
    trace.offCore(ms(30), main, OffReason.Loop);
    const model = modelOf(trace);
    assert.equal(states(model, model.threads[0]!), "running 0-10, blocked 10-89, running 89-100");
  });

  it("sleeps where it waits for a time to pass, blocking or not", () => {
    const { trace, main } = perf();
    main.on(0, 0, ms(10)).wait(ms(9), ms(51), WaitReason.Sleep, 0).on(0, ms(50), ms(60));
    main.wait(ms(59), ms(91), WaitReason.Sleep, 0, { async: true }).on(0, ms(90), ms(100));
    trace.offCore(ms(80), main, OffReason.Loop);
    const model = modelOf(trace);
    assert.equal(
      states(model, model.threads[0]!),
      "running 0-10, sleeping 10-50, running 50-60, sleeping 60-90, running 90-100",
    );
  });

  it("is not idle before its first line", () => {
    const trace = new SyntheticTrace({ cores: 2, source: "perf" });
    const main = trace.process(100, "main.ts", ms(1)).thread("main", ms(30));
    main.on(0, ms(1), ms(5)).on(0, ms(20), ms(40));
    const model = modelOf(trace);
    assert.equal(states(model, model.threads[0]!), "running 1-5, io 5-20, running 20-40");
  });
});

describe("a delay of the event loop", () => {
  it("is told from 50 ms on", () => {
    const { trace, main } = perf();
    main.loopDelay(ms(100), 49).loopDelay(ms(300), 51);
    assert.deepEqual(loopDelays(modelOf(trace).threads[0]!), [[249, 300]]);
  });

  it("is none where a blocking wait is the reason", () => {
    const { trace, main } = perf();
    const lock = main.lock(0, "l");
    const other = main.spawn(ms(1), "other");
    // Almost all of it waited, then half of it, then little of it.
    main
      .acquire(ms(190), lock, { since: ms(95) })
      .release(ms(191), lock)
      .loopDelay(ms(200), 100);
    main.join(ms(310), ms(370), other).loopDelay(ms(400), 100);
    main.acquire(ms(520), lock, { since: ms(510) }).loopDelay(ms(600), 100);
    assert.deepEqual(loopDelays(modelOf(trace).threads[0]!), [[500, 600]]);
  });

  it("is none where the thread was ready and had no core", () => {
    const { trace, main } = perf();
    main.on(0, 0, ms(100)).on(0, ms(105), ms(110), true).on(0, ms(190), ms(200)).loopDelay(ms(200), 90);
    main.on(0, ms(210), ms(300), true).on(0, ms(320), ms(330)).loopDelay(ms(330), 110);
    assert.deepEqual(loopDelays(modelOf(trace).threads[0]!), [[220, 330]]);
  });

  it("is still one where only promises wait", () => {
    const { trace, main } = perf();
    const lock = main.lock(0, "l");
    main.acquire(ms(190), lock, { since: ms(95), async: true }).loopDelay(ms(200), 100);
    assert.deepEqual(loopDelays(modelOf(trace).threads[0]!), [[100, 200]]);
  });

  it("is none of a pool's worker", () => {
    const { trace, main } = perf();
    const pool = main.pool(0, "p", 1);
    const worker = main.spawn(ms(1), "w").worksFor(ms(2), pool);
    const task = main.submit(ms(3), pool, "work");
    worker.task(ms(10), ms(200), pool, task, "work").loopDelay(ms(201), 180);
    assert.deepEqual(loopDelays(modelOf(trace).threads[1]!), []);
  });
});

describe("a helper of Heddle's", () => {
  for (const name of ["heddle-esbuild", "heddle-reaper"]) {
    it(`(${name}) is nobody's process, and its time on cores is that of others`, () => {
      const { trace, process, main } = perf();
      main.on(0, 0, ms(60));
      const helper = trace.process(200, name, ms(1), 100).thread("");
      helper.on(1, ms(10), ms(40));
      const users = trace.process(300, "esbuild", ms(1), 100).thread("");
      users.on(1, ms(50), ms(60));
      process.exit(ms(100));
      const report = jsonReport(modelOf(trace));
      assert.deepEqual(
        report.processes.map((one) => one.name),
        ["main.ts", "esbuild"],
      );
      assert.deepEqual(
        report.threads.map((thread) => thread.pid),
        [100, 300],
      );
      assert.equal(report.coresUsed, 0.7);
      assert.deepEqual(report.cores[1], {
        core: 1,
        busyNs: ms(40),
        ownNs: ms(10),
        otherNs: ms(30),
        idleNs: ms(60),
        migrations: 0,
      });
    });
  }
});

describe("cores", () => {
  it("were busy with others for what the system counts beyond ours", () => {
    const { trace, process, main } = perf();
    main.on(0, ms(10), ms(60));
    trace.coreTimes(ms(0), [ms(5000), ms(7000)]);
    trace.coreTimes(ms(50), [ms(5040), ms(7000)]);
    trace.coreTimes(ms(100), [ms(5080), ms(7020)]);
    process.exit(ms(100));
    const { cores, coresUsed } = jsonReport(modelOf(trace));
    assert.deepEqual(
      cores.map(({ busyNs, ownNs, otherNs, idleNs }) => [busyNs, ownNs, otherNs, idleNs].map((ns) => ns / 1e6)),
      [
        [80, 50, 30, 20],
        [20, 0, 20, 80],
      ],
    );
    assert.equal(coresUsed, 0.5);
  });

  it("never have more time than there was", () => {
    const { trace, process, main } = perf();
    main.on(0, 0, ms(95));
    trace.coreTimes(ms(0), [0, 0]);
    trace.coreTimes(ms(100), [ms(110), ms(90)]);
    process.exit(ms(100));
    const [first] = jsonReport(modelOf(trace)).cores;
    assert.deepEqual([first!.ownNs, first!.otherNs, first!.idleNs], [ms(95), ms(5), 0]);
  });
});

describe("collections", () => {
  it("take no running time while the thread has no core", () => {
    const { trace, process, main } = perf();
    main.on(0, 0, ms(20), true).on(0, ms(280), ms(400)).gc(ms(300), 290);
    process.exit(ms(400));
    const { findings } = jsonReport(modelOf(trace));
    // 290 ms by the clock, 30 of them on a core.
    assert.ok(!findings.some((one) => one.rule === "garbage-collection"));
    main.gc(ms(390), 80);
    const [found] = jsonReport(modelOf(trace)).findings.filter((one) => one.rule === "garbage-collection");
    assert.equal(found!.costNs, ms(110));
  });

  it("take no running time while the thread waits for helpers that have no core", () => {
    const { trace, process, main } = perf();
    // Off its core in the middle of a collection, blocked in a lock of the system's.
    main.on(0, 0, ms(20)).on(0, ms(280), ms(400)).gc(ms(300), 290);
    trace.offCore(ms(100), main, OffReason.Lock);
    process.exit(ms(400));
    assert.deepEqual(
      jsonReport(modelOf(trace)).findings.filter((one) => one.rule === "garbage-collection"),
      [],
    );
  });

  it("are told where threads ran for them, never more than they ran", () => {
    const { trace, process, main } = perf();
    main.on(0, 0, ms(20)).on(0, ms(280), ms(400)).gc(ms(395), 390);
    process.exit(ms(400));
    const [found] = jsonReport(modelOf(trace)).findings.filter((one) => one.rule === "garbage-collection");
    assert.equal(found!.costNs, ms(15 + 115));
    assert.match(found!.title, /93 % of the running time/);
  });
});

describe("an object's scope", () => {
  it("is what its creation says", () => {
    const { trace, main } = perf();
    main.lock(0, "of threads");
    main.scope(ms(1), main.lock(0, "of processes"), ObjectScope.Process);
    main.scope(ms(1), main.lock(0, "of a manager"), ObjectScope.Manager);
    assert.deepEqual(
      jsonReport(modelOf(trace)).locks.map((lock) => lock.scope),
      ["thread", "process", "manager"],
    );
  });
});
