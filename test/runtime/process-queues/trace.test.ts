/** The trace of queues between processes, beside what the script itself measured: one lane for all who have the queue. */
import assert from "node:assert/strict";
import { SliceKind } from "../../../src/analysis/model.js";
import { CLOCKS_NS, measuring, TracedScript, type Wait } from "../../harness/traced-script.js";

const source = `
  import { isMain } from "heddle";
  import { JoinableQueue, Process, Queue, SimpleQueue } from "heddle/multiprocessing";
  import { Empty, Full } from "heddle/queue";

  ${measuring}
  async function timed(queue: string, what: string, wait: () => unknown) {
    const from = clock();
    let failed = false;
    try { await wait(); }
    catch (error) { if (!(error instanceof Empty || error instanceof Full)) throw error; failed = true; }
    tell({ queue, what, failed, waited: [from, clock()] });
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
  readonly failed: boolean;
  readonly waited: [string, string];
}

/** How long each wait was, and who ended it, is held beside the clock in `runtime/trace/ended-waits-of-processes.test.ts`. */
describe("the trace of queues between processes", function () {
  this.timeout(120_000);
  let traced: TracedScript;
  before(async () => {
    traced = await TracedScript.run(source, 100_000);
  });

  for (const [type, kind] of [
    ["Queue", "Queue"],
    ["JoinableQueue", "Queue"],
    ["SimpleQueue", "SimpleQueue"],
  ] as const) {
    const name = `the ${type}`;
    const simple = type === "SimpleQueue";

    it(`has one lane for a ${type}, with all puts, gets and depths`, () => {
      const report = traced.report.queues.filter((queue) => queue.name === name);
      assert.deepEqual(
        report.map((queue) => [queue.kind, queue.capacity, queue.puts, queue.gets, queue.maxDepth]),
        [simple ? [kind, 0, 5, 5, 3] : [kind, 3, 10, 7, 3]],
      );
      assert.match(report[0]!.site, /script\.ts:\d+$/);
      assert.equal(traced.named(name).tally.timeouts, simple ? 2 : 4);
    });

    it(`leads from each put into a ${type} to the get in the other process`, () => {
      const arrows = traced.arrows(name, "Item");
      for (const { from, fromTime, to, toTime } of arrows) {
        assert.notEqual(from.process, to.process);
        assert.ok(fromTime <= toTime);
      }
      assert.equal(arrows.length, simple ? 5 : 7);
    });

    it(`has the waits of both processes for a ${type}`, () => {
      for (const [what, sliceKind] of [
        ["get", SliceKind.QueueGetWait],
        ["put", SliceKind.QueuePutWait],
      ] as const) {
        const waits = traced.slicesOf(name, sliceKind);
        const seen = new Set<Wait>();
        for (const { failed, waited } of traced
          .told<Told>()
          .filter((each) => each.queue === name && each.what === what)) {
          const [from, until] = waited.map((reading) => traced.time(reading)) as [number, number];
          const within = waits.filter(
            (wait) => !seen.has(wait) && wait.start >= from - CLOCKS_NS && wait.end <= until + CLOCKS_NS,
          );
          for (const wait of within) seen.add(wait);
          // What was there by the time that a busy machine let it ask did not have to be waited for.
          assert.ok(within.length === 1 || (within.length === 0 && !failed), `${what}: ${within.length} waits`);
        }
        assert.equal(waits.length, seen.size, what);
      }
    });
  }
});
