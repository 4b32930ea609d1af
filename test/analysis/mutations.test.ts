/**
 * Whatever became of a file's bytes: reader, model and report take them without throwing anything but what the reader
 * documents, without end or without measure. Frames get their checksum again after being changed, so that what is
 * inside them reaches the decoders and the analysis and not only the checksum.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { analyseFile } from "../../src/analysis/analyse-file.js";
import { jsonReport } from "../../src/analysis/report/json-report.js";
import { textReport } from "../../src/analysis/report/text-report.js";
import { crc32 } from "../../src/trace/crc32.js";
import { FrameType, TraceFormatError, TraceReader } from "../../src/trace/reader.js";
import { FRAME_HEAD_BYTES } from "../../src/trace/writer.js";
import { largeTrace } from "./large-trace.js";
import { ms, SyntheticTrace } from "./synthetic-trace.js";

/** Everything there is in a file, in little. */
function fullTrace(): Uint8Array {
  const trace = largeTrace({ events: 1_500, workers: 3, cores: 2 });
  trace.offCore(ms(0.5), trace.processes[0]!.threads[1]!, 4);
  trace.coreTimes(ms(0.1), [0, 0]);
  trace.coreTimes(ms(0.9), [5e6, 7e6]);
  return trace.bytes();
}

function sampledTrace(): Uint8Array {
  const trace = new SyntheticTrace({ source: "sampled" });
  const main = trace.process(100, "main.ts").thread("main");
  const lock = main.lock(ms(1), "l");
  main.acquire(ms(60), lock, { since: ms(10) }).release(ms(70), lock);
  for (let i = 1; i < 20; i++) trace.sample(ms(i * 20), main, ms(i * 3), ms(i));
  return trace.bytes();
}

interface Span {
  readonly start: number;
  readonly end: number;
}

function framesOf(bytes: Uint8Array): Span[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const frames: Span[] = [];
  for (let start = 0; start < bytes.length; ) {
    const end = start + FRAME_HEAD_BYTES + view.getUint32(start + 4, true);
    frames.push({ start, end });
    start = end;
  }
  return frames;
}

/** Makes the checksum right again. */
function seal(bytes: Uint8Array, { start, end }: Span): void {
  const sum = crc32(bytes, start + FRAME_HEAD_BYTES, end, crc32(bytes, start + 4, start + 12));
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(start + 12, sum, true);
}

/** Bytes for the model and its report beyond the file's own; a broken number must not ask for gigabytes. */
const MOST_MEMORY = 256 * 2 ** 20;

function takesAnything(bytes: Uint8Array): void {
  const reader = new TraceReader();
  try {
    reader.push(bytes);
    reader.finish();
  } catch (error) {
    assert.ok(error instanceof TraceFormatError, String(error));
  }
  const before = process.memoryUsage();
  const { model, problem } = analyseFile(bytes);
  const text = textReport(jsonReport(model));
  const after = process.memoryUsage();
  const grown = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers;
  assert.ok(grown < MOST_MEMORY, `${Math.round(grown / 2 ** 20)} MiB for ${bytes.length} bytes`);
  assert.ok(problem === null || problem.length > 0);
  assert.doesNotMatch(text, /undefined|NaN/);
}

const edit = fc.record({ at: fc.nat(), value: fc.oneof(fc.constantFrom(0, 1, 127, 128, 255), fc.nat(255)) });

describe("a file with anything in it", function () {
  this.timeout(20_000);
  const files = [fullTrace(), sampledTrace()];

  it("is read with bytes changed, inserted, removed or moved", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...files),
        fc.array(edit, { minLength: 1, maxLength: 12 }),
        fc.nat(),
        fc.integer({ min: -64, max: 64 }),
        (file, edits, where, length) => {
          const bytes = file.slice();
          for (const { at, value } of edits) bytes[at % bytes.length] = value;
          const cut = where % bytes.length;
          const tail = bytes.subarray(length < 0 ? Math.min(bytes.length, cut - length) : Math.max(0, cut - length));
          takesAnything(Buffer.concat([bytes.subarray(0, cut), tail]));
        },
      ),
      { numRuns: 40 },
    );
  });

  it("is read with right checksums around wrong content", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...files),
        fc.array(fc.tuple(fc.nat(), fc.array(edit, { minLength: 1, maxLength: 4 })), { minLength: 1, maxLength: 6 }),
        (file, frames) => {
          const bytes = file.slice();
          const spans = framesOf(bytes);
          for (const [which, edits] of frames) {
            const span = spans[which % spans.length]!;
            const length = span.end - span.start - FRAME_HEAD_BYTES;
            for (const { at, value } of edits) bytes[span.start + FRAME_HEAD_BYTES + (at % length)] = value;
            seal(bytes, span);
          }
          takesAnything(bytes);
        },
      ),
      { numRuns: 120 },
    );
  });

  it("is read with a frame taken for another type, and with JSON that is none of ours", () => {
    const [file] = files as [Uint8Array];
    const types = Object.values(FrameType);
    const json = fc.json({ maxDepth: 2 });
    const fields = ["pid", "t", "threads", "name", "parentPid", "source", "exitCode", "signal", "command", "cores"];
    const ours = fc.dictionary(fc.constantFrom(...fields), fc.jsonValue({ maxDepth: 2 })).map((o) => JSON.stringify(o));
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom(...types), fc.oneof(json, ours, fc.constant(null)), (at, type, text) => {
        const spans = framesOf(file);
        const { start, end } = spans[at % spans.length]!;
        const payload = text === null ? file.subarray(start + FRAME_HEAD_BYTES, end) : new TextEncoder().encode(text);
        const head = file.slice(start, start + FRAME_HEAD_BYTES);
        const frame = Buffer.concat([
          head,
          type === FrameType.Header ? Uint8Array.of(1, 0) : new Uint8Array(0),
          payload,
        ]);
        new DataView(frame.buffer, frame.byteOffset).setUint32(4, frame.length - FRAME_HEAD_BYTES, true);
        new DataView(frame.buffer, frame.byteOffset).setUint16(8, type, true);
        const bytes = new Uint8Array(Buffer.concat([file.subarray(0, start), frame, file.subarray(end)]));
        seal(bytes, { start, end: start + frame.length });
        takesAnything(bytes);
      }),
      { numRuns: 100 },
    );
  });
});
