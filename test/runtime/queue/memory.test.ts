/** The memory of shared queues: given back when nothing holds them any more, and not before. */
import { expectScript } from "../../harness/run-script.js";

const head = `
  import assert from "node:assert/strict";
  import v8 from "node:v8";
  import vm from "node:vm";
  import { getEnvironmentData } from "node:worker_threads";
  import { isMain } from "heddle";
  import { Thread } from "heddle/threading";
  import { LifoQueue, PriorityQueue, Queue, SimpleQueue } from "heddle/queue";

  const heap = new Int32Array(getEnvironmentData("heddle.heap") as SharedArrayBuffer);
  /** The bytes of shared memory that were ever in use: what is given back is used again before this grows. */
  const used = () => heap[1]! * 4;
  v8.setFlagsFromString("--expose_gc");
  const gc: () => void = vm.runInNewContext("gc");
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  async function collect() {
    for (let i = 0; i < 4; i++) { gc(); await turn(); }
  }
  const kinds = [Queue, LifoQueue, PriorityQueue, SimpleQueue] as (new (options?: object) => Queue)[];
  function nothing(_q: unknown) {}
  async function carrierOfThreads() {
    const carrier = new Queue();
    const t = new Thread({ target: nothing, args: [carrier] });
    t.start();
    await t.join();
    return carrier;
  }
`;

describe("the memory of shared queues", function () {
  this.timeout(90_000);

  it("is given back with what they hold, also with queues inside queues", async () => {
    await expectScript(
      `
      ${head}
      function batch(carrier: Queue) {
        for (let i = 0; i < 100; i++) {
          for (const kind of kinds) {
            const [outer, inner] = [new kind(), new kind()];
            carrier.putNowait(outer);
            assert.equal(carrier.getNowait(), outer);
            for (let n = 0; n < 5; n++) outer.putNowait(["x".repeat(n === 4 ? 2000 : 20)]);
            if (kind !== PriorityQueue as never) inner.putNowait([1]), outer.putNowait([inner]);
            if (i % 3 === 0) outer.getNowait();
            if (i % 3 === 1 && !(outer instanceof SimpleQueue)) outer.shutdown({ immediate: true });
          }
        }
      }
      if (isMain) {
        const carrier = await carrierOfThreads();
        for (let i = 0; i < 3; i++) { batch(carrier); await collect(); }
        const before = used();
        const one = 400 * 2 * 1500;
        for (let i = 0; i < 10; i++) { batch(carrier); await collect(); }
        assert.ok(used() - before < one * 2, \`\${used() - before} bytes more, of about \${one * 10} that were in use\`);
        console.log("done");
      }
    `,
      { timeout: 80_000 },
    );
  });

  it("stays while only a message, a thread or somebody who waits has them", async () => {
    await expectScript(
      `
      ${head}
      async function take(q: Queue, out: Queue) {
        await collect();
        out.putSync(await q.get());
      }
      if (isMain) {
        const carrier = await carrierOfThreads();
        for (const kind of kinds) {
          (() => { const q = new kind({ name: "in transit" }); q.putNowait([1, "still here"]); carrier.putNowait(new Map([["q", [q]]])); })();
          (() => { const q = new kind(); carrier.putNowait(q); q.putNowait([2]); })();
          await collect();
          // Others would take the memory now, if it were free.
          for (let i = 0; i < 50; i++) { const q = new kind(); carrier.putNowait(q); q.putNowait([3, "other"]); }
          const q = carrier.getNowait().get("q")[0];
          assert.equal(q.name, "in transit");
          assert.deepEqual(q.getNowait(), [1, "still here"]);
          assert.deepEqual(carrier.getNowait().getNowait(), [2]);
          for (let i = 0; i < 50; i++) assert.deepEqual(carrier.getNowait().getNowait(), [3, "other"]);
        }
        const out = new Queue();
        const threads: Thread<any>[] = [];
        (() => {
          for (const kind of kinds) {
            const q = new kind();
            q.putNowait([4]);
            const t = new Thread({ target: take, args: [q, out] });
            t.start();
            threads.push(t);
          }
        })();
        for (let i = 0; i < 5; i++) await collect();
        for (const _ of kinds) assert.deepEqual(await out.get(), [4]);
        for (const t of threads) await t.join();
        // Somebody who waits: the queue is known to nobody else but the other end, inside a message.
        const waiting = (() => { const q = new Queue(); carrier.putNowait(q); return q.get(); })();
        await collect();
        carrier.getNowait().putNowait("woken");
        await collect();
        assert.equal(await waiting, "woken");
        console.log("done");
      }
    `,
      { timeout: 80_000 },
    );
  });

  it("is given back for threads that have ended or were killed", async function () {
    if (process.platform !== "linux") this.skip(); // asks the system which threads live
    await expectScript(
      `
      ${head}
      const held: Queue[] = [];
      function keep(commands: Queue, ready: Queue, end: boolean) {
        for (let i = 0; i < 100; i++) held.push(commands.getSync());
        for (const q of held) q.putSync([1]);
        ready.putSync("have them");
        if (!end) commands.getSync();
      }
      if (isMain) {
        const workers: { terminate(): Promise<unknown> }[] = [];
        process.on("worker", (worker) => workers.push(worker));
        const [commands, ready] = [new Queue(), new Queue()];
        let before = 0;
        for (let round = 0; round < 6; round++) {
          const ends = round % 2 === 0;
          const t = new Thread({ target: keep, args: [commands, ready, ends] });
          t.start();
          for (let i = 0; i < 100; i++) commands.putNowait(new kinds[i % 4]!());
          assert.equal(await ready.get(), "have them");
          if (!ends) await workers.at(-1)!.terminate();
          await t.join();
          await collect();
          if (round === 1) before = used();
        }
        assert.ok(used() - before < 100 * 1500 * 2, \`\${used() - before} bytes more\`);
        console.log("done");
      }
    `,
      { timeout: 80_000 },
    );
  });
});
