/** When the timeline looks for findings, and what of the lanes it lights up for one. */
import assert from "node:assert/strict";
import { analyseFile } from "../../src/analysis/analyse-file.js";
import { isEvidence } from "../../src/analysis/report/findings/evidence.js";
import { jsonReport } from "../../src/analysis/report/json-report.js";
import { TraceBuilder } from "../../src/analysis/trace-builder.js";
import { FindingsWatcher, type ShownFinding, type Turns } from "../../webview/model/findings.js";
import { bestView, spotlightOf } from "../../webview/model/spotlight.js";
import { Summarizer } from "../../webview/model/summary.js";
import { TrackIndexes } from "../../webview/model/track-indexes.js";
import { verdictWithoutFindings } from "../../webview/model/verdict.js";
import { ms, SyntheticTrace } from "../analysis/synthetic-trace.js";
import { demoTrace } from "../ui/demo-trace.js";
import { deadlockTrace } from "../ui/stuck-trace.js";

/** A clock of our own: each look at it takes a tenth of a millisecond, and idle time comes when the test says so. */
class FakeTurns implements Turns {
  time = 0;
  readonly idle: ((timeLeft: () => number) => void)[] = [];
  readonly timers: { at: number; work: () => void }[] = [];
  now = (): number => (this.time += 0.1);
  whenIdle = (work: (timeLeft: () => number) => void): void => void this.idle.push(work);
  after = (pause: number, work: () => void): void => void this.timers.push({ at: this.time + pause, work });

  /** Idle time of so many steps. */
  turn(steps: number): void {
    let left = steps;
    this.idle.shift()?.(() => (--left > 0 ? 10 : 0));
  }

  pass(pause: number): void {
    this.time += pause;
    for (const timer of this.timers.splice(0)) {
      if (timer.at <= this.time) timer.work();
      else this.timers.push(timer);
    }
  }
}

function allFound(bytes: Uint8Array) {
  const { model } = analyseFile(bytes);
  const turns = new FakeTurns();
  let found: readonly ShownFinding[] = [];
  new FindingsWatcher(model, turns, (now) => (found = now)).changed();
  while (turns.idle.length > 0) turns.turn(1000);
  return { model, found };
}

describe("looking for findings", () => {
  it("takes as many turns as it needs, and comes to what the report says", () => {
    const { model } = analyseFile(demoTrace().bytes());
    const turns = new FakeTurns();
    const all: (readonly ShownFinding[])[] = [];
    const watcher = new FindingsWatcher(model, turns, (found) => all.push(found));
    watcher.changed();
    assert.equal(all.length, 0, "nothing is done at once");
    let count = 0;
    for (; turns.idle.length > 0; count++) turns.turn(3);
    assert.ok(count > 5, `${count} turns`);
    assert.equal(all.length, 1);
    assert.deepEqual(
      all[0]!.map(({ finding }) => finding),
      jsonReport(model).findings,
    );
    // Nothing more comes of a trace that is complete.
    watcher.changed();
    assert.equal(turns.idle.length + turns.timers.length, 0);
  });

  it("is done anew while the trace grows, but not before a pause, and at once when it is complete", () => {
    const bytes = demoTrace().bytes();
    const builder = new TraceBuilder();
    const turns = new FakeTurns();
    let times = 0;
    const watcher = new FindingsWatcher(builder.model, turns, () => times++);
    const finish = (): void => {
      while (turns.idle.length > 0) turns.turn(1000);
    };
    builder.push(bytes.subarray(0, 20_000));
    watcher.changed();
    finish();
    assert.equal(times, 1);
    builder.push(bytes.subarray(20_000, 30_000));
    for (let i = 0; i < 5; i++) watcher.changed();
    assert.equal(turns.idle.length, 0);
    assert.equal(turns.timers.length, 1);
    turns.pass(900);
    assert.equal(turns.idle.length, 0);
    turns.pass(200);
    assert.equal(turns.idle.length, 1);
    // What was begun is given up for what is whole.
    turns.turn(2);
    builder.push(bytes.subarray(30_000));
    builder.finish();
    watcher.changed();
    assert.equal(turns.idle.length, 1);
    finish();
    assert.equal(times, 2);
    turns.pass(10_000);
    assert.equal(turns.idle.length, 0);
  });

  it("of a trace that takes long is done less often", () => {
    const builder = new TraceBuilder();
    const turns = new FakeTurns();
    const watcher = new FindingsWatcher(builder.model, turns, () => {});
    builder.push(demoTrace().bytes().subarray(0, 30_000));
    watcher.changed();
    turns.turn(3);
    // A busy machine: the rest of it takes 200 ms.
    const { now } = turns;
    let looks = 0;
    turns.now = () => {
      if (looks++ === 1) turns.time += 200;
      return now();
    };
    while (turns.idle.length > 0) turns.turn(1000);
    watcher.changed();
    assert.ok(turns.timers[0]!.at - turns.time > 5000, JSON.stringify(turns.timers));
  });

  it("ends with the trace", () => {
    const { model } = analyseFile(demoTrace().bytes());
    const turns = new FakeTurns();
    const watcher = new FindingsWatcher(model, turns, () => assert.fail("nobody wants to know"));
    watcher.changed();
    turns.turn(2);
    watcher.stop();
    while (turns.idle.length > 0) turns.turn(1000);
    watcher.changed();
    assert.equal(turns.idle.length, 0);
  });

  it("gives each finding a key of its own that it keeps", () => {
    const bytes = demoTrace().bytes();
    const { found } = allFound(bytes);
    assert.equal(new Set(found.map(({ key }) => key)).size, found.length);
    const later = allFound(demoTrace({ jobs: 120 }).bytes()).found;
    for (const { key } of found)
      assert.ok(
        later.some((one) => one.key === key),
        key,
      );
  });
});

describe("the light on a finding", () => {
  it("falls on its lanes and on nothing else", () => {
    const { model, found } = allFound(demoTrace().bytes());
    const lock = model.objects.find(({ name }) => name === "ledger")!.index;
    const shown = found.find(({ finding }) => finding.rule === "contended-lock")!;
    const light = spotlightOf(model, shown)!;
    const waiters = model.threads.filter(({ pool }) => pool >= 0).map(({ index }) => `thread:${index}`);
    assert.deepEqual([...light.lanes].sort(), [...waiters, `lock:${lock}`].sort());
    assert.ok(light.longest?.type === "slice" && light.lanes.has(light.longest.lane));
    const { slices } = model.threads[light.longest.thread]!;
    assert.equal(slices.object[light.longest.row], lock);
    for (const thread of model.threads) {
      for (let row = 0; row < thread.slices.count; row++) {
        if (!isEvidence(light.spec, thread, row)) continue;
        assert.ok(light.lanes.has(`thread:${thread.index}`));
        assert.ok(thread.slices.start[row]! >= light.from && thread.slices.end[row]! <= light.to);
      }
    }
  });

  it("shows a window around the longest, and of unused cores when they were unused", () => {
    for (const bytes of [demoTrace().bytes(), deadlockTrace().bytes()]) {
      const { model, found } = allFound(bytes);
      for (const shown of found) {
        const span = bestView(model, shown);
        const light = spotlightOf(model, shown);
        assert.equal(span === null, light === null);
        if (!span || !light) continue;
        assert.ok(span.from < span.to);
        if (shown.evidence!.spec.coresBelow > 0) {
          assert.ok(span.from <= light.from && span.to >= light.to);
          continue;
        }
        const { thread, row, type } = light.longest!;
        const { start, end } = type === "slice" ? model.threads[thread]!.slices : model.threads[thread]!.states;
        const to = Number.isNaN(end[row]!) ? model.endNs : end[row]!;
        assert.ok(span.from <= start[row]! && span.to >= to);
        // It is wide enough to be seen, and leaves room for what was before and after.
        const part = (to - start[row]!) / (span.to - span.from);
        assert.ok(part > 0.1 && part < 0.5, `${part}`);
      }
    }
  });
});

describe("a run without findings", () => {
  const verdict = (build: (trace: SyntheticTrace) => void, cores = 4) => {
    const trace = new SyntheticTrace({ cores, source: "perf" });
    build(trace);
    const { model } = analyseFile(trace.bytes());
    assert.deepEqual(jsonReport(model).findings, []);
    const indexes = new TrackIndexes(model);
    indexes.grow();
    const pools = model.objects.filter(({ queued }) => queued !== null).length;
    return verdictWithoutFindings(new Summarizer(model, indexes).summarize(), pools).advice;
  };

  it("is told what would help it", () => {
    const short = verdict((trace) => trace.process(1, "a.ts").thread("main").on(0, 0, ms(5)).end(ms(5)));
    const alone = verdict((trace) => trace.process(1, "a.ts").thread("main").on(0, 0, ms(500)).end(ms(500)));
    const lazy = verdict((trace) => {
      const main = trace.process(1, "a.ts").thread("main");
      for (let at = 0; at < 500; at += 50) main.on(0, ms(at), ms(at + 5));
      main.end(ms(500));
    });
    const busy = verdict((trace) => {
      const main = trace.process(1, "a.ts").thread("main").on(0, 0, ms(500));
      main.spawn(ms(1), "w", ms(2)).on(1, ms(2), ms(499)).end(ms(499));
      main.end(ms(500));
    }, 2);
    assert.match(short, /so short/);
    assert.match(alone, /One thread does all the work/);
    assert.match(lazy, /nothing to do/);
    assert.match(busy, /keep the cores busy/);
    assert.equal(new Set([short, alone, lazy, busy]).size, 4);
  });
});
