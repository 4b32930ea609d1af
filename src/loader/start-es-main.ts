/**
 * Runs an ES module as the main script on versions of Node whose CommonJS loader was given it and cannot (Node 20): with
 * the exit code 13 that Node has for a top-level await that never settles.
 */
import { pathToFileURL } from "node:url";
import { importUrl } from "./import-url.js";

const UNSETTLED = 13;

/** Starts the module. Its errors are uncaught ones, as those of any main script. */
export function startEsMain(path: string): void {
  // Only where the loop came to its end: a call of `process.exit()` in the module is no await that never settles.
  let drained = false;
  const onBeforeExit = (): void => {
    drained = true;
    // If somebody found more to do, the loop goes on and comes by here.
    setImmediate(() => {
      drained = false;
    }).unref();
  };
  const onExit = (): void => {
    if (drained) process.exitCode ??= UNSETTLED;
  };
  process.on("beforeExit", onBeforeExit);
  process.on("exit", onExit);
  const settle = (): void => {
    process.off("beforeExit", onBeforeExit);
    process.off("exit", onExit);
  };
  const started = importUrl(pathToFileURL(path).href);
  // Handles nothing: a rejection goes on to be an uncaught error.
  void started.finally(settle);
}
