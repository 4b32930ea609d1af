import assert from "node:assert/strict";
import fc from "fast-check";
import { analyseFile } from "../../src/analysis/analyse-file.js";
import { FlowKind, SliceKind, ThreadState, type ThreadTrack, type TraceModel } from "../../src/analysis/model.js";
import { jsonReport } from "../../src/analysis/report/json-report.js";
import { TraceBuilder } from "../../src/analysis/trace-builder.js";
import { EventKind, ObjectKind, WaitReason } from "../../src/trace/events.js";
import { largeTrace, ms, SyntheticTrace } from "./synthetic-trace.js";

function modelOf(trace: SyntheticTrace, options?: { end?: boolean }): TraceModel {
  const { model, problem } = analyseFile(trace.bytes(options));
  assert.equal(problem, null);
  return model;
}

const threadNamed = (model: TraceModel, name: string): ThreadTrack => {
  const thread = model.threads.find((t) => t.name === name);
  assert.ok(thread, `no thread ${name}`);
  return thread;
};

const stateNames = new Map(Object.entries(ThreadState).map(([name, state]) => [state as number, name]));
/** [state, from, to] in milliseconds. */
const statesOf = ({ states }: ThreadTrack) =>
  Array.from({ length: states.count }, (_, i) => [
    stateNames.get(states.state[i]!),
    states.start[i]! / 1e6,
    states.end[i]! / 1e6,
  ]);
const sliceNames = new Map(Object.entries(SliceKind).map(([name, kind]) => [kind as number, name]));
/** [kind, depth, from, to] in milliseconds. */
const slicesOf = ({ slices }: ThreadTrack) =>
  Array.from({ length: slices.count }, (_, i) => [
    sliceNames.get(slices.kind[i]!),
    slices.depth[i]!,
    slices.start[i]! / 1e6,
    slices.end[i]! / 1e6,
  ]);
const steps = (columns: { count: number; time: Float64Array; value: Float64Array } | null) =>
  Array.from({ length: columns!.count }, (_, i) => [columns!.time[i]! / 1e6, columns!.value[i]!]);
/** [kind, from thread, at, to thread, at]. */
const flowsOf = (model: TraceModel) => {
  const names = new Map(Object.entries(FlowKind).map(([name, kind]) => [kind as number, name]));
  const { flows } = model;
  return Array.from({ length: flows.count }, (_, i) => [
    names.get(flows.kind[i]!),
    model.threads[flows.fromThread[i]!]!.name,
    flows.fromTime[i]! / 1e6,
    model.threads[flows.toThread[i]!]!.name,
    flows.toTime[i]! / 1e6,
  ]);
};

describe("TraceBuilder", () => {
  it("shows who held a lock, who waited, and who woke whom", () => {
    const trace = new SyntheticTrace();
    const main = trace.process(100, "bank.ts").thread("main");
    const lock = main.lock(ms(1), "accounts");
    const a = main.spawn(ms(2), "a", ms(3));
    const b = main.spawn(ms(2), "b", ms(3));
    a.acquire(ms(10), lock).release(ms(40), lock);
    b.acquire(ms(40.5), lock, { since: ms(15) }).release(ms(50), lock);
    main.lockTimeout(ms(30), lock, { since: ms(20) }).lockTimeout(ms(31), lock);
    const model = modelOf(trace);

    const { holds, waiters, tally, name } = model.objects[0]!;
    assert.equal(name, "accounts");
    assert.deepEqual(
      Array.from({ length: holds!.count }, (_, i) => [
        model.threads[holds!.thread[i]!]!.name,
        holds!.start[i]! / 1e6,
        holds!.end[i]! / 1e6,
      ]),
      [
        ["a", 10, 40],
        ["b", 40.5, 50],
      ],
    );
    assert.deepEqual(steps(waiters), [
      [15, 1],
      [20, 2],
      [30, 1],
      [40.5, 0],
    ]);
    assert.deepEqual(
      { ...tally },
      {
        acquisitions: 2,
        contended: 2,
        timeouts: 1,
        failedTries: 1,
        puts: 0,
        gets: 0,
        tasks: 0,
        failed: 0,
        cancelled: 0,
        messages: 0,
        bytes: 0,
        received: 0,
      },
    );
    assert.deepEqual(flowsOf(model), [
      ["Spawn", "main", 2, "a", 3],
      ["Spawn", "main", 2, "b", 3],
      ["Wake", "a", 40, "b", 40.5],
    ]);
    assert.deepEqual(slicesOf(threadNamed(model, "b")), [["LockWait", 0, 15, 40.5]]);
    const { slices } = threadNamed(model, "main");
    assert.equal(slices.flags[0]! & 2, 2, "the wait that timed out is marked as failed");
    assert.equal(model.strings[slices.site[0]!], "/work/main.ts:10:3");
  });

  it("never lets a lock have two holders when clocks cross", () => {
    const trace = new SyntheticTrace();
    const main = trace.process(100, "x.ts").thread("main");
    const lock = main.lock(ms(1), "l");
    const a = main.spawn(ms(2), "a");
    const b = main.spawn(ms(2), "b");
    // The release's record carries a later time than the acquisition that it made possible.
    a.acquire(ms(10), lock).release(ms(40.001), lock);
    b.acquire(ms(40), lock, { since: ms(15) }).release(ms(50), lock);
    const model = modelOf(trace);
    const { holds } = model.objects[0]!;
    assert.deepEqual([...holds!.end.subarray(0, 2)], [ms(40), ms(50)]);
    assert.deepEqual(flowsOf(model).at(-1), ["Wake", "a", 40, "b", 40]);
  });

  const holdsOf = (model: TraceModel, object = 0) => {
    const { holds } = model.objects[object]!;
    return Array.from({ length: holds!.count }, (_, i) => [
      model.threads[holds!.thread[i]!]!.name,
      holds!.start[i]! / 1e6,
      holds!.end[i]! / 1e6,
    ]);
  };

  it("knows holds that are told when they are over, also by who waits for their end", () => {
    const trace = new SyntheticTrace();
    const main = trace.process(100, "x.ts").thread("main");
    const lock = main.lock(ms(1), "l");
    const a = main.spawn(ms(2), "a");
    const b = main.spawn(ms(2), "b");
    a.hold(ms(10), ms(12), lock).hold(ms(20), ms(50), lock);
    b.findsHeld(ms(30), lock, a, ms(20))
      .acquire(ms(50.5), lock, { since: ms(30) })
      .release(ms(60), lock);
    // Found when it was already over: no second hold.
    a.hold(ms(70), ms(72), lock);
    b.findsHeld(ms(72.001), lock, a, ms(70));
    const model = modelOf(trace);
    assert.deepEqual(holdsOf(model), [
      ["a", 10, 12],
      ["a", 20, 50],
      ["b", 50.5, 60],
      ["a", 70, 72],
    ]);
    assert.equal(model.objects[0]!.tally.acquisitions, 4);
    assert.deepEqual(flowsOf(model).at(-1), ["Wake", "a", 50, "b", 50.5]);
    assert.equal(model.strings[model.objects[0]!.holds!.site[1]!], "/work/main.ts:11:3");
  });

  it("shows a hold that goes on, once somebody waits for its end", () => {
    const trace = new SyntheticTrace();
    const main = trace.process(100, "x.ts").thread("main");
    const lock = main.lock(ms(1), "l");
    const a = main.spawn(ms(2), "a");
    const b = main.spawn(ms(2), "b");
    b.waitForLock(ms(30), lock);
    b.findsHeld(ms(30), lock, a, ms(20));
    main.mark(ms(40), "now");
    assert.deepEqual(holdsOf(modelOf(trace, { end: false })), [["a", 20, Number.NaN]]);
  });

  it("ends a found hold once when clocks cross, and for another thread when that gives it back", () => {
    const trace = new SyntheticTrace();
    const main = trace.process(100, "x.ts").thread("main");
    const lock = main.lock(ms(1), "l");
    const a = main.spawn(ms(2), "a");
    const b = main.spawn(ms(2), "b");
    a.hold(ms(10), ms(40.001), lock);
    b.findsHeld(ms(15), lock, a, ms(10))
      .acquire(ms(40), lock, { since: ms(15) })
      .release(ms(50), lock);
    main.emit(ms(70), EventKind.LockHold, { object: lock.number, a: 10, b: b.number });
    const model = modelOf(trace);
    assert.deepEqual(holdsOf(model), [
      ["a", 10, 40],
      ["b", 40, 50],
      ["b", 60, 70],
    ]);
    assert.deepEqual(flowsOf(model).at(-1), ["Wake", "a", 40, "b", 40]);
  });

  it("counts a hold that is told when the next holder is already known, without two at a time", () => {
    const trace = new SyntheticTrace();
    const main = trace.process(100, "x.ts").thread("main");
    const lock = main.lock(ms(1), "l");
    const a = main.spawn(ms(2), "a");
    const b = main.spawn(ms(2), "b");
    a.hold(ms(10), ms(40.001), lock);
    b.acquire(ms(40), lock, { since: ms(15) }).release(ms(50), lock);
    const model = modelOf(trace);
    assert.deepEqual(holdsOf(model), [
      ["b", 40, 50],
      ["a", 40, 40],
    ]);
    assert.equal(model.objects[0]!.tally.acquisitions, 2);
    assert.equal(jsonReport(model).locks[0]!.hold.p50Ns, ms(10));
  });

  it("counts holds that were too brief to be told one by one", () => {
    const trace = new SyntheticTrace();
    const main = trace.process(100, "x.ts").thread("main");
    const lock = main.lock(ms(1), "l");
    main.hold(ms(10), ms(10.001), lock).holdBriefly(ms(11), ms(12), lock, 500).hold(ms(20), ms(50), lock);
    const model = modelOf(trace);
    const { holds, tally } = model.objects[0]!;
    assert.equal(tally.acquisitions, 502);
    assert.deepEqual([...holds!.times.subarray(0, 3)], [1, 500, 1]);
    assert.deepEqual([...holds!.inexact.subarray(0, 3)], [0, 1, 0]);
    const { hold } = jsonReport(model).locks[0]!;
    assert.equal(hold.maxNs, ms(30));
    assert.equal(hold.p50Ns, 1000, "of those that were timed");
    assert.equal(hold.totalNs, 1000 + 500 * 1000 + ms(30));
    assert.equal(hold.meanNs, Math.round(hold.totalNs / 502));
  });

  it("gives back as many permits as a release says", () => {
    const trace = new SyntheticTrace();
    const main = trace.process(100, "x.ts").thread("main");
    const seats = main.create(ms(1), ObjectKind.Semaphore, "seats");
    const a = main.spawn(ms(2), "a");
    a.acquire(ms(10), seats).acquire(ms(11), seats).acquire(ms(12), seats);
    a.emit(ms(20), EventKind.LockRelease, { object: seats.number, b: 2 }).release(ms(30), seats);
    assert.deepEqual(
      holdsOf(modelOf(trace)).map(([, , end]) => end),
      [30, 20, 20],
    );
  });

  it("says which thread died while it held a lock, and that the waits for it failed", () => {
    const trace = new SyntheticTrace();
    const main = trace.process(100, "x.ts").thread("main");
    const lock = main.lock(ms(1), "l");
    const a = main.spawn(ms(2), "a");
    const wait = main.waitForLock(ms(20), lock);
    main.findsHeld(ms(20), lock, a, ms(10));
    a.end(ms(30));
    main.emit(ms(80), EventKind.LockAbandoned, { object: lock.number, a: wait, b: a.number });
    const model = modelOf(trace);
    assert.equal(model.objects[0]!.abandonedBy, a.number - 1);
    assert.equal(threadNamed(model, "main").slices.flags[0]! & 2, 2);
    const found = jsonReport(model).findings[0]!;
    assert.equal(found.title, "“a” died while it held “l”");
    assert.deepEqual(found.sites, ["/work/main.ts:11", "/work/main.ts:1"]);
  });

  it("counts a queue's depth and follows each item", () => {
    const trace = new SyntheticTrace();
    const main = trace.process(100, "x.ts").thread("main");
    const queue = main.queue(ms(1), "", 2, "file:///work/src/my%20pipe.ts:12:4");
    const consumer = main.spawn(ms(2), "consumer");
    main.put(ms(10), queue).put(ms(11), queue);
    consumer.get(ms(20), queue);
    main.put(ms(21), queue, { since: ms(12) });
    consumer.get(ms(30), queue).get(ms(31), queue);
    main.put(ms(50), queue);
    consumer.get(ms(51), queue, { since: ms(32), async: true });
    const model = modelOf(trace);
    const object = model.objects[0]!;
    assert.equal(object.name, "Queue my pipe.ts:12");
    assert.equal(object.site, "/work/src/my pipe.ts:12:4");
    assert.equal(object.capacity, 2);
    assert.deepEqual(steps(object.depth), [
      [10, 1],
      [11, 2],
      [20, 1],
      [21, 2],
      [30, 1],
      [31, 0],
      [50, 1],
      [51, 0],
    ]);
    assert.deepEqual(flowsOf(model).slice(1), [
      ["Item", "main", 10, "consumer", 20],
      ["Wake", "consumer", 20, "main", 21],
      ["Item", "main", 11, "consumer", 30],
      ["Item", "main", 21, "consumer", 31],
      ["Item", "main", 50, "consumer", 51],
    ]);
    assert.deepEqual(slicesOf(threadNamed(model, "main")), [["QueuePutWait", 0, 12, 21]]);
    const { states } = threadNamed(model, "consumer");
    assert.deepEqual([...states.state.subarray(0, states.count)], [ThreadState.Running], "a promise blocks no thread");
  });

  it("counts a pool's queued and busy tasks, also of another process", () => {
    const trace = new SyntheticTrace();
    const main = trace.process(100, "x.ts").thread("main");
    const pool = main.pool(ms(1), "hashers", 2);
    const child = trace.process(200, "worker", ms(2), 100);
    const worker = child.thread("main", ms(3)).worksFor(ms(4), pool);
    const first = main.submit(ms(5), pool, "hash");
    const second = main.submit(ms(6), pool, "hash");
    const third = main.submit(ms(7), pool, "hash");
    worker.task(ms(10), ms(20), pool, first, "hash");
    main.cancel(ms(12), pool, third);
    worker.task(ms(21), ms(30), pool, second, "hash", true);
    main.wait(ms(8), ms(31), WaitReason.Result, pool.number);
    const model = modelOf(trace);
    const object = model.objects[0]!;
    assert.deepEqual(steps(object.queued), [
      [5, 1],
      [6, 2],
      [7, 3],
      [10, 2],
      [12, 1],
      [21, 0],
    ]);
    assert.deepEqual(steps(object.busy), [
      [10, 1],
      [20, 0],
      [21, 1],
      [30, 0],
    ]);
    const lane = model.threads.find((thread) => thread.process === 1)!;
    assert.equal(lane.pool, object.index);
    assert.deepEqual(slicesOf(lane), [
      ["Task", 0, 10, 20],
      ["Task", 0, 21, 30],
    ]);
    assert.equal(lane.slices.flags[1], 2);
    // Of a task that is where it was handed in.
    assert.equal(model.strings[lane.slices.site[0]!], "/work/main.ts:40:3");
    const flows = flowsOf(model).map(([kind, , from, , to]) => [kind, from, to]);
    assert.deepEqual(flows, [
      ["Task", 5, 10],
      ["Task", 6, 21],
      ["Result", 30, 31],
    ]);
    assert.equal(model.processes[1]!.parentPid, 100);
  });

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

  it("survives events about what it has never heard of", () => {
    const trace = new SyntheticTrace();
    const main = trace.process(100, "x.ts").thread("main");
    for (const kind of Object.values(EventKind)) {
      if (kind === EventKind.Text || kind === EventKind.ThreadEnd) continue;
      main.emit(ms(kind), kind, { object: 77, a: 5, b: 99, flags: kind === EventKind.ObjectCreate ? 99 : 0 });
    }
    main.emit(ms(100), EventKind.LockRelease, { object: 3 }).emit(ms(101), 200, { object: 1 });
    main.emit(ms(102), EventKind.QueueGet, { object: 9, a: 2 ** 40, b: 1 });
    main.emit(ms(103), EventKind.QueuePut, { object: 9, a: 2 ** 40, b: 1 });
    const model = modelOf(trace);
    assert.equal(model.endNs, ms(103));
    assert.equal(model.objects.find((object) => object.kind === ObjectKind.Queue)?.tally.puts, 1);
  });

  it("is the same however the bytes are cut", () => {
    const trace = largeTrace({ events: 3000, workers: 3, cores: 2 });
    const bytes = trace.bytes();
    const whole = dump(analyseFile(bytes).model);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 30 }), (cuts) => {
        const builder = new TraceBuilder();
        let from = 0;
        let version = builder.version;
        for (const cut of [...cuts.sort((x, y) => x - y), bytes.length]) {
          builder.push(bytes.slice(from, cut));
          if (cut > from) assert.ok(builder.version > version);
          version = builder.version;
          from = cut;
        }
        builder.finish();
        assert.equal(dump(builder.model), whole);
      }),
      { numRuns: 40 },
    );
  });

  it("reads any prefix of a file, and columns stay sorted", () => {
    const bytes = largeTrace({ events: 3000, workers: 3, cores: 2 }).bytes();
    fc.assert(
      fc.property(fc.integer({ min: 0, max: bytes.length - 1 }), (length) => {
        const { model, problem } = analyseFile(bytes.subarray(0, length));
        if (problem === null) assert.match(model.cut, /cut off/);
        checkInvariants(model);
      }),
      { numRuns: 60 },
    );
  });

  it("reads a file with damage in it, and columns stay sorted", () => {
    const bytes = largeTrace({ events: 3000, workers: 3, cores: 2 }).bytes();
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 })), {
          minLength: 1,
          maxLength: 8,
        }),
        (flips) => {
          const broken = bytes.slice();
          for (const [at, mask] of flips) broken[at]! ^= mask;
          checkInvariants(analyseFile(broken).model);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("keeps every promise of the model while it grows", () => {
    const bytes = largeTrace({ events: 20_000, workers: 6, cores: 3 }).bytes();
    const builder = new TraceBuilder();
    let end = 0;
    for (let at = 0; at < bytes.length; at += 5000) {
      builder.push(bytes.subarray(at, at + 5000));
      checkInvariants(builder.model);
      assert.ok(builder.model.endNs >= end, "what is known does not shrink");
      end = builder.model.endNs;
    }
    builder.finish();
    checkInvariants(builder.model);
    const tasks = builder.model.objects.find((object) => object.kind === ObjectKind.ThreadPoolExecutor)!;
    assert.equal(tasks.busy!.value[tasks.busy!.count - 1], 0);
    assert.equal(tasks.queued!.value[tasks.queued!.count - 1], 0);
  });
});

/** What model.ts promises of its columns. */
function checkInvariants(model: TraceModel): void {
  const sorted = (times: Float64Array, count: number, what: string) => {
    for (let i = 1; i < count; i++) assert.ok(times[i]! >= times[i - 1]!, `${what} is sorted at ${i}`);
  };
  for (const thread of model.threads) {
    const { states, slices } = thread;
    for (let i = 1; i < states.count; i++) assert.equal(states.end[i - 1], states.start[i], "states follow each other");
    const until: number[] = [];
    for (let i = 0; i < slices.count; i++) {
      const depth = slices.depth[i]!;
      assert.ok(!(slices.end[i]! < slices.start[i]!));
      assert.ok(slices.start[i]! >= (until[depth] ?? 0), `slices of depth ${depth} do not overlap`);
      until[depth] = Number.isNaN(slices.end[i]!) ? Number.POSITIVE_INFINITY : slices.end[i]!;
    }
  }
  for (const object of model.objects) {
    for (const column of [object.waiters, object.depth, object.queued, object.busy]) {
      if (column) sorted(column.time, column.count, object.name);
    }
    if (object.holds) sorted(object.holds.start, object.holds.count, object.name);
  }
  for (const core of model.cores) {
    for (let i = 1; i < core.count; i++)
      assert.ok(core.start[i]! >= core.end[i - 1]!, "a core runs one thread at a time");
  }
  sorted(model.flows.toTime, model.flows.count, "flows");
  sorted(model.coresInUse.time, model.coresInUse.count, "cores in use");
}

/** Everything the model says, as text. */
function dump(model: TraceModel): string {
  const plain = (value: unknown): unknown => {
    if (ArrayBuffer.isView(value)) return Array.from(value as Float64Array, String);
    if (value instanceof Map) return [...value];
    if (Array.isArray(value)) return value.map(plain);
    if (value === null || typeof value !== "object") return value;
    const count = (value as { count?: number }).count;
    return Object.fromEntries(
      Object.keys(value).map((key) => {
        const field = (value as Record<string, unknown>)[key];
        return [
          key,
          ArrayBuffer.isView(field) && count !== undefined
            ? plain((field as Float64Array).subarray(0, count))
            : plain(field),
        ];
      }),
    );
  };
  const { strings, processes, threads, objects, counters, cores, coresInUse, flows, recorder, endNs, cut } = model;
  return JSON.stringify(
    plain({ strings, processes, threads, objects, counters, cores, coresInUse, flows, recorder, endNs, cut }),
  );
}
