/** Random schedules of many threads. Each script checks itself and prints its seed when it fails. */
import assert from "node:assert/strict";
import { expectScript } from "../../harness/run-script.js";
import { randomOf } from "../../harness/seeded-random.js";

const common = `
  import assert from "node:assert/strict";
  import { isMain, RuntimeError } from "heddle";
  import { BoundedSemaphore, Lock, RLock, Semaphore, Thread } from "heddle/threading";

  type Any = Lock | RLock | Semaphore;
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  ${randomOf}
  /** Tries to take it in one of all ways. */
  async function take(lock: Any, random: () => number): Promise<boolean> {
    const way = random();
    if (way < 0.3) return lock.acquireSync();
    if (way < 0.4) return lock.acquireSync({ timeout: random() * 3 });
    if (way < 0.45) return lock.acquireSync({ blocking: false });
    if (way < 0.5) return lock.acquire({ blocking: false });
    if (way < 0.6) return lock.acquire({ timeout: random() * 3 });
    if (way < 0.75) {
      const abort = new AbortController();
      setTimeout(() => abort.abort("given up"), random() * 3);
      return lock.acquire({ signal: abort.signal }).catch((reason) => {
        if (reason !== "given up") throw reason;
        return false;
      });
    }
    return lock.acquire();
  }
`;

describe("locks and semaphores under random schedules", function () {
  this.timeout(120_000);

  for (const traced of [false, true]) {
    it(`exclude each other: blocking, promises, timeouts, aborts${traced ? ", traced" : ""}`, async () => {
      const { stderr, stdout } = await expectScript(
        `${common}
        /** words: marker, counter without atomics, counter with atomics, attempts that failed. */
        async function hammer(lock: Lock | RLock, shared: SharedArrayBuffer, seed: number, rounds: number) {
          const words = new Int32Array(shared), random = randomOf(seed);
          for (let i = 0; i < rounds; i++) {
            if (!(await take(lock, random))) { Atomics.add(words, 3, 1); continue; }
            assert.equal(words[0], 0);
            words[0] = seed;
            words[1]!++;
            const spin = random() * 200;
            for (let k = 0; k < spin; k++) assert.equal(words[0], seed);
            if (lock instanceof RLock && random() < 0.3) {
              assert.equal(lock.isOwned(), true);
              lock.acquireSync();
              assert.equal(lock.depth(), 2);
              lock.release();
            }
            if (random() < 0.02) await pause(random() * 2);
            assert.equal(words[0], seed);
            words[0] = 0;
            Atomics.add(words, 2, 1);
            lock.release();
          }
        }
        if (isMain) {
          const totals: number[] = [];
          for (const lock of [new Lock({ name: "plain" }), new RLock({ name: "owned" })]) {
            const shared = new SharedArrayBuffer(16);
            const threads = Array.from({ length: 6 }, (_, i) => new Thread({ target: hammer, args: [lock, shared, i * 7919 + 1, 150] }));
            for (const t of threads) t.start();
            await hammer(lock, shared, 99, 100);
            for (const t of threads) await t.join();
            const words = new Int32Array(shared);
            assert.equal(words[1], words[2], "an update was lost: two were inside");
            assert.equal(words[2]! + words[3]!, 6 * 150 + 100);
            assert.equal(lock.locked(), false);
            totals.push(words[2]!);
          }
          console.log("TOTALS " + JSON.stringify(totals));
          console.log("done");
        }
      `,
        { timeout: 60_000, traced, runArgs: ["--report", "json"] },
      );
      if (!traced) return;
      const totals = JSON.parse(/TOTALS (.*)/.exec(stdout)![1]!) as number[];
      const report = JSON.parse(stderr.slice(stderr.indexOf("{")));
      const counts = ["plain", "owned"].map(
        (name) => report.locks.find((lock: { name: string }) => lock.name === name).acquisitions,
      );
      assert.deepEqual(counts, totals, "acquisitions");
    });
  }

  it("conserve permits, and never give out more than there are", async () => {
    await expectScript(
      `${common}
      async function work(s: Semaphore, shared: SharedArrayBuffer, seed: number, permits: number, rounds: number) {
        const words = new Int32Array(shared), random = randomOf(seed);
        for (let i = 0; i < rounds; i++) {
          let have = 0;
          const wanted = random() < 0.2 ? 2 : 1;
          // A second one is only tried for, or all could have one and wait for another.
          if (await take(s, random)) have++;
          if (have === 1 && wanted === 2 && s.acquireSync({ blocking: false })) have++;
          if (have === 0) continue;
          assert.ok(Atomics.add(words, 0, have) + have <= permits, "more are inside than there are permits");
          if (random() < 0.05) await pause(random() * 2);
          Atomics.sub(words, 0, have);
          s.release(have);
        }
      }
      if (isMain) {
        for (const s of [new Semaphore(3), new BoundedSemaphore(3)]) {
          const shared = new SharedArrayBuffer(4);
          const threads = Array.from({ length: 6 }, (_, i) => new Thread({ target: work, args: [s, shared, i * 104729 + 5, 3, 200] }));
          for (const t of threads) t.start();
          await work(s, shared, 77, 3, 100);
          for (const t of threads) await t.join();
          assert.equal(s.getValue(), 3);
        }
        console.log("done");
      }
    `,
      { timeout: 60_000 },
    );
  });

  it("lose no permit and no wake to waiters that are killed", async () => {
    await expectScript(
      `${common}
      async function wait(s: Any, ready: Semaphore, how: number, giveBack: boolean) {
        if (how === 3) setTimeout(() => process.exit(), 20);
        ready.release();
        if (how % 2 === 0) s.acquireSync();
        else await s.acquire();
        if (giveBack) s.release();
      }
      if (isMain) {
        const workers: { terminate(): Promise<unknown> }[] = [];
        process.on("worker", (worker) => workers.push(worker));
        const turn = () => new Promise(setImmediate);
        for (let round = 0; round < 2; round++) {
          const random = randomOf(round + 1);
          for (const s of [new Lock(), new RLock(), new Semaphore(2)]) {
            const ready = new Semaphore(0);
            s.acquireSync();
            if (s instanceof Semaphore) s.acquireSync();
            // All that wait before anything is free: some of them are killed, the others must have it in the end.
            const doomed: Thread<any>[] = [], living: Thread<any>[] = [], dooms: { terminate(): Promise<unknown> }[] = [];
            for (let i = 0; i < 6; i++) {
              await turn();
              const index = workers.length;
              const dies = i % 2 === 0;
              const t = new Thread({ target: wait, args: [s, ready, dies ? (random() * 4) | 0 : (random() * 3) | 0, true] });
              t.start();
              await turn();
              if (dies) { doomed.push(t); dooms.push(workers[index]!); } else living.push(t);
            }
            for (let i = 0; i < 6; i++) ready.acquireSync();
            await Promise.all(dooms.map(async (worker) => { await pause(random() * 20); await worker.terminate(); }));
            for (const t of doomed) await t.join();
            if (s instanceof Semaphore) s.release(2);
            else s.release();
            for (const t of living) await t.join();
            if (s instanceof Semaphore) assert.equal(s.getValue(), 2);
            else assert.equal(s.locked(), false);
          }
        }
        console.log("done");
      }
    `,
      { timeout: 60_000 },
    );
  });

  it("go on after holders that are killed at any moment", async () => {
    await expectScript(
      `${common}
      async function victim(lock: Lock, shared: SharedArrayBuffer, seed: number) {
        const words = new Int32Array(shared), random = randomOf(seed);
        for (;;) {
          if (!(await take(lock, random).catch(() => false))) { if (random() < 0.1) await pause(1); continue; }
          words[0] = seed;
          words[0] = 0;
          lock.release();
        }
      }
      /** Only the main thread gives back what a dead one held; the others try again. */
      async function survivor(lock: Lock, shared: SharedArrayBuffer, seed: number) {
        const words = new Int32Array(shared), random = randomOf(seed);
        let had = 0;
        while (Atomics.load(words, 1) === 0) {
          let have = false;
          try { have = await take(lock, random); }
          catch (error) {
            assert.ok(error instanceof RuntimeError, String(error));
            await pause(2);
          }
          if (!have) continue;
          assert.equal(words[0], 0);
          words[0] = seed;
          for (let k = 0; k < 20; k++) assert.equal(words[0], seed);
          words[0] = 0;
          had++;
          lock.release();
          if (random() < 0.05) await pause(1);
        }
        assert.ok(had > 0);
      }
      if (isMain) {
        const workers: { terminate(): Promise<unknown> }[] = [];
        process.on("worker", (worker) => workers.push(worker));
        const turn = () => new Promise(setImmediate);
        const lock = new Lock(), shared = new SharedArrayBuffer(8), words = new Int32Array(shared);
        const random = randomOf(4711);
        const survivors = [1, 2].map((seed) => new Thread({ target: survivor, args: [lock, shared, seed] }));
        for (const t of survivors) t.start();
        for (let round = 0; round < 8; round++) {
          await turn();
          const index = workers.length;
          const t = new Thread({ target: victim, args: [lock, shared, 1000 + round] });
          t.start();
          await turn();
          await pause(30 + random() * 60);
          await workers[index]!.terminate();
          await t.join();
          // Whatever the victim held is found and given back, and then all goes on.
          for (let had = 0; had < 3; ) {
            try {
              await lock.acquire();
              words[0] = 0;
              had++;
            } catch (error) {
              assert.ok(error instanceof RuntimeError, String(error));
              words[0] = 0;
            }
            lock.release();
          }
        }
        Atomics.store(words, 1, 1);
        for (const t of survivors) await t.join();
        assert.equal(lock.locked(), false);
        console.log("done");
      }
    `,
      { timeout: 90_000 },
    );
  });
});
