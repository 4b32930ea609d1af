/** heddle/threading: each thread is a worker with an event loop and a heap of its own. */
export { TIMEOUT_MAX } from "../core/deadline.js";
export { BrokenBarrierError } from "../core/errors.js";
export { Barrier } from "./barrier.js";
export { Condition } from "./condition.js";
export { Event } from "./event.js";
export { type ExceptHookArgs, excepthook, setExcepthook } from "./excepthook.js";
export { activeCount, enumerate, getIdent, getNativeId, mainThread } from "./living-threads.js";
export { local } from "./local.js";
export { Lock } from "./lock.js";
export { RLock } from "./rlock.js";
export { BoundedSemaphore, Semaphore } from "./semaphore.js";
export { currentThread, Thread } from "./thread.js";
export { Timer, type TimerOptions } from "./timer.js";
