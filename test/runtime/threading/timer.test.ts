import { expectScript } from "../../harness/run-script.js";

describe("Timer", function () {
  this.timeout(90_000);

  it("calls its function after the interval, in a thread of its own, once", async () => {
    await expectScript(`
      import assert from "node:assert/strict";
      import { DataCloneError, isMain, RuntimeError } from "heddle";
      import { Thread, Timer, currentThread, enumerate } from "heddle/threading";
      import { Queue } from "heddle/queue";

      async function ring(out: Queue, list: number[] = []) {
        const me = currentThread();
        list.push(3);
        await new Promise((r) => setTimeout(r, 5));
        out.putSync([performance.now(), me.name, me.daemon, me instanceof Timer, list]);
      }
      function fails() { throw new Error("in the timer"); }
      if (isMain) {
        const out = new Queue();
        const list = [1];
        const timer = new Timer(150, ring, { args: [out, list] });
        assert.equal(timer.name, "Thread-1 (ring)");
        assert.ok(timer instanceof Thread);
        assert.deepEqual([timer.isAlive(), timer.daemon, timer.ident], [false, false, null]);
        assert.throws(() => timer.joinSync(), RuntimeError);
        const start = performance.now();
        timer.start();
        assert.throws(() => timer.start(), RuntimeError);
        assert.ok(enumerate().includes(timer));
        timer.joinSync();
        assert.equal(timer.isAlive(), false);
        const [at, name, daemon, isTimer, seen] = out.getNowait();
        assert.ok(at - start >= 150, "it waited " + (at - start));
        assert.deepEqual([name, daemon, isTimer, seen, list], ["Thread-1 (ring)", false, true, [1, 3], [1]]);
        timer.cancel();
        assert.equal(out.empty(), true);

        // The start of the thread is part of the interval, and nothing and less is at once.
        for (const interval of [0, -50]) {
          const at = performance.now();
          const t = new Timer(interval, ring, { args: [out], name: "named", daemon: true });
          t.start();
          await t.join();
          const got = out.getNowait();
          assert.ok(got[0] >= at);
          assert.deepEqual(got.slice(1, 3), ["named", true]);
        }

        for (const bad of [NaN, 1e300]) assert.throws(() => new Timer(bad, ring, { args: [out] }), RangeError);
        assert.throws(() => new Timer("1" as any, ring, { args: [out] }), TypeError);
        assert.throws(() => new Timer(1, null as any), TypeError);
        assert.throws(() => new Timer(1, () => out.qsize()), DataCloneError);

        const broken = new Timer(1, fails, { name: "broken" });
        broken.start();
        await broken.join();
        console.log("done");
      }
    `).then(({ stderr }) => {
      if (!/Exception in thread broken:\nError: in the timer/.test(stderr)) throw new Error(stderr);
    });
  });

  it("is cancelled from any thread, before and after its start, and ends at once", async () => {
    await expectScript(`
      import assert from "node:assert/strict";
      import { isMain } from "heddle";
      import { enumerate, Thread, Timer } from "heddle/threading";
      import { Queue } from "heddle/queue";

      function ring(out: Queue) { out.putSync("rang"); }
      function cancels(timer: Timer, all: { nested: Timer[] }, out: Queue) {
        assert.ok(timer instanceof Timer);
        assert.equal(all.nested[0], timer);
        assert.ok(enumerate().includes(timer));
        assert.equal(timer.isAlive(), true);
        timer.cancel();
        timer.cancel();
        timer.joinSync();
        assert.equal(timer.isAlive(), false);
        out.putSync(timer.name);
      }
      class Mine extends Timer {
        override run() { (this as any).label = "mine"; return super.run(); }
      }
      if (isMain) {
        const out = new Queue();
        const hour = 3_600_000;
        const start = performance.now();
        const early = new Timer(hour, ring, { args: [out] as [Queue] });
        early.cancel();
        early.start();
        await early.join();
        const late = new Timer(hour, ring, { args: [out] as [Queue] });
        late.start();
        late.cancel();
        late.joinSync();
        const far = new Timer(hour, ring, { args: [out] as [Queue], name: "far" });
        far.start();
        const t = new Thread({ target: cancels, args: [far as any, { nested: [far as any] }, out] });
        t.start();
        await t.join();
        assert.equal(out.getNowait(), "far");
        assert.equal(far.isAlive(), false);
        const mine = new Mine(hour, ring as any, { args: [out] as any });
        mine.start();
        mine.cancel();
        await mine.join();
        const soon = new Mine(1, ring as any, { args: [out] as any });
        soon.start();
        await soon.join();
        assert.equal(out.getNowait(), "rang");
        assert.equal(out.empty(), true);
        assert.ok(performance.now() - start < hour / 60);
        // A daemon that waits holds nobody up.
        new Timer(hour, ring, { args: [out], daemon: true }).start();
        console.log("done");
      }
    `);
  });
});
