/**
 * What Python 3.13's own tests of `queue` demand, written anew, for each kind of queue, in one thread and shared between
 * threads. Each script runs all of it for all kinds.
 */
import { expectScript } from "../../harness/run-script.js";

const head = (shared: boolean) => `
  import assert from "node:assert/strict";
  import { isMain, TimeoutError } from "heddle";
  import { Thread } from "heddle/threading";
  import { Empty, Full, LifoQueue, PriorityQueue, Queue, ShutDown, SimpleQueue } from "heddle/queue";

  type Any = Queue | SimpleQueue;
  function nothing(_q: unknown) {}
  // Whatever is put into a queue of several threads becomes one of several threads itself.
  const carrier = new Queue();
  if (isMain && ${shared}) {
    const t = new Thread({ target: nothing, args: [carrier] });
    t.start();
    await t.join();
  }
  async function make<Q extends Any>(type: new (options?: any) => Q, options?: object): Promise<Q> {
    const q = new type(options);
    carrier.putNowait(q);
    assert.equal(carrier.getNowait(), q);
    return q;
  }
  const settled = (promise: Promise<unknown>) => promise.then((value) => ({ value }), (error) => ({ error: error.constructor }));
  const turn = () => new Promise((resolve) => setImmediate(resolve));
`;

const behaviours = (shared: boolean) => `
  ${head(shared)}
  async function basics(q: Queue, expected: number[]) {
    assert.ok(q.empty() && q.qsize() === 0 && !q.full());
    for (const n of [111, 333, 222]) { q.putSync(n); await turn(); }
    assert.ok(!q.empty() && q.qsize() === 3 && q.full());
    assert.throws(() => q.putNowait(1), Full);
    assert.throws(() => q.putSync(1, { blocking: false }), Full);
    assert.throws(() => q.putSync(1, { timeout: 10 }), Full);
    assert.throws(() => q.putSync(1, { timeout: 0 }), Full);
    await assert.rejects(q.put(1, { blocking: false }), Full);
    await assert.rejects(q.put(1, { timeout: 10 }), Full);
    await assert.rejects(q.put(1, { timeout: 0 }), Full);
    assert.deepEqual([q.getSync(), await q.get(), q.getNowait()], expected);
    assert.throws(() => q.getNowait(), Empty);
    assert.throws(() => q.getSync({ blocking: false }), Empty);
    assert.throws(() => q.getSync({ timeout: 10 }), Empty);
    assert.throws(() => q.getSync({ timeout: 0 }), Empty);
    await assert.rejects(q.get({ blocking: false }), Empty);
    await assert.rejects(q.get({ timeout: 10 }), Empty);
    await assert.rejects(q.get({ timeout: 0 }), Empty);
    // One that waits is served by the other side, for either side, and with time to spare.
    const getting = [q.get(), q.get({ timeout: 60_000 }), q.get({ timeout: undefined })];
    await turn();
    for (const n of [1, 2, 3]) q.putNowait(n);
    assert.deepEqual((await Promise.all(getting)).sort(), [1, 2, 3]);
    for (const n of [1, 2, 3]) q.putNowait(n);
    const putting = [q.put(4), q.put(5, { timeout: 60_000 })];
    await turn();
    assert.equal(q.qsize(), 3);
    for (let i = 0; i < 2; i++) q.getSync();
    await Promise.all(putting);
    assert.equal(q.qsize(), 3);
    while (!q.empty()) q.getNowait();
  }

  async function timeouts(q: Any, room: boolean) {
    // Checked before anything is looked for, as in Python.
    for (const bad of [-1, Number.NaN, 1e300, Number.NEGATIVE_INFINITY]) {
      assert.throws(() => q.getSync({ timeout: bad }), RangeError, String(bad));
      await assert.rejects(q.get({ timeout: bad }), RangeError);
      q.putNowait(1);
      assert.throws(() => q.getSync({ timeout: bad }), RangeError, String(bad));
      q.getNowait();
      if (q instanceof SimpleQueue || room) {
        // Without a capacity no timeout is looked at.
        q.putSync(1, { timeout: bad });
        await q.put(1, { timeout: bad });
        q.getSync(), q.getSync();
      } else {
        assert.throws(() => q.putSync(1, { timeout: bad }), RangeError);
        await assert.rejects(q.put(1, { timeout: bad }), RangeError);
      }
      // A call that does not wait ignores it.
      assert.throws(() => q.getSync({ blocking: false, timeout: bad }), Empty);
      await assert.rejects(q.get({ blocking: false, timeout: bad }), Empty);
    }
    assert.throws(() => q.getSync({ timeout: "1" as never }), TypeError);
    q.putNowait(1);
    assert.equal(q.getSync({ timeout: Number.POSITIVE_INFINITY }), 1);
    q.putNowait(1);
    assert.equal(await q.get({ timeout: 9_223_372_036_000 }), 1);
  }

  async function taskDone(q: Queue) {
    assert.throws(() => q.taskDone(), RangeError);
    q.joinSync();
    await q.join();
    for (let i = 0; i < 3; i++) q.putNowait(i);
    await assert.rejects(q.join({ timeout: 10 }), TimeoutError);
    await assert.rejects(q.join({ timeout: -5 }), TimeoutError);
    assert.throws(() => q.joinSync({ timeout: 10 }), TimeoutError);
    await assert.rejects(q.join({ signal: AbortSignal.abort(new Error("no")) }), /no/);
    const abort = new AbortController();
    const aborted = q.join({ signal: abort.signal });
    const joining = [q.join(), q.join()];
    abort.abort(new Error("enough"));
    await assert.rejects(aborted, /enough/);
    let joined = 0;
    for (const each of joining) each.then(() => joined++);
    for (let i = 0; i < 3; i++) {
      await turn();
      assert.equal(joined, 0);
      q.getNowait();
      q.taskDone();
    }
    await Promise.all(joining);
    assert.throws(() => q.taskDone(), RangeError);
    await q.join();
  }

  async function shutdowns(type: typeof Queue) {
    // Not at once: the rest can be taken, and nothing put.
    const q = await make(type, { maxSize: 2 });
    assert.equal(q.isShutdown, false);
    q.putNowait(1);
    q.shutdown();
    assert.equal(q.isShutdown, true);
    assert.throws(() => q.putNowait(2), ShutDown);
    assert.throws(() => q.putSync(2, { timeout: 1 }), ShutDown);
    await assert.rejects(q.put(2), ShutDown);
    assert.equal(q.getNowait(), 1);
    for (const attempt of [() => q.getNowait(), () => q.getSync(), () => q.getSync({ timeout: 5 })]) assert.throws(attempt, ShutDown);
    await assert.rejects(q.get(), ShutDown);
    await assert.rejects(q.join({ timeout: 5 }), TimeoutError);
    q.taskDone();
    await q.join();
    assert.throws(() => q.taskDone(), RangeError);
    q.shutdown();
    q.shutdown({ immediate: true });
    q.shutdown();
    assert.equal(q.isShutdown, true);

    // A full one.
    const full = await make(type, { maxSize: 1 });
    full.putNowait(1);
    full.shutdown();
    await assert.rejects(full.put(1, { blocking: false }), ShutDown);
    assert.equal(await full.get(), 1);

    // At once: what is there counts as done, what was taken before does not.
    const now = await make(type, { maxSize: 3 });
    for (const n of [1, 2, 3]) now.putNowait(n);
    now.getNowait();
    let joined = false;
    const joining = now.join().then(() => { joined = true; });
    now.shutdown({ immediate: true });
    assert.equal(now.qsize(), 0);
    assert.throws(() => now.getNowait(), ShutDown);
    for (let i = 0; i < 3; i++) await turn();
    assert.equal(joined, false);
    now.taskDone();
    await joining;
    assert.throws(() => now.taskDone(), RangeError);

    // With those who wait on both sides, of which there can be only one.
    for (const immediate of [false, true]) {
      const empty = await make(type);
      const getting = [empty.get(), empty.get({ timeout: 60_000 })].map(settled);
      await turn();
      empty.shutdown({ immediate });
      assert.deepEqual(await Promise.all(getting), [{ error: ShutDown }, { error: ShutDown }]);
      const busy = await make(type, { maxSize: 1 });
      busy.putNowait(1);
      const putting = [busy.put(2), busy.put(3, { timeout: 60_000 })].map(settled);
      const done = settled(busy.join());
      await turn();
      busy.shutdown({ immediate });
      assert.deepEqual(await Promise.all(putting), [{ error: ShutDown }, { error: ShutDown }]);
      if (!immediate) {
        assert.equal(busy.getNowait(), 1);
        busy.taskDone();
      }
      assert.deepEqual(await done, { value: undefined });
    }
  }

  async function signals(type: typeof Queue) {
    const q = await make(type, { maxSize: 1 });
    await assert.rejects(q.get({ signal: AbortSignal.abort(new Error("before")) }), /before/);
    await assert.rejects(q.put(1, { signal: AbortSignal.abort(new Error("before")) }), /before/);
    assert.equal(q.qsize(), 0);
    // Those who give up stand before those who do not, and take no wake with them.
    for (let round = 0; round < 3; round++) {
      const abort = new AbortController();
      const impatient = [1, 2, 3].map(() => settled(q.get({ signal: abort.signal })));
      const patient = q.get({ timeout: 60_000 });
      await turn();
      if (round === 0) { abort.abort(); await turn(); q.putNowait("item"); }
      else if (round === 1) { abort.abort(); q.putNowait("item"); }
      else { const fourth = patient; q.putNowait("item"); abort.abort();
        // The first was woken before it gave up: the item is the patient one's all the same, or the first has it.
        const first = await impatient[0]! as any;
        if ("value" in first) q.putNowait("item"); void fourth; }
      assert.equal(await patient, "item");
      await Promise.all(impatient);
      assert.equal(q.qsize(), 0);
    }
    q.putNowait(0);
    const abort = new AbortController();
    const impatient = [1, 2].map((n) => settled(q.put(n, { signal: abort.signal })));
    const patient = q.put(3);
    abort.abort();
    assert.equal(q.getNowait(), 0);
    await patient;
    assert.equal(await q.get(), 3);
    await Promise.all(impatient);
    assert.equal(q.qsize(), 0);
    // Nothing is left that keeps the signal busy.
    const later = new AbortController();
    const served = q.get({ signal: later.signal });
    q.putNowait("x");
    assert.equal(await served, "x");
    later.abort();
    await turn();
    q.putNowait("y");
    assert.equal(q.qsize(), 1);
  }

  if (isMain) {
    for (const [type, expected] of [[Queue, [111, 333, 222]], [LifoQueue, [222, 333, 111]], [PriorityQueue, [111, 222, 333]]] as const) {
      const q = await make(type, { maxSize: 3 });
      await basics(q, [...expected]);
      await basics(q, [...expected]);
      await timeouts(await make(type, { maxSize: 2 }), false);
      await timeouts(await make(type), true);
      await taskDone(await make(type));
      await shutdowns(type);
      await signals(type);
      // Sizes: none, negative, fractional, infinite.
      for (const [maxSize, places] of [[0, 50], [-3, 50], [2.5, 3], [0.1, 1], [Number.POSITIVE_INFINITY, 50]] as const) {
        const sized = await make(type, { maxSize });
        assert.equal(sized.maxSize, maxSize);
        for (let i = 0; i < places; i++) { assert.equal(sized.full(), false); sized.putNowait(i); }
        if (places < 50) { assert.ok(sized.full()); assert.throws(() => sized.putNowait(0), Full); }
        else assert.ok(!sized.full());
      }
      assert.throws(() => new type({ maxSize: Number.NaN }), TypeError);
      assert.throws(() => new type({ maxSize: "3" as never }), TypeError);
      assert.throws(() => new type({ name: 3 as never }), TypeError);
      class Own extends type {}
      assert.equal(new Own({ name: "own" }).name, "own");
      assert.match(new Own().name, /^Own script\\.ts:\\d+$/);
    }
    for (const type of [Queue, LifoQueue, SimpleQueue]) {
      const q: Any = await make(type as typeof Queue);
      for (const item of [undefined, null, 0, "", false]) {
        q.putNowait(item);
        assert.equal(q.qsize(), 1);
        assert.equal(q.getNowait(), item);
        const waiting = q.get();
        await q.put(item);
        assert.equal(await waiting, item);
      }
    }
    // SimpleQueue.
    const simple = await make(SimpleQueue, { name: "simple" });
    assert.equal(simple.name, "simple");
    await timeouts(simple, true);
    for (const n of [1, 2, 3]) simple.putSync(n, { blocking: false, timeout: -1 });
    await simple.put(4, { timeout: -1 });
    assert.deepEqual([simple.qsize(), simple.empty()], [4, false]);
    assert.deepEqual([simple.getSync(), await simple.get(), simple.getNowait(), simple.getSync({ timeout: 1 })], [1, 2, 3, 4]);
    assert.throws(() => simple.getNowait(), Empty);
    assert.throws(() => simple.getSync({ timeout: 10 }), Empty);
    await assert.rejects(simple.get({ timeout: 10 }), Empty);
    await assert.rejects(simple.put(1, { signal: AbortSignal.abort(new Error("no")) }), /no/);
    const three = [simple.get(), simple.get(), simple.get()];
    for (const n of [1, 2, 3]) simple.putNowait(n);
    assert.deepEqual(await Promise.all(three), [1, 2, 3], "in order of arrival");
    // Put while a put is under way: what is put may look at the queue while it is written.
    simple.putNowait({ get a() { simple.putNowait("inner"); return 1; } });
    if (${shared}) assert.deepEqual([simple.getNowait(), simple.getNowait()], ["inner", { a: 1 }]);
    else { assert.equal(simple.getNowait().a, 1); assert.equal(simple.getNowait(), "inner"); }
    assert.ok(simple.empty());
    console.log("done");
  }
`;

describe("queues after Python's tests", function () {
  this.timeout(90_000);

  it("all kinds in one thread", async () => {
    await expectScript(behaviours(false), { timeout: 60_000 });
  });

  it("all kinds shared between threads", async () => {
    await expectScript(behaviours(true), { timeout: 60_000 });
  });
});
