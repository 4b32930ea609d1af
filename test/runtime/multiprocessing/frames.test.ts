import assert from "node:assert/strict";
import fc from "fast-check";
import { FRAME_HEADER_BYTES, FrameReader, FrameWriter } from "../../../src/runtime/multiprocessing/frames.js";

interface Frame {
  kind: number;
  id: number;
  body: Uint8Array;
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** Gives `bytes` to a reader in pieces of the given sizes, over and over. */
function read(bytes: Uint8Array, sizes: readonly number[], reader = new FrameReader()): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length]!;
    reader.push(bytes.subarray(at, at + size), (kind, id, body) => frames.push({ kind, id, body: body.slice() }));
    at += size;
  }
  return frames;
}

const body = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.integer({ min: 0, max: 100_000 }).map((length) => new Uint8Array(length).map((_, i) => i * 7)),
);
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const frames = fc.array(fc.record({ kind: u32, id: u32, body }, { noNullPrototype: true }), { maxLength: 30 });
const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 70_000 })), {
  minLength: 1,
  maxLength: 8,
});

describe("frames", () => {
  it("come back as they were written, whatever pieces the stream arrives in and wherever it was flushed", () => {
    fc.assert(
      fc.property(frames, sizes, fc.array(fc.boolean(), { minLength: 1 }), (sent, pieces, flushes) => {
        const writer = new FrameWriter();
        const parts: Uint8Array[] = [];
        sent.forEach((frame, i) => {
          writer.add(frame.kind, frame.id, frame.body);
          if (flushes[i % flushes.length]) parts.push(...writer.take());
        });
        parts.push(...writer.take());
        assert.equal(writer.bytes, 0);
        const stream = join(parts);
        const reader = new FrameReader();
        assert.deepEqual(read(stream, stream.length > 20_000 ? pieces.map((n) => n + 500) : pieces, reader), sent);
        assert.ok(reader.atBoundary);
      }),
      { numRuns: 200 },
    );
  });

  it("does not give a frame that was cut, and knows that one was", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(), (body, seed) => {
        const writer = new FrameWriter();
        writer.add(1, 2, body);
        const stream = join(writer.take());
        const cut = seed % stream.length;
        const reader = new FrameReader();
        assert.deepEqual(read(stream.subarray(0, cut), [7], reader), []);
        assert.equal(reader.atBoundary, cut === 0);
        assert.equal(stream.length, FRAME_HEADER_BYTES + body.length);
      }),
    );
  });

  it("keeps what was taken unchanged while more is added", () => {
    const writer = new FrameWriter();
    const taken: Uint8Array[] = [];
    const copies: Uint8Array[] = [];
    for (let i = 0; i < 5000; i++) {
      writer.add(1, i, new Uint8Array(i % 90).fill(i));
      if (i % 3 === 0) {
        const parts = writer.take();
        taken.push(...parts);
        copies.push(...parts.map((part) => part.slice()));
      }
    }
    assert.deepEqual(taken, copies);
  });
});
