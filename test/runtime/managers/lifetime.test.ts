/** How servers and their clients end, in order and otherwise: nothing hangs, and nothing is left. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { expectScript, runScript } from "../../harness/run-script.js";

const prelude = `
import assert from "node:assert/strict";
import { existsSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { isMain, RuntimeError } from "heddle";
import { activeChildren, type AcquirerProxy, BaseManager, type Connection, type EventProxy, Manager, ManagerSync, Pipe, Process, type QueueProxy, type ValueProxy } from "heddle/multiprocessing";
import { Thread } from "heddle/threading";
const isGone = (pid: number) => { try { process.kill(pid, 0); return false; } catch { return true; } };
const until = async (what: () => unknown) => { while (!(await what())) await new Promise((r) => setTimeout(r, 10)); };
`;
const run = (source: string) => expectScript(prelude + source, { timeout: 90_000 });

describe("the life of a manager's server", function () {
  this.timeout(100_000);

  it("ends with the program that started it, however that one ends, and leaves no socket", async () => {
    await run(`
      class Busy { ping() {} async work() { for (;;) await new Promise((r) => setTimeout(r, 1)); } }
      class Base extends BaseManager {}
      const M = Base.register("Busy", { class: Busy });
      const ends: Record<string, () => unknown> = {
        returns() {},
        exits() { process.exit(0); },
        throws() { throw new Error("on purpose"); },
        "is killed"() { process.kill(process.pid, "SIGKILL"); return new Promise(() => setInterval(() => {}, 1000)); },
        "is terminated"() { process.kill(process.pid, "SIGTERM"); return new Promise(() => setInterval(() => {}, 1000)); },
      };
      async function starter(how: string, work: boolean, tell: Connection) {
        const manager = new M();
        await manager.start();
        const busy = await manager.Busy();
        if (work) { void busy.work().catch(() => {}); await busy.ping(); }
        await tell.send([manager.address, activeChildren()[0]!.pid]);
        await ends[how]!();
      }
      if (isMain) {
        await Promise.all(Object.keys(ends).map(async (how, i) => {
          const [ours, theirs] = Pipe();
          const process = new Process({ target: starter, args: [how, i % 2 === 1, theirs] });
          process.start();
          const [address, pid] = await ours.recv();
          await process.join();
          await until(() => isGone(pid));
          await until(() => !existsSync(dirname(address)));
        }));
        console.log("done");
      }
    `);
  });

  it("killed with all that could clean up behind it, its socket is removed by the next one", async () => {
    const { stdout } = await runScript(
      `${prelude}
      if (isMain) {
        const manager = await Manager();
        writeSync(1, manager.address + "\\n");
        process.kill(-process.pid, "SIGKILL"); // the whole group
        setInterval(() => {}, 1000);
      }`,
      { timeout: 60_000 },
    );
    const path = stdout.trim();
    assert.match(path, /heddle-manager-/);
    await run(`if (isMain) { await using manager = await Manager(); console.log("done"); }`);
    assert.equal(existsSync(path), false);
  });

  it("shuts down in order, by force if it has to, and leaves no socket", async () => {
    await run(`
      class Stubborn { block() { for (;;); } ping() { return 1; } }
      class Base extends BaseManager {}
      const M = Base.register("Stubborn", { class: Stubborn });
      if (isMain) {
        for (const sync of [false, true]) {
          const manager = await Manager();
          const path = manager.address as string, pid = activeChildren()[0]!.pid!;
          assert.ok(existsSync(path));
          assert.equal((await import("node:fs")).statSync(dirname(path)).mode & 0o77, 0);
          if (sync) manager.shutdownSync(); else await manager.shutdown();
          assert.ok(isGone(pid));
          assert.equal(existsSync(path), false);
          assert.equal(existsSync(dirname(path)), false);
        }
        for (const sync of [false, true]) {
          const manager = new M({ shutdownTimeout: 50 });
          await manager.start();
          const path = manager.address as string, pid = activeChildren()[0]!.pid!;
          const stubborn = await manager.Stubborn();
          const blocked = stubborn.block() as Promise<never>;
          blocked.catch(() => {});
          if (sync) manager.shutdownSync(); else await manager.shutdown();
          await assert.rejects(blocked, (e: NodeJS.ErrnoException) => ["ECONNRESET", "EPIPE"].includes(e.code!));
          assert.ok(isGone(pid));
          assert.equal(existsSync(path), false);
        }
        let path = "";
        { using manager = ManagerSync(); path = manager.address as string; }
        assert.equal(existsSync(path), false);
        assert.deepEqual(activeChildren(), []);
        console.log("done");
      }
    `);
  });

  it("killed, it leaves its clients with clear errors: those that wait, and those that come", async () => {
    await run(`
      async function wait(lock: AcquirerProxy, started: EventProxy) {
        try { await started.set(); await lock.acquire(); } catch (error) { process.exit((error as NodeJS.ErrnoException).code === "ECONNRESET" ? 7 : 8); }
      }
      function waitSync(lock: AcquirerProxy) {
        try { lock.acquireSync(); } catch (error) { process.exit((error as NodeJS.ErrnoException).code === "ECONNRESET" ? 7 : 8); }
      }
      if (isMain) {
        const manager = await Manager();
        const lock = await manager.Lock(), started = await manager.Event(), queue = await manager.Queue();
        await lock.acquire();
        const clients = [new Process({ target: wait, args: [lock, started] }), new Process({ target: waitSync, args: [lock] })];
        const server = activeChildren()[0]!;
        for (const client of clients) client.start();
        await started.wait();
        const mine = [lock.acquire(), queue.get(), started.wait()];
        for (const wait of mine) wait.catch(() => {});
        process.kill(server.pid!, "SIGKILL");
        for (const wait of [mine[0]!, mine[1]!]) await assert.rejects(wait, { code: "ECONNRESET" });
        await server.join();
        for (const client of clients) { await client.join(); assert.ok([7, 8].includes(client.exitCode!), String(client.exitCode)); }
        await assert.rejects(queue.put(1), { code: "ECONNREFUSED" });
        assert.throws(() => queue.putSync(1), { code: "ECONNREFUSED" });
        await assert.rejects(manager.list(), { code: "ECONNREFUSED" });
        await manager.shutdown();
        assert.equal(existsSync(manager.address as string), false);
        console.log("done");
      }
    `);
  });

  it("survives its clients, killed at any moment: nobody else waits, nothing is lost that they had not taken", async () => {
    await run(`
      function work(tasks: QueueProxy<number>, results: QueueProxy<number>, lock: AcquirerProxy, sum: ValueProxy<number>) {
        for (;;) {
          const task = tasks.getSync();
          try {
            using _held = lock.holdSync();
            sum.setSync(sum.getSync() + 1);
          } catch (error) {
            if (!(error instanceof RuntimeError)) throw error;
            try { lock.releaseSync(); } catch {}
          }
          results.putSync(task);
        }
      }
      if (isMain) {
        await using manager = await Manager();
        const tasks = await manager.Queue<number>(), results = await manager.Queue<number>();
        const lock = await manager.Lock({ name: "sum" }), sum = await manager.Value("i", 0);
        const COUNT = 400, KILLS = 12;
        for (let i = 0; i < COUNT; i++) await tasks.put(i);
        const start = () => { const p = new Process({ target: work, args: [tasks, results, lock, sum], daemon: true }); p.start(); return p; };
        const workers = [start(), start()];
        for (let i = 0; i < KILLS; i++) {
          await new Promise((r) => setTimeout(r, 20 + Math.random() * 200));
          const victim = workers.shift()!;
          victim.kill();
          await victim.join();
          workers.push(start());
        }
        // Each of the killed had one task at most; all others arrive, each once.
        const seen = new Set<number>();
        while ((await tasks.qsize()) > 0) await new Promise((r) => setTimeout(r, 20));
        for (;;) {
          try {
            const n = await results.get({ timeout: 1500 });
            assert.ok(!seen.has(n), "twice: " + n);
            seen.add(n);
          } catch (error) {
            if ((error as Error).name !== "Empty") throw error;
            break;
          }
        }
        assert.ok(seen.size >= COUNT - KILLS && seen.size <= COUNT, "arrived: " + seen.size);
        for (const worker of workers) worker.kill();
        for (const worker of workers) await worker.join();
        // Their references are given back.
        await until(async () => (await manager.numberOfObjects()) === 4);
        try { await lock.acquire({ timeout: 2000 }); } catch (error) { assert.ok(error instanceof RuntimeError); }
        await lock.release();
        console.log("done");
      }
    `);
  });

  it("does not wait for clients, nor they for it: a thread that ends, a program that connects and goes", async () => {
    await run(`
      function touch(value: ValueProxy<number>) { value.setSync(value.getSync() + 1); }
      if (isMain) {
        await using manager = await Manager();
        const value = await manager.Value("i", 0);
        for (let i = 0; i < 5; i++) {
          const thread = new Thread({ target: touch, args: [value] });
          thread.start();
          await thread.join();
        }
        assert.equal(await value.get(), 5);
        const event = await manager.Event();
        await assert.rejects(event.wait({ signal: AbortSignal.timeout(20) }), { name: "TimeoutError" });
        console.log("done");
      }
    `);
  });
});
