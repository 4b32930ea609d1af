/** Who wants to know, besides the thread's object, how a worker ended: the pool it works for. */

/** Told the worker's exit code. */
export type WorkerEnd = (exitCode: number) => void;

const listeners = new WeakMap<object, WorkerEnd>();
const errors = new WeakMap<object, unknown>();

/**
 * Has `listener` called when the worker of a thread that this thread starts has ended. Such a thread keeps the error that
 * ended it for {@link workerError} instead of telling it to the hook for errors. To be called before it starts.
 */
export function whenWorkerEnds(thread: object, listener: WorkerEnd): void {
  listeners.set(thread, listener);
}

/** True if somebody wants to know how the thread ends: then its error is theirs. */
export function isWatched(thread: object): boolean {
  return listeners.has(thread);
}

/** What a thread died of, as far as is known: what its `run` threw, or that it was out of memory. */
export function workerError(thread: object): unknown {
  return errors.get(thread);
}

/** Notes an error of a thread's worker. */
export function workerFailed(thread: object, error: unknown): void {
  errors.set(thread, error);
}

/** Tells that a thread's worker has ended. */
export function workerEnded(thread: object, exitCode: number): void {
  listeners.get(thread)?.(exitCode);
}
