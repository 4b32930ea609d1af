import { expectScript } from "../../harness/run-script.js";

/** True once the OS says that all these threads sleep, and have done nothing between two looks. */
const ASLEEP = `
  import { readFileSync } from "node:fs";
  async function asleep(threads: { nativeId: number | null }[]) {
    const look = () => threads.map((t) => {
      const status = readFileSync("/proc/self/task/" + t.nativeId + "/status", "utf8");
      return /^State:\\s+(\\S)/m.exec(status)![1] + /voluntary_ctxt_switches:\\s+(\\d+)/m.exec(status)![1];
    });
    for (let before = look(); ; ) {
      await new Promise((r) => setTimeout(r, 20));
      const now = look();
      if (now.every((s, i) => s.startsWith("S") && s === before[i])) return;
      before = now;
    }
  }
`;

describe("Event", function () {
  this.timeout(90_000);

  it("has Python's contract in both forms", async () => {
    await expectScript(`
      import assert from "node:assert/strict";
      import { multiprocessing } from "heddle";
      import { Event, TIMEOUT_MAX } from "heddle/threading";

      const event = new Event();
      assert.match(event.name, /^Event script\\.ts:6$/);
      assert.equal(new Event({ name: "go" }).name, "go");
      assert.equal(event.isSet(), false);
      event.clear();
      assert.equal(event.isSet(), false);
      event.set();
      event.set();
      assert.equal(event.isSet(), true);
      assert.equal(event.waitSync(), true);
      assert.equal(event.waitSync({ timeout: 0 }), true);
      assert.equal(await event.wait(), true);
      assert.equal(await event.wait({ timeout: -1 }), true);
      event.clear();
      assert.equal(event.isSet(), false);

      // Out of time: what was asked for, at once for zero and less.
      for (const timeout of [0, -5, -Infinity]) {
        assert.equal(event.waitSync({ timeout }), false);
        assert.equal(await event.wait({ timeout }), false);
      }
      let start = performance.now();
      assert.equal(event.waitSync({ timeout: 40 }), false);
      assert.ok(performance.now() - start >= 39.5);
      start = performance.now();
      assert.equal(await event.wait({ timeout: 40 }), false);
      assert.ok(performance.now() - start >= 39.5);

      // Misuse.
      for (const timeout of [NaN, TIMEOUT_MAX * 2]) {
        assert.throws(() => event.waitSync({ timeout }), RangeError);
        await assert.rejects(event.wait({ timeout }), RangeError);
      }
      assert.throws(() => event.waitSync({ timeout: "1" as any }), TypeError);
      assert.throws(() => new Event({ name: 3 as any }), TypeError);
      const huge = event.wait({ timeout: TIMEOUT_MAX });
      event.set();
      assert.equal(await huge, true);
      event.clear();

      // A raise that is taken back at once wakes all who wait, and nobody who comes later.
      const waiting = [event.wait(), event.wait({ timeout: 10_000 }), event.wait()];
      event.set();
      event.clear();
      const late = event.wait({ timeout: 30 });
      assert.deepEqual(await Promise.all(waiting), [true, true, true]);
      assert.equal(await late, false);

      // Aborted: nothing is left behind, and the others go on.
      const reason = new Error("stop");
      await assert.rejects(event.wait({ signal: AbortSignal.abort(reason) }), reason);
      const abort = new AbortController();
      const [given, kept] = [event.wait({ signal: abort.signal }), event.wait({ signal: new AbortController().signal })];
      abort.abort(reason);
      await assert.rejects(given, reason);
      event.set();
      assert.equal(await kept, true);
      assert.equal(await event.wait({ signal: new AbortController().signal }), true);
      console.log("done");
    `);
  });

  it("wakes all who wait, blocked threads and promises alike, though it is lowered at once", async () => {
    await expectScript(`
      import assert from "node:assert/strict";
      import { isMain } from "heddle";
      import { Event, Thread } from "heddle/threading";
      import { Queue } from "heddle/queue";
      ${ASLEEP}
      const ROUNDS = 3;
      async function work(event: Event, entered: SharedArrayBuffer, out: Queue, blocking: boolean) {
        for (let round = 0; round < ROUNDS; round++) {
          // Only when the flag is down again: who is fast could else pass by it twice.
          while (Atomics.load(new Int32Array(entered), ROUNDS) < round) Atomics.wait(new Int32Array(entered), ROUNDS, round - 1);
          Atomics.add(new Int32Array(entered), round, 1);
          out.putSync(blocking ? event.waitSync({ timeout: 20_000 }) : await event.wait({ timeout: 20_000 }));
        }
      }
      if (isMain) {
        const event = new Event();
        const entered = new SharedArrayBuffer(4 * ROUNDS + 4);
        const out = new Queue();
        const threads = Array.from({ length: 4 }, (_, i) => new Thread({ target: work, args: [event, entered, out, i % 2 === 0] }));
        for (const t of threads) t.start();
        for (let round = 0; round < ROUNDS; round++) {
          while (Atomics.load(new Int32Array(entered), round) < threads.length) await new Promise((r) => setTimeout(r, 1));
          const own = event.wait();
          await asleep(threads);
          assert.equal(out.qsize(), 0, "nobody goes on before");
          event.set();
          event.clear();
          Atomics.store(new Int32Array(entered), ROUNDS, round + 1);
          Atomics.notify(new Int32Array(entered), ROUNDS);
          assert.equal(await own, true);
          for (const _ of threads) assert.equal(await out.get({ timeout: 20_000 }), true);
        }
        for (const t of threads) await t.join();
        console.log("done");
      }
    `);
  });

  it("keeps one deadline over many raises that pass by, and the loop alive while a promise waits", async () => {
    await expectScript(`
      import assert from "node:assert/strict";
      import { isMain } from "heddle";
      import { Event, Thread } from "heddle/threading";

      function later(event: Event, ms: number) {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
        event.set();
      }
      if (isMain) {
        const event = new Event();
        // Nothing but the promise keeps this thread's loop alive: the other thread is a daemon.
        new Thread({ target: later, args: [event, 150], daemon: true }).start();
        assert.equal(await event.wait(), true);
        event.clear();
        const start = performance.now();
        assert.equal(await event.wait({ timeout: 1250 }), false, "longer than a slice of waiting");
        const took = performance.now() - start;
        assert.ok(took >= 1249 && took < 2400, "took " + took);
        console.log("done");
      }
    `);
  });

  it("crosses inside values, is the same object again, and refuses another process", async () => {
    await expectScript(`
      import assert from "node:assert/strict";
      import { DataCloneError, isMain } from "heddle";
      import { Event, Thread } from "heddle/threading";
      import { Queue } from "heddle/queue";
      import { Process } from "heddle/multiprocessing";
      function work(all: { events: Map<string, Event>; same: Event }, back: Queue) {
        assert.equal(all.events.get("a"), all.same);
        assert.equal(all.same.name, "given");
        back.putSync([all.same]);
        all.same.waitSync();
        all.events.get("b")!.set();
      }
      function nothing(_: unknown) {}
      if (isMain) {
        const [a, b] = [new Event({ name: "given" }), new Event()];
        const back = new Queue();
        const t = new Thread({ target: work, args: [{ events: new Map([["a", a], ["b", b]]), same: a }, back] });
        t.start();
        assert.equal((await back.get())[0], a);
        a.set();
        assert.equal(b.waitSync({ timeout: 10_000 }), true);
        await t.join();
        assert.throws(() => new Process({ target: nothing, args: [a] }).start(), (e: any) => e instanceof DataCloneError && e.path === "args[0]");
        console.log("done");
      }
    `);
  });

  it("loses no wake-up: random waits, raises, timeouts, aborts and killed threads", async () => {
    await expectScript(
      `
      import assert from "node:assert/strict";
      import { isMain } from "heddle";
      import { Event, Thread } from "heddle/threading";

      const words = { turn: 0, through: 1, failed: 2, killed: 3 };
      /** Waits until the turn is over: each raise ends a turn, so nobody may ever have to wait for the next one. */
      async function work(event: Event, shared: SharedArrayBuffer, seed: number, dies: boolean) {
        const view = new Int32Array(shared);
        const random = () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff;
        if (dies) setTimeout(() => process.exit(), 20 + random() * 100);
        for (;;) {
          const turn = Atomics.load(view, words.turn);
          if (turn < 0) return;
          const way = random();
          let got: boolean | null = null;
          if (way < 0.3) got = event.waitSync({ timeout: 5_000 });
          else if (way < 0.6) got = await event.wait({ timeout: 5_000 });
          else if (way < 0.7) event.waitSync({ timeout: random() * 2 });
          else if (way < 0.8) await event.wait({ timeout: random() * 2 });
          else {
            const abort = new AbortController();
            setTimeout(() => abort.abort(), random() * 3);
            await event.wait({ signal: abort.signal }).catch(() => {});
          }
          if (got === false) Atomics.add(view, words.failed, 1);
          if (got === true) Atomics.add(view, words.through, 1);
          await new Promise((r) => setImmediate(r));
        }
      }
      if (isMain) {
        const event = new Event();
        const shared = new SharedArrayBuffer(16);
        const view = new Int32Array(shared);
        const threads = Array.from({ length: 6 }, (_, i) => new Thread({ target: work, args: [event, shared, i * 7919 + 1, i >= 4] }));
        for (const t of threads) t.start();
        let seed = 5;
        const random = () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff;
        for (let turn = 1; Atomics.load(view, words.through) < 300; turn++) {
          Atomics.store(view, words.turn, turn);
          event.set();
          if (random() < 0.5) event.clear();
          else setImmediate(() => event.clear());
          if (random() < 0.1) await new Promise((r) => setTimeout(r, random() * 3));
          else await new Promise((r) => setImmediate(r));
        }
        Atomics.store(view, words.turn, -1);
        event.set();
        for (const t of threads) await t.join();
        assert.equal(view[words.failed], 0, "somebody slept through five seconds of raises");
        console.log("done");
      }
    `,
      { timeout: 60_000 },
    );
  });
});
