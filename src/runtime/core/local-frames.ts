/** The frames of a stack that are the user's, not the library's or Node's. */

import { dirname, sep } from "node:path";
import { pathToFileURL } from "node:url";

/** The package: `dist` holds the bundles, `src` what the tests of the sources run. */
const home = dirname(__dirname.replace(/([\\/]src)[\\/]runtime[\\/]core$/, "$1"));
const ownFolders = ["dist", "src"].flatMap((name) => {
  const folder = `${home}${sep}${name}${sep}`;
  return [folder, pathToFileURL(folder).href];
});
/** Frames to look at: deeper than any chain of ours. */
const NEAR = 24;
/** Frames of ours that may stand above the user's where an error is made. */
const ABOVE = 10;
/** The same where a nested value is walked through, some frames for each level. */
export const DEEP = 200;

function isOwnFrame(line: string): boolean {
  return line.includes("node:") || ownFolders.some((folder) => line.includes(folder));
}

/** Says how many frames new stacks have. Where a script has frozen `Error`, as hardened ones do, that stays as it is. */
export function limitFrames(limit: number): void {
  try {
    Error.stackTraceLimit = limit;
  } catch {
    // Read-only: then stacks are shorter, or longer, than they need be.
  }
}

/** The lines of `stack`, by default that of the caller, that stand for the user's code, without the message. */
export function localFrames(stack?: string, depth = NEAR): string {
  let text = stack;
  if (text === undefined) {
    const holder: { stack?: string } = {};
    const limit = Error.stackTraceLimit;
    limitFrames(depth);
    Error.captureStackTrace(holder, localFrames);
    limitFrames(limit);
    text = String(holder.stack);
  }
  const lines = text.split("\n").filter((line) => /^\s+at /.test(line));
  return lines.filter((line) => !isOwnFrame(line)).join("\n");
}

/** A shown error without the lines that stand for the library and Node; all of it if nothing would be left. */
export function withoutOwnFrames(text: string): string {
  const isFrame = (line: string) => /^\s+at /.test(line);
  const lines = text.split("\n");
  const kept = lines.filter((line) => !isFrame(line) || !isOwnFrame(line));
  return (kept.some(isFrame) ? kept : lines).join("\n");
}

/**
 * Leaves only the user's frames in the stack of a new error, however deep in the library it is made. The text is made when
 * somebody reads it, since most errors of waits are caught and forgotten. What stands on the stack above `below`, a
 * function there, is left out in any case.
 */
export function keepLocalFrames(error: Error, above: number = ABOVE, below: object = error.constructor): void {
  const shown = Error.stackTraceLimit;
  if (!(shown > 0)) return;
  const place: { stack?: string } = {};
  limitFrames(shown + above);
  Error.captureStackTrace(place, below as () => void);
  limitFrames(shown);
  Object.defineProperty(error, "stack", {
    configurable: true,
    get: () => keepStack(error, textOf(error, String(place.stack), shown)),
    set: (stack: unknown) => keepStack(error, stack),
  });
}

function keepStack<T>(error: Error, stack: T): T {
  Object.defineProperty(error, "stack", { configurable: true, writable: true, value: stack });
  return stack;
}

function textOf(error: Error, stack: string, shown: number): string {
  // An error that is made when an event comes has none.
  const all = stack.split("\n").filter((line) => /^\s+at /.test(line) && !isOwnFrame(line));
  const frames = all.slice(0, shown).join("\n");
  return frames === "" ? String(error) : `${String(error)}\n${frames}`;
}

/** Puts frames in the place of those of an error, unless there are none. */
export function setFrames(error: Error, frames: string): void {
  if (frames === "") return;
  const stack = String(error.stack);
  const first = stack.search(/\n\s+at /);
  error.stack = `${first < 0 ? stack : stack.slice(0, first)}\n${frames}`;
}
