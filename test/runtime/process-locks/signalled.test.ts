/** RLock, Event, Condition and Barrier between processes, as `_test_multiprocessing.py` looks at them, and beyond. */
import assert from "node:assert/strict";
import * as harness from "../../harness/run-script.js";

const { runScript } = harness;
/** Processes take their time to start on a machine with much to do. */
const expectScript = (source: string, options: harness.RunOptions = {}): Promise<harness.RunResult> =>
  harness.expectScript(source, { timeout: 60_000, ...options });

const common = `
  import assert from "node:assert/strict";
  import { BrokenBarrierError, isMain, RuntimeError } from "heddle";
  import { Barrier, Condition, Event, Lock, Process, RawArray, RawValue, RLock, Semaphore } from "heddle/multiprocessing";
  import * as threading from "heddle/threading";
  const { Thread } = threading;
  const forms = ["sync", "async"] as const;
  type Form = (typeof forms)[number];
  const take = async (lock: { acquireSync(o?: any): boolean; acquire(o?: any): Promise<boolean> }, form: Form, options?: any) =>
    form === "sync" ? lock.acquireSync(options) : lock.acquire(options);
  const wait = async (it: { waitSync(o?: any): any; wait(o?: any): Promise<any> }, form: Form, options?: any) =>
    form === "sync" ? it.waitSync(options) : it.wait(options);
  /** A process and a thread, for each form. */
  function actors(target: (...args: any[]) => unknown, ...args: unknown[]): (Process<any> | threading.Thread<any>)[] {
    return forms.flatMap((form) => [new Process({ target, args: [form, ...args] }), new Thread({ target, args: [form, ...args] })]);
  }
  const start = (list: any[]) => { for (const one of list) one.start(); return list; };
  async function end(list: any[]) {
    for (const one of list) await one.join();
    for (const one of list) if (one instanceof Process) assert.equal(one.exitCode, 0);
  }
`;

describe("RLock of processes", function () {
  this.timeout(90_000);

  it("is taken again by its owner only, and tells whose it is", async () => {
    await expectScript(`${common}
      async function other(form: Form, lock: RLock, pid: number, nativeId: number) {
        assert.equal(lock.isOwned(), false);
        assert.equal(lock.depth(), 0);
        assert.deepEqual({ ...lock.owner! }, { pid, nativeId });
        assert.equal(await take(lock, form, { blocking: false, timeout: -3 }), false);
        assert.equal(await take(lock, form, { timeout: 20 }), false);
        assert.throws(() => lock.release(), RuntimeError);
      }
      if (isMain) {
        const lock = new RLock({ name: "again" });
        assert.equal(lock.owner, null);
        for (let i = 1; i <= 3; i++) { assert.equal(lock.acquireSync(), true); assert.equal(lock.depth(), i); }
        const list = start(actors(other, lock, process.pid, threading.getNativeId()));
        await end(list);
        for (let i = 0; i < 3; i++) { assert.equal(lock.isOwned(), true); lock.release(); }
        assert.equal(lock.locked(), false);
        assert.throws(() => lock.release(), RuntimeError);
        console.log("done");
      }
    `);
  });

  it("is abandoned by a process that ends without giving it back, and free once it is given back", async () => {
    await expectScript(`${common}
      function leave(lock: RLock, how: string) {
        lock.acquireSync();
        lock.acquireSync();
        if (how === "kill") process.kill(process.pid, "SIGKILL");
        if (how === "exit") process.exit(3);
      }
      if (isMain) {
        for (const how of ["kill", "exit", "end"]) for (const form of forms) {
          const lock = new RLock();
          const child = new Process({ name: "gone", target: leave, args: [lock, how] });
          child.start();
          await child.join();
          await assert.rejects(take(lock, form), (error) => error instanceof RuntimeError && /process “gone” \\(pid \\d+\\) died/.test(error.message));
          lock.release();
          assert.equal(await take(lock, form), true);
          assert.equal(lock.depth(), 1);
          lock.release();
        }
        console.log("done");
      }
    `);
  });
});

describe("Event of processes", function () {
  this.timeout(90_000);

  it("has Python's contract", async () => {
    await expectScript(`${common}
      async function setLater(event: Event) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        event.set();
      }
      if (isMain) for (const form of forms) {
        const event = new Event();
        assert.equal(event.isSet(), false);
        assert.equal(await wait(event, form, { timeout: 0 }), false);
        assert.equal(await wait(event, form, { timeout: -1 }), false);
        const begin = performance.now();
        assert.equal(await wait(event, form, { timeout: 50 }), false);
        assert.ok(performance.now() - begin >= 50);
        event.set();
        assert.equal(event.isSet(), true);
        assert.equal(await wait(event, form, { timeout: 0 }), true);
        assert.equal(await wait(event, form), true);
        event.clear();
        assert.equal(event.isSet(), false);
        const child = new Process({ target: setLater, args: [event] });
        child.start();
        assert.equal(await wait(event, form), true);
        await child.join();
      }
      if (isMain) console.log("done");
    `);
  });

  it("wakes all who wait, though it is lowered at once, round after round", async () => {
    await expectScript(
      `${common}
      async function follow(form: Form, event: Event, seen: Semaphore, gate: Barrier) {
        for (let i = 0; i < 30; i++) {
          assert.equal(await wait(event, form), true);
          seen.release();
          await wait(gate, form);
        }
      }
      if (isMain) {
        const event = new Event(), seen = new Semaphore(0), gate = new Barrier(5);
        const list = start(actors(follow, event, seen, gate));
        for (let i = 0; i < 30; i++) {
          // Who was not waiting yet waits for the next.
          for (let n = 0; n < list.length; ) {
            event.set();
            event.clear();
            while (n < list.length && (await seen.acquire({ timeout: 10 }))) n++;
          }
          assert.equal(seen.getValue(), 0);
          await gate.wait();
        }
        await end(list);
        console.log("done");
      }
    `,
      { timeout: 80_000 },
    );
  });
});

describe("Condition of processes", function () {
  this.timeout(120_000);

  it("has Python's contract", async () => {
    await expectScript(`${common}
      for (const lock of [undefined, new Lock(), new RLock()]) {
        const condition = new Condition(lock);
        assert.throws(() => condition.notify(), RuntimeError);
        assert.throws(() => condition.waitSync(), RuntimeError);
        await assert.rejects(condition.wait(), RuntimeError);
        for (const form of forms) {
          assert.equal(await take(condition, form), true);
          assert.equal(await wait(condition, form, { timeout: 20 }), false);
          assert.equal(await wait(condition, form, { timeout: -1 }), false);
          condition.notify();
          condition.notifyAll();
          assert.equal(condition.waitForSync(() => 0, { timeout: 10 }), 0);
          assert.equal(await condition.waitFor(() => "yes"), "yes");
          condition.release();
        }
      }
      assert.throws(() => new Condition(new threading.Lock() as never), /must be a Lock or RLock of processes, not one of threads/);
      assert.throws(() => new threading.Condition(new RLock() as never), /must be a Lock or RLock of threads, not one of processes/);
      assert.throws(() => new Condition({} as never), TypeError);
      console.log("done");
    `);
  });

  it("notifies some or all who wait, threads and processes in one line", async () => {
    await expectScript(
      `${common}
      async function sleeper(form: Form, condition: Condition, sleeping: Semaphore, woken: Semaphore, timeout: number | undefined) {
        await take(condition, form);
        sleeping.release();
        const notified = await wait(condition, form, { timeout });
        assert.equal(notified, timeout === undefined);
        woken.release();
        condition.release();
      }
      if (isMain) {
        const condition = new Condition(), sleeping = new Semaphore(0), woken = new Semaphore(0);
        // all of these time out, as in Python's test_notify_all
        let list = start(actors(sleeper, condition, sleeping, woken, 100));
        for (let i = 0; i < list.length; i++) await sleeping.acquire();
        for (let i = 0; i < list.length; i++) assert.equal(await woken.acquire({ timeout: 20_000 }), true);
        await end(list);
        // these wait until they are notified: one, two, then all
        list = start([...actors(sleeper, condition, sleeping, woken, undefined), ...actors(sleeper, condition, sleeping, woken, undefined)]);
        for (let i = 0; i < list.length; i++) await sleeping.acquire();
        assert.equal(woken.acquireSync({ timeout: 50 }), false);
        for (const [n, expected] of [[1, 1], [2, 2], [Infinity, 5]] as const) {
          condition.acquireSync();
          if (n === Infinity) condition.notifyAll(); else condition.notify(n);
          condition.release();
          for (let i = 0; i < expected; i++) assert.equal(await woken.acquire({ timeout: 20_000 }), true);
          assert.equal(woken.acquireSync({ timeout: 50 }), false);
        }
        await end(list);
        console.log("done");
      }
    `,
      { timeout: 80_000 },
    );
  });

  it("waits for what a predicate says, as Python's test_waitfor has it", async () => {
    await expectScript(`${common}
      function count(form: Form, condition: Condition, state: RawValue<"i">) {
        condition.acquireSync();
        state.value = 0;
        condition.notify();
        assert.equal(condition.waitForSync(() => state.value === 4), true);
        condition.release();
      }
      if (isMain) {
        const condition = new Condition(), state = new RawValue("i", -1);
        const child = new Process({ target: count, args: ["sync", condition, state] });
        {
          using held = await condition.hold();
          child.start();
          assert.equal(await condition.waitFor(() => state.value === 0), true);
        }
        for (let i = 0; i < 4; i++) {
          using held = condition.holdSync();
          state.value += 1;
          condition.notify();
        }
        await end([child]);
        using held = condition.holdSync();
        const begin = performance.now();
        assert.equal(await condition.waitFor(() => false, { timeout: 60 }), false);
        assert.ok(performance.now() - begin >= 60);
        console.log("done");
      }
    `);
  });

  it("loses and doubles no item of producers and consumers, some of which are killed while they wait", async () => {
    await expectScript(
      `${common}
      interface Box { condition: Condition; items: RawArray<"i"> }
      async function consume(form: Form, { condition, items }: Box) {
        for (let mine = 0; ; mine++) {
          using held = form === "sync" ? condition.holdSync() : await condition.hold();
          while (items.view[0] === 0 && items.view[1] === 0) await wait(condition, form, { timeout: Math.random() < 0.3 ? 1 : undefined });
          if (items.view[0] === 0) return;
          items.view[0]! -= 1;
          items.view[2]! += 1;
        }
      }
      async function sleepForEver(box: Box) {
        using held = await box.condition.hold();
        await box.condition.wait();
        // A notification that woke it was for an item: it must go on to somebody else.
        box.condition.notify();
      }
      if (isMain) {
        const box: Box = { condition: new Condition(), items: new RawArray("i", 3) };
        const list = start(actors(consume, box));
        const victims = start([1, 2, 3].map(() => new Process({ target: sleepForEver, args: [box] })));
        const all = 400;
        for (let i = 0; i < all; i++) {
          if (i % 100 === 50) victims.pop()?.kill();
          using held = await box.condition.hold();
          box.items.view[0]! += 1;
          box.condition.notify();
        }
        {
          using held = await box.condition.hold();
          while (box.items.view[0]! > 0) await box.condition.wait({ timeout: 20 });
          box.items.view[1] = 1;
          box.condition.notifyAll();
        }
        await end(list);
        assert.deepEqual([...box.items], [0, 1, all]);
        console.log("done");
      }
    `,
      { timeout: 100_000 },
    );
  });
});

describe("Barrier of processes", function () {
  this.timeout(90_000);

  it("lets rounds pass, in lockstep, with an index for each and the action once a round", async () => {
    await expectScript(
      `${common}
      function act() { rounds.view[0]! += 1; }
      const rounds = new RawArray("i", 1);
      async function run(form: Form, barrier: Barrier, arrived: RawArray<"i">) {
        for (let i = 0; i < 25; i++) {
          Atomics.add(arrived.view, i, 1);
          const place = await wait(barrier, form);
          assert.equal(Atomics.load(arrived.view, i), 4);
          assert.ok(place >= 0 && place < 4);
          Atomics.add(arrived.view, 100 + i, 1 << place);
        }
      }
      if (isMain) {
        const barrier = new Barrier(4, { action: act });
        const arrived = new RawArray("i", 200);
        assert.deepEqual([barrier.parties, barrier.nWaiting, barrier.broken], [4, 0, false]);
        await end(start(actors(run, barrier, arrived)));
        for (let i = 0; i < 25; i++) assert.equal(arrived.view[100 + i], 15);
        assert.equal(barrier.nWaiting, 0);
        assert.throws(() => new Barrier(0), RangeError);
        console.log("done");
      }
    `,
      { timeout: 60_000 },
    );
  });

  it("runs the action in one process, before anybody goes on", async () => {
    await expectScript(`${common}
      function act() { throw new RangeError("no way"); }
      function note() { console.log("action"); }
      async function run(form: Form, barrier: Barrier, results: RawArray<"i">) {
        try { await wait(barrier, form); Atomics.add(results.view, 0, 1); }
        catch (error) { Atomics.add(results.view, error instanceof BrokenBarrierError ? 1 : error instanceof RangeError ? 2 : 3, 1); }
      }
      if (isMain) {
        const results = new RawArray("i", 4);
        await end(start(actors(run, new Barrier(4, { action: note }), results)));
        assert.deepEqual([...results], [4, 0, 0, 0]);
        const failing = new Barrier(4, { action: act });
        await end(start(actors(run, failing, results)));
        assert.deepEqual([...results], [4, 3, 1, 0]);
        assert.equal(failing.broken, true);
        console.log("done");
      }
    `);
  });

  it("is broken by abort, a timeout and a death, and whole again after a reset", async () => {
    await expectScript(
      `${common}
      async function run(form: Form, barrier: Barrier, waiting: Semaphore, results: RawArray<"i">, timeout?: number) {
        const waited = form === "sync" ? null : barrier.wait({ timeout });
        waiting.release();
        try { waited === null ? barrier.waitSync({ timeout }) : await waited; Atomics.add(results.view, 0, 1); }
        catch (error) { assert.ok(error instanceof BrokenBarrierError, String(error)); Atomics.add(results.view, 1, 1); }
      }
      function sit(barrier: Barrier, waiting: Semaphore) { waiting.release(); barrier.waitSync(); }
      const settle = async (barrier: Barrier, n: number) => { while (barrier.nWaiting < n) await new Promise((r) => setTimeout(r, 5)); };
      if (isMain) {
        const waiting = new Semaphore(0);
        for (const how of ["abort", "timeout", "reset", "death"]) {
          const barrier = new Barrier(6), results = new RawArray("i", 2);
          const victim = new Process({ name: "victim", target: sit, args: [barrier, waiting] });
          if (how === "death") { victim.start(); await settle(barrier, 1); }
          const list = start(actors(run, barrier, waiting, results, how === "timeout" ? 300 : undefined));
          if (how !== "timeout") await settle(barrier, how === "death" ? 5 : 4);
          if (how === "abort") barrier.abort();
          if (how === "reset") barrier.reset();
          if (how === "death") { victim.kill(); await victim.join(); }
          await end(list);
          assert.deepEqual([...results], [0, 4], how);
          assert.equal(barrier.broken, how !== "reset");
          if (how === "death") await assert.rejects(barrier.wait(), /process “victim” \\(pid \\d+\\) died in it/);
          barrier.reset();
          assert.equal(barrier.broken, false);
          const again = [...Array(6)].map(() => barrier.wait());
          assert.deepEqual((await Promise.all(again)).sort(), [0, 1, 2, 3, 4, 5]);
        }
        console.log("done");
      }
    `,
      { timeout: 80_000 },
    );
  });
});

describe("promises that wait for what processes share", function () {
  this.timeout(90_000);

  it("can be hundreds, for hundreds of objects", async () => {
    await expectScript(
      `${common}
      function releaseAll(all: Semaphore[]) { for (const one of all) one.release(); }
      if (isMain) {
        const all = Array.from({ length: 300 }, () => new Semaphore(0));
        for (let round = 0; round < 3; round++) {
          const waits = all.map((one) => one.acquire());
          const alsoOne = Array.from({ length: 100 }, () => all[0]!.acquire());
          await new Promise((resolve) => setTimeout(resolve, 100));
          const child = new Process({ target: releaseAll, args: [all] });
          child.start();
          await Promise.all(waits.slice(1));
          all[0]!.release(100);
          await Promise.all([...waits, ...alsoOne]);
          await child.join();
          for (const one of all) assert.equal(one.getValue(), 0);
        }
        console.log("done");
      }
    `,
      { timeout: 60_000 },
    );
  });

  it("keep the program alive, and leave nothing that does", async () => {
    await expectScript(`${common}
      function later(event: Event) { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300); event.set(); }
      if (isMain) {
        const event = new Event();
        const child = new Process({ target: later, args: [event], daemon: true });
        child.start();
        event.wait().then(() => { console.log("done"); });
      }
    `);
  });

  it("are all there is when the program hangs for ever, which is told", async () => {
    const result = await runScript(
      `
      import { isMain } from "heddle";
      import { Barrier, Lock, Process } from "heddle/multiprocessing";
      async function want(first: Lock, second: Lock, both: Barrier, form: string) {
        first.acquireSync();
        both.waitSync();
        if (form === "sync") second.acquireSync();
        else await second.acquire();
      }
      if (isMain) {
        const a = new Lock({ name: "A" }), b = new Lock({ name: "B" }), both = new Barrier(2);
        const child = new Process({ target: want, args: [a, b, both, "sync"] });
        child.start();
        await want(b, a, both, "async");
      }
    `,
      { traced: true, timeout: 60_000 },
    );
    assert.equal(result.code, 86, result.stdout + result.stderr);
    assert.match(result.stderr, /“A”/);
    assert.match(result.stderr, /“B”/);
  });
});
