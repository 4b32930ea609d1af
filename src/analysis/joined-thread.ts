/** Whose end a wait is for. */
import type { ThreadTrack, TraceModel } from "./model.js";

/** The thread whose end a wait is for: of a process its main thread; undefined if it is for neither, or none is known. */
export function joinedThread(model: TraceModel, thread: ThreadTrack, row: number): ThreadTrack | undefined {
  const joined = thread.joins.get(row);
  if (joined !== undefined) return model.threads[joined];
  const process = thread.processJoins.get(row);
  if (process === undefined) return undefined;
  return model.threads.find((other) => other.process === process && other.isMain && other.number > 0);
}
