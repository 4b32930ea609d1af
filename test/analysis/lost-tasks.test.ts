/** What the trace says of tasks that went to another worker, and of those whose end no worker could tell. */
import assert from "node:assert/strict";
import { jsonReport } from "../../src/analysis/report/json-report.js";
import { EventFlag, EventKind } from "../../src/trace/events.js";
import { flowsOf, modelOf, steps } from "./model-readers.js";
import { ms, SyntheticTrace } from "./synthetic-trace.js";

describe("a task of a pool", () => {
  it("is not queued any more when it was lost with the worker that it was on its way to", () => {
    const trace = new SyntheticTrace();
    const main = trace.process(100, "x.ts").thread("main");
    const pool = main.pool(ms(1), "hashers", 2);
    const fails = (t: number, task: number) =>
      main.emit(t, EventKind.TaskEnd, { object: pool.number, a: task, flags: EventFlag.Failed });
    const worker = trace.process(200, "worker", ms(2), 100).thread("main", ms(3)).worksFor(ms(4), pool);
    const [first, second, third] = [5, 6, 7].map((t) => main.submit(ms(t), pool, "hash")) as [number, number, number];
    worker.task(ms(10), ms(20), pool, first, "hash");
    fails(ms(12), second);
    // Its worker had begun it and is no more.
    worker.emit(ms(21), EventKind.TaskStart, { object: pool.number, a: third, flags: EventFlag.Remote });
    fails(ms(30), third);
    // A worker that died when it had written the end but not told the result.
    fails(ms(31), first);
    const model = modelOf(trace);
    const object = model.objects[0]!;
    assert.deepEqual(steps(object.queued).slice(0, 6), [
      [5, 1],
      [6, 2],
      [7, 3],
      [10, 2],
      [12, 1],
      [21, 0],
    ]);
    assert.deepEqual(steps(object.busy).slice(0, 4), [
      [10, 1],
      [20, 0],
      [21, 1],
      [30, 0],
    ]);
    const [told] = jsonReport(model).pools;
    assert.deepEqual([told?.tasks, told?.failed, told?.cancelled], [3, 2, 0]);
  });

  it("runs no longer than its process, also where nobody told its end; a failure is still counted", () => {
    const trace = new SyntheticTrace();
    const main = trace.process(100, "x.ts").thread("main");
    const pool = main.pool(ms(1), "hashers", 2);
    const process = trace.process(200, "worker", ms(2), 100);
    const worker = process.thread("main", ms(3)).worksFor(ms(4), pool);
    const [done, lost] = [5, 6].map((t) => main.submit(ms(t), pool, "hash")) as [number, number];
    for (const [t, task] of [
      [10, done],
      [15, lost],
    ] as const)
      worker.emit(ms(t), EventKind.TaskStart, { object: pool.number, a: task, flags: EventFlag.Remote });
    process.exit(ms(20), null, "SIGKILL");
    // The result of the one had come; that the other is lost is told when the process is known to be dead.
    main.emit(ms(25), EventKind.TaskEnd, { object: pool.number, a: lost, flags: EventFlag.Failed });
    const model = modelOf(trace);
    assert.deepEqual(steps(model.objects[0]!.busy).slice(0, 3), [
      [10, 1],
      [15, 2],
      [20, 0],
    ]);
    const [told] = jsonReport(model).pools;
    assert.deepEqual([told?.tasks, told?.failed], [2, 1]);
  });

  it("is the same under another number when it goes from a dead worker to another", () => {
    const trace = new SyntheticTrace();
    const main = trace.process(100, "x.ts").thread("main");
    const pool = main.pool(ms(1), "hashers", 2);
    const worker = main.spawn(ms(2), "worker");
    const task = main.submit(ms(5), pool, "hash");
    main.emit(ms(8), EventKind.TaskCancel, { object: pool.number, a: task, b: task + 1 });
    worker.task(ms(10), ms(20), pool, task + 1, "hash");
    const model = modelOf(trace);
    const object = model.objects[0]!;
    assert.deepEqual(steps(object.queued).slice(0, 2), [
      [5, 1],
      [10, 0],
    ]);
    assert.deepEqual(
      flowsOf(model).filter(([kind]) => kind === "Task"),
      [["Task", "main", 5, "worker", 10]],
    );
    const [told] = jsonReport(model).pools;
    assert.deepEqual([told?.tasks, told?.failed, told?.cancelled], [1, 0, 0]);
  });
});
