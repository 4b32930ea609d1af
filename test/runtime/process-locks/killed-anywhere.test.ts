/**
 * Processes that are killed by SIGKILL at any instant, while they hold, wait for, take or give back what processes
 * share. What they leave must go on working for the others: nobody gets in beside a holder, no wake-up is lost, nobody
 * waits for ever, and the dead are named.
 *
 * `HEDDLE_KILLS` says how many are killed, some dozens by default; they cost a start of a process each.
 */
import { killedUsers } from "../../harness/killed-users.js";
import { expectScript } from "../../harness/run-script.js";

const kills = process.env.HEDDLE_KILLS ?? "24";
const timeout = 100_000 + Number(kills) * 2_000;

const common = `
  import assert from "node:assert/strict";
  import { BrokenBarrierError, isMain, RuntimeError } from "heddle";
  import { Barrier, Condition, Event, Lock, Process, RawArray, RLock, Semaphore } from "heddle/multiprocessing";
  import { Thread } from "heddle/threading";
  const KILLS = ${kills};
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  const until = async (what: string, done: () => boolean, ms = 60_000) => {
    for (const end = performance.now() + ms; !done(); await pause(2)) assert.ok(performance.now() < end, what);
  };
  /** Runs processes of the target, kills them at random moments and starts others, as often as there are to be killed. */
  async function killing(make: (slot: number) => Process<any>, started: (slot: number) => number, between: () => Promise<void>) {
    const list: Process<any>[] = [];
    const begin = async (slot: number) => {
      const before = started(slot);
      list[slot] = make(slot);
      list[slot]!.start();
      await until("a process does not begin", () => started(slot) !== before);
    };
    for (let slot = 0; slot < 3; slot++) await begin(slot);
    for (let i = 0; i < KILLS; i++) {
      await pause(Math.random() * 40);
      const slot = Math.floor(Math.random() * 3);
      list[slot]!.kill();
      await list[slot]!.join();
      await between();
      await begin(slot);
    }
    return list;
  }
`;

describe("what processes share when some of them are killed", function () {
  this.timeout(timeout + 20_000);

  it("Lock, RLock and Semaphore: excludes, names the dead, and keeps nobody waiting", async () => {
    await expectScript(
      `${common}
      interface Things { lock: Lock; rlock: RLock; seats: Semaphore; seen: RawArray<"i"> }
      /** Places in seen: inside of the locks, collisions, visitors, too many visitors, to stop; then a count for each slot. */
      const S = { InLock: 0, InRLock: 1, Collisions: 2, Visitors: 3, Stop: 4, Steps: 10, Starts: 20 };
      const SEATS = 2;
      async function work(slot: number, { lock, rlock, seats, seen }: Things) {
        const { view } = seen;
        Atomics.add(view, S.Starts + slot, 1);
        const guarded = async (which: Lock | RLock, at: number, form: number) => {
          const options = form % 2 === 0 ? { timeout: Math.random() * 30 } : undefined;
          try {
            if (!(form < 2 ? which.acquireSync(options) : await which.acquire(options))) return;
          } catch (error) {
            // Somebody died with it; the main process makes it free again.
            assert.ok(error instanceof RuntimeError, String(error));
            assert.match(error.message, /process “Process-\\d+” \\(pid \\d+\\)( died|$)/);
            await pause(3);
            return;
          }
          if (Atomics.add(view, at, 1) !== 0) Atomics.add(view, S.Collisions, 1);
          if (Math.random() < 0.1) for (const end = performance.now() + Math.random(); performance.now() < end; );
          if (Math.random() < 0.05) await pause(1);
          Atomics.sub(view, at, 1);
          which.release();
        };
        const visit = async (form: number) => {
          const options = { timeout: Math.random() * 20 };
          if (!(form < 2 ? seats.acquireSync(options) : await seats.acquire(options))) return;
          if (Atomics.add(view, S.Visitors, 1) >= SEATS + KILLS) Atomics.add(view, S.Collisions, 1);
          Atomics.sub(view, S.Visitors, 1);
          seats.release();
        };
        while (view[S.Stop] === 0) {
          await guarded(lock, S.InLock, Math.floor(Math.random() * 4));
          await guarded(rlock, S.InRLock, Math.floor(Math.random() * 4));
          await visit(Math.floor(Math.random() * 4));
          Atomics.add(view, S.Steps + slot, 1);
          if (view[S.Steps + slot]! % 20 === 0) await pause(0);
        }
      }
      /** Waits for it until it had it, or nobody will have it any more, and then makes it free. */
      async function makeGood(which: Lock | RLock, at: number, view: Int32Array) {
        try {
          assert.equal(await which.acquire({ timeout: 30_000 }), true, "nobody gives it back");
        } catch (error) {
          assert.ok(error instanceof RuntimeError, String(error));
          Atomics.store(view, at, 0);
          which.release();
          return;
        }
        which.release();
      }
      if (isMain) {
        const things: Things = { lock: new Lock(), rlock: new RLock(), seats: new Semaphore(SEATS), seen: new RawArray("i", 40) };
        const { view } = things.seen;
        let lost = 0;
        const list = await killing(
          (slot) => new Process({ target: work, args: [slot, things] }),
          (slot) => Atomics.load(view, S.Starts + slot),
          async () => {
            await makeGood(things.lock, S.InLock, view);
            await makeGood(things.rlock, S.InRLock, view);
            // A permit dies with who has it. All of those left must be there again, sooner or later.
            if (things.seats.getValue() === 0 && !(await things.seats.acquire({ timeout: 500 }))) { things.seats.release(SEATS); lost += SEATS; }
            else if (lost >= 0 && things.seats.getValue() === 0) things.seats.release();
            const before = [10, 11, 12].map((at) => view[at]!);
            await until("somebody waits for ever", () => [10, 11, 12].filter((at, i) => view[at]! > before[i]!).length >= 2);
          },
        );
        Atomics.store(view, S.Stop, 1);
        for (const one of list) { await one.join({ timeout: 30_000 }); assert.equal(one.exitCode, 0); }
        assert.equal(view[S.Collisions], 0);
        assert.equal(things.lock.locked(), false);
        assert.equal(things.rlock.locked(), false);
        console.log("done");
      }
    `,
      { timeout },
    );
  });

  it("Condition, Event and Barrier: are as good as new for those who live", async () => {
    await expectScript(
      `${common}
      ${killedUsers}
      interface Things extends Signals { seen: RawArray<"i"> }
      function hammer(things: Things) { hammerOn(things, Math.random); }
      function parent(slot: number, things: Things) {
        Atomics.add(things.seen.view, slot, 1);
        new Thread({ target: hammer, args: [things] }).start();
        hammer(things);
      }
      if (isMain) {
        const things: Things = { condition: new Condition(new Lock()), event: new Event(), barrier: new Barrier(3), seen: new RawArray("i", 4) };
        for (let round = 0; round < KILLS / 3; round++) {
          const list = [0, 1, 2].map((slot) => new Process({ target: parent, args: [slot, things] }));
          const before = Atomics.load(things.seen.view, 2);
          for (const one of list) one.start();
          await until("they do not begin", () => Atomics.load(things.seen.view, 2) !== before);
          await pause(Math.random() * 60);
          for (const one of list) { one.kill(); await pause(Math.random() * 5); }
          for (const one of list) await one.join();
          await checkSignals(things, 20_000);
        }
        console.log("done");
      }
    `,
      { timeout },
    );
  });
});
