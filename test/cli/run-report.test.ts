/** A real script under the real recorder: the report's numbers are those of the script. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Ajv from "ajv";
import type { JsonReport } from "../../src/analysis/report/report-types.js";

const cli = join(__dirname, "../../dist/cli.cjs");
const schema = JSON.parse(readFileSync(join(__dirname, "../../docs/report.schema.json"), "utf8"));

const WORK = `
import { isMain } from "heddle";
import { Lock, Thread } from "heddle/threading";
import { Queue } from "heddle/queue";
import { ThreadPoolExecutor } from "heddle/futures";

function teller(lock: Lock, times: number) {
  for (let i = 0; i < times; i++) {
    using _ = lock.holdSync();
  }
}
function consumer(queue: Queue<number | null>) {
  let sum = 0;
  for (let item = queue.getSync(); item !== null; item = queue.getSync()) sum += item;
}
function odd(n: number) {
  if (n % 2 === 1) throw new Error("odd");
  return n;
}
async function main() {
  const lock = new Lock({ name: "accounts" });
  const tellers = [1, 2].map((i) => new Thread({ target: teller, args: [lock, 500], name: \`teller \${i}\` }));
  for (const thread of tellers) thread.start();
  for (const thread of tellers) await thread.join();
  const queue = new Queue<number | null>({ maxSize: 4, name: "items" });
  const eater = new Thread({ target: consumer, args: [queue], name: "eater" });
  eater.start();
  for (let i = 0; i < 20; i++) await queue.put(i);
  await queue.put(null);
  await eater.join();
  await using pool = new ThreadPoolExecutor({ maxWorkers: 2 });
  const futures = [0, 1, 2, 3, 4, 5].map((n) => pool.submit(odd, n));
  let failed = 0;
  for (const future of futures) if (await future.exception()) failed++;
  console.log("failed", failed);
}
if (isMain) await main();
`;

const STUCK = `
import { isMain } from "heddle";
import { Event as _, Lock, Thread } from "heddle/threading";
import { Queue } from "heddle/queue";
function taker(first: Lock, second: Lock, has: Queue<number>, go: Queue<number>) {
  first.acquireSync();
  has.putSync(1);
  go.getSync();
  second.acquireSync();
}
async function main() {
  const [left, right] = [new Lock({ name: "left" }), new Lock({ name: "right" })];
  const [has, go] = [new Queue<number>(), new Queue<number>()];
  new Thread({ target: taker, args: [left, right, has, go], name: "a" }).start();
  new Thread({ target: taker, args: [right, left, has, go], name: "b" }).start();
  await has.get();
  await has.get();
  await go.put(1);
  await go.put(2);
  console.log("stuck");
}
if (isMain) await main();
`.replace("Event as _, ", "");

describe("report of a run", function () {
  this.timeout(60_000);
  let folder = "";
  before(() => {
    assert.ok(existsSync(cli), "dist/cli.cjs is missing: build first");
    folder = mkdtempSync(join(tmpdir(), "heddle-run-"));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  function run(
    name: string,
    source: string,
    interruptAt = "",
  ): Promise<{ report: JsonReport; stdout: string; stderr: string }> {
    writeFileSync(join(folder, `${name}.mts`), source);
    const args = ["run", "--out", `${name}.heddle`, "--report", "json", "--report-file", `${name}.json`, `${name}.mts`];
    return new Promise((done, fail) => {
      const child = spawn(process.execPath, [cli, ...args], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
      let stdout = "";
      let stderr = "";
      let interrupted = false;
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        stdout += text;
        if (interruptAt !== "" && stdout.includes(interruptAt) && !interrupted) {
          interrupted = true;
          // Long enough for both to be waiting for good, and for what they wait for to be in the file.
          setTimeout(() => child.kill("SIGINT"), 600);
        }
      });
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        stderr += text;
      });
      child.on("error", fail);
      child.on("close", () => {
        try {
          const report = JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8")) as JsonReport;
          done({ report, stdout, stderr });
        } catch (error) {
          fail(new Error(`no report; the run said: ${stderr}`, { cause: error }));
        }
      });
    });
  }

  it("counts what the script did, exactly", async () => {
    const { report, stdout, stderr } = await run("work", WORK);
    assert.equal(stdout, "failed 3\n", stderr);
    const validate = new Ajv().compile(schema);
    assert.ok(validate(report), JSON.stringify(validate.errors));
    assert.equal(report.exitCode, 0);
    assert.equal(report.cut, "");
    assert.equal(report.recorder.dropped, 0);

    const accounts = report.locks.find((lock) => lock.name === "accounts");
    assert.equal(accounts?.acquisitions, 1000);
    assert.match(accounts.site, /work\.mts:21$/);
    assert.ok(accounts.hold.totalNs > 0 && accounts.hold.totalNs < report.durationNs);

    const items = report.queues.find((queue) => queue.name === "items");
    assert.deepEqual([items?.puts, items?.gets, items?.capacity], [21, 21, 4]);
    assert.ok(items!.maxDepth <= 4);

    const [pool] = report.pools;
    assert.deepEqual([pool?.tasks, pool?.failed, pool?.cancelled], [6, 3, 0]);
    assert.ok(report.findings.some((finding) => finding.rule === "failing-tasks"));

    for (const name of ["main", "teller 1", "teller 2", "eater"]) {
      const thread = report.threads.find((one) => one.name === name);
      assert.ok(thread, name);
      const { startNs, endNs, runningNs, runnableNs, blockedNs, idleNs, ioNs } = thread;
      const sum = runningNs + runnableNs + blockedNs + idleNs + ioNs;
      assert.ok(
        Math.abs(sum - (endNs - startNs)) < 20e6,
        `${name}: states cover its life: ${sum} of ${endNs - startNs}`,
      );
    }
  });

  it("finds the deadlock of a script that had to be stopped", async () => {
    const { report } = await run("stuck", STUCK, "stuck");
    assert.equal(report.deadlocks.length, 1);
    const names = new Map([...report.threads, ...report.locks].map(({ id, name }) => [id, name]));
    const circle = report.deadlocks[0]!.cycle.map((step) =>
      [step.thread, step.waitsFor, step.heldBy].map((id) => names.get(id)),
    );
    assert.deepEqual(circle.sort(), [
      ["a", "right", "b"],
      ["b", "left", "a"],
    ]);
    assert.match(report.deadlocks[0]!.cycle[0]!.site, /stuck\.mts:9$/);
    assert.equal(report.findings[0]!.rule, "deadlock");
  });
});
