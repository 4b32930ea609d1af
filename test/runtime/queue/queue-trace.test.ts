/**
 * What the trace says of queues of each kind, in one thread and shared, against what the script did: puts, gets, the
 * depth after each, how long each item stayed (the arrow from its put to its own get, also out of order), and waits that
 * nobody ended. Each time of the trace lies between two readings of the script. Waits that another thread ends:
 * `runtime/trace/ended-waits-of-threads.test.ts`.
 */
import assert from "node:assert/strict";
import { SliceKind } from "../../../src/analysis/model.js";
import { measuring, TracedScript } from "../../harness/traced-script.js";

const TIMEOUT_MS = 30;

const source = `
  import { isMain } from "heddle";
  import { Empty, Full, LifoQueue, PriorityQueue, Queue, SimpleQueue } from "heddle/queue";

  ${measuring}
  /** Waits in vain. What a promise's wait had begun by is the second reading; a blocking one's is not known. */
  async function waits(queue: string, what: string, wait: () => unknown) {
    const from = clock();
    let by = "";
    try {
      const got = wait();
      if (got instanceof Promise) { by = clock(); await got; }
      throw new Error(queue + " did not wait");
    } catch (error) { if (!(error instanceof Empty || error instanceof Full)) throw error; }
    tell({ queue, what, from, by, until: clock() });
  }
  const kinds = { Queue, LifoQueue, PriorityQueue, SimpleQueue };
  if (isMain) {
    const other = new Queue();
    for (const [kind, type] of Object.entries(kinds)) {
      for (const form of ["local", "shared"]) {
        const name = form + " " + kind;
        const q = new type({ name, ...(type !== SimpleQueue && { maxSize: 3 }) }) as Queue;
        if (form === "shared") { other.putNowait(q); other.getNowait(); }
        // Three items with known stays, of which each kind takes another first.
        const put = new Map<number, [string, string]>();
        for (const [order, ms] of [[2, 10], [1, 20], [3, 40]] as const) {
          put.set(order, around(() => q.putNowait([order])));
          nap(ms);
        }
        for (let i = 0; i < 3; i++) {
          let order = 0;
          const got = around(() => { [order] = q.getNowait(); });
          tell({ queue: name, what: "stay", put: put.get(order), got });
          nap(5);
        }
        await waits(name, "get", () => q.getSync({ timeout: ${TIMEOUT_MS} }));
        await waits(name, "get", () => q.get({ timeout: ${TIMEOUT_MS} }));
        if (kind !== "SimpleQueue") {
          for (let i = 0; i < 3; i++) q.putNowait([0]);
          await waits(name, "put", () => q.putSync([0], { timeout: ${TIMEOUT_MS} }));
          await waits(name, "put", () => q.put([0], { timeout: ${TIMEOUT_MS} }));
        }
      }
    }
    console.log("done");
  }
`;

interface Stay {
  readonly queue: string;
  readonly what: "stay";
  readonly put: [string, string];
  readonly got: [string, string];
}
interface Waited {
  readonly queue: string;
  readonly what: "get" | "put";
  readonly from: string;
  readonly by: string;
  readonly until: string;
}

describe("the trace of queues", function () {
  this.timeout(90_000);
  let traced: TracedScript;

  before(async () => {
    traced = await TracedScript.run(source);
  });

  const toldOf = <T extends Stay | Waited>(queue: string, what: T["what"]): T[] =>
    traced.told<T>().filter((each) => each.queue === queue && each.what === what);

  for (const kind of ["Queue", "LifoQueue", "PriorityQueue", "SimpleQueue"]) {
    for (const form of ["local", "shared"]) {
      const name = `${form} ${kind}`;
      const simple = kind === "SimpleQueue";

      it(`of a ${name} has its puts, gets and depths`, () => {
        const object = traced.named(name);
        const report = traced.report.queues.find((queue) => queue.name === name);
        assert.ok(report);
        assert.deepEqual(
          [report.kind, report.capacity, report.puts, report.gets, report.maxDepth, object.tally.timeouts],
          [kind, ...(simple ? [0, 3, 3, 3, 2] : [3, 6, 3, 3, 4])],
        );
        const depth = object.depth!;
        const steps = Array.from(depth.value.subarray(0, depth.count));
        assert.deepEqual(steps.filter((step, i) => i === 0 || step !== steps[i - 1]).slice(0, 6), [1, 2, 3, 2, 1, 0]);
      });

      it(`of a ${name} leads from each item's put to its own get`, () => {
        const arrows = traced.arrows(name, "Item").sort((x, y) => x.toTime - y.toTime);
        const stays = toldOf<Stay>(name, "stay");
        assert.deepEqual([arrows.length, stays.length], [3, 3]);
        for (const [i, { put, got }] of stays.entries()) {
          traced.within(`put ${i}`, arrows[i]!.fromTime, put);
          traced.within(`get ${i}`, arrows[i]!.toTime, got);
        }
        // Which arrow is whose: the puts were one after the other.
        const putAt = arrows.map(({ fromTime }) => fromTime);
        const ranks = putAt.map((time) => putAt.filter((earlier) => earlier < time).length);
        assert.deepEqual(ranks, { LifoQueue: [2, 1, 0], PriorityQueue: [1, 0, 2] }[kind] ?? [0, 1, 2]);
      });

      it(`of a ${name} has its waits`, () => {
        for (const [what, sliceKind] of [
          ["get", SliceKind.QueueGetWait],
          ["put", SliceKind.QueuePutWait],
        ] as const) {
          const waits = traced.slicesOf(name, sliceKind);
          const told = toldOf<Waited>(name, what);
          assert.equal(told.length, what === "put" && simple ? 0 : 2);
          assert.equal(waits.length, told.length);
          for (const [i, { from, by, until }] of told.entries()) {
            traced.within(`${what} ${i} begins`, waits[i]!.start, [from, by || until]);
            // A timer of Node may ring a millisecond early.
            const soonest = BigInt(from) + BigInt(TIMEOUT_MS - 1) * 1_000_000n;
            traced.within(`${what} ${i} ends`, waits[i]!.end, [String(soonest), until]);
          }
        }
      });
    }
  }
});
