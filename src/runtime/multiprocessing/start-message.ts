/**
 * What a child is told when it starts, as the body of its first frame. It is written with `v8.serialize`, because the
 * child has to know some of it before the library is loaded there.
 */
import { deserialize, serialize } from "node:v8";
import type { FunctionReference } from "../core/function-reference.js";

/** Who a process is. */
export interface ProcessIdentity {
  readonly name: string;
  readonly daemon: boolean;
  readonly authkey: Uint8Array;
  /** Its place among the children of its parent, after the parent's own: `Process-2:1` is [2, 1]. */
  readonly identity: readonly number[];
  readonly parent: { readonly pid: number; readonly name: string };
  /** The pid of the process the user started. */
  readonly root: number;
}

/** A `Process`: what it runs. */
export interface ProcessWork {
  readonly kind: "process";
  readonly target: FunctionReference | null;
  /** The arguments, encoded. */
  readonly args: Uint8Array;
  /** The class of the process, when it is the user's own, and the fields of the object, encoded. */
  readonly type: FunctionReference | null;
  readonly fields: Uint8Array;
}

/** A worker of a pool. */
export interface WorkerWork {
  readonly kind: "worker";
  /** The number of the pool in the trace of its owner. */
  readonly pool: number;
  readonly initializer: FunctionReference | null;
  readonly initArgs: Uint8Array;
}

export interface StartMessage {
  /** URL of the main script, or null. */
  readonly main: string | null;
  /** `process.argv` of the parent. */
  readonly argv: readonly string[];
  readonly who: ProcessIdentity;
  readonly work: ProcessWork | WorkerWork;
}

export function encodeStart(message: StartMessage): Uint8Array {
  return serialize(message);
}

export function decodeStart(bytes: Uint8Array): StartMessage {
  return deserialize(bytes) as StartMessage;
}
