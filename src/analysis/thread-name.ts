/** What texts call a thread, so that nobody takes it for another one. */
import type { ThreadTrack, TraceModel } from "./model.js";

/**
 * Its name; where a thread of another process has the same, as all main threads have, "name of process", with the pid
 * if processes share their name, too. Not quoted, and not made safe to print.
 */
export function distinctName(model: TraceModel, thread: ThreadTrack): string {
  const { name, process } = thread;
  const shared = model.threads.some((other) => other.process !== process && other.number > 0 && other.name === name);
  if (!shared) return name;
  const own = model.processes[process]!;
  const ambiguous = model.processes.some((other) => other.index !== process && other.name === own.name);
  if (own.name === "") return `${name} of process ${own.pid}`;
  return `${name} of ${own.name}${ambiguous ? ` (${own.pid})` : ""}`;
}
