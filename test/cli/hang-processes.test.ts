/** Programs of several processes that can never go on, and such that only seem so. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JsonReport } from "../../src/analysis/index.js";
import { HUNG_EXIT_CODE } from "../../src/runner/hang-monitor.js";
import { runScript } from "../harness/run-script.js";

describe("a program of several processes that can never go on", function () {
  this.timeout(120_000);
  const folder = mkdtempSync(join(tmpdir(), "heddle-hang-"));
  let count = 0;
  after(() => rmSync(folder, { recursive: true, force: true }));

  async function run(source: string) {
    const report = join(folder, `${++count}.json`);
    const head = `
      import { isMain } from "heddle";
      import { Barrier, type Connection, Event, Lock, Pipe, Process } from "heddle/multiprocessing";
    `;
    const runArgs = ["--report-file", report, "--out", join(folder, `${count}.heddle`)];
    const result = await runScript(head + source, { traced: true, runArgs, timeout: 60_000 });
    return { ...result, report: () => JSON.parse(readFileSync(report, "utf8")) as JsonReport };
  }

  it("because two took two locks in opposite order is explained as a circle, with lines, live and in the report", async () => {
    const { code, stderr, report } = await run(`
      function clerk(first: Lock, second: Lock, line: Barrier) {
        first.acquireSync();
        line.waitSync();
        second.acquireSync(); // line 8
      }
      if (isMain) {
        const [accounts, ledger] = ["accounts", "ledger"].map((name) => new Lock({ name }));
        const line = new Barrier(2);
        const one = new Process({ target: clerk, args: [accounts, ledger, line], name: "one" });
        const two = new Process({ target: clerk, args: [ledger, accounts, line], name: "two" });
        one.start();
        two.start();
        one.joinSync();
      }
    `);
    assert.equal(code, HUNG_EXIT_CODE, stderr);
    assert.match(stderr, /“main of one” +waits for Lock “ledger”, which “main of two” holds, at .*:8\n/);
    assert.match(stderr, /“main of two” +waits for Lock “accounts”, which “main of one” holds, at .*:8\n/);
    assert.match(stderr, /Deadlock: “main of (one|two)” waits for “main of (one|two)” waits for “main of (one|two)”\./);
    const { deadlocks, findings, threads, processes, hung } = report();
    assert.equal(hung, true);
    assert.equal(deadlocks.length, 1);
    const names = deadlocks[0]!.cycle.map(({ thread }) => {
      const { pid } = threads.find(({ id }) => id === thread)!;
      return processes.find((process) => process.pid === pid)!.name;
    });
    assert.deepEqual(names.sort(), ["one", "two"]);
    const [worst] = findings;
    assert.equal(worst!.rule, "deadlock");
    assert.match(worst!.detail, /“main of one” waits for “ledger”, which “main of two” holds/);
  });

  for (const [form, wait, receive] of [
    ["blocked", "never.waitSync()", "ours.recvSync()"],
    ["awaited", "await never.wait()", "await ours.recv()"],
  ]) {
    it(`because a peer lives and never sends is explained, ${form}`, async () => {
      const { code, stderr, report } = await run(`
        async function peer(pipe: Connection, never: Event) {
          ${wait};
          await pipe.send("too late");
        }
        if (isMain) {
          const [ours, theirs] = Pipe({ name: "orders" });
          const child = new Process({ target: peer, args: [theirs, new Event({ name: "never" })], name: "peer" });
          child.start();
          theirs.close();
          ${receive};
        }
      `);
      assert.equal(code, HUNG_EXIT_CODE, stderr);
      assert.match(stderr, /“main of script.*” +waits for a message of Pipe “orders”, which nobody sends, at /);
      assert.match(stderr, /“main of peer” +waits for Event “never” to be set, at /);
      assert.equal(report().findings[0]!.rule, "standstill");
    });
  }

  it("because nobody reads what it sends is explained", async () => {
    const { code, stderr } = await run(`
      function peer(pipe: Connection, never: Event) {
        never.waitSync();
        pipe.recvSync();
      }
      if (isMain) {
        const [ours, theirs] = Pipe({ name: "orders" });
        const child = new Process({ target: peer, args: [theirs, new Event({ name: "never" })], name: "peer" });
        child.start();
        theirs.close();
        ours.sendBytesSync(new Uint8Array(8_000_000));
      }
    `);
    assert.equal(code, HUNG_EXIT_CODE, stderr);
    assert.match(stderr, /waits for room in Pipe “orders”, which nobody reads from/);
  });

  it("is none where a message, an answer to a signal or a lock is still to come", async () => {
    const programs = [
      `const [ours, theirs] = Pipe();
       const child = new Process({ target: late, args: [theirs] });
       child.start();
       theirs.close();
       console.log(ours.recvSync());`,
      `const [ours, theirs] = Pipe();
       const child = new Process({ target: late, args: [theirs] });
       child.start();
       theirs.close();
       console.log(await ours.recv());`,
      `const lock = new Lock();
       lock.acquireSync();
       const child = new Process({ target: taker, args: [lock] });
       child.start();
       setTimeout(() => lock.release(), 4000);
       await child.join();
       console.log("late");`,
      `const [ours, theirs] = Pipe();
       const child = new Process({ target: late, args: [theirs] });
       child.start();
       console.log(await ours.poll({ timeout: 2500 }), "late");
       await child.join();`,
    ];
    const results = await Promise.all(
      programs.map((body) =>
        run(`
          async function late(pipe: Connection) {
            await new Promise((done) => setTimeout(done, 4000));
            await pipe.send("late");
          }
          function taker(lock: Lock) { lock.acquireSync(); lock.release(); }
          if (isMain) { ${body} }
        `),
      ),
    );
    for (const { code, stdout, stderr } of results) {
      assert.doesNotMatch(stderr, /never go on/);
      assert.equal(code, 0, stderr);
      assert.match(stdout, /late/);
    }
  });
});
