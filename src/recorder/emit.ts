/**
 * The recorder's emit side: what the runtime calls. One record per operation into this thread's own ring.
 *
 * This file is bundled more than once into a thread (preload, runtime), so the ring's state lives in one object on
 * `globalThis`, which the preload put there before anything else ran; here its functions are only picked up. Callers
 * guard with `if (recording)`: it never changes in a thread, so that the JIT can fold it. Nothing here throws,
 * allocates on the hot path, or sends a message.
 */
import { threadId } from "node:worker_threads";
import { EventFlag, EventKind, type ObjectKind, type ObjectScope } from "../trace/events.js";
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

/**
 * What to add to {@link now} to get milliseconds since the trace's origin: a clock that all recorded processes share, for
 * times that one of them notes in memory and another reads. 0 untraced.
 */
export const traceClockOffset: number = recorder?.traceClockOffset ?? 0;

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

/**
 * This process's number for an object that another process made, under which all records of this process speak of it;
 * the maker's own number in the maker's process. Writes ObjectShared at a thread's first call, and only looks the number
 * up at later ones; so to be called wherever the object arrives. `makerPid` and `makerNumber` travel with the object,
 * also onward to a third process. `name` is the one it was made with, "" if it has none. `scope` is to be given where it
 * is not memory that processes share but a manager. Works untraced too (then it is just a number).
 */
export const sharedObjectNumber: (
  kind: ObjectKind,
  makerPid: number,
  makerNumber: number,
  name: string,
  scope?: ObjectScope,
) => number =
  recorder?.sharedObjectNumber ??
  ((_kind, makerPid, makerNumber) => (makerPid === process.pid ? makerNumber : newObjectNumber()));

let lastWait = 0;

/** A number for a wait that begins in this thread; never 0. */
export const newWaitNumber: () => number = recorder?.newWaitNumber ?? (() => ++lastWait);

/**
 * A client asks a manager for something. Returns the request's number, which goes to the server with the request, along
 * with this process's pid, and to {@link endRequest}; 0 where nothing is recorded: then nothing needs to go along. To be
 * called just before the request is written. `end` is the number of the connection's end, 0 if it is not known, `name`
 * is "type.method", `site` the line that asks. `async` for a promise.
 */
export function beginRequest(name: string, site: number, end: number, async: boolean): number {
  if (recorder === undefined) return 0;
  const request = recorder.newRequestNumber();
  emit(EventKind.RequestBegin, end, site, request, intern(name), async ? EventFlag.Async : 0);
  return request;
}

/** Its answer is here, or will not come. `failed` if it is an error, or none. Does nothing for the request 0. */
export function endRequest(request: number, failed: boolean): void {
  if (request !== 0) emit(EventKind.RequestEnd, 0, 0, request, 0, failed ? EventFlag.Failed : 0);
}

/**
 * A manager's server begins to serve a request: the pid and the request's number that came with it, or 0 and 0 if none
 * came (then it is shown, and belongs to no client's). Returns what {@link endServe} takes. `name` is "type.method".
 */
export function beginServe(clientPid: number, request: number, name: string): number {
  if (recorder === undefined) return 0;
  const served = request === 0 ? recorder.newRequestNumber() : request;
  emit(EventKind.ServeBegin, clientPid, 0, served, intern(name), 0);
  return served;
}

/** The method has returned, or thrown. `served` is what {@link beginServe} returned. */
export function endServe(clientPid: number, served: number, failed: boolean): void {
  if (recorder !== undefined) emit(EventKind.ServeEnd, clientPid, 0, served, 0, failed ? EventFlag.Failed : 0);
}

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
