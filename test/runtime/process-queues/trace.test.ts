/** The trace of queues between processes, beside what the script itself measured: one lane for all who have the queue. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { analyseFile } from "../../../src/analysis/analyse-file.js";
import { FlowKind, type ObjectTrack, SliceKind, type TraceModel } from "../../../src/analysis/model.js";
import { jsonReport } from "../../../src/analysis/report/json-report.js";
import { expectScript } from "../../harness/run-script.js";

/** Milliseconds for which a busy machine may keep a thread from noting the time. */
const PREEMPTED = 200;

const source = `
  import { isMain } from "heddle";
  import { JoinableQueue, Process, Queue, SimpleQueue } from "heddle/multiprocessing";
  import { Empty, Full } from "heddle/queue";

  const nap = (ms: number) => { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms); };
  async function timed(queue: string, what: string, wait: () => unknown) {
    const start = performance.now();
    try { await wait(); }
    catch (error) { if (!(error instanceof Empty || error instanceof Full)) throw error; }
    console.log("told " + JSON.stringify({ queue, what, ms: performance.now() - start }));
  }
  async function help(commands: Queue<any>, ready: Queue<any>) {
    for (;;) {
      const command = commands.getSync();
      if (command === null) return;
      const [what, name, q] = command;
      if (what === "take") {
        for (let i = 0; i < 3; i++) q.getNowait();
        await timed(name, "get", () => q.getSync({ timeout: 30 }));
        await timed(name, "get", () => q.get({ timeout: 30 }));
      } else if (what === "wait") {
        ready.putSync(1);
        await timed(name, "get", () => q.getSync());
        ready.putSync(2);
        await timed(name, "get", () => q.get());
      } else {
        nap(40);
        q.getSync();
        nap(40);
        q.getSync();
      }
      ready.putSync(0);
    }
  }
  if (isMain) {
    const [commands, ready] = [new Queue(), new Queue()];
    const helper = new Process({ target: help, args: [commands, ready], name: "helper" });
    helper.start();
    for (const type of [Queue, JoinableQueue, SimpleQueue]) {
      const name = "the " + type.name;
      const q = new type({ name, ...(type !== SimpleQueue && { maxSize: 3 }) }) as Queue;
      for (let i = 0; i < 3; i++) q.putNowait(i);
      if (type !== SimpleQueue) {
        await timed(name, "put", () => q.putSync(3, { timeout: 30 }));
        await timed(name, "put", () => q.put(3, { timeout: 30 }));
      }
      commands.putSync(["take", name, q]);
      ready.getSync();
      commands.putSync(["wait", name, q]);
      ready.getSync();
      nap(40);
      q.putSync(4);
      ready.getSync();
      nap(40);
      await q.put(5);
      ready.getSync();
      if (type === SimpleQueue) continue;
      for (let i = 0; i < 3; i++) q.putNowait(i);
      commands.putSync(["release", name, q]);
      await timed(name, "put", () => q.putSync(6));
      await timed(name, "put", () => q.put(7));
      ready.getSync();
    }
    commands.putSync(null);
    await helper.join();
    console.log("done");
  }
`;

interface Told {
  readonly queue: string;
  readonly what: string;
  readonly ms: number;
}

describe("the trace of queues between processes", function () {
  this.timeout(90_000);
  const folder = mkdtempSync(join(tmpdir(), "heddle-process-queues-"));
  let model: TraceModel;
  let told: Told[];
  after(() => rmSync(folder, { recursive: true, force: true }));

  before(async () => {
    const file = join(folder, "queues.heddle");
    const { stdout } = await expectScript(source, {
      traced: true,
      runArgs: ["--out", file, "--report", "none"],
      timeout: 60_000,
    });
    const analysed = analyseFile(readFileSync(file));
    assert.equal(analysed.problem, null);
    model = analysed.model;
    assert.equal(model.recorder.dropped, 0);
    told = [...stdout.matchAll(/^told (.*)$/gm)].map((match) => JSON.parse(match[1] as string) as Told);
  });

  function named(name: string): ObjectTrack {
    const all = model.objects.filter((each) => each.name === name);
    assert.equal(all.length, 1, `${all.length} lanes are called ${name}`);
    return all[0]!;
  }

  for (const [type, kind] of [
    ["Queue", "Queue"],
    ["JoinableQueue", "Queue"],
    ["SimpleQueue", "SimpleQueue"],
  ] as const) {
    const name = `the ${type}`;
    const simple = type === "SimpleQueue";

    it(`has one lane for a ${type}, with all puts, gets and depths`, () => {
      const report = jsonReport(model).queues.filter((queue) => queue.name === name);
      assert.deepEqual(
        report.map((queue) => [queue.kind, queue.capacity, queue.puts, queue.gets, queue.maxDepth]),
        [simple ? [kind, 0, 5, 5, 3] : [kind, 3, 10, 7, 3]],
      );
      assert.match(report[0]!.site, /script\.ts:\d+$/);
      assert.equal(named(name).tally.timeouts, simple ? 2 : 4);
    });

    it(`leads from each put into a ${type} to the get in the other process`, () => {
      const { flows, threads } = model;
      const { index } = named(name);
      let seen = 0;
      for (let i = 0; i < flows.count; i++) {
        if (flows.kind[i] !== FlowKind.Item || flows.object[i] !== index) continue;
        seen++;
        const [from, to] = [threads[flows.fromThread[i]!]!, threads[flows.toThread[i]!]!];
        assert.notEqual(from.process, to.process);
        assert.ok(flows.fromTime[i]! <= flows.toTime[i]!);
      }
      assert.equal(seen, simple ? 5 : 7);
    });

    it(`has the waits of both processes for a ${type}`, () => {
      const { index } = named(name);
      for (const [what, sliceKind] of [
        ["get", SliceKind.QueueGetWait],
        ["put", SliceKind.QueuePutWait],
      ] as const) {
        const lengths: number[] = [];
        for (const { slices } of model.threads) {
          for (let i = 0; i < slices.count; i++) {
            if (slices.object[i] !== index || slices.kind[i] !== sliceKind) continue;
            lengths.push((slices.end[i]! - slices.start[i]!) / 1e6);
          }
        }
        const expected = told.filter((each) => each.queue === name && each.what === what).map(({ ms }) => ms);
        assert.equal(lengths.length, expected.length, `${what}: ${lengths}`);
        for (const [i, ms] of lengths.entries()) {
          assert.ok(Math.abs(ms - expected[i]!) < PREEMPTED, `${what} ${i}: ${ms} ms, not ${expected[i]}`);
        }
      }
    });
  }
});
