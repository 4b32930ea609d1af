/**
 * Many producers and consumers of both kinds at one queue, with random timeouts, aborts and kills. Each item is counted
 * where it is taken: none may be lost or come twice, but for what a thread had just taken, or was just putting, when it
 * was killed.
 */
import { expectScript } from "../../harness/run-script.js";
import { randomOf } from "../../harness/seeded-random.js";

const script = (kills: boolean) => `
  import assert from "node:assert/strict";
  import { isMain } from "heddle";
  import { Thread } from "heddle/threading";
  import { Empty, Full, LifoQueue, PriorityQueue, Queue, SimpleQueue } from "heddle/queue";

  ${randomOf}
  const MOST = 4096;
  const COUNT = ${kills ? 150 : 400};
  interface Work { q: Queue; id: number; started: SharedArrayBuffer; done: SharedArrayBuffer; taken: SharedArrayBuffer; big: boolean; fifo: boolean }
  const PILL = [1e9, -1, 0, ""];

  /** Does something in one of all ways until it is done. The main thread does two things, so it must not block. */
  async function insist(random: () => number, sync: (o?: object) => void, later: (o?: object) => Promise<void>, gaveUp: (e: any) => boolean) {
    for (;;) {
      const all = Math.floor(random() * 7);
      const way = isMain && (all === 0 || all === 2) ? all + 1 : all;
      try {
        if (way === 0) sync();
        else if (way === 1) await later();
        else if (way === 2) sync({ timeout: random() * 2 });
        else if (way === 3) await later({ timeout: random() * 2 });
        else if (way === 4) sync({ blocking: false });
        else {
          const abort = new AbortController();
          if (way === 5) setTimeout(() => abort.abort(), random() * 2);
          else queueMicrotask(() => abort.abort());
          await later({ signal: abort.signal });
        }
        return;
      } catch (error: any) {
        if (!gaveUp(error) && error.name !== "AbortError") throw error;
      }
    }
  }

  async function produce({ q, id, started, done, big }: Work, seed: number, count: number) {
    const random = randomOf(seed);
    const [begun, over] = [new Int32Array(started), new Int32Array(done)];
    for (let i = 0; i < count; i++) {
      const item = [Math.floor(random() * 5), id, i, "x".repeat(big && random() < 0.1 ? 3000 : random() * 30)];
      Atomics.store(begun, id, i + 1);
      await insist(random, (o) => q.putSync(item, o), (o) => q.put(item, o), (e) => e instanceof Full);
      Atomics.store(over, id, i + 1);
    }
  }

  async function consume({ q, taken }: Work, seed: number, fifo: boolean) {
    const random = randomOf(seed);
    const counts = new Int32Array(taken);
    const last = new Map<number, number>();
    for (;;) {
      let item: [number, number, number, string] | null = null;
      await insist(random, (o) => { item = q.getSync(o); }, async (o) => { item = await q.get(o); }, (e) => e instanceof Empty);
      const [, id, i, text] = item!;
      if (id === -1) return;
      assert.match(text, /^x*$/);
      Atomics.add(counts, id * MOST + i, 1);
      if (fifo) assert.ok(i > (last.get(id) ?? -1), "in order");
      last.set(id, i);
    }
  }

  async function produceAll(works: Work[], id: number, seed: number) {
    for (const work of works) await produce({ ...work, id }, seed, COUNT);
  }
  async function consumeAll(works: Work[], seed: number) {
    for (const work of works) await consume(work, seed, work.fifo);
  }

  if (isMain) {
    const workers: { terminate(): Promise<unknown> }[] = [];
    process.on("worker", (worker) => workers.push(worker));
    // Not by setImmediate, which would leave threads that start on a busy machine no time.
    const turn = () => new Promise((resolve) => setTimeout(resolve, 1));
    const works = [
      new Queue({ maxSize: ${kills ? 2 : 1}, name: "first in, first out" }),
      new LifoQueue({ maxSize: 4, name: "last in, first out" }),
      new PriorityQueue<any>({ maxSize: 4, name: "smallest first" }),
      new PriorityQueue<any>({ maxSize: 4, name: "by a function", compare: (a, b) => a[0]! - b[0]! }),
      new SimpleQueue({ name: "simple" }) as any as Queue,
    ].map((q): Work => ({
      q, id: 0, big: true, fifo: q instanceof SimpleQueue || q.constructor === Queue,
      started: new SharedArrayBuffer(64), done: new SharedArrayBuffer(64), taken: new SharedArrayBuffer(16 * MOST * 4),
    }));
    let seed = 1;
    const start = (target: any, ...args: unknown[]) => {
      const t = new Thread<any>({ target, args: args as never });
      t.start();
      return t;
    };
    const ids = ${kills ? "[0]" : "[0, 1]"};
    const survivors = [...ids.map((id) => start(produceAll, works, id, seed++)), ...ids.map(() => start(consumeAll, works, seed++))];
    for (const work of works) {
      const { q } = work;
      const shared = { started: new Int32Array(work.started), done: new Int32Array(work.done), taken: new Int32Array(work.taken) };
      const here = consume(work, seed++, work.fifo);
      const mine = produce({ ...work, id: 2 }, seed++, COUNT);
      if (${kills}) {
        const random = randomOf(seed++);
        const doomed: [Thread<any>, { terminate(): Promise<unknown> }][] = [];
        for (const dooming of [() => start(produce, { ...work, id: 3 }, seed++, MOST), () => start(consume, work, seed++, false)]) {
          await turn();
          const t = dooming();
          await turn();
          doomed.push([t, workers.at(-1)!]);
        }
        while (Atomics.load(shared.done, 3) === 0) await turn();
        for (const [t, worker] of doomed) {
          await new Promise((resolve) => setTimeout(resolve, random() * 30));
          await worker.terminate();
          await t.join();
        }
      }
      await mine;
      for (const id of ids) while (Atomics.load(shared.done, id) < COUNT) await turn();
      while (!q.empty()) await turn();
      for (let i = 0; i < ids.length + 1; i++) await q.put(PILL);
      await here;
      // The consumers elsewhere go on to the next queue once they have had their pills.
      while (!q.empty()) await turn();
    }
    for (const t of survivors) await t.join();
    for (const { q, started, done, taken } of works) {
      assert.ok(q.empty(), q.name);
      const shared = { started: new Int32Array(started), done: new Int32Array(done), taken: new Int32Array(taken) };
      let missing = 0;
      for (let id = 0; id < 4; id++) {
        const [begun, over] = [shared.started[id]!, shared.done[id]!];
        if (id === 2 || ids.includes(id)) assert.equal(over, COUNT);
        for (let i = 0; i < MOST; i++) {
          const count = shared.taken[id * MOST + i]!;
          assert.ok(count <= (i < begun ? 1 : 0), \`\${q.name}: item \${id}/\${i} came \${count} times\`);
          if (i < over && count === 0) missing++;
        }
      }
      assert.ok(missing <= ${kills ? 1 : 0}, \`\${q.name}: \${missing} items are missing\`);
    }
    console.log("done");
  }
`;

describe("queues under stress", function () {
  this.timeout(120_000);

  it("lose and double nothing", async () => {
    await expectScript(script(false), { timeout: 100_000 });
  });

  it("lose and double nothing but what killed threads had in hand", async () => {
    await expectScript(script(true), { timeout: 100_000 });
  });
});
