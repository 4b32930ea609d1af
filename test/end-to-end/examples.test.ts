/** Every shipped example, run by the command line as a user runs it, and what its report says of it. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(__dirname, "..", "..");
const cli = join(root, "dist", "cli.cjs");
const node = process.env.HEDDLE_TEST_NODE ?? process.execPath;

interface Report {
  exitCode: number;
  durationNs: number;
  processes: { pid: number; name: string; exitCode: number | null; signal: string | null; endNs: number | null }[];
  threads: { name: string; startNs: number; endNs: number | null; runningNs: number; blockedNs: number }[];
  locks: {
    kind: string;
    name: string;
    acquisitions: number;
    contended: number;
    maxWaiters: number;
    site: string;
    wait: { totalNs: number };
  }[];
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
  deadlocks: unknown[];
  recorder: { events: number; dropped: number };
}

describe("the examples", () => {
  const folder = mkdtempSync(join(tmpdir(), "heddle-examples-"));
  after(() => rmSync(folder, { recursive: true, force: true }));

  function trace(example: string, ...args: string[]) {
    return traceUntil(0, example, ...args);
  }

  function traceUntil(exitCode: number, example: string, ...args: string[]) {
    const file = join(folder, `${example}.heddle`);
    const html = join(folder, `${example}.html`);
    const reportFile = join(folder, `${example}.json`);
    const options = ["--out", file, "--html", html, "--report", "json", "--report-file", reportFile];
    const result = spawnSync(node, [cli, "run", ...options, join(root, "examples", `${example}.ts`), ...args], {
      encoding: "utf8",
      timeout: 120_000,
    });
    assert.equal(result.status, exitCode, result.stdout + result.stderr);
    const report = JSON.parse(readFileSync(reportFile, "utf8")) as Report;
    assert.equal(report.recorder.dropped, 0);
    assert.ok(statSync(file).size > 0);
    assert.match(readFileSync(html, "utf8"), /<!doctype html>/i);
    if (exitCode === 0) assert.equal(report.exitCode, 0);
    return { report, stdout: result.stdout, stderr: result.stderr };
  }

  it("each says what to look for, is listed, and is run here", () => {
    const list = readFileSync(join(root, "examples", "README.md"), "utf8");
    const tests = readFileSync(__filename, "utf8");
    for (const file of readdirSync(join(root, "examples")).filter((name) => name.endsWith(".ts"))) {
      assert.match(readFileSync(join(root, "examples", file), "utf8"), /^(?:\/\/.*\n)+?\/\/ Look for: /, file);
      assert.match(list, new RegExp(`^\\| \`${file.replace(".", "\\.")}[ \`]`, "m"), file);
      assert.ok(tests.includes(`it("${file.replace(/\.ts$/, "")}: `), `no test runs ${file}`);
    }
  });

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

  it("urgent-first: every job is done, by a queue in the order of a function", () => {
    const { report, stdout } = trace("urgent-first");
    assert.match(stdout, /^23 jobs done; the urgent ones were number \d+, \d+, \d+, the last one is/m);
    const jobs = report.queues.find(({ name }) => name === "jobs")!;
    assert.deepEqual([jobs.puts, jobs.gets, jobs.putWait.totalNs], [23, 23, 0]);
    assert.ok(jobs.maxDepth >= 20);
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

  it("shared-array: what the painters write is what the reader reads", function () {
    if (process.platform !== "linux") this.skip();
    const { report, stdout, stderr } = trace("shared-array");
    assert.equal(stdout, "45919 of 262144 points belong to the set\n");
    const names = report.processes.map(({ name }) => name);
    for (const name of ["painter 1", "reader"]) assert.ok(names.includes(name), names.join());
    assert.doesNotMatch(stderr, /leaked/);
  });

  it("compress-by-processes: one queue for all processes, full most of the time", function () {
    if (process.platform !== "linux") this.skip();
    const { report, stdout } = trace("compress-by-processes");
    assert.match(stdout, /^60 blocks, 15728640 bytes, compressed to \d+ %$/m);
    const blocks = report.queues.filter(({ name }) => name === "blocks");
    assert.deepEqual(
      blocks.map(({ capacity, puts, gets, maxDepth }) => [capacity, puts, gets, maxDepth]),
      [[4, 62, 62, 4]],
    );
    assert.ok(blocks[0]!.putWait.totalNs > 0);
    const names = report.processes.map(({ name }) => name);
    for (const name of ["maker", "compressor 1", "compressor 2"]) assert.ok(names.includes(name), names.join());
  });

  it("count-primes: the same count in chunks of every size, each chunk a task", () => {
    const { report, stdout } = trace("count-primes");
    const lines = [...stdout.matchAll(/^(\d+) primes among 6000 numbers, in (\d+) chunks of (\d+): /gm)];
    assert.equal(lines.length, 4);
    for (const [, primes, chunks, size] of lines) {
      assert.equal(Number(primes), 294);
      assert.equal(Number(chunks), Math.ceil(6000 / Number(size)));
    }
    const pool = report.pools[0]!;
    const tasks = lines.reduce((sum, [, , chunks]) => sum + Number(chunks), 0) + Number(lines[2]![2]);
    assert.deepEqual([pool.kind, pool.tasks, pool.failed], ["Pool", tasks, 0]);
  });

  it("visitors: lost when the doors race, and not under the lock", function () {
    if (process.platform !== "linux") this.skip();
    const { report, stdout } = trace("visitors");
    assert.match(stdout, /^raced: \d+ of 40000 visitors lost$/m);
    assert.match(stdout, /^locked: none of 40000 visitors lost$/m);
    const lock = report.locks.find(({ name }) => name === "visitors, locked")!;
    assert.deepEqual([lock.kind, lock.acquisitions], ["RLock", 40_001]);
  });

  it("port-scan: finds the three ports that are open", () => {
    const { report, stdout } = trace("port-scan");
    assert.ok([...stdout.matchAll(/^port \d+ is open$/gm)].length >= 3, stdout);
    assert.equal(report.threads.filter(({ name }) => name.startsWith("scanner")).length, 16);
  });

  it("three-seats: never more than three sit", () => {
    const { report, stdout } = trace("three-seats");
    assert.match(stdout, /^at most 3 sat at once, 0 are left, 3 seats are free$/m);
    assert.equal([...stdout.matchAll(/^guest \d sits down: [123] of 3 seats taken$/gm)].length, 8);
    const seats = report.locks.find(({ name }) => name === "seats")!;
    assert.deepEqual([seats.kind, seats.acquisitions], ["Semaphore", 8]);
    assert.ok(seats.contended >= 1 && seats.contended <= 8, String(seats.contended));
  });

  it("movie-tickets: sales are lost without the lock and not with it", () => {
    const { report, stdout } = trace("movie-tickets");
    assert.match(stdout, /^with a lock: 10 paid, 10 tickets are gone$/m);
    const sold = [...stdout.slice(stdout.indexOf("without a lock:")).matchAll(/, (\d+) are left$/gm)];
    assert.deepEqual(
      sold.map(([, left]) => Number(left)),
      [19, 18, 17, 16, 15, 14, 13, 12, 11, 10],
    );
    assert.equal(report.locks.find(({ name }) => name === "box office")!.acquisitions, 10);
  });

  it("starting-gate: nobody starts before all are ready, and the action runs once a race", () => {
    const { report, stdout } = trace("starting-gate");
    assert.equal([...stdout.matchAll(/^race \d: .*: fair$/gm)].length, 3, stdout);
    assert.equal([...stdout.matchAll(/^bang!$/gm)].length, 3);
    const gate = report.locks.find(({ name }) => name === "gate")!;
    assert.deepEqual([gate.kind, gate.acquisitions, gate.maxWaiters], ["Barrier", 12, 3]);
  });

  it("starting-gate: the same with processes", function () {
    if (process.platform !== "linux") this.skip();
    const { report, stdout } = trace("starting-gate", "processes");
    assert.equal([...stdout.matchAll(/^race \d: .*: fair$/gm)].length, 3, stdout);
    assert.equal([...stdout.matchAll(/^bang!$/gm)].length, 3);
    const gate = report.locks.find(({ name }) => name === "gate")!;
    assert.deepEqual([gate.kind, gate.acquisitions, gate.maxWaiters], ["Barrier", 12, 3]);
    assert.equal(report.processes.length, 1 + 4);
  });

  it("wake-ups: in vain with notifyAll, lost with notify", () => {
    const { report, stdout } = trace("wake-ups");
    assert.match(stdout, /^while: 1 eaten, 0 left over, 2 still wait, 2 woken in vain, 0 took from an empty counter$/m);
    assert.match(stdout, /^if: 1 eaten, 0 left over, 0 still wait, 2 woken in vain, 2 took from an empty counter$/m);
    assert.match(stdout, /^one notify: 1 eaten, 2 left over, 2 still wait, 0 woken in vain, 0 took/m);
    assert.match(stdout, /^notify all: 3 eaten, 0 left over, 0 still wait, 0 woken in vain, 0 took/m);
    assert.match(stdout, /^too early: the wait heard nothing$/m);
    // Three waits each; with "while" two of them wait again, and the closing wakes who is left.
    const waits = (title: string) => report.locks.find(({ name }) => name === title)!.acquisitions;
    assert.deepEqual(["while", "if", "one notify", "notify all"].map(waits), [5, 3, 3, 3]);
  });

  it("results-in-order: handed out in the order of the tasks, or as they come", () => {
    const { report, stdout } = trace("results-in-order");
    const [, inOrder, asTheyCame] = /in order: +([\d ]+)\nas completed: +([\d ]+)\n/.exec(stdout) ?? [];
    assert.equal(inOrder, "0 1 2 3 4 5 6 7 8 9", stdout);
    assert.deepEqual(asTheyCame!.split(" ").sort().join(" "), inOrder);
    assert.notEqual(asTheyCame, inOrder);
    assert.equal(report.pools[0]!.tasks, 30);
  });

  it("slow-answers: the same answers by one thread, by threads and by processes", () => {
    const { report, stdout } = trace("slow-answers");
    assert.equal([...stdout.matchAll(/ 32 right answers in /g)].length, 3, stdout);
    assert.deepEqual(report.pools.map(({ kind }) => kind).sort(), ["ProcessPoolExecutor", "ThreadPoolExecutor"]);
    assert.ok(report.pools.every(({ tasks, failed }) => tasks === 64 && failed === 0));
  });

  it("question-and-answer: two processes answer over pipes", () => {
    const { report, stdout } = trace("question-and-answer");
    const answers = stdout.matchAll(/^(\d+) primes up to (\d+)$/gm);
    assert.deepEqual(
      [...answers].map(([, primes, upTo]) => [Number(upTo), Number(primes)]).sort(([a], [b]) => a! - b!),
      [
        [10, 4],
        [100, 25],
        [1_000, 168],
        [10_000, 1_229],
        [100_000, 9_592],
        [1_000_000, 78_498],
        [2_000_000, 148_933],
        [3_000_000, 216_816],
      ],
    );
    assert.deepEqual(report.processes.map(({ exitCode }) => exitCode).sort(), [0, 0, 0]);
  });

  it("managed-state: none is lost under the manager's lock", () => {
    const { report, stdout } = trace("managed-state");
    assert.match(stdout, /^without a lock: 60 orders, \d+ dishes counted/m);
    assert.match(stdout, /^with a lock: 60 orders, 60 dishes counted: 20 salad, 20 soup, 20 stew$/m);
    assert.equal(report.locks.find(({ name }) => name === "stove")!.acquisitions, 60);
    const names = report.processes.map(({ name }) => name);
    for (const name of ["kitchen", "cook 1, with a lock"]) assert.ok(names.includes(name), names.join());
  });

  it("many-programs: each is a process, by its name and with its end", () => {
    const { report, stdout } = trace("many-programs");
    assert.match(stdout, /^program 3 printed 4500001500000$/m);
    assert.match(stdout, /^program 4 failed with 4: number 4 has no luck$/m);
    assert.match(stdout, /^program 7 was killed after 500 ms$/m);
    const ends = new Map(report.processes.map(({ name, exitCode, signal }) => [name, exitCode ?? signal]));
    const named = Array.from({ length: 12 }, (_, n) => ends.get(`program ${n}`));
    assert.deepEqual(named, [0, 0, 0, 0, 4, 0, 0, "SIGKILL", 0, 9, 0, 0]);
    assert.equal(report.pools[0]!.tasks, 12);
  });

  it("dining-philosophers: the deadlock is found and named, and politeness ends it", () => {
    const { report, stdout, stderr } = traceUntil(86, "dining-philosophers");
    assert.equal(stdout.replace(/\{[\s\S]*/, ""), "", "nobody eats");
    assert.match(stderr, /This program can never go on/);
    for (const [name, fork, holder] of [
      ["Plato", 2, "Hypatia"],
      ["Hypatia", 3, "Laozi"],
      ["Laozi", 4, "Sappho"],
      ["Sappho", 5, "Diogenes"],
      ["Diogenes", 1, "Plato"],
    ]) {
      const line = new RegExp(`“${name}” +waits for Lock “fork ${fork}”, which “${holder}” holds, at .*\\.ts:15$`, "m");
      assert.match(stderr, line);
    }
    assert.match(stderr, /^ +Deadlock: (“\w+” waits for ){5}“\w+”\.$/m);
    assert.equal(report.deadlocks.length, 1);
    assert.equal(report.findings[0]!.title, "Deadlock of 5 threads");

    const polite = trace("dining-philosophers", "polite");
    assert.equal([...polite.stdout.matchAll(/^\w+ eats$/gm)].length, 5);
    assert.equal(polite.report.deadlocks.length, 0);
  });
});
