/** `multiprocessing.Queue`, `JoinableQueue` and `SimpleQueue`: what CPython's tests of them hold, in both forms. */
import { expectScript } from "../../harness/run-script.js";

const header = `
  import assert from "node:assert/strict";
  import { DataCloneError, isMain, RuntimeError, transfer } from "heddle";
  import { JoinableQueue, Process, Queue, RawValue, SimpleQueue } from "heddle/multiprocessing";
  import { Empty, Full } from "heddle/queue";
  import { Thread } from "heddle/threading";
  import { TimeoutError } from "heddle/futures";
`;

describe("queues of processes", function () {
  this.timeout(60_000);

  it("put and take in both forms, with Python's meaning of blocking and timeouts", async () => {
    await expectScript(`${header}
      const within = async (least: number, most: number, what: () => unknown, error: any) => {
        const start = performance.now();
        await assert.rejects(async () => { await what(); }, error);
        const ms = performance.now() - start;
        assert.ok(ms >= least && ms < most, \`\${what}: \${ms} ms\`);
      };
      for (const type of [Queue, JoinableQueue]) {
        const q = new type<number>({ maxSize: 6, name: "six" });
        assert.deepEqual([q.name, q.maxSize, q.empty(), q.full(), q.qsize()], ["six", 6, true, false, 0]);
        q.putSync(1);
        await q.put(2, { blocking: true });
        await q.put(3, { blocking: true, timeout: undefined });
        q.putSync(4, { blocking: false });
        q.putSync(5, { blocking: false, timeout: 1000 }); // the timeout is ignored
        q.putNowait(6);
        assert.deepEqual([q.empty(), q.full(), q.qsize()], [false, true, 6]);
        const fast = 2000;
        await within(0, fast, () => q.put(7, { blocking: false }), Full);
        await within(0, fast, () => q.putSync(7, { blocking: false, timeout: 100_000 }), Full);
        await within(0, fast, () => q.put(7, { timeout: 0 }), Full);
        await within(0, fast, () => q.putSync(7, { timeout: -1 }), Full);
        await within(0, fast, () => q.put(7, { timeout: -100_000 }), Full);
        await within(0, fast, () => q.putNowait(7), Full);
        await within(30, 20_000, () => q.put(7, { timeout: 30 }), Full);
        await within(30, 20_000, () => q.putSync(7, { timeout: 30 }), Full);
        for (const bad of [Number.NaN, 1e300]) {
          await assert.rejects(q.put(7, { timeout: bad }), RangeError);
          assert.throws(() => q.putSync(7, { timeout: bad }), RangeError);
          await assert.rejects(q.get({ timeout: bad }), RangeError);
        }
        const all = [q.getSync(), await q.get(), await q.get({ blocking: true, timeout: 5 }), q.getSync({ blocking: false }), q.getSync({ timeout: -1 }), q.getNowait()];
        assert.deepEqual(all, [1, 2, 3, 4, 5, 6]);
        assert.deepEqual([q.empty(), q.full(), q.qsize()], [true, false, 0]);
        await within(0, fast, () => q.get({ blocking: false }), Empty);
        await within(0, fast, () => q.getSync({ blocking: false, timeout: 100_000 }), Empty);
        await within(0, fast, () => q.get({ timeout: -1 }), Empty);
        await within(0, fast, () => q.getSync({ timeout: 0 }), Empty);
        await within(0, fast, () => q.getNowait(), Empty);
        await within(30, 20_000, () => q.get({ timeout: 30 }), Empty);
        await within(30, 20_000, () => q.getSync({ timeout: 30 }), Empty);
        const signal = AbortSignal.abort(new Error("not now"));
        await assert.rejects(q.get({ signal }), /not now/);
        await assert.rejects(q.put(1, { signal }), /not now/);
        const later = new AbortController();
        const got = q.get({ signal: later.signal });
        later.abort(new Error("no more"));
        await assert.rejects(got, /no more/);
        await q.put(8);
        assert.equal(q.getSync(), 8);
      }
      for (const bad of [-1, 0, undefined]) assert.equal(new Queue({ maxSize: bad }).full(), false);
      for (const bad of ["3", Number.NaN] as any[]) assert.throws(() => new Queue({ maxSize: bad }), TypeError);
      assert.throws(() => new Queue({ maxsize: 3 } as any), /did you mean maxSize/);
      assert.throws(() => new SimpleQueue({ maxSize: 3 } as any), /the only option is name/);
      assert.throws(() => new Queue(3 as any), TypeError);
      assert.deepEqual([Queue, JoinableQueue, SimpleQueue].map((type) => type.name), ["Queue", "JoinableQueue", "SimpleQueue"]);
      assert.match(new Queue().name, /^Queue script\\.ts:\\d+$/);
      const simple = new SimpleQueue<number>();
      assert.match(simple.name, /^SimpleQueue script\\.ts:\\d+$/);
      simple.putSync(1); await simple.put(2, { timeout: -1 }); simple.putNowait(3);
      assert.deepEqual([simple.qsize(), simple.empty()], [3, false]);
      assert.deepEqual([simple.getNowait(), await simple.get(), simple.getSync({ timeout: 5 })], [1, 2, 3]);
      await assert.rejects(simple.get({ timeout: 5 }), Empty);
      assert.throws(() => simple.getSync({ blocking: false }), Empty);
      console.log("done");
    `);
  });

  it("carry items between processes in order, blocking and not, with back-pressure", async () => {
    await expectScript(
      `${header}
      async function produce(q: Queue, from: number, count: number, sync: boolean) {
        for (let i = 0; i < count; i++) {
          if (sync) q.putSync([from, i]);
          else await q.put([from, i]);
        }
      }
      async function consume(q: Queue, results: Queue, count: number, sync: boolean) {
        const last = new Map<number, number>();
        for (let n = 0; n < count; n++) {
          const [from, i] = sync ? q.getSync() : await q.get();
          if (i <= (last.get(from) ?? -1)) throw new Error("out of order");
          last.set(from, i);
        }
        results.putSync([...last.values()].length);
      }
      if (isMain) {
        for (const [puts, gets] of [[true, true], [false, true], [true, false], [false, false]] as const) {
          const q = new Queue({ maxSize: 3 });
          const results = new Queue();
          const count = puts && gets ? 2000 : 100;
          const children = [
            new Process({ target: produce, args: [q, 1, count, puts] }),
            new Process({ target: produce, args: [q, 2, count, puts] }),
            new Process({ target: consume, args: [q, results, count, gets] }),
            new Process({ target: consume, args: [q, results, count, gets] }),
          ];
          for (const child of children) child.start();
          for (const child of children) await child.join();
          assert.deepEqual(children.map((child) => child.exitCode), [0, 0, 0, 0]);
          assert.deepEqual([q.qsize(), results.qsize()], [0, 2]);
        }
        console.log("done");
      }
    `,
      { timeout: 55_000 },
    );
  });

  it("deliver all of a child that exits right after many puts, in any way", async () => {
    await expectScript(`${header}
      const COUNT = 3000;
      function fill(q: Queue, way: string) {
        for (let i = 0; i < COUNT; i++) q.putSync({ i, text: "x".repeat(i % 2000) });
        if (way === "cancel") q.cancelJoinThread();
        if (way === "exit") process.exit(3);
        if (way === "kill") process.kill(process.pid, "SIGKILL");
        if (way === "throw") throw new Error("on purpose");
      }
      if (isMain) {
        for (const way of ["return", "cancel", "exit", "kill", "throw"]) {
          const q = new Queue();
          const child = new Process({ target: fill, args: [q, way] });
          child.start();
          await child.join();
          assert.equal(q.qsize(), COUNT);
          for (let i = 0; i < COUNT; i++) assert.deepEqual(q.getSync(), { i, text: "x".repeat(i % 2000) });
          assert.ok(q.empty());
        }
        console.log("done");
      }
    `);
  });

  it("are closed for a process, with all its threads, and for no other", async () => {
    await expectScript(`${header}
      function closeIt(q: Queue) { q.close(); q.close(); }
      function put(q: Queue, what: string) { q.putSync(what); }
      if (isMain) {
        for (const type of [Queue, JoinableQueue, SimpleQueue] as any[]) {
          const q = new type({ name: "open" });
          const seen = new type();
          const child = new Process({ target: closeIt, args: [q] });
          child.start();
          await child.join();
          await q.put("still open");
          assert.equal(await q.get(), "still open");
          const other = new Process({ target: put, args: [q, "from another"] });
          other.start();
          await other.join();
          const thread = new Thread({ target: closeIt, args: [q] });
          thread.start();
          await thread.join();
          const closed = { name: "RangeError", message: "open is closed" };
          const uses: (() => unknown)[] = [() => q.putSync(1), () => q.putNowait(1), () => q.getSync(), () => q.getNowait(), () => q.qsize(), () => q.empty()];
          if (type !== SimpleQueue) uses.push(() => q.full());
          if (type === JoinableQueue) uses.push(() => q.taskDone(), () => q.joinSync());
          for (const use of uses) assert.throws(use, closed, String(use));
          await assert.rejects(q.put(1), closed);
          await assert.rejects(q.get(), closed);
          if (type === JoinableQueue) await assert.rejects(q.join(), closed);
          assert.throws(() => seen.putNowait(q), DataCloneError);
          q.close();
          if (type === SimpleQueue) continue;
          const fresh = new type();
          assert.throws(() => fresh.joinThreadSync(), RuntimeError);
          await assert.rejects(fresh.joinThread(), RuntimeError);
          fresh.putSync(1);
          fresh.close();
          fresh.joinThreadSync();
          await fresh.joinThread();
          fresh.cancelJoinThread();
        }
        console.log("done");
      }
    `);
  });

  it("refuse at the put what cannot cross, and keep its place; move buffers only when they cross", async () => {
    await expectScript(`${header}
      import { Lock } from "heddle/threading";
      for (const type of [Queue, SimpleQueue] as any[]) {
        const q = new type(type === Queue ? { maxSize: 1 } : {});
        for (const bad of [() => 1, [new Lock()], { deep: { socket: setInterval } }]) {
          assert.throws(() => q.putNowait(bad), DataCloneError);
          assert.throws(() => q.putSync(bad), DataCloneError);
          await assert.rejects(q.put(bad), DataCloneError);
        }
        assert.equal(q.qsize(), 0);
        const error = (() => { try { q.putNowait({ deep: { socket: () => q } }); } catch (e) { return e as DataCloneError; } })();
        assert.equal(error!.path, "item.deep.socket");
        await q.put("fits", { timeout: 0 });
        if (type === Queue) {
          const bytes = new Uint8Array([1, 2, 3]);
          assert.throws(() => q.putNowait(transfer({ bytes }, [bytes.buffer])), Full);
          assert.equal(bytes.length, 3);
          const put = q.put(transfer({ bytes }, [bytes.buffer]));
          assert.equal(q.getSync(), "fits");
          await put;
          assert.equal(bytes.length, 0);
          assert.deepEqual(q.getSync(), { bytes: new Uint8Array([1, 2, 3]) });
        }
        const item = { list: [1] };
        if (type === Queue) {
          q.putSync(item);
          item.list.push(2);
          assert.deepEqual(q.getSync(), { list: [1] });
        }
      }
      console.log("done");
    `);
  });

  it("count what is done", async () => {
    await expectScript(`${header}
      function work(q: JoinableQueue<number>, sum: RawValue<"i">) {
        for (;;) {
          const n = q.getSync();
          if (n === 0) return q.taskDone();
          sum.value += n;
          q.taskDone();
        }
      }
      if (isMain) {
        const q = new JoinableQueue<number>({ maxSize: 4 });
        assert.throws(() => q.taskDone(), RangeError);
        await q.join();
        q.joinSync();
        const sum = new RawValue("i");
        const child = new Process({ target: work, args: [q, sum] });
        for (const n of [1, 2, 3]) q.putSync(n);
        await assert.rejects(q.join({ timeout: 5 }), TimeoutError);
        assert.throws(() => q.joinSync({ timeout: 5 }), TimeoutError);
        await assert.rejects(q.join({ signal: AbortSignal.abort(new Error("off")) }), /off/);
        child.start();
        await q.join();
        assert.equal(sum.value, 6);
        q.putSync(4);
        q.joinSync();
        assert.equal(sum.value, 10);
        q.putSync(0);
        await child.join();
        q.joinSync({ timeout: 0 });
        assert.throws(() => q.taskDone(), RangeError);
        console.log("done");
      }
    `);
  });

  it("take messages of any size", async () => {
    await expectScript(`${header}
      const sizes = [0, 1, 1000, 1023, 1024, 1025, 4096, 65_536, 1_000_000, 40_000_000];
      function send(q: Queue<Uint8Array>) {
        for (const size of sizes) q.putSync(new Uint8Array(size).fill(size % 251));
      }
      if (isMain) {
        const q = new Queue<Uint8Array>({ maxSize: 2 });
        const child = new Process({ target: send, args: [q] });
        child.start();
        for (const size of sizes) {
          const bytes = q.getSync();
          assert.equal(bytes.length, size);
          assert.ok(bytes.every((byte) => byte === size % 251));
        }
        await child.join();
        console.log("done");
      }
    `);
  });

  it("cross nested and in each other's items, to threads and processes, and are the same object where they are known", async () => {
    await expectScript(`${header}
      function answer(parts: { map: Map<string, Queue> }) {
        const requests = parts.map.get("requests")!;
        const { reply, number } = requests.getSync();
        reply.putSync([number * 2, reply, requests]);
      }
      function relay(from: SimpleQueue, to: JoinableQueue) {
        if (!(from instanceof SimpleQueue && to instanceof JoinableQueue)) throw new Error("wrong classes");
        to.putSync(from.getSync());
      }
      class Named extends Queue<unknown> {}
      if (isMain) {
        for (const start of [
          (target: any, args: any) => { const p = new Process({ target, args }); p.start(); return p; },
          (target: any, args: any) => { const t = new Thread({ target, args }); t.start(); return t; },
        ]) {
          const requests = new Queue({ name: "requests" });
          const reply = new Named({ name: "reply" });
          requests.putSync({ reply, number: 21 });
          const helper = start(answer, [{ map: new Map([["requests", requests]]) }]);
          const [number, itself, asked] = reply.getSync() as [number, Queue, Queue];
          assert.equal(number, 42);
          assert.equal(itself, reply);
          assert.equal(asked, requests);
          await helper.join();
          const [from, to] = [new SimpleQueue(), new JoinableQueue()];
          from.putSync(new Set([to]));
          const middle = start(relay, [from, to]);
          const set = await to.get();
          assert.ok(set.has(to));
          to.taskDone();
          to.joinSync();
          await middle.join();
        }
        console.log("done");
      }
    `);
  });

  it("wake a waiter of each form, in each process and thread, one for an item", async () => {
    await expectScript(`${header}
      async function wait(q: Queue, ready: Queue, taken: Queue, sync: boolean) {
        ready.putSync(1);
        taken.putSync(sync ? q.getSync() : await q.get());
      }
      if (isMain) {
        const [q, ready, taken] = [new Queue<number>(), new Queue(), new Queue<number>()];
        const helpers = [true, false, true, false].map((sync, i) => {
          const options = { target: wait, args: [q, ready, taken, sync] as any };
          return i < 2 ? new Process(options) : new Thread(options);
        });
        for (const helper of helpers) helper.start();
        for (const _ of helpers) ready.getSync();
        const here = q.get();
        for (let i = 0; i < 5; i++) await q.put(i);
        const all = [await here];
        for (const _ of helpers) all.push(await taken.get());
        assert.deepEqual(all.sort(), [0, 1, 2, 3, 4]);
        for (const helper of helpers) await helper.join();
        assert.ok(q.empty());
        console.log("done");
      }
    `);
  });
});
