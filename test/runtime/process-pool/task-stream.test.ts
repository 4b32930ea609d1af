import assert from "node:assert/strict";
import { MessageChannel } from "node:worker_threads";
import { decode } from "../../../src/runtime/core/structured-clone.js";
import { functionHead, kindOf, ToChild, taskHead } from "../../../src/runtime/multiprocessing/messages.js";
import { LARGE_BYTES, TaskStreamReader, TaskStreamWriter } from "../../../src/runtime/multiprocessing/task-stream.js";

function stream() {
  const { port1, port2 } = new MessageChannel();
  const writer = new TaskStreamWriter(port1);
  const functions: string[] = [];
  const reader = new TaskStreamReader(writer.offset, port2, (head, read) => {
    if (kindOf(head) !== ToChild.Function) return false;
    functions.push(Buffer.from(read()).toString());
    return true;
  });
  const end = () => {
    writer.dispose();
    port1.close();
  };
  return { writer, reader, functions, end };
}

const body = (length: number, fill: number) => new Uint8Array(length).fill(fill);

describe("the stream of tasks", () => {
  it("gives tasks in order, of every size, over many segments", () => {
    const { writer, reader, functions, end } = stream();
    let read = 0;
    let written = 0;
    const sizes = [0, 1, 3, 4, 5, 63, 64, 1000, LARGE_BYTES - 1, LARGE_BYTES, LARGE_BYTES + 1, 300_000];
    for (let round = 0; round < 400; round++) {
      for (let i = 0; i < (round * 7) % 19; i++) {
        if (written % 50 === 0) writer.push(0, functionHead(written), Buffer.from(`f${written}`));
        const size = sizes[written % sizes.length]!;
        writer.push(written, taskHead(2, written % 9), body(size, written % 251));
        written++;
      }
      for (let i = 0; i < (round * 5) % 17 && read < written; i++) {
        assert.equal(reader.take(), true);
        assert.equal(reader.id, read);
        assert.equal(reader.head, taskHead(2, read % 9));
        assert.deepEqual(Buffer.from(reader.body), Buffer.from(body(sizes[read % sizes.length]!, read % 251)));
        read++;
      }
      assert.equal(reader.waiting > 0, read < written);
    }
    while (reader.take()) assert.equal(reader.id, read++);
    assert.equal(read, written);
    assert.equal(reader.waiting, 0);
    assert.deepEqual(
      functions,
      Array.from({ length: Math.ceil(written / 50) }, (_, i) => `f${i * 50}`),
    );
    end();
  });

  it("writes simple arguments in place", () => {
    const { writer, reader, end } = stream();
    const lists = [[], [1, "two", null, undefined, true, 3.5], ["x".repeat(60)]];
    for (const list of lists) assert.equal(writer.pushSimple(1, taskHead(0, 0), list), true);
    assert.equal(writer.pushSimple(1, taskHead(0, 0), [{}]), false);
    assert.equal(writer.pushSimple(1, taskHead(0, 0), Array(100).fill("x".repeat(60))), false);
    for (const list of lists) {
      assert.equal(reader.take(), true);
      assert.deepEqual(decode(reader.body), list);
    }
    assert.equal(reader.take(), false);
    end();
  });

  it("gives a task to whoever was first: the reader, or who cancels it", () => {
    const { writer, reader, end } = stream();
    const places = Array.from({ length: 5000 }, (_, i) => {
      writer.push(i, taskHead(0, 0), body(i % 7 === 0 ? LARGE_BYTES + 10 : 40, i % 100));
      return { at: writer.lastAt, segment: writer.lastSegment };
    });
    const cancelled = new Set<number>();
    let seed = 3;
    const random = () => {
      seed = (seed * 16807) % 2147483647;
      return seed / 2147483647;
    };
    const taken = new Set<number>();
    while (reader.waiting > 0) {
      for (let i = 0; i < 3; i++) {
        const id = Math.floor(random() * 5000);
        const could = writer.cancel(places[id]!);
        assert.equal(could, !taken.has(id) && !cancelled.has(id));
        if (could) cancelled.add(id);
        if (!cancelled.has(id)) assert.equal(writer.isTaken(places[id]!), taken.has(id));
      }
      if (reader.take()) {
        assert.equal(reader.body[0], reader.id % 100);
        taken.add(reader.id);
      }
      // New ones, so that segments are used again.
      if (taken.size % 100 === 0) writer.push(9999, functionHead(0), body(1000, 0));
    }
    assert.equal(taken.size + cancelled.size, 5000);
    end();
  });

  it("asks for a message only when the reader wants one", () => {
    const { writer, reader, end } = stream();
    const push = () => {
      writer.push(1, taskHead(0, 0), body(4, 0));
      return writer.mustPoke();
    };
    assert.deepEqual([push(), push()], [false, false]);
    reader.askForPoke();
    assert.deepEqual([push(), push()], [true, false]);
    end();
  });
});
