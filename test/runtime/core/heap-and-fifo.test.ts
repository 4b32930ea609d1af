import assert from "node:assert/strict";
import fc from "fast-check";
import { CLOSED, FULL, SharedFifo } from "../../../src/runtime/core/fifo.js";
import { allocate, free, words } from "../../../src/runtime/core/heap.js";
import { HeapMemory, HeapWord } from "../../../src/runtime/core/heap-memory.js";
import { AtomicWords } from "../../../src/runtime/core/words.js";

describe("heap", () => {
  it("never gives the same word out twice, whatever is allocated and freed", () => {
    const command = fc.record({ size: fc.integer({ min: 1, max: 300 }), free: fc.boolean(), which: fc.nat() });
    fc.assert(
      fc.property(fc.array(command, { maxLength: 100 }), (commands) => {
        const held: { at: number; size: number; mark: number }[] = [];
        let mark = 1;
        for (const { size, free: drop, which } of commands) {
          if (drop && held.length > 0) {
            const [block] = held.splice(which % held.length, 1) as [{ at: number; size: number; mark: number }];
            free(block.at, block.size);
          } else {
            const at = allocate(size);
            for (let i = 0; i < size; i++) assert.equal(words.load(at + i), 0);
            words.view.fill(mark, at, at + size);
            held.push({ at, size, mark: mark++ });
          }
          for (const block of held) {
            for (let i = 0; i < block.size; i++) assert.equal(words.load(block.at + i), block.mark);
          }
        }
        for (const block of held) free(block.at, block.size);
      }),
      { numRuns: 100 },
    );
  });

  /** A heap of its own, of so many words to be given out. */
  function small(count: number): HeapMemory {
    const memory = new SharedArrayBuffer((HeapWord.Start + count) * 4);
    const heap = new HeapMemory(new AtomicWords(memory), new Uint8Array(memory));
    heap.begin();
    return heap;
  }

  it("has all of its room again when all was given back, whatever the sizes were", () => {
    const command = fc.record({
      size: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 1500 })),
      free: fc.boolean(),
      which: fc.nat(),
    });
    fc.assert(
      fc.property(fc.array(command, { maxLength: 200, minLength: 20 }), (commands) => {
        const heap = small(4096);
        const { view } = heap.words;
        const held: { at: number; size: number; mark: number }[] = [];
        let mark = 1;
        const giveBack = (which: number) => {
          const [{ at, size, mark }] = held.splice(which, 1) as [{ at: number; size: number; mark: number }];
          assert.ok(view.subarray(at, at + size).every((word) => word === mark));
          heap.free(at, size);
        };
        for (const { size, free: drop, which } of commands) {
          if (drop && held.length > 0) {
            giveBack(which % held.length);
            continue;
          }
          try {
            const at = heap.allocate(size);
            assert.ok(at >= HeapWord.Start && at + size <= view.length);
            assert.ok(view.subarray(at, at + size).every((word) => word === 0));
            view.fill(mark, at, at + size);
            held.push({ at, size, mark: mark++ });
          } catch (error) {
            assert.match(String(error), /shared memory is full/);
            assert.ok(held.length > 0, "something lies in the way");
          }
        }
        while (held.length > 0) giveBack(held.length - 1);
        const all = heap.allocate(4096);
        assert.equal(all, HeapWord.Start);
      }),
      { numRuns: 150 },
    );
  });

  it("takes blocks of one size after another, each as large as half of it", () => {
    const heap = small(1 << 16);
    for (let size = 4; size <= 1 << 15; size = Math.ceil(size * 1.1)) {
      const blocks = [heap.allocate(size), heap.allocate(size)];
      for (const block of blocks) heap.free(block, size);
    }
  });

  it("refuses what does not fit", () => {
    assert.throws(() => allocate(2 ** 28), RangeError);
  });
});

describe("shared queue of messages", () => {
  it("behaves as an array that is pushed and shifted", () => {
    const command = fc.oneof(
      fc.record({ op: fc.constant("push" as const), bytes: fc.uint8Array({ maxLength: 200 }) }),
      fc.record({ op: fc.constant("pop" as const) }),
      fc.record({ op: fc.constant("batch" as const), n: fc.integer({ min: 1, max: 5 }) }),
    );
    fc.assert(
      fc.property(fc.array(command), fc.integer({ min: 0, max: 5 }), (commands, limit) => {
        const fifo = SharedFifo.create();
        const other = SharedFifo.attach(fifo.offset);
        const model: Uint8Array[] = [];
        let sequence = 0;
        for (const each of commands) {
          if (each.op === "push") {
            const full = limit > 0 && model.length >= limit;
            assert.equal(fifo.tryPush(each.bytes, limit), full ? FULL : ++sequence);
            if (!full) model.push(each.bytes);
          } else if (each.op === "pop") {
            assert.deepEqual(other.tryPop(), model.shift() ?? null);
          } else {
            assert.deepEqual(other.popBatch(each.n), model.splice(0, each.n));
          }
          assert.equal(other.length, model.length);
        }
        fifo.dispose();
      }),
      { numRuns: 200 },
    );
  });

  it("takes nothing once closed, gives the rest, and wakes who waits", async () => {
    const fifo = SharedFifo.create();
    fifo.push(new Uint8Array([1]));
    assert.equal(await fifo.waitForItemAsync(), true);
    fifo.tryPop();
    const waiting = fifo.waitForItemAsync();
    fifo.close();
    assert.equal(await waiting, true);
    assert.equal(fifo.push(new Uint8Array(1)), CLOSED);
  });

  it("passes the wake of a waiter that gave up to the next one", async () => {
    const fifo = SharedFifo.create();
    const abort = new AbortController();
    const first = fifo.waitForItemAsync(abort.signal);
    const second = fifo.waitForItemAsync();
    abort.abort(new Error("enough"));
    await assert.rejects(first, /enough/);
    const start = performance.now();
    fifo.push(new Uint8Array([1]));
    assert.equal(await second, true);
    assert.ok(performance.now() - start < 500, "it was woken, and did not just look again");
  });

  it("waits no longer than it is told", async () => {
    const fifo = SharedFifo.create();
    assert.equal(fifo.waitForItem(20), false);
    assert.equal(await fifo.waitForItemAsync(undefined, 20), false);
  });
});
