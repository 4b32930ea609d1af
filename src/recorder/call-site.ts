/**
 * Which line of the user's code called into the library: the first stack frame that is neither ours nor Node's.
 *
 * `Error.prepareStackTrace` and `Error.stackTraceLimit` belong to the user: they are borrowed for one call and given
 * back. Positions are told as in the user's sources, by the source map the loader registered with Node.
 */
import { findSourceMap } from "node:module";
import { pathToFileURL } from "node:url";

/** Frames to look at: deeper than any chain of ours. */
const DEPTH = 24;
/** Frames to look at first, beyond a function known to be on the stack. Each costs most of a microsecond. */
const NEAR_DEPTH = 4;

/** A function on the stack: the frames up to it are not looked at. */
export type OnStack = (...args: never[]) => unknown;

/**
 * Makes the function that returns "url:line:column" of the caller's caller outside of `ownFolder`, or "". Given a
 * function on the stack close to the user's code, it takes less time.
 */
export function makeCallSiteFinder(ownFolder: string): (above?: OnStack) => string {
  const ownPath = ownFolder.endsWith("/") || ownFolder.endsWith("\\") ? ownFolder : `${ownFolder}/`;
  const ownUrl = pathToFileURL(ownPath).href;
  const nativePath = ownPath.replaceAll("/", "\\");
  /** Raw position → site, by file; null for a file of ours. Positions in a file: line * 2^20 + column. */
  const known = new Map<string, Map<number, string> | null>();

  const isForeign = (file: string): boolean =>
    !file.startsWith("node:") &&
    !file.startsWith(ownPath) &&
    !file.startsWith(ownUrl) &&
    !file.startsWith(nativePath) &&
    file !== "evalmachine.<anonymous>";

  return function findCallSite(above?: OnStack): string {
    // Most often the user's code called it itself.
    return (above && (look(above, 1) || look(above, NEAR_DEPTH))) || look(findCallSite, DEPTH);
  };

  function look(above: OnStack, depth: number): string {
    for (const frame of framesAbove(above, depth)) {
      const file = frame.getFileName() ?? frame.getEvalOrigin?.() ?? null;
      if (!file) continue;
      const sites = sitesOf(file);
      if (sites === null || frame.isNative()) continue;
      const line = frame.getLineNumber() ?? 0;
      const column = frame.getColumnNumber() ?? 0;
      if (line === 0) continue;
      const key = line * 2 ** 20 + column;
      let site = sites.get(key);
      if (site === undefined) {
        site = original(file, line, column);
        sites.set(key, site);
      }
      return site;
    }
    return "";
  }

  /** The known sites of a file, or null for one of ours. */
  function sitesOf(file: string): Map<number, string> | null {
    let sites = known.get(file);
    if (sites === undefined) {
      sites = isForeign(file) ? new Map() : null;
      known.set(file, sites);
    }
    return sites;
  }
}

function structured(_error: Error, frames: NodeJS.CallSite[]): unknown {
  return frames;
}

const none: readonly NodeJS.CallSite[] = [];
/** Borrowing by plain reads and writes: property descriptors take longer than the stack does. */
const borrowed = Error as { stackTraceLimit?: number; prepareStackTrace?: unknown };

function framesAbove(above: OnStack, depth: number): readonly NodeJS.CallSite[] {
  const { stackTraceLimit, prepareStackTrace } = borrowed;
  const hasLimit = Object.hasOwn(borrowed, "stackTraceLimit");
  const hasPrepare = Object.hasOwn(borrowed, "prepareStackTrace");
  try {
    borrowed.stackTraceLimit = depth;
    borrowed.prepareStackTrace = structured;
    const holder: { stack?: unknown } = {};
    Error.captureStackTrace(holder, above);
    const frames = holder.stack;
    return Array.isArray(frames) ? frames : none;
  } catch {
    return none;
  } finally {
    try {
      if (hasPrepare) borrowed.prepareStackTrace = prepareStackTrace;
      else delete borrowed.prepareStackTrace;
      if (hasLimit) borrowed.stackTraceLimit = stackTraceLimit as number;
      else delete borrowed.stackTraceLimit;
    } catch {
      // A frozen Error never took ours.
    }
  }
}

function original(file: string, line: number, column: number): string {
  const url = file.includes("://") ? file : pathToFileURL(file).href;
  try {
    const entry = findSourceMap(file)?.findEntry(line - 1, column - 1);
    if (entry !== undefined && "originalSource" in entry && entry.originalSource) {
      const source = entry.originalSource.includes("://")
        ? entry.originalSource
        : pathToFileURL(entry.originalSource).href;
      return `${source}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
    }
  } catch {
    // A broken map: the raw position is better than none.
  }
  return `${url}:${line}:${column}`;
}
