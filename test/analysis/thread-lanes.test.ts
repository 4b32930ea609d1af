/** States and slices of threads. */
import assert from "node:assert/strict";
import { WaitReason } from "../../src/trace/events.js";
import { systemThreadsFrame } from "../../src/trace/writer.js";
import { flowsOf, modelOf, slicesOf, statesOf, steps, threadNamed } from "./model-readers.js";
import { ms, SyntheticTrace } from "./synthetic-trace.js";

describe("the lane of a thread", () => {
  it("takes states from context switches and tells why a thread was off its core", () => {
    const trace = new SyntheticTrace({ source: "perf", cores: 2 });
    const process = trace.process(100, "x.ts");
    const main = process.thread("main", ms(1));
    const lock = main.lock(ms(2), "l");
    main.on(0, 0, ms(5), true).on(1, ms(6), ms(10.1));
    main.acquire(ms(20.2), lock, { since: ms(10) });
    main.on(1, ms(20.1), ms(30));
    main.span(ms(32), ms(40), "read").on(0, ms(31), ms(35)).on(0, ms(36), ms(41));
    main.on(0, ms(50), ms(60));
    process.exit(ms(61));
    const model = modelOf(trace);
    assert.deepEqual(
      statesOf(threadNamed(model, "main")),
      [
        ["Running", 0, 5],
        ["Runnable", 5, 6],
        ["Running", 6, 10.1],
        ["Blocked", 10.1, 20.1],
        ["Running", 20.1, 30],
        ["Idle", 30, 31],
        ["Running", 31, 35],
        ["Io", 35, 36],
        ["Running", 36, 41],
        ["Idle", 41, 50],
        ["Running", 50, 60],
        ["Idle", 60, 61],
      ].map((row) => row),
    );
    assert.equal(threadNamed(model, "main").cpuNs, ms(5 + 4.1 + 9.9 + 4 + 5 + 10));
    assert.equal(model.cores.length, 2);
    assert.deepEqual([...model.cores[1]!.start.subarray(0, 2)], [ms(6), ms(20.1)]);
    assert.equal(Math.max(...model.coresInUse.value.subarray(0, model.coresInUse.count)), 1);
  });

  it("takes a thread off its core when it ends, of which the system tells no switch", () => {
    const trace = new SyntheticTrace({ source: "perf", cores: 2 });
    const process = trace.process(100, "x.ts");
    const main = process.thread("main", ms(1));
    const helper = { pid: 100, tid: 190, core: 1 };
    main.on(0, ms(1), ms(4)).on(0, ms(6), null);
    trace.switches.push({ ...helper, t: ms(2), flags: 0 });
    trace.extra.push(
      systemThreadsFrame({
        threads: [
          { pid: 100, tid: 190, name: "", startNs: null, endNs: ms(5) },
          { pid: 100, tid: main.tid, name: "", startNs: null, endNs: ms(9) },
        ],
      }),
    );
    // The runner hears of the end late.
    process.exit(ms(60));
    const { coresInUse, cores, threads } = modelOf(trace);
    assert.deepEqual(steps(coresInUse), [
      [1, 1],
      [2, 2],
      [4, 1],
      [5, 0],
      [6, 1],
      [9, 0],
    ]);
    assert.deepEqual([...cores[1]!.end.subarray(0, cores[1]!.count)], [ms(5)]);
    assert.equal(threads.find(({ tid }) => tid === main.tid)!.cpuNs, ms(6));
    assert.equal(threads.find(({ tid }) => tid === 190)!.cpuNs, ms(3));
  });

  it("spreads samples over the time that no wait accounts for", () => {
    const trace = new SyntheticTrace({ source: "sampled", cores: 2 });
    const main = trace.process(100, "x.ts").thread("main", 0);
    const lock = main.lock(0, "l");
    main.acquire(ms(25), lock, { since: ms(12) });
    trace.sample(ms(10), main, ms(8), ms(1), 1, "R");
    trace.sample(ms(30), main, ms(13), ms(1), 1, "S");
    const model = modelOf(trace);
    const lane = threadNamed(model, "main");
    assert.deepEqual(statesOf(lane).slice(0, -1), [
      ["Running", 0, 8],
      ["Runnable", 8, 9],
      ["Idle", 9, 10],
      ["Running", 10, 12],
      ["Blocked", 12, 25],
      ["Running", 25, 28],
    ]);
    assert.equal(lane.cpuNs, ms(13));
    assert.equal(model.coreSource, "sampled");
  });

  it("knows running from blocked by the waits alone", () => {
    const trace = new SyntheticTrace();
    const main = trace.process(100, "x.ts").thread("main");
    const worker = main.spawn(ms(1), "worker", ms(2));
    worker.wait(ms(3), ms(8), WaitReason.IdleWorker, 0).end(ms(20));
    main.join(ms(10), ms(20.5), worker);
    const model = modelOf(trace);
    assert.deepEqual(statesOf(threadNamed(model, "worker")), [
      ["Running", 2, 3],
      ["Idle", 3, 8],
      ["Running", 8, 20],
    ]);
    assert.deepEqual(statesOf(threadNamed(model, "main")).slice(0, 2), [
      ["Running", 0, 10],
      ["Blocked", 10, 20.5],
    ]);
    assert.deepEqual(flowsOf(model).at(-1), ["Result", "worker", 20, "main", 20.5]);
    assert.equal(model.strings[threadNamed(model, "main").slices.name[0]!], "join worker");
  });

  it("gives what overlaps rows of its own, and what nests the row above", () => {
    const trace = new SyntheticTrace();
    const main = trace.process(100, "x.ts").thread("main");
    main.span(ms(1), ms(20), "outer").span(ms(2), ms(5), "inner");
    main.wait(ms(6), ms(15), WaitReason.Result, 0, { async: true });
    main.wait(ms(7), ms(25), WaitReason.Result, 0, { async: true });
    main.span(ms(21), ms(24), "later");
    main.gc(ms(4), 1).loopDelay(ms(76), 75);
    const model = modelOf(trace);
    assert.deepEqual(slicesOf(threadNamed(model, "main")), [
      ["Span", 0, 1, 20],
      ["Span", 1, 2, 5],
      ["Gc", 2, 3, 4],
      ["OtherWait", 1, 6, 15],
      ["OtherWait", 2, 7, 25],
      ["Span", 0, 21, 24],
      ["LoopDelay", 3, 1, 76],
    ]);
  });

  it("keeps what the user says: spans with detail, marks, counters", () => {
    const trace = new SyntheticTrace();
    const main = trace.process(100, "x.ts").thread("main");
    main.span(ms(1), ms(2), "parse", '{"file":"a"}').mark(ms(3), "half").counter(ms(4), "open", 3, "files");
    main.counter(ms(5), "open", 2.5, "files");
    const model = modelOf(trace);
    const { slices, marks } = threadNamed(model, "main");
    assert.equal(model.strings[slices.detail[0]!], '{"file":"a"}');
    assert.equal(model.strings[marks.name[0]!], "half");
    assert.equal(model.counters[0]!.unit, "files");
    assert.deepEqual(steps(model.counters[0]!.values), [
      [4, 3],
      [5, 2.5],
    ]);
  });

  it("leaves open what has not ended, and marks what its process's end cut short", () => {
    const trace = new SyntheticTrace();
    const process = trace.process(100, "x.ts");
    const main = process.thread("main");
    main.span(ms(1), null, "for ever");
    const open = modelOf(trace, { end: false });
    assert.ok(Number.isNaN(open.threads[0]!.slices.end[0]!));
    assert.ok(Number.isNaN(open.threads[0]!.endNs));
    assert.match(open.cut, /end mark/);
    process.exit(ms(9), null, "SIGKILL");
    const killed = modelOf(trace);
    assert.equal(killed.threads[0]!.slices.end[0], ms(9));
    assert.equal(killed.threads[0]!.slices.flags[0], 4);
    assert.equal(killed.processes[0]!.signal, "SIGKILL");
    assert.equal(killed.cut, "");
  });
});
