/**
 * What the trace says of objects that processes share, against what the script did: one object of all processes, its
 * holders and waiters by thread and process, arrows from who ended a wait, counts exactly.
 *
 * Each time has to lie between two readings of the script (see `traced-script.ts`). Where one process waits for another,
 * the other goes on only when the wait has surely begun, by a shared word.
 */
import assert from "node:assert/strict";
import { SliceKind, type TraceModel } from "../../../src/analysis/model.js";
import type { LockReport } from "../../../src/analysis/report/report-types.js";
import { WaitReason } from "../../../src/trace/events.js";
import { measuring, TracedScript, type Wait } from "../../harness/traced-script.js";

const ROUNDS = 6;
/** How often the two meet at the barrier called line. */
const LINES = 2 + 5 * ROUNDS;

const source = `
  import { isMain } from "heddle";
  import { Barrier, Condition, Event, Lock, Process, Queue, RawArray, RLock, Semaphore } from "heddle/multiprocessing";

  ${measuring}
  const PATIENCE = { timeout: 60_000 };
  let who = "";
  const said = (what: string, readings: object) => tell({ who, what, ...readings });
  function waits(what: string, looksBefore: number, wait: () => unknown, begun: () => void): [string, string] {
    let by = "";
    const [from, until] = around(() => blocks(wait, looksBefore, () => { by = clock(); begun(); }));
    said(what, { from, by, until });
    return [from, until];
  }
  /** Words by which one process knows that so many waits of others have begun. */
  const LOCK_WAITS = 0, EVENT_WAITS = 1;
  const begins = (words: RawArray<"i">, word: number) => () => { Atomics.add(words.view, word, 1); };
  function awaits(words: RawArray<"i">, word: number, count: number) {
    while (Atomics.load(words.view, word) < count) nap(1);
  }
  /** Two of them, in turn: the one holds while the other waits for it. */
  function holder(name: string, given: any, first: boolean) {
    who = name;
    const { lock, deep, seats, go, line, all, ready, jobs, results, words } = given;
    line.waitSync();
    for (let i = 0; i < ${ROUNDS}; i++) {
      // The one waits while the other has it.
      let had: [string, string];
      if (first) {
        had = around(() => lock.acquireSync());
        line.waitSync();
        awaits(words, LOCK_WAITS, i + 1);
      } else {
        line.waitSync();
        // It looks at the clock for its own line, too.
        had = waits("lock wait", 2, () => lock.acquireSync(PATIENCE), begins(words, LOCK_WAITS));
      }
      nap(90);
      said("lock hold", { had, gave: around(() => lock.release()) });
      line.waitSync();
    }
    all.waitSync();
    waits("event wait", 1, () => go.waitSync(PATIENCE), begins(words, EVENT_WAITS));
    line.waitSync();
    for (let i = 0; i < ${ROUNDS}; i++) {
      // In turn, then both at once.
      for (const turn of [true, false]) {
        if (turn === first) {
          const had = around(() => deep.acquireSync());
          deep.acquireSync();
          nap(30);
          deep.release();
          said("rlock hold", { had, gave: around(() => deep.release()) });
        }
        line.waitSync();
      }
      const had = around(() => seats.acquireSync());
      line.waitSync();
      nap(30);
      said("semaphore hold", { had, gave: around(() => seats.release()) });
    }
    if (first) all.waitSync();
    else {
      // Who gets the lock after this finds it waiting.
      ready.acquireSync();
      all.waitSync();
      const from = clock();
      ready.waitSync();
      said("condition wait", { from, until: clock() });
      ready.release();
    }
    for (let job = jobs.getSync(); job !== null; job = jobs.getSync()) results.putSync(job + 1);
  }
  if (isMain) {
    who = "main";
    const line = new Barrier(2, { name: "line" });
    const given = {
      lock: new Lock({ name: "bank" }), deep: new RLock({ name: "deep" }), seats: new Semaphore(2, { name: "seats" }),
      go: new Event({ name: "go" }), line, all: new Barrier(3, { name: "all" }), ready: new Condition(new Lock({ name: "of ready" }), { name: "ready" }),
      jobs: new Queue({ name: "jobs", maxSize: 4 }), results: new Queue({ name: "results" }), words: new RawArray("i", 2),
    };
    const tellers = ["one", "two"].map((name, i) => new Process({ target: holder, args: [name, given, i === 0], name }));
    for (const teller of tellers) teller.start();
    given.all.waitSync();
    awaits(given.words, EVENT_WAITS, 2);
    nap(60);
    said("event set", { ended: around(() => given.go.set()) });
    given.all.waitSync();
    given.ready.acquireSync();
    const by = clock();
    nap(60);
    said("condition notified", { by, ended: around(() => given.ready.notify()) });
    given.ready.release();
    for (let i = 0; i < 20; i++) given.jobs.putSync(i);
    for (let i = 0; i < 20; i++) given.results.getSync();
    for (const _ of tellers) given.jobs.putSync(null);
    for (const teller of tellers) await teller.join();
    console.log("done");
  }
`;

type Readings = readonly [before: string, after: string];
interface Held {
  readonly who: string;
  readonly had: Readings;
  readonly gave: Readings;
}
interface Waited {
  readonly who: string;
  readonly from: string;
  readonly by: string;
  readonly until: string;
}
interface Ended {
  readonly by: string;
  readonly ended: Readings;
}

const later = (x: string, y: string) => (BigInt(x) > BigInt(y) ? x : y);

describe("the trace of objects that processes share", function () {
  this.timeout(120_000);
  let traced: TracedScript;
  let model: TraceModel;
  let locks: Map<string, LockReport>;

  before(async () => {
    traced = await TracedScript.run(source, 100_000);
    model = traced.model;
    locks = new Map(traced.report.locks.map((lock) => [lock.name, lock]));
  });

  const toldOf = <T>(what: string) => traced.told<T & { what: string }>().filter((each) => each.what === what);
  const toldBy = (what: string, who: string) => toldOf<Held>(what).filter((each) => each.who === who);
  const main = () => model.processes[0]!.name;

  /** All of an object's holds. Where only one can have it, it was had no earlier than it was given back by the other. */
  function checkHolds(what: string, object: string, exclusive: boolean): void {
    const { holds } = traced.named(object);
    const left = new Map(["one", "two"].map((who) => [who, toldBy(what, who)]));
    assert.equal(holds!.count, 2 * ROUNDS);
    let free = "0";
    for (let row = 0; row < holds!.count; row++) {
      const who = traced.processOf(holds!.thread[row]!);
      const hold = left.get(who)?.shift();
      assert.ok(hold, `${what} ${row} is of ${who}`);
      const earliest = exclusive ? later(hold.had[0], free) : hold.had[0];
      traced.within(`${what} ${row} of ${who} begins`, holds!.start[row]!, [earliest, hold.had[1]]);
      traced.within(`${what} ${row} of ${who} ends`, holds!.end[row]!, hold.gave);
      if (exclusive && row > 0) assert.ok(holds!.start[row]! >= holds!.end[row - 1]!, "two at a time");
      [free] = hold.gave;
    }
  }

  /** A wait, and that its one arrow comes from the process that ended it, from when it did. */
  function checkWait(what: string, object: string, wait: Wait, waited: Waited, ended: Readings, by: string): void {
    assert.equal(wait.process, waited.who);
    traced.within(`${what} begins`, wait.start, [waited.from, waited.by]);
    traced.within(`${what} ends`, wait.end, [ended[0], waited.until]);
    const arrows = traced.arrows(object, "Wake").filter(({ to, toTime }) => to === wait.thread && toTime === wait.end);
    assert.deepEqual(
      arrows.map(({ from }) => traced.processOf(from.index)),
      [by],
    );
    traced.within(`the arrow to ${what}`, arrows[0]!.fromTime, ended);
  }

  it("has one lock of all processes: holds and waits as long as they were, counts exactly, contention once", () => {
    const bank = locks.get("bank")!;
    assert.equal(bank.scope, "process");
    assert.deepEqual([bank.acquisitions, bank.contended, bank.timeouts], [2 * ROUNDS, ROUNDS, 0]);
    assert.equal(bank.maxWaiters, 1);
    checkHolds("lock hold", "bank", true);
    const waits = traced.slicesOf("bank", SliceKind.LockWait);
    const waited = toldOf<Waited>("lock wait");
    const gave = toldBy("lock hold", "one").map((each) => each.gave);
    assert.deepEqual([waits.length, waited.length, gave.length], [ROUNDS, ROUNDS, ROUNDS]);
    for (const [i, wait] of waits.entries()) checkWait(`lock wait ${i}`, "bank", wait, waited[i]!, gave[i]!, "one");
    assert.deepEqual(
      traced
        .named("bank")
        .processes.map((index) => model.processes[index]!.name)
        .slice(1)
        .sort(),
      ["one", "two"],
    );
  });

  it("has an RLock's holds from the first to the last release, and a semaphore's permits", () => {
    assert.equal(locks.get("deep")!.acquisitions, 2 * ROUNDS);
    checkHolds("rlock hold", "deep", true);
    assert.deepEqual([locks.get("seats")!.acquisitions, locks.get("seats")!.contended], [2 * ROUNDS, 0]);
    checkHolds("semaphore hold", "seats", false);
    const { holds } = traced.named("seats");
    for (let row = 1; row < 2 * ROUNDS; row += 2) assert.ok(holds!.start[row]! < holds!.end[row - 1]!, "both have one");
  });

  it("has who waited for an event, a condition and a barrier, and who ended it", () => {
    const [set, notified] = ["event set", "condition notified"].map((what) => toldOf<Ended>(what)[0]!);
    const event = traced.slicesOf("go", SliceKind.OtherWait, WaitReason.Event);
    assert.deepEqual(event.map((wait) => wait.process).sort(), ["one", "two"]);
    for (const wait of event) {
      const waited = toldOf<Waited>("event wait").find(({ who }) => who === wait.process)!;
      checkWait(`event wait of ${waited.who}`, "go", wait, waited, set!.ended, main());
    }
    const condition = traced.slicesOf("ready", SliceKind.OtherWait, WaitReason.Condition);
    const [waited] = toldOf<Waited>("condition wait");
    assert.equal(condition.length, 1);
    // That main has the lock says that the wait had begun.
    checkWait("condition wait", "ready", condition[0]!, { ...waited!, by: notified!.by }, notified!.ended, main());
    const line = locks.get("line")!;
    // Who comes while the others of the last round still leave waits for that, too.
    assert.equal(line.acquisitions, 2 * LINES);
    assert.ok(line.contended >= LINES, `${line.contended}`);
    let arrows = 0;
    for (const wait of traced.slicesOf("line", SliceKind.OtherWait, WaitReason.Barrier)) {
      for (const { from, to, toTime } of traced.arrows("line", "Wake")) {
        if (to !== wait.thread || toTime !== wait.end) continue;
        assert.equal(traced.processOf(from.index), wait.process === "one" ? "two" : "one");
        arrows++;
      }
    }
    assert.ok(arrows >= LINES, `${arrows} arrows of ${line.contended} waits`);
  });

  it("has the items of queues cross the border, with depth and capacity", () => {
    const { queues } = traced.report;
    const [jobs, results] = ["jobs", "results"].map((name) => queues.find((queue) => queue.name === name)!);
    assert.deepEqual([jobs!.puts, jobs!.gets, jobs!.capacity], [22, 22, 4]);
    assert.deepEqual([results!.puts, results!.gets], [20, 20]);
    assert.ok(jobs!.maxDepth >= 1 && jobs!.maxDepth <= 4, `${jobs!.maxDepth} of 4`);
    const ways = (name: string) =>
      traced
        .arrows(name, "Item")
        .map(({ from, to }) => `${traced.processOf(from.index)} to ${traced.processOf(to.index)}`);
    assert.deepEqual([ways("jobs").length, ways("results").length], [22, 20]);
    for (const way of ways("jobs")) assert.ok(way === `${main()} to one` || way === `${main()} to two`, way);
    for (const way of ways("results")) assert.ok(way === `one to ${main()}` || way === `two to ${main()}`, way);
  });
});
