/** Hundreds of queues: what each costs, in the process that makes it and in those it goes to, and that it is given back. */
import { expectScript } from "../../harness/run-script.js";

describe("many queues of processes", function () {
  this.timeout(60_000);

  it("are made, and arrive, without a garbage collection for each, and give all back when they are dropped", () =>
    expectScript(
      `
      import assert from "node:assert/strict";
      import { readdirSync, readFileSync } from "node:fs";
      import { PerformanceObserver } from "node:perf_hooks";
      import { setTimeout as pause } from "node:timers/promises";
      import { setFlagsFromString } from "node:v8";
      import { runInNewContext } from "node:vm";
      import { isMain } from "heddle";
      import { Process, Queue } from "heddle/multiprocessing";
      setFlagsFromString("--expose-gc");
      const gc = runInNewContext("gc") as () => void;
      const COUNT = 150;
      /** How many pieces of shared memory this process has mapped. */
      const mapped = () => readFileSync("/proc/self/maps", "utf8").split("\\n").filter((line) => line.includes("/memfd:heddle")).length;
      const descriptors = () => readdirSync("/proc/self/fd").length;
      const resident = () => Number(/VmRSS:\\s+(\\d+)/.exec(readFileSync("/proc/self/status", "utf8"))![1]) / 1024;
      let major = 0;
      const MAJOR = 4;
      const watch = () => new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) if ((entry as any).detail.kind === MAJOR) major++;
      }).observe({ entryTypes: ["gc"] });
      async function pass(all: Queue<number>[], count: Queue<number>) {
        watch();
        for (const q of all) q.putSync(q.getSync() + 1);
        await pause(20);
        count.putSync(major);
      }
      async function use() {
        const all = Array.from({ length: COUNT }, () => new Queue<number>());
        for (const [i, q] of all.entries()) q.putSync(i);
        await pause(20);
        assert.ok(major <= COUNT / 10, major + " collections when they were made");
        assert.ok(mapped() >= COUNT);
        const count = new Queue<number>();
        const child = new Process({ target: pass, args: [all, count] });
        child.start(); child.joinSync();
        assert.equal(child.exitCode, 0);
        assert.ok(count.getSync() <= COUNT / 10, "collections when they arrived");
        for (const [i, q] of all.entries()) assert.equal(q.getSync(), i + 1);
      }
      if (isMain) {
        watch();
        new Queue().putSync(1);
        const [before, rss] = [mapped(), resident()];
        await use();
        assert.ok(resident() - rss < 150, "they took " + (resident() - rss) + " MiB");
        for (let i = 0; i < 200 && mapped() > before + 5; i++) { gc(); await pause(20); }
        assert.ok(mapped() <= before + 5, mapped() + " are still mapped");
        // Made and dropped, the collector comes by of itself: not at each, and before descriptors run out. (Mappings it
        // may leave for a while, in Node 24 for thousands of queues.)
        let [most, made] = [0, 0];
        for (; made < 3000 && descriptors() > most - 50; made += 10) {
          most = Math.max(most, descriptors());
          for (let i = 0; i < 10; i++) new Queue().putSync(i);
          await pause(1);
        }
        assert.ok(made < 3000, "nothing was collected");
        console.log("done");
      }
    `,
      { timeout: 55_000 },
    ));

  it("are made where a process may have few addresses, too", () =>
    expectScript(
      `
      import assert from "node:assert/strict";
      import { spawnSync } from "node:child_process";
      import { isMain } from "heddle";
      import { Queue } from "heddle/multiprocessing";
      if (isMain && process.env.FEW_ADDRESSES === undefined) {
        const command = [process.execPath, ...process.execArgv, process.argv[1]!].map((word) => "'" + word + "'").join(" ");
        const run = spawnSync("sh", ["-c", "ulimit -v 20000000; exec " + command], { env: { ...process.env, FEW_ADDRESSES: "1" }, encoding: "utf8" });
        assert.equal(run.stdout.trim(), "0,1,2,3,4,5,6,7", run.stderr);
        console.log("done");
      } else if (isMain) {
        const all = Array.from({ length: 8 }, (_, i) => { const q = new Queue<number>(); q.putSync(i); return q; });
        console.log(all.map((q) => q.getSync()).join());
      }
    `,
      { timeout: 55_000 },
    ));

  it("hold a large backlog, too: what is written is all there", () =>
    expectScript(
      `
      import assert from "node:assert/strict";
      import { isMain } from "heddle";
      import { Process, Queue } from "heddle/multiprocessing";
      function drain(q: Queue<Uint8Array>, sums: Queue<number>) {
        let sum = 0;
        for (let i = 0; i < 40; i++) { const bytes = q.getSync(); sum += bytes[0]! + bytes[bytes.length - 1]!; }
        sums.putSync(sum);
      }
      if (isMain) {
        const q = new Queue<Uint8Array>(), sums = new Queue<number>();
        const bytes = new Uint8Array(2_000_000);
        for (let i = 0; i < 40; i++) { bytes[0] = i; bytes[bytes.length - 1] = 2 * i; q.putSync(bytes); }
        const child = new Process({ target: drain, args: [q, sums] });
        child.start();
        assert.equal(sums.getSync(), 3 * (39 * 40) / 2);
        child.joinSync();
        console.log("done");
      }
    `,
      { timeout: 55_000 },
    ));
});
