// biome-ignore-all lint/complexity/noBannedTypes: Function is any function or class
/** What happens with an error that leaves a thread's `run`. */
import { inspect } from "node:util";
import { words } from "../core/heap.js";
import { withoutOwnFrames } from "../core/local-frames.js";
import { writeWhole } from "../core/output.js";
import { currentRecord } from "./current-record.js";
import type { Thread } from "./thread.js";

/** What is known of an error that left a thread's `run`. */
export interface ExceptHookArgs {
  /** The class of the error. */
  readonly excType: Function;
  /** The error. */
  readonly excValue: unknown;
  /** The thread it ended: the object it was started by. */
  readonly thread: Thread | null;
}

/** The text of an error that is no more than that: without a line of the user's, as of what does not compile. */
function plainText(error: Error): string | null {
  try {
    const { stack, cause } = error;
    const isPlain = typeof stack === "string" && !/\n\s+at /.test(stack);
    return isPlain && cause === undefined && Object.keys(error).length === 0 ? stack : null;
  } catch {
    return null; // Something that only passes for an error.
  }
}

/** How a thrown value is shown. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return `Uncaught ${inspect(error)}`;
  const plain = plainText(error);
  if (plain !== null) return plain;
  // Node shows a subclass without a name of its own as "Mine [Error]".
  return withoutOwnFrames(inspect(error).replace(/^(\w+) \[\w+\](?=[:\n])/, "$1"));
}

/** Prints the error and the thread's name on stderr: the hook until another is set. */
export function excepthook(args: ExceptHookArgs): void {
  const name = args.thread?.name ?? "(unknown)";
  const text = `Exception in thread ${name}:\n${describeError(args.excValue)}\n`;
  try {
    writeWhole(2, Buffer.from(text));
  } catch {
    // stderr is closed: nobody is left to be told.
  }
}

let hook: ((args: ExceptHookArgs) => void) | null = null;

/**
 * Sets the hook for threads this one starts; it is called here, before `join` returns. Null restores the first.
 * Throws `TypeError` for anything else.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { setExcepthook, Thread } from "heddle/threading";
 *
 * function fail() {
 *   throw new Error("out of paper");
 * }
 *
 * if (isMain) {
 *   setExcepthook(({ thread, excValue }) => console.log(`${thread?.name}: ${(excValue as Error).message}`));
 *   const printer = new Thread({ target: fail, name: "printer" });
 *   printer.start();
 *   await printer.join(); // prints printer: out of paper
 * }
 * ```
 */
export function setExcepthook(next: ((args: ExceptHookArgs) => void) | null): void {
  if (next !== null && typeof next !== "function") throw new TypeError("the hook must be a function or null");
  hook = next;
  words.store(currentRecord().hookWord, next === null ? 0 : 1);
}

/** Calls the hook that is set now. */
export function callHook(error: unknown, thread: Thread): void {
  const excType = (error as { constructor?: Function } | null)?.constructor ?? Object;
  const args: ExceptHookArgs = { excType, excValue: error, thread };
  try {
    (hook ?? excepthook)(args);
  } catch (problem) {
    excepthook(args);
    excepthook({ ...args, excType: Error, excValue: problem });
  }
}
