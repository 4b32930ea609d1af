/**
 * What a trace says of waits for conditions, events and barriers, against what the script itself did.
 *
 * Each time has to lie between two readings of the script (see `traced-script.ts`). Who ends waits does so a while after
 * all of them have begun, which it knows for certain: of an event, by a word that each waiter counts up; of a condition,
 * by having the lock, which a waiter gives back only then; of a barrier, by how many are there. So a wait begins between
 * the reading before it and one when it was known to have begun, and ends between the reading before what ended it and
 * the one after it.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SliceKind, ThreadState } from "../../../src/analysis/model.js";
import { SliceFlag } from "../../../src/analysis/thread-lane.js";
import { runScript } from "../../harness/run-script.js";
import { measuring, TracedScript, type Wait } from "../../harness/traced-script.js";

/** Milliseconds from when all have begun to wait to what ends it, and timeouts. */
const NAP = 120;

type Readings = readonly [before: string, after: string];

interface Waited {
  readonly thread: string;
  /** The thread that is known to end it, "" for none: then its time is over. */
  readonly by: string;
  /** Which round of waits it is of, -1 for none. */
  readonly round: number;
  readonly from: string;
  /** When it had begun, if the thread itself knows. */
  readonly begun?: string;
  readonly until: string;
}

/** What is known of the waits of a round. */
interface Round {
  /** When all had begun. */
  begun?: string;
  ended?: Readings;
  /** Before a condition's lock was free again. */
  free?: string;
  /** When an event's flag was lowered. */
  cleared?: Readings;
}

interface Scene {
  readonly traced: TracedScript;
  readonly waited: readonly Waited[];
  readonly rounds: readonly Round[];
}

async function trace(source: string): Promise<Scene> {
  const traced = await TracedScript.run(`
    import { isMain } from "heddle";
    import { Barrier, Condition, Event, Lock, Thread, Timer, currentThread } from "heddle/threading";
    import { Queue } from "heddle/queue";
    ${measuring}
    const NAP = ${NAP};
    const PATIENCE = { timeout: 60_000 };
    const me = () => (currentThread().ident === 1 ? "main" : currentThread().name);
    const tellRound = (round: number, what: object) => tell({ round, what });
    const tellWait = (by: string, round: number, readings: object) => tell({ thread: me(), by, round, ...readings });
    async function until(condition: () => boolean) {
      while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    /** Blocks in a wait with a timeout, and calls "then" when it has begun. */
    function blocksFor(by: string, round: number, wait: () => unknown, then = () => {}) {
      let begun = "";
      const [from, until] = around(() => blocks(wait, 1, () => { begun = clock(); then(); }));
      tellWait(by, round, { from, begun, until });
    }
    /** Blocks in a wait without one: who ends it knows that it has begun. */
    function blocksForEver(by: string, round: number, wait: () => unknown) {
      const [from, until] = around(wait);
      tellWait(by, round, { from, until });
    }
    async function awaits(by: string, round: number, wait: () => Promise<unknown>, then = () => {}) {
      const from = clock();
      const promise = wait();
      const begun = clock();
      then();
      await promise;
      tellWait(by, round, { from, begun, until: clock() });
    }
    ${source}
    if (isMain) { await run(); console.log("done"); }
  `);
  const told = traced.told<Waited & { readonly what?: Round }>();
  const rounds: Round[] = [];
  for (const { round, what } of told) if (what) rounds[round] = { ...rounds[round], ...what };
  return { traced, waited: told.filter(({ what }) => !what), rounds };
}

const later = (reading: string, ms: number) => String(BigInt(reading) + BigInt(ms) * 1_000_000n);

/**
 * Holds each thread's waits for the object, in their order, beside what it told of them; and who ended them. `guard`: a
 * lock that a wait takes again before it is over.
 */
function compare(scene: Scene, name: string, guard?: string): void {
  const { traced, waited } = scene;
  const waits = traced.slicesOf(name, SliceKind.OtherWait);
  assert.equal(waits.length, waited.length);
  for (const thread of new Set(waited.map((each) => each.thread))) {
    const own = waits.filter((wait) => wait.thread.name === thread);
    const known = waited.filter((each) => each.thread === thread);
    assert.equal(own.length, known.length, `waits of ${thread}`);
    for (const [i, wait] of own.entries()) compareWait(scene, name, wait, known[i]!, guard);
  }
  const { wait, hold } = traced.report.locks.find((lock) => lock.name === name)!;
  const total = waits.reduce((sum, { start, end }) => sum + end - start, 0);
  assert.ok(Math.abs(wait.totalNs - total) <= 1, `${wait.totalNs} ns, not ${total}`);
  assert.equal(hold.totalNs, 0);
}

function compareWait({ traced, rounds }: Scene, name: string, wait: Wait, known: Waited, guard?: string): void {
  const { thread, by, round, from, until } = known;
  const what = `wait of ${thread} in round ${round}`;
  const { begun, ended, free } = rounds[round] ?? {};
  assert.equal(ended === undefined, by === "");
  traced.within(`${what} begins`, wait.start, [from, known.begun ?? begun!]);
  traced.within(`${what} ends`, wait.end, [ended?.[0] ?? later(from, NAP), until]);
  const arrows = traced.arrows(name, "Wake").filter(({ to, toTime }) => to === wait.thread && toTime === wait.end);
  assert.deepEqual(
    arrows.map((arrow) => arrow.from.name),
    by === "" ? [] : [by],
    `who ended the ${what}`,
  );
  for (const { fromTime } of arrows) traced.within(`the arrow to the ${what}`, fromTime, ended!);
  if (guard === undefined) return;
  // Who has it when this one goes on, if anybody has: who notified, or another that was notified.
  const again = traced
    .slicesOf(guard, SliceKind.LockWait)
    .filter(({ thread, start }) => thread === wait.thread && start >= wait.end && start <= traced.time(until));
  assert.ok(again.length <= (by === "" ? 0 : 1), `${again.length} waits for the lock after the ${what}`);
  for (const { row, end } of again) {
    traced.within(`the ${what} has the lock again`, end, [free!, until]);
    const { site, flags } = wait.thread.slices;
    // A promise goes on from the line that awaits it.
    const async = (flags[wait.row]! & SliceFlag.Async) !== 0;
    if (!async) assert.equal(site[row], site[wait.row], "both are told of the line that waits");
  }
}

const rowOf = ({ traced }: Scene, name: string) => {
  const lock = traced.report.locks.find((each) => each.name === name)!;
  return [lock.kind, lock.acquisitions, lock.contended, lock.timeouts, lock.maxWaiters];
};

describe("the trace of waits", function () {
  this.timeout(90_000);
  const folder = mkdtempSync(join(tmpdir(), "heddle-waits-"));
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("for an event", async () => {
    const scene = await trace(`
      /** Words that the threads share: how many waits have begun, and how many are over. */
      const BEGUN = 0, OVER = 1;
      async function work(event: Event, words: Int32Array, blocking: boolean) {
        const begun = () => { Atomics.add(words, BEGUN, 1); };
        for (let round = 0; round < 3; round++) {
          if (blocking) blocksFor("main", round, () => event.waitSync(PATIENCE), begun);
          else await awaits("main", round, () => event.wait(), begun);
          Atomics.add(words, OVER, 1);
          while (event.isSet()) nap(1);
        }
      }
      async function run() {
        const event = new Event({ name: "go" });
        const words = new Int32Array(new SharedArrayBuffer(8));
        const threads = [true, false].map((blocking) => new Thread({ target: work, args: [event, words, blocking], name: blocking ? "blocks" : "awaits" }));
        for (const t of threads) t.start();
        for (let round = 0; round < 3; round++) {
          await until(() => Atomics.load(words, BEGUN) === 2 * (round + 1));
          nap(NAP);
          tellRound(round, { ended: around(() => event.set()) });
          // Both are through before the flag goes down.
          await until(() => Atomics.load(words, OVER) === 2 * (round + 1));
          nap(20);
          tellRound(round, { cleared: around(() => event.clear()) });
        }
        for (const t of threads) await t.join();
        blocksFor("", -1, () => event.waitSync({ timeout: NAP }));
        await awaits("", -1, () => event.wait({ timeout: NAP }));
        event.waitSync({ timeout: 0 });
        event.set();
        event.waitSync();
        await event.wait();
      }`);
    const { traced, waited, rounds } = scene;
    assert.equal(waited.length, 8);
    assert.deepEqual(rowOf(scene, "go"), ["Event", 6 + 2, 8, 2, 2]);
    compare(scene, "go");
    const { holds } = traced.named("go");
    assert.equal(holds!.count, 4, "the flag was up so often");
    assert.equal(rounds.length, 3);
    for (const [i, { ended, cleared }] of rounds.entries()) {
      traced.within(`the flag goes up in round ${i}`, holds!.start[i]!, ended!);
      traced.within(`the flag goes down in round ${i}`, holds!.end[i]!, cleared!);
      assert.equal(traced.model.threads[holds!.thread[i]!]!.name, "main");
    }
  });

  it("for a condition", async () => {
    const scene = await trace(`
      async function work(c: Condition, ready: Queue, blocking: boolean) {
        for (let round = 0; round < 3; round++) {
          await c.acquire();
          ready.putSync(round);
          if (blocking) blocksForEver("notifier", round, () => c.waitSync());
          else await awaits("notifier", round, () => c.wait());
          c.release();
        }
      }
      async function notifies(c: Condition, ready: Queue) {
        for (let round = 0; round < 3; round++) {
          for (let i = 0; i < 2; i++) await ready.get();
          using held = c.holdSync();
          tellRound(round, { begun: clock() });
          nap(NAP);
          // A wake-up comes from the last of them, if that was before who waits had a core.
          const ended = around(() => {
            if (round === 0) { c.notify(); c.notify(); } else if (round === 1) c.notify(2); else c.notifyAll();
          });
          tellRound(round, { ended, free: clock() });
        }
      }
      async function run() {
        const c = new Condition(new Lock({ name: "guard" }), { name: "changed" });
        const ready = new Queue();
        const threads = [true, false].map((blocking) => new Thread({ target: work, args: [c, ready, blocking], name: blocking ? "blocks" : "awaits" }));
        threads.push(new Thread({ target: notifies, args: [c, ready], name: "notifier" }) as never);
        for (const t of threads) t.start();
        for (const t of threads) await t.join();
        using held = c.holdSync();
        blocksFor("", -1, () => c.waitSync({ timeout: NAP }));
        await awaits("", -1, () => c.wait({ timeout: NAP }));
      }`);
    assert.equal(scene.waited.length, 8);
    assert.equal(scene.rounds.length, 3);
    assert.deepEqual(rowOf(scene, "changed"), ["Condition", 6, 8, 2, 2]);
    compare(scene, "changed", "guard");
    // The lock itself: 3 rounds of 2, once a round to notify, once at the end; and again after each of the 8 waits.
    const guard = scene.traced.report.locks.find((lock) => lock.name === "guard")!;
    assert.equal(guard.acquisitions, 6 + 3 + 1 + 8);
  });

  it("for a barrier", async () => {
    const scene = await trace(`
      async function work(barrier: Barrier, go: Event[], blocking: boolean) {
        const mine = blocking ? "blocks" : "awaits";
        for (const [round, last] of ["main", "blocks", "awaits"].entries()) {
          if (last === mine) {
            go[round]!.waitSync();
            let passed: unknown;
            tellRound(round, { ended: around(() => { passed = blocking ? barrier.waitSync() : barrier.wait(); }) });
            await passed;
          } else if (blocking) blocksForEver(last, round, () => barrier.waitSync());
          else await awaits(last, round, () => barrier.wait());
        }
      }
      async function run() {
        const barrier = new Barrier(3, { name: "start" });
        const go = [new Event(), new Event(), new Event()];
        const threads = [true, false].map((blocking) => new Thread({ target: work, args: [barrier, go, blocking], name: blocking ? "blocks" : "awaits" }));
        for (const t of threads) t.start();
        for (const [round, last] of ["main", "blocks", "awaits"].entries()) {
          const wait = last === "main" ? null : awaits(last, round, () => barrier.wait());
          await until(() => barrier.nWaiting === 2);
          tellRound(round, { begun: clock() });
          nap(NAP);
          if (wait === null) tellRound(round, { ended: around(() => barrier.waitSync()) });
          else go[round]!.set();
          await wait;
        }
        for (const t of threads) await t.join();
        blocksFor("", -1, () => { try { barrier.waitSync({ timeout: NAP }); } catch {} });
      }`);
    const { traced, waited, rounds } = scene;
    assert.equal(waited.length, 7);
    assert.deepEqual(rowOf(scene, "start"), ["Barrier", 9, 7, 1, 2]);
    compare(scene, "start");
    const { holds } = traced.named("start");
    const last = Array.from({ length: holds!.count }, (_, i) => traced.model.threads[holds!.thread[i]!]!.name);
    assert.deepEqual(last, ["main", "blocks", "awaits"], "who came last");
    const starts = traced.slicesOf("start", SliceKind.OtherWait).map(({ start }) => start);
    for (const [i, { ended }] of rounds.entries()) {
      assert.equal(holds!.start[i], starts[2 * i], "a round begins with the first that waits");
      traced.within(`round ${i} ends`, holds!.end[i]!, ended!);
    }
  });

  it("for a timer: asleep by its own wish", async () => {
    const { traced, waited, rounds } = await trace(`
      import { readFileSync } from "node:fs";
      function ring() {}
      class Alarm extends Timer {
        begun = new Int32Array(new SharedArrayBuffer(4));
        override run() { blocksFor("main", 0, () => super.run(), () => { Atomics.store(this.begun, 0, 1); }); }
      }
      async function run() {
        const t = new Alarm(3_600_000, ring, { name: "alarm" });
        t.start();
        await until(() => Atomics.load(t.begun, 0) === 1);
        // It has begun, and may still have to wait for a core to fall asleep on.
        const stat = "/proc/self/task/" + t.nativeId + "/stat";
        await until(() => process.platform !== "linux" || /^ S /.test(readFileSync(stat, "utf8").split(")").at(-1)!));
        const begun = clock();
        nap(NAP);
        tellRound(0, { begun, ended: around(() => t.cancel()) });
        await t.join();
      }`);
    const sleeps = traced.slices(({ name }) => name === "sleep");
    assert.deepEqual([sleeps.length, waited.length, rounds.length], [1, 1, 1]);
    const [{ thread, start, end }] = sleeps as [Wait];
    const [{ from, begun, until }] = waited as [Waited];
    const { begun: asleep, ended } = rounds[0]!;
    assert.equal(thread.name, "alarm");
    traced.within("the sleep begins", start, [from, begun!]);
    traced.within("the sleep ends", end, [ended![0], until]);
    // Each second it looks up.
    const { states } = thread;
    const meanwhile = Array.from({ length: states.count }, (_, i) => i)
      .filter((i) => states.start[i]! < traced.time(ended![0]) && !(states.end[i]! <= traced.time(asleep!)))
      .map((i) => states.state[i]!);
    const looksUp: number[] = [ThreadState.Running, ThreadState.Runnable];
    assert.deepEqual([...new Set(meanwhile.filter((state) => !looksUp.includes(state)))], [ThreadState.Sleeping]);
    assert.deepEqual(traced.report.locks, [], "its flag is nobody's event");
  });

  it("for what never comes: says who waits for what, and ends with its own exit code", async () => {
    const { code, stderr } = await runScript(
      `
      import { isMain } from "heddle";
      import { Barrier, Condition, Event, Thread } from "heddle/threading";
      function listen(news: Condition) { using held = news.holdSync(); news.waitSync(); }
      async function run(gate: Barrier) { await gate.wait(); }
      if (isMain) {
        new Thread({ target: listen, args: [new Condition(undefined, { name: "news" })], name: "listener" }).start();
        new Thread({ target: run, args: [new Barrier(2, { name: "gate" })], name: "runner" }).start();
        await new Event({ name: "go" }).wait();
      }
    `,
      {
        traced: true,
        runArgs: ["--on-hang", "stop", "--report", "none", "--out", join(folder, "hang.heddle")],
        timeout: 40_000,
      },
    );
    assert.equal(code, 86, stderr);
    assert.match(stderr, /“main” +waits for Event “go” to be set, at .*script\.ts:9/);
    assert.match(stderr, /“listener” waits to be notified by Condition “news”, at .*script\.ts:4/);
    assert.match(stderr, /“runner” +waits for the other parties of Barrier “gate”, at .*script\.ts:5/);
  });
});
