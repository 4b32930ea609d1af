import { expectScript } from "../../harness/run-script.js";

describe("shared values, arrays and memory that are misused", function () {
  this.timeout(90_000);

  it("say what is wrong, and are as they were", async () => {
    await expectScript(
      `
      import assert from "node:assert/strict";
      import { inspect } from "node:util";
      import { Lock, Queue, RawArray, ShareableList, SharedArray, SharedMemory, Value } from "heddle/multiprocessing";
      import { Lock as ThreadLock } from "heddle/threading";

      const array = new SharedArray("i", [1, 2, 3]) as any;
      for (const index of [1.5, -1.5]) {
        assert.throws(() => array[index], /^TypeError: an index must be an integer, not -?1\\.5$/);
        assert.throws(() => { array[index] = 9; }, TypeError);
        assert.equal(index in array, false);
      }
      for (const index of [3, -1, 2 ** 40, 1e21]) {
        assert.throws(() => array[index], RangeError);
        assert.throws(() => { array[index] = 9; }, RangeError);
        assert.equal(index in array, false);
      }
      assert.throws(() => { array[0] = "9"; }, /^TypeError: an element of type code 'i' is an integer, not "9"$/);
      assert.throws(() => array.set([1, 2, 3, 4]), RangeError);
      assert.throws(() => array.set([7, "8"]), TypeError);
      assert.throws(() => array.set([7], -1), RangeError);
      assert.throws(() => { array.value = "text"; }, TypeError);
      assert.equal(array.getLock().locked(), false);
      assert.deepEqual([...array], [1, 2, 3]);
      assert.deepEqual(Object.keys(array), []);
      // A field of one's own is none of these.
      array.note = "mine";
      assert.equal(array.note, "mine");
      for (const lock of [5, new ThreadLock(), null]) assert.throws(() => new Value("i", 0, { lock } as any), /^TypeError: lock must be true, false, or a Lock or RLock of heddle\\/multiprocessing/);
      for (const code of ["z", "", "ii", "__proto__", 5, undefined]) assert.throws(() => new RawArray(code as any, 2), /^TypeError: unknown type code/);

      assert.throws(() => new (SharedMemory as any)(), /^RangeError: 'name' can only be omitted if create is true$/);
      assert.throws(() => new (SharedMemory as any)("name"), TypeError);
      assert.throws(() => new SharedMemory({ name: "never-made-by-anybody" }), (e: any) => e.code === "ENOENT" && /there is no shared memory 'never-made-by-anybody'/.test(e.message));
      const block = new SharedMemory({ create: true, size: 10 });
      const queue = new Queue();
      queue.putNowait(block);
      block.unlink();
      block.close();
      // Who gets it attaches by its name, as in Python.
      await assert.rejects(queue.get({ timeout: 10_000 }), (e: any) => e.code === "ENOENT" && e.message.includes(block.name));
      queue.putNowait("next");
      assert.equal(await queue.get({ timeout: 10_000 }), "next");

      for (const values of [5, {}, true]) assert.throws(() => new (ShareableList as any)(values), /^TypeError: the values of a ShareableList must be something to iterate over/);
      assert.throws(() => new (ShareableList as any)(null), /^RangeError: 'name' can only be omitted/);
      assert.throws(() => new (ShareableList as any)([1], { nam: "x" }), /^TypeError: there is no option nam \\(did you mean name\\?\\)/);
      const list = new ShareableList<string | number>([1, "ab"]) as any;
      assert.throws(() => list[0.5], TypeError);
      assert.throws(() => { list[1] = "longer than its slot"; }, RangeError);
      assert.throws(() => { list[1] = {}; }, TypeError);
      assert.deepEqual([...list], [1, "ab"]);
      list.shm.close();
      list.shm.unlink();
      assert.throws(() => list[0], /is closed$/);
      assert.match(inspect(list), /^ShareableList\\(closed, name='psm_\\w+'\\)$/);
      console.log("done");
    `,
      { timeout: 60_000 },
    );
  });
});
