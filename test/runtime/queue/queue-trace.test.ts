/**
 * What the trace says of queues of each kind, in one thread and shared, against what the script did and measured: puts,
 * gets, the depth after each, how long each item stayed (the arrow from its put to its own get, also out of order), and
 * all waits.
 *
 * The script reads the clock right before and after; between its readings and the recorder's lie microseconds, unless
 * the thread loses its core just there. So the middle one of all deviations must be within 1 %, and none more than a few
 * slices of the scheduler.
 */
import assert from "node:assert/strict";
import { SliceKind } from "../../../src/analysis/model.js";
import { measuring, TracedScript } from "../../harness/traced-script.js";

/** Milliseconds that a thread may lose its core for on a busy machine. */
const PREEMPTED = 150;

const source = `
  import { isMain } from "heddle";
  import { Thread } from "heddle/threading";
  import { Empty, Full, LifoQueue, PriorityQueue, Queue, SimpleQueue } from "heddle/queue";

  ${measuring}
  const say = (queue: string, what: string, ms: number) => tell({ queue, what, ms });
  async function timed(queue: string, what: string, wait: () => unknown) {
    const start = performance.now();
    try { const got = wait(); if (got instanceof Promise) await got; }
    catch (error) { if (!(error instanceof Empty || error instanceof Full)) throw error; }
    finally { say(queue, what, performance.now() - start); }
  }
  /** Does what it is told, a while after it has said that it will. */
  function help(commands: Queue, ready: Queue) {
    for (let command = commands.getSync(); command !== null; command = commands.getSync()) {
      const [what, q] = command as ["put" | "get", Queue];
      ready.putSync(what);
      nap(40);
      if (what === "put") q.putSync([0]);
      else q.getSync();
    }
  }
  const kinds = { Queue, LifoQueue, PriorityQueue, SimpleQueue };
  if (isMain) {
    const [commands, ready] = [new Queue(), new Queue()];
    const helper = new Thread({ target: help, args: [commands, ready] });
    helper.start();
    for (const [kind, type] of Object.entries(kinds)) {
      for (const form of ["local", "shared"]) {
        const name = form + " " + kind;
        const q = new type({ name, ...(type !== SimpleQueue && { maxSize: 3 }) }) as Queue;
        if (form === "shared") { ready.putNowait(q); ready.getNowait(); }
        // Three items with known stays, of which each kind takes another first.
        const put = new Map<number, number>();
        for (const [order, ms] of [[2, 10], [1, 20], [3, 40]] as const) {
          q.putNowait([order]);
          put.set(order, performance.now());
          nap(ms);
        }
        for (let i = 0; i < 3; i++) {
          const [order] = q.getNowait();
          say(name, "stay", performance.now() - put.get(order)!);
          nap(5);
        }
        // The first time somebody waits, the place in the source is looked up; that takes a while.
        await q.get({ timeout: 1 }).catch(() => {});
        await timed(name, "failed get", () => q.getSync({ timeout: 30 }));
        await timed(name, "failed get", () => q.get({ timeout: 30 }));
        if (kind !== "SimpleQueue") {
          for (let i = 0; i < 3; i++) q.putNowait([0]);
          await q.put([0], { timeout: 1 }).catch(() => {});
          await timed(name, "failed put", () => q.putSync([0], { timeout: 30 }));
          await timed(name, "failed put", () => q.put([0], { timeout: 30 }));
        }
        if (form === "shared") {
          if (kind !== "SimpleQueue") {
            for (const put of [() => q.putSync([0]), () => q.put([0])]) {
              commands.putNowait(["get", q]);
              ready.getSync();
              await timed(name, "put", put);
            }
            while (!q.empty()) q.getNowait();
          }
          for (const get of [() => q.getSync(), () => q.get()]) {
            commands.putNowait(["put", q]);
            ready.getSync();
            await timed(name, "get", get);
          }
        }
      }
    }
    commands.putNowait(null);
    await helper.join();
    console.log("done");
  }
`;

interface Told {
  readonly queue: string;
  readonly what: string;
  readonly ms: number;
}

describe("the trace of queues", function () {
  this.timeout(90_000);
  let traced: TracedScript;
  let told: Told[];
  const off: number[] = [];

  before(async () => {
    traced = await TracedScript.run(source);
    told = traced.told();
  });

  const toldOf = (queue: string, ...what: string[]): number[] =>
    told.filter((each) => each.queue === queue && what.includes(each.what)).map((each) => each.ms);

  function compare(name: string, actualNs: number[], expectedMs: number[]): void {
    assert.equal(actualNs.length, expectedMs.length, name);
    for (const [i, ns] of actualNs.entries()) {
      const expected = expectedMs[i] as number;
      const deviation = Math.abs(ns / 1e6 - expected);
      assert.ok(deviation < PREEMPTED, `${name}: ${ns / 1e6} ms, not ${expected}`);
      off.push(deviation / expected);
    }
  }

  /** Lengths of the waits of all threads for a queue, by begin. */
  const waits = (name: string, kind: number): number[] =>
    traced.slicesOf(name, kind).map(({ start, end }) => end - start);

  for (const kind of ["Queue", "LifoQueue", "PriorityQueue", "SimpleQueue"]) {
    for (const form of ["local", "shared"]) {
      const name = `${form} ${kind}`;
      const simple = kind === "SimpleQueue";
      const shared = form === "shared";

      it(`of a ${name} has its puts, gets and depths, and each item's stay`, () => {
        const object = traced.named(name);
        const report = traced.report.queues.find((queue) => queue.name === name);
        assert.ok(report);
        assert.equal(report.kind, kind);
        assert.equal(report.capacity, simple ? 0 : 3);
        const puts = 3 + (simple ? 0 : 3) + (shared ? (simple ? 2 : 4) : 0);
        assert.equal(report.puts, puts);
        assert.equal(report.gets, simple || shared ? puts : puts - 3);
        assert.equal(report.maxDepth, 3);
        assert.equal(object.tally.timeouts, simple ? 3 : 6);
        const depth = object.depth!;
        const steps = Array.from(depth.value.subarray(0, depth.count));
        assert.deepEqual(steps.filter((step, i) => i === 0 || step !== steps[i - 1]).slice(0, 6), [1, 2, 3, 2, 1, 0]);
        const arrows = traced.arrows(name, "Item").slice(0, 3);
        const stays = arrows.map(({ fromTime, toTime }) => toTime - fromTime);
        const putAt = arrows.map(({ fromTime }) => fromTime);
        compare(name, stays, toldOf(name, "stay"));
        // Which arrow is whose: the puts were one after the other.
        const ranks = putAt.map((time) => putAt.filter((other) => other < time).length);
        assert.deepEqual(ranks, { LifoQueue: [2, 1, 0], PriorityQueue: [1, 0, 2] }[kind] ?? [0, 1, 2]);
      });

      it(`of a ${name} has its waits`, () => {
        const gets = waits(name, SliceKind.QueueGetWait);
        compare(name, gets.slice(1), toldOf(name, "failed get", "get"));
        const puts = waits(name, SliceKind.QueuePutWait);
        compare(name, puts.slice(1), toldOf(name, "failed put", "put"));
        if (simple) assert.equal(puts.length, 0);
      });
    }
  }

  it("is right within 1 %", () => {
    const sorted = off.sort((a, b) => a - b);
    assert.ok(sorted.length > 50);
    const middle = sorted[sorted.length >> 1] as number;
    assert.ok(middle < 0.01, `the middle one of ${sorted.length} deviations is ${(middle * 100).toFixed(2)} %`);
  });
});
