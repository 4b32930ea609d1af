/** Items of queues and tasks of pools. */
import assert from "node:assert/strict";
import { ThreadState } from "../../src/analysis/model.js";
import { WaitReason } from "../../src/trace/events.js";
import { flowsOf, modelOf, slicesOf, steps, threadNamed } from "./model-readers.js";
import { ms, SyntheticTrace } from "./synthetic-trace.js";

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
