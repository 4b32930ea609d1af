/**
 * Threads that are killed between any two instructions: Node terminates the workers of a thread that exits. What they
 * worked on must go on working for the others: no list of waiters broken, no lock of the library held by the dead.
 */
import { killedUsers } from "../../harness/killed-users.js";
import { expectScript } from "../../harness/run-script.js";

describe("conditions, events and barriers whose users are killed anywhere", function () {
  this.timeout(120_000);

  it("are as good as new for those who live", async () => {
    await expectScript(
      `
      import assert from "node:assert/strict";
      import { BrokenBarrierError, isMain, RuntimeError } from "heddle";
      import { Barrier, Condition, Event, enumerate, Lock, mainThread, Thread } from "heddle/threading";

      ${killedUsers}
      interface Things extends Signals { alive: SharedArrayBuffer }
      function hammer(things: Things, seed: number) {
        const random = () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff;
        const words = new Int32Array(things.alive);
        Atomics.add(words, 0, 1);
        Atomics.notify(words, 0);
        hammerOn(things, random);
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
          await checkSignals(things, 5_000).catch((error) => { console.error("round", round, "seed", seed); throw error; });
        }
        console.log("done");
      }
    `,
      { timeout: 100_000 },
    );
  });
});
