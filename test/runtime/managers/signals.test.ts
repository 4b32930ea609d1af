import { expectScript } from "../../harness/run-script.js";

const prelude = `
import assert from "node:assert/strict";
import { BrokenBarrierError, isMain, RuntimeError, TimeoutError } from "heddle";
import { type AcquirerProxy, type BarrierProxy, type ConditionProxy, type EventProxy, Manager, Process, type QueueProxy, type ValueProxy } from "heddle/multiprocessing";
import { Empty, Full, ShutDown } from "heddle/queue";
import { Thread } from "heddle/threading";
const aborted = () => { const c = new AbortController(); setTimeout(() => c.abort(new Error("enough")), 20); return c.signal; };
`;
const run = (source: string) => expectScript(prelude + source, { timeout: 90_000 });

describe("locks, signals and queues of a SyncManager", function () {
  this.timeout(100_000);

  it("Lock: any thread or process, in both forms, with timeouts and signals", async () => {
    await run(`
      function count(lock: AcquirerProxy, value: ValueProxy<number>, times: number) {
        for (let i = 0; i < times; i++) { using _held = lock.holdSync(); value.setSync(value.getSync() + 1); }
      }
      if (isMain) {
        await using manager = await Manager();
        const lock = await manager.Lock({ name: "the lock" }), value = await manager.Value("i", 0);
        assert.equal(lock.name, "the lock");
        assert.match((await manager.Lock()).name, /^Lock script\\.ts:\\d+$/);
        const both = [new Process({ target: count, args: [lock, value, 30] }), new Thread({ target: count, args: [lock, value, 30] })];
        for (const one of both) one.start();
        for (let i = 0; i < 30; i++) { using _held = await lock.hold(); await value.set((await value.get()) + 1); }
        for (const one of both) await one.join();
        assert.equal(await value.get(), 90);
        assert.equal(await lock.acquire(), true);
        assert.equal(await lock.acquire({ blocking: false }), false);
        assert.equal(lock.acquireSync({ timeout: 10 }), false);
        await assert.rejects(lock.acquire({ blocking: false, timeout: 5 }), RangeError);
        await assert.rejects(lock.hold({ timeout: 10 }), TimeoutError);
        assert.throws(() => lock.holdSync({ timeout: 10 }), TimeoutError);
        await assert.rejects(lock.acquire({ signal: aborted() }), /enough/);
        await assert.rejects(lock.acquire({ signal: AbortSignal.abort(new Error("at once")) }), /at once/);
        assert.equal(await lock.callMethod("locked"), true);
        // A wait holds up nothing else of this thread.
        const waiting = lock.acquire();
        await lock.release();
        assert.equal(await waiting, true);
        lock.releaseSync();
        await assert.rejects(lock.release(), RuntimeError);
        assert.throws(() => lock.releaseSync(), RuntimeError);
        console.log("done");
      }
    `);
  });

  it("RLock: of a thread or an async context; Semaphore and BoundedSemaphore: of nobody", async () => {
    await run(`
      function other(lock: AcquirerProxy) {
        assert.equal(lock.acquireSync({ timeout: 20 }), false);
        assert.throws(() => lock.releaseSync(), RuntimeError);
      }
      if (isMain) {
        await using manager = await Manager();
        const lock = await manager.RLock();
        await assert.rejects(lock.release(), RuntimeError);
        assert.equal(await lock.acquire(), true);
        assert.equal(await lock.acquire(), true);
        assert.equal(await lock.callMethod("depth"), 2);
        for (const one of [new Process({ target: other, args: [lock] }), new Thread({ target: other, args: [lock] })]) {
          one.start();
          await one.join();
          if (one instanceof Process) assert.equal(one.exitCode, 0);
        }
        await lock.release();
        await lock.release();
        assert.equal(await lock.callMethod("locked"), false);
        { using a = lock.holdSync(); using b = lock.holdSync(); assert.equal(lock.callMethodSync("isOwned"), true); }
        assert.equal(await lock.callMethod("locked"), false);

        const seats = await manager.Semaphore(2);
        assert.equal(await seats.acquire(), true);
        assert.equal(seats.acquireSync(), true);
        assert.equal(await seats.acquire({ blocking: false }), false);
        assert.equal(await seats.callMethod("getValue"), 0);
        const third = seats.acquire();
        await seats.release(3);
        assert.equal(await third, true);
        assert.equal(await seats.callMethod("getValue"), 2);
        await assert.rejects(manager.Semaphore(-1), RangeError);
        const bounded = await manager.BoundedSemaphore(1);
        await assert.rejects(bounded.release(), RangeError);
        console.log("done");
      }
    `);
  });

  it("Condition: with a lock of its own or of the manager; waitFor calls its predicate here", async () => {
    await run(`
      async function tell(condition: ConditionProxy, ready: ValueProxy<number>) {
        using _held = await condition.hold();
        await ready.set(1);
        await condition.notifyAll();
      }
      if (isMain) {
        await using manager = await Manager();
        const lock = await manager.Lock(), own = await manager.Condition(), shared = manager.ConditionSync(lock);
        for (const condition of [own, shared]) {
          await assert.rejects(condition.wait(), RuntimeError);
          await assert.rejects(condition.notify(), RuntimeError);
          const ready = await manager.Value("i", 0);
          const child = new Process({ target: tell, args: [condition, ready] });
          using held = await condition.hold();
          assert.equal(await condition.wait({ timeout: 10 }), false);
          assert.equal(condition.waitSync({ timeout: 10 }), false);
          await assert.rejects(condition.wait({ signal: aborted() }), /enough/);
          child.start();
          assert.equal(await condition.waitFor(() => ready.getSync() === 1), true);
          await child.join();
          assert.equal(condition.waitForSync(() => 0, { timeout: 10 }), 0);
        }
        // It has its lock again after each wait, also one that was aborted.
        assert.equal(await lock.callMethod("locked"), false);
        await assert.rejects(manager.Condition((await manager.Event()) as never), TypeError);
        console.log("done");
      }
    `);
  });

  it("Event and Barrier, with an action at the server", async () => {
    await run(`
      let runs = 0;
      function action() { runs++; if (runs === 2) throw new RangeError("the action fails"); return process.pid; }
      function slow() { return new Promise(() => {}); }
      async function party(barrier: BarrierProxy, event: EventProxy) {
        await event.wait();
        assert.ok([0, 1].includes(await barrier.wait()));
      }
      if (isMain) {
        await using manager = await Manager();
        const event = await manager.Event(), barrier = await manager.Barrier(2, { action });
        assert.equal(await event.isSet(), false);
        assert.equal(await event.wait({ timeout: 10 }), false);
        await assert.rejects(event.wait({ signal: aborted() }), /enough/);
        const child = new Process({ target: party, args: [barrier, event] });
        child.start();
        await event.set();
        assert.equal(event.waitSync(), true);
        assert.ok([0, 1].includes(await barrier.wait()));
        await child.join();
        assert.equal(child.exitCode, 0);
        assert.deepEqual(await barrier.state(), { parties: 2, nWaiting: 0, broken: false });
        const [first, second] = await Promise.allSettled([barrier.wait(), barrier.wait()]);
        assert.ok(first.status === "rejected" && first.reason instanceof BrokenBarrierError);
        assert.ok(second.status === "rejected" && second.reason instanceof RangeError);
        assert.equal(barrier.stateSync().broken, true);
        await assert.rejects(barrier.wait(), BrokenBarrierError);
        await barrier.reset();
        await assert.rejects(barrier.wait({ timeout: 10 }), BrokenBarrierError);
        await barrier.reset();
        const waiting = barrier.wait();
        waiting.catch(() => {});
        await barrier.abort();
        await assert.rejects(waiting, BrokenBarrierError);
        await assert.rejects(manager.Barrier(0), RangeError);
        const late = await manager.Barrier(1, { action: slow });
        await assert.rejects(late.wait(), RuntimeError);
        await event.clear();
        assert.equal(event.isSetSync(), false);
        console.log("done");
      }
    `);
  });

  it("Queue: places, order, timeouts, task tracking, shutdown; what is aborted takes nothing", async () => {
    await run(`
      function consume(queue: QueueProxy<number>, results: QueueProxy<number>) {
        for (let item = queue.getSync(); item >= 0; item = queue.getSync()) { results.putSync(item * 2); queue.taskDoneSync(); }
        queue.taskDoneSync();
      }
      if (isMain) {
        await using manager = await Manager();
        const queue = await manager.Queue<number>({ maxSize: 3 }), results = await manager.JoinableQueue<number>();
        const workers = [new Process({ target: consume, args: [queue, results] }), new Thread({ target: consume, args: [queue, results] })];
        for (const worker of workers) worker.start();
        for (let i = 0; i < 40; i++) await queue.put(i);
        await queue.join();
        assert.equal(await results.qsize(), 40);
        for (const _ of workers) queue.putSync(-1);
        for (const worker of workers) await worker.join();
        let sum = 0;
        for (let i = 0; i < 40; i++) sum += await results.getNowait();
        assert.equal(sum, 40 * 39);
        for (const n of [1, 2, 3]) await queue.putNowait(n);
        assert.deepEqual([await queue.full(), await queue.qsize(), queue.emptySync()], [true, 3, false]);
        assert.deepEqual(await queue.getValue(), [1, 2, 3]);
        await assert.rejects(queue.put(4, { timeout: 10 }), Full);
        assert.throws(() => queue.putNowaitSync(4), Full);
        const put = queue.put(4);
        await assert.rejects(queue.put(5, { signal: aborted() }), /enough/);
        for (const n of [1, 2, 3, 4]) assert.equal(await queue.get(), n);
        await put;
        await assert.rejects(queue.get({ timeout: 10 }), Empty);
        assert.throws(() => queue.getSync({ blocking: false }), Empty);
        await assert.rejects(queue.get({ signal: aborted() }), /enough/);
        await queue.put(6);
        assert.equal(await queue.get(), 6);
        await assert.rejects(queue.join({ timeout: 10 }), TimeoutError);
        for (let i = 0; i < 5; i++) await queue.taskDone();
        await queue.join();
        await assert.rejects(queue.taskDone(), RangeError);
        const waiting = queue.get();
        waiting.catch(() => {});
        await queue.shutdown();
        await assert.rejects(waiting, ShutDown);
        await assert.rejects(queue.put(1), ShutDown);
        const dropped = await manager.Queue<number>();
        await dropped.put(1);
        await dropped.shutdown({ immediate: true });
        await dropped.join();
        await assert.rejects(dropped.get(), ShutDown);
        console.log("done");
      }
    `);
  });

  it("names the dead: who is killed with a lock, a permit or in a barrier leaves nobody waiting", async () => {
    await run(`
      async function holder(lock: AcquirerProxy, rlock: AcquirerProxy, seats: AcquirerProxy, barrier: BarrierProxy, held: EventProxy) {
        await lock.acquire(); await rlock.acquire(); await seats.acquire();
        void barrier.wait();
        await held.set();
        await new Promise(() => setInterval(() => {}, 1000));
      }
      function waiter(lock: AcquirerProxy) { lock.acquireSync(); lock.releaseSync(); }
      if (isMain) {
        await using manager = await Manager();
        const [lock, rlock, seats] = [await manager.Lock({ name: "ledger" }), await manager.RLock(), await manager.Semaphore(1)];
        const barrier = await manager.Barrier(3), held = await manager.Event();
        const child = new Process({ target: holder, args: [lock, rlock, seats, barrier, held], name: "unlucky" });
        child.start();
        await held.wait();
        const waits = [lock.acquire(), rlock.acquire(), seats.acquire(), barrier.wait()];
        for (const wait of waits) wait.catch(() => {});
        while ((await barrier.state()).nWaiting < 2) await new Promise((r) => setTimeout(r, 10));
        child.kill();
        const outcomes = await Promise.allSettled(waits);
        for (const outcome of outcomes.slice(0, 3)) {
          assert.ok(outcome.status === "rejected" && outcome.reason instanceof RuntimeError, String((outcome as any).reason));
          assert.match(outcome.reason.message, /process unlucky/);
        }
        assert.match((outcomes[0] as any).reason.message, /ledger/);
        assert.ok((outcomes[3] as any).reason instanceof BrokenBarrierError);
        for (const one of [lock, rlock, seats]) {
          await assert.rejects(one.acquire(), RuntimeError);
          assert.throws(() => one.acquireSync(), RuntimeError);
          await one.release();
          assert.equal(await one.acquire({ timeout: 1000 }), true);
          await one.release();
        }
        // Who waits and is killed is not given anything.
        await lock.acquire();
        const late = new Process({ target: waiter, args: [lock] });
        late.start();
        const heir = new Process({ target: waiter, args: [lock] });
        heir.start();
        // Whether it waits already does not matter: either way nothing must be left with it.
        late.kill();
        await late.join();
        await lock.release();
        await heir.join();
        assert.equal(heir.exitCode, 0);
        assert.equal(await lock.acquire({ timeout: 1000 }), true);
        console.log("done");
      }
    `);
  });
});
