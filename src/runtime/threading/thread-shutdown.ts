/**
 * The threads of a program whose main module failed. Node would end them with it; Python's go on to their end, and the
 * program with them, and so do these. The main thread blocks meanwhile, since what failed does not go on.
 */
import { closePoolsSync, openPools } from "../futures/open-pools.js";
import { tellFatalError, watchForFatalError } from "./fatal-error.js";
import { awaitedThreads } from "./started-workers.js";

/** How often it is looked whether a thread that has only its own end to see to is gone: milliseconds. */
const LOOK_MS = 5;
const nothing = new Int32Array(new SharedArrayBuffer(4));

/** Has the threads of the program waited for if an uncaught error ends it. Nothing happens but in the main thread. */
export function joinThreadsAfterFatalError(): void {
  watchForFatalError(joinAll);
}

function joinAll(): void {
  if (awaitedThreads().length + openPools.size > 0) tellFatalError();
  for (const { thread, record } of awaitedThreads()) {
    // Its own error is told, too.
    thread.joinSync();
    while (!record.left) Atomics.wait(nothing, 0, 0, LOOK_MS);
  }
  closePoolsSync();
}
