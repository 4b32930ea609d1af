import { expectScript } from "../../harness/run-script.js";

describe("queues that are misused", function () {
  this.timeout(90_000);

  it("say what is wrong, and are as they were", async () => {
    await expectScript(
      `
      import assert from "node:assert/strict";
      import { isMain } from "heddle";
      import { PriorityQueue, Queue, ShutDown } from "heddle/queue";
      import { Thread } from "heddle/threading";
      function greater(a: number, b: number) { return a > b; }
      async function later(a: number, b: number) { return a - b; }
      function text(a: number, b: number) { return String(a - b); }
      function share(_queue: unknown) {}
      if (isMain) {
        for (const [compare, said] of [[greater, "(true|false)"], [later, "a value of class Promise"], [text, '"-?1"']] as const) {
          for (const shared of [false, true]) {
            const queue = new PriorityQueue<number>({ compare: compare as never });
            queue.putNowait(1);
            if (shared) {
              const thread = new Thread({ target: share, args: [queue] });
              thread.start();
              await thread.join();
            }
            assert.throws(() => queue.putNowait(2), new RegExp("^TypeError: compare must return a number.*it returned " + said + "$"), compare.name + shared);
            assert.equal(queue.qsize(), 1);
            assert.equal(queue.getNowait(), 1);
          }
        }
        for (const maxSize of ["4", NaN, 3n, {}]) assert.throws(() => new Queue({ maxSize } as any), /^TypeError: maxSize must be a number, not ("4"|NaN|3n|a value of class Object)$/);
        const queue = new Queue();
        queue.putNowait(1);
        assert.throws(() => queue.shutdown(true as any), TypeError);
        assert.equal(queue.isShutdown, false);
        for (const bad of [{ timeout: NaN }, { timeout: -1 }, { timeout: 1e300 }]) assert.throws(() => queue.getSync(bad), RangeError);
        assert.throws(() => queue.getSync({ timeout: "1" as any }), /^TypeError: timeout must be a number of milliseconds, not "1"$/);
        assert.equal(queue.qsize(), 1);
        queue.shutdown({ immediate: true });
        assert.throws(() => queue.getNowait(), ShutDown);
        console.log("done");
      }
    `,
      { timeout: 60_000 },
    );
  });
});
