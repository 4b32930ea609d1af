/** The object on `globalThis` through which all bundles of a thread reach its one ring. */
import type { ObjectKind, ObjectScope } from "../trace/events.js";

export const RECORDER = Symbol.for("heddle.recorder");

/** See `emit.ts` for what the functions do. */
export interface ThreadRecorder {
  now(): number;
  emitAt(t: number, kind: number, object: number, site: number, a: number, b: number, flags: number): void;
  emit(kind: number, object: number, site: number, a: number, b: number, flags: number): void;
  intern(text: string): number;
  callSite(): number;
  newObjectNumber(): number;
  recordObject(
    object: number,
    kind: ObjectKind,
    name: string,
    site: number,
    capacity: number,
    scope?: ObjectScope,
  ): void;
  sharedObjectNumber(
    kind: ObjectKind,
    makerPid: number,
    makerNumber: number,
    name: string,
    scope?: ObjectScope,
  ): number;
  newWaitNumber(): number;
  newRequestNumber(): number;
  readonly tick: Int32Array;
  readonly traceClockOffset: number;
  setStuck(state: number): void;
  readonly ledgerF64: Float64Array;
  readonly ledgerU32: Uint32Array;
  threadStarting(): void;
  threadGone(number: number): void;
  sessionEnvironment(): Record<string, string>;
  /** Starts the collector if it is not running yet. Only the main thread can. */
  ensureCollector(): void;
}
