import assert from "node:assert/strict";
import { startSystemSampler } from "../../src/recorder/system-sampler.js";
import {
  type CoreTimesFrame,
  OffReason,
  type SamplesFrame,
  type SwitchesFrame,
  SwitchFlag,
  type TraceFrame,
  TraceReader,
} from "../../src/trace/reader.js";
import { RecorderBench } from "./traced-run.js";

/** Works for a while on the main thread and, with pauses, on a worker; starts a child; ends. */
const script = `
  const pause = new Int32Array(new SharedArrayBuffer(4));
  const work = (ms) => { const until = performance.now() + ms; while (performance.now() < until); };
  if (isMainThread) {
    new Worker(__filename).on("exit", () => {
      const child = require("node:child_process").spawn("sleep", ["0.1"]);
      child.on("exit", () => console.log(process.pid + " " + child.pid));
    });
    // By what the process ran, of which the worker takes a part: a busy machine may give it no core for long.
    const ran = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1000; };
    const enough = ran() + 350;
    while (ran() < enough) ;
  } else for (let i = 0; i < 20; i++) { work(2); Atomics.wait(pause, 0, 0, 5); }
`;

describe("system sampler", function () {
  this.timeout(20_000);
  let bench: RecorderBench;
  before(() => {
    bench = new RecorderBench();
  });
  after(() => bench.remove());

  async function sample(atMost: "perf" | "sampled" | "process-only") {
    const reader = new TraceReader();
    const frames: TraceFrame[] = [];
    let sampler: ReturnType<typeof startSystemSampler> | undefined;
    const write = (frame: Uint8Array) => frames.push(...reader.push(frame));
    // The origin of the trace may lie behind us; perf must be open before the script is spawned.
    const originNs = process.hrtime.bigint();
    sampler = startSystemSampler({ write, originNs, atMost });
    const run = bench.run(script, false, (child) => sampler.watch(child.pid as number));
    const [pid, childPid] = (await run.line()).split(" ").map(Number) as [number, number];
    await run.over;
    await sampler.stop();
    const endNs = Number(process.hrtime.bigint() - originNs);
    return { source: sampler.source, frames, pid, childPid, endNs };
  }

  it("sees every switch of the script's threads and of its children", async function () {
    const { source, frames, pid, childPid, endNs } = await sample("perf");
    if (source !== "perf") this.skip();
    const onCore = new Map<string, number>();
    const runNs = new Map<number, number>();
    const switches = new Map<number, number>();
    let before = 0;
    for (const frame of frames.filter((f): f is SwitchesFrame => f.type === "switches")) {
      assert.ok(frame.completeTo >= before && frame.completeTo <= endNs);
      for (let i = 0; i < frame.count; i++) {
        const tid = frame.tid[i] as number;
        const t = frame.t[i] as number;
        const key = `${tid}`;
        assert.ok(t > 0 && t < endNs);
        assert.ok(frame.pid[i] === pid || frame.pid[i] === childPid, "a stranger's switch");
        switches.set(tid, (switches.get(tid) ?? 0) + 1);
        if (((frame.flags[i] as number) & SwitchFlag.Out) === 0) onCore.set(key, t);
        else if (onCore.has(key)) {
          runNs.set(tid, (runNs.get(tid) ?? 0) + t - (onCore.get(key) as number));
          onCore.delete(key);
        }
      }
      before = frame.completeTo;
    }
    assert.ok((runNs.get(pid) ?? 0) > 100e6, `main ran ${runNs.get(pid)} ns`);
    // The worker left its core at each of its 20 waits.
    const threads = frames.flatMap((f) => (f.type === "system-threads" ? f.threads : []));
    assert.ok(
      [...switches].some(([tid, n]) => tid !== pid && n >= 40),
      "no thread with 20 waits",
    );
    assert.ok((switches.get(childPid) ?? 0) > 0);
    assert.ok(threads.some((t) => t.tid === childPid && t.name === "sleep"));
    assert.ok(threads.some((t) => t.pid === pid && t.tid !== pid && t.startNs !== null));
    assert.ok(threads.some((t) => t.tid === pid && t.endNs !== null));
    // An end stands before the switches of its time: it is how a thread leaves its core for the last time.
    let knownTo = 0;
    for (const frame of frames) {
      if (frame.type === "switches") knownTo = frame.completeTo;
      else if (frame.type === "system-threads")
        for (const { endNs } of frame.threads) assert.ok(endNs === null || endNs > knownTo, "told of an end too late");
    }
    assert.ok(frames.some((f) => f.type === "process-start" && f.pid === childPid && f.parentPid === pid));
    assert.ok(frames.some((f) => f.type === "process-end" && f.pid === childPid && f.t < endNs));
  });

  it("samples /proc where it gets no switches", async function () {
    if (process.platform !== "linux") this.skip();
    const { source, frames, pid, childPid } = await sample("sampled");
    assert.equal(source, "sampled");
    const samples = frames.filter((f): f is SamplesFrame => f.type === "samples");
    const last = new Map<number, number>();
    let rows = 0;
    for (const frame of samples) {
      for (let i = 0; i < frame.count; i++) {
        const tid = frame.tid[i] as number;
        assert.ok((frame.runNs[i] as number) >= (last.get(tid) ?? 0), "run time went back");
        last.set(tid, frame.runNs[i] as number);
        if (tid === pid && frame.state[i] === "R".charCodeAt(0)) rows++;
      }
    }
    assert.ok((last.get(pid) ?? 0) > 100e6, `main ran ${last.get(pid)} ns`);
    assert.ok(rows >= 3, `${rows} samples saw main run`);
    assert.ok(frames.some((f) => f.type === "process-start" && f.pid === childPid && f.parentPid === pid));
    assert.ok(frames.some((f) => f.type === "process-end" && f.pid === pid));
    assert.ok(frames.some((f) => f.type === "core-source" && f.source === "sampled" && f.reason !== ""));
  });

  for (const atMost of ["perf", "sampled"] as const) {
    it(`tells why a thread is off its core, with ${atMost}`, async function () {
      if (process.platform !== "linux") this.skip();
      // The sampler looks when it gets a core itself; a machine with much else to do may let it miss a wait.
      this.retries(3);
      const frames: TraceFrame[] = [];
      const reader = new TraceReader();
      const originNs = process.hrtime.bigint();
      const sampler = startSystemSampler({
        write: (frame) => frames.push(...reader.push(frame)),
        originNs,
        atMost,
      });
      if (sampler.source !== atMost) this.skip();
      const run = bench.run(
        `
        const say = (what) => require("node:fs").writeSync(1, what + " " + process.hrtime.bigint() + "\\n");
        setTimeout(() => {
          say("spawnSync");
          require("node:child_process").spawnSync("sleep", ["0.3"]);
          say("wait");
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
          say("loop");
          setTimeout(() => say("end"), 300);
        }, 100);
      `,
        true,
        (child) => sampler.watch(child.pid as number),
      );
      const times: number[] = [];
      for (let i = 0; i < 4; i++) times.push(Number(BigInt((await run.line()).split(" ")[1]!) - originNs));
      await run.over;
      await sampler.stop();
      const seen = [new Set<number>(), new Set<number>(), new Set<number>()];
      for (const frame of frames) {
        if (frame.type !== "off-core") continue;
        for (let i = 0; i < frame.count; i++) {
          if (frame.tid[i] !== run.child.pid) continue;
          // Away from the borders, where it does other things too.
          const phase = times.findIndex(
            (from, k) => frame.t[i]! > from + 60e6 && frame.t[i]! < (times[k + 1] ?? 0) - 60e6,
          );
          seen[phase]?.add(frame.reason[i]!);
        }
      }
      // With switches a thread is asked once for each time it is off: early in the wait that lasts.
      const early = new Set(
        frames.flatMap((f) =>
          f.type === "off-core"
            ? Array.from(f.reason).filter(
                (_, i) => f.tid[i] === run.child.pid && f.t[i]! > times[0]! && f.t[i]! < times[2]!,
              )
            : [],
        ),
      );
      assert.ok(early.has(OffReason.Io) && early.has(OffReason.Lock), [...early].join());
      assert.deepEqual([...seen[2]!], [OffReason.Loop]);
      if (atMost === "sampled")
        assert.deepEqual(
          seen.map((reasons) => [...reasons]),
          [[OffReason.Io], [OffReason.Lock], [OffReason.Loop]],
        );
    });
  }

  it("counts how long each core was busy with anything", async function () {
    if (process.platform !== "linux") this.skip();
    const { frames, pid } = await sample("sampled");
    const counted = frames.filter((f): f is CoreTimesFrame => f.type === "core-times");
    assert.ok(counted.length >= 2);
    const [first, last] = [counted[0]!, counted.at(-1)!];
    assert.equal(first.busyNs.length, last.busyNs.length);
    let busy = 0;
    first.busyNs.forEach((ns, core) => {
      assert.ok(last.busyNs[core]! >= ns, "a core's time went back");
      busy += last.busyNs[core]! - ns;
    });
    assert.ok(busy > 100e6 && pid > 0, `${busy} ns`);
  });

  it("says so where it has nothing", async () => {
    const { source, frames } = await sample("process-only");
    assert.equal(source, "process-only");
    assert.deepEqual(
      frames.map((f) => f.type),
      ["core-source"],
    );
  });
});
