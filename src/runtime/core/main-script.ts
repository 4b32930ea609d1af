/**
 * The script the user started: who is it, am I it, and the import of it in every other thread and process (rule 9).
 */
import { realpathSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { getEnvironmentData, isMainThread, setEnvironmentData } from "node:worker_threads";
import { RuntimeError } from "./errors.js";

const KEY = "heddle.main";
/** What a child process's entry puts on the global object before the runtime is loaded. */
interface ChildMark {
  /** URL of the main script, or null. */
  readonly main: string | null;
}
const child = (globalThis as unknown as Record<symbol, ChildMark | undefined>)[Symbol.for("heddle.child")];

/**
 * True only in the script the user started; false in every thread and process that imports it again.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { Thread } from "heddle/threading";
 *
 * function work() {
 *   console.log("in the thread:", isMain); // prints in the thread: false
 * }
 *
 * console.log("whoever imports this script comes by here");
 * // prints whoever imports this script comes by here
 * // prints whoever imports this script comes by here
 *
 * if (isMain) {
 *   const thread = new Thread({ target: work });
 *   thread.start(); // imports the script again, so it must not start there, too
 *   await thread.join();
 * }
 * ```
 */
export const isMain: boolean = isMainThread && child === undefined;

/** True in the main thread of a child process that the library started. */
export const isChildProcess: boolean = child !== undefined;

function find(): string | null {
  if (child !== undefined) return child.main;
  if (!isMainThread) {
    const given = getEnvironmentData(KEY) as unknown;
    if (typeof given === "string") return given === "" ? null : given;
  }
  const script = process.argv[1];
  if (script === undefined || process.argv0 === script || "_eval" in process) return null;
  try {
    return pathToFileURL(realpathSync(script)).href;
  } catch {
    try {
      return pathToFileURL(realpathSync(require.resolve(script))).href;
    } catch {
      return null;
    }
  }
}

/** The URL of the main script; null for `node -e` and the like. */
export const mainScriptUrl: string | null = find();
setEnvironmentData(KEY, mainScriptUrl ?? "");

/** Its path, as `process.argv[1]` has it. */
export const mainScriptPath: string | null = mainScriptUrl === null ? null : fileURLToPath(mainScriptUrl);

/**
 * Imports a module, in the way that lets it find the same instances as the script itself. Who loaded this file from
 * written-down code has put the way to import on the global object, since such code has none.
 */
export const importModule: (url: string) => Promise<unknown> =
  (globalThis as unknown as Record<symbol, ((url: string) => Promise<unknown>) | undefined>)[
    Symbol.for("heddle.import")
  ] ?? ((url) => import(url));

let importing = false;

/**
 * Imports the main script in a thread or process that is not its own. While it runs, {@link assertMayStart} throws.
 * Rejects with what the script throws.
 */
export async function importMainScript(): Promise<void> {
  if (mainScriptUrl === null) return;
  importing = true;
  try {
    await importModule(mainScriptUrl);
  } finally {
    importing = false;
  }
}

const refusals = new WeakSet<object>();

/** True for an error of {@link assertMayStart}: whoever imports the script gets it again. */
export function isStartRefused(error: unknown): boolean {
  return typeof error === "object" && error !== null && refusals.has(error);
}

/** Throws `RuntimeError` while this thread or process is still importing the main script. */
export function assertMayStart(what: "thread" | "process"): void {
  if (!importing) return;
  const error = new RuntimeError(
    `An attempt has been made to start a new ${what} before the current ${isMainThread ? "process" : "thread"} has finished importing the script.

This probably means that the script starts a ${what} at its top level: every thread and process imports the script again, and would start it again. Put what is to happen once behind a test of isMain:

    import { isMain } from "heddle";

    if (isMain) {
      // start threads and processes here
    }`,
  );
  refusals.add(error);
  throw error;
}
