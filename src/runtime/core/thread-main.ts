/**
 * The first file of every worker that the library starts: `dist/thread-main.cjs`. With a trace the preload has already
 * installed recorder and loader; without one the loader is installed here, so that the script's modules load (and
 * register their functions) the same way.
 */
import { getEnvironmentData, workerData } from "node:worker_threads";
import { ARGUMENTS } from "./node-arguments.js";

declare const require: NodeJS.Require;

try {
  const { load } = require("./code-cache.cjs") as { load(name: string): unknown };
  (load("loader.cjs") as { register(options: object): void }).register({ hideArgument: true });
  const shown = getEnvironmentData(ARGUMENTS) as unknown;
  if (Array.isArray(shown)) process.execArgv = shown as string[];
  const { internal } = load("runtime.cjs") as typeof import("../bundle.js");
  void internal.runThread();
} catch (error) {
  // Whoever joins the thread may be blocked and can only see its state: the first word of its record.
  const heap = getEnvironmentData("heddle.heap") as unknown;
  const record = (workerData as { heddleThread?: { record: number } } | null)?.heddleThread?.record;
  if (heap instanceof SharedArrayBuffer && record !== undefined) {
    const words = new Int32Array(heap);
    Atomics.store(words, record, 3);
    Atomics.notify(words, record);
  }
  throw error;
}
