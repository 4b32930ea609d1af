/** Queues between threads: how they cross, who is woken, and what stays as it was when something fails. */
import { expectScript } from "../../harness/run-script.js";

describe("queues between threads", function () {
  this.timeout(90_000);

  it("keep items as they are until they cross, then copy them, in each order", async () => {
    await expectScript(`
      import assert from "node:assert/strict";
      import { DataCloneError, isMain } from "heddle";
      import { Thread } from "heddle/threading";
      import { LifoQueue, PriorityQueue, Queue, SimpleQueue } from "heddle/queue";
      function serve(commands: Queue, out: Queue) {
        for (let command = commands.getSync(); command !== null; command = commands.getSync()) {
          const [what, q] = command as [string, Queue];
          if (what === "feed") q.putSync("late");
          else if (what === "fill") {
            for (const n of [5, 1, 3]) q.putSync([n, "thread"]);
            out.putSync("filled");
          } else {
            const all: unknown[] = [];
            while (!q.empty()) all.push(q.getSync());
            out.putSync([all, q.maxSize, q.name, q.constructor.name]);
          }
        }
      }
      if (isMain) {
        const [commands, out] = [new Queue(), new Queue()];
        const server = new Thread({ target: serve, args: [commands, out] });
        server.start();
        for (const [type, expected] of [[Queue, [3, 1, 2]], [LifoQueue, [2, 1, 3]], [PriorityQueue, [1, 2, 3]], [SimpleQueue, [3, 1, 2]]] as const) {
          const q = new type({ name: "q" }) as Queue;
          const f = () => 1;
          const object = { n: 1 };
          if (type !== PriorityQueue) {
            q.putNowait(f);
            assert.equal(q.getNowait(), f);
            q.putNowait(object);
            assert.equal(q.getNowait(), object);
          }
          q.putNowait([1, f]);
          assert.throws(() => commands.putNowait(["feed", q]), (e: any) => e instanceof DataCloneError && e.path === "item[1]");
          assert.equal(q.getNowait()[1], f, "nothing changed");
          for (const n of [3, 1, 2]) q.putNowait([n, object]);
          commands.putNowait(["drain", q]);
          const [all, maxSize, name, kind] = await out.get();
          assert.deepEqual(all, expected.map((n) => [n, { n: 1 }]), type.name);
          assert.deepEqual([maxSize, name, kind], [type === SimpleQueue ? undefined : 0, "q", type.name]);
          assert.throws(() => q.putNowait([1, f]), (e: any) => e instanceof DataCloneError && e.path === "item[1]");
          assert.equal(q.qsize(), 0);
          commands.putNowait(["fill", q]);
          assert.equal(await out.get(), "filled");
          q.putNowait([2, "main"]);
          const rest = [1, 2, 3, 4].map(() => q.getNowait()[0]);
          assert.deepEqual(rest, { Queue: [5, 1, 3, 2], LifoQueue: [2, 3, 1, 5], PriorityQueue: [1, 2, 3, 5], SimpleQueue: [5, 1, 3, 2] }[type.name]);
          const local = new type() as Queue;
          const waiting = local.get();
          commands.putNowait(["feed", local]);
          assert.equal(await waiting, "late", "who waits goes on waiting in shared memory");
        }
        // Who waits for a place when the queue crosses.
        const full = new Queue({ maxSize: 1 });
        full.putNowait(0);
        const putting = full.put(1);
        commands.putNowait(["drain", full]);
        await putting;
        const got = (await out.get())[0].concat(full.empty() ? [] : [full.getNowait()]);
        assert.deepEqual(got, [0, 1]);
        commands.putNowait(null);
        await server.join();
        console.log("done");
      }
    `);
  });

  it("come back as the same object, nested, in themselves and in each other", async () => {
    await expectScript(`
      import assert from "node:assert/strict";
      import { isMain } from "heddle";
      import { Thread } from "heddle/threading";
      import { LifoQueue, PriorityQueue, Queue, SimpleQueue } from "heddle/queue";
      function echo(here: Queue, back: Queue) {
        let known: unknown[] | null = null;
        for (;;) {
          const item = here.getSync();
          if (item === null) return;
          known ??= item.list;
          for (const [i, q] of item.list.entries()) assert.equal(q, known![i]);
          assert.equal(item.map.get("here"), here);
          back.putSync(item);
        }
      }
      if (isMain) {
        const [there, back] = [new Queue(), new Queue()];
        const t = new Thread({ target: echo, args: [there, back] });
        t.start();
        const list = [new Queue(), new LifoQueue(), new PriorityQueue(), new SimpleQueue(), back];
        for (let i = 0; i < 20; i++) {
          there.putSync({ list, map: new Map([["here", there]]) });
          const item = await back.get();
          for (const [j, q] of item.list.entries()) assert.equal(q, list[j]);
          assert.equal(item.map.get("here"), there);
        }
        there.putSync(null);
        await t.join();
        const self = new Queue();
        self.putNowait({ self });
        const other = new Queue();
        const pair = new Queue();
        other.putNowait(pair);
        pair.putNowait([other, self]);
        back.putSync(pair);
        assert.equal(back.getSync(), pair);
        const [o, s] = pair.getNowait();
        assert.equal(o, other);
        assert.equal(s, self);
        assert.equal(other.getNowait(), pair);
        assert.equal(self.getNowait().self, self);
        console.log("done");
      }
    `);
  });

  it("stay as they were when an item cannot cross or a comparison throws, and move buffers only when they cross", async () => {
    await expectScript(`
      import assert from "node:assert/strict";
      import { DataCloneError, isMain, transfer } from "heddle";
      import { Thread } from "heddle/threading";
      import { Full, LifoQueue, PriorityQueue, Queue, SimpleQueue } from "heddle/queue";
      function nothing(_q: unknown) {}
      if (isMain) {
        const carrier = new Queue();
        const t = new Thread({ target: nothing, args: [carrier] });
        t.start();
        await t.join();
        for (const type of [Queue, LifoQueue, PriorityQueue, SimpleQueue]) {
          const q = new type((type === SimpleQueue ? {} : { maxSize: 1 }) as object) as Queue;
          carrier.putNowait(q);
          const bad = [1, () => 1];
          assert.throws(() => q.putNowait(bad), DataCloneError);
          assert.throws(() => q.putSync(bad), DataCloneError);
          await assert.rejects(q.put(bad), DataCloneError);
          assert.equal(q.qsize(), 0);
          if (type === SimpleQueue) continue;
          assert.throws(() => q.taskDone(), RangeError);
          q.putNowait([0]);
          // With no place free it is told at once as well, not when there is one.
          await assert.rejects(q.put(bad), DataCloneError);
          const buffer = new ArrayBuffer(8);
          await assert.rejects(q.put([1, transfer(buffer, [buffer])], { timeout: 5 }), Full);
          assert.throws(() => q.putNowait([1, buffer]), Full);
          assert.equal(buffer.byteLength, 8);
          const item: unknown[] = [1, transfer(buffer, [buffer])];
          const putting = q.put(item);
          item.push("after the call");
          q.getNowait();
          await putting;
          assert.equal(buffer.byteLength, 0);
          const [, moved, ...more] = q.getNowait();
          assert.equal(moved.byteLength, 8);
          assert.deepEqual(more, []);
        }
        for (const shared of [false, true]) {
          const q = new PriorityQueue<any>({ maxSize: 3 });
          if (shared) carrier.putNowait(q);
          q.putNowait([1, { a: 1 }]);
          assert.throws(() => q.putNowait("text"), TypeError);
          await assert.rejects(q.put([1, { b: 1 }]), TypeError);
          assert.throws(() => q.putSync(null), TypeError);
          assert.equal(q.qsize(), 1);
          q.putNowait([0, {}]);
          q.putNowait([2, {}]);
          assert.deepEqual([0, 0, 0].map(() => q.getNowait()[0]), [0, 1, 2]);
          assert.ok(q.empty());
        }
        console.log("done");
      }
    `);
  });

  it("order by the user's function in every thread, and say what is wrong with one that cannot cross", async () => {
    await expectScript(`
      import assert from "node:assert/strict";
      import { DataCloneError, isMain } from "heddle";
      import { Thread } from "heddle/threading";
      import { PriorityQueue, Queue } from "heddle/queue";
      interface Job { age: number; from: string }
      const oldestFirst = (a: Job, b: Job) => {
        if (a.age === 13 || b.age === 13) throw new Error("unlucky");
        return b.age - a.age;
      };
      function work(q: PriorityQueue<Job>, from: string, count: number) {
        for (let i = 0; i < count; i++) q.putSync({ age: 20 + ((i * 7) % 10), from });
      }
      function nothing(_q: unknown) {}
      if (isMain) {
        assert.throws(() => new PriorityQueue({ compare: 3 as never }), TypeError);
        const q = new PriorityQueue<Job>({ compare: oldestFirst });
        q.putNowait({ age: 50, from: "before" });
        q.putNowait({ age: 50, from: "second" });
        const threads = ["a", "b"].map((from) => new Thread({ target: work, args: [q, from, 200] }));
        for (const t of threads) t.start();
        work(q, "main", 200);
        for (const t of threads) await t.join();
        assert.throws(() => q.putNowait({ age: 13, from: "x" }), /unlucky/);
        await assert.rejects(q.put({ age: 13, from: "x" }), /unlucky/);
        assert.equal(q.qsize(), 602);
        assert.equal(q.getNowait().from, "before");
        assert.equal(q.getNowait().from, "second");
        let last = 100;
        const count: Record<string, number> = {};
        while (!q.empty()) {
          const job = q.getNowait();
          assert.ok(job.age <= last);
          last = job.age;
          count[job.from] = (count[job.from] ?? 0) + 1;
        }
        assert.deepEqual(count, { a: 200, b: 200, main: 200 });
        const limit = 3;
        const closure = new PriorityQueue<number>({ compare: (a, b) => (a - b) * limit });
        closure.putNowait(2);
        closure.putNowait(1);
        assert.throws(
          () => new Thread({ target: nothing, args: [closure] }).start(),
          (e: any) => e instanceof DataCloneError && /limit/.test(e.message) && /compare/.test(e.message),
        );
        assert.deepEqual([closure.getNowait(), closure.getNowait()], [1, 2]);
        const inline = new PriorityQueue<number>({ compare: (a, b) => b - a });
        q.putNowait({ age: 1, from: inline as never });
        for (const n of [1, 3, 2]) inline.putNowait(n);
        assert.deepEqual([inline.getNowait(), inline.getNowait(), inline.getNowait()], [3, 2, 1]);
        console.log("done");
      }
    `);
  });

  it("serve blocked threads and promises in one line, one for each item, and end with a poison pill", async function () {
    if (process.platform !== "linux") this.skip(); // asks the system whether a thread sleeps
    await expectScript(
      `
      import assert from "node:assert/strict";
      import { readFileSync } from "node:fs";
      import { isMain } from "heddle";
      import { Thread } from "heddle/threading";
      import { LifoQueue, PriorityQueue, Queue, SimpleQueue } from "heddle/queue";
      function take(q: Queue, out: Queue, id: string) { out.putSync("ready"); out.putSync([id, q.getSync()]); }
      function give(q: Queue, out: Queue, id: string) { out.putSync("ready"); q.putSync([0, id]); out.putSync(id); }
      function eat(q: Queue, out: Queue) {
        let sum = 0;
        for (let n = q.getSync(); n !== null; n = q.getSync()) sum += n;
        q.putSync(null);
        out.putSync(sum);
      }
      async function asleep(t: Thread, out: Queue) {
        assert.equal(await out.get(), "ready");
        // A thread also sleeps for moments on its way to the queue.
        for (let seen = 0; seen < 6; await new Promise((resolve) => setTimeout(resolve, 5))) {
          const stat = readFileSync(\`/proc/self/task/\${t.nativeId}/stat\`, "utf8");
          seen = t.nativeId && stat.slice(stat.lastIndexOf(")") + 2)[0] === "S" ? seen + 1 : 0;
        }
      }
      if (isMain) {
        const out = new Queue();
        for (const type of [Queue, LifoQueue, PriorityQueue, SimpleQueue]) {
          const q = new type() as Queue;
          const sleeper = async (id: string) => {
            const t = new Thread({ target: take, args: [q, out, id] });
            t.start();
            await asleep(t, out);
            return t;
          };
          const promise = (id: string) => void q.get().then((item) => out.put([id, item]));
          const a = await sleeper("a");
          promise("b");
          const c = await sleeper("c");
          promise("d");
          for (const [i, id] of ["a", "b", "c", "d"].entries()) {
            q.putNowait([i]);
            const [who, item] = await out.get();
            assert.deepEqual([who, item], [id, [i]], type.name);
          }
          for (const t of [a, c]) await t.join();
          assert.ok(out.empty() && q.empty());
        }
        for (const type of [Queue, LifoQueue, PriorityQueue]) {
          const q = new type({ maxSize: 1 }) as Queue;
          q.putNowait([0, "first"]);
          const t = new Thread({ target: give, args: [q, out, "thread"] });
          t.start();
          await asleep(t, out);
          const second = q.put([0, "promise"]).then(() => out.put("promise"));
          for (const id of ["first", "thread", "promise"]) {
            assert.equal(q.getNowait()[1], id);
            if (id !== "promise") assert.equal(await out.get(), id === "first" ? "thread" : "promise");
          }
          await second;
          await t.join();
        }
        const pills = new Queue({ maxSize: 5 });
        const eaters = [0, 1, 2].map(() => new Thread({ target: eat, args: [pills, out] }));
        for (const t of eaters) t.start();
        for (let n = 1; n <= 100; n++) await pills.put(n);
        await pills.put(null);
        for (const t of eaters) await t.join();
        assert.equal(out.getNowait() + out.getNowait() + out.getNowait(), 5050);
        assert.equal(pills.getNowait(), null);
        console.log("done");
      }
    `,
      { timeout: 60_000 },
    );
  });

  it("end the waits of blocked threads at a shutdown and at the end of all tasks", async () => {
    await expectScript(`
      import assert from "node:assert/strict";
      import { isMain } from "heddle";
      import { Thread } from "heddle/threading";
      import { LifoQueue, PriorityQueue, Queue, ShutDown } from "heddle/queue";
      function attempt(commands: Queue, out: Queue) {
        for (let command = commands.getSync(); command !== null; command = commands.getSync()) {
          const [what, q] = command as ["get" | "put" | "join", Queue];
          out.putSync("begins");
          try {
            if (what === "get") q.getSync();
            else if (what === "put") q.putSync(1);
            else q.joinSync();
            out.putSync(what);
          } catch (error) {
            out.putSync(error);
          }
        }
      }
      if (isMain) {
        const [commands, out] = [new Queue(), new Queue()];
        const threads = [1, 2, 3, 4, 5].map(() => new Thread({ target: attempt, args: [commands, out] }));
        for (const t of threads) t.start();
        for (const type of [Queue, LifoQueue, PriorityQueue]) {
          for (const immediate of [false, true]) {
            const [empty, full] = [new type(), new type({ maxSize: 1 })];
            full.putNowait(0);
            for (const [what, q] of [["get", empty], ["get", empty], ["put", full], ["put", full], ["join", full]] as const) {
              commands.putNowait([what, q]);
              assert.equal(await out.get(), "begins");
            }
            empty.shutdown({ immediate });
            full.shutdown({ immediate });
            const results: unknown[] = [];
            for (let i = 0; i < 4; i++) results.push(await out.get());
            const joined = () => results.filter((r) => r === "join").length;
            if (!immediate) { assert.equal(joined(), 0); full.getNowait(); full.taskDone(); }
            results.push(await out.get());
            assert.equal(joined(), 1);
            assert.equal(results.filter((r) => r instanceof ShutDown).length, 4);
          }
        }
        for (const _ of threads) commands.putNowait(null);
        for (const t of threads) await t.join();
        console.log("done");
      }
    `);
  });
});
