/**
 * What a `.heddle` file is made of, decoded. `docs/trace-format.md` tells the bytes; `reader.ts` makes these from them.
 * All times are nanoseconds since the trace's origin (`TraceHeader.originNs` on CLOCK_MONOTONIC), as float64.
 */

/** Version of the file format that this code writes; it reads this one and older ones. */
export const FORMAT_VERSION = 1;

/** Frame types as they stand in the file. A reader skips types it does not know. */
export const FrameType = {
  Header: 1,
  Events: 2,
  ProcessStart: 3,
  ProcessEnd: 4,
  SystemThreads: 5,
  Switches: 6,
  Samples: 7,
  CoreSource: 8,
  End: 9,
  CoreTimes: 10,
  OffCore: 11,
  Hang: 12,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

export interface TraceHeader {
  /** {@link FORMAT_VERSION} of the writer. */
  readonly version: number;
  /** The script and its arguments. */
  readonly command: readonly string[];
  readonly cwd: string;
  /** Wall clock at the origin: milliseconds since 1970. */
  readonly startedAt: number;
  /** CLOCK_MONOTONIC nanoseconds (`process.hrtime.bigint()`) of the origin, in decimal. */
  readonly originNs: string;
  /** Version of the Node that runs the script, such as "v22.15.0"; "" when not known. */
  readonly node: string;
  /** `process.platform`. */
  readonly platform: string;
  /** How many cores the script may use. */
  readonly cores: number;
}

export interface HeaderFrame extends TraceHeader {
  readonly type: "header";
}

/** Records of one thread from one drain, in the order they were written. */
export interface ThreadEvents {
  /** The thread's number in its process (1: main). */
  readonly thread: number;
  /** Strings this thread defined; numbers are the thread's own and stay valid for the rest of the trace. A number may be defined again, with the same text. 0 is always "". */
  readonly texts: readonly { readonly number: number; readonly text: string }[];
  /** How many records: the length of each column. Text records are not among them: they are in `texts`. */
  readonly count: number;
  /** Nearly sorted: a record may be older than the one before it. */
  readonly t: Float64Array;
  readonly kind: Uint8Array;
  readonly flags: Uint8Array;
  readonly object: Uint32Array;
  readonly site: Uint32Array;
  readonly a: Float64Array;
  readonly b: Uint32Array;
}

/** One drain of a process's rings. */
export interface EventsFrame {
  readonly type: "events";
  readonly pid: number;
  /**
   * What this process did up to this time is in the file, this frame included; 0 makes no statement. Garbage
   * collections, loop delays and a thread's written-on-its-behalf end may still come later with an older time, and so
   * may, rarely, a record whose thread lost its core between reading the clock and writing.
   */
  readonly completeTo: number;
  /** What draining cost since the frame before of this process, in nanoseconds of CPU time where Node tells that, else of the clock. */
  readonly costNs: number;
  readonly threads: readonly ThreadEvents[];
}

/** A process of the trace. May come more than once for a pid (from the process itself and from the runner): fields that are not empty win. */
export interface ProcessStartFrame {
  readonly type: "process-start";
  readonly pid: number;
  /** -1 for the one the user started, or when it is not known. */
  readonly parentPid: number;
  /** "" when not known. */
  readonly name: string;
  readonly t: number;
}

/** Its end; may come more than once like its start. */
export interface ProcessEndFrame {
  readonly type: "process-end";
  readonly pid: number;
  readonly t: number;
  /** null when not known or when a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: string | null;
}

/** Threads as the system knows them, V8's helpers among them. */
export interface SystemThreadsFrame {
  readonly type: "system-threads";
  readonly threads: readonly SystemThread[];
}

export interface SystemThread {
  readonly pid: number;
  readonly tid: number;
  /** The system's name for it; "" when not known. */
  readonly name: string;
  /** null: not told by this frame. */
  readonly startNs: number | null;
  readonly endNs: number | null;
}

export const SwitchFlag = {
  /** The thread left the core; without it, it came onto the core. */
  Out: 1,
  /** It was preempted: it is still ready to run. Only with Out. */
  Preempted: 2,
} as const;

/** Exact context switches, sorted by time within a frame and a core. */
export interface SwitchesFrame {
  readonly type: "switches";
  /** All switches up to this time are in the file. */
  readonly completeTo: number;
  readonly count: number;
  readonly t: Float64Array;
  readonly core: Uint16Array;
  readonly pid: Uint32Array;
  readonly tid: Uint32Array;
  /** {@link SwitchFlag} bits. */
  readonly flags: Uint8Array;
}

/** Samples of the system's accounting of threads: about every 20 ms without exact switches, rarely with them. */
export interface SamplesFrame {
  readonly type: "samples";
  readonly completeTo: number;
  readonly count: number;
  readonly t: Float64Array;
  readonly pid: Uint32Array;
  /** 0: the row is about the process as a whole (where threads cannot be told apart). */
  readonly tid: Uint32Array;
  /** The core it ran on last, or -1. */
  readonly core: Int16Array;
  /** ASCII code of the state: R running or ready, S sleeping, D waiting for a device, Z dead, or "?". */
  readonly state: Uint8Array;
  /** Nanoseconds on a core since its start. */
  readonly runNs: Float64Array;
  /** Nanoseconds ready but not on a core since its start; NaN where the system does not tell. */
  readonly waitNs: Float64Array;
}

/** Where the times on cores come from. */
export interface CoreSourceFrame {
  readonly type: "core-source";
  readonly source: "perf" | "sampled" | "process-only";
  /** Why it is not better than that, in words for a person; "" for perf. */
  readonly reason: string;
}

/** Whether the threads of a process can all go on no more by themselves. Written when that changes, and while they cannot. */
export interface HangFrame {
  readonly type: "hang";
  readonly pid: number;
  /** When it was found; for `hung`, it has been so since `sinceNs`. */
  readonly t: number;
  readonly hung: boolean;
  readonly sinceNs: number;
}

/** How long each core was busy with anything, ours or not, as the system counts it. A few times a second. */
export interface CoreTimesFrame {
  readonly type: "core-times";
  readonly t: number;
  /** By core: nanoseconds since some time before the trace, in steps of the system's clock tick (10 ms, mostly). */
  readonly busyNs: Float64Array;
}

/** Why a thread is off its core, as far as the system tells. */
export const OffReason = {
  /** It waits in its event loop's poll: nothing to do. */ Loop: 1,
  /** It waits for a lock of the system's: `Atomics.wait`, or what a library locks. */ Lock: 2,
  /** It sleeps for a time it chose itself. */ Sleep: 3,
  /** It waits in another call into the system: a file, a pipe, a child process. */ Io: 4,
} as const;
export type OffReason = (typeof OffReason)[keyof typeof OffReason];

/** Looks at threads that were off their cores, about every 20 ms. */
export interface OffCoreFrame {
  readonly type: "off-core";
  readonly count: number;
  readonly t: Float64Array;
  readonly pid: Uint32Array;
  readonly tid: Uint32Array;
  /** {@link OffReason}. */
  readonly reason: Uint8Array;
}

/** Nothing comes after it: the trace is complete. */
export interface EndFrame {
  readonly type: "end";
  readonly t: number;
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** It ended where none of its threads could ever have gone on. */
  readonly hung: boolean;
}

/** Bytes the reader could not use; it goes on behind them. */
export interface DamageFrame {
  readonly type: "damage";
  /** Where in the file. */
  readonly offset: number;
  readonly length: number;
  /** In words for a person. */
  readonly message: string;
}

export type TraceFrame =
  | HeaderFrame
  | EventsFrame
  | ProcessStartFrame
  | ProcessEndFrame
  | SystemThreadsFrame
  | SwitchesFrame
  | SamplesFrame
  | CoreSourceFrame
  | HangFrame
  | CoreTimesFrame
  | OffCoreFrame
  | EndFrame
  | DamageFrame;

export type TraceFormatErrorCode = "empty" | "not-a-trace" | "newer-version" | "cut" | "corrupted";

/** The bytes are no trace this version can read; `message` is for a person. */
export class TraceFormatError extends Error {
  override readonly name = "TraceFormatError";
  constructor(
    readonly code: TraceFormatErrorCode,
    message: string,
  ) {
    super(message);
  }
}
