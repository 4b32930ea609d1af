import assert from "node:assert/strict";
import { MessageChannel } from "node:worker_threads";
import { allocate, free } from "../../../src/runtime/core/heap.js";
import { inboxOffset, register, takeInArrivals, unregister } from "../../../src/runtime/futures/inbox.js";
import { FromChild } from "../../../src/runtime/multiprocessing/messages.js";
import { PoolEvent, PoolPost } from "../../../src/runtime/multiprocessing/pool-post.js";

describe("what the service tells of a pool", () => {
  it("waits for room when the heap is full, and keeps its order", async () => {
    const heard: string[] = [];
    const results = register((_, payload) => heard.push(`results of ${payload.length} bytes`));
    const events = register((event) => heard.push(`event ${event}`));
    const { port1, port2 } = new MessageChannel();
    const post = new PoolPost({ inbox: inboxOffset(), results, events }, port1);
    const blocks: { at: number; words: number }[] = [];
    // What is given back is given out again to those who ask for as much: some of every size.
    for (let words = 4; words <= 512; words++) blocks.push({ at: allocate(words, false), words });
    for (let words = 1 << 22; words >= 4; words >>= 1) {
      try {
        for (;;) blocks.push({ at: allocate(words, false), words });
      } catch (error) {
        assert.ok(error instanceof RangeError);
      }
    }
    try {
      post.finished(1, FromChild.Result, new Uint8Array(50));
      post.flush();
      post.finished(2, FromChild.Result, new Uint8Array(1000));
      post.closed();
      takeInArrivals();
      assert.deepEqual(heard, []);
    } finally {
      for (const { at, words } of blocks) free(at, words);
    }
    while (heard.length < 3) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      takeInArrivals();
    }
    assert.deepEqual(heard, ["results of 62 bytes", "results of 1012 bytes", `event ${PoolEvent.Closed}`]);
    unregister(results);
    unregister(events);
    port1.close();
    port2.close();
  });
});
