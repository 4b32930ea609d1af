/** What the trace of pools of processes says of tasks that never began, and of waits for results. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { analyseFile } from "../../../src/analysis/analyse-file.js";
import { type ObjectTrack, SliceKind, type StepColumns, type TraceModel } from "../../../src/analysis/model.js";
import { expectScript } from "../../harness/run-script.js";

const source = `
import assert from "node:assert/strict";
import { isMain, ProcessError } from "heddle";
import { BrokenProcessPool, ProcessPoolExecutor } from "heddle/futures";
import { Pool, ThreadPool } from "heddle/multiprocessing";

const word = new Int32Array(new SharedArrayBuffer(4));
function pid() { return process.pid; }
function nap(ms: number) { Atomics.wait(word, 0, 0, ms); return ms; }
function mark() {}

if (isMain) {
  // A process that stands still is given a task, which it never begins.
  const executor = new ProcessPoolExecutor({ maxWorkers: 1, name: "broken" });
  const worker = executor.submit(pid).resultSync();
  process.kill(worker, "SIGSTOP");
  const futures = [executor.submit(pid), executor.submit(pid)];
  while (!futures[0]!.running());
  process.kill(worker, "SIGKILL");
  for (const future of futures) assert.ok(future.exceptionSync() instanceof BrokenProcessPool);

  const ended = new Pool({ processes: 1, name: "ended" });
  ended.applySync(pid);
  void ended.mapAsync(nap, [60_000, 60_000, 60_000], { chunkSize: 1 });
  ended.terminate();
  ended.joinSync();

  const pool = new Pool({ processes: 1, name: "crew" });
  let rounds = 0;
  for (let lost = false; !lost; rounds++) {
    const worker = pool.applySync(pid);
    process.kill(worker, "SIGSTOP");
    const result = pool.applyAsync(pid);
    // It is on its way for some milliseconds; if it is not sent by then, another gets it.
    nap(30);
    process.kill(worker, "SIGKILL");
    result.waitSync();
    lost = !result.successful();
    if (lost) assert.throws(() => result.getSync(), ProcessError);
  }
  console.log("rounds " + rounds);
  const threads = new ThreadPool({ processes: 1, name: "threads" });
  for (const each of [pool, threads]) {
    each.applySync(nap, [40]);
    await each.mapAsync(nap, [20, 20]).get();
    const results = each.imap(nap, [40]);
    assert.equal(results.nextSync().value, 40);
    each.applySync(mark);
    each.close();
    each.joinSync();
  }
  console.log("done");
}`;

describe("the trace of calls that were lost, and of waits for results", function () {
  this.timeout(60_000);
  const folder = mkdtempSync(join(tmpdir(), "heddle-lost-trace-"));
  let model: TraceModel;
  let rounds: number;
  after(() => rmSync(folder, { recursive: true, force: true }));

  before(async () => {
    const file = join(folder, "pool.heddle");
    const { stdout } = await expectScript(source, {
      traced: true,
      runArgs: ["--out", file, "--report", "none"],
      timeout: 50_000,
    });
    rounds = Number(/^rounds (\d+)$/m.exec(stdout)![1]);
    const analysed = analyseFile(readFileSync(file));
    assert.equal(analysed.problem, null);
    model = analysed.model;
    assert.equal(model.recorder.dropped, 0);
  });

  const objectOf = (name: string): ObjectTrack => model.objects.find((each) => each.name === name)!;
  const slicesOf = (object: ObjectTrack, kind: number) =>
    model.threads.flatMap(({ slices }) =>
      Array.from({ length: slices.count }, (_, i) => i)
        .filter((i) => slices.object[i] === object.index && slices.kind[i] === kind)
        .map((i) => ({ start: slices.start[i]!, end: slices.end[i]!, name: model.strings[slices.name[i]!]! })),
    );
  /** The value at a time. */
  const at = (steps: StepColumns, t: number) => {
    let value = 0;
    for (let i = 0; i < steps.count && steps.time[i]! <= t; i++) value = steps.value[i]!;
    return value;
  };

  /** A process that is killed takes its last records along: how many of the calls that it had done are not in the trace. */
  const untold = (name: string, done: number) =>
    done - slicesOf(objectOf(name), SliceKind.Task).filter((task) => task.name === "pid").length;

  it("counts them as queued until then and no longer, and none as running", () => {
    const [first] = slicesOf(objectOf("threads"), SliceKind.Task);
    for (const name of ["broken", "ended"]) {
      const { queued, busy } = objectOf(name);
      assert.ok(queued!.value.subarray(0, queued!.count).some((value) => value > 0));
      assert.deepEqual([at(queued!, first!.start), at(busy!, first!.start)], [untold(name, 1), 0], name);
    }
    const pool = objectOf("crew");
    const mark = slicesOf(pool, SliceKind.Task).find((task) => task.name === "mark")!;
    assert.deepEqual([at(pool.queued!, mark.start), at(pool.busy!, mark.start)], [untold("crew", 2 * rounds - 1), 1]);
  });

  it("shows who waits for a result at the pool", () => {
    for (const name of ["crew", "threads"]) {
      const pool = objectOf(name);
      const waits = slicesOf(pool, SliceKind.OtherWait).map(({ start, end }) => (end - start) / 1e6);
      assert.ok(waits.filter((took) => took >= 35).length >= 2, `blocked for apply and for imap: ${waits}`);
    }
  });
});
