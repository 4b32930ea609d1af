/** The one call of the preload: starts recording in this thread if its process is traced. */
import { isMainThread } from "node:worker_threads";
import { takeSession } from "./session.js";
import { startRecorderInMain, startRecorderInWorker } from "./thread-recorder.js";
import { RECORDER, type ThreadRecorder } from "./thread-recorder-type.js";

/**
 * Takes HEDDLE_SESSION out of `process.env`, and starts recording in this thread. Does nothing untraced, or when this
 * thread records already. Returns whether the thread records.
 */
export function startRecorder(): boolean {
  if (current() !== undefined) return true;
  if (!isMainThread) return startRecorderInWorker();
  const session = takeSession(process.env);
  return session !== null && startRecorderInMain(session);
}

/** The variables that make a child process part of this trace; {} untraced. */
export function sessionEnvironment(): Record<string, string> {
  return current()?.sessionEnvironment() ?? {};
}

/** Starts the collector if it is not running: for a main thread that is about to start its first worker. */
export function ensureCollector(): void {
  current()?.ensureCollector();
}

function current(): ThreadRecorder | undefined {
  return (globalThis as unknown as Record<symbol, ThreadRecorder | undefined>)[RECORDER];
}
