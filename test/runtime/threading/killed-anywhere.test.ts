/**
 * Threads that are killed between any two instructions: Node terminates the workers of a thread that exits. What they
 * worked on must go on working for the others: no list of waiters broken, no lock of the library held by the dead.
 */
import { expectScript } from "../../harness/run-script.js";

describe("conditions, events and barriers whose users are killed anywhere", function () {
  this.timeout(120_000);

  it("are as good as new for those who live", async () => {
    await expectScript(
      `
      import assert from "node:assert/strict";
      import { BrokenBarrierError, isMain, RuntimeError } from "heddle";
      import { Barrier, Condition, Event, enumerate, Lock, mainThread, Thread } from "heddle/threading";

      interface Things { condition: Condition; event: Event; barrier: Barrier; alive: SharedArrayBuffer }
      function hammer({ condition, event, barrier, alive }: Things, seed: number) {
        const random = () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff;
        const words = new Int32Array(alive);
        Atomics.add(words, 0, 1);
        Atomics.notify(words, 0);
        for (;;) {
          try {
            const way = random();
            if (way < 0.5) {
              condition.acquireSync();
              if (way < 0.2) condition.waitSync({ timeout: random() * 2 });
              else if (way < 0.35) condition.notify(1 + Math.floor(random() * 3));
              else if (way < 0.4) condition.notifyAll();
              else condition.wait({ timeout: 1000 }).catch(() => {});
              if (way < 0.4) condition.release();
            } else if (way < 0.7) {
              if (way < 0.55) event.set();
              else if (way < 0.6) event.clear();
              else event.waitSync({ timeout: random() });
            } else if (way < 0.95) barrier.waitSync({ timeout: random() * 2 });
            else barrier.reset();
          } catch (error) {
            // A dead thread had the lock, or the barrier is broken: all of that is made good and gone on with.
            if (error instanceof BrokenBarrierError) barrier.reset();
            else {
              assert.ok(error instanceof RuntimeError, String(error));
              try { condition.release(); } catch {}
            }
          }
        }
      }
      /** Has two threads hammer, and kills them by its own end. */
      function parent(things: Things, seed: number, ms: number) {
        const words = new Int32Array(things.alive);
        const before = Atomics.load(words, 0);
        for (const n of [1, 2]) new Thread({ target: hammer, args: [things, seed * 7919 + n * 104729] }).start();
        while (Atomics.load(words, 0) < before + 2) Atomics.wait(words, 0, Atomics.load(words, 0), 50);
        Atomics.wait(words, 1, 0, ms);
        process.exit();
      }
      async function check({ condition, event, barrier }: Things) {
        // Whoever died with the lock has left it; and those who died in line take no notification.
        for (;;) {
          try { if (await condition.acquire({ timeout: 5_000 })) break; assert.fail("nobody gives the lock back"); } catch (error) {
            assert.ok(error instanceof RuntimeError, String(error));
            condition.release();
          }
        }
        const woken = condition.wait({ timeout: 5_000 });
        await condition.acquire();
        condition.notify();
        condition.release();
        assert.equal(await woken, true, "a notification is lost");
        condition.release();
        event.clear();
        const raised = event.wait({ timeout: 5_000 });
        event.set();
        assert.equal(await raised, true);
        barrier.abort();
        barrier.reset();
        const round = [barrier.wait({ timeout: 5_000 }), barrier.wait({ timeout: 5_000 })];
        assert.equal(barrier.nWaiting, 2);
        round.push(barrier.wait());
        assert.deepEqual(await Promise.all(round), [0, 1, 2]);
      }
      if (isMain) {
        const things: Things = { condition: new Condition(new Lock()), event: new Event(), barrier: new Barrier(3), alive: new SharedArrayBuffer(8) };
        let seed = Number(process.argv[2] ?? 1);
        for (let round = 0; round < 6; round++) {
          seed = (seed * 1103515245 + 12345) & 0x7fffffff;
          const t = new Thread({ target: parent, args: [things, seed, 5 + (seed % 40)] });
          t.start();
          await t.join();
          // Its end is told before Node ends its workers.
          for (const child of enumerate()) if (child !== mainThread()) await child.join();
          await check(things).catch((error) => { console.error("round", round, "seed", seed); throw error; });
        }
        console.log("done");
      }
    `,
      { timeout: 100_000 },
    );
  });
});
