/**
 * Threads that Node blocks until a program has ended (`runSync`). Nothing can end such a thread before.
 *
 * Node joins all threads when a process ends, so it would wait for that program, too, for hours maybe, though the thread
 * be a daemon. In Python the process just ends, and the program goes on without it. So does ours: when all listeners for
 * its end have run, it ends by the system's `_exit`. Where there is no native bridge, it waits.
 */
import { isMainThread } from "node:worker_threads";
import { HeapWord, words } from "../core/heap.js";
import { endNow } from "../platform/immediate-exit.js";
import { nativeOrReason } from "../platform/native.js";
import { tellFatalError, watchForFatalError } from "../threading/fatal-error.js";

/** Runs what blocks the thread in Node. */
export function blocked<T>(body: () => T): T {
  if (isMainThread) return body();
  words.add(HeapWord.Blocked, 1);
  try {
    return body();
  } finally {
    words.add(HeapWord.Blocked, -1);
  }
}

function endWithoutThem(code: number): void {
  if (words.load(HeapWord.Blocked) === 0) return;
  const bridge = nativeOrReason();
  if (typeof bridge === "string") return;
  const end = endNow(bridge);
  if (end === null) return;
  // Also for who ends the process in one of the other listeners.
  const owner = process as unknown as { reallyExit(code?: number): never };
  owner.reallyExit = end;
  const listeners = process.rawListeners("exit");
  for (const listener of listeners.slice(listeners.indexOf(endWithoutThem) + 1)) listener.call(process, code);
  // Node would tell of it after them.
  tellFatalError();
  end(Number(process.exitCode ?? code));
}

if (isMainThread) {
  watchForFatalError();
  process.on("exit", endWithoutThem);
}
