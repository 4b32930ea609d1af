/** The worker that serves a thread's children is gone before its thread, as when it ran out of memory: nobody waits for it. */
import { expectScript } from "../../harness/run-script.js";

describe("A thread whose io-service is gone", function () {
  this.timeout(60_000);

  it("sees that its children were killed, can start none, and ends", () =>
    expectScript(
      `
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import threads from "node:worker_threads";

let service: threads.Worker;
const { Worker } = threads;
threads.Worker = class extends Worker {
  constructor(...args: ConstructorParameters<typeof Worker>) {
    super(...args);
    if (String(args[0]).includes("io-service")) service = this;
  }
};
syncBuiltinESMExports();
const { isMain } = await import("heddle");
const { activeChildren, Process } = await import("heddle/multiprocessing");

function spins() { for (;;); }
function nothing() {}
const runs = (pid: number) => existsSync("/proc/" + pid) && !/\\) [ZX] /.test(readFileSync("/proc/" + pid + "/stat", "utf8"));
if (isMain) {
  const first = new Process({ target: nothing });
  first.start();
  first.joinSync();
  const child = new Process({ target: spins });
  child.start();
  const pid = child.pid!;
  await service!.terminate();
  child.joinSync();
  assert.equal(child.exitCode, -9);
  assert.deepEqual(activeChildren(), []);
  while (runs(pid)) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.throws(() => new Process({ target: nothing }).start(), /could not be started: the thread of the library/);
  console.log("done");
}`,
      { timeout: 50_000 },
    ));
});
