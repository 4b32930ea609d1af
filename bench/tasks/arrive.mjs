/** What a thread of which the start is measured does: notes the time. */
import { isMainThread, workerData } from "node:worker_threads";

export function arrive(clock) {
  clock[0] = process.hrtime.bigint();
}

// Loaded by a worker as its own script.
if (!isMainThread && workerData?.clock !== undefined) arrive(workerData.clock);
