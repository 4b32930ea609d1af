/** What a thread of a synthetic trace does, told as records. */
import { EventFlag, EventKind, ObjectKind, type ObjectScope, WaitReason } from "../../src/trace/events.js";
import type { ThreadEvents } from "../../src/trace/frames.js";
import type { SyntheticProcess } from "./synthetic-trace.js";

export interface Handle {
  readonly process: SyntheticProcess;
  readonly number: number;
  readonly kind: ObjectKind;
  depth: number;
  puts: number;
  gets: number;
  tasks: number;
}

interface Fields {
  object?: number;
  site?: string;
  a?: number;
  b?: number;
  flags?: number;
  /** When it came into the file, if that was later than its own time. */
  written?: number;
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
  readonly #written: number[] = [];
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
    this.process.trace.reach(fields.written ?? t);
    this.#t.push(t);
    this.#written.push(fields.written ?? t);
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
  findsHeld(t: number, lock: Handle, holder: SyntheticThread, since: number, written = t): this {
    const site = "file:///work/main.ts:11:3";
    const fields = { object: lock.number, a: (t - since) / 1e6, b: holder.number, site, written };
    return this.emit(t, EventKind.LockHeld, fields);
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

  /** Reported items done: so many in all, which leaves so many. */
  done(t: number, queue: Handle, count: number, left: number, site = ""): this {
    return this.emit(t, EventKind.QueueDone, { object: queue.number, a: count, b: left, site });
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
    const written = this.#written;
    order.sort((i, j) => written[i]! - written[j]! || i - j);
    this.#order = order;
    this.#taken = 0;
    this.#told = 0;
  }

  /** The records before `until` that were not taken yet. */
  take(until: number): ThreadEvents {
    const order = this.#order!;
    const from = this.#taken;
    let to = from;
    while (to < order.length && this.#written[order[to]!]! < until) to++;
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
