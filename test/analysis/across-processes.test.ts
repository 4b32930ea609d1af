/** What processes share is one object of the model, and its threads are told apart. */
import assert from "node:assert/strict";
import { analyseFile } from "../../src/analysis/analyse-file.js";
import { FlowKind, type ObjectTrack, type TraceModel } from "../../src/analysis/model.js";
import { jsonReport } from "../../src/analysis/report/json-report.js";
import { findStandstill, standstillText } from "../../src/analysis/report/standstill.js";
import { EventFlag, EventKind, ObjectKind, ObjectScope, SignalKind, WaitReason } from "../../src/trace/events.js";
import { type Handle, ms, type SyntheticThread, SyntheticTrace } from "./synthetic-trace.js";

function modelOf(trace: SyntheticTrace, options: { end?: boolean } = {}): TraceModel {
  const { model, problem } = analyseFile(trace.bytes(options));
  assert.equal(problem, null);
  return model;
}

/** A thread's process has its own number for what another one made. */
function shared(thread: SyntheticThread, t: number, object: Handle, name = ""): Handle {
  const own = thread.process.handle(object.kind);
  const { pid } = object.process;
  thread.emit(t, EventKind.ObjectShared, {
    object: own.number,
    a: pid,
    b: object.number,
    flags: object.kind,
    site: name,
  });
  return own;
}

const holdsOf = (model: TraceModel, { holds }: ObjectTrack) =>
  Array.from({ length: holds!.count }, (_, i) => {
    const thread = model.threads[holds!.thread[i]!]!;
    return [model.processes[thread.process]!.pid, thread.name, holds!.start[i]! / 1e6, holds!.end[i]! / 1e6];
  });

/** Two processes of which the second knows a lock of the first. */
function two(): { trace: SyntheticTrace; first: SyntheticThread; second: SyntheticThread } {
  const trace = new SyntheticTrace();
  const first = trace.process(100, "first.ts").thread("main");
  const second = trace.process(200, "second.ts", ms(1), 100).thread("main");
  first.emit(ms(0.9), EventKind.ProcessSpawn, { a: 200 });
  return { trace, first, second };
}

describe("objects that processes share", () => {
  it("have one lane, one row of the report, and arrows from releaser to waiter", () => {
    const { trace, first, second } = two();
    // The object's numbers differ: another lock comes first.
    first.lock(ms(1), "own");
    const lock = first.lock(ms(2), "bank");
    first.scope(ms(2), lock, ObjectScope.Process);
    const seen = shared(second, ms(3), lock);
    first.acquire(ms(5), lock).release(ms(45), lock);
    const wait = second.waitForLock(ms(10), seen);
    const remote = { b: first.tid, flags: EventFlag.Remote };
    second.emit(ms(10), EventKind.LockHeld, { object: seen.number, a: 5, ...remote });
    second.emit(ms(45.01), EventKind.LockAcquire, { object: seen.number, a: wait }).release(ms(65), seen);
    const model = modelOf(trace);
    const locks = jsonReport(model).locks.filter(({ name }) => name === "bank");
    assert.equal(locks.length, 1);
    const [report] = locks;
    assert.deepEqual([report!.scope, report!.acquisitions, report!.contended], ["process", 2, 1]);
    assert.equal(report!.hold.totalNs, ms(40) + ms(19.99));
    assert.equal(report!.wait.totalNs, ms(35.01));
    assert.equal(model.objects.length, 2);
    const bank = model.objects.find(({ name }) => name === "bank")!;
    assert.equal(model.processes[bank.process]!.pid, 100);
    assert.deepEqual(holdsOf(model, bank), [
      [100, "main", 5, 45],
      [200, "main", 45.01, 65],
    ]);
    const kinds = [...model.flows.kind.subarray(0, model.flows.count)];
    const wake = kinds.indexOf(FlowKind.Wake);
    assert.equal(kinds.lastIndexOf(FlowKind.Wake), wake);
    assert.deepEqual([model.flows.fromThread[wake], model.flows.toThread[wake]], [0, 1]);
  });

  it("are one also where others tell of them before their maker, or the maker tells nothing", () => {
    const { trace, first, second } = two();
    const third = trace.process(300, "third.ts", ms(1), 100).thread("main");
    const lock: Handle = {
      process: first.process,
      number: 7,
      kind: ObjectKind.Lock,
      depth: 0,
      puts: 0,
      gets: 0,
      tasks: 0,
    };
    const early = shared(second, ms(3), lock, "early");
    second.acquire(ms(4), early).release(ms(5), early);
    first.emit(ms(6), EventKind.ObjectCreate, { object: 7, flags: ObjectKind.Lock, b: first.text("made") });
    first.acquire(ms(7), lock).release(ms(9), lock);
    // Process 999 is not recorded.
    const stranger = trace.process(999, "stranger");
    trace.processes.pop();
    const foreign: Handle = { ...lock, process: stranger, number: 3, kind: ObjectKind.Semaphore };
    const ours = shared(second, ms(10), foreign, "seats");
    const theirs = shared(third, ms(11), foreign, "seats");
    second.acquire(ms(12), ours).release(ms(14), ours);
    third.acquire(ms(13), theirs).release(ms(16), theirs);
    const model = modelOf(trace);
    assert.deepEqual(
      model.objects.map(({ name, process, created, scope, kind }) => [name, process, created, scope, kind]),
      [
        ["made", 0, true, "process", ObjectKind.Lock],
        ["seats", 1, false, "process", ObjectKind.Semaphore],
      ],
    );
    assert.deepEqual(holdsOf(model, model.objects[0]!), [
      [200, "main", 4, 5],
      [100, "main", 7, 9],
    ]);
    assert.deepEqual(holdsOf(model, model.objects[1]!), [
      [200, "main", 12, 14],
      [300, "main", 13, 16],
    ]);
    assert.deepEqual(
      model.processes.map(({ pid }) => pid),
      [100, 200, 300],
    );
    assert.equal(jsonReport(model).locks.length, 2);
  });

  it("know holders of other processes by their OS thread ids", () => {
    const { trace, first, second } = two();
    const worker = first.spawn(ms(1), "worker");
    const lock = first.lock(ms(2), "bank");
    const seen = shared(second, ms(3), lock);
    // Found held, told when it is over, and given back by another process's thread.
    const wait = second.waitForLock(ms(20), seen);
    const by = { b: worker.tid, flags: EventFlag.Remote };
    second.emit(ms(20), EventKind.LockHeld, { object: seen.number, a: 12, ...by });
    second.emit(ms(30), EventKind.LockHold, { object: seen.number, a: 22, ...by });
    second.emit(ms(30.01), EventKind.LockAcquire, { object: seen.number, a: wait });
    // The one that has it now dies, which the worker finds.
    second.process.exit(ms(40), null, "SIGKILL");
    const vain = worker.waitForLock(ms(35), lock);
    const dead = { b: second.tid, flags: EventFlag.Remote };
    worker.emit(ms(50), EventKind.LockAbandoned, { object: lock.number, a: vain, ...dead });
    first.end(ms(60));
    const model = modelOf(trace);
    const bank = model.objects[0]!;
    assert.deepEqual(holdsOf(model, bank), [
      [100, "worker", 8, 30],
      [200, "main", 30.01, 40],
    ]);
    assert.equal(model.threads[bank.abandonedBy]!.process, 1);
    assert.equal(bank.holds!.cut[1], 1);
    assert.equal(bank.waiters!.value[bank.waiters!.count - 1], 0);
    assert.equal(bank.tally.contended, 2);
  });

  it("are signalled from one process to the other", () => {
    const { trace, first, second } = two();
    const event = first.create(ms(1), ObjectKind.Event, "ready");
    const seen = shared(second, ms(2), event);
    second.emit(ms(10), EventKind.WaitBegin, { object: seen.number, a: 5, b: WaitReason.Event });
    first.emit(ms(30), EventKind.Signal, { object: event.number, a: SignalKind.Set, b: 1 });
    second.emit(ms(30.05), EventKind.WaitEnd, { object: seen.number, a: 5, b: first.tid, flags: EventFlag.Remote });
    // Who ends while it waits counts no longer, and lowers no flag.
    second.emit(ms(40), EventKind.WaitBegin, { object: seen.number, a: 6, b: WaitReason.Event });
    second.process.exit(ms(50));
    first.end(ms(60));
    const model = modelOf(trace);
    const ready = model.objects[0]!;
    const wake = [...model.flows.kind].indexOf(FlowKind.Wake);
    const { fromThread, fromTime, toThread } = model.flows;
    assert.deepEqual([fromThread[wake], fromTime[wake], toThread[wake]], [0, ms(30), 1]);
    assert.equal(ready.waiters!.value[ready.waiters!.count - 1], 0);
    assert.equal(ready.tally.contended, 2);
    assert.deepEqual(holdsOf(model, ready), [[100, "main", 30, Number.NaN]]);
  });

  /** Two processes that take two locks in opposite order. */
  function opposite(): { trace: SyntheticTrace; first: SyntheticThread; second: SyntheticThread } {
    const { trace, first, second } = two();
    const a = first.lock(ms(1), "a");
    const b = first.lock(ms(1), "b");
    const seenA = shared(second, ms(2), a);
    const seenB = shared(second, ms(2), b);
    first.acquire(ms(5), a);
    second.acquire(ms(6), seenB);
    first.waitForLock(ms(10), b, { site: "file:///work/first.ts:12:3" });
    second.waitForLock(ms(11), seenA, { site: "file:///work/second.ts:34:3" });
    return { trace, first, second };
  }

  it("are named in a deadlock of two processes, while they live and after they were killed one by one", () => {
    const { trace, first, second } = opposite();
    first.process.stuck(ms(2000), ms(20));
    second.process.stuck(ms(2000), ms(30));
    first.emit(ms(2001), EventKind.Counter);
    const model = modelOf(trace, { end: false });
    const text = standstillText(findStandstill(model)!, model.endNs);
    assert.match(text, /waits for Lock “b”, which “main of second\.ts” holds, at .*first\.ts:12/);
    assert.match(text, /waits for Lock “a”, which “main of first\.ts” holds, at .*second\.ts:34/);
    assert.match(text, /Deadlock: “main of first\.ts” waits for “main of second\.ts” waits for/);

    const killed = opposite();
    killed.second.process.exit(ms(100), null, "SIGKILL");
    killed.first.process.exit(ms(140), null, "SIGINT");
    const [deadlock, ...others] = jsonReport(modelOf(killed.trace)).deadlocks;
    assert.equal(others.length, 0);
    assert.deepEqual(
      deadlock!.cycle.map(({ site }) => site),
      ["/work/first.ts:12", "/work/second.ts:34"],
    );
  });

  it("are named in a circle of a parent that joins a child which wants its lock", () => {
    const { trace, first, second } = two();
    const lock = first.lock(ms(1), "a");
    const seen = shared(second, ms(2), lock);
    first.acquire(ms(5), lock);
    first.emit(ms(6), EventKind.WaitBegin, {
      object: 200,
      a: 90,
      b: WaitReason.ProcessJoin,
      site: "file:///work/p.ts:7:1",
    });
    second.waitForLock(ms(8), seen);
    first.process.stuck(ms(2000), ms(20));
    second.process.stuck(ms(2000), ms(30));
    first.emit(ms(2001), EventKind.Counter);
    const model = modelOf(trace, { end: false });
    const text = standstillText(findStandstill(model)!, model.endNs);
    assert.match(text, /“main of first\.ts” +waits for the end of process “second\.ts”, at/);
    assert.match(text, /Deadlock: “main of (first|second)\.ts” waits for “main of (first|second)\.ts” waits for/);
    const [deadlock] = jsonReport(model).deadlocks;
    assert.deepEqual(deadlock!.cycle.map(({ waitsFor, heldBy }) => [waitsFor, heldBy]).sort(), [
      ["lock-1", "thread-1"],
      ["thread-2", "thread-2"],
    ]);
  });

  it("are pointed to by the join of their process", () => {
    const { trace, first, second } = two();
    first.emit(ms(6), EventKind.WaitBegin, { object: 200, a: 90, b: WaitReason.ProcessJoin });
    second.end(ms(29));
    second.process.exit(ms(30));
    first.emit(ms(31), EventKind.WaitEnd, { object: 200, a: 90 });
    const { flows, strings, threads } = modelOf(trace);
    const arrow = [...flows.kind].indexOf(FlowKind.Result);
    assert.deepEqual([flows.fromThread[arrow], flows.fromTime[arrow], flows.toThread[arrow]], [1, ms(29), 0]);
    assert.equal(strings[threads[0]!.slices.name[0]!], "join second.ts");
  });

  it("make no deadlock of a holder that was killed before the other began to wait", () => {
    const { trace, first, second } = two();
    const a = first.lock(ms(1), "a");
    const b = first.lock(ms(1), "b");
    const seenA = shared(second, ms(2), a);
    const seenB = shared(second, ms(2), b);
    first.acquire(ms(5), a);
    second.acquire(ms(6), seenB);
    second.waitForLock(ms(11), seenA);
    second.process.exit(ms(20), null, "SIGKILL");
    first.waitForLock(ms(30), b);
    first.process.exit(ms(40), null, "SIGINT");
    assert.deepEqual(jsonReport(modelOf(trace)).deadlocks, []);
  });
});
