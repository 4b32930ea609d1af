/** The native bridge, koffi: loaded when it is first needed, since that takes 5 ms and more. */
import { createRequire } from "node:module";
import { RuntimeError } from "../core/errors.js";
import { exitImmediately } from "./immediate-exit.js";
import { whole } from "./native-work.js";

export type NativeFunction = (...args: unknown[]) => unknown;

export interface NativeLibrary {
  /** A function by its C declaration. */
  func(declaration: string): NativeFunction;
}

/** The part of koffi that is used. */
export interface Native {
  load(path: string | null): NativeLibrary;
  view(pointer: bigint, length: number): ArrayBuffer;
  address(pointer: unknown): bigint;
  /** Memory outside of the heap, for good. */
  alloc(type: string, count: number): unknown;
  /** The error number that the last call left. */
  errno(): number;
}

let loaded: Native | null = null;

/** Why processes cannot share memory here, and what works instead. */
export function unavailable(reason: string): RuntimeError {
  return new RuntimeError(
    `Processes cannot share memory here: ${reason}. The objects of a manager (multiprocessing.Manager) work everywhere: its values, arrays, lists and dicts are kept by a server process.`,
  );
}

/** The bridge. Throws `RuntimeError` where it cannot be loaded. */
export function native(): Native {
  const bridge = nativeOrReason();
  if (typeof bridge === "string") throw unavailable(bridge);
  return bridge;
}

/** The bridge, or why it cannot be loaded. */
export function nativeOrReason(): Native | string {
  if (loaded !== null) return loaded;
  const bridge = whole(load);
  if (typeof bridge === "string") return bridge;
  loaded = bridge;
  exitImmediately(loaded);
  return loaded;
}

function load(): Native | string {
  try {
    return createRequire(__filename)("koffi") as Native;
  } catch (error) {
    const [reason] = (error as Error).message.split("\n");
    return `the native bridge koffi could not be loaded (${reason})`;
  }
}
