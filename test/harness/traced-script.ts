/**
 * Runs a script under trace and holds what the trace says beside what the script said itself.
 *
 * The script tells what it did and measured in lines of its output, each "told " and then JSON: {@link measuring} has the
 * functions for that. How a trace can be checked on a machine on which any thread may lose its core at any time: a script
 * cannot know when exactly the recorder read the clock within a call, but it can read the clock itself before and after,
 * on the recorder's clock; so each time of the trace has to lie between two readings of the script, however long that
 * took. Where that is so for both ends of a wait, its length is right to within what lies between the readings: some ten
 * microseconds, or, on a busy machine, as long as the thread had no core in between.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { analyseFile } from "../../src/analysis/analyse-file.js";
import { FlowKind, type ObjectTrack, type ThreadTrack, type TraceModel } from "../../src/analysis/model.js";
import { jsonReport } from "../../src/analysis/report/json-report.js";
import type { JsonReport } from "../../src/analysis/report/report-types.js";
import { TraceReader } from "../../src/trace/reader.js";
import { expectScript } from "./run-script.js";

/** What two processes' clocks may differ by, and a time may be rounded by: nanoseconds. */
export const CLOCKS_NS = 50e3;

/** For scripts: reads the recorder's clock, naps, tells, and waits so that others, or it itself, know of it. */
export const measuring = `
  const clock = () => String(process.hrtime.bigint());
  const nap = (ms: number) => { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms); };
  const tell = (told: object) => console.log("told " + JSON.stringify(told));
  /** When something began at the earliest and was over at the latest. */
  function around(act: () => unknown): [string, string] { const before = clock(); act(); return [before, clock()]; }
  /** Until the recorder has written out all that this process has told it so far: it ticks before each time that it does. */
  function writtenOut() {
    const { tick } = (globalThis as any)[Symbol.for("heddle.recorder")];
    for (let ticks = 0; ticks < 2; ticks++) {
      const before = Atomics.load(tick, 0);
      while (Atomics.load(tick, 0) === before) nap(1);
    }
  }
  /**
   * Blocks, and calls "begun" once the wait surely has begun: when it looks how much of its timeout is left, after so
   * many looks at the clock before it began. Throws if it did not come to that.
   */
  function blocks(wait: () => unknown, looksBefore: number, begun: () => void) {
    const own = Object.getOwnPropertyDescriptor(performance, "now");
    const real = performance.now.bind(performance);
    let looks = 0;
    performance.now = () => {
      if (++looks === looksBefore + 1) begun();
      return real();
    };
    try { wait(); } finally {
      if (own) Object.defineProperty(performance, "now", own);
      else delete (performance as { now?: unknown }).now;
    }
    if (looks <= looksBefore) throw new Error("it did not wait");
  }
`;

/** A wait in the trace: a row of a thread's slices. */
export interface Wait {
  readonly thread: ThreadTrack;
  /** The name of the thread's process. */
  readonly process: string;
  readonly row: number;
  readonly start: number;
  readonly end: number;
  readonly name: string;
  readonly value: number;
}

/** An arrow. */
export interface Arrow {
  readonly kind: number;
  readonly from: ThreadTrack;
  readonly fromTime: number;
  /** "file:line:column", or "". */
  readonly fromSite: string;
  readonly to: ThreadTrack;
  readonly toTime: number;
}

export class TracedScript {
  #report: JsonReport | undefined;

  private constructor(
    readonly model: TraceModel,
    readonly stdout: string,
    private readonly originNs: bigint,
    /** The trace itself. */
    readonly bytes: Uint8Array,
  ) {}

  /** Runs a source that prints `done` last. Throws unless all of it was recorded. */
  static async run(source: string, timeout = 60_000): Promise<TracedScript> {
    const folder = mkdtempSync(join(tmpdir(), "heddle-traced-"));
    try {
      const file = join(folder, "script.heddle");
      const { stdout } = await expectScript(source, {
        traced: true,
        runArgs: ["--out", file, "--report", "none"],
        timeout,
      });
      const bytes = readFileSync(file);
      const { model, problem } = analyseFile(bytes);
      assert.equal(problem, null);
      assert.equal(model.recorder.dropped, 0);
      const header = new TraceReader().push(bytes)[0];
      assert.ok(header?.type === "header");
      return new TracedScript(model, stdout, BigInt(header.originNs), bytes);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  get report(): JsonReport {
    this.#report ??= jsonReport(this.model);
    return this.#report;
  }

  /** What the script told, in the order in which it was printed. */
  told<T>(): T[] {
    return [...this.stdout.matchAll(/^told (.*)$/gm)].map((match) => JSON.parse(match[1]!) as T);
  }

  /** A reading of the script's `clock` as a time of the trace. */
  time(reading: string): number {
    return Number(BigInt(reading) - this.originNs);
  }

  /** The one object of that name. */
  named(name: string): ObjectTrack {
    const found = this.model.objects.filter((each) => each.name === name);
    assert.equal(found.length, 1, `${found.length} objects are called ${name}`);
    return found[0]!;
  }

  processOf(thread: number): string {
    return this.model.processes[this.model.threads[thread]!.process]!.name;
  }

  /** The slices of all threads that are as is asked for, by begin. */
  slices(like: (slice: { kind: number; object: number; value: number; name: string }) => boolean): Wait[] {
    const { model } = this;
    return model.threads
      .flatMap((thread) => {
        const { slices } = thread;
        return Array.from({ length: slices.count }, (_, row) => ({
          thread,
          process: this.processOf(thread.index),
          row,
          start: slices.start[row]!,
          end: slices.end[row]!,
          kind: slices.kind[row]!,
          object: slices.object[row]!,
          name: model.strings[slices.name[row]!]!,
          value: slices.value[row]!,
        }));
      })
      .filter(like)
      .sort((x, y) => x.start - y.start);
  }

  /** The slices of a kind that are for the object of that name. */
  slicesOf(object: string, kind: number, value?: number): Wait[] {
    const { index } = this.named(object);
    return this.slices((each) => each.object === index && each.kind === kind && (value ?? each.value) === each.value);
  }

  /** The arrows about the object of that name, or about none. */
  arrows(object: string | null, ...kinds: (keyof typeof FlowKind)[]): Arrow[] {
    const { flows, threads, strings } = this.model;
    const index = object === null ? -1 : this.named(object).index;
    const wanted = new Set<number>(kinds.map((kind) => FlowKind[kind]));
    return Array.from({ length: flows.count }, (_, i) => i)
      .filter((i) => flows.object[i] === index && wanted.has(flows.kind[i]!))
      .map((i) => ({
        kind: flows.kind[i]!,
        from: threads[flows.fromThread[i]!]!,
        fromTime: flows.fromTime[i]!,
        fromSite: strings[flows.fromSite[i]!]!,
        to: threads[flows.toThread[i]!]!,
        toTime: flows.toTime[i]!,
      }));
  }

  /** Asserts that a time of the trace lies between two readings of the script, but for what clocks may differ by. */
  within(what: string, time: number, [earliest, latest]: readonly [string, string]): void {
    const [from, to] = [this.time(earliest) - CLOCKS_NS, this.time(latest) + CLOCKS_NS];
    const off = time < from ? `${(from - time) / 1e6} ms before` : `${(time - to) / 1e6} ms after`;
    assert.ok(time >= from && time <= to, `${what}: ${off} what the script says, ${time} not in ${from} to ${to}`);
  }
}
