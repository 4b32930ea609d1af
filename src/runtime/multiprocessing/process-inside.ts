/** What is behind the objects of processes, and what is asked of it before it is used. */
import { callSite, emit, newWaitNumber, recording } from "../../recorder/emit.js";
import { EventFlag, EventKind, WaitReason } from "../../trace/events.js";
import { RuntimeError } from "../core/errors.js";
import type { FunctionReference } from "../core/function-reference.js";
import type { TimeoutOptions } from "../types.js";
import { type ProcessRecord, ProcessState } from "./process-record.js";

/** The end of a process as something to wait for. */
export interface Sentinel {
  /** The process. */
  readonly pid: number;
}

/** What is behind the object of a process. */
export interface Inside {
  name: string;
  daemon: boolean;
  authkey: Uint8Array;
  identity: readonly number[];
  target: ((...args: never[]) => unknown) | undefined;
  targetReference: FunctionReference | null;
  args: readonly unknown[];
  /** Null until it was started; also for the process that this is, and its parent. */
  record: ProcessRecord | null;
  /** The pid of the process that this is, or of its parent. */
  pid: number | null;
  closed: boolean;
  /** Its end was seen and recorded. */
  noticed: boolean;
  sentinel: Sentinel | null;
}

const insides = new WeakMap<object, Inside>();
/** Sentinels know their records. */
const sentinelRecords = new WeakMap<object, ProcessRecord>();

/** Puts what is behind it there. */
export function setInside(process: object, it: Inside): void {
  insides.set(process, it);
}

/** What is behind it. Throws `RuntimeError` for an object whose constructor has not run. */
export function inside(process: object): Inside {
  const found = insides.get(process);
  if (found === undefined) throw new RuntimeError("Process.constructor was not called: a subclass must call super()");
  return found;
}

/** As {@link inside}, for an object that was not closed. */
export function open(process: object): Inside {
  const it = inside(process);
  if (it.closed) throw new RangeError("process object is closed");
  return it;
}

/** As {@link open}, for a child that was started. */
export function joinable(process: object): { it: Inside; record: ProcessRecord } {
  const it = open(process);
  if (it.pid !== null) throw new RuntimeError("can only join a child process");
  if (it.record === null) throw new RuntimeError("can only join a started process");
  return { it, record: it.record };
}

/** Milliseconds to wait: for ever without a timeout, not at all with a negative one. */
export function timeoutOf({ timeout }: TimeoutOptions): number {
  if (timeout === undefined || timeout === null) return Number.POSITIVE_INFINITY;
  if (typeof timeout !== "number") throw new TypeError("timeout must be a number of milliseconds");
  if (Number.isNaN(timeout)) throw new RangeError("timeout must not be NaN");
  return Math.max(0, timeout);
}

/** Records that a process is waited for. */
export function beginJoin(it: Inside, flags: number): number {
  if (!recording) return 0;
  const wait = newWaitNumber();
  emit(EventKind.WaitBegin, it.record!.pid, callSite(), wait, WaitReason.ProcessJoin, flags);
  return wait;
}

/** Records the end of that wait. */
export function endJoin(wait: number, record: ProcessRecord, flags: number): void {
  if (wait === 0) return;
  const failed = record.state === ProcessState.Running ? EventFlag.Failed : 0;
  emit(EventKind.WaitEnd, record.pid, 0, wait, 0, flags | failed);
}

/** Has a sentinel stand for the process with this record. */
export function setRecordOfSentinel(sentinel: object, record: ProcessRecord): void {
  sentinelRecords.set(sentinel, record);
}

/** The record behind a sentinel. */
export function recordOfSentinel(sentinel: object): ProcessRecord | undefined {
  return sentinelRecords.get(sentinel);
}
