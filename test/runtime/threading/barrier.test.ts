import { expectScript } from "../../harness/run-script.js";

describe("Barrier", function () {
  this.timeout(90_000);

  it("has Python's contract in both forms", async () => {
    await expectScript(`
      import assert from "node:assert/strict";
      import { BrokenBarrierError, RuntimeError } from "heddle";
      import { Barrier, TIMEOUT_MAX } from "heddle/threading";

      for (const parties of [0, -1, 1.5, NaN, Infinity]) assert.throws(() => new Barrier(parties), RangeError);
      assert.throws(() => new Barrier("2" as any), TypeError);
      assert.throws(() => new Barrier(2, { action: 3 as any }), TypeError);
      for (const timeout of [NaN, TIMEOUT_MAX * 2]) {
        assert.throws(() => new Barrier(2, { timeout }), RangeError);
        assert.throws(() => new Barrier(2).waitSync({ timeout }), RangeError);
        await assert.rejects(new Barrier(2).wait({ timeout }), RangeError);
      }
      assert.match(new Barrier(2).name, /^Barrier script\\.ts:14$/);

      const alone = new Barrier(1, { name: "alone" });
      assert.deepEqual([alone.name, alone.parties, alone.nWaiting, alone.broken], ["alone", 1, 0, false]);
      assert.equal(alone.waitSync(), 0);
      assert.equal(await alone.wait({ timeout: 0 }), 0);

      // Promises of one thread, many rounds; the index is the order of arrival, and the last one need not wait.
      const three = new Barrier(3);
      for (let round = 0; round < 10; round++) {
        const first = three.wait();
        assert.equal(three.nWaiting, 1);
        const second = three.wait({ timeout: 10_000 });
        assert.equal(three.nWaiting, 2);
        assert.equal(three.waitSync(), 2);
        assert.equal(three.nWaiting, 0);
        // The next round fills while nobody of this one has run yet.
        const next = [three.wait(), three.wait()];
        assert.equal(three.nWaiting, 2);
        assert.deepEqual(await Promise.all([first, second]), [0, 1]);
        assert.equal(await three.wait(), 2);
        assert.deepEqual(await Promise.all(next), [0, 1]);
      }

      // Out of time: broken for those who wait and those who come, until reset.
      const two = new Barrier(2, { timeout: 30 });
      const both = [new Barrier(3), two];
      let start = performance.now();
      assert.throws(() => two.waitSync(), BrokenBarrierError);
      assert.ok(performance.now() - start >= 29.5);
      assert.equal(two.broken, true);
      assert.equal(two.nWaiting, 0);
      assert.throws(() => two.waitSync(), (e: any) => e instanceof BrokenBarrierError && e instanceof RuntimeError && /waited longer than its timeout/.test(e.message));
      await assert.rejects(two.wait(), BrokenBarrierError);
      two.reset();
      assert.equal(two.broken, false);
      start = performance.now();
      await assert.rejects(two.wait({ timeout: 60 }), BrokenBarrierError);
      assert.ok(performance.now() - start >= 59.5, "its own timeout goes before the barrier's");
      two.reset();
      for (const timeout of [0, -3]) {
        assert.throws(() => two.waitSync({ timeout }), BrokenBarrierError);
        two.reset();
      }
      const forever = two.wait({ timeout: Infinity });
      await new Promise((r) => setTimeout(r, 60));
      assert.equal(await two.wait(), 1);
      assert.equal(await forever, 0);
      const [patient, hasty] = [both[0]!.wait(), both[0]!.wait({ timeout: 20 })];
      await assert.rejects(hasty, BrokenBarrierError);
      await assert.rejects(patient, /Barrier script.ts:40 is broken: thread “MainThread” \\(number 1\\) waited longer/);

      // Abort and reset with some inside.
      const b = new Barrier(3);
      let inside = [b.wait(), b.wait()];
      b.abort();
      assert.equal(b.broken, true);
      assert.equal(b.nWaiting, 0);
      for (const p of inside) await assert.rejects(p, /aborted it/);
      b.abort();
      b.reset();
      inside = [b.wait(), b.wait()];
      b.reset();
      assert.deepEqual([b.broken, b.nWaiting], [false, 0]);
      const fresh = [b.wait(), b.wait(), b.wait()];
      for (const p of inside) await assert.rejects(p, /reset it/);
      assert.deepEqual(await Promise.all(fresh), [0, 1, 2]);
      b.reset();
      assert.equal(b.broken, false);

      // An aborted wait gives its place to another; the indexes stay different.
      const reason = new Error("stop");
      await assert.rejects(b.wait({ signal: AbortSignal.abort(reason) }), reason);
      assert.equal(b.nWaiting, 0);
      const abort = new AbortController();
      const given = b.wait({ signal: abort.signal });
      const stays = b.wait();
      abort.abort(reason);
      assert.equal(b.nWaiting, 2, "not yet: promises settle in turns of the loop");
      await assert.rejects(given, reason);
      assert.equal(b.nWaiting, 1);
      const [x, y] = [b.wait(), b.wait()];
      assert.deepEqual(await Promise.all([stays, x, y]), [1, 0, 2]);
      const last = new AbortController();
      const only = b.wait({ signal: last.signal });
      last.abort(reason);
      await assert.rejects(only, reason);
      assert.deepEqual(await Promise.all([b.wait(), b.wait(), b.wait()]), [0, 1, 2]);
      console.log("done");
    `);
  });

  it("runs its action once a round, in the last to come, before anybody goes on", async () => {
    await expectScript(`
      import assert from "node:assert/strict";
      import { BrokenBarrierError, DataCloneError, isMain, RuntimeError } from "heddle";
      import { Barrier, currentThread, Thread } from "heddle/threading";
      import { Queue } from "heddle/queue";

      let ran = 0;
      function count() { ran++; }
      async function work(barrier: Barrier, out: Queue, rounds: number) {
        for (let round = 0; round < rounds; round++) {
          const before = ran;
          const index = round % 2 === 0 ? barrier.waitSync() : await barrier.wait();
          out.putSync([round, index, ran - before]);
        }
      }
      if (isMain) {
        // In one thread it may close over what it likes.
        const log: string[] = [];
        const local = new Barrier(2, { action: () => { log.push("action " + local.nWaiting); } });
        const first = local.wait().then((i) => log.push("goes on " + i));
        assert.equal(local.waitSync(), 1);
        log.push("last");
        await first;
        assert.deepEqual(log, ["action 2", "last", "goes on 0"]);
        assert.throws(() => new Thread({ target: work, args: [local, new Queue(), 1] }).start(), (e: any) =>
          e instanceof DataCloneError && e.path === "args[0]" && /action.*'(log|local)'/.test(e.message));

        // One that throws breaks it, and is thrown where it ran.
        const problem = new TypeError("bad action");
        const bad = new Barrier(3, { action: () => { throw problem; } });
        const others = [bad.wait(), bad.wait()];
        assert.throws(() => bad.waitSync(), problem);
        for (const p of others) await assert.rejects(p, (e: any) => e instanceof BrokenBarrierError && /its action threw/.test(e.message));
        assert.equal(bad.broken, true);
        bad.reset();
        const again = [bad.wait(), bad.wait()];
        await assert.rejects(bad.wait(), problem);
        for (const p of again) await assert.rejects(p, BrokenBarrierError);

        // One that waits for its own barrier would wait for ever; one that breaks or resets it, breaks its round.
        const own: Barrier = new Barrier(1, { action: () => own.waitSync() });
        assert.throws(() => own.waitSync(), RuntimeError);
        const breaks: Barrier = new Barrier(2, { action: () => breaks.abort() });
        const p = breaks.wait();
        assert.throws(() => breaks.waitSync(), BrokenBarrierError);
        await assert.rejects(p, BrokenBarrierError);
        assert.equal(breaks.broken, true);
        const resets: Barrier = new Barrier(2, { action: () => resets.reset() });
        const q = resets.wait();
        await assert.rejects(resets.wait(), BrokenBarrierError);
        await assert.rejects(q, BrokenBarrierError);
        assert.equal(resets.broken, false);

        // Between threads, by reference: each round one of them ran it.
        const barrier = new Barrier(3, { action: count });
        const out = new Queue();
        const threads = [1, 2, 3].map(() => new Thread({ target: work, args: [barrier, out, 20] }));
        for (const t of threads) t.start();
        for (const t of threads) await t.join();
        const rounds = Array.from({ length: 20 }, () => [] as number[][]);
        while (!out.empty()) { const [round, index, runs] = out.getNowait(); rounds[round]!.push([index, runs]); }
        for (const round of rounds) {
          assert.deepEqual(round.map(([index]) => index).sort(), [0, 1, 2]);
          assert.equal(round.reduce((sum, [, runs]) => sum + runs!, 0), 1);
          assert.equal(round.find(([, runs]) => runs === 1)![0], 2, "the last to come ran it");
        }
        console.log("done");
      }
    `);
  });

  it("waits as long as an action of a complete round takes: no timeout, newcomers after it", async () => {
    await expectScript(`
      import assert from "node:assert/strict";
      import { BrokenBarrierError, isMain } from "heddle";
      import { Barrier, Event, Thread } from "heddle/threading";
      import { Queue } from "heddle/queue";
      let gate: Event;
      let throws = false;
      function act() {
        gate.waitSync();
        if (throws) throw new Error("action");
      }
      function party(barrier: Barrier, timeout: number, out: Queue, go: Event, end: Event, fails: boolean) {
        [gate, throws] = [end, fails];
        out.putSync("ready");
        go.waitSync();
        try { out.putSync(barrier.waitSync({ timeout })); } catch (error) { out.putSync(error); }
      }
      if (isMain) {
        for (const fails of [false, true]) {
          const barrier = new Barrier(2, { action: act });
          const out = new Queue();
          const [goA, goB, end] = [new Event(), new Event(), new Event()];
          const a = new Thread({ target: party, args: [barrier, 500, out, goA, end, fails] });
          const b = new Thread({ target: party, args: [barrier, Infinity, out, goB, end, fails] });
          for (const t of [a, b]) t.start();
          for (const _ of [a, b]) assert.equal(await out.get(), "ready");
          goA.set();
          while (barrier.nWaiting < 1) await new Promise((r) => setTimeout(r, 1));
          goB.set();
          while (barrier.nWaiting < 2) await new Promise((r) => setTimeout(r, 1));
          // The round is complete and its action runs: this one is of the next round, and its time begins there.
          let over = false;
          const newcomer = barrier.wait({ timeout: 20 }).finally(() => { over = true; });
          newcomer.catch(() => {});
          await new Promise((r) => setTimeout(r, 550));
          assert.deepEqual([over, barrier.nWaiting, barrier.broken], [false, 2, false]);
          end.set();
          await assert.rejects(newcomer, BrokenBarrierError);
          await a.join();
          await b.join();
          const got = [await out.get(), await out.get()];
          if (fails) {
            assert.deepEqual(got.map((e) => e.constructor.name).sort(), ["BrokenBarrierError", "Error"]);
          } else assert.deepEqual(got.sort(), [0, 1]);
        }
        console.log("done");
      }
    `);
  });

  it("breaks when a thread dies in it, and names the thread", async () => {
    await expectScript(`
      import assert from "node:assert/strict";
      import { BrokenBarrierError, isMain } from "heddle";
      import { Barrier, Thread } from "heddle/threading";
      function waits(barrier: Barrier) {
        setTimeout(() => process.exit(), 30);
        return barrier.wait();
      }
      function exits() { process.exit(); }
      function runsAction(barrier: Barrier) { barrier.waitSync(); }
      if (isMain) {
        // Found by the one that comes last.
        const barrier = new Barrier(2);
        const dead = new Thread({ target: waits, args: [barrier], name: "the dead" });
        dead.start();
        await dead.join();
        assert.equal(barrier.nWaiting, 1);
        assert.throws(() => barrier.waitSync(), (e: any) => e instanceof BrokenBarrierError && /“the dead” \\(number \\d+\\) died in it/.test(e.message));
        barrier.reset();
        assert.equal(barrier.nWaiting, 0);
        // Found by those who wait.
        const big = new Barrier(4);
        const others = [big.wait(), big.wait()];
        const second = new Thread({ target: waits, args: [big] });
        second.start();
        for (const p of others) await assert.rejects(p, /died in it/);
        // It died while it ran the action of a complete round.
        const acts = new Barrier(2, { action: exits });
        const p = acts.wait();
        const third = new Thread({ target: runsAction, args: [acts], name: "actor" });
        third.start();
        await assert.rejects(p, /“actor” .* died in it/);
        assert.equal(acts.broken, true);
        console.log("done");
      }
    `);
  });

  it("lets threads pass in lockstep: rounds of many threads, more threads than parties", async () => {
    await expectScript(
      `
      import assert from "node:assert/strict";
      import { BrokenBarrierError, isMain } from "heddle";
      import { Barrier, Thread } from "heddle/threading";

      const N = 6;
      async function lockstep(barrier: Barrier, shared: SharedArrayBuffer, rounds: number, way: number) {
        const view = new Int32Array(shared);
        for (let i = 0; i < rounds; i++) {
          Atomics.add(view, 0, 1);
          assert.equal(Atomics.load(view, 1), i * N);
          if (way === 0) barrier.waitSync(); else await barrier.wait();
          Atomics.add(view, 1, 1);
          assert.equal(Atomics.load(view, 0), (i + 1) * N);
          if (way === 0) await barrier.wait(); else barrier.waitSync();
        }
      }
      /** Pairs of N threads meet, whoever comes: each takes a ticket a meeting, and the tickets are an even number. */
      async function pairs(barrier: Barrier, shared: SharedArrayBuffer, tickets: number, way: number) {
        const view = new Int32Array(shared);
        for (let i = way; Atomics.add(view, 4, 1) < tickets; i++) {
          const index = i % 2 === 0 ? barrier.waitSync() : await barrier.wait();
          Atomics.add(view, 2 + index, 1);
        }
      }
      if (isMain) {
        const shared = new SharedArrayBuffer(32);
        const view = new Int32Array(shared);
        const run = async (target: any, barrier: Barrier, rounds: number) => {
          const threads = Array.from({ length: N }, (_, i) => new Thread({ target, args: [barrier, shared, rounds, i % 2] }));
          for (const t of threads) t.start();
          for (const t of threads) await t.join();
          assert.deepEqual([barrier.nWaiting, barrier.broken], [0, false]);
        };
        await run(lockstep, new Barrier(N), 40);
        assert.deepEqual([view[0], view[1]], [40 * N, 40 * N]);
        await run(pairs, new Barrier(2), 300);
        assert.deepEqual([view[2], view[3]], [150, 150]);
        console.log("done");
      }
    `,
      { timeout: 60_000 },
    );
  });

  it("survives breaks, aborts, resets and killed threads at random", async () => {
    await expectScript(
      `
      import assert from "node:assert/strict";
      import { BrokenBarrierError, isMain } from "heddle";
      import { Barrier, Thread } from "heddle/threading";

      async function work(barrier: Barrier, shared: SharedArrayBuffer, seed: number, dies: boolean) {
        const view = new Int32Array(shared);
        const random = () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff;
        if (dies) setTimeout(() => process.exit(), 30 + random() * 150);
        while (Atomics.load(view, 0) === 0) {
          try {
            const way = random();
            let index = -1;
            if (way < 0.4) index = barrier.waitSync({ timeout: 2000 });
            else if (way < 0.8) index = await barrier.wait({ timeout: 2000 });
            else if (way < 0.85) index = await barrier.wait({ timeout: random() });
            else if (way < 0.95) {
              const abort = new AbortController();
              setTimeout(() => abort.abort(), random() * 2);
              index = await barrier.wait({ signal: abort.signal });
            } else if (way < 0.98) barrier.reset();
            else barrier.abort();
            if (index >= 0) Atomics.add(view, 1 + index, 1);
          } catch (error) {
            if (error instanceof BrokenBarrierError) {
              if (random() < 0.5) barrier.reset();
            } else assert.equal((error as Error).name, "AbortError");
          }
          await new Promise((r) => setImmediate(r));
        }
      }
      if (isMain) {
        const barrier = new Barrier(3);
        const shared = new SharedArrayBuffer(32);
        const view = new Int32Array(shared);
        const threads = Array.from({ length: 8 }, (_, i) => new Thread({ target: work, args: [barrier, shared, i * 7919 + 3, i >= 6] }));
        for (const t of threads) t.start();
        while (Atomics.load(view, 1) < 100) await new Promise((r) => setTimeout(r, 5));
        Atomics.store(view, 0, 1);
        for (;;) {
          // Who still waits is let go.
          barrier.abort();
          const left = threads.filter((t) => t.isAlive());
          if (left.length === 0) break;
          await left[0]!.join({ timeout: 20 });
        }
        // Each index was given as often as any other, but for rounds whose members were killed on their way out.
        const counts = [view[1]!, view[2]!, view[3]!];
        assert.ok(Math.max(...counts) - Math.min(...counts) <= 2, String(counts));
        // And it is as good as new.
        barrier.reset();
        assert.deepEqual(await Promise.all([barrier.wait(), barrier.wait(), barrier.wait()]), [0, 1, 2]);
        console.log("done");
      }
    `,
      { timeout: 60_000 },
    );
  });
});
