/** Who held a lock, who waited, and who woke whom. */
import assert from "node:assert/strict";
import type { TraceModel } from "../../src/analysis/model.js";
import { jsonReport } from "../../src/analysis/report/json-report.js";
import { EventKind, ObjectKind } from "../../src/trace/events.js";
import { flowsOf, modelOf, slicesOf, steps, threadNamed } from "./model-readers.js";
import { ms, SyntheticTrace } from "./synthetic-trace.js";

/** A main thread that has made a lock, and two threads that it has started. */
function twoAndALock(name = "l") {
  const trace = new SyntheticTrace();
  const main = trace.process(100, "x.ts").thread("main");
  const lock = main.lock(ms(1), name);
  const a = main.spawn(ms(2), "a", ms(3));
  const b = main.spawn(ms(2), "b", ms(3));
  return { trace, main, lock, a, b };
}

describe("the lane of a lock", () => {
  it("shows who held a lock, who waited, and who woke whom", () => {
    const { trace, main, lock, a, b } = twoAndALock("accounts");
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
    const counts = Object.entries(tally).filter(([, count]) => count !== 0);
    assert.deepEqual(Object.fromEntries(counts), { acquisitions: 2, contended: 2, timeouts: 1, failedTries: 1 });
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
    const { trace, lock, a, b } = twoAndALock();
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
    const { trace, lock, a, b } = twoAndALock();
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
    const { trace, main, lock, a, b } = twoAndALock();
    b.waitForLock(ms(30), lock);
    b.findsHeld(ms(30), lock, a, ms(20));
    main.mark(ms(40), "now");
    assert.deepEqual(holdsOf(modelOf(trace, { end: false })), [["a", 20, Number.NaN]]);
  });

  it("ends a found hold once when clocks cross, and for another thread when that gives it back", () => {
    const { trace, main, lock, a, b } = twoAndALock();
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
    const { trace, lock, a, b } = twoAndALock();
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
    const { trace, main, lock } = twoAndALock();
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

  it("counts a hold once that was found and then told among others", () => {
    const { trace, lock, a, b } = twoAndALock();
    // b asks, and a has given it back before b could ask to be woken.
    b.waitForLock(ms(12), lock);
    b.findsHeld(ms(12), lock, a, ms(11));
    a.holdBriefly(ms(10), ms(11), lock, 5);
    a.hold(ms(20), ms(30), lock);
    const model = modelOf(trace);
    assert.equal(model.objects[0]!.tally.acquisitions, 6);
    const last = holdsOf(model).at(-1)!;
    assert.deepEqual(last, ["a", 20, 30]);
  });

  it("counts a hold once that the next holder's acquisition ended before it was told, and the next one's too", () => {
    const { trace, main, lock, a, b } = twoAndALock();
    b.waitForLock(ms(12), lock);
    b.findsHeld(ms(12), lock, a, ms(10));
    // The next holder has it already; then comes what a says of itself, and then what main says, which gave it back for b.
    b.acquire(ms(20), lock, { since: ms(15) });
    a.hold(ms(10), ms(20.001), lock);
    main.release(ms(30), lock);
    main.emit(ms(40), EventKind.LockHold, { object: lock.number, a: 5, b: b.number });
    assert.equal(modelOf(trace).objects[0]!.tally.acquisitions, 3);
  });

  it("counts the next hold of a thread whose last one was given back for it, told after the next holder's begin", () => {
    const { trace, main, lock, a, b } = twoAndALock();
    a.acquire(ms(10), lock, { since: ms(5) });
    b.acquire(ms(20), lock, { since: ms(15) });
    main.release(ms(20.001), lock);
    main.emit(ms(40), EventKind.LockHold, { object: lock.number, a: 5, b: a.number });
    assert.equal(modelOf(trace).objects[0]!.tally.acquisitions, 3);
  });

  it("takes what is told late for as old as it says it is", () => {
    const { trace, main, lock, a } = twoAndALock();
    a.acquire(ms(20), lock, { since: ms(15) });
    main.release(ms(30), lock);
    // At its end the recorder tells what a had noted: a hold from before, which main ended for it.
    a.emit(ms(50), EventKind.Mark, { site: "later" });
    a.findsHeld(ms(45), lock, a, ms(25), ms(50));
    a.end(ms(51));
    const model = modelOf(trace);
    assert.equal(model.objects[0]!.tally.acquisitions, 1);
    assert.deepEqual(holdsOf(model), [["a", 20, 30]]);
  });

  it("still counts a hold that was found and never ended", () => {
    const { trace, lock, a, b } = twoAndALock();
    b.waitForLock(ms(12), lock);
    b.findsHeld(ms(12), lock, a, ms(10));
    const model = modelOf(trace);
    assert.equal(model.objects[0]!.tally.acquisitions, 1);
  });

  it("gives back as many permits as a release says", () => {
    const { trace, main, a } = twoAndALock();
    const seats = main.create(ms(1), ObjectKind.Semaphore, "seats");
    a.acquire(ms(10), seats).acquire(ms(11), seats).acquire(ms(12), seats);
    a.emit(ms(20), EventKind.LockRelease, { object: seats.number, b: 2 }).release(ms(30), seats);
    assert.deepEqual(
      holdsOf(modelOf(trace), 1).map(([, , end]) => end),
      [30, 20, 20],
    );
  });

  it("says which thread died while it held a lock, and that the waits for it failed", () => {
    const { trace, main, lock, a } = twoAndALock();
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
});
