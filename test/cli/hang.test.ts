import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { JsonReport } from "../../src/analysis/index.js";
import { HUNG_EXIT_CODE } from "../../src/runner/hang-monitor.js";

const cli = resolve(__dirname, "../../dist/cli.cjs");

describe("a program that can never go on", function () {
  this.timeout(60_000);
  const folder = mkdtempSync(join(tmpdir(), "heddle-hang-"));
  const children: ChildProcess[] = [];
  let count = 0;

  after(() => {
    for (const child of children) child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });

  function start(script: string, args: string[] = []) {
    const file = join(folder, `script-${++count}.ts`);
    writeFileSync(file, script);
    const report = `${file}.json`;
    const child = spawn(process.execPath, [cli, "run", "--report-file", report, ...args, file], { cwd: folder });
    children.push(child);
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (data: Buffer) => {
      stdout += data;
    });
    const heard: { text: string; tell: () => void }[] = [];
    child.stderr.on("data", (data: Buffer) => {
      stderr += data;
      for (const { text, tell } of heard) if (stderr.includes(text)) tell();
    });
    return {
      child,
      file,
      /** Resolves when stderr holds the text. */
      says: (text: string) =>
        new Promise<string>((tell) => {
          heard.push({ text, tell: () => tell(stderr) });
        }),
      ended: new Promise<{
        code: number | null;
        signal: string | null;
        stdout: string;
        stderr: string;
        report: () => JsonReport;
      }>((done) => {
        child.on("close", (code, signal) => {
          const json = () => JSON.parse(readFileSync(report, "utf8")) as JsonReport;
          done({ code, signal, stdout, stderr, report: json });
        });
      }),
    };
  }

  it("of two threads that took two locks in different order is explained, live, and stopped", async () => {
    const run = start(`
      import { Lock, Thread } from "heddle/threading";
      import { Queue } from "heddle/queue";
      import { isMain } from "heddle";
      function both(first: Lock, second: Lock, mine: Queue, other: Queue) {
        first.acquireSync();
        mine.putSync(1);
        other.getSync();
        second.acquireSync(); // line 9
      }
      if (isMain) {
        const a = new Lock({ name: "a" }), b = new Lock({ name: "b" });
        const p = new Queue(), q = new Queue();
        const one = new Thread({ target: both, args: [a, b, p, q], name: "one" });
        const two = new Thread({ target: both, args: [b, a, q, p], name: "two" });
        one.start();
        two.start();
        one.joinSync(); // line 18
      }
    `);
    const { code, signal, stderr, report } = await run.ended;
    assert.equal(signal, null, stderr);
    assert.equal(code, HUNG_EXIT_CODE, stderr);
    assert.match(stderr, /can never go on/);
    assert.match(stderr, /“one”\s+waits for Lock “b”, which “two” holds.*script-1\.ts:9/);
    assert.match(stderr, /“two”\s+waits for Lock “a”, which “one” holds.*script-1\.ts:9/);
    assert.match(stderr, /“main”\s+waits for the end of “one”.*script-1\.ts:18/);
    assert.match(stderr, /Deadlock: “(one|two)” waits for “(one|two)” waits for “(one|two)”\./);
    assert.equal(report().deadlocks.length, 1);
    assert.equal(report().findings[0]!.rule, "deadlock");
  });

  it("for lack of a put is explained, with promises and with a pool's idle worker beside it", async () => {
    const run = start(`
      import { Queue } from "heddle/queue";
      import { ThreadPoolExecutor } from "heddle/futures";
      import { isMain } from "heddle";
      const square = (n: number) => n * n;
      if (isMain) {
        const pool = new ThreadPoolExecutor({ maxWorkers: 1 });
        console.log(await pool.submit(square, 5));
        const jobs = new Queue({ name: "jobs" });
        await jobs.get(); // line 10
      }
    `);
    const { code, stdout, stderr, report } = await run.ended;
    assert.equal(stdout, "25\n");
    assert.equal(code, HUNG_EXIT_CODE, stderr);
    assert.match(stderr, /“main”\s+waits for an item of Queue “jobs”, which is empty.*script-2\.ts:10/);
    const [finding] = report().findings;
    assert.equal(finding!.rule, "standstill");
    assert.equal(finding!.severity, "error");
    assert.match(finding!.sites[0]!, /script-2\.ts:10$/);
  });

  it("hangs on where that is wanted, until it is stopped", async () => {
    const run = start(
      `
      import { Lock } from "heddle/threading";
      const lock = new Lock({ name: "mine" });
      lock.acquireSync();
      lock.acquireSync();
    `,
      ["--on-hang", "wait"],
    );
    assert.match(await run.says("goes on waiting"), /“main”\s+waits for Lock “mine”, which it holds itself/);
    assert.equal(run.child.exitCode, null);
    run.child.kill("SIGTERM");
    const { code, signal } = await run.ended;
    assert.equal(code === HUNG_EXIT_CODE, false);
    assert.ok(signal === "SIGTERM" || code === 143, `${code} ${signal}`);
  });

  it("is no program that still has a timer, a deadline, a signal, input, a child, or work to come", async () => {
    const waits: Record<string, string> = {
      timer: `
        const event = new Queue();
        setTimeout(() => event.putNowait(1), 4000);
        await event.get();`,
      deadline: `
        const lock = new Lock();
        lock.acquireSync();
        console.log(lock.acquireSync({ timeout: 4000 }), await lock.acquire({ timeout: 100 }));`,
      abort: `
        const lock = new Lock();
        lock.acquireSync();
        await lock.acquire({ signal: AbortSignal.timeout(4000) }).catch(() => {});`,
      signal: `
        const stop = new Queue();
        process.on("SIGUSR2", () => stop.putNowait(1));
        execFile("sh", ["-c", "sleep 4; kill -USR2 " + process.pid]).unref();
        await stop.get();`,
      input: `
        const lines = new Queue();
        process.stdin.once("data", () => { lines.putNowait(1); process.stdin.pause(); });
        await lines.get();`,
      child: `
        const done = new Queue();
        execFile("sleep", ["4"], () => done.putNowait(1));
        await done.get();`,
      work: `
        const thread = new Thread({ target: busy, args: [4000] });
        thread.start();
        thread.joinSync();`,
      process: `
        const child = new Process({ target: sleep, args: [4000] });
        child.start();
        child.joinSync();`,
    };
    const runs = Object.entries(waits).map(async ([name, body]) => {
      const run = start(`
        import { execFile } from "node:child_process";
        import { Lock, Thread } from "heddle/threading";
        import { Queue } from "heddle/queue";
        import { Process } from "heddle/multiprocessing";
        import { isMain } from "heddle";
        export function busy(ms: number) { const until = Date.now() + ms; while (Date.now() < until); }
        export function sleep(ms: number) { return new Promise((done) => setTimeout(done, ms)); }
        if (isMain) {
          ${body}
          console.log("done");
        }
      `);
      if (name === "input") setTimeout(() => run.child.stdin.end("line\n"), 4000);
      else run.child.stdin.end();
      const { code, stdout, stderr } = await run.ended;
      assert.doesNotMatch(stderr, /never go on/, name);
      assert.equal(code, 0, `${name}: ${stderr}`);
      assert.match(stdout, /done/, name);
    });
    await Promise.all(runs);
  });
});
