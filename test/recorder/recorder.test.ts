import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { type ReadEvent, RecorderBench, readEvents, readFrames } from "./traced-run.js";

/** Numbers `a` of the marks of a thread, in the order of the file. */
function marks(events: readonly ReadEvent[], thread: number): number[] {
  return events.filter((event) => event.kind === "Counter" && event.thread === thread).map((event) => event.a);
}

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);
const count = (n: number | string) => `for (let i = 0; i < ${n}; i++) emit.emit(K.Counter, 0, 0, i, 0, 0);`;

describe("recorder", function () {
  this.timeout(20_000);
  let bench: RecorderBench;
  before(() => {
    bench = new RecorderBench();
  });
  after(() => bench.remove());

  it("records threads from start to end, with names, sites and strings", async () => {
    const run = bench.run(`
      const n = emit.newObjectNumber();
      emit.recordObject(n, 1, "l\u00f6ck " + "x".repeat(5000), emit.callSite(), 7);
      ${count(1000)}
      if (process.env.HEDDLE_SESSION !== undefined) throw new Error("the session is visible");
    `);
    assert.deepEqual(await run.over, { code: 0, signal: null, stderr: "" });
    const events = readEvents(run.file);
    assert.equal(events[0]?.kind, "ThreadStart");
    assert.equal(events.at(-1)?.kind, "ThreadEnd");
    assert.deepEqual(marks(events, 1), upTo(1000));
    const created = events.find((event) => event.kind === "ObjectCreate");
    assert.equal(created?.text, `l\u00f6ck ${"x".repeat(5000)}`);
    assert.equal(created?.flags, 1);
    assert.equal(created?.a, 7);
    assert.match(created?.site ?? "", /^file:\/\/\/.*script-\d+\.cjs:3:\d+$/);
    const times = events.filter((event) => event.kind === "Counter").map((event) => event.t);
    assert.deepEqual(
      times,
      [...times].sort((x, y) => x - y),
    );
    const [start, end] = ["process-start", "process-end"].map((type) =>
      readFrames(run.file).find((f) => f.type === type),
    );
    assert.ok(start?.type === "process-start" && start.pid === run.child.pid && start.parentPid === -1);
    assert.ok(end?.type === "process-end" && end.exitCode === 0 && end.t >= (times.at(-1) ?? 0));
  });

  it("tells times on the clock of process.hrtime", async () => {
    const run = bench.run(`
      const t = process.hrtime.bigint(); emit.emit(K.Counter, 0, 0, 1, 0, 0); console.log(String(t));
    `);
    const told = Number(BigInt(await run.line()) - run.originNs);
    await run.over;
    const event = readEvents(run.file).find((e) => e.kind === "Counter");
    assert.ok(Math.abs((event?.t ?? 0) - told) < 3e6, `${event?.t} is not ${told}`);
  });

  for (const [how, end, code] of [
    ["ends", "", 0],
    ["calls process.exit", "process.exit(3)", 3],
    ["throws", "throw new Error('expected')", 1],
    ["rejects", "Promise.reject(new Error('expected'))", 1],
  ] as const) {
    it(`loses nothing when the script ${how}`, async () => {
      const run = bench.run(`${count(70_000)} ${end}`);
      assert.equal((await run.over).code, code);
      assert.ok(isDeepStrictEqual(marks(readEvents(run.file), 1), upTo(70_000)), "events are missing");
      const last = readFrames(run.file).at(-1);
      assert.ok(last?.type === "process-end" && last.exitCode === code);
    });
  }

  it("loses nothing of what exit handlers record", async () => {
    const run = bench.run(`process.on("exit", () => { ${count(20)} });`);
    await run.over;
    assert.deepEqual(marks(readEvents(run.file), 1), upTo(20));
  });

  for (const [how, end] of [
    ["ends", ""],
    ["calls process.exit", "process.exit(1)"],
    ["throws", "throw new Error('expected')"],
    ["is terminated", "require('node:worker_threads').parentPort.postMessage(0); for (;;);"],
  ] as const) {
    it(`loses nothing of a worker that ${how}, and tells its end`, async () => {
      const run = bench.run(`
        if (isMainThread) {
          const worker = new Worker(__filename);
          worker.on("message", () => worker.terminate());
          worker.on("error", () => {});
          worker.on("exit", () => setTimeout(() => {}, 100));
        } else { ${count(5000)} ${end} }
      `);
      assert.equal((await run.over).code, 0);
      const events = readEvents(run.file);
      const threads = new Set(events.map((event) => event.thread));
      assert.equal(threads.size, 2);
      const worker = [...threads].find((thread) => thread !== 1) as number;
      assert.deepEqual(marks(events, worker), upTo(5000));
      const ends = events.filter((event) => event.kind === "ThreadEnd" && event.thread === worker);
      assert.equal(ends.length, 1);
      assert.equal(ends[0]?.object, worker);
    });
  }

  it("drains a main thread that blocks, while it blocks", async () => {
    const run = bench.run(`
      ${count(100)}
      console.log("blocking");
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000);
    `);
    await run.line();
    while (marks(readEvents(run.file), 1).length < 100) await new Promise(setImmediate);
    run.child.kill("SIGKILL");
    assert.equal((await run.over).signal, "SIGKILL");
    assert.deepEqual(marks(readEvents(run.file), 1), upTo(100));
  });

  it("loses at most the last 50 ms when it is killed", async () => {
    const run = bench.run(`
      const pause = new Int32Array(new SharedArrayBuffer(4));
      for (let i = 0; ; i++) {
        emit.emit(K.Counter, 0, 0, i, 0, 0);
        if (i === 300) process.stdout.write("now\\n");
        Atomics.wait(pause, 0, 0, 1);
      }
    `);
    await run.line();
    const killed = Number(process.hrtime.bigint() - run.originNs);
    run.child.kill("SIGKILL");
    await run.over;
    const events = readEvents(run.file).filter((event) => event.kind === "Counter");
    assert.deepEqual(
      events.map((event) => event.a),
      upTo(events.length),
    );
    const lost = killed - (events.at(-1)?.t ?? 0);
    assert.ok(lost < 50e6, `${lost / 1e6} ms are missing`);
  });

  it("keeps up with a burst of many rings' worth, or says what it dropped", async () => {
    const n = 500_000;
    const run = bench.run(count(n));
    await run.over;
    const events = readEvents(run.file);
    const dropped = events.filter((event) => event.kind === "Dropped").reduce((sum, event) => sum + event.a, 0);
    // What was dropped may be a garbage collection too.
    assert.ok(marks(events, 1).length + dropped >= n, `${dropped} dropped`);
    assert.ok(dropped < n / 10, `${dropped} dropped`);
  });

  it("records garbage collections and a late event loop", async () => {
    // As the loader does before the first line of a script.
    const run = bench.run(`
      globalThis[Symbol.for("heddle.modules")] = new Map([[__filename, {}]]);
      setTimeout(() => {
        const until = performance.now() + 80; let kept = [];
        for (let i = 0; i < 200_000 || performance.now() < until; i++) kept.push(new Array(100).fill(0)), kept.length > 10000 && (kept = []);
        setTimeout(() => {}, 50);
      }, 300);
    `);
    await run.over;
    const events = readEvents(run.file);
    assert.ok(events.some((event) => event.kind === "Gc" && event.a > 0 && [1, 2, 4, 8].includes(event.flags)));
    const late = events.filter((event) => event.kind === "LoopDelay").map((event) => event.a);
    assert.ok(
      late.some((ms) => ms > 40),
      `${late}`,
    );
  });

  it("calls no loop late that nobody waits for: a thread's or a script's own computing", async () => {
    const run = bench.run(`
      const compute = () => { const until = performance.now() + 150; while (performance.now() < until); };
      compute();
      if (isMainThread) new Worker(__filename).on("exit", () => {});
      else setTimeout(compute, 300);
    `);
    await run.over;
    assert.deepEqual(
      readEvents(run.file).filter((event) => event.kind === "LoopDelay" && event.thread !== 1),
      [],
    );
    const first = readEvents(run.file).find((event) => event.kind === "ThreadStart");
    const early = readEvents(run.file).filter((e) => e.kind === "LoopDelay" && e.t < (first?.t ?? 0) + 250e6);
    assert.deepEqual(early, []);
  });

  it("tells the collections of a thread that returned to its loop only to end", async () => {
    const run = bench.run(`
      // By amount, not by time: of that a thread without a core has none. Some 300 MB are many young generations.
      let kept = [];
      for (let i = 0; i < 400_000; i++) kept.push(new Array(100).fill(0)), kept.length > 3000 && (kept = []);
      if (isMainThread) new Worker(__filename);
    `);
    await run.over;
    const events = readEvents(run.file);
    const threads = [...new Set(events.map((event) => event.thread))];
    assert.equal(threads.length, 2);
    for (const thread of threads) {
      const own = events.filter((event) => event.thread === thread);
      const collections = own.filter((event) => event.kind === "Gc");
      assert.ok(collections.length > 3, `${collections.length} of thread ${thread}`);
      assert.equal(own.at(-1)?.kind, "ThreadEnd");
    }
  });

  it("calls the user's exit listeners as often as without it", async () => {
    const run = bench.run(`
      let n = 0;
      process.on("beforeExit", () => n++);
      process.on("exit", () => require("node:fs").writeSync(1, n + "\\n"));
    `);
    assert.equal(await run.line(), "1");
    await run.over;
  });

  it("leaves the user's stack trace settings alone", async () => {
    const run = bench.run(`
      Error.stackTraceLimit = 1; const mine = () => "mine"; Error.prepareStackTrace = mine;
      emit.intern("x"); emit.callSite();
      console.log(Error.stackTraceLimit === 1 && Error.prepareStackTrace === mine && new Error().stack === "mine");
    `);
    assert.equal(await run.line(), "true");
    await run.over;
    const without = bench.run(`
      delete Error.stackTraceLimit; delete Error.prepareStackTrace;
      emit.callSite();
      console.log(!Object.hasOwn(Error, "stackTraceLimit") && !Object.hasOwn(Error, "prepareStackTrace"));
    `);
    assert.equal(await without.line(), "true");
    await without.over;
  });

  it("takes children along that were given the session", async () => {
    const run = bench.run(`
      const { sessionEnvironment } = emit;
      if (process.argv[2] === undefined) {
        require("node:child_process").spawnSync(process.execPath, [...process.execArgv, __filename, "child"], { env: { ...process.env, ...sessionEnvironment() } });
      } else { ${count(10)} }
    `);
    await run.over;
    const starts = readFrames(run.file).filter((frame) => frame.type === "process-start");
    assert.equal(starts.length, 2);
    const child = starts.find((frame) => frame.pid !== run.child.pid);
    assert.equal(child?.parentPid, run.child.pid);
    assert.equal(
      readEvents(run.file).filter((event) => event.kind === "Counter" && event.pid === child?.pid).length,
      10,
    );
  });

  it("is inert untraced", async () => {
    const run = bench.run(
      `
      const numbers = [emit.newObjectNumber(), emit.newObjectNumber(), emit.newWaitNumber(), emit.newWaitNumber()];
      emit.emit(1, 2, 3, 4, 5, 6); emit.recordObject(1, 1, "", 0, 0);
      console.log(JSON.stringify([emit.recording, emit.threadNumber, emit.callSite(), emit.intern("x"), numbers, emit.sessionEnvironment()]));
    `,
      false,
    );
    assert.deepEqual(JSON.parse(await run.line()), [false, 1, 0, 0, [1, 2, 1, 2], {}]);
    assert.equal((await run.over).code, 0);
    assert.deepEqual(readFrames(run.file), []);
  });

  it("breaks nothing when the trace cannot be written", async () => {
    const run = bench.run(
      `require("node:fs").writeSync(1, "fine\\n"); ${count(10)} setTimeout(() => {}, 50);`,
      true,
      () => {},
    );
    bench.makeUnwritable(run.file);
    assert.equal(await run.line(), "fine");
    assert.deepEqual(await run.over, { code: 0, signal: null, stderr: "" });
  });
});
