/**
 * Makes real `.heddle` bytes of what a test says happened, without running anything:
 *
 *     const trace = new SyntheticTrace({ cores: 2, source: "perf" });
 *     const main = trace.process(100, "main.ts").thread("main");
 *     const lock = main.lock(0, "bank");
 *     main.acquire(ms(1), lock).release(ms(5), lock);
 *     const bytes = trace.bytes();
 *
 * Times are nanoseconds since the start. Calls about one queue or pool come in order of time, since they count its
 * depth and numbers; otherwise any order will do.
 */
import { EventKind, type ObjectKind } from "../../src/trace/events.js";
import type { HangFrame } from "../../src/trace/frames.js";
import {
  coreSourceFrame,
  coreTimesFrame,
  endMarkFrame,
  eventsFrame,
  hangFrame,
  headerFrame,
  offCoreFrame,
  processEndFrame,
  processStartFrame,
  samplesFrame,
  switchesFrame,
  systemThreadsFrame,
} from "../../src/trace/writer.js";
import { type Handle, SyntheticThread } from "./synthetic-thread.js";

export { type Handle, SyntheticThread };

export const ms = (n: number): number => n * 1e6;
export const us = (n: number): number => n * 1e3;

export interface SyntheticOptions {
  cores?: number;
  source?: "perf" | "sampled" | "process-only";
  command?: string[];
  cwd?: string;
  /** How often the collector drains. */
  drainNs?: number;
}

interface Switch {
  t: number;
  core: number;
  pid: number;
  tid: number;
  flags: number;
}

interface Sample {
  t: number;
  pid: number;
  tid: number;
  core: number;
  state: number;
  runNs: number;
  waitNs: number;
}

export class SyntheticTrace {
  readonly processes: SyntheticProcess[] = [];
  readonly switches: Switch[] = [];
  readonly samples: Sample[] = [];
  /** Frames of the system's that are not in order with others. */
  readonly extra: Uint8Array[] = [];
  readonly hangs: Omit<HangFrame, "type">[] = [];
  #latest = 0;

  constructor(readonly options: SyntheticOptions = {}) {}

  process(pid: number, name: string, start = 0, parentPid = -1): SyntheticProcess {
    const process = new SyntheticProcess(this, pid, name, start, parentPid);
    this.processes.push(process);
    return process;
  }

  /** Remembers the latest time there is. */
  reach(t: number): void {
    if (t > this.#latest) this.#latest = t;
  }

  sample(t: number, thread: SyntheticThread, runNs: number, waitNs = Number.NaN, core = 0, state = "S"): void {
    this.reach(t);
    const { pid } = thread.process;
    this.samples.push({ t, pid, tid: thread.tid, core, state: state.charCodeAt(0), runNs, waitNs });
  }

  /** The system is asked why the thread is off its core (an OffReason). */
  offCore(t: number, thread: SyntheticThread, reason: number): void {
    this.reach(t);
    const pid = Uint32Array.of(thread.process.pid);
    const tid = Uint32Array.of(thread.tid);
    this.extra.push(offCoreFrame({ count: 1, t: Float64Array.of(t), pid, tid, reason: Uint8Array.of(reason) }));
  }

  /** So long each core was busy up to then. */
  coreTimes(t: number, busyNs: number[]): void {
    this.extra.push(coreTimesFrame({ t, busyNs: Float64Array.from(busyNs) }));
  }

  /** The file. `end: false` leaves the end mark out, as when the runner was killed. */
  bytes({ end = true, exitCode = 0 as number | null, signal = null as string | null, hung = false } = {}): Uint8Array {
    const parts: Uint8Array[] = [
      headerFrame({
        command: this.options.command ?? ["main.ts"],
        cwd: this.options.cwd ?? "/work",
        startedAt: Date.UTC(2026, 0, 2, 3, 4, 5),
        originNs: "1000",
        node: "v20.19.0",
        platform: "linux",
        cores: this.options.cores ?? 2,
      }),
      coreSourceFrame({
        source: this.options.source ?? "process-only",
        reason: this.options.source === "perf" ? "" : "told so by the test",
      }),
    ];
    parts.push(...this.extra);
    const drainNs = this.options.drainNs ?? ms(10);
    const last = this.#latest;
    this.switches.sort((x, y) => x.t - y.t);
    this.samples.sort((x, y) => x.t - y.t);
    for (const process of this.processes) for (const thread of process.threads) thread.sort();
    let nextSwitch = 0;
    let nextSample = 0;
    for (let until = drainNs; ; until += drainNs) {
      const from = until - drainNs;
      for (const process of this.processes) {
        if (process.start >= from && process.start < until) {
          const { pid, parentPid, name, start } = process;
          parts.push(processStartFrame({ pid, parentPid, name, t: start }));
        }
        const threads = process.threads.map((thread) => thread.take(until)).filter((events) => events.count > 0);
        if (threads.length > 0 || (process.start < until && !(process.end < from))) {
          const completeTo = Math.min(until - 1, Math.max(last, 1), process.end);
          parts.push(eventsFrame({ pid: process.pid, completeTo, costNs: 1000, threads }));
        }
        if (process.end < until && process.end >= from) {
          const { pid, end: t, exitCode: code, signal: killedBy } = process;
          parts.push(processEndFrame({ pid, t, exitCode: code, signal: killedBy }));
        }
      }
      const switchesBefore = nextSwitch;
      while (nextSwitch < this.switches.length && this.switches[nextSwitch]!.t < until) nextSwitch++;
      const switches = this.switches.slice(switchesBefore, nextSwitch);
      if (switches.length > 0) {
        parts.push(
          switchesFrame({
            completeTo: until - 1,
            count: switches.length,
            t: Float64Array.from(switches, (s) => s.t),
            core: Uint16Array.from(switches, (s) => s.core),
            pid: Uint32Array.from(switches, (s) => s.pid),
            tid: Uint32Array.from(switches, (s) => s.tid),
            flags: Uint8Array.from(switches, (s) => s.flags),
          }),
        );
      }
      const samplesBefore = nextSample;
      while (nextSample < this.samples.length && this.samples[nextSample]!.t < until) nextSample++;
      const samples = this.samples.slice(samplesBefore, nextSample);
      if (samples.length > 0) {
        parts.push(
          samplesFrame({
            completeTo: until - 1,
            count: samples.length,
            t: Float64Array.from(samples, (s) => s.t),
            pid: Uint32Array.from(samples, (s) => s.pid),
            tid: Uint32Array.from(samples, (s) => s.tid),
            core: Int16Array.from(samples, (s) => s.core),
            state: Uint8Array.from(samples, (s) => s.state),
            runNs: Float64Array.from(samples, (s) => s.runNs),
            waitNs: Float64Array.from(samples, (s) => s.waitNs),
          }),
        );
      }
      if (until > last) break;
    }
    parts.push(...this.hangs.filter(({ t }) => t <= last).map((hang) => hangFrame(hang)));
    if (end) parts.push(endMarkFrame({ t: last, exitCode, signal, hung }));
    return concat(parts);
  }
}

export class SyntheticProcess {
  readonly threads: SyntheticThread[] = [];
  end = Number.POSITIVE_INFINITY;
  exitCode: number | null = 0;
  signal: string | null = null;
  #objects = 0;

  constructor(
    readonly trace: SyntheticTrace,
    readonly pid: number,
    readonly name: string,
    readonly start: number,
    readonly parentPid: number,
  ) {}

  /** A thread that starts then; the first is the main thread. */
  thread(name: string, start = this.start): SyntheticThread {
    const number = this.threads.length + 1;
    const thread = new SyntheticThread(this, number, number === 1 ? this.pid : this.pid + number);
    this.threads.push(thread);
    return thread.emit(start, EventKind.ThreadStart, { object: number, a: thread.tid, b: thread.text(name) });
  }

  exit(t: number, exitCode: number | null = 0, signal: string | null = null): this {
    this.end = t;
    this.exitCode = exitCode;
    this.signal = signal;
    this.trace.reach(t);
    return this;
  }

  /** It said at `t` that none of its threads can go on since then, or that one can after all. */
  stuck(t: number, sinceNs: number, hung = true): this {
    this.trace.reach(t);
    this.trace.hangs.push({ pid: this.pid, t, hung, sinceNs });
    return this;
  }

  /** What the system tells of its threads. */
  systemThreads(threads: { tid: number; name: string }[]): Uint8Array {
    return systemThreadsFrame({ threads: threads.map((t) => ({ pid: this.pid, ...t, startNs: null, endNs: null })) });
  }

  handle(kind: ObjectKind): Handle {
    return { process: this, number: ++this.#objects, kind, depth: 0, puts: 0, gets: 0, tasks: 0 };
  }
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
