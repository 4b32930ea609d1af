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

  it("is found in every kind of wait, blocking and awaited, of threads and of processes", async function () {
    this.timeout(300_000);
    const pool = (kind: string) => `const pool = new ${kind}PoolExecutor({ maxWorkers: 1 });`;
    const waits: [body: string, says: RegExp][] = [
      [`new Queue({ name: "q" }).getSync();`, /“main” waits for an item of Queue “q”, which is empty/],
      [`await new SimpleQueue({ name: "q" }).get();`, /“main” waits for an item of SimpleQueue “q”, which is empty/],
      [
        `const q = new Queue({ name: "q", maxSize: 1 }); q.putSync(1); q.putSync(2);`,
        /“main” waits for a free place in Queue “q”, which is full/,
      ],
      [
        `const q = new Queue({ name: "q", maxSize: 1 }); await q.put(1); await q.put(2);`,
        /“main” waits for a free place in Queue “q”, which is full/,
      ],
      [
        `const q = new Queue({ name: "q" }); q.putSync(1); q.joinSync();`,
        /“main” waits for the tasks of Queue “q” to be done/,
      ],
      [`new Event({ name: "e" }).waitSync();`, /“main” waits for Event “e” to be set/],
      [`await new Event({ name: "e" }).wait();`, /“main” waits for Event “e” to be set/],
      [
        `const c = new Condition(undefined, { name: "c" }); c.acquireSync(); c.waitSync();`,
        /“main” waits to be notified by Condition “c”/,
      ],
      [
        `const c = new Condition(undefined, { name: "c" }); await c.acquire(); await c.wait();`,
        /“main” waits to be notified by Condition “c”/,
      ],
      [`new Barrier(2, { name: "b" }).waitSync();`, /“main” waits for the other parties of Barrier “b”/],
      [`await new Barrier(2, { name: "b" }).wait();`, /“main” waits for the other parties of Barrier “b”/],
      [
        `const s = new Semaphore(1, { name: "s" }); s.acquireSync(); s.acquireSync();`,
        /“main” waits for a permit of Semaphore “s”, which has none left/,
      ],
      [
        `${pool("Thread")} pool.submit(alone, new Event({ name: "e" })).resultSync();`,
        /“main” +waits for a result of ThreadPoolExecutor[\s\S]*waits for Event “e” to be set/,
      ],
      [
        `${pool("Thread")} pool.submit(alone, new Event({ name: "e" })); await pool.shutdown();`,
        /“main” +waits for [\s\S]*ThreadPoolExecutor[\s\S]*waits for Event “e” to be set/,
      ],
      [
        `${pool("Thread")} await wait([pool.submit(alone, new Event({ name: "e" }))]);`,
        /“main” +waits for a result[\s\S]*waits for Event “e” to be set/,
      ],
      [
        `new Thread({ target: alone, args: [new Event({ name: "e" })], name: "t" }).start();`,
        /“t” waits for Event “e” to be set/,
      ],
      [
        `const child = new Process({ target: forever }); child.start(); await child.join();`,
        /waits for the end of process “Process-1”[\s\S]*waits for an item of Queue “never”, which is empty/,
      ],
      [
        `${pool("Process")} pool.submit(forever).resultSync();`,
        /waits for a result of ProcessPoolExecutor[\s\S]*waits for an item of Queue “never”, which is empty/,
      ],
      [
        `${pool("Process")} await pool.submit(square, 1); new Queue({ name: "q" }).getSync();`,
        /“main of script-.*” waits for an item of Queue “q”, which is empty/,
      ],
    ];
    const next = async (): Promise<void> => {
      for (let one = waits.shift(); one !== undefined; one = waits.shift()) {
        const [body, says] = one;
        const run = start(
          `
          import { Barrier, Condition, Event, Semaphore, Thread } from "heddle/threading";
          import { Queue, SimpleQueue } from "heddle/queue";
          import { ProcessPoolExecutor, ThreadPoolExecutor, wait } from "heddle/futures";
          import { Process } from "heddle/multiprocessing";
          import { isMain } from "heddle";
          export function alone(event: Event) { event.waitSync(); }
          export function square(n: number) { return n * n; }
          export function forever() { new Queue({ name: "never" }).getSync(); }
          if (isMain) {
            ${body}
          }
        `,
          ["--report", "none"],
        );
        const { code, stderr } = await run.ended;
        assert.equal(code, HUNG_EXIT_CODE, `${body}\n${stderr}`);
        assert.match(stderr, says, body);
      }
    };
    await Promise.all([next(), next()]);
  });

  it("is no program that still has a timer, a deadline, a signal, input, a child, or work to come", async function () {
    this.timeout(180_000);
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
      future: `
        const pool = new ThreadPoolExecutor({ maxWorkers: 1 });
        const given = new Queue();
        const future = pool.submit(take, given);
        await future.result({ signal: AbortSignal.timeout(3000) }).catch(() => {});
        await wait([future], { signal: AbortSignal.timeout(3000) }).catch(() => {});
        given.putNowait(1);
        await pool.shutdown();`,
      unreferenced: `
        const event = new Queue();
        AbortSignal.timeout(3000).addEventListener("abort", () => event.putNowait(1));
        await event.get();
        setTimeout(() => event.putNowait(2), 3000).unref();
        await event.get();`,
      processes: `
        const pool = new ProcessPoolExecutor({ maxWorkers: 1 });
        await pool.submit(sleep, 10);
        await pool.submit(sleep, 4000);
        await pool.shutdown();`,
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
        import { ProcessPoolExecutor, ThreadPoolExecutor, wait } from "heddle/futures";
        export function take(queue: Queue) { return queue.getSync(); }
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
      assert.doesNotMatch(stderr, /never go on/, `${name}: ${stderr}`);
      assert.equal(code, 0, `${name}: ${stderr}`);
      assert.match(stdout, /done/, name);
    });
    await Promise.all(runs);
  });
});
