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
import { EventFlag, EventKind, ObjectKind, type ObjectScope, WaitReason } from "../../src/trace/events.js";
import type { HangFrame, ThreadEvents } from "../../src/trace/frames.js";
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

export const ms = (n: number): number => n * 1e6;
export const us = (n: number): number => n * 1e3;

export interface Handle {
  readonly process: SyntheticProcess;
  readonly number: number;
  readonly kind: ObjectKind;
  depth: number;
  puts: number;
  gets: number;
  tasks: number;
}

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

interface Fields {
  object?: number;
  site?: string;
  a?: number;
  b?: number;
  flags?: number;
}

interface WaitOptions {
  /** It began to wait then. */
  since?: number;
  async?: boolean;
  site?: string;
}

export class SyntheticThread {
  readonly #texts = new Map<string, number>();
  #told = 0;
  #waits = 0;
  #spans = 0;
  #order: Uint32Array | null = null;
  #taken = 0;
  readonly #t: number[] = [];
  readonly #kind: number[] = [];
  readonly #flags: number[] = [];
  readonly #object: number[] = [];
  readonly #site: number[] = [];
  readonly #a: number[] = [];
  readonly #b: number[] = [];

  constructor(
    readonly process: SyntheticProcess,
    readonly number: number,
    readonly tid: number,
  ) {}

  text(text: string): number {
    if (text === "") return 0;
    let number = this.#texts.get(text);
    if (number === undefined) {
      number = this.#texts.size + 1;
      this.#texts.set(text, number);
    }
    return number;
  }

  emit(t: number, kind: number, fields: Fields = {}): this {
    this.process.trace.reach(t);
    this.#t.push(t);
    this.#kind.push(kind);
    this.#flags.push(fields.flags ?? 0);
    this.#object.push(fields.object ?? 0);
    this.#site.push(this.text(fields.site ?? ""));
    this.#a.push(fields.a ?? 0);
    this.#b.push(fields.b ?? 0);
    return this;
  }

  end(t: number): this {
    return this.emit(t, EventKind.ThreadEnd, { object: this.number });
  }

  /** Starts another thread, which begins at `start`. */
  spawn(t: number, name: string, start = t): SyntheticThread {
    const thread = this.process.thread(name, start);
    this.emit(t, EventKind.ThreadSpawn, { object: thread.number, b: this.text(name) });
    return thread;
  }

  // ---- objects

  create(t: number, kind: ObjectKind, name = "", capacity = 0, site = "file:///work/main.ts:1:1"): Handle {
    const handle = this.process.handle(kind);
    this.emit(t, EventKind.ObjectCreate, { object: handle.number, flags: kind, a: capacity, b: this.text(name), site });
    return handle;
  }
  scope(t: number, object: Handle, scope: ObjectScope): this {
    return this.emit(t, EventKind.ObjectScope, { object: object.number, b: scope });
  }
  lock(t: number, name = "", site?: string): Handle {
    return this.create(t, ObjectKind.Lock, name, 0, site);
  }
  queue(t: number, name = "", capacity = 0, site?: string): Handle {
    return this.create(t, ObjectKind.Queue, name, capacity, site);
  }
  pool(t: number, name = "", workers = 0, site?: string): Handle {
    return this.create(t, ObjectKind.ThreadPoolExecutor, name, workers, site);
  }

  // ---- locks

  waitForLock(
    t: number,
    lock: Handle,
    { async = false, site = "file:///work/main.ts:10:3" }: WaitOptions = {},
  ): number {
    const wait = ++this.#waits;
    this.emit(t, EventKind.LockWait, { object: lock.number, a: wait, site, flags: async ? EventFlag.Async : 0 });
    return wait;
  }
  acquire(t: number, lock: Handle, options: WaitOptions = {}): this {
    const { since, site = "file:///work/main.ts:10:3" } = options;
    const wait = since === undefined ? 0 : this.waitForLock(since, lock, options);
    return this.emit(t, EventKind.LockAcquire, { object: lock.number, a: wait, site });
  }
  lockTimeout(t: number, lock: Handle, options: WaitOptions = {}): this {
    const wait = options.since === undefined ? 0 : this.waitForLock(options.since, lock, options);
    return this.emit(t, EventKind.LockTimeout, { object: lock.number, a: wait });
  }
  release(t: number, lock: Handle): this {
    return this.emit(t, EventKind.LockRelease, { object: lock.number });
  }

  /** Had it from then to then, told at the end. */
  hold(from: number, to: number, lock: Handle, site = "file:///work/main.ts:11:3"): this {
    return this.emit(to, EventKind.LockHold, { object: lock.number, a: (to - from) / 1e6, site });
  }
  /** Found while it began to wait that a thread has it since then. */
  findsHeld(t: number, lock: Handle, holder: SyntheticThread, since: number): this {
    const site = "file:///work/main.ts:11:3";
    return this.emit(t, EventKind.LockHeld, { object: lock.number, a: (t - since) / 1e6, b: holder.number, site });
  }
  /** Had it often, for a moment each. */
  holdBriefly(from: number, to: number, lock: Handle, times: number): this {
    const flags = EventFlag.InexactTime;
    return this.emit(to, EventKind.LockHolds, { object: lock.number, a: times, b: (to - from) / 1e3, flags });
  }

  // ---- queues

  put(t: number, queue: Handle, { since, async = false, site = "file:///work/main.ts:20:3" }: WaitOptions = {}): this {
    if (since !== undefined) {
      const wait = ++this.#waits;
      const flags = async ? EventFlag.Async : 0;
      this.emit(since, EventKind.QueuePutWait, { object: queue.number, a: wait, site, flags });
      this.emit(t, EventKind.QueueWaitEnd, { object: queue.number, a: wait });
    }
    return this.emit(t, EventKind.QueuePut, { object: queue.number, a: ++queue.puts, b: ++queue.depth, site });
  }
  get(t: number, queue: Handle, { since, async = false, site = "file:///work/main.ts:30:3" }: WaitOptions = {}): this {
    if (since !== undefined) {
      const wait = ++this.#waits;
      const flags = async ? EventFlag.Async : 0;
      this.emit(since, EventKind.QueueGetWait, { object: queue.number, a: wait, site, flags });
      this.emit(t, EventKind.QueueWaitEnd, { object: queue.number, a: wait });
    }
    return this.emit(t, EventKind.QueueGet, { object: queue.number, a: ++queue.gets, b: --queue.depth, site });
  }

  // ---- pools

  worksFor(t: number, pool: Handle): this {
    return this.emit(t, EventKind.PoolWorker, { object: pool.number, a: pool.process.pid });
  }
  submit(t: number, pool: Handle, name: string, site = "file:///work/main.ts:40:3"): number {
    const task = ++pool.tasks;
    this.emit(t, EventKind.TaskSubmit, { object: pool.number, a: task, b: this.text(name), site });
    return task;
  }
  task(from: number, to: number, pool: Handle, task: number, name: string, failed = false): this {
    const remote = pool.process === this.process ? 0 : EventFlag.Remote;
    this.emit(from, EventKind.TaskStart, { object: pool.number, a: task, b: this.text(name), flags: remote });
    const flags = remote | (failed ? EventFlag.Failed : 0);
    return this.emit(to, EventKind.TaskEnd, { object: pool.number, a: task, flags });
  }
  cancel(t: number, pool: Handle, task: number): this {
    return this.emit(t, EventKind.TaskCancel, { object: pool.number, a: task });
  }

  // ---- other waits, and what the user says

  wait(from: number, to: number | null, reason: WaitReason, object: number, options: WaitOptions = {}): this {
    const wait = ++this.#waits;
    const { site = "file:///work/main.ts:50:3", async = false } = options;
    this.emit(from, EventKind.WaitBegin, { object, a: wait, b: reason, site, flags: async ? EventFlag.Async : 0 });
    return to === null ? this : this.emit(to, EventKind.WaitEnd, { object, a: wait });
  }
  join(from: number, to: number | null, thread: SyntheticThread): this {
    return this.wait(from, to, WaitReason.ThreadJoin, thread.number);
  }
  span(from: number, to: number | null, name: string, detail = ""): this {
    const span = ++this.#spans;
    this.emit(from, EventKind.SpanBegin, { a: span, b: this.text(name), site: "file:///work/main.ts:60:3" });
    if (detail !== "") this.emit(from, EventKind.Detail, { a: span, b: this.text(detail) });
    return to === null ? this : this.emit(to, EventKind.SpanEnd, { a: span });
  }
  mark(t: number, name: string): this {
    return this.emit(t, EventKind.Mark, { b: this.text(name), site: "file:///work/main.ts:70:3" });
  }
  counter(t: number, name: string, value: number, unit = ""): this {
    return this.emit(t, EventKind.Counter, { a: value, b: this.text(name), object: this.text(unit) });
  }
  gc(end: number, milliseconds: number, kind = 1): this {
    return this.emit(end, EventKind.Gc, { a: milliseconds, flags: kind });
  }
  loopDelay(end: number, milliseconds: number): this {
    return this.emit(end, EventKind.LoopDelay, { a: milliseconds });
  }

  /** It was on that core from then to then. */
  on(core: number, from: number, to: number | null, preempted = false): this {
    const { pid, trace } = this.process;
    trace.switches.push({ t: from, core, pid, tid: this.tid, flags: 0 });
    trace.reach(from);
    if (to === null) return this;
    trace.switches.push({ t: to, core, pid, tid: this.tid, flags: preempted ? 3 : 1 });
    trace.reach(to);
    return this;
  }

  // ---- bytes

  sort(): void {
    const order = Uint32Array.from(this.#t, (_, i) => i);
    const t = this.#t;
    order.sort((i, j) => t[i]! - t[j]! || i - j);
    this.#order = order;
    this.#taken = 0;
    this.#told = 0;
  }

  /** The records before `until` that were not taken yet. */
  take(until: number): ThreadEvents {
    const order = this.#order!;
    const from = this.#taken;
    let to = from;
    while (to < order.length && this.#t[order[to]!]! < until) to++;
    this.#taken = to;
    const rows = order.subarray(from, to);
    const texts = [...this.#texts].slice(this.#told).map(([text, number]) => ({ number, text }));
    if (rows.length > 0) this.#told = this.#texts.size;
    return {
      thread: this.number,
      texts: rows.length > 0 ? texts : [],
      count: rows.length,
      t: Float64Array.from(rows, (i) => this.#t[i]!),
      kind: Uint8Array.from(rows, (i) => this.#kind[i]!),
      flags: Uint8Array.from(rows, (i) => this.#flags[i]!),
      object: Uint32Array.from(rows, (i) => this.#object[i]!),
      site: Uint32Array.from(rows, (i) => this.#site[i]!),
      a: Float64Array.from(rows, (i) => this.#a[i]!),
      b: Uint32Array.from(rows, (i) => this.#b[i]!),
    };
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

/**
 * A large trace of about so many events: workers of a pool take tasks from a bounded queue, under a contended lock,
 * on a few cores. The same for the same numbers.
 */
export function largeTrace({ events = 1_000_000, workers = 8, cores = 4, seed = 1 } = {}): SyntheticTrace {
  let state = seed >>> 0 || 1;
  const random = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  const trace = new SyntheticTrace({ cores, source: "perf", command: ["large.ts"] });
  const process = trace.process(1000, "large.ts");
  const main = process.thread("main");
  const lock = main.lock(us(1), "shared");
  const queue = main.queue(us(2), "jobs", 64);
  const pool = main.pool(us(3), "workers", workers);
  const threads = Array.from({ length: workers }, (_, i) => main.spawn(us(10 + i), `worker-${i + 1}`, us(200 + i)));
  for (const thread of threads) thread.worksFor(us(300), pool);
  // One round of a worker: queue put and get, task, wait for lock, acquire, release, span.
  const perRound = 14;
  const rounds = Math.max(1, Math.floor(events / perRound));
  const free = threads.map(() => us(400));
  const coreFree = Array.from({ length: cores }, () => us(400));
  let lockFree = 0;
  let clock = us(400);
  for (let round = 0; round < rounds; round++) {
    const i = round % workers;
    const thread = threads[i]!;
    const core = round % cores;
    const start = Math.max(free[i]!, coreFree[core]!, clock) + us(1 + random() * 5);
    clock += us(2);
    const task = main.submit(start - 600, pool, "job");
    main.put(start - 500, queue);
    thread.get(start - 100, queue);
    const wants = start + us(5 + random() * 30);
    const has = Math.max(wants, lockFree + 500);
    const gives = has + us(2 + random() * 6);
    lockFree = gives;
    const end = gives + us(5 + random() * 20);
    thread.on(core, start - 200, has > wants ? wants + 200 : end + 100);
    if (has > wants) thread.on(core, has - 200, end + 100, random() < 0.2);
    thread.task(start, end, pool, task, "job");
    thread.span(start + us(1), wants - us(1), "parse");
    if (has > wants) thread.acquire(has, lock, { since: wants });
    else thread.acquire(has, lock);
    thread.release(gives, lock);
    if (round % 50 === 0) main.counter(start, "jobs done", round, "jobs");
    if (round % 200 === 0) thread.gc(gives - 100, (gives - has - 200) / 1e6);
    free[i] = end + us(1);
    coreFree[core] = end + us(1);
  }
  const end = Math.max(...free) + us(10);
  for (const thread of threads) thread.end(end);
  main.end(end + us(10));
  process.exit(end + us(20));
  return trace;
}
