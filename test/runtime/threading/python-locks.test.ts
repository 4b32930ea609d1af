/**
 * What CPython 3.13's own tests of locks demand (`lock_tests.py`, and the same classes in `_test_multiprocessing.py`),
 * written anew for the objects of threads and of processes. Four threads or processes are started once and do one step
 * after the other, two by the blocking forms and two by the asynchronous ones; a fifth is the script itself. Nothing is
 * timed: who waits is known to wait, or said so under the lock it waits with.
 */
import { expectScript } from "../../harness/run-script.js";

const realms = {
  threads: `
    import * as lib from "heddle/threading";
    import { SimpleQueue } from "heddle/queue";
    import { Thread as Actor } from "heddle/threading";`,
  processes: `
    import * as lib from "heddle/multiprocessing";
    import { Process as Actor, SimpleQueue } from "heddle/multiprocessing";`,
};

const script = (imports: string) => `
  import assert from "node:assert/strict";
  import { BrokenBarrierError, Empty, isMain, RuntimeError } from "heddle";
  import { setTimeout as sleep } from "node:timers/promises";
  import { getNativeId } from "heddle/threading";
  ${imports}
  const { Barrier, BoundedSemaphore, Condition, Event, Lock, RLock, Semaphore } = lib as any;
  type Any = any;
  type Form = "sync" | "async";
  const take = async (it: Any, form: Form, options?: object): Promise<boolean> => (form === "sync" ? it.acquireSync(options) : it.acquire(options));
  const wait = async (it: Any, form: Form, options?: object) => (form === "sync" ? it.waitSync(options) : it.wait(options));
  const waitFor = async (it: Any, form: Form, predicate: () => boolean, options?: object) =>
    form === "sync" ? it.waitForSync(predicate, options) : it.waitFor(predicate, options);
  const outcome = async (what: () => Promise<unknown>) => what().catch((error) => error.constructor.name);

  /** What an actor can be told to do. */
  const steps: Record<string, (form: Form, ...args: Any[]) => unknown> = {
    tryOnce: (form, it) => take(it, form, { blocking: false }),
    tryTwice: async (form, it) => [await take(it, form, { blocking: false }), await take(it, form, { blocking: false })],
    async pass(form, it, arrived) {
      arrived?.release();
      await take(it, form);
      it.release();
    },
    async failInside(form, it) {
      if (form === "sync") {
        using held = it.holdSync();
        throw new TypeError("inside");
      }
      using held = await it.hold();
      throw new TypeError("inside");
    },
    takeOnce: (form, it) => take(it, form),
    async takeTwice(form, it, arrived) {
      await take(it, form);
      arrived.release();
      await take(it, form);
    },
    give: (_form, it, n = 1) => { for (let i = 0; i < n; i++) it.release(); },
    ownership: (_form, it) => [it.isOwned(), it.depth(), it.owner?.nativeId === getNativeId(), it.locked()],
    waitTwice: async (form, event, arrived) => {
      arrived.release();
      return [await wait(event, form), await wait(event, form)];
    },
    waitShortly: async (form, event) => [await wait(event, form, { timeout: 0 }), await wait(event, form, { timeout: 20 })],
    async waitInPhases(form, condition, arrived, phase, notes) {
      for (const which of ["first", "second"]) {
        await take(condition, form);
        arrived.release();
        const notified = await wait(condition, form);
        notes.putNowait([which, notified, phase.getValue()]);
        condition.release();
      }
    },
    async waitShortlyFor(form, condition, timeout) {
      await take(condition, form);
      const notified = await wait(condition, form, { timeout });
      condition.release();
      return notified;
    },
    async waitForFour(form, condition, state, arrived, timeout) {
      await take(condition, form);
      arrived.release();
      const value = await waitFor(condition, form, () => state.getValue() === 4, { timeout });
      condition.release();
      return value;
    },
    async takeInPhases(form, semaphore, phase, notes) {
      for (let i = 0; i < 2; i++) {
        await take(semaphore, form);
        notes.putNowait(phase.getValue());
      }
    },
    async lockstep(form, barrier, before, after) {
      for (let i = 0; i < 10; i++) {
        before.release();
        if (after.getValue() > i * 5) return "somebody went on in round " + i;
        await wait(barrier, form);
        after.release();
        if (before.getValue() < (i + 1) * 5) return "somebody had not come in round " + i;
        await wait(barrier, form);
      }
    },
    once: (form, barrier) => wait(barrier, form),
    aborted: (form, barrier) => outcome(async () => {
      if ((await wait(barrier, form)) === 2) return barrier.abort(), "aborted it";
      return wait(barrier, form);
    }),
    async reset(form, barrier) {
      const place = await wait(barrier, form);
      let said = "reset it";
      if (place === 2) {
        while (barrier.nWaiting < 4) await sleep(1);
        barrier.reset();
      } else said = await outcome(() => wait(barrier, form));
      return [said, await outcome(async () => typeof (await wait(barrier, form)))];
    },
    async abortedAndReset(form, barrier, other) {
      const said = await steps.aborted!(form, barrier);
      if ((await wait(other, form)) === 2) barrier.reset();
      await wait(other, form);
      return [said, await outcome(async () => typeof (await wait(barrier, form)))];
    },
    async late(form, barrier, options) {
      const place = await wait(barrier, form, { timeout: 600_000 });
      if (place === 2) while (!barrier.broken) await sleep(1);
      return outcome(() => wait(barrier, form, options));
    },
  };
  async function actor(form: Form, commands: SimpleQueue, results: SimpleQueue) {
    for (;;) {
      const command = form === "sync" ? commands.getSync() : await commands.get();
      if (command === null) return;
      const [name, args] = command;
      results.putNowait(await outcome(async () => (await steps[name]!(form, ...args)) ?? null));
    }
  }

  if (isMain) {
    const results = new SimpleQueue();
    const commands = Array.from({ length: 4 }, () => new SimpleQueue());
    const actors = commands.map((queue, i) => new Actor({ target: actor, args: [i % 2 ? "sync" : "async", queue, results] }));
    for (const one of actors) one.start();
    const tell = (who: number, name: string, ...args: Any[]) => commands[who]!.putNowait([name, args]);
    const tellAll = (name: string, ...args: Any[]) => { for (let i = 0; i < 4; i++) tell(i, name, ...args); };
    const said = () => results.get();
    const all = async (n = 4) => { const list: Any[] = []; while (list.length < n) list.push(await said()); return list; };
    const nothingSaid = () => assert.throws(() => results.getSync({ timeout: 30 }), Empty);
    const arrivals = async (arrived: Any, n = 4) => { for (let i = 0; i < n; i++) await arrived.acquire(); };
    const fill = <T>(n: number, value: T): T[] => Array.from({ length: n }, () => value);

    // What all locks have in common.
    for (const make of [() => new Lock(), () => new RLock(), () => new Semaphore(), () => new BoundedSemaphore(), () => new Condition()]) {
      const lock = make(), arrived = new Semaphore(0);
      lock.acquireSync();
      tellAll("tryOnce", lock);
      assert.deepEqual(await all(), fill(4, false), "tryOnce");
      tellAll("pass", lock, arrived);
      await arrivals(arrived);
      nothingSaid();
      lock.release();
      assert.deepEqual(await all(), fill(4, null), "pass");
      tellAll("failInside", lock);
      assert.deepEqual(await all(), fill(4, "TypeError"));
      tellAll("pass", lock);
      assert.deepEqual(await all(), fill(4, null), "given back by who failed");
      // What a time-out leaves behind: nothing.
      lock.acquireSync();
      tell(0, "pass", new Lock());
      await said();
      if (!(lock instanceof RLock) && !(lock instanceof Condition)) assert.equal(lock.acquireSync({ timeout: 10 }), false);
      lock.release();
      assert.equal(lock.acquireSync({ blocking: false }), true);
      lock.release();
    }

    // A lock without an owner is taken again when another gives it back; and may stay taken.
    for (const who of [0, 1]) {
      const lock = new Lock(), arrived = new Semaphore(0);
      tell(who, "takeTwice", lock, arrived);
      await arrivals(arrived, 1);
      nothingSaid();
      lock.release();
      assert.equal(await said(), null);
      assert.equal(lock.locked(), true);
      tell(1 - who, "give", lock);
      await said();
      assert.equal(lock.locked(), false);
    }
    // One with an owner is its owner's, as deep as it was taken.
    for (const who of [0, 1]) {
      const lock = new RLock(), arrived = new Semaphore(0);
      assert.throws(() => lock.release(), RuntimeError);
      tell(who, "takeTwice", lock, arrived);
      assert.equal(await said(), null);
      assert.throws(() => lock.release(), RuntimeError);
      assert.deepEqual(steps.ownership!("sync", lock), [false, 0, false, true]);
      tell(who, "ownership", lock);
      assert.deepEqual(await said(), [true, 2, true, true]);
      tell(1 - who, "give", lock);
      assert.equal(await said(), "RuntimeError");
      tell(who, "give", lock);
      await said();
      assert.equal(lock.acquireSync({ blocking: false }), false);
      tell(who, "give", lock);
      await said();
      tell(who, "give", lock);
      assert.equal(await said(), "RuntimeError");
      assert.deepEqual(steps.ownership!("sync", lock), [false, 0, false, false]);
    }

    // Event
    const event = new Event(), came = new Semaphore(0);
    for (let round = 0; round < 2; round++) {
      tellAll("waitTwice", event, came);
      await arrivals(came);
      nothingSaid();
      event.set();
      assert.deepEqual(await all(), fill(4, [true, true]));
      tellAll("waitShortly", event);
      assert.deepEqual(await all(), fill(4, [true, true]));
      event.clear();
      tellAll("waitShortly", event);
      assert.deepEqual(await all(), fill(4, [false, false]));
    }

    // Condition: notified some first, then all in whichever wait they are, twice over.
    const notes = new SimpleQueue();
    for (const lock of [undefined, new Lock(), new RLock()]) {
      const condition = new Condition(lock), arrived = new Semaphore(0), phase = new Semaphore(0);
      assert.throws(() => condition.notify(), RuntimeError);
      assert.throws(() => condition.notifyAll(), RuntimeError);
      assert.throws(() => condition.waitSync(), RuntimeError);
      const next = async (n: number) => {
        // Whoever has arrived under the lock waits as soon as the lock can be had.
        await condition.acquire();
        if (n === Infinity) condition.notifyAll();
        else condition.notify(n);
        phase.release();
        condition.release();
      };
      const noted = async (n: number) => { const list: Any[] = []; while (list.length < n) list.push(await notes.get()); return list.sort(); };
      tellAll("waitInPhases", condition, arrived, phase, notes);
      await arrivals(arrived);
      await next(3);
      assert.deepEqual(await noted(3), fill(3, ["first", true, 1]));
      await arrivals(arrived, 3);
      await next(4);
      assert.deepEqual(await noted(4), [["first", true, 2], ...fill(3, ["second", true, 2])]);
      await arrivals(arrived, 1);
      assert.equal(notes.empty(), true);
      await next(Infinity);
      assert.deepEqual(await noted(1), [["second", true, 3]]);
      await all();
      tellAll("waitShortlyFor", condition, 20);
      assert.deepEqual(await all(), fill(4, false));
      const state = new Semaphore(0);
      tellAll("waitForFour", condition, state, arrived);
      await arrivals(arrived);
      for (let i = 0; i < 4; i++) {
        await condition.acquire();
        state.release();
        condition.notifyAll();
        condition.release();
      }
      assert.deepEqual(await all(), fill(4, true));
      state.release();
      tellAll("waitForFour", condition, state, arrived, 50);
      await arrivals(arrived);
      assert.deepEqual(await all(), fill(4, false));
    }

    // Semaphore
    for (const Type of [Semaphore, BoundedSemaphore]) {
      const seats = new Type(4), phase = new Semaphore(0);
      seats.acquireSync();
      tellAll("takeInPhases", seats, phase, notes);
      for (const [n, free] of [[3, 3], [3, 2], [2, 1]] as const) {
        const now = phase.getValue();
        for (let i = 0; i < n; i++) assert.equal(await notes.get(), now);
        assert.equal(seats.acquireSync({ blocking: false }), false);
        phase.release();
        seats.release(free);
      }
      await all();
      assert.equal(seats.getValue(), 1);
      seats.release(3);
      seats.acquireSync();
      tellAll("tryTwice", seats);
      assert.deepEqual((await all()).flat().sort(), [...fill(5, false), ...fill(3, true)]);
      if (Type === BoundedSemaphore) {
        assert.throws(() => seats.release(5), RangeError);
        assert.equal(seats.getValue(), 0);
      }
      seats.release(4);
      assert.throws(() => (Type === BoundedSemaphore ? seats.release() : new Type(-1)), RangeError);
      const none = new Semaphore(0);
      tellAll("takeOnce", none);
      none.release(4);
      assert.deepEqual(await all(), fill(4, true));
      assert.equal(none.getValue(), 0);
    }

    // Barrier: the script is the fifth party.
    const meet = async (name: string, ...args: Any[]) => {
      tellAll(name, ...args);
      const own = (await outcome(async () => steps[name]!("async", ...args))) ?? null;
      return [own, ...(await all())];
    };
    const count = (list: Any[]) => Object.fromEntries([...new Set(list.map(String))].sort().map((one) => [one, list.filter((other) => String(other) === one).length]));
    const barrier = new Barrier(5);
    assert.deepEqual(await meet("lockstep", barrier, new Semaphore(0), new Semaphore(0)), fill(5, null));
    assert.deepEqual([barrier.nWaiting, barrier.broken], [0, false]);
    assert.deepEqual((await meet("once", barrier)).sort(), [0, 1, 2, 3, 4]);
    assert.deepEqual(count(await meet("aborted", barrier)), { BrokenBarrierError: 4, "aborted it": 1 });
    assert.equal(barrier.broken, true);
    barrier.reset();
    assert.deepEqual(count(await meet("reset", barrier)), { "BrokenBarrierError,number": 4, "reset it,number": 1 });
    assert.deepEqual(count(await meet("abortedAndReset", barrier, new Barrier(5))), { "BrokenBarrierError,number": 4, "aborted it,number": 1 });
    assert.equal(barrier.broken, false);
    assert.deepEqual(count(await meet("late", barrier, { timeout: 50 })), { BrokenBarrierError: 5 });
    assert.deepEqual(count(await meet("late", new Barrier(5, { timeout: 50 }))), { BrokenBarrierError: 5 });
    const alone = new Barrier(1);
    assert.deepEqual([await alone.wait(), alone.waitSync()], [0, 0]);

    for (const queue of commands) queue.putNowait(null);
    for (const one of actors) await one.join();
    console.log("done");
  }
`;

describe("locks, conditions, events, semaphores and barriers after Python's tests", function () {
  this.timeout(120_000);

  for (const [name, imports] of Object.entries(realms)) {
    it(`of ${name}`, async () => {
      await expectScript(script(imports), { timeout: 100_000 });
    });
  }
});
