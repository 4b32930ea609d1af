/** Arrows to who waited for the end of a thread or for results, from the thread that ended the wait. */
import assert from "node:assert/strict";
import { analyseFile } from "../../src/analysis/analyse-file.js";
import { FlowKind } from "../../src/analysis/model.js";
import { EventKind, WaitReason } from "../../src/trace/events.js";
import { ms, SyntheticTrace } from "./synthetic-trace.js";

function resultsOf(trace: SyntheticTrace) {
  const { model, problem } = analyseFile(trace.bytes());
  assert.equal(problem, null);
  const { flows } = model;
  return Array.from({ length: flows.count }, (_, i) => i)
    .filter((i) => flows.kind[i] === FlowKind.Result)
    .map((i) => [model.threads[flows.fromThread[i]!]!.name, flows.fromTime[i]! / 1e6, flows.toTime[i]! / 1e6]);
}

describe("results", () => {
  it("of a thread come from it, also if it was joined before it began or ends a moment later", () => {
    const trace = new SyntheticTrace();
    const main = trace.process(100, "main.ts").thread("main");
    const one = main.spawn(ms(1), "one", ms(5));
    main.emit(ms(2), EventKind.WaitBegin, { object: one.number, a: 70, b: WaitReason.ThreadJoin });
    main.emit(ms(20), EventKind.WaitEnd, { object: one.number, a: 70 });
    one.end(ms(21));
    const two = main.spawn(ms(22), "two");
    main.emit(ms(23), EventKind.WaitBegin, { object: two.number, a: 71, b: WaitReason.ThreadJoin });
    two.end(ms(29));
    main.emit(ms(30), EventKind.WaitEnd, { object: two.number, a: 71 });
    assert.deepEqual(resultsOf(trace), [
      ["one", 20, 20],
      ["two", 29, 30],
    ]);
  });

  it("of tasks come from who ended the last one, where no pool is told of", () => {
    const trace = new SyntheticTrace();
    const main = trace.process(100, "main.ts").thread("main");
    const pool = main.pool(ms(1), "pool", 1);
    const worker = main.spawn(ms(1), "worker").worksFor(ms(2), pool);
    const early = main.submit(ms(3), pool, "job");
    worker.task(ms(4), ms(5), pool, early, "job");
    const task = main.submit(ms(9), pool, "job");
    main.emit(ms(10), EventKind.WaitBegin, { a: 70, b: WaitReason.Futures });
    worker.task(ms(12), ms(20), pool, task, "job");
    main.emit(ms(21), EventKind.WaitEnd, { a: 70 });
    // Nothing ended within this one.
    main.emit(ms(30), EventKind.WaitBegin, { a: 71, b: WaitReason.Result });
    main.emit(ms(31), EventKind.WaitEnd, { a: 71 });
    assert.deepEqual(resultsOf(trace), [["worker", 20, 21]]);
  });
});
