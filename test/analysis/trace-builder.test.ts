/** What holds for a trace as a whole, however its bytes come. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { analyseFile } from "../../src/analysis/analyse-file.js";
import type { TraceModel } from "../../src/analysis/model.js";
import { TraceBuilder } from "../../src/analysis/trace-builder.js";
import { EventKind, ObjectKind } from "../../src/trace/events.js";
import { largeTrace } from "./large-trace.js";
import { modelOf } from "./model-readers.js";
import { ms, SyntheticTrace } from "./synthetic-trace.js";

describe("TraceBuilder", () => {
  it("survives events about what it has never heard of", () => {
    const trace = new SyntheticTrace();
    const main = trace.process(100, "x.ts").thread("main");
    for (const kind of Object.values(EventKind)) {
      if (kind === EventKind.Text || kind === EventKind.ThreadEnd) continue;
      main.emit(ms(kind), kind, { object: 77, a: 5, b: 99, flags: kind === EventKind.ObjectCreate ? 99 : 0 });
    }
    main.emit(ms(100), EventKind.LockRelease, { object: 3 }).emit(ms(101), 200, { object: 1 });
    main.emit(ms(102), EventKind.QueueGet, { object: 9, a: 2 ** 40, b: 1 });
    main.emit(ms(103), EventKind.QueuePut, { object: 9, a: 2 ** 40, b: 1 });
    const model = modelOf(trace);
    assert.equal(model.endNs, ms(103));
    assert.equal(model.objects.find((object) => object.kind === ObjectKind.Queue)?.tally.puts, 1);
  });

  it("believes who saw the end of a process before what that said itself when its end began", () => {
    const trace = new SyntheticTrace();
    const main = trace.process(100, "x.ts").thread("main");
    trace.process(200, "handler", ms(1), 100).exit(ms(20), 0);
    trace.process(300, "killed", ms(1), 100).exit(ms(20), 0);
    trace.process(400, "unseen", ms(1), 100).exit(ms(20), 5);
    main.emit(ms(30), EventKind.ProcessExit, { a: 200, b: 1003 });
    main.emit(ms(30), EventKind.ProcessExit, { a: 300, b: 1000 - 9 });
    const ends = modelOf(trace).processes.map(({ pid, exitCode, signal }) => [pid, exitCode, signal]);
    assert.deepEqual(ends.slice(1), [
      [200, 3, null],
      [300, null, "SIGKILL"],
      [400, 5, null],
    ]);
  });

  it("leaves out values of counters that are no numbers", () => {
    const trace = new SyntheticTrace();
    const main = trace.process(100, "x.ts").thread("main");
    const values = [3, Number.NaN, Number.POSITIVE_INFINITY, 4];
    for (const [i, a] of values.entries()) main.emit(ms(i + 1), EventKind.Counter, { a, b: main.text("ratio") });
    const { values: steps } = modelOf(trace).counters[0]!;
    assert.deepEqual([...steps.value.subarray(0, steps.count)], [3, 4]);
  });

  it("is the same however the bytes are cut", () => {
    const trace = largeTrace({ events: 3000, workers: 3, cores: 2 });
    const bytes = trace.bytes();
    const whole = dump(analyseFile(bytes).model);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 30 }), (cuts) => {
        const builder = new TraceBuilder();
        let from = 0;
        let version = builder.version;
        for (const cut of [...cuts.sort((x, y) => x - y), bytes.length]) {
          builder.push(bytes.slice(from, cut));
          if (cut > from) assert.ok(builder.version > version);
          version = builder.version;
          from = cut;
        }
        builder.finish();
        assert.equal(dump(builder.model), whole);
      }),
      { numRuns: 40 },
    );
  });

  it("reads any prefix of a file, and columns stay sorted", () => {
    const bytes = largeTrace({ events: 3000, workers: 3, cores: 2 }).bytes();
    fc.assert(
      fc.property(fc.integer({ min: 0, max: bytes.length - 1 }), (length) => {
        const { model, problem } = analyseFile(bytes.subarray(0, length));
        if (problem === null) assert.match(model.cut, /cut off/);
        checkInvariants(model);
      }),
      { numRuns: 60 },
    );
  });

  it("reads a file with damage in it, and columns stay sorted", () => {
    const bytes = largeTrace({ events: 3000, workers: 3, cores: 2 }).bytes();
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 })), {
          minLength: 1,
          maxLength: 8,
        }),
        (flips) => {
          const broken = bytes.slice();
          for (const [at, mask] of flips) broken[at]! ^= mask;
          checkInvariants(analyseFile(broken).model);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("keeps every promise of the model while it grows", () => {
    const bytes = largeTrace({ events: 20_000, workers: 6, cores: 3 }).bytes();
    const builder = new TraceBuilder();
    let end = 0;
    for (let at = 0; at < bytes.length; at += 5000) {
      builder.push(bytes.subarray(at, at + 5000));
      checkInvariants(builder.model);
      assert.ok(builder.model.endNs >= end, "what is known does not shrink");
      end = builder.model.endNs;
    }
    builder.finish();
    checkInvariants(builder.model);
    const tasks = builder.model.objects.find((object) => object.kind === ObjectKind.ThreadPoolExecutor)!;
    assert.equal(tasks.busy!.value[tasks.busy!.count - 1], 0);
    assert.equal(tasks.queued!.value[tasks.queued!.count - 1], 0);
  });
});

/** What model.ts promises of its columns. */
function checkInvariants(model: TraceModel): void {
  const sorted = (times: Float64Array, count: number, what: string) => {
    for (let i = 1; i < count; i++) assert.ok(times[i]! >= times[i - 1]!, `${what} is sorted at ${i}`);
  };
  for (const thread of model.threads) {
    const { states, slices } = thread;
    for (let i = 1; i < states.count; i++) assert.equal(states.end[i - 1], states.start[i], "states follow each other");
    const until: number[] = [];
    for (let i = 0; i < slices.count; i++) {
      const depth = slices.depth[i]!;
      assert.ok(!(slices.end[i]! < slices.start[i]!));
      assert.ok(slices.start[i]! >= (until[depth] ?? 0), `slices of depth ${depth} do not overlap`);
      until[depth] = Number.isNaN(slices.end[i]!) ? Number.POSITIVE_INFINITY : slices.end[i]!;
    }
  }
  for (const object of model.objects) {
    for (const column of [object.waiters, object.depth, object.queued, object.busy]) {
      if (column) sorted(column.time, column.count, object.name);
    }
    if (object.holds) sorted(object.holds.start, object.holds.count, object.name);
  }
  for (const core of model.cores) {
    for (let i = 1; i < core.count; i++)
      assert.ok(core.start[i]! >= core.end[i - 1]!, "a core runs one thread at a time");
  }
  sorted(model.flows.toTime, model.flows.count, "flows");
  sorted(model.coresInUse.time, model.coresInUse.count, "cores in use");
}

/** Everything the model says, as text. */
function dump(model: TraceModel): string {
  const plain = (value: unknown): unknown => {
    if (ArrayBuffer.isView(value)) return Array.from(value as Float64Array, String);
    if (value instanceof Map) return [...value];
    if (Array.isArray(value)) return value.map(plain);
    if (value === null || typeof value !== "object") return value;
    const count = (value as { count?: number }).count;
    return Object.fromEntries(
      Object.keys(value).map((key) => {
        const field = (value as Record<string, unknown>)[key];
        return [
          key,
          ArrayBuffer.isView(field) && count !== undefined
            ? plain((field as Float64Array).subarray(0, count))
            : plain(field),
        ];
      }),
    );
  };
  const { strings, processes, threads, objects, counters, cores, coresInUse, flows, recorder, endNs, cut } = model;
  return JSON.stringify(
    plain({ strings, processes, threads, objects, counters, cores, coresInUse, flows, recorder, endNs, cut }),
  );
}
