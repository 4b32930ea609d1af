import assert from "node:assert/strict";
import { expectScript } from "../../harness/run-script.js";

/** A thread takes the lock, says so, and comes to its end in one of several ways. */
const script = (body: string) => `
  import assert from "node:assert/strict";
  import { isMain, RuntimeError } from "heddle";
  import { ThreadPoolExecutor } from "heddle/futures";
  import { Lock, RLock, Semaphore, setExcepthook, Thread } from "heddle/threading";

  async function holder(lock: Lock | RLock, has: Semaphore, go: Semaphore, how: string) {
    lock.acquireSync(); // here
    has.release();
    if (how === "terminate") for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
    if (how === "terminate in a loop") for (let i = 0; ; i++) Math.sqrt(i);
    await go.acquire();
    if (how === "exit") process.exit(3);
    if (how === "throw") throw new Error("planned");
    if (how === "throw in a callback") {
      setTimeout(() => { throw new Error("planned"); });
      await new Promise(() => {});
    }
  }
  const here = 8;

  const workers: { terminate(): Promise<unknown> }[] = [];
  process.on("worker", (worker) => workers.push(worker));

  /** Has a thread take the lock. Returns what ends it. */
  async function start(lock: Lock | RLock, how: string): Promise<() => Promise<void>> {
    const turn = () => new Promise(setImmediate); // the event tells of a worker in the next turn of the loop
    await turn();
    const index = workers.length;
    const has = new Semaphore(0), go = new Semaphore(0);
    const thread = new Thread({ target: holder, args: [lock, has, go, how], name: "holder" });
    thread.start();
    has.acquireSync();
    await turn();
    return async () => {
      if (how.startsWith("terminate")) await workers[index]!.terminate();
      else go.release();
      await thread.join();
    };
  }
  const told = new RegExp("thread “holder” \\\\(number \\\\d+\\\\) died while it held it, acquired at script\\\\.ts:" + here + "\\\\b");
  function check(error: any, lock: Lock | RLock) {
    assert.ok(error instanceof RuntimeError, String(error));
    assert.match(error.message, told);
    assert.ok(error.message.startsWith(lock.name + " "), error.message);
    assert.match(error.message, /release\\(\\) makes the lock free again/);
  }
  setExcepthook(() => {});
  ${body}
`;

describe("a holder that dies", function () {
  this.timeout(120_000);

  for (const how of ["exit", "throw", "throw in a callback", "terminate", "terminate in a loop"]) {
    it(`is told to all who wait, blocked or not: ${how}`, async () => {
      await expectScript(
        script(`
        function waits(lock: Lock | RLock) {
          try { lock.acquireSync(); } catch (error) { return error; }
          throw new Error("it had the lock");
        }
        if (isMain) {
          using pool = new ThreadPoolExecutor({ maxWorkers: 2 });
          for (const lock of [new Lock(), new RLock()]) {
            pool.submit(takes, lock).resultSync();
            const end = await start(lock, ${JSON.stringify(how)});
            const waiting = [
              pool.submit(waits, lock).then((e) => e),
              pool.submit(waits, lock).then((e) => e),
              lock.acquire().catch((e) => e),
              lock.acquire({ timeout: 60_000 }).catch((e) => e),
            ];
            await end();
            for (const w of waiting) check(await w, lock);
            // Those who come now get it, too; also with a short timeout, and by hold.
            check(await lock.acquire().catch((e) => e), lock);
            assert.throws(() => lock.acquireSync({ timeout: 1 }), RuntimeError);
            assert.throws(() => lock.holdSync(), RuntimeError);
            assert.equal(lock.acquireSync({ blocking: false }), false);
            assert.equal(lock.locked(), true);
            lock.release();
            assert.equal(lock.locked(), false);
            assert.throws(() => lock.release(), RuntimeError);
            // And it is a lock like any other again.
            assert.equal(await pool.submit(takes, lock), true);
            assert.equal(lock.locked(), false);
          }
          console.log("done");
        }
        function takes(lock: Lock | RLock) { lock.acquireSync(); lock.release(); return true; }
      `),
        { timeout: 60_000 },
      );
    });
  }

  it("is noticed by who comes after its death, too, and also at the end of a timeout", async () => {
    await expectScript(
      script(`
      if (isMain) {
        for (const timeout of [undefined, 5]) {
          const lock = new Lock({ name: "mine" });
          await (await start(lock, "exit"))();
          assert.equal(lock.locked(), true);
          if (timeout === undefined) check(await lock.acquire().catch((e) => e), lock);
          else assert.throws(() => lock.acquireSync({ timeout }), told);
          // Not yet noticed by anybody, and given back all the same.
          const other = new RLock();
          await (await start(other, "exit"))();
          other.release();
          assert.equal(other.owner, null);
        }
        console.log("done");
      }
    `),
    );
  });

  it("is no death if its function returned, unless nobody else may release it", async () => {
    await expectScript(
      script(`
      if (isMain) {
        const lock = new Lock();
        await (await start(lock, "return"))();
        assert.equal(lock.acquireSync({ timeout: 700 }), false);
        const next = lock.acquire();
        lock.release();
        assert.equal(await next, true);
        const owned = new RLock();
        await (await start(owned, "return"))();
        check(await owned.acquire().catch((e) => e), owned);
        owned.release();
        assert.equal(owned.acquireSync(), true);
        console.log("done");
      }
    `),
    );
  });

  it("is told in a pool whose worker was terminated", async () => {
    await expectScript(
      script(`
      function dies(lock: Lock) { lock.acquireSync(); process.exit(1); }
      if (isMain) {
        const lock = new Lock({ name: "mine" });
        const pool = new ThreadPoolExecutor({ maxWorkers: 1, threadNamePrefix: "worker" });
        const task = pool.submit(dies, lock);
        await assert.rejects(task.result());
        await assert.rejects(lock.acquire(), /^RuntimeError: mine will never be released: thread “worker.*acquired at script\\.ts:\\d+/);
        pool.shutdownSync({ wait: false });
        console.log("done");
      }
    `),
    );
  });

  it("works for workers that the library did not start", async () => {
    await expectScript(
      `
      import assert from "node:assert/strict";
      import { Worker } from "node:worker_threads";
      import { isMain } from "heddle";
      if (isMain) {
        // The worker shares its lock with a thread of its own.
        const worker = new Worker(new URL("./worker.ts", import.meta.url));
        const message = await new Promise((resolve, reject) => { worker.once("message", resolve); worker.once("error", reject); });
        assert.match(String(message), /died while it held it, acquired at \\S+:\\d+/);
        console.log("done");
      }
    `,
      {
        files: {
          "worker.ts": `
            import { parentPort } from "node:worker_threads";
            import { Lock, Thread } from "heddle/threading";
            const lock = new Lock();
            const thread = new Thread({ target: function dies(lock: any) { lock.acquireSync(); process.exit(); }, args: [lock] });
            thread.start();
            await thread.join();
            parentPort!.postMessage(await lock.acquire().catch((e: Error) => e.message));
          `,
        },
      },
    );
  });

  it("is in the trace: who died, holding what, acquired where", async () => {
    const { stderr } = await expectScript(
      script(`
      if (isMain) {
        const lock = new Lock({ name: "mine" });
        const end = await start(lock, "exit");
        const waiting = lock.acquire().catch((e) => e);
        await end();
        check(await waiting, lock);
        console.log("done");
      }
    `),
      { traced: true, runArgs: ["--report", "json"] },
    );
    const report = JSON.parse(stderr.slice(stderr.indexOf("{")));
    const found = report.findings.find((finding: { rule: string }) => finding.rule === "abandoned-lock");
    assert.equal(found.title, "“holder” died while it held “mine”");
    assert.match(found.sites[0], /script\.ts:8$/);
    const lock = report.locks.find((each: { name: string }) => each.name === "mine");
    assert.equal(lock.acquisitions, 1);
    assert.equal(lock.contended, 1);
  });
});
