import assert from "node:assert/strict";
import { crc32 as zlibCrc32 } from "node:zlib";
import fc from "fast-check";
import { ByteReader } from "../../src/trace/byte-reader.js";
import { crc32 } from "../../src/trace/crc32.js";
import {
  type EventsFrame,
  type SamplesFrame,
  type SwitchesFrame,
  TraceFormatError,
  type TraceFrame,
  TraceReader,
} from "../../src/trace/reader.js";
import {
  coreSourceFrame,
  endMarkFrame,
  eventsFrame,
  headerFrame,
  processEndFrame,
  processStartFrame,
  samplesFrame,
  switchesFrame,
  systemThreadsFrame,
} from "../../src/trace/writer.js";

const header = {
  command: ["häsh files.ts", "--fast"],
  cwd: "/tmp/ü",
  startedAt: 1_700_000_000_123,
  originNs: "12345678901234567890",
  node: "v22.1.0",
  platform: "linux",
  cores: 8,
};

const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const time = fc.integer({ min: 0, max: 2 ** 50 });
const argument = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.constantFrom(-0, NaN, 2 ** 50, -(2 ** 53)),
);
const record = fc.record({
  t: time,
  kind: fc.integer({ min: 1, max: 127 }),
  flags: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 255 })),
  object: u32,
  site: u32,
  a: argument,
  b: u32,
});
const threadEvents = fc
  .record({
    thread: u32,
    texts: fc.array(fc.record({ number: u32, text: fc.string({ unit: "binary" }) }), { maxLength: 5 }),
    records: fc.array(record, { maxLength: 40 }),
  })
  .map(({ thread, texts, records }) => ({
    thread,
    texts: texts.map(({ number, text }) => ({ number, text: text.toWellFormed() })),
    count: records.length,
    t: Float64Array.from(records, (r) => r.t),
    kind: Uint8Array.from(records, (r) => r.kind),
    flags: Uint8Array.from(records, (r) => r.flags),
    object: Uint32Array.from(records, (r) => r.object),
    site: Uint32Array.from(records, (r) => r.site),
    a: Float64Array.from(records, (r) => r.a),
    b: Uint32Array.from(records, (r) => r.b),
  }));
const events: fc.Arbitrary<EventsFrame> = fc
  .record({
    type: fc.constant("events" as const),
    pid: u32,
    completeTo: time,
    costNs: time,
    threads: fc.array(threadEvents, { maxLength: 4 }),
  })
  .map((frame) => ({ ...frame }));

function readAll(bytes: Uint8Array, pieces: readonly number[] = []): { frames: TraceFrame[]; reader: TraceReader } {
  const reader = new TraceReader();
  const frames: TraceFrame[] = [];
  let from = 0;
  for (const to of [...pieces].sort((x, y) => x - y)) {
    frames.push(...reader.push(bytes.subarray(from, Math.max(from, Math.min(to, bytes.length)))));
    from = Math.max(from, Math.min(to, bytes.length));
  }
  frames.push(...reader.push(bytes.subarray(from)));
  return { frames, reader };
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function code(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof TraceFormatError, String(error));
    return error.code;
  }
  return "no error";
}

/** A small trace with frames of every kind, and where each frame ends. */
function sampleTrace(): { bytes: Uint8Array; ends: number[]; frames: TraceFrame[] } {
  const columns = (n: number) => ({
    t: Float64Array.from({ length: n }, (_, i) => 1000 * i),
    kind: new Uint8Array(n).fill(11),
    flags: new Uint8Array(n),
    object: new Uint32Array(n).fill(3),
    site: new Uint32Array(n).fill(1),
    a: Float64Array.from({ length: n }, (_, i) => i),
    b: new Uint32Array(n),
  });
  const switches: Omit<SwitchesFrame, "type"> = {
    completeTo: 99,
    count: 2,
    t: Float64Array.of(10, 20),
    core: Uint16Array.of(0, 300),
    pid: Uint32Array.of(7, 7),
    tid: Uint32Array.of(7, 8),
    flags: Uint8Array.of(0, 3),
  };
  const samples: Omit<SamplesFrame, "type"> = {
    completeTo: 99,
    count: 2,
    t: Float64Array.of(10, 20),
    pid: Uint32Array.of(7, 7),
    tid: Uint32Array.of(7, 0),
    core: Int16Array.of(-1, 3),
    state: Uint8Array.of(82, 63),
    runNs: Float64Array.of(0, 123456789012),
    waitNs: Float64Array.of(Number.NaN, 0),
  };
  const parts = [
    headerFrame(header),
    coreSourceFrame({ source: "sampled", reason: "because" }),
    processStartFrame({ pid: 7, parentPid: -1, name: "a\u0000<b>", t: 5 }),
    eventsFrame({
      pid: 7,
      completeTo: 5000,
      costNs: 12,
      threads: [{ thread: 1, texts: [{ number: 1, text: "ñame" }], count: 5, ...columns(5) }],
    }),
    switchesFrame(switches),
    samplesFrame(samples),
    systemThreadsFrame({ threads: [{ pid: 7, tid: 8, name: "w", startNs: 1, endNs: null }] }),
    processEndFrame({ pid: 7, t: 100, exitCode: null, signal: "SIGKILL" }),
    endMarkFrame({ t: 101, exitCode: 1, signal: null, hung: true }),
  ];
  let at = 0;
  const ends = parts.map((part) => (at += part.length));
  const bytes = concat(parts);
  return { bytes, ends, frames: readAll(bytes).frames };
}

describe("checksum", () => {
  it("is zlib's", function () {
    if (zlibCrc32 === undefined) this.skip();
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 100 }),
        u32,
        (data, seed) => crc32(data, 0, data.length, seed) === zlibCrc32(data, seed),
      ),
    );
  });
  it("of 123456789 is the published one", () => {
    assert.equal(crc32(new TextEncoder().encode("123456789")), 0xcbf43926);
  });
});

describe("numbers", () => {
  it("that end nowhere, or too late, are no numbers", () => {
    for (const length of [9, 100, 200, 2000]) {
      for (const byte of [0x80, 0xff]) {
        const bytes = new Uint8Array(length).fill(byte);
        assert.throws(() => new ByteReader(bytes).varint(), RangeError);
        bytes[length - 1] = 1;
        if (length > 9) assert.throws(() => new ByteReader(bytes).varint(), RangeError);
      }
    }
  });
});

describe("frames of a trace", () => {
  it("come back as they were written, in whatever pieces the bytes come", () => {
    fc.assert(
      fc.property(fc.array(events, { maxLength: 4 }), fc.array(fc.nat(3000), { maxLength: 6 }), (frames, pieces) => {
        const bytes = concat([headerFrame(header), ...frames.map(eventsFrame)]);
        const { frames: read, reader } = readAll(bytes, pieces);
        assert.deepEqual(read, [{ type: "header", version: 1, ...header }, ...frames]);
        assert.equal(reader.finish().complete, false);
      }),
    );
  });

  it("of every kind come back", () => {
    const { frames } = sampleTrace();
    assert.deepEqual(
      frames.map((frame) => frame.type),
      [
        "header",
        "core-source",
        "process-start",
        "events",
        "switches",
        "samples",
        "system-threads",
        "process-end",
        "end",
      ],
    );
    const [, , start, , switches, samples, threads, end] = frames as unknown[];
    assert.deepEqual(start, { type: "process-start", pid: 7, parentPid: -1, name: "a\u0000<b>", t: 5 });
    assert.deepEqual([...(switches as SwitchesFrame).core], [0, 300]);
    assert.deepEqual([...(switches as SwitchesFrame).flags], [0, 3]);
    assert.deepEqual([...(samples as SamplesFrame).core], [-1, 3]);
    assert.deepEqual([...(samples as SamplesFrame).waitNs], [Number.NaN, 0]);
    assert.deepEqual([...(samples as SamplesFrame).runNs], [0, 123456789012]);
    assert.deepEqual(threads, {
      type: "system-threads",
      threads: [{ pid: 7, tid: 8, name: "w", startNs: 1, endNs: null }],
    });
    assert.deepEqual(end, { type: "process-end", pid: 7, t: 100, exitCode: null, signal: "SIGKILL" });
  });

  it("take at most 10 bytes an event", () => {
    const n = 10_000;
    const bytes = eventsFrame({
      pid: 1,
      completeTo: 1,
      costNs: 0,
      threads: [
        {
          thread: 1,
          texts: [],
          count: n,
          t: Float64Array.from({ length: n }, (_, i) => 5e9 + i * 9000 + (i % 7) * 100),
          kind: Uint8Array.from({ length: n }, (_, i) => [21, 23, 11, 13][i % 4] as number),
          flags: new Uint8Array(n),
          object: Uint32Array.from({ length: n }, (_, i) => [4, 4, 5, 5][i % 4] as number),
          site: Uint32Array.from({ length: n }, (_, i) => [1, 2, 3, 0][i % 4] as number),
          a: Float64Array.from({ length: n }, (_, i) => i >> 2),
          b: Uint32Array.from({ length: n }, (_, i) => (i % 4 < 2 ? i % 50 : 0)),
        },
      ],
    });
    assert.ok(bytes.length / n <= 10, `${bytes.length / n} bytes an event`);
  });

  it("cut anywhere open up to the cut", () => {
    const { bytes, ends, frames } = sampleTrace();
    for (let cut = 0; cut < bytes.length; cut++) {
      const whole = ends.filter((end) => end <= cut).length;
      const { frames: read, reader } = readAll(bytes.subarray(0, cut));
      assert.deepEqual(read, frames.slice(0, whole));
      if (whole === 0) {
        assert.equal(
          code(() => reader.finish()),
          cut === 0 ? "empty" : "cut",
        );
        continue;
      }
      const ending = reader.finish((frame) => assert.fail(`invented ${frame.type}`));
      assert.equal(ending.complete, false);
      assert.match(ending.cut, /cut off/);
    }
    const { reader } = readAll(bytes);
    assert.deepEqual(reader.finish(), { complete: true, cut: "", lostBytes: 0 });
  });

  it("with flipped bytes never throw and never make events up", () => {
    const { bytes, frames } = sampleTrace();
    const known = new Set(frames.map((frame) => JSON.stringify(frame)));
    const flip = fc.record({ at: fc.nat(bytes.length - 1), mask: fc.integer({ min: 1, max: 255 }) });
    fc.assert(
      fc.property(fc.array(flip, { minLength: 1, maxLength: 4 }), (flips) => {
        const broken = bytes.slice();
        for (const { at, mask } of flips) broken[at] = (broken[at] as number) ^ mask;
        if (Buffer.compare(broken, bytes) === 0) return;
        const { frames: read, reader } = readAll(broken);
        const ending = reader.finish((frame) => read.push(frame));
        const good = read.filter((frame) => frame.type !== "damage");
        for (const frame of good) assert.ok(known.has(JSON.stringify(frame)), `invented ${JSON.stringify(frame)}`);
        assert.ok(good.length < frames.length && good.length >= frames.length - flips.length);
        assert.ok(ending.lostBytes > 0 && ending.cut !== "");
      }),
      { numRuns: 1000 },
    );
  });

  it("of an unknown type are skipped without a word", () => {
    const { bytes, ends } = sampleTrace();
    const first = bytes.subarray(0, ends[0]);
    const unknown = processStartFrame({ pid: 1, parentPid: 1, name: "", t: 1 }).slice();
    unknown[8] = 200;
    const view = new DataView(unknown.buffer);
    view.setUint32(12, crc32(unknown, 16, unknown.length, crc32(unknown, 4, 12)), true);
    const { frames, reader } = readAll(
      concat([first, unknown, endMarkFrame({ t: 1, exitCode: 0, signal: null, hung: false })]),
    );
    assert.deepEqual(
      frames.map((frame) => frame.type),
      ["header", "end"],
    );
    assert.equal(reader.finish().lostBytes, 0);
  });
});

describe("what is no trace", () => {
  it("is told apart: empty, other, newer, damaged", () => {
    const whole = (bytes: Uint8Array) => () => readAll(bytes).reader.finish();
    assert.equal(code(whole(new Uint8Array(0))), "empty");
    assert.equal(code(whole(new TextEncoder().encode("import { Lock } from 'heddle/threading';\n"))), "not-a-trace");
    // Shorter than the magic, too; only what is its beginning may be a cut trace.
    for (const length of [1, 2, 3]) {
      assert.equal(code(whole(new TextEncoder().encode("abc").subarray(0, length))), "not-a-trace");
      assert.equal(code(whole(headerFrame(header).subarray(0, length))), "cut");
    }
    assert.equal(
      code(() => new TraceReader().push(new Uint8Array(1 << 17))),
      "not-a-trace",
    );
    assert.equal(code(whole(headerFrame(header, 2))), "newer-version");
    const damaged = headerFrame(header).slice();
    damaged[40] = (damaged[40] as number) ^ 1;
    assert.equal(code(whole(damaged)), "corrupted");
  });

  it("never breaks the reader otherwise", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (bytes) => {
        assert.match(
          code(() => readAll(bytes).reader.finish()),
          /not-a-trace|cut|corrupted/,
        );
      }),
    );
  });
});
