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
export { Connection } from "./connection.js";
export type { RecvBytesOptions, SendBytesOptions } from "./connection-arguments.js";
export { type Address, Client, ClientSync, type ConnectOptions, Listener } from "./listener.js";
export {
  AcquirerProxy,
  ArrayProxy,
  type AutoProxy,
  BarrierProxy,
  BaseManager,
  BaseProxy,
  ConditionProxy,
  type Creations,
  type Creators,
  type DictOperations,
  DictProxy,
  EventProxy,
  type ListOperations,
  ListProxy,
  Manager,
  type ManagerOptions,
  ManagerSync,
  NamespaceProxy,
  PoolProxy,
  QueueProxy,
  type RegisterOptions,
  type Server,
  SharedMemoryManager,
  SyncManager,
  ValueProxy,
} from "./managers/index.js";
export { Pipe } from "./pipe.js";
export type { AsyncResult, CallbackOptions } from "./pool/async-result.js";
export { dummy } from "./pool/dummy.js";
export { Pool, type PoolOptions } from "./pool/pool.js";
export type { ChunkOptions } from "./pool/pool-base.js";
export { ThreadPool, type ThreadPoolOptions } from "./pool/thread-pool.js";
export { activeChildren, currentProcess, Process, parentProcess } from "./process.js";
export type { Sentinel } from "./process-inside.js";
export { JoinableQueue } from "./queues/joinable-queue.js";
export { Queue } from "./queues/queue.js";
export { SimpleQueue } from "./queues/simple-queue.js";
export { RawArray } from "./raw-array.js";
export { RawValue } from "./raw-value.js";
export { type Shareable, ShareableList, type Slot } from "./shareable-list.js";
export { SharedMemory, type SharedMemoryOptions } from "./shared-memory.js";
export type { Synchronized, SynchronizedOptions } from "./sharedctypes/lock-in-front.js";
export { SharedArray, SharedArray as Array } from "./sharedctypes/shared-array.js";
export { Value } from "./sharedctypes/value.js";
export { Barrier } from "./synchronize/barrier.js";
export { Condition } from "./synchronize/condition.js";
export { Event } from "./synchronize/event.js";
export { Lock } from "./synchronize/lock.js";
export { RLock } from "./synchronize/rlock.js";
export { BoundedSemaphore, Semaphore } from "./synchronize/semaphore.js";
export type { TypeCode, TypeCodes, TypedArrays } from "./type-codes.js";
export { type Waitable, wait, waitSync } from "./wait.js";

/** How many processors the machine has for this program. */
export function cpuCount(): number {
  return availableParallelism();
}
