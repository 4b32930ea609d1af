/** Every shipped example, run by the command line as a user runs it, and what its report says of it. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(__dirname, "..", "..");
const cli = join(root, "dist", "cli.cjs");
const node = process.env.HEDDLE_TEST_NODE ?? process.execPath;

interface Report {
  exitCode: number;
  durationNs: number;
  processes: { pid: number; name: string; exitCode: number | null; endNs: number | null }[];
  threads: { name: string; startNs: number; endNs: number | null; runningNs: number; blockedNs: number }[];
  locks: { name: string; acquisitions: number; contended: number; site: string; wait: { totalNs: number } }[];
  queues: {
    name: string;
    capacity: number;
    puts: number;
    gets: number;
    maxDepth: number;
    putWait: { totalNs: number };
  }[];
  pools: { kind: string; workers: number; tasks: number; failed: number }[];
  findings: { rule: string; title: string }[];
  recorder: { events: number; dropped: number };
}

describe("the examples", () => {
  const folder = mkdtempSync(join(tmpdir(), "heddle-examples-"));
  after(() => rmSync(folder, { recursive: true, force: true }));

  function trace(example: string, ...args: string[]) {
    const file = join(folder, `${example}.heddle`);
    const html = join(folder, `${example}.html`);
    const reportFile = join(folder, `${example}.json`);
    const options = ["--out", file, "--html", html, "--report", "json", "--report-file", reportFile];
    const result = spawnSync(node, [cli, "run", ...options, join(root, "examples", `${example}.ts`), ...args], {
      encoding: "utf8",
      timeout: 120_000,
    });
    assert.equal(result.status, 0, result.stdout + result.stderr);
    const report = JSON.parse(readFileSync(reportFile, "utf8")) as Report;
    assert.equal(report.exitCode, 0);
    assert.equal(report.recorder.dropped, 0);
    assert.ok(statSync(file).size > 0);
    assert.match(readFileSync(html, "utf8"), /<!doctype html>/i);
    return { report, stdout: result.stdout };
  }

  it("hash-files: every chunk is a task of the pool", () => {
    const { report, stdout } = trace("hash-files", join(root, "src"));
    const files = Number(/^(\d+) files/m.exec(stdout)?.[1]);
    assert.ok(files > 20, stdout);
    const pool = report.pools[0]!;
    assert.equal(pool.kind, "ThreadPoolExecutor");
    assert.equal(pool.workers, Math.min(4, Math.ceil(files / 50)));
    assert.equal(pool.tasks, Math.ceil(files / 50));
    assert.equal(pool.failed, 0);
  });

  it("bank: money is lost without the lock and not with it", () => {
    const { report, stdout } = trace("bank");
    assert.match(stdout, /with a lock: 8000 in all accounts, nothing lost/);
    const lock = report.locks.find(({ name }) => name === "accounts")!;
    assert.equal(lock.acquisitions, 4 * 3_000);
    assert.match(lock.site, /bank\.ts:\d+/);
    assert.equal(report.threads.filter(({ name }) => name.startsWith("teller")).length, 8);
  });

  it("pipeline: the queue is full and its producer waits", () => {
    const { report, stdout } = trace("pipeline");
    assert.match(stdout, /150 pages indexed/);
    const pages = report.queues.find(({ name }) => name === "pages")!;
    assert.deepEqual([pages.capacity, pages.puts, pages.gets, pages.maxDepth], [8, 152, 152, 8]);
    assert.ok(pages.putWait.totalNs > 0);
  });

  it("threads-and-processes: the same primes everywhere, and the processes are in the trace", () => {
    const { report, stdout } = trace("threads-and-processes");
    assert.equal([...stdout.matchAll(/ 49098 primes/g)].length, 3, stdout);
    assert.ok(report.processes.length >= 2);
    const ours = report.processes;
    assert.deepEqual(
      ours.map(({ exitCode }) => exitCode),
      ours.map(() => 0),
      JSON.stringify(report.processes),
    );
    assert.deepEqual(report.pools.map(({ kind }) => kind).sort(), ["ProcessPoolExecutor", "ThreadPoolExecutor"]);
    assert.ok(report.pools.every(({ tasks }) => tasks === 24));
  });

  it("port-scan: finds the three ports that are open", () => {
    const { report, stdout } = trace("port-scan");
    assert.ok([...stdout.matchAll(/^port \d+ is open$/gm)].length >= 3, stdout);
    assert.equal(report.threads.filter(({ name }) => name.startsWith("scanner")).length, 16);
  });
});
