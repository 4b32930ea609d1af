/** A queue whose memory is full says so, and goes on when there is room again. */
import assert from "node:assert/strict";
import { ObjectName } from "../../../src/runtime/core/object-name.js";
import { ProcessHeap } from "../../../src/runtime/multiprocessing/synchronize/process-heap.js";
import { Channel, NONE } from "../../../src/runtime/queue/channel.js";
import { fifo } from "../../../src/runtime/queue/order.js";
import { putLater, putLaterSync } from "../../../src/runtime/queue/waits.js";
import { ObjectScope } from "../../../src/trace/events.js";

describe("the memory of a queue of processes", function () {
  this.timeout(20_000);

  function queueOf(bytes: number): { channel: Channel<unknown>; top: () => number } {
    const heap = ProcessHeap.create(bytes);
    const home = { heap, scope: ObjectScope.Process, crossing: "process" } as const;
    const channel = new Channel<unknown>(fifo, new ObjectName("parcels", "Queue"), "parcels", 0, null, home);
    return { channel, top: () => heap.words.load(1) };
  }

  it("is full at some time, which an error says that names the queue, and has room again when items are taken", async () => {
    const { channel } = queueOf(2 * 1024 * 1024);
    const parcel = new Uint8Array(100_000);
    const error = {
      name: "RangeError",
      message: /^parcels with \d+ items cannot take another one: shared memory is full: no room for \d+ bytes$/,
    };
    let count = 0;
    assert.throws(() => {
      for (;;) {
        channel.tryPut(parcel);
        count++;
      }
    }, error);
    assert.ok(count >= 10 && count <= 20, String(count));
    assert.equal(channel.length, count);
    // Small ones may still find room; who waits to put a large one is told at once.
    assert.throws(() => putLaterSync(channel, parcel, 1000), error);
    await assert.rejects(putLater(channel, parcel, 1000, undefined), error);
    for (let i = 0; i < count; i++) assert.deepEqual(channel.tryTake(), parcel);
    assert.equal(channel.tryTake(), NONE);
    for (let i = 0; i < count; i++) channel.tryPut(parcel);
    assert.throws(() => channel.tryPut(parcel), error);
    assert.throws(() => queueOf(2 * 1024 * 1024).channel.tryPut(new Uint8Array(3_000_000)), error);
  });

  it("is used again: however many items go through, it does not grow", () => {
    const { channel, top } = queueOf(64 * 1024 * 1024);
    const sizes = [1, 10, 500, 1024, 5000, 60_000];
    const round = () => {
      for (const size of sizes) for (let i = 0; i < 20; i++) channel.tryPut("x".repeat(size));
      for (let i = 0; i < 20 * sizes.length; i++) assert.notEqual(channel.tryTake(), NONE);
    };
    for (let i = 0; i < 5; i++) round();
    const before = top();
    for (let i = 0; i < 50; i++) round();
    assert.equal(top(), before);
  });
});
