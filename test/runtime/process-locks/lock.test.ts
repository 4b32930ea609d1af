/** Lock and semaphores that processes share, as `_test_multiprocessing.py` looks at them, and beyond. */
import * as harness from "../../harness/run-script.js";

/** Processes take their time to start on a machine with much to do. */
const expectScript = (source: string, options: harness.RunOptions = {}): Promise<harness.RunResult> =>
  harness.expectScript(source, { timeout: 60_000, ...options });

const common = `
  import assert from "node:assert/strict";
  import { isMain } from "heddle";
  import { BoundedSemaphore, Lock, Process, RawArray, RawValue, Semaphore } from "heddle/multiprocessing";
  import { Thread } from "heddle/threading";
  type Any = Lock | Semaphore;
  const kinds = { Lock: () => new Lock(), Semaphore: () => new Semaphore(), BoundedSemaphore: () => new BoundedSemaphore() };
  const forms = ["sync", "async"] as const;
  type Form = (typeof forms)[number];
  async function take(lock: Any, form: Form, options?: any): Promise<boolean> {
    return form === "sync" ? lock.acquireSync(options) : lock.acquire(options);
  }
  /** A process and a thread, for each form. */
  function actors(target: (...args: any[]) => unknown, ...args: unknown[]) {
    return forms.flatMap((form) => [new Process({ target, args: [form, ...args] }), new Thread({ target, args: [form, ...args] })]);
  }
  async function all(list: (Process | Thread<any>)[]) {
    for (const one of list) one.start();
    for (const one of list) await one.join();
    for (const one of list) if (one instanceof Process) assert.equal(one.exitCode, 0);
  }
`;

describe("what processes can acquire", function () {
  this.timeout(90_000);

  it("is taken and given back as in Python", async () => {
    await expectScript(`${common}
      const lock = new Lock();
      assert.equal(lock.acquireSync(), true);
      assert.equal(lock.acquireSync({ blocking: false }), false);
      assert.equal(lock.locked(), true);
      assert.equal(lock.release(), undefined);
      assert.throws(() => lock.release(), RangeError);
      const sem = new Semaphore(2);
      assert.equal(sem.getValue(), 2);
      assert.equal(sem.acquireSync(), true);
      assert.equal(await sem.acquire(), true);
      assert.equal(sem.getValue(), 0);
      assert.equal(sem.acquireSync({ blocking: false }), false);
      sem.release();
      sem.release(2);
      assert.equal(sem.getValue(), 3);
      const bounded = new BoundedSemaphore(2);
      bounded.acquireSync();
      bounded.release();
      assert.throws(() => bounded.release(), RangeError);
      assert.equal(bounded.getValue(), 2);
      assert.throws(() => new Semaphore(-1), RangeError);
      assert.throws(() => new BoundedSemaphore(1.5), RangeError);
      console.log("done");
    `);
  });

  it("takes a negative timeout for zero, and ignores one where it does not block", async () => {
    await expectScript(`${common}
      for (const make of Object.values(kinds)) for (const form of forms) {
        const lock = make();
        assert.equal(await take(lock, form, { timeout: -1 }), true);
        assert.equal(await take(lock, form, { timeout: -1 }), false);
        assert.equal(await take(lock, form, { timeout: -Infinity }), false);
        assert.equal(await take(lock, form, { timeout: 0 }), false);
        assert.equal(await take(lock, form, { blocking: false, timeout: 1000 }), false);
        assert.equal(await take(lock, form, { blocking: false, timeout: -5 }), false);
        const begin = performance.now();
        assert.equal(await take(lock, form, { timeout: 60 }), false);
        assert.ok(performance.now() - begin >= 60);
        await assert.rejects(take(lock, form, { timeout: NaN }), RangeError);
        await assert.rejects(take(lock, form, { timeout: "1" }), TypeError);
        lock.release();
        assert.equal(await take(lock, form, { timeout: null }), true);
        lock.release();
      }
      assert.throws(() => new Lock("x" as never), /\\{ name: /);
      assert.throws(() => new Semaphore(1, { value: 2 } as never), TypeError);
      console.log("done");
    `);
  });

  it("keeps all others out, threads and processes, by either form", async () => {
    await expectScript(
      `${common}
      async function count(form: Form, lock: Any, counter: RawValue<"i">) {
        for (let i = 0; i < 300; i++) {
          await take(lock, form);
          const seen = counter.value;
          if (i % 16 === 0) { const until = performance.now() + 0.05; while (performance.now() < until); }
          counter.value = seen + 1;
          lock.release();
        }
      }
      if (isMain) {
        for (const make of Object.values(kinds)) {
          const lock = make(), counter = new RawValue("i");
          await all(actors(count, lock, counter));
          assert.equal(counter.value, 1200);
          assert.equal(lock.locked(), false);
        }
        console.log("done");
      }
    `,
      { timeout: 60_000 },
    );
  });

  it("lets in as many as there are permits", async () => {
    await expectScript(
      `${common}
      async function visit(form: Form, seats: Semaphore, inside: RawArray<"i">) {
        for (let i = 0; i < 100; i++) {
          await take(seats, form);
          const now = Atomics.add(inside.view, 0, 1) + 1;
          if (now > 3) Atomics.add(inside.view, 1, 1);
          if (now === 3) Atomics.store(inside.view, 2, 1);
          const until = performance.now() + 0.1; while (performance.now() < until);
          Atomics.sub(inside.view, 0, 1);
          seats.release();
        }
      }
      if (isMain) {
        for (const seats of [new Semaphore(3), new BoundedSemaphore(3)]) {
          const inside = new RawArray("i", 3);
          await all(actors(visit, seats, inside));
          assert.deepEqual([...inside].slice(0, 2), [0, 0]);
          assert.equal(seats.getValue(), 3);
        }
        console.log("done");
      }
    `,
      { timeout: 60_000 },
    );
  });

  it("wakes who waits in another process, by either form", async () => {
    await expectScript(
      `${common}
      async function waits(form: Form, lock: Any, ready: Semaphore, passed: Semaphore) {
        ready.release();
        assert.equal(await take(lock, form), true);
        passed.release();
        lock.release();
      }
      if (isMain) {
        for (const make of Object.values(kinds)) {
          const lock = make(), ready = new Semaphore(0), passed = new Semaphore(0);
          lock.acquireSync();
          const list = actors(waits, lock, ready, passed);
          for (const one of list) one.start();
          for (let i = 0; i < list.length; i++) await ready.acquire();
          assert.equal(passed.acquireSync({ timeout: 50 }), false);
          lock.release();
          for (let i = 0; i < list.length; i++) assert.equal(passed.acquireSync({ timeout: 10_000 }), true);
          for (const one of list) await one.join();
        }
        console.log("done");
      }
    `,
      { timeout: 60_000 },
    );
  });

  it("can be given back by another process", async () => {
    await expectScript(`${common}
      function give(lock: Lock) { lock.release(); }
      if (isMain) {
        const lock = new Lock();
        lock.acquireSync();
        const child = new Process({ target: give, args: [lock] });
        child.start();
        assert.equal(await lock.acquire({ timeout: 20_000 }), true);
        await child.join();
        assert.equal(child.exitCode, 0);
        console.log("done");
      }
    `);
  });

  it("is the same object where it comes back, and crosses inside of others", async () => {
    await expectScript(`${common}
      import { ThreadPoolExecutor, ProcessPoolExecutor } from "heddle/futures";
      function give(what: { locks: Map<string, Lock>; sem: Semaphore[] }) {
        assert.equal(what.locks.get("a"), what.locks.get("b"));
        what.locks.get("a")!.release();
        what.sem[0]!.release(4);
        return what;
      }
      if (isMain) {
        for (const Executor of [ThreadPoolExecutor, ProcessPoolExecutor]) {
          const lock = new Lock({ name: "both" }), sem = new Semaphore(0);
          lock.acquireSync();
          await using executor = new Executor({ maxWorkers: 1 });
          const back = await executor.submit(give, { locks: new Map([["a", lock], ["b", lock]]), sem: [sem] });
          assert.equal(back.locks.get("a"), lock);
          assert.equal(back.sem[0], sem);
          assert.equal(back.locks.get("b")!.name, "both");
          assert.equal(lock.locked(), false);
          assert.equal(sem.getValue(), 4);
        }
        console.log("done");
      }
    `);
  });

  it("outlives the process that made it", async () => {
    await expectScript(`${common}
      import { Pipe, type Connection } from "heddle/multiprocessing";
      function make(to: Connection) {
        to.sendSync({ lock: new Lock({ name: "of a child" }), sem: new Semaphore(2) });
        to.recvSync();
      }
      function use(lock: Lock, sem: Semaphore) {
        lock.acquireSync();
        sem.release();
        lock.release();
      }
      if (isMain) {
        const [here, there] = Pipe();
        const maker = new Process({ target: make, args: [there] });
        maker.start();
        const { lock, sem } = await here.recv();
        here.sendSync("thanks");
        await maker.join();
        await all([new Process({ target: use, args: [lock, sem] }), new Process({ target: use, args: [lock, sem] })]);
        assert.equal(lock.name, "of a child");
        assert.equal(sem.getValue(), 4);
        assert.equal(lock.locked(), false);
        console.log("done");
      }
    `);
  });

  it("is told of when its holder was killed, and free again once it is given back", async () => {
    await expectScript(
      `${common}
      import { RuntimeError } from "heddle";
      function hold(lock: Lock, ready: Semaphore) {
        lock.acquireSync();
        ready.release();
        for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
      }
      async function waits(form: Form, lock: Lock, ready: Semaphore, told: Semaphore) {
        ready.release();
        await take(lock, form).then(
          () => assert.fail("it cannot be had"),
          (error) => { assert.ok(error instanceof RuntimeError); assert.match(error.message, /process “holder” \\(pid \\d+\\) died while it held it, acquired at script.ts:\\d+/); },
        );
        told.release();
      }
      if (isMain) {
        const lock = new Lock(), ready = new Semaphore(0), told = new Semaphore(0), quiet = new Semaphore(0);
        const holder = new Process({ name: "holder", target: hold, args: [lock, quiet] });
        holder.start();
        assert.equal(await quiet.acquire({ timeout: 20_000 }), true);
        const list = actors(waits, lock, ready, told);
        for (const one of list) one.start();
        for (let i = 0; i < list.length; i++) await ready.acquire();
        holder.kill();
        for (let i = 0; i < list.length; i++) assert.equal(await told.acquire({ timeout: 20_000 }), true);
        for (const one of list) await one.join();
        lock.release();
        assert.equal(lock.acquireSync({ blocking: false }), true);
        console.log("done");
      }
    `,
      { timeout: 60_000 },
    );
  });

  it("may be left held by a process that ends well, to be given back by another", async () => {
    await expectScript(`${common}
      function leave(lock: Lock) { lock.acquireSync(); }
      if (isMain) {
        const lock = new Lock();
        const child = new Process({ target: leave, args: [lock] });
        child.start();
        await child.join();
        assert.equal(await lock.acquire({ timeout: 300 }), false);
        lock.release();
        assert.equal(lock.acquireSync({ timeout: 0 }), true);
        console.log("done");
      }
    `);
  });

  it("lets a blocked thread be terminated, and the process exit, at once", async () => {
    await expectScript(`${common}
      import { Worker } from "node:worker_threads";
      function block(lock: Lock, ready: Semaphore) { ready.release(); lock.acquireSync(); }
      function exitWith(lock: Lock, ready: Semaphore) {
        const inside = new Semaphore(0);
        new Thread({ target: block, args: [lock, inside], daemon: true }).start();
        inside.acquireSync();
        ready.release();
        process.exit(7);
      }
      if (isMain) {
        const lock = new Lock(), ready = new Semaphore(0);
        lock.acquireSync();
        const child = new Process({ target: exitWith, args: [lock, ready] });
        child.start();
        await ready.acquire();
        // A thread inside of the kernel for good would keep the process for ever.
        await child.join({ timeout: 10_000 });
        assert.equal(child.exitCode, 7);
        const thread = new Thread({ target: block, args: [lock, ready], daemon: true });
        thread.start();
        await ready.acquire();
        console.log("done");
        process.exit(0);
      }
    `);
  });

  it("lets a worker be terminated that is blocked, by either form", async () => {
    await expectScript(`${common}
      import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";
      import { once } from "node:events";
      if (!isMainThread && workerData?.form !== undefined) {
        const lock = new Lock();
        lock.acquireSync();
        parentPort!.postMessage("ready");
        if (workerData.form === "sync") lock.acquireSync();
        else await lock.acquire();
      } else if (isMain) {
        for (const form of forms) {
          const worker = new Worker(new URL(import.meta.url), { workerData: { form } });
          await once(worker, "message");
          await new Promise((resolve) => setTimeout(resolve, 100));
          // Within the kernel it would never end.
          assert.equal(await Promise.race([worker.terminate(), new Promise((resolve) => setTimeout(resolve, 20_000, "never"))]), 1);
        }
        console.log("done");
        process.exit();
      }
    `);
  });

  it("lets a program end at any moment, also while a thread gets ready to wait in the kernel", async () => {
    // A thread that is ended while it loads native code would take the process with it.
    const ends = Array.from({ length: 10 }, (_, i) =>
      expectScript(
        `${common}
        function waits(lock: Lock, started: Int32Array) {
          Atomics.store(started, 0, 1);
          Atomics.notify(started, 0);
          new Semaphore(0).acquire();
          lock.acquireSync();
        }
        if (isMain) {
          const lock = new Lock(), started = new Int32Array(new SharedArrayBuffer(4));
          lock.acquireSync();
          if (${i} % 2 === 0) await lock.acquire({ timeout: ${10 + 4 * i} });
          else {
            new Thread({ target: waits, args: [lock, started], daemon: true }).start();
            Atomics.wait(started, 0, 0);
            Atomics.wait(started, 0, 1, ${3 * i});
          }
          console.log("done");
        }
      `,
        { timeout: 60_000 },
      ),
    );
    await Promise.all(ends);
  });

  it("gives its memory back when it is collected and has not crossed, and descriptors stay few", async () => {
    await expectScript(`${common}
      import { readdirSync } from "node:fs";
      import { setFlagsFromString } from "node:v8";
      import { runInNewContext } from "node:vm";
      setFlagsFromString("--expose-gc");
      const gc = runInNewContext("gc") as () => void;
      const first = new Lock();
      const descriptors = readdirSync("/proc/self/fd").length;
      for (let round = 0; round < 60; round++) {
        for (let i = 0; i < 4000; i++) new Lock({ name: "short" });
        gc();
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      const memory = Number(/RssShmem:[^0-9]*([0-9]+)/.exec((await import("node:fs")).readFileSync("/proc/self/status", "utf8"))![1]);
      // 240 000 locks of 20 bytes and more would be 5 MB at least.
      assert.ok(memory < 3000, memory + " KiB of shared memory");
      assert.ok(readdirSync("/proc/self/fd").length <= descriptors);
      first.acquireSync();
      console.log("done");
    `);
  });

  it("can be given up by a signal, and a wake-up call is not lost with that", async () => {
    await expectScript(
      `${common}
      function release(sem: Semaphore, go: Semaphore, n: number) { for (let i = 0; i < n; i++) { go.acquireSync(); sem.release(); } }
      if (isMain) {
        const sem = new Semaphore(0), go = new Semaphore(0);
        const child = new Process({ target: release, args: [sem, go, 100] });
        child.start();
        for (let i = 0; i < 100; i++) {
          const controller = new AbortController();
          const given = sem.acquire({ signal: controller.signal }).then(() => true, (reason) => { assert.equal(reason, "enough"); return false; });
          const kept = sem.acquire({ timeout: 20_000 });
          go.release();
          setTimeout(() => controller.abort("enough"), Math.random() * 3);
          const had = await given;
          if (had) sem.release();
          assert.equal(await kept, true);
          assert.equal(sem.getValue(), 0);
        }
        await child.join();
        assert.equal(await sem.acquire({ signal: AbortSignal.abort("no") }).catch((reason) => reason), "no");
        console.log("done");
      }
    `,
      { timeout: 60_000 },
    );
  });
});
