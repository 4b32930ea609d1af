import assert from "node:assert/strict";
import { expectScript, runScript } from "../../harness/run-script.js";

describe("what a user of Python may try", function () {
  this.timeout(60_000);

  it("refuses by-position arguments in the place of options, instead of ignoring them", async () => {
    await expectScript(`
      import assert from "node:assert/strict";
      import { isMain } from "heddle";
      import { ProcessPoolExecutor, ThreadPoolExecutor } from "heddle/futures";
      import { Process, ThreadPool } from "heddle/multiprocessing";
      import { LifoQueue, PriorityQueue, Queue } from "heddle/queue";
      import { Lock, RLock, Semaphore, Thread } from "heddle/threading";
      function work() {}
      if (isMain) {
        for (const type of [Queue, LifoQueue, PriorityQueue, ThreadPoolExecutor, ProcessPoolExecutor, ThreadPool] as any[]) {
          assert.throws(() => new type(4), /^TypeError: options must be an object such as \\{ (maxSize|maxWorkers|processes): \\d+ \\}, not 4$/, type.name);
        }
        for (const type of [Thread, Process] as any[]) {
          assert.throws(() => new type(work), /^TypeError: options must be an object such as \\{ target: work, args: \\[1\\] \\}, not function work$/);
        }
        for (const lock of [new Lock(), new RLock(), new Semaphore()] as any[]) {
          assert.throws(() => lock.acquireSync(false), TypeError);
          await assert.rejects(lock.acquire(5), TypeError);
          assert.equal(lock.locked(), false);
        }
        console.log("done");
      }
    `);
  });

  it("tells that a thread ended because nothing could settle its promise, and only then", async () => {
    const { code, stdout, stderr, timedOut } = await runScript(`
      import { isMain } from "heddle";
      import { Thread } from "heddle/threading";
      async function forever() { await new Promise(() => {}); }
      async function inner() { await new Promise((resolve) => setTimeout(resolve, 50)); }
      function leavesOneBehind() { new Thread({ target: inner }).start(); }
      if (isMain) {
        for (const target of [forever, leavesOneBehind, inner]) {
          const thread = new Thread({ target, name: target.name });
          thread.start();
          await thread.join();
        }
        console.log("end");
      }
    `);
    assert.deepEqual([code, stdout, timedOut], [0, "end\n", false], stderr);
    assert.deepEqual(stderr.match(/^(?! ).+$/gm), [
      "Exception in thread forever:",
      "RuntimeError: its run() returned a promise that nothing is left to settle",
    ]);
  });
});
