/** Files that are written because somebody named them: what they may not replace, and why they cannot be written. */
import { closeSync, openSync, readSync, realpathSync, statSync } from "node:fs";
import { extname } from "node:path";
import { MAGIC } from "../trace/writer.js";

const SOURCE = /^\.([cm]?[jt]s|[jt]sx|vue|svelte)$/i;

/** What is at this path that a trace is not to replace, such as "source code"; "" for nothing, or an older trace. */
export function otherThanTrace(path: string): string {
  const begin = beginOf(path);
  if (begin === null || isTrace(begin)) return "";
  return SOURCE.test(extname(path)) ? "source code" : "no trace";
}

/** What is at this path that nobody wants to lose to a report, page or table: "source code", "a trace", or "". */
export function worthKeeping(path: string): string {
  const begin = beginOf(path);
  if (begin === null) return "";
  if (isTrace(begin)) return "a trace";
  return SOURCE.test(extname(realpathSync(path))) ? "source code" : "";
}

/** Null for what holds nothing that could be lost: no file, an empty one, a device or a pipe. */
function beginOf(path: string): Buffer | null {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat?.isFile() || stat.size === 0) return null;
  const begin = Buffer.alloc(MAGIC.length);
  try {
    const file = openSync(path, "r");
    try {
      return begin.subarray(0, readSync(file, begin));
    } finally {
      closeSync(file);
    }
  } catch {
    // Who may not read it may write it all the same; what it is stays unknown.
    return begin;
  }
}

function isTrace(begin: Buffer): boolean {
  return begin.length === MAGIC.length && MAGIC.every((byte, i) => begin[i] === byte);
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "its folder does not exist",
  ENOTDIR: "a part of its path is a file",
  EEXIST: "a part of its path is a file",
  EISDIR: "it is a folder",
  EACCES: "you may not write there",
  EPERM: "you may not write there",
  EROFS: "the disk is read-only",
  ENOSPC: "the disk is full",
  ENAMETOOLONG: "the name is too long",
};

/** Why a file could not be written, in words, with what the system calls it. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const words = REASONS[code ?? ""];
  return words === undefined ? (code ?? message) : `${words} (${code})`;
}
