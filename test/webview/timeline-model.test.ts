import assert from "node:assert/strict";
import fc from "fast-check";
import { GrowingFlows } from "../../src/analysis/columns.js";
import { FlowKind, type TraceModel } from "../../src/analysis/model.js";
import { TraceBuilder } from "../../src/analysis/trace-builder.js";
import { ObjectKind, WaitReason } from "../../src/trace/events.js";
import { arrowEnd, arrowStart } from "../../webview/model/arrow-ends.js";
import { FlowIndex } from "../../webview/model/flows.js";
import {
  displayName,
  formatDuration,
  formatInstant,
  formatValue,
  nameAmongWords,
  parseSite,
  shortSite,
} from "../../webview/model/format.js";
import { laneAt, lanesBetween, layOutLanes, size, totalHeight } from "../../webview/model/lanes.js";
import { nextNamed, search } from "../../webview/model/search.js";
import { Summarizer } from "../../webview/model/summary.js";
import { hitTest, neighbour, type Thing } from "../../webview/model/things.js";
import { TrackIndexes } from "../../webview/model/track-indexes.js";
import { Viewport } from "../../webview/model/viewport.js";
import { ms, SyntheticTrace } from "../analysis/synthetic-trace.js";
import { demoTrace } from "../ui/demo-trace.js";

const options = { collapsed: new Set<string>(), showSystemThreads: false, compact: false };

function load(bytes: Uint8Array) {
  const builder = new TraceBuilder();
  builder.push(bytes);
  builder.finish();
  assert.equal(builder.problem, null);
  const { model } = builder;
  const indexes = new TrackIndexes(model);
  indexes.grow();
  const flows = new FlowIndex(model);
  flows.grow();
  return { model, indexes, flows, lanes: layOutLanes(model, indexes, options) };
}

/** Two threads and a lock: `b` waits 10 to 20 ms for what `a` holds. */
function twoThreads() {
  const trace = new SyntheticTrace({ cores: 2, source: "perf" });
  const process = trace.process(100, "main.ts");
  const a = process.thread("a");
  const b = a.spawn(ms(1), "b", ms(2));
  const lock = a.lock(ms(1), "door");
  a.acquire(ms(5), lock).release(ms(20), lock);
  b.acquire(ms(20), lock, { since: ms(10) }).release(ms(25), lock);
  a.span(ms(30), ms(40), "outer").span(ms(32), ms(34), "inner").span(ms(35), ms(36), "inner");
  a.on(0, ms(0), ms(45));
  b.on(1, ms(2), ms(10)).on(1, ms(20), ms(30));
  a.end(ms(50));
  b.end(ms(30));
  process.exit(ms(50));
  return load(trace.bytes());
}

describe("lanes", () => {
  it("lie below each other without gaps to fall into", () => {
    const { lanes } = load(demoTrace().bytes());
    for (let i = 1; i < lanes.length; i++) assert.ok(lanes[i]!.top >= lanes[i - 1]!.top + lanes[i - 1]!.height);
    for (const lane of lanes) {
      assert.equal(laneAt(lanes, lane.top), lane);
      assert.equal(laneAt(lanes, lane.top + lane.height - 0.5), lane);
    }
    assert.equal(laneAt(lanes, -1), null);
    assert.equal(laneAt(lanes, totalHeight(lanes) + 1), null);
    const [first, last] = lanesBetween(lanes, lanes[2]!.top + 1, lanes[4]!.top + 1);
    assert.deepEqual([first, last], [2, 5]);
  });

  it("of a collapsed group are not there", () => {
    const { model, indexes, lanes } = load(demoTrace().bytes());
    const fewer = layOutLanes(model, indexes, { ...options, collapsed: new Set(["locks"]) });
    assert.ok(lanes.some((lane) => lane.kind === "lock"));
    assert.ok(!fewer.some((lane) => lane.kind === "lock"));
    assert.equal(fewer.find((lane) => lane.id === "locks")?.members, 2);
  });
});

describe("hit testing", () => {
  it("finds the slice, the state and the holder under a point", () => {
    const { model, indexes, lanes } = twoThreads();
    const viewport = new Viewport();
    viewport.setWidth(1000);
    viewport.setLimit(model.endNs);
    const at = (title: string, time: number, fromTop: number): Thing | null => {
      const lane = lanes.find((candidate) => candidate.title === title)!;
      return hitTest(model, indexes, viewport, lane, viewport.xOf(time), lane.top + fromTop);
    };
    const wait = at("b", ms(15), 8);
    assert.ok(wait?.type === "slice");
    const { slices } = model.threads[wait.thread]!;
    assert.ok(Math.abs(slices.start[wait.row]! - ms(10)) < 1e3 && Math.abs(slices.end[wait.row]! - ms(20)) < 1e3);
    const main = lanes.find((lane) => lane.kind === "thread" && model.threads[lane.index]!.isMain)!;
    const inner = hitTest(model, indexes, viewport, main, viewport.xOf(ms(33)), main.top + 25);
    assert.ok(inner?.type === "slice");
    assert.equal(model.strings[model.threads[inner.thread]!.slices.name[inner.row]!], "inner");
    const state = at("b", ms(5), lanes.find((lane) => lane.title === "b")!.height - 8);
    assert.equal(state?.type, "state");
    assert.equal(at("b", ms(5), 2), null);
    const hold = at("door", ms(8), 8);
    assert.ok(hold?.type === "hold");
    assert.equal(model.objects[hold.object]!.holds!.thread[hold.row], main.index);
  });
});

describe("stepping", () => {
  it("visits every slice of a lane once, forth and back the same", () => {
    const { model, indexes, lanes } = load(demoTrace().bytes());
    for (const lane of lanes.filter((candidate) => candidate.kind === "thread")) {
      const forth: number[] = [];
      let thing: Thing | null = null;
      for (;;) {
        const next: Thing | null = neighbour(model, indexes, lane, thing, -1, 1);
        if (next?.type !== "slice") break;
        forth.push(next.row);
        thing = next;
        assert.ok(forth.length < 10_000);
      }
      assert.equal(new Set(forth).size, model.threads[lane.index]!.slices.count);
      const back: number[] = forth.slice(-1);
      for (;;) {
        const before: Thing | null = neighbour(model, indexes, lane, thing, 0, -1);
        if (before?.type !== "slice") break;
        back.push(before.row);
        thing = before;
        assert.ok(back.length < 10_000);
      }
      assert.deepEqual(back.reverse(), forth);
    }
  });
});

describe("arrows", () => {
  it("lead from the one who released to the one who waited", () => {
    const { model, flows } = twoThreads();
    const a = model.threads.findIndex((thread) => thread.isMain);
    const b = model.threads.findIndex((thread) => thread.name === "b");
    const into = flows.into(b, ms(20), ms(20));
    assert.ok(into.some((flow) => model.flows.fromThread[flow] === a));
    assert.deepEqual(flows.wakeOf(b, ms(19.9)), into);
    const out = flows.outOf(a, ms(19), ms(21));
    assert.ok(out.some((flow) => model.flows.toThread[flow] === b));
    assert.deepEqual(flows.into(b, ms(40), ms(41)), []);
  });

  it("begin and end at the slices they are about", () => {
    const trace = new SyntheticTrace({ cores: 2, source: "perf" });
    const process = trace.process(100, "main.ts");
    const a = process.thread("a");
    const b = a.spawn(ms(1), "b", ms(2));
    const lock = a.lock(ms(1), "door");
    // `a` releases within a span, `b` waits within two.
    a.span(ms(4), ms(30), "work").acquire(ms(5), lock).release(ms(20), lock);
    b.span(ms(8), ms(40), "outer").span(ms(9), ms(39), "inner");
    b.acquire(ms(20), lock, { since: ms(10) }).release(ms(25), lock);
    a.end(ms(50));
    b.end(ms(50));
    process.exit(ms(50));
    const { model, indexes, flows, lanes } = load(trace.bytes());
    const laneOf = (name: string) => lanes.find(({ kind, title }) => kind === "thread" && title === name)!;
    const [from, to] = [laneOf("a"), laneOf("b")];
    const row = (height: number): number => Math.floor((height - size.padding) / size.sliceRow);
    const [wake] = flows.wakeOf(to.index, ms(20)) as [number];
    assert.equal(model.flows.kind[wake], FlowKind.Wake);
    assert.equal(row(arrowStart(model, indexes, from, wake)), 0);
    assert.equal(row(arrowEnd(model, indexes, to, wake)), 2);
    // Where there is no slice, above the band of states.
    const spawn = [...flows.into(to.index, ms(2), ms(2))].find((flow) => model.flows.kind[flow] === FlowKind.Spawn)!;
    const height = arrowEnd(model, indexes, to, spawn);
    assert.ok(height > size.padding + 2 * size.sliceRow && height < size.padding + to.rows * size.sliceRow);
  });

  it("leave a thread in order of time, however the trace grew", () => {
    const arrow = fc.record({ from: fc.nat(1_000_000), lasts: fc.nat(400_000) });
    fc.assert(
      fc.property(fc.array(arrow, { maxLength: 60 }), fc.array(fc.boolean(), { minLength: 60 }), (arrows, asked) => {
        const columns = new GrowingFlows();
        const flows = new FlowIndex({ flows: columns } as unknown as TraceModel);
        const sorted = [...arrows].sort((a, b) => a.from + a.lasts - b.from - b.lasts);
        sorted.forEach(({ from, lasts }, i) => {
          columns.push(FlowKind.Wake, 0, from, 1, from + lasts, -1);
          if (!asked[i]) return;
          flows.grow();
          const times = flows.outOf(0, 0, 1e7, 1000).map((flow) => columns.fromTime[flow]!);
          const wanted = sorted.slice(0, i + 1).map((one) => one.from);
          assert.deepEqual(
            times,
            wanted.sort((a, b) => a - b),
          );
        });
      }),
    );
  });
});

describe("the summary", () => {
  it("adds up states and names what was waited for", () => {
    const { model, indexes } = twoThreads();
    const { headline, obstacles } = new Summarizer(model, indexes).summarize();
    assert.ok(Math.abs(headline.runningNs - ms(63)) < ms(1), String(headline.runningNs));
    assert.equal(model.objects[obstacles[0]!.object]!.name, "door");
    assert.ok(Math.abs(obstacles[0]!.waitedNs - ms(10)) < 1e4);
    assert.equal(obstacles[0]!.waits, 1);
  });

  it("counts waits for events, conditions and barriers, but none for threads and times", () => {
    const trace = new SyntheticTrace();
    const main = trace.process(100, "gate.ts").thread("main");
    const barrier = main.create(ms(1), ObjectKind.Barrier, "gate", 2);
    const runner = main.spawn(ms(2), "runner", ms(3));
    runner.wait(ms(10), ms(40), WaitReason.Barrier, barrier.number);
    main.wait(ms(20), ms(25), WaitReason.Sleep, 0).join(ms(30), ms(60), runner);
    runner.end(ms(55));
    main.end(ms(70));
    const { model, indexes } = load(trace.bytes());
    const { obstacles } = new Summarizer(model, indexes).summarize();
    assert.deepEqual(
      obstacles.map(({ object, waitedNs, waits }) => [model.objects[object]!.name, waitedNs, waits]),
      [["gate", ms(30), 1]],
    );
  });

  it("counts each wait once, also when it is asked while the trace grows", () => {
    const bytes = demoTrace().bytes();
    const builder = new TraceBuilder();
    const indexes = new TrackIndexes(builder.model);
    const summarizer = new Summarizer(builder.model, indexes);
    for (let at = 0; at < bytes.length; at += 700) {
      builder.push(bytes.subarray(at, at + 700));
      indexes.grow();
      summarizer.summarize();
    }
    builder.finish();
    indexes.grow();
    const grown = summarizer.summarize();
    const { model, indexes: whole } = load(bytes);
    const once = new Summarizer(model, whole).summarize();
    assert.deepEqual(
      grown.obstacles.map(({ waitedNs, waits }) => ({ waitedNs, waits })),
      once.obstacles.map(({ waitedNs, waits }) => ({ waitedNs, waits })),
    );
    for (const [s, time] of grown.states.entries()) assert.ok(Math.abs(time - once.states[s]!) < 1e3);
  });
});

describe("search", () => {
  it("finds lanes and names, and goes round through all of a name", () => {
    const { model, lanes } = load(demoTrace().bytes());
    const hits = search(model, lanes, "LEDGER");
    assert.ok(hits.some((hit) => hit.kind === "lane"));
    const name = hits.find((hit) => hit.kind === "name" && hit.text === "write ledger")!;
    const seen = new Set<string>();
    let after: ReturnType<typeof nextNamed> = null;
    for (let i = 0; i < name.count; i++) {
      after = nextNamed(model, name.string, after, 1);
      seen.add(`${after!.thread}:${after!.row}`);
    }
    assert.equal(seen.size, name.count);
    assert.deepEqual(search(model, lanes, "  "), []);
  });

  it("goes to marks as well as to slices, forth and back", () => {
    const trace = new SyntheticTrace();
    const process = trace.process(100, "main.ts");
    const main = process.thread("main");
    main.mark(ms(5), "tick").span(ms(10), ms(20), "tick").mark(ms(15), "tick").mark(ms(15), "tick");
    process.thread("other").mark(ms(12), "tick");
    process.exit(ms(30));
    const { model, lanes } = load(trace.bytes());
    const { string, count } = search(model, lanes, "tick")[0]!;
    assert.equal(count, 5);
    for (const step of [1, -1] as const) {
      const times: number[] = [];
      let at: ReturnType<typeof nextNamed> = null;
      for (let i = 0; i < count + 1; i++) {
        at = nextNamed(model, string, at, step);
        times.push(at!.time);
      }
      const round = [5, 10, 12, 15, 15].map(ms);
      if (step < 0) round.reverse();
      assert.deepEqual(times, [...round, round[0]]);
    }
  });
});

describe("words", () => {
  it("give durations three digits", () => {
    for (const [ns, words] of [
      [0, "0 ns"],
      [1, "1 ns"],
      [999, "999 ns"],
      [1234, "1.23 µs"],
      [45_600_000, "45.6 ms"],
      [999_900_000, "1 s"],
      [12.34e9, "12.3 s"],
      [125e9, "2 min 5 s"],
      [Number.NaN, "–"],
    ] as const)
      assert.equal(formatDuration(ns), words);
  });

  it("give instants as many digits as the step needs", () => {
    assert.equal(formatInstant(20e6, 10e6), "20 ms");
    assert.equal(formatInstant(20.5e6, 0.5e6), "20.5 ms");
    assert.equal(formatInstant(0, 1), "0");
  });

  it("give values of any size a few digits", () => {
    for (const [value, words] of [
      [0, "0"],
      [-5, "-5"],
      [1234567.8912, "1,234,567.891"],
      [0.3333333333, "0.333333"],
      [5e-7, "5e-7"],
      [-1.234e-9, "-1.23e-9"],
      [9.87654321e20, "9.88e20"],
      [1e15, "1e15"],
    ] as const)
      assert.equal(formatValue(value), words);
  });

  it("make hidden characters visible", () => {
    assert.equal(displayName("a\u0000b\u202ec\n"), "a␀b\ufffdc␊");
    assert.equal(displayName("naïve 日本 <b>"), "naïve 日本 <b>");
  });

  it("keep names from right to left to themselves among others", () => {
    assert.equal(nameAmongWords("worker-1"), "worker-1");
    assert.equal(nameAmongWords("café 名前 👪"), "café 名前 👪");
    for (const name of ["עובד אחד", "خيط", "x א"]) assert.equal(nameAmongWords(name), `\u2068${name}\u2069`);
  });

  it("take call sites apart", () => {
    assert.deepEqual(parseSite("file:///a/b c.ts:12:3"), { file: "file:///a/b c.ts", line: 12, column: 3 });
    assert.deepEqual(parseSite("C:\\x\\y.ts:7:1"), { file: "C:\\x\\y.ts", line: 7, column: 1 });
    assert.equal(parseSite("nowhere"), null);
    assert.equal(shortSite("file:///a/b%20c.ts:12:3"), "b c.ts:12");
  });
});
