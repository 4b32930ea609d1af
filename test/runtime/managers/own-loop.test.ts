/** Connections that say so much that each thread reads them by its own event loop: nothing else may change by that. */
import { expectScript } from "../../harness/run-script.js";

const prelude = `
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { isMain } from "heddle";
import { type Address, BaseManager, Manager, Process, type QueueProxy } from "heddle/multiprocessing";
import { Thread } from "heddle/threading";
class Echo { echo(value: unknown) { return value; } }
class Base extends BaseManager {}
const M = Base.register("Echo", { class: Echo });
type EchoProxy = Awaited<ReturnType<InstanceType<typeof M>["Echo"]>>;
/** More than from which on a thread reads by itself. */
const MANY = 200;
`;
const run = (source: string) => expectScript(prelude + source, { timeout: 90_000 });

describe("a manager's connections in the event loop", function () {
  this.timeout(100_000);

  it("give each its own answer, of any size, to promises and blocked calls alike", async () => {
    await run(`
      async function talk(echo: EchoProxy) {
        for (let i = 0; i < MANY; i++) echo.echoSync(i);
        const sizes = [0, 1, 100, 16_000, 17_000, 65_531, 65_536, 70_000, 400_000];
        const wanted = (i: number) => new Uint8Array(sizes[i % sizes.length]!).fill(i);
        for (let i = 0; i < 60; i += 6) {
          const pending = [0, 1, 2, 3].map((n) => echo.echo(wanted(i + n)));
          // Its answer comes behind the others', which are taken by the thread that blocks.
          assert.deepEqual(echo.echoSync(wanted(i + 4)), wanted(i + 4));
          if (i % 4 === 0) await new Promise((resolve) => setImmediate(resolve));
          assert.deepEqual(echo.echoSync(wanted(i + 5)), wanted(i + 5));
          for (const [n, answer] of (await Promise.all(pending)).entries()) assert.deepEqual(answer, wanted(i + n));
        }
      }
      if (isMain) {
        await using manager = new M();
        await manager.start();
        const echo = await manager.Echo();
        const thread = new Thread({ target: talk, args: [echo] });
        thread.start();
        await talk(echo);
        await thread.join();
        console.log("done");
      }
    `);
  });

  it("are served also while the server's thread waits for another server", async () => {
    await run(`
      function client(address: Address, told: QueueProxy<string>) {
        const manager = new M({ address });
        manager.connectSync();
        const echo = manager.EchoSync();
        for (let i = 0; i < MANY; i++) echo.echoSync(i);
        told.putSync("begun");
        for (let i = 0; i < MANY; i++) assert.equal(echo.echoSync(i), i);
        told.putSync("done");
      }
      if (isMain) {
        await using other = await Manager();
        const told = await other.Queue<string>();
        for (let i = 0; i < MANY; i++) await told.qsize();
        const server = new M().getServer();
        const end = new AbortController();
        const serving = server.serveForever({ signal: end.signal });
        const child = new Process({ target: client, args: [server.address, told] });
        child.start();
        assert.equal(await told.get(), "begun");
        assert.equal(told.getSync(), "done");
        await child.join();
        assert.equal(child.exitCode, 0);
        end.abort();
        await serving;
        console.log("done");
      }
    `);
  });

  it("leave no descriptor when they are given up, at neither end", async () => {
    await run(`
      const open = (pid: number) => readdirSync("/proc/" + pid + "/fd").length;
      function visit(echo: EchoProxy) { for (let i = 0; i < MANY; i++) echo.echoSync(i); }
      if (isMain) {
        await using manager = new M();
        await manager.start();
        const { activeChildren } = await import("heddle/multiprocessing");
        const server = activeChildren()[0]!.pid!;
        const echo = await manager.Echo();
        const visits = async (count: number) => {
          for (let i = 0; i < count; i++) {
            const thread = new Thread({ target: visit, args: [echo] });
            thread.start();
            await thread.join();
          }
        };
        visit(echo);
        await visits(1);
        const before = [open(process.pid), open(server)];
        await visits(6);
        // The end of a connection is seen a moment after that of its thread.
        while (open(process.pid) > before[0]! || open(server) > before[1]!) await new Promise((resolve) => setTimeout(resolve, 10));
        console.log("done");
      }
    `);
  });
});
