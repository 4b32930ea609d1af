import { expectScript } from "../../harness/run-script.js";

/** The same script for a queue that never left its thread and for one that did. */
const contract = (shared: boolean) => `
  import assert from "node:assert/strict";
  import { isMain, TimeoutError } from "heddle";
  import { Thread } from "heddle/threading";
  import { Empty, Full, Queue, ShutDown } from "heddle/queue";

  function nothing(_q: Queue) {}
  async function make(options?: { maxSize?: number; name?: string }): Promise<Queue> {
    const q = new Queue(options);
    if (${shared}) {
      const t = new Thread({ target: nothing, args: [q] });
      t.start();
      await t.join();
    }
    return q;
  }
  if (isMain) {
    const q = await make({ maxSize: 2, name: "two" });
    assert.equal(q.name, "two");
    assert.equal(q.maxSize, 2);
    assert.deepEqual([q.empty(), q.full(), q.qsize()], [true, false, 0]);
    assert.throws(() => q.getNowait(), Empty);
    assert.throws(() => q.getSync({ blocking: false }), Empty);
    assert.throws(() => q.getSync({ timeout: 20 }), Empty);
    await assert.rejects(q.get({ timeout: 20 }), Empty);
    assert.throws(() => q.getSync({ timeout: -1 }), RangeError);
    await assert.rejects(q.get({ timeout: -1 }), RangeError);
    await q.put(undefined);
    q.putSync("b", { timeout: 5 });
    assert.throws(() => q.putSync(1, { timeout: -1 }), RangeError);
    assert.deepEqual([q.empty(), q.full(), q.qsize()], [false, true, 2]);
    assert.throws(() => q.putNowait(3), Full);
    assert.throws(() => q.putSync(3, { blocking: false }), Full);
    assert.throws(() => q.putSync(3, { timeout: 20 }), Full);
    await assert.rejects(q.put(3, { timeout: 20 }), Full);
    await assert.rejects(q.put(3, { timeout: -1 }), RangeError);
    const third = q.put("c");
    assert.equal(await q.get({ timeout: 5 }), undefined);
    await third;
    assert.equal(q.getSync(), "b");
    assert.equal(q.getNowait(), "c");
    const waiting = [q.get(), q.get()];
    q.putNowait(1);
    q.putNowait(2);
    assert.deepEqual((await Promise.all(waiting)).sort(), [1, 2]);
    const abort = new AbortController();
    const aborted = q.get({ signal: abort.signal });
    const patient = q.get();
    abort.abort(new Error("enough"));
    await assert.rejects(aborted, /enough/);
    await q.put("for the patient one");
    assert.equal(await patient, "for the patient one");
    await assert.rejects(q.put(1, { signal: AbortSignal.abort(new Error("no")) }), /no/);
    assert.equal(q.qsize(), 0);

    for (let i = 0; i < 6; i++) q.taskDone();
    assert.throws(() => q.taskDone(), RangeError);
    await q.join();
    q.joinSync();
    await q.put(1);
    await assert.rejects(q.join({ timeout: 20 }), TimeoutError);
    assert.throws(() => q.joinSync({ timeout: 20 }), TimeoutError);
    const joined = q.join();
    q.getSync();
    q.taskDone();
    await joined;

    assert.equal(q.isShutdown, false);
    await q.put("rest");
    const pending = (await make()).get({ timeout: 10 }).catch((e) => e);
    q.shutdown();
    assert.equal(q.isShutdown, true);
    assert.throws(() => q.putNowait(1), ShutDown);
    await assert.rejects(q.put(1), ShutDown);
    assert.equal(q.getSync(), "rest");
    assert.throws(() => q.getSync(), ShutDown);
    await assert.rejects(q.get(), ShutDown);
    assert.ok((await pending) instanceof Empty);

    const now = await make({ maxSize: 3 });
    await Promise.all([1, 2, 3].map((n) => now.put(n)));
    const putting = now.put(4);
    const all = now.join();
    now.shutdown({ immediate: true });
    await assert.rejects(putting, ShutDown);
    await all;
    assert.throws(() => now.getNowait(), ShutDown);
    const getters = await make();
    const getting = getters.get();
    getters.shutdown();
    await assert.rejects(getting, ShutDown);
    console.log("done");
  }
`;

describe("Queue", function () {
  this.timeout(90_000);

  it("has Python's contract in one thread", async () => {
    await expectScript(contract(false));
  });

  it("has Python's contract between threads", async () => {
    await expectScript(contract(true));
  });

  it("keeps items as they are until it crosses, then copies, and wakes who waits", async () => {
    await expectScript(`
      import assert from "node:assert/strict";
      import { DataCloneError, isMain } from "heddle";
      import { Thread } from "heddle/threading";
      import { Queue } from "heddle/queue";
      function echo(q: Queue, out: Queue) { out.putSync([q.getSync(), q.maxSize, q.name]); }
      function feed(q: Queue) { q.putSync("late"); }
      if (isMain) {
        const q = new Queue({ name: "q" });
        const f = () => 1;
        const object = { n: 1 };
        q.putNowait(f);
        assert.equal(q.getNowait(), f);
        q.putNowait(object);
        assert.equal(q.getNowait(), object);
        q.putNowait(f);
        assert.throws(() => new Thread({ target: feed, args: [q] }).start(), (e: any) => e instanceof DataCloneError && e.path === "args[0]");
        assert.equal(q.getNowait(), f, "nothing changed");
        q.putNowait(object);
        const out = new Queue();
        const t = new Thread({ target: echo, args: [q, out] });
        t.start();
        const [copy, maxSize, name] = await out.get();
        assert.deepEqual([copy, maxSize, name], [{ n: 1 }, 0, "q"]);
        assert.throws(() => q.putNowait(f), DataCloneError);
        const local = new Queue();
        const waiting = local.get();
        new Thread({ target: feed, args: [local] }).start();
        assert.equal(await waiting, "late");
        const carrier = new Queue();
        const inner = new Queue();
        carrier.putNowait({ inner: [inner] });
        function nothing() {}
        assert.equal(carrier.getNowait().inner[0], inner);
        console.log("done");
      }
    `);
  });

  it("loses and doubles nothing: producers and consumers of both kinds over a small queue", async () => {
    await expectScript(
      `
      import assert from "node:assert/strict";
      import { isMain } from "heddle";
      import { Thread } from "heddle/threading";
      import { Empty, Full, Queue, ShutDown } from "heddle/queue";

      async function produce(q: Queue, id: number, count: number) {
        for (let i = 0; i < count; i++) {
          for (;;) {
            try {
              const way = i % 4;
              if (way === 0) q.putSync([id, i]);
              else if (way === 1) await q.put([id, i]);
              else if (way === 2) q.putSync([id, i], { timeout: 1 });
              else await q.put([id, i], { timeout: 1 });
              break;
            } catch (error) {
              if (!(error instanceof Full)) throw error;
            }
          }
        }
      }
      async function consume(q: Queue, out: Queue, kind: number) {
        const got: number[][] = [];
        for (let n = 0; ; n++) {
          try {
            const way = (n + kind) % 4;
            if (way === 0) got.push(q.getSync());
            else if (way === 1) got.push(await q.get());
            else if (way === 2) got.push(await q.get({ timeout: 1 }));
            else {
              const abort = new AbortController();
              const timer = setTimeout(() => abort.abort(), 1);
              try { got.push(await q.get({ signal: abort.signal })); } finally { clearTimeout(timer); }
            }
            q.taskDone();
          } catch (error: any) {
            if (error instanceof ShutDown) break;
            if (!(error instanceof Empty) && error.name !== "AbortError") throw error;
          }
        }
        out.putSync(got);
      }
      if (isMain) {
        const q = new Queue({ maxSize: 3 });
        const out = new Queue();
        const producers = [0, 1, 2].map((id) => new Thread({ target: produce, args: [q, id, 500] }));
        const consumers = [0, 1, 2].map((kind) => new Thread({ target: consume, args: [q, out, kind] }));
        for (const t of [...producers, ...consumers]) t.start();
        for (const t of producers) await t.join();
        await q.join();
        q.shutdown();
        for (const t of consumers) t.joinSync();
        const lists = consumers.map(() => out.getNowait() as [number, number][]);
        const seen = lists.flat().map(([id, i]) => id * 1000 + i).sort((a, b) => a - b);
        assert.deepEqual(seen, [0, 1, 2].flatMap((id) => Array.from({ length: 500 }, (_, i) => id * 1000 + i)));
        for (const list of lists) {
          const last = [-1, -1, -1];
          for (const [id, i] of list) { assert.ok(i > last[id]!, "in order"); last[id] = i; }
        }
        console.log("done");
      }
    `,
      { timeout: 60_000 },
    );
  });
});
