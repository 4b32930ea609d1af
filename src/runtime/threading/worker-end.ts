/** Who wants to know, besides the thread's object, how a worker ended: the pool it works for. */

/** `exitCode` is the worker's; `error` what it was reported to have died of, such as being out of memory. */
export type WorkerEnd = (exitCode: number, error: unknown) => void;

const listeners = new WeakMap<object, WorkerEnd>();
const errors = new WeakMap<object, unknown>();

/** Has `listener` called when the worker of a thread that this thread starts has ended. */
export function whenWorkerEnds(thread: object, listener: WorkerEnd): void {
  listeners.set(thread, listener);
}

/** Notes an error of a thread's worker. */
export function workerFailed(thread: object, error: unknown): void {
  errors.set(thread, error);
}

/** Tells that a thread's worker has ended. */
export function workerEnded(thread: object, exitCode: number): void {
  listeners.get(thread)?.(exitCode, errors.get(thread));
}
