/** `heddle/futures`: Python's `concurrent.futures`. */
export {
  BrokenExecutor,
  BrokenProcessPool,
  BrokenThreadPool,
  CancelledError,
  InvalidStateError,
  TimeoutError,
} from "../core/errors.js";
export { asCompleted, type Completed } from "./as-completed.js";
export type { Actor, ClusterExecutor } from "./cluster-executor.js";
export { Executor, type Iterables, type ShutdownOptions } from "./executor.js";
export { Future } from "./future.js";
export type { MapOptions, MapResults } from "./map-results.js";
export { ProcessPoolExecutor, type ProcessPoolExecutorOptions } from "./process-pool-executor.js";
export { ThreadPoolExecutor, type ThreadPoolExecutorOptions } from "./thread-pool-executor.js";
export {
  ALL_COMPLETED,
  type DoneAndNotDoneFutures,
  FIRST_COMPLETED,
  FIRST_EXCEPTION,
  type ReturnWhen,
  wait,
  waitSync,
} from "./wait.js";
