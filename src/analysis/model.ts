/**
 * What the analysis makes of a trace, and what the report and the timeline read: columns (typed arrays), never an
 * object per event. All times are nanoseconds since the start of the trace, as float64 (exact up to 104 days).
 *
 * Columns only grow. While a trace is live, `count` rises and the arrays may be replaced by larger ones, so a reader
 * takes them from the model at each use. A row is never changed once it is there, with one exception: what is still
 * open has `end` = NaN until it ends (a reader draws it up to `TraceModel.endNs`), and a state that is open may still
 * become another one from its start on, when the reason is found why the thread is off its core.
 */
import type { ObjectKind, WaitReason } from "../trace/events.js";

/** Rows of a fixed set of typed arrays. */
export interface Columns {
  /** How many rows are valid. */
  readonly count: number;
}

/** What a thread does at an instant, in the colours everybody knows. */
export const ThreadState = {
  /** On a core (green). */ Running: 1,
  /** Ready, but not on a core (yellow). */ Runnable: 2,
  /** Blocked by a lock, queue, join or result (red). */ Blocked: 3,
  /** Off its core for another reason while its code runs: a file, a child process it waits for, a page fault (purple). */ Io: 4,
  /** Waits for a time it chose itself to pass (blue). */ Sleeping: 5,
  /** In its event loop with nothing to do, or the pool has no task for it (grey). */ Idle: 6,
} as const;
export type ThreadState = (typeof ThreadState)[keyof typeof ThreadState];

/** A thread's state band: sorted, without overlap. */
export interface StateColumns extends Columns {
  readonly start: Float64Array;
  readonly end: Float64Array;
  readonly state: Uint8Array;
  /** The core, or -1 where unknown. */
  readonly core: Int16Array;
}

export const SliceKind = {
  Span: 1,
  Task: 2,
  LockWait: 3,
  QueuePutWait: 4,
  QueueGetWait: 5,
  OtherWait: 6,
  Gc: 7,
  LoopDelay: 8,
  /** A request to a manager, at the client: from asking to the answer. */ Request: 9,
  /** The same at the server: while its method runs. */ Serve: 10,
} as const;
export type SliceKind = (typeof SliceKind)[keyof typeof SliceKind];

/**
 * What happened on a thread's lane, nested by depth: sorted by start within each depth. Over all depths it is nearly
 * sorted, but not quite: collections and loop delays are known only when they are over, so their rows come late.
 */
export interface SliceColumns extends Columns {
  readonly start: Float64Array;
  readonly end: Float64Array;
  /** 0 is outermost; slices of one depth never overlap. */
  readonly depth: Uint16Array;
  readonly kind: Uint8Array;
  /** Index into `TraceModel.strings`: what stands in the slice. */
  readonly name: Uint32Array;
  /** Index into `TraceModel.objects` of the lock, queue or pool, or -1. */
  readonly object: Int32Array;
  /** Index into `strings` of "file:line:column", or 0 for none. */
  readonly site: Uint32Array;
  /** Bit 0: a promise's wait, which does not block the thread; bit 1: failed or timed out; bit 2: cut short, because its thread or process ended within it. */
  readonly flags: Uint8Array;
  /** For tasks the task number, for other waits the {@link WaitReason}, for requests the row of `TraceModel.requests`, else 0. */
  readonly value: Float64Array;
  /** Index into `strings` of a JSON detail, or 0. */
  readonly detail: Uint32Array;
}

/** Who held a lock: sorted by start. */
export interface HoldColumns extends Columns {
  readonly start: Float64Array;
  readonly end: Float64Array;
  /** Index into `TraceModel.threads`. */
  readonly thread: Int32Array;
  /** Where it was acquired: index into `strings`. */
  readonly site: Uint32Array;
  /** How often it was held from start to end: 1, or more where brief holds were counted and not timed one by one. */
  readonly times: Float64Array;
  /** 1 where `start` is only the earliest possible time, so that the length says little; else 0. */
  readonly inexact: Uint8Array;
  /** 1 where it was never given back: its process ended with it. */
  readonly cut: Uint8Array;
}

/** Messages of a connection, of both directions: sorted by start. */
export interface MessageColumns extends Columns {
  /** When it was sent. */
  readonly start: Float64Array;
  /** When it was received; NaN while it is on its way. */
  readonly end: Float64Array;
  /** Who sent it: index into `TraceModel.threads`. */
  readonly thread: Int32Array;
  /** Where it was sent: index into `strings`. */
  readonly site: Uint32Array;
  /** Who received it, or -1; and where. */
  readonly toThread: Int32Array;
  readonly toSite: Uint32Array;
  readonly bytes: Float64Array;
}

/** Requests to managers, in the order in which they were first told of. Where only one side is recorded, the times of the other are NaN. */
export interface RequestColumns extends Columns {
  /** From asking to the answer, at the client; -1 is a client that is not recorded. */
  readonly start: Float64Array;
  readonly end: Float64Array;
  readonly thread: Int32Array;
  /** While the method ran, at the server; -1 while none has begun that is recorded. */
  readonly serveStart: Float64Array;
  readonly serveEnd: Float64Array;
  readonly server: Int32Array;
  /** "type.method": index into `strings`. */
  readonly name: Uint32Array;
  /** 1 if it failed. */
  readonly failed: Uint8Array;
}

/** A value that changes in steps: sorted by time; each row holds until the next. */
export interface StepColumns extends Columns {
  readonly time: Float64Array;
  readonly value: Float64Array;
}

/** Which thread a core ran: sorted by start. */
export interface CoreColumns extends Columns {
  readonly start: Float64Array;
  readonly end: Float64Array;
  /** Index into `threads`, or -1 for a thread that is not of the trace. */
  readonly thread: Int32Array;
  /**
   * How long the core had been busy with anything, the trace's threads or others, by the system's count: nanoseconds
   * since some time before the trace, in steps of 10 ms. Empty where the system does not tell.
   */
  readonly busyNs: StepColumns;
}

export const FlowKind = { Wake: 1, Item: 2, Task: 3, Result: 4, Spawn: 5, Message: 6, Request: 7, Reply: 8 } as const;
export type FlowKind = (typeof FlowKind)[keyof typeof FlowKind];

/**
 * Arrows: from the releaser to the waiter it woke, from put to get, from submit to run, from send to receive, from a
 * request to its serving and from that to the answer. Sorted by toTime.
 */
export interface FlowColumns extends Columns {
  readonly kind: Uint8Array;
  readonly fromThread: Int32Array;
  readonly fromTime: Float64Array;
  readonly toThread: Int32Array;
  readonly toTime: Float64Array;
  /** Index into `objects`, or -1. */
  readonly object: Int32Array;
  /** Of messages their bytes, else 0. */
  readonly bytes: Float64Array;
  /** The line that it comes from, where that is told: index into `strings`, or 0. */
  readonly fromSite: Uint32Array;
}

/** The user's marks: sorted by time. */
export interface MarkColumns extends Columns {
  readonly time: Float64Array;
  readonly name: Uint32Array;
  readonly site: Uint32Array;
  readonly detail: Uint32Array;
}

export interface ProcessTrack {
  readonly index: number;
  readonly pid: number;
  name: string;
  /** -1 for the one the user started. */
  parentPid: number;
  startNs: number;
  /** NaN while it runs. */
  endNs: number;
  /** Since when none of its threads could go on by itself, or NaN. */
  hungSinceNs: number;
  exitCode: number | null;
  signal: string | null;
}

const HELPER_PROCESSES: ReadonlySet<string> = new Set(["heddle-reaper", "heddle-esbuild"]);

/**
 * Whether a process is a helper of Heddle's, which no user asked about: the one that ends orphans, or the loader's
 * compiler. What it does is none of the program's doing: its CPU time counts as that of others.
 */
export function isHelperProcess(process: ProcessTrack): boolean {
  return HELPER_PROCESSES.has(process.name);
}

/** Whether a thread is Heddle's own: of a helper process, or the recorder's collector. */
export function isHelperThread(model: TraceModel, thread: ThreadTrack): boolean {
  const process = model.processes[thread.process];
  return thread.name === "heddle collector" || (process !== undefined && isHelperProcess(process));
}

export interface ThreadTrack {
  readonly index: number;
  /** Index into `processes`. */
  readonly process: number;
  /** The runtime's number in its process, or 0 for a thread that only the system knows (V8's helpers). */
  readonly number: number;
  /** The OS thread id. */
  tid: number;
  name: string;
  /** "file:line:column" of the line that started it, or "". */
  site: string;
  isMain: boolean;
  startNs: number;
  endNs: number;
  readonly states: StateColumns;
  readonly slices: SliceColumns;
  readonly marks: MarkColumns;
  /** Of waits for a thread's end (rows of `slices`): which thread, as an index into `threads`. */
  readonly joins: ReadonlyMap<number, number>;
  /** The same of waits for a process's end, as an index into `processes`. */
  readonly processJoins: ReadonlyMap<number, number>;
  /** CPU time as the system counts it; NaN where unknown. */
  cpuNs: number;
  /** Index into `objects` of the pool this thread works for, or -1. */
  pool: number;
}

/** What is counted of an object beyond what its columns show. */
export interface ObjectTally {
  /** Locks: how often it was taken, how often somebody had to wait for it, gave up waiting, or tried in vain without waiting. */
  acquisitions: number;
  contended: number;
  timeouts: number;
  failedTries: number;
  /** Queues. */
  puts: number;
  gets: number;
  /** Queues: items that were reported done, and, where anybody reports or joins, those put that were not. */
  done: number;
  unfinished: number;
  /** Pools: tasks handed in, failed, cancelled before they began. */
  tasks: number;
  failed: number;
  cancelled: number;
  /** Connections: messages and their bytes, as sent or, where only the receiver is recorded, as received; and how many were received. */
  messages: number;
  bytes: number;
  received: number;
}

export interface ObjectTrack {
  readonly index: number;
  readonly kind: ObjectKind;
  /** Index into `processes` of the one that made it, or, if that is not recorded, of the first that spoke of it. */
  readonly process: number;
  /** Indexes of all processes that spoke of it, in the order in which they did. */
  readonly processes: readonly number[];
  name: string;
  /** "file:line:column" of its creation, or "". */
  site: string;
  /** Queues: the capacity, 0 for none. Pools: the most workers. Barriers: parties. */
  capacity: number;
  /** Locks: the thread that died while it held it, as those found who waited for it; -1 if none did. */
  readonly abandonedBy: number;
  /** Who can share it: the threads of a process, processes, or processes through a manager. */
  scope: "thread" | "process" | "manager";
  /** Locks: who holds it. */
  readonly holds: HoldColumns | null;
  /** Locks: how many wait. */
  readonly waiters: StepColumns | null;
  /** Queues: how many items. */
  readonly depth: StepColumns | null;
  /** Pools: tasks waiting, and tasks running. */
  readonly queued: StepColumns | null;
  readonly busy: StepColumns | null;
  /** Connections: what went over it. */
  readonly messages: MessageColumns | null;
  readonly tally: Readonly<ObjectTally>;
  /** Its creation was seen. */
  readonly created: boolean;
}

export interface CounterTrack {
  readonly index: number;
  readonly process: number;
  readonly name: string;
  readonly unit: string;
  readonly values: StepColumns;
}

export type CoreSource = "perf" | "sampled" | "process-only";

export interface TraceModel {
  /** Nothing more will come. */
  readonly complete: boolean;
  /** The file ended before its end mark: what was lost, in words for a person; "" if nothing was. */
  readonly cut: string;
  readonly command: readonly string[];
  /** The directory the script ran in; "" if not known. */
  readonly cwd: string;
  /** Wall-clock start in milliseconds since 1970. */
  readonly startedAt: number;
  /** Up to where the trace is known. */
  readonly endNs: number;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly coresAvailable: number;
  readonly coreSource: CoreSource;
  /** Index 0 is "". */
  readonly strings: readonly string[];
  readonly processes: readonly ProcessTrack[];
  readonly threads: readonly ThreadTrack[];
  readonly objects: readonly ObjectTrack[];
  readonly counters: readonly CounterTrack[];
  readonly cores: readonly CoreColumns[];
  /** How many cores ran threads of the trace, over time. */
  readonly coresInUse: StepColumns;
  readonly flows: FlowColumns;
  readonly requests: RequestColumns;
  /** What the recorder says of itself. */
  readonly recorder: {
    readonly events: number;
    readonly dropped: number;
    readonly bytes: number;
    readonly overheadNs: number;
  };
}

export type { WaitReason };
