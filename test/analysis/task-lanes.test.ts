/** Items of queues and tasks of pools. */
import assert from "node:assert/strict";
import { ThreadState, type TraceModel } from "../../src/analysis/model.js";
import { jsonReport } from "../../src/analysis/report/json-report.js";
import { textReport } from "../../src/analysis/report/text-report.js";
import { EventFlag, EventKind, WaitReason } from "../../src/trace/events.js";
import { flowsOf, modelOf, slicesOf, steps, threadNamed } from "./model-readers.js";
import { ms, SyntheticTrace } from "./synthetic-trace.js";

describe("the join of a queue", () => {
  const site = "file:///work/main.ts:25:3";
  const made = () => {
    const trace = new SyntheticTrace();
    const main = trace.process(100, "x.ts").thread("main");
    const queue = main.queue(ms(1), "jobs");
    const a = main.spawn(ms(2), "a");
    const b = main.spawn(ms(2), "b");
    main.put(ms(10), queue).put(ms(11), queue).put(ms(12), queue);
    return { trace, main, queue, a, b };
  };
  const join = (queue: { number: number }) => [WaitReason.QueueJoin, queue.number] as const;
  const wakes = (model: TraceModel) => flowsOf(model).filter(([kind]) => kind === "Wake");

  it("is a wait for it, with an arrow from the thread and line that reported the last item done", () => {
    const { trace, main, queue, a, b } = made();
    main.wait(ms(20), ms(60.1), ...join(queue));
    a.done(ms(30), queue, 1, 2).done(ms(40), queue, 2, 1);
    b.done(ms(60), queue, 3, 0, site);
    const model = modelOf(trace);
    assert.deepEqual(slicesOf(threadNamed(model, "main")), [["OtherWait", 0, 20, 60.1]]);
    const { slices } = threadNamed(model, "main");
    assert.equal(model.strings[slices.name[0]!], "join jobs");
    assert.equal(slices.object[0], 0);
    assert.deepEqual(wakes(model), [["Wake", "b", 60, "main", 60.1]]);
    const { flows } = model;
    assert.equal(model.strings[flows.fromSite[flows.count - 1]!], "/work/main.ts:25:3");
    const [report] = jsonReport(model).queues;
    assert.deepEqual([report!.puts, report!.done, report!.unfinished], [3, 3, 0]);
    assert.equal(report!.joinWait.totalNs, ms(40.1));
    assert.doesNotMatch(textReport(jsonReport(model)), /unfinished/);
  });

  it("that gave up, or began when all was done, has no arrow", () => {
    const { trace, main, queue, a } = made();
    a.done(ms(30), queue, 3, 0, site);
    main.put(ms(31), queue);
    const wait = { object: queue.number, a: 77 };
    main.emit(ms(40), EventKind.WaitBegin, { ...wait, b: WaitReason.QueueJoin });
    main.emit(ms(50), EventKind.WaitEnd, { ...wait, flags: EventFlag.Failed });
    main.wait(ms(51), ms(52), ...join(queue));
    const model = modelOf(trace);
    assert.deepEqual(wakes(model), []);
    assert.equal(model.objects[0]!.tally.timeouts, 1);
  });

  it("leaves what nobody reported unfinished, also where reports are told late or were lost", () => {
    const { trace, main, queue, a, b } = made();
    b.done(ms(30), queue, 3, 0);
    a.done(ms(30.001), queue, 2, 1);
    main.put(ms(40), queue).put(ms(41), queue);
    const report = jsonReport(modelOf(trace));
    assert.deepEqual([report.queues[0]!.puts, report.queues[0]!.done, report.queues[0]!.unfinished], [5, 3, 2]);
    assert.match(textReport(report), /5 \(2 unfinished\)/);
  });

  it("is never asked for by most: then nothing is unfinished", () => {
    const { trace } = made();
    assert.deepEqual(
      jsonReport(modelOf(trace)).queues.map(({ done, unfinished }) => [done, unfinished]),
      [[0, 0]],
    );
    const joined = made();
    joined.main.wait(ms(20), null, ...join(joined.queue));
    assert.equal(jsonReport(modelOf(joined.trace)).queues[0]!.unfinished, 3, "somebody waits for them");
  });
});

describe("the lane of a queue or pool", () => {
  it("counts a queue's depth and follows each item", () => {
    const trace = new SyntheticTrace();
    const main = trace.process(100, "x.ts").thread("main");
    const queue = main.queue(ms(1), "", 2, "file:///work/src/my%20pipe.ts:12:4");
    const consumer = main.spawn(ms(2), "consumer");
    main.put(ms(10), queue).put(ms(11), queue);
    consumer.get(ms(20), queue);
    main.put(ms(21), queue, { since: ms(12) });
    consumer.get(ms(30), queue).get(ms(31), queue);
    main.put(ms(50), queue);
    consumer.get(ms(51), queue, { since: ms(32), async: true });
    const model = modelOf(trace);
    const object = model.objects[0]!;
    assert.equal(object.name, "Queue my pipe.ts:12");
    assert.equal(object.site, "/work/src/my pipe.ts:12:4");
    assert.equal(object.capacity, 2);
    assert.deepEqual(steps(object.depth), [
      [10, 1],
      [11, 2],
      [20, 1],
      [21, 2],
      [30, 1],
      [31, 0],
      [50, 1],
      [51, 0],
    ]);
    assert.deepEqual(flowsOf(model).slice(1), [
      ["Item", "main", 10, "consumer", 20],
      ["Wake", "consumer", 20, "main", 21],
      ["Item", "main", 11, "consumer", 30],
      ["Item", "main", 21, "consumer", 31],
      ["Item", "main", 50, "consumer", 51],
    ]);
    assert.deepEqual(slicesOf(threadNamed(model, "main")), [["QueuePutWait", 0, 12, 21]]);
    const { states } = threadNamed(model, "consumer");
    assert.deepEqual([...states.state.subarray(0, states.count)], [ThreadState.Running], "a promise blocks no thread");
  });

  it("counts a pool's queued and busy tasks, also of another process", () => {
    const trace = new SyntheticTrace();
    const main = trace.process(100, "x.ts").thread("main");
    const pool = main.pool(ms(1), "hashers", 2);
    const child = trace.process(200, "worker", ms(2), 100);
    const worker = child.thread("main", ms(3)).worksFor(ms(4), pool);
    const first = main.submit(ms(5), pool, "hash");
    const second = main.submit(ms(6), pool, "hash");
    const third = main.submit(ms(7), pool, "hash");
    worker.task(ms(10), ms(20), pool, first, "hash");
    main.cancel(ms(12), pool, third);
    worker.task(ms(21), ms(30), pool, second, "hash", true);
    main.wait(ms(8), ms(31), WaitReason.Result, pool.number);
    const model = modelOf(trace);
    const object = model.objects[0]!;
    assert.deepEqual(steps(object.queued), [
      [5, 1],
      [6, 2],
      [7, 3],
      [10, 2],
      [12, 1],
      [21, 0],
    ]);
    assert.deepEqual(steps(object.busy), [
      [10, 1],
      [20, 0],
      [21, 1],
      [30, 0],
    ]);
    const lane = model.threads.find((thread) => thread.process === 1)!;
    assert.equal(lane.pool, object.index);
    assert.deepEqual(slicesOf(lane), [
      ["Task", 0, 10, 20],
      ["Task", 0, 21, 30],
    ]);
    assert.equal(lane.slices.flags[1], 2);
    // Of a task that is where it was handed in.
    assert.equal(model.strings[lane.slices.site[0]!], "/work/main.ts:40:3");
    const flows = flowsOf(model).map(([kind, , from, , to]) => [kind, from, to]);
    assert.deepEqual(flows, [
      ["Task", 5, 10],
      ["Task", 6, 21],
      ["Result", 30, 31],
    ]);
    assert.equal(model.processes[1]!.parentPid, 100);
  });
});
