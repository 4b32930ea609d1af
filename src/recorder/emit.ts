/**
 * The recorder's emit side: what the runtime calls. One record per operation into this thread's own ring.
 *
 * This file is bundled more than once into a thread (preload, runtime), so the ring's state lives in one object on
 * `globalThis`, which the preload put there before anything else ran; here its functions are only picked up. Callers
 * guard with `if (recording)`: it never changes in a thread, so that the JIT can fold it. Nothing here throws,
 * allocates on the hot path, or sends a message.
 */
import { threadId } from "node:worker_threads";
import type { ObjectKind, ObjectScope } from "../trace/events.js";
import { RECORDER, type ThreadRecorder } from "./thread-recorder-type.js";

const recorder = (globalThis as unknown as Record<symbol, ThreadRecorder | undefined>)[RECORDER];

/** True in a thread whose events are recorded. */
export const recording: boolean = recorder !== undefined;

/**
 * This thread's number in its process: 1 for the main thread; stable for the thread's life. It is `threadId + 1`, so
 * who starts a worker knows its number from `worker.threadId`.
 */
export const threadNumber: number = threadId + 1;

const clock = performance.now.bind(performance);

/** The clock of records: milliseconds, `performance.now()`. */
export const now: () => number = recorder?.now ?? clock;

/** Writes a record with the given time (from {@link now}). */
export const emitAt: (
  t: number,
  kind: number,
  object: number,
  site: number,
  a: number,
  b: number,
  flags: number,
) => void = recorder?.emitAt ?? (() => {});

/** Reads the clock and writes a record. */
export const emit: (kind: number, object: number, site: number, a: number, b: number, flags: number) => void =
  recorder?.emit ?? (() => {});

/** The number of a string in this thread; writes it out at first use. "" is 0. */
export const intern: (text: string) => number = recorder?.intern ?? (() => 0);

/**
 * The interned call site of the user's code that called into the library: the first frame outside of the library's own
 * files. 0 when it cannot be told. Costs microseconds: contended paths and creations only.
 */
export const callSite: () => number = recorder?.callSite ?? (() => 0);

let lastObject = (threadId & 0x3ff) * 2 ** 22;

/** A number for a new object, unique in the process; works untraced too (then it is just a number). */
export const newObjectNumber: () => number = recorder?.newObjectNumber ?? (() => ++lastObject);

/**
 * Writes ObjectCreate. Without a name the trace shows kind, file and line. `scope` is to be given where more than the
 * threads of this process can share the object.
 */
export const recordObject: (
  object: number,
  kind: ObjectKind,
  name: string,
  site: number,
  capacity: number,
  scope?: ObjectScope,
) => void = recorder?.recordObject ?? (() => {});

let lastWait = 0;

/** A number for a wait that begins in this thread; never 0. */
export const newWaitNumber: () => number = recorder?.newWaitNumber ?? (() => ++lastWait);

/**
 * One number that the collector changes every few milliseconds: a clock that costs next to nothing, to tell that not
 * much time can have passed since it was last looked at. 0 while there is no collector.
 */
export const tick: Int32Array = recorder?.tick ?? new Int32Array(1);

/**
 * This thread's ledger, see `ring-memory.ts`: what stands there is told for it if it is terminated. Only to be written
 * where `recording`.
 */
export const ledgerF64: Float64Array = recorder?.ledgerF64 ?? new Float64Array(0);
export const ledgerU32: Uint32Array = recorder?.ledgerU32 ?? new Uint32Array(0);

/** Whether a thread can go on by itself. */
export const StuckState = {
  /** It can, or nothing is known. */
  No: 0,
  /** It is blocked in a wait without a deadline: only another thread can end that. */
  Blocked: 1,
  /** Its event loop has nothing left but waits that only another thread can end. */
  Idle: 2,
} as const;

/** Says which {@link StuckState} this thread is in. When that is so for all threads for a while, the program hangs. */
export const setStuck: (state: number) => void = recorder?.setStuck ?? (() => {});

/** Says that a thread of the runtime's was started: until it records by itself, the process can go on. */
export const threadStarting: () => void = recorder?.threadStarting ?? (() => {});

/**
 * Says that a thread this one started is gone (its worker's "exit" event). Only needed where the system cannot be
 * asked (not on Linux), but harmless anywhere. `number` is its {@link threadNumber}.
 */
export const threadGone: (number: number) => void = recorder?.threadGone ?? (() => {});

/** The environment variables that make a child process (started with the same preload) part of this trace; {} untraced. */
export const sessionEnvironment: () => Record<string, string> = recorder?.sessionEnvironment ?? (() => ({}));
