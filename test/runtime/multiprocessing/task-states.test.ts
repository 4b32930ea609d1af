import assert from "node:assert/strict";
import fc from "fast-check";
import { inheritedArguments } from "../../../src/runtime/multiprocessing/child-settings.js";
import { BLOCK, TaskStates } from "../../../src/runtime/multiprocessing/task-states.js";

describe("task states", () => {
  it("give each task to a worker or to its owner, whoever comes first, on both sides of the memory", () => {
    const id = fc.integer({ min: 1, max: BLOCK * 3 });
    fc.assert(
      fc.property(fc.array(fc.tuple(id, fc.boolean()), { maxLength: 200 }), (steps) => {
        const owner = new TaskStates();
        const service = new TaskStates();
        const first = new Map<number, boolean>();
        for (const [task, cancels] of steps) {
          const block = owner.add(task);
          if (block !== null) service.attach(block.block, block.buffer);
          const got = cancels ? owner.cancel(task) : service.take(task);
          assert.equal(got, !first.has(task));
          if (!first.has(task)) first.set(task, cancels);
          assert.equal(owner.isTaken(task), first.get(task) === false);
        }
      }),
    );
  });

  it("let go of a block when all its tasks are over, and then answer that it is too late", () => {
    const states = new TaskStates();
    for (let task = 1; task < BLOCK * 2; task++) assert.equal(states.add(task) !== null, task === 1 || task === BLOCK);
    for (let task = 1; task < BLOCK; task++) states.over(task);
    assert.equal(states.cancel(5), false);
    assert.equal(states.cancel(BLOCK), true);
    assert.notEqual(states.add(5), null);
  });
});

describe("a child's arguments of Node", () => {
  it("are its parent's, without what is the parent's own", () => {
    const args = ["--require", "x.cjs", "--inspect=9229", "-e", "code", "--max-old-space-size=100", "--inspect-brk"];
    assert.deepEqual(inheritedArguments([...args, "--print=1", "--enable-source-maps"]), [
      "--require",
      "x.cjs",
      "--max-old-space-size=100",
      "--enable-source-maps",
    ]);
  });
});
