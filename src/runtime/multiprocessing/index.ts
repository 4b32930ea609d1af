/**
 * `heddle/multiprocessing`: Python's multiprocessing. So far: processes. What else belongs here is added below, one line
 * per file.
 */
import { availableParallelism } from "node:os";

export {
  AuthenticationError,
  BufferTooShort,
  EOFError,
  ProcessError,
  RemoteError,
  TimeoutError,
} from "../core/errors.js";
export { activeChildren, currentProcess, Process, parentProcess, type Sentinel } from "./process.js";

/** How many processors the machine has for this program. */
export function cpuCount(): number {
  return availableParallelism();
}
