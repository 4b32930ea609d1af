import assert from "node:assert/strict";
import { analyseFile } from "../../src/analysis/analyse-file.js";
import { FlowKind, type TraceModel } from "../../src/analysis/model.js";
import { jsonReport } from "../../src/analysis/report/json-report.js";
import { EventFlag, EventKind, ObjectKind, SignalKind, WaitReason } from "../../src/trace/events.js";
import { ms, type SyntheticThread, SyntheticTrace } from "./synthetic-trace.js";

type Handle = ReturnType<SyntheticThread["lock"]>;

const signal = (thread: SyntheticThread, t: number, object: Handle, kind: SignalKind, woken = 0) =>
  thread.emit(t, EventKind.Signal, { object: object.number, a: kind, b: woken, site: "file:///work/main.ts:80:3" });

/** A wait; `by` is the number of who ended it, 0 if it failed. */
function wait(thread: SyntheticThread, from: number, to: number, object: Handle, reason: WaitReason, by: number): void {
  const number = 1000 + from;
  thread.emit(from, EventKind.WaitBegin, { object: object.number, a: number, b: reason });
  thread.emit(to, EventKind.WaitEnd, {
    object: object.number,
    a: number,
    b: by,
    flags: by === 0 ? EventFlag.Failed : 0,
  });
}

function analyse(trace: SyntheticTrace): TraceModel {
  const { model, problem } = analyseFile(trace.bytes());
  assert.equal(problem, null);
  return model;
}

const holdsOf = (model: TraceModel, object: number) => {
  const holds = model.objects[object]!.holds!;
  return Array.from({ length: holds.count }, (_, i) => [
    model.threads[holds.thread[i]!]!.name,
    holds.start[i]! / 1e6,
    holds.end[i]! / 1e6,
  ]);
};
const wakesOf = (model: TraceModel) => {
  const { flows } = model;
  return Array.from({ length: flows.count }, (_, i) => i)
    .filter((i) => flows.kind[i] === FlowKind.Wake)
    .map((i) => [
      model.threads[flows.fromThread[i]!]!.name,
      flows.fromTime[i]! / 1e6,
      model.threads[flows.toThread[i]!]!.name,
      flows.toTime[i]! / 1e6,
    ]);
};

function threads() {
  const trace = new SyntheticTrace();
  const main = trace.process(100, "main.ts").thread("main");
  const [a, b, c] = ["a", "b", "c"].map((name) => main.spawn(ms(1), name, ms(2))) as [
    SyntheticThread,
    SyntheticThread,
    SyntheticThread,
  ];
  return { trace, main, a, b, c };
}

describe("the analysis of conditions, events and barriers", () => {
  it("shows an event's flag, who waited, and who raised it for them", () => {
    const { trace, main, a, b } = threads();
    const event = main.create(ms(3), ObjectKind.Event, "go");
    wait(a, ms(10), ms(30.1), event, WaitReason.Event, main.number);
    wait(b, ms(12), ms(30.2), event, WaitReason.Event, main.number);
    signal(main, ms(30), event, SignalKind.Set, 2);
    signal(main, ms(35), event, SignalKind.Set);
    a.emit(ms(36), EventKind.WaitEnd, { object: event.number, a: 0 });
    signal(b, ms(50), event, SignalKind.Clear);
    wait(a, ms(60), ms(70), event, WaitReason.Event, 0);
    a.emit(ms(71), EventKind.WaitEnd, { object: event.number, a: 0, flags: EventFlag.Failed });
    signal(b, ms(80), event, SignalKind.Set);
    main.end(ms(100));
    const model = analyse(trace);
    assert.deepEqual(holdsOf(model, 0).slice(0, 1), [["main", 30, 50]]);
    assert.deepEqual(holdsOf(model, 0)[1]!.slice(0, 2), ["b", 80]);
    assert.deepEqual(wakesOf(model), [
      ["main", 30, "a", 30.1],
      ["main", 30, "b", 30.2],
    ]);
    const lock = jsonReport(model).locks[0]!;
    assert.deepEqual(
      [lock.kind, lock.name, lock.acquisitions, lock.contended, lock.timeouts, lock.maxWaiters],
      ["Event", "go", 3, 3, 1, 2],
    );
    assert.equal(lock.wait.totalNs, ms(20.1) + ms(18.2) + ms(10));
    assert.equal(lock.hold.totalNs, 0);
  });

  it("leads from the set that ended a wait, however late its thread goes on", () => {
    const { trace, main, a, b } = threads();
    const event = main.create(ms(3), ObjectKind.Event, "go");
    wait(a, ms(10), ms(45), event, WaitReason.Event, main.number);
    signal(main, ms(20), event, SignalKind.Set, 1);
    signal(main, ms(25), event, SignalKind.Clear);
    // b, too, got a core only after the clear, and a only after the set that followed.
    wait(b, ms(12), ms(28), event, WaitReason.Event, main.number);
    signal(main, ms(40), event, SignalKind.Set);
    main.end(ms(100));
    assert.deepEqual(wakesOf(analyse(trace)), [
      ["main", 20, "b", 28],
      ["main", 20, "a", 45],
    ]);
  });

  it("shows a barrier's rounds under the thread that came last", () => {
    const { trace, main, a, b, c } = threads();
    const barrier = main.create(ms(3), ObjectKind.Barrier, "start", 3);
    for (const [from, first, second, last] of [
      [10, a, b, c],
      [40, b, c, a],
    ] as const) {
      wait(first, ms(from), ms(from + 20.5), barrier, WaitReason.Barrier, last.number);
      wait(second, ms(from + 5), ms(from + 20.1), barrier, WaitReason.Barrier, last.number);
      signal(last, ms(from + 20), barrier, SignalKind.Pass, 2);
      last.emit(ms(from + 20.05), EventKind.WaitEnd, { object: barrier.number, a: 0, b: last.number });
    }
    // The third round breaks.
    wait(a, ms(70), ms(90), barrier, WaitReason.Barrier, 0);
    signal(a, ms(89), barrier, SignalKind.Break, 1);
    main.end(ms(100));
    const model = analyse(trace);
    assert.deepEqual(holdsOf(model, 0), [
      ["c", 10, 30],
      ["a", 40, 60],
    ]);
    assert.deepEqual(wakesOf(model), [
      ["c", 30, "b", 30.1],
      ["c", 30, "a", 30.5],
      ["a", 60, "c", 60.1],
      ["a", 60, "b", 60.5],
    ]);
    const lock = jsonReport(model).locks[0]!;
    assert.deepEqual(
      [lock.kind, lock.acquisitions, lock.contended, lock.timeouts, lock.maxWaiters, lock.hold.totalNs],
      ["Barrier", 6, 5, 1, 2, 0],
    );
    assert.equal(lock.wait.totalNs, 2 * (ms(20.5) + ms(15.1)) + ms(20));
  });

  it("shows who notified a condition's waiters, and blames no lock for their waiting", () => {
    const { trace, main, a, b } = threads();
    const condition = main.create(ms(3), ObjectKind.Condition, "changed");
    wait(a, ms(10), ms(60), condition, WaitReason.Condition, main.number);
    wait(b, ms(20), ms(40), condition, WaitReason.Condition, 0);
    signal(main, ms(59), condition, SignalKind.Notify, 1);
    main.end(ms(100));
    const model = analyse(trace);
    assert.deepEqual(holdsOf(model, 0), []);
    assert.deepEqual(wakesOf(model), [["main", 59, "a", 60]]);
    const report = jsonReport(model);
    const lock = report.locks[0]!;
    assert.deepEqual(
      [lock.kind, lock.acquisitions, lock.contended, lock.timeouts, lock.maxWaiters, lock.wait.totalNs],
      ["Condition", 1, 2, 1, 2, ms(70)],
    );
    assert.deepEqual(
      report.findings.filter(({ rule }) => rule === "contended-lock"),
      [],
    );
  });
});
