/** The workers of the threads that this thread has started, until they end. */
import { isMainThread, type Worker } from "node:worker_threads";
import { beforeWorkersEnd } from "../platform/native-work.js";

/** What is asked of a thread here. */
interface Started {
  readonly daemon: boolean;
  joinSync(): void;
}

/** What is asked of what is known of it. */
interface StartedRecord {
  /** Its work is done, and it is gone or stays for its daemons only. */
  readonly left: boolean;
}

interface Entry {
  readonly thread: Started;
  readonly record: StartedRecord;
}

const workers = new Map<Worker, Entry>();
/** Called when the next of them has ended. */
const waiting: (() => void)[] = [];

/** A thread's worker was started. */
export function addWorker(worker: Worker, thread: Started, record: StartedRecord): void {
  workers.set(worker, { thread, record });
}

/** The threads that this one has started and that the program waits for, as far as they are not gone. */
export function awaitedThreads(): Entry[] {
  return [...workers.values()].filter(({ thread, record }) => !thread.daemon && !record.left);
}

// Node ends the workers of a worker with it: those of daemons.
if (!isMainThread) {
  process.on("exit", () => {
    if (workers.size > 0) beforeWorkersEnd();
  });
}

/** A worker has ended. */
export function removeWorker(worker: Worker): void {
  workers.delete(worker);
}

/** Wakes those who wait for the end of workers. */
export function tellEnd(): void {
  for (const wake of waiting.splice(0)) wake();
}

/** Ends the worker of a thread that this one started, wherever it is. Returns at once; the worker's "exit" event tells. */
export function terminateWorker(thread: object): void {
  for (const [worker, each] of workers) if (each.thread === thread) void worker.terminate();
}

const beforeStaying: (() => void)[] = [];

/** Has `callback` called before this thread, whose work is done, only stays for daemons, and the program not for it. */
export function beforeStayingForDaemons(callback: () => void): void {
  beforeStaying.push(callback);
}

/** Resolves when all threads this one started have ended; `onlyDaemons` is called when only daemons are left. */
export async function childrenEnded(onlyDaemons: () => void): Promise<void> {
  let told = false;
  while (workers.size > 0) {
    if (!told && [...workers.values()].every(({ thread }) => thread.daemon)) {
      told = true;
      for (const callback of beforeStaying) callback();
      onlyDaemons();
    }
    await new Promise<void>((resolve) => waiting.push(resolve));
  }
}
