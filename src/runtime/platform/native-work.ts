/**
 * Work in native code that makes objects of JavaScript, and the ends of threads: kept apart.
 *
 * A thread that is ended while native code makes objects of JavaScript takes the whole process with it: the bridge
 * wants to throw, Node refuses since the thread is ending, and the bridge aborts. That is so while it is loaded, while
 * functions are declared and while views are made, not while functions are called. A thread can do nothing about its
 * own end, so both sides keep a rule, by two words that all threads of the process share:
 *
 * - A thread says when it does such work ({@link whole}), how ever many do so at once.
 * - Who ends a thread says so first, then waits until nobody is in the midst of such work. Until that thread has ended
 *   nobody begins it; at most {@link THREAD_END_MS}, since an end that nobody sees, as its starter blocks, is never told.
 *
 * Node ends the workers of a worker with it, at a moment that nobody can see: thus the rule is about all threads.
 *
 * A program may end its threads itself, by `worker.terminate()`. So that method is replaced, in every thread that loads
 * this library, by one that keeps the rule and then does what it always did. A worker whose starter has never loaded the
 * library is not protected: who would have to wait does not know of it.
 */
import { isMainThread, Worker } from "node:worker_threads";
import { HeapWord, words } from "../core/heap.js";

/** How long the end of a thread waits for others: milliseconds. */
const PATIENCE_MS = 5000;

/** How long a thread waits for the end of others before it begins after all: milliseconds. */
const RESPITE_MS = 1000;

/** How long the end of a thread, and of the process, may take if nobody tells that it is over: milliseconds. */
const THREAD_END_MS = 250;
const PROCESS_END_MS = 60_000;

/** How deep this thread is in {@link whole}. */
let depth = 0;

/** Milliseconds on the clock of all threads, as a word holds them. 0 stands for nothing. */
function clock(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return (seconds * 1000 + Math.floor(nanoseconds / 1e6)) | 0 || 1;
}

/** Runs what must not be interrupted by the end of the thread. */
export function whole<T>(body: () => T): T {
  if (isMainThread || depth > 0) return body();
  begin();
  depth++;
  try {
    return body();
  } finally {
    depth--;
    endWork();
  }
}

function begin(): void {
  const deadline = performance.now() + RESPITE_MS;
  for (;;) {
    words.add(HeapWord.NativeWork, 1);
    const until = words.load(HeapWord.Closing);
    if (until === 0) return;
    const left = (until - clock()) | 0;
    if (left <= 0 || left > PROCESS_END_MS) {
      // Nobody has seen that end.
      words.compareExchange(HeapWord.Closing, until, 0);
      return;
    }
    const patience = deadline - performance.now();
    // Somebody may wait for this thread at the end of the process.
    if (patience <= 0) return;
    endWork();
    words.wait(HeapWord.Closing, until, Math.min(left, patience));
  }
}

function endWork(): void {
  words.add(HeapWord.NativeWork, -1);
  words.notify(HeapWord.NativeWork);
}

/** How many threads were ended in the midst of their work all the same, and will never say that it is done. */
let lost = 0;

/** Blocks until no thread is in {@link whole}. */
function awaitNativeWork(): void {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const count = words.load(HeapWord.NativeWork);
    if (count < lost) lost = Math.max(0, count);
    if (count <= lost) return;
    const left = deadline - performance.now();
    if (left <= 0) {
      lost = count;
      return;
    }
    words.wait(HeapWord.NativeWork, count, Math.min(left, 100));
  }
}

/**
 * Returns when no thread is in the midst of such work, and lets none begin it from now on, for so many milliseconds or
 * until the function that is returned is called.
 */
function holdOff(ms: number): () => void {
  let mine: number;
  for (;;) {
    const before = words.load(HeapWord.Closing);
    mine = clock() + ms;
    // Never twice the same time, so that nobody takes back another's.
    if (before !== 0 && ((before - mine) | 0) >= 0) mine = before + 1;
    mine = mine | 0 || 1;
    if (words.compareExchange(HeapWord.Closing, before, mine) === before) break;
  }
  awaitNativeWork();
  return () => {
    if (words.compareExchange(HeapWord.Closing, mine, 0) === mine) words.notify(HeapWord.Closing);
  };
}

/** For a thread other than the main one that ends, and workers of its own with it. */
export function beforeWorkersEnd(): void {
  holdOff(THREAD_END_MS);
}

const close = (): void => void holdOff(PROCESS_END_MS);

/** Has the end of the main thread look for this behind all listeners so far: one of them may wait for threads. */
export function closeLast(): void {
  if (isMainThread) process.off("exit", close).on("exit", close);
}

type Terminate = (this: Worker, ...args: unknown[]) => Promise<number>;

/** Has `worker.terminate()` keep the rule in this thread. */
function guardTermination(): void {
  const terminate = Worker.prototype.terminate as Terminate;
  const guarded: Terminate = function (...args) {
    // It has ended already.
    if (this.threadId < 0) return terminate.apply(this, args);
    const goOn = holdOff(THREAD_END_MS);
    const ended = terminate.apply(this, args);
    void Promise.resolve(ended).then(goOn, goOn);
    return ended;
  };
  const described = Object.getOwnPropertyDescriptor(Worker.prototype, "terminate");
  Object.defineProperty(guarded, "name", { value: "terminate", configurable: true });
  Object.defineProperty(guarded, "length", { value: terminate.length, configurable: true });
  Object.defineProperty(Worker.prototype, "terminate", { ...described, value: guarded });
}

closeLast();
guardTermination();
