import assert from "node:assert/strict";
import { expectScript, runScript } from "../../harness/run-script.js";

describe("what a user of Python may try", function () {
  this.timeout(60_000);

  it("refuses by-position arguments in the place of options, instead of ignoring them", async () => {
    await expectScript(`
      import assert from "node:assert/strict";
      import { isMain } from "heddle";
      import { ProcessPoolExecutor, ThreadPoolExecutor } from "heddle/futures";
      import * as multiprocessing from "heddle/multiprocessing";
      import * as threading from "heddle/threading";
      const { Pool, Process, ThreadPool } = multiprocessing;
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
        for (const { Barrier, BoundedSemaphore, Condition, Event, Lock, RLock, Semaphore } of [threading, multiprocessing] as any[]) {
          const named = /^TypeError: options must be an object such as \\{ name: "\\w+".* \\}, not "x"$/;
          for (const type of [Lock, RLock, Event]) assert.throws(() => new type("x"), named, type.name);
          for (const type of [Semaphore, BoundedSemaphore, Barrier]) assert.throws(() => new type(1, "x"), named, type.name);
          assert.throws(() => new Condition(undefined, "x"), named);
          assert.throws(() => new Condition("x"), /^TypeError: the lock of a condition must be a Lock or RLock of/);
          const odd = { tiemout: 1 };
          const [event, condition, barrier] = [new Event(), new Condition(), new Barrier(1)];
          condition.acquireSync();
          for (const attempt of [() => event.waitSync(odd), () => event.wait(odd), () => condition.waitSync(odd), () => condition.wait(odd),
            () => condition.waitForSync(() => 1, odd), () => condition.waitFor(() => 1, odd), () => barrier.waitSync(odd), () => barrier.wait(odd), () => new Barrier(1, odd)])
            await assert.rejects(async () => await attempt(), /^TypeError: there is no option tiemout \\(did you mean timeout/, String(attempt));
        }
        // Also of pools, which look at it under trace only.
        for (const type of [Lock, Queue, Process, ThreadPoolExecutor, ProcessPoolExecutor, ThreadPool, Pool] as any[]) {
          for (const name of [5, Symbol("x"), {}]) assert.throws(() => new type({ name }), /^TypeError: name must be a string, not /, type.name);
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
