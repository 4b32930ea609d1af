import { expectScript } from "../../harness/run-script.js";

describe("where Error is read-only, as hardened scripts make it", function () {
  this.timeout(60_000);

  for (const traced of [false, true]) {
    it(`errors of the library and of tasks are what they are everywhere${traced ? ", also under trace" : ""}`, async () => {
      await expectScript(
        `
        import assert from "node:assert/strict";
        import { isMain } from "heddle";
        import { ThreadPoolExecutor } from "heddle/futures";
        import { Empty, Queue } from "heddle/queue";
        import { Lock } from "heddle/threading";
        Object.freeze(Error);
        function fail() { throw new RangeError("in a task"); }
        if (isMain) {
          const [queue, lock] = [new Queue(), new Lock()];
          assert.throws(() => queue.getNowait(), Empty);
          await assert.rejects(queue.get({ timeout: 1 }), Empty);
          assert.throws(() => lock.release(), /^RuntimeError: /);
          assert.throws(() => new Queue(4 as any), /^TypeError: options must be an object/);
          await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
          await assert.rejects(async () => await pool.submit(fail), /^RangeError: in a task/);
          console.log("done");
        }
        `,
        { traced, runArgs: ["--report", "none"] },
      );
    });
  }
});
