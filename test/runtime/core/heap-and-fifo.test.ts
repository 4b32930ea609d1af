import assert from "node:assert/strict";
import fc from "fast-check";
import { CLOSED, FULL, SharedFifo } from "../../../src/runtime/core/fifo.js";
import { allocate, free, words } from "../../../src/runtime/core/heap.js";

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
