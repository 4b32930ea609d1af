/**
 * An error that nobody catches ends the program. Node tells of it last, after all listeners for the end of the process
 * have run; but some of ours wait there, for threads and processes that may take long. As in Python the error is told
 * first. So whoever is about to wait says so here, and the error is written as Node would; Node's own text is then left
 * out, by ending the process before it would come. Where nobody waits all is left to Node.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { isMainThread } from "node:worker_threads";
import { writeWhole } from "../core/output.js";

let fatal: { readonly error: unknown } | null = null;
let told = false;
let watching = false;
const waits = new Set<() => void>();

/**
 * Has an error that ends the program noticed, by who may have to wait at its end. `wait` is called then, before all
 * listeners for the end of the process. Nothing happens but in the main thread.
 */
export function watchForFatalError(wait?: () => void): void {
  if (!isMainThread) return;
  if (wait !== undefined) waits.add(wait);
  if (watching) return;
  watching = true;
  process.on("uncaughtExceptionMonitor", (error) => {
    // Somebody catches it after all.
    if (process.listenerCount("uncaughtException") > 0 || process.hasUncaughtExceptionCaptureCallback()) return;
    if (fatal !== null) return;
    fatal = { error };
    process.prependListener("exit", () => {
      for (const each of waits) each();
    });
    process.on("exit", endBeforeNodeTells);
  });
}

/** The last listener. */
function endBeforeNodeTells(): void {
  if (told) (process as unknown as { reallyExit(code: number): never }).reallyExit(Number(process.exitCode ?? 1));
}

/** Tells the error that ends the program, if that is why it ends, before its end waits for something. */
export function tellFatalError(): void {
  if (fatal === null || told) return;
  told = true;
  try {
    writeWhole(2, Buffer.from(`${describeFatalError(fatal.error)}\n\nNode.js ${process.version}\n`));
  } catch {
    // stderr is closed: nobody is left to be told.
  }
}

function describeFatalError(error: unknown): string {
  const colors = process.stderr.isTTY === true && process.stderr.hasColors();
  try {
    const text = inspect(error, { colors });
    return error instanceof Error ? `${thrownAt(error)}${text}` : `Uncaught:\n${text}`;
  } catch {
    return "Uncaught: an error that cannot be shown";
  }
}

/** The line that threw, as Node shows it, or nothing if that is not the user's. */
function thrownAt({ stack }: Error): string {
  const [, place, line, column] = /^\s+at (?:.*\()?((?:file:\/\/|\/|[A-Za-z]:\\)[^()]*?):(\d+):(\d+)\)?$/m.exec(
    stack?.split("\n").find((each) => /^\s+at /.test(each)) ?? "",
  ) ?? [undefined, "", "", ""];
  if (place === "" || place === undefined) return "";
  try {
    const path = place.startsWith("file:") ? fileURLToPath(place) : place;
    const source = readFileSync(path, "utf8").split(/\r?\n/)[Number(line) - 1];
    if (source === undefined || source.length > 200) return "";
    const indent = source.slice(0, Number(column) - 1).replace(/\S/g, " ");
    return `${place}:${line}\n${source}\n${indent}^\n\n`;
  } catch {
    return "";
  }
}
