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
export type { AsyncResult, CallbackOptions } from "./pool/async-result.js";
export { dummy } from "./pool/dummy.js";
export type { ChunkOptions } from "./pool/pool-base.js";
export { ThreadPool, type ThreadPoolOptions } from "./pool/thread-pool.js";
export { activeChildren, currentProcess, Process, parentProcess, type Sentinel } from "./process.js";

/** How many processors the machine has for this program. */
export function cpuCount(): number {
  return availableParallelism();
}
