/**
 * Servers, clients and clients' parents that are killed at random moments. Nobody hangs, nothing is left behind, whoever
 * talked to a dead server is told so by its address, and items are lost or doubled only by those that were killed with
 * them in hand. `HEDDLE_KILLS` is how many are killed in each test, a few by default; `HEDDLE_SEED` changes the moments.
 */
import { expectScript } from "../../harness/run-script.js";
import { randomOf } from "../../harness/seeded-random.js";

const KILLS = process.env.HEDDLE_KILLS;

const prelude = `
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { dirname } from "node:path";
import { isMain, RuntimeError } from "heddle";
import { activeChildren, type AcquirerProxy, BaseManager, type BarrierProxy, type ConditionProxy, type Connection, Manager, Pipe, Process, type QueueProxy, RawArray, type ValueProxy } from "heddle/multiprocessing";
import { Empty, Full } from "heddle/queue";
import { Thread } from "heddle/threading";

${randomOf}
const SEED = Number(process.env.HEDDLE_SEED ?? 1) * 100_000;
const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const until = async (what: () => unknown) => { while (!(await what())) await later(5); };
const isGone = (pid: number) => { try { process.kill(pid, 0); return false; } catch { return true; } };
const descriptors = (pid: number) => readdirSync("/proc/" + pid + "/fd").length;
`;
const run = async (source: string) => {
  const { stdout } = await expectScript(prelude + source, { timeout: KILLS === undefined ? 140_000 : 3_000_000 });
  if (KILLS !== undefined) console.log(stdout);
};

describe("managers under kills", function () {
  this.timeout(KILLS === undefined ? 150_000 : 3_100_000);

  it("clients and their parents, with locks, in queues, conditions and barriers, within large messages", async () => {
    await run(`
      const KILLS = ${KILLS ?? 6};
      const MOST = 3_000, ENDLESS = 400_000, IDS = KILLS + 2;
      const mostOf = (id: number) => (id === 0 ? ENDLESS : MOST);
      const place = (id: number, i: number) => (id === 0 ? IDS * MOST : id * MOST) + i;
      interface World {
        items: QueueProxy<any>; big: QueueProxy<Uint8Array>; lock: AcquirerProxy; sum: ValueProxy<number>; changed: ConditionProxy; meeting: BarrierProxy;
        started: RawArray<"i">; done: RawArray<"i">; taken: RawArray<"b">; added: RawArray<"i">; running: RawArray<"i">; children: RawArray<"i">; stop: RawArray<"i">;
      }
      const stopped = (world: World) => Atomics.load(world.stop.view, 0) !== 0;

      /** Does it, in one of the ways there are. */
      async function insist(random: () => number, sync: (o?: object) => void, promise: (o?: object) => Promise<void>) {
        for (;;) {
          const way = isMain ? 3 + 2 * Math.floor(random() * 3) : Math.floor(random() * 8);
          try {
            if (way < 3) sync();
            else if (way === 3) await promise();
            else if (way === 4) sync({ timeout: random() * 2 });
            else if (way === 5) await promise({ timeout: random() * 2 });
            else if (way === 6) sync({ blocking: false });
            else await promise({ signal: AbortSignal.timeout(Math.ceil(random() * 3)) });
            return;
          } catch (error: any) {
            if (!(error instanceof Full || error instanceof Empty) && error.name !== "TimeoutError") throw error;
          }
        }
      }
      async function produce(world: World, id: number, seed: number) {
        const { items, started, done, running } = world;
        const random = randomOf(seed);
        for (let i = 0; i < mostOf(id) && !stopped(world); i++) {
          const item = [id, i, "x".repeat(random() < 0.02 ? 200_000 : random() * 30)];
          Atomics.store(started.view, id, i + 1);
          await insist(random, (o) => items.putSync(item, o as any), (o) => items.put(item, o as any));
          Atomics.store(done.view, id, i + 1);
          Atomics.store(running.view, id, 1);
        }
      }
      async function consume({ items, taken, running }: World, id: number, seed: number) {
        const random = randomOf(seed);
        const last = new Map<number, number>();
        for (;;) {
          let item: any = null;
          await insist(random, (o) => { item = items.getSync(o as any); }, async (o) => { item = await items.get(o as any); });
          const [from, i, text] = item;
          if (from < 0) return;
          Atomics.add(taken.view, place(from, i), 1);
          Atomics.store(running.view, id, 1);
          if (!/^x*$/.test(text)) throw new Error("torn");
          if (i <= (last.get(from) ?? -1)) throw new Error("out of order");
          last.set(from, i);
        }
      }
      /** Counts under the lock. Who finds it abandoned makes it free, if nobody was faster. */
      async function count(world: World, id: number) {
        const { lock, sum, added, running } = world;
        while (!stopped(world)) {
          try {
            lock.acquireSync();
            sum.setSync(sum.getSync() + 1);
            lock.releaseSync();
            Atomics.add(added.view, id, 1);
            Atomics.store(running.view, id, 1);
          } catch (error) {
            if (!(error instanceof RuntimeError)) throw error;
            assert.match(error.message, /will never be released: .*process.*pid \\d+/);
            try { lock.releaseSync(); } catch (late) { if (!(late instanceof RuntimeError)) throw late; }
          }
        }
      }
      /** Large messages in both directions. */
      async function carry({ big, running }: World, id: number, seed: number) {
        const random = randomOf(seed);
        for (;;) {
          const bytes = new Uint8Array(1 + random() * 4e6).fill(id);
          if (random() < 0.5) await big.put(bytes); else big.putSync(bytes);
          Atomics.store(running.view, id, 1);
          const got = random() < 0.5 ? await big.get() : big.getSync();
          if (got.some((byte) => byte !== got[0])) throw new Error("torn");
        }
      }
      /** Waits for others, under the lock of a condition and in a barrier. */
      async function meet({ changed, meeting, running }: World, id: number, seed: number) {
        const random = randomOf(seed);
        for (;;) {
          try {
            Atomics.store(running.view, id, 1);
            changed.acquireSync();
            changed.notifySync();
            if (random() < 0.5) changed.waitSync({ timeout: 5 }); else await changed.wait({ timeout: 5 });
            changed.releaseSync();
            await meeting.wait({ timeout: 2 });
          } catch (error: any) {
            if (error.name === "BrokenBarrierError") await meeting.reset();
            else if (!(error instanceof RuntimeError)) throw error;
            else { assert.match(error.message, /will never be released/); try { changed.releaseSync(); } catch {} }
          }
        }
      }
      /** A client whose child is a client, too. */
      async function parent(world: World, id: number) {
        const child = new Process({ target: count, args: [world, id], daemon: true });
        child.start();
        Atomics.store(world.children.view, id, child.pid!);
        await count(world, id);
      }

      if (isMain) {
        const random = randomOf(SEED);
        const manager = await Manager();
        const server = activeChildren()[0]!.pid!;
        const world: World = {
          items: await manager.Queue({ maxSize: 4 }), big: await manager.Queue(), lock: await manager.RLock(), sum: await manager.Value("i", 0),
          changed: await manager.Condition(), meeting: await manager.Barrier(2),
          started: new RawArray("i", IDS), done: new RawArray("i", IDS), taken: new RawArray("b", IDS * MOST + ENDLESS), added: new RawArray("i", IDS), running: new RawArray("i", IDS), children: new RawArray("i", IDS), stop: new RawArray("i", 1),
        };
        const start = (target: any, ...args: unknown[]) => {
          const process = new Process<any>({ target, args: [world, ...args] as any, daemon: target !== parent });
          process.start();
          return process;
        };
        const [producer, consumer, counter] = [start(produce, 0, SEED), start(consume, KILLS + 1, SEED + 1), start(count, KILLS + 1)];
        const mine = consume(world, KILLS + 1, SEED + 2);
        await until(() => Atomics.load(world.added.view, KILLS + 1) > 0);
        const open = descriptors(server);
        const roles: any[] = [produce, consume, count, carry, meet, parent];
        let [killedConsumers, killedCounters] = [0, 0];
        for (let k = 0; k < KILLS; k++) {
          const role = roles[(k + Number(SEED / 100_000)) % roles.length];
          const id = k + 1;
          const doomed = start(role, id, SEED + 10 + k);
          if (role === consume) killedConsumers++;
          if (role === count) killedCounters++;
          if (role === parent) killedCounters += 2;
          await until(() => Atomics.load(world.running.view, id) !== 0 || doomed.exitCode !== null);
          await later(random() * 20);
          doomed.kill();
          await doomed.join();
          assert.ok(doomed.exitCode === -9 || (role === produce && doomed.exitCode === 0), role.name + ": " + doomed.exitCode);
        }
        Atomics.store(world.stop.view, 0, 1);
        for (const process of [producer, counter]) { await process.join(); assert.equal(process.exitCode, 0); }
        while (!(await world.items.empty())) await later(1);
        for (let i = 0; i < 2; i++) await world.items.put([-1, 0, ""]);
        await mine;
        await consumer.join();
        assert.equal(consumer.exitCode, 0);
        let [items, missing] = [0, 0];
        for (let id = 0; id < IDS; id++) {
          const [begun, over] = [world.started[id]!, world.done[id]!];
          for (let i = 0; i < mostOf(id); i++) {
            const count = world.taken.view[place(id, i)]!;
            assert.ok(count <= (i < begun ? 1 : 0), "item " + id + "/" + i + " came " + count + " times");
            items += count;
            if (i < over && count === 0) missing++;
          }
        }
        assert.ok(missing <= killedConsumers, missing + " items are missing, " + killedConsumers + " consumers were killed");
        const told = [...world.added.view].reduce((a, b) => a + b), sum = await world.sum.get();
        assert.ok(sum >= told && sum <= told + killedCounters, told + " were added, the sum is " + sum);
        // Of the killed nothing is left: no child, no place in a line, no reference, no descriptor.
        for (const pid of world.children.view) if (pid !== 0) await until(() => isGone(pid));
        await until(async () => (await world.meeting.state()).nWaiting === 0);
        try { assert.equal(await world.lock.acquire(), true); } catch (error) { assert.ok(error instanceof RuntimeError); }
        await world.lock.release();
        await until(async () => (await manager.numberOfObjects()) === 6);
        await until(() => descriptors(server) <= open);
        const address = manager.address as string;
        await manager.shutdown();
        assert.ok(isGone(server));
        assert.equal(existsSync(dirname(address)), false);
        assert.deepEqual(activeChildren(), []);
        console.log(KILLS + " killed, " + items + " items, " + missing + " gone with consumers, counted to " + sum);
        console.log("done");
      }
    `);
  });

  it("servers: all their clients are told so, by promises and blocked, and a new one serves them", async () => {
    await run(`
      const KILLS = ${KILLS ?? 3};
      type Shared = { address: string; queue: QueueProxy<any>; lock: AcquirerProxy; value: ValueProxy<number> };

      /** Uses a server until it fails. Returns the error. */
      async function use({ queue, lock, value }: Shared, seed: number, blocks: boolean): Promise<any> {
        const random = randomOf(seed);
        try {
          for (;;) {
            const what = Math.floor(random() * 6);
            if (what === 0) blocks ? value.setSync(1) : await value.set(1);
            else if (what === 1) blocks ? queue.putSync(new Uint8Array(random() * 3e6)) : await queue.put(new Uint8Array(random() * 3e6));
            else if (what === 2) blocks ? queue.getSync() : await queue.get();
            else if (what === 3) { blocks ? lock.acquireSync() : await lock.acquire(); blocks ? lock.releaseSync() : await lock.release(); }
            else if (what === 4) blocks ? value.getSync() : await Promise.all(Array.from({ length: 20 }, () => value.get()));
            else blocks ? queue.qsizeSync() : await queue.qsize();
          }
        } catch (error) {
          return error;
        }
      }
      function check(error: any, address: string) {
        if (["ECONNRESET", "ECONNREFUSED"].includes(error?.code) && error.message.includes(address)) return "fine";
        return "not told clearly: " + error?.stack;
      }
      function threadMain(shared: Shared, seed: number) {
        return use(shared, seed, true).then((error) => { const said = check(error, shared.address); if (said !== "fine") { console.log(said); process.exit(3); } });
      }
      /** A process that uses one server after the other, in three ways at once. */
      async function client(told: Connection, number: number) {
        for (let generation = 0; ; generation++) {
          const shared: Shared | null = await told.recv();
          if (shared === null) return;
          const seed = ${"SEED"} + generation * 10 + number;
          const thread = new Thread({ target: threadMain, args: [shared, seed + 3] });
          thread.start();
          const errors = await Promise.all([use(shared, seed, false), use(shared, seed + 5, false)]);
          errors.push(await use(shared, seed + 7, true));
          await thread.join();
          await told.send(errors.map((error) => check(error, shared.address)));
        }
      }
      if (isMain) {
        const random = randomOf(SEED);
        const clients = [0, 1].map((number) => {
          const [ours, theirs] = Pipe();
          const process = new Process({ target: client, args: [theirs, number], daemon: true });
          process.start();
          theirs.close();
          return { process, ours };
        });
        for (let k = 0; k < KILLS; k++) {
          const manager = await Manager();
          const address = manager.address as string;
          const shared: Shared = { address, queue: await manager.Queue({ maxSize: 2 }), lock: await manager.Lock(), value: await manager.Value("i", 0) };
          const server = activeChildren().find(({ pid }) => !clients.some(({ process }) => process.pid === pid))!;
          for (const { ours } of clients) await ours.send(shared);
          const mine = [use(shared, SEED + k, false), use(shared, SEED + k + 50, false)];
          await later(random() * 150);
          process.kill(server.pid!, "SIGKILL");
          for (const error of await Promise.all(mine)) assert.equal(check(error, address), "fine");
          assert.equal(check(await use(shared, SEED + k + 99, true), address), "fine");
          await server.join();
          for (const { ours } of clients) assert.deepEqual(await ours.recv(), ["fine", "fine", "fine"]);
          await manager.shutdown();
          assert.equal(existsSync(dirname(address)), false);
        }
        for (const { ours, process } of clients) {
          await ours.send(null);
          await process.join();
          assert.equal(process.exitCode, 0);
        }
        assert.deepEqual(activeChildren(), []);
        console.log(KILLS + " servers killed");
        console.log("done");
      }
    `);
  });

  it("programs that started a server, and use it: it ends, with its other clients and its socket", async () => {
    await run(`
      const KILLS = ${KILLS ?? 1};
      function work(value: ValueProxy<number>) {
        for (;;) value.setSync(value.getSync() + 1);
      }
      async function program(tell: Connection) {
        const manager = await Manager();
        const server = activeChildren()[0]!.pid!;
        const value = await manager.Value("i", 0);
        const worker = new Process({ target: work, args: [value], daemon: true });
        worker.start();
        await tell.send([manager.address, server, worker.pid]);
        for (;;) await value.get();
      }
      if (isMain) {
        const random = randomOf(SEED);
        for (let k = 0; k < KILLS; k++) {
          const [ours, theirs] = Pipe();
          const process = new Process({ target: program, args: [theirs] });
          process.start();
          const [address, ...pids] = await ours.recv();
          await later(random() * 300);
          process.kill();
          await process.join();
          for (const pid of pids) await until(() => isGone(pid));
          await until(() => !existsSync(dirname(address)));
          ours.close();
        }
        console.log(KILLS + " programs killed");
        console.log("done");
      }
    `);
  });
});
