import { expectScript } from "../../harness/run-script.js";

describe("what can be waited for, of threads and of processes, given what it cannot use", function () {
  this.timeout(90_000);

  it("refuses it before anything is waited for or taken, and says what it was", async () => {
    await expectScript(
      `
      import assert from "node:assert/strict";
      import { isMain } from "heddle";
      import * as multiprocessing from "heddle/multiprocessing";
      import * as queue from "heddle/queue";
      import * as threading from "heddle/threading";
      for (const { Barrier, Condition, Event, Lock, RLock, Semaphore } of [threading, multiprocessing] as any[]) {
        const [held, condition] = [new Lock(), new Condition()];
        held.acquireSync();
        condition.acquireSync();
        const full = Lock === threading.Lock ? new queue.Queue({ maxSize: 1 }) : new multiprocessing.Queue({ maxSize: 1 });
        full.putNowait("first");
        const empty = Lock === threading.Lock ? new queue.SimpleQueue() : new multiprocessing.SimpleQueue();
        const controller = new AbortController();
        const signals = new Map<unknown, RegExp>([
          [controller, /^TypeError: signal must be an AbortSignal, not a value of class AbortController; pass its \\.signal$/],
          [{ aborted: false }, /^TypeError: signal must be an AbortSignal, not a value of class Object$/],
          ["stop", /^TypeError: signal must be an AbortSignal, not "stop"$/],
          [null, /^TypeError: signal must be an AbortSignal, not null$/],
        ]);
        for (const [signal, message] of signals) {
          const options = { signal, timeout: 30 };
          for (const attempt of [
            () => held.acquire(options), () => held.hold(options), () => new Lock().acquire(options), () => new RLock().acquire(options),
            () => new Semaphore().acquire(options), () => new Semaphore(0).acquire(options), () => new Event().wait(options),
            () => condition.wait(options), () => condition.waitFor(() => false, options), () => new Barrier(2).wait(options), () => new Barrier(1).wait(options),
            () => full.put("second", options), () => full.get(options), () => empty.put("second", options), () => empty.get(options),
          ]) await assert.rejects(attempt(), message, String(attempt));
        }
        assert.equal(await held.acquire({ signal: controller.signal, timeout: 5 }), false);
        assert.deepEqual([full.qsize(), empty.qsize()], [1, 0]);

        for (const [blocking, said] of [[0, "0"], ["no", '"no"'], [null, "null"]] as const) {
          const message = new RegExp("^TypeError: blocking must be true or false, not " + said + "$");
          for (const one of [new Lock(), new RLock(), new Semaphore(), condition]) {
            assert.throws(() => one.acquireSync({ blocking }), message);
            await assert.rejects(one.acquire({ blocking }), message);
          }
          for (const attempt of [() => full.getSync({ blocking }), () => full.putSync(2, { blocking }), () => empty.getSync({ blocking })]) assert.throws(attempt, message);
        }

        // A promise is always true, so an asynchronous predicate would end the wait at once.
        const late = async () => { throw new Error("of nobody"); };
        const promised = /^TypeError: the predicate returned a promise, which always counts as true/;
        await assert.rejects(condition.waitFor(late), promised);
        assert.throws(() => condition.waitForSync(late), promised);
        for (const none of [undefined, 5, "x"]) {
          await assert.rejects(condition.waitFor(none), /^TypeError: the predicate must be a function, not (undefined|5|"x")$/);
          assert.throws(() => condition.waitForSync(none), /^TypeError: the predicate must be a function/);
        }
        // Nobody would wait for an asynchronous action.
        const barrier = new Barrier(1, { action: late });
        await assert.rejects(barrier.wait(), /^TypeError: the action of a barrier returned a promise/);
        assert.equal(barrier.broken, true);
        for (const parties of [2 ** 31, 2 ** 53, Infinity, 1.5]) assert.throws(() => new Barrier(parties), /^RangeError: parties must be a whole number/);
        for (const value of ["2", 2n]) assert.throws(() => new Semaphore(value), /^TypeError: the initial value must be a number, not ("2"|2n)$/);
        condition.release();
      }
      console.log("done");
    `,
      { timeout: 60_000 },
    );
  });

  it("refuses what a thread or process cannot be made of", async () => {
    await expectScript(
      `
      import assert from "node:assert/strict";
      import { transfer } from "heddle";
      import { asCompleted, wait } from "heddle/futures";
      import { Process } from "heddle/multiprocessing";
      import { Thread, Timer } from "heddle/threading";
      function work() {}
      class Work {}
      for (const Activity of [Thread, Process] as any[]) {
        for (const args of [5, "ab", { 0: 1 }, null]) assert.throws(() => new Activity({ target: work, args }), /^TypeError: args must be an array, not (5|"ab"|a value of class Object|null)$/);
        for (const target of [5, "work"]) assert.throws(() => new Activity({ target }), /^TypeError: target must be a function, not (5|the string "work"); give the function itself/);
        assert.throws(() => new Activity({ target: Work }), /^TypeError: target: class Work cannot be called without new/);
        assert.throws(() => Activity({ target: work }), /cannot be invoked without 'new'/);
        const activity = new Activity({ target: work, daemon: 1 });
        assert.equal(activity.daemon, true);
        await assert.rejects(activity.join(), /^RuntimeError: .*start/);
        assert.throws(() => activity.joinSync(), /^RuntimeError: .*start/);
      }
      assert.match(new Thread({ target: work, name: null as any }).name, /^Thread-\\d+ \\(work\\)$/);
      for (const interval of ["5", NaN, 1e300]) assert.throws(() => new Timer(interval as any, work), /^(Type|Range)Error: .*milliseconds|TIMEOUT_MAX/);
      assert.throws(() => transfer(1, 5 as any), /^TypeError: what is to be moved must stand in an array.* not 5$/);
      for (const none of [5, undefined, null]) {
        await assert.rejects(async () => wait(none as any), /^TypeError: Several futures are waited for: give them as an array or Set, not/);
        assert.throws(() => asCompleted(none as any), /^TypeError: Several futures are waited for/);
      }
      console.log("done");
    `,
      { timeout: 60_000 },
    );
  });

  it("shows the state of each where it is printed, as Python's repr does", async () => {
    await expectScript(
      `
      import assert from "node:assert/strict";
      import { inspect } from "node:util";
      import * as multiprocessing from "heddle/multiprocessing";
      import * as queue from "heddle/queue";
      import * as threading from "heddle/threading";
      for (const { Barrier, BoundedSemaphore, Condition, Event, Lock, RLock, Semaphore } of [threading, multiprocessing] as any[]) {
        const name = "it";
        const lock = new Lock({ name });
        assert.equal(inspect(lock), "<Lock name='it' unlocked>");
        lock.acquireSync();
        assert.equal(inspect(lock), "<Lock name='it' locked>");
        const rlock = new RLock({ name });
        assert.equal(inspect(rlock), "<RLock name='it' unlocked>");
        rlock.acquireSync();
        rlock.acquireSync();
        assert.equal(inspect(rlock), "<RLock name='it' locked pid=" + process.pid + " nativeId=" + threading.getNativeId() + " depth=2>");
        assert.equal(inspect(new Semaphore(3, { name })), "<Semaphore name='it' value=3>");
        assert.equal(inspect(new BoundedSemaphore(2, { name })), "<BoundedSemaphore name='it' value=2>");
        const event = new Event({ name });
        assert.equal(inspect(event), "<Event name='it' unset>");
        event.set();
        assert.equal(inspect(event), "<Event name='it' set>");
        assert.equal(inspect(new Condition(lock, { name })), "<Condition name='it' lock=<Lock name='it' locked>>");
        const barrier = new Barrier(2, { name });
        assert.equal(inspect(barrier), "<Barrier name='it' waiters=0/2>");
        barrier.abort();
        assert.equal(inspect(barrier), "<Barrier name='it' broken>");
      }
      class Mine extends threading.Thread { run() {} }
      const thread = new Mine({ name: "t" });
      assert.equal(inspect(thread), "<Mine name='t' initial>");
      assert.equal(inspect(threading.mainThread()), "<Thread name='MainThread' started ident=" + threading.mainThread().ident + ">");
      const q = new queue.PriorityQueue({ name: "q", maxSize: 2 });
      q.putNowait(1);
      assert.equal(inspect(q), "<PriorityQueue name='q' items=1 maxSize=2>");
      assert.equal(inspect(new queue.SimpleQueue({ name: "s" })), "<SimpleQueue name='s' items=0>");
      console.log("done");
    `,
      { timeout: 60_000 },
    );
  });
});
