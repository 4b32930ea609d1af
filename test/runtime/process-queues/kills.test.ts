/**
 * Producers and consumers in processes that are killed at random moments, beside some that live. Each item is counted
 * where it is taken: none may be lost or come twice, but for what a process had just taken, or was just putting, when it
 * was killed. `HEDDLE_KILLS` is how many are killed, 24 by default.
 */
import { expectScript } from "../../harness/run-script.js";
import { randomOf } from "../../harness/seeded-random.js";

const kills = Number(process.env.HEDDLE_KILLS ?? 24);

const script = `
  import assert from "node:assert/strict";
  import { readdirSync } from "node:fs";
  import { isMain } from "heddle";
  import { activeChildren, JoinableQueue, Process, Queue, RawArray, SimpleQueue } from "heddle/multiprocessing";
  import { Empty, Full } from "heddle/queue";

  ${randomOf}
  const KILLS = ${kills};
  /** Items at most of one that is killed, and of the one that lives, which has number 0 and never runs out. */
  const MOST = 20_000;
  const ENDLESS = 4_000_000;
  const IDS = KILLS + 2;
  const mostOf = (id: number) => (id === 0 ? ENDLESS : MOST);
  const place = (id: number, i: number) => (id === 0 ? IDS * MOST : id * MOST) + i;
  interface Work { q: any; started: RawArray<"i">; done: RawArray<"i">; taken: RawArray<"b">; running: RawArray<"i">; stop: RawArray<"i"> }

  async function insist(random: () => number, sync: (o?: object) => void, later: (o?: object) => Promise<void>) {
    for (;;) {
      // The first process does several things at once, so it must not block.
      const way = isMain ? 3 + 2 * Math.floor(random() * 3) : Math.floor(random() * 8);
      try {
        if (way < 3) sync();
        else if (way === 3) await later();
        else if (way === 4) sync({ timeout: random() * 2 });
        else if (way === 5) await later({ timeout: random() * 2 });
        else if (way === 6) sync({ blocking: false });
        else await later({ signal: AbortSignal.timeout(Math.ceil(random() * 3)) });
        return;
      } catch (error: any) {
        if (!(error instanceof Full || error instanceof Empty) && error.name !== "TimeoutError") throw error;
      }
    }
  }
  async function produce({ q, started, done, stop }: Work, id: number, count: number) {
    const random = randomOf(id);
    for (let i = 0; i < count && Atomics.load(stop.view, 0) === 0; i++) {
      const item = [id, i, "x".repeat(random() < 0.1 ? 5000 : random() * 30)];
      // Without a limit the queue would only get longer and longer.
      while (q.full === undefined && q.qsize() > 100) await new Promise((resolve) => setTimeout(resolve, 1));
      Atomics.store(started.view, id, i + 1);
      await insist(random, (o) => q.putSync(item, o), (o) => q.put(item, o));
      Atomics.store(done.view, id, i + 1);
    }
  }
  async function consume({ q, taken, running }: Work, seed: number, number = 0) {
    const random = randomOf(seed);
    const last = new Map<number, number>();
    for (;;) {
      let item: any = null;
      await insist(random, (o) => { item = q.getSync(o); }, async (o) => { item = await q.get(o); });
      const [id, i, text] = item;
      if (id < 0) return;
      Atomics.add(taken.view, place(id, i), 1);
      Atomics.store(running.view, number, 1);
      if (!/^x*$/.test(text)) throw new Error("torn");
      if (i <= (last.get(id) ?? -1)) throw new Error("out of order");
      last.set(id, i);
      if (q.taskDone) q.taskDone();
    }
  }

  if (isMain) {
    const random = randomOf(Number(process.env.HEDDLE_SEED ?? 1));
    const named = readdirSync("/dev/shm").length;
    for (const q of [new Queue({ maxSize: 3 }), new SimpleQueue(), new JoinableQueue({ maxSize: 50 })]) {
      const work: Work = { q, started: new RawArray("i", IDS), done: new RawArray("i", IDS), taken: new RawArray("b", IDS * MOST + ENDLESS), running: new RawArray("i", IDS), stop: new RawArray("i", 1) };
      const start = (target: any, ...args: unknown[]) => {
        const process = new Process<any>({ target, args: [work, ...args] as any, daemon: true });
        process.start();
        return process;
      };
      const [producer, consumer] = [start(produce, 0, ENDLESS), start(consume, 5000)];
      const mine = consume(work, 6000);
      let killedConsumers = 0;
      const each = Math.ceil(KILLS / 3);
      for (let k = 0; k < each; k++) {
        const producing = random() < 0.5;
        const doomed = producing ? start(produce, k + 1, MOST) : start(consume, 7000 + k, k + 1);
        if (!producing) killedConsumers++;
        const begun = producing ? work.done : work.running;
        // A producer without a limit may have put all it has by then, and a consumer has nothing more to take.
        while (Atomics.load(begun.view, k + 1) === 0 && producer.isAlive()) await new Promise((resolve) => setTimeout(resolve, 1));
        await new Promise((resolve) => setTimeout(resolve, random() * 25));
        doomed.kill();
        await doomed.join();
        // One that puts without a limit may be faster than its end.
        assert.ok(doomed.exitCode === -9 || (producing && doomed.exitCode === 0), String(doomed.exitCode));
      }
      Atomics.store(work.stop.view, 0, 1);
      await producer.join();
      assert.equal(producer.exitCode, 0);
      while (!q.empty()) await new Promise((resolve) => setTimeout(resolve, 1));
      for (let i = 0; i < 2; i++) await q.put([-1, 0, ""]);
      await mine;
      await consumer.join();
      assert.equal(consumer.exitCode, 0);
      assert.ok(q.empty());
      let [items, missing] = [0, 0];
      for (let id = 0; id < IDS; id++) {
        const [begun, over] = [work.started[id]!, work.done[id]!];
        const { view } = work.taken;
        for (let i = 0; i < mostOf(id); i++) {
          const count = view[place(id, i)]!;
          assert.ok(count <= (i < begun ? 1 : 0), \`item \${id}/\${i} came \${count} times\`);
          items += count;
          if (i < over && count === 0) missing++;
        }
      }
      assert.ok(missing <= killedConsumers, \`\${missing} items are missing, \${killedConsumers} consumers were killed\`);
      console.log(\`\${each} killed, \${items} items, \${missing} gone with consumers\`);
    }
    assert.deepEqual(activeChildren(), []);
    assert.equal(readdirSync("/dev/shm").length, named);
    console.log("done");
  }
`;

describe("queues of processes under kills", function () {
  this.timeout(300_000);

  it("lose and double nothing but what the killed had in hand", async () => {
    const { stdout } = await expectScript(script, { timeout: 280_000 });
    if (process.env.HEDDLE_KILLS !== undefined) console.log(stdout);
  });

  it("give their memory back, with whatever is in them", async () => {
    await expectScript(
      `
      import assert from "node:assert/strict";
      import { readdirSync, readlinkSync } from "node:fs";
      import { setFlagsFromString } from "node:v8";
      import { runInNewContext } from "node:vm";
      import { isMain } from "heddle";
      import { Process, Queue } from "heddle/multiprocessing";
      setFlagsFromString("--expose-gc");
      const gc = runInNewContext("gc") as () => void;
      const open = () => readdirSync("/proc/self/fd").filter((fd) => {
        try { return readlinkSync("/proc/self/fd/" + fd).startsWith("/memfd:"); } catch { return false; }
      }).length;
      function look(q: Queue) { if (q.getSync().length !== 100_000) throw new Error("wrong"); }
      function fill() {
        for (let i = 0; i < 20; i++) {
          const q = new Queue<any>();
          q.putSync("x".repeat(100_000));
          q.putSync(new Queue());
        }
      }
      async function fillAndSend() {
        const q = new Queue<string>();
        for (let i = 0; i < 10; i++) q.putSync("x".repeat(100_000));
        const child = new Process({ target: look, args: [q] });
        child.start();
        await child.join();
        assert.equal(child.exitCode, 0);
      }
      if (isMain) {
        fill();
        await fillAndSend();
        let left = 0;
        for (let i = 0; i < 100 && (left = open()) > 25; i++) {
          gc();
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        // Those that were items of others are known to nobody but the memory that is gone.
        assert.ok(left <= 25, left + " pieces of memory are still open");
        console.log("done");
      }
    `,
      { timeout: 60_000 },
    );
  });
});
