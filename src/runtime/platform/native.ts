/**
 * The native bridge, koffi: loaded when it is first needed, since that takes 5 ms and more.
 *
 * A thread that is terminated while native code makes objects of JavaScript takes the whole process with it: the bridge
 * cannot throw any more, and aborts. That is so while it is loaded, while functions are declared and while views are
 * made, not while functions are called. So threads say when they do that ({@link whole}), and the main thread waits for
 * them before it ends them with itself. (Nobody waits where a program terminates a worker itself.)
 */
import { createRequire } from "node:module";
import { isMainThread } from "node:worker_threads";
import { RuntimeError } from "../core/errors.js";
import { HeapWord, words } from "../core/heap.js";

export type NativeFunction = (...args: unknown[]) => unknown;

export interface NativeLibrary {
  /** A function by its C declaration. */
  func(declaration: string): NativeFunction;
}

/** The part of koffi that is used. */
export interface Native {
  load(path: string | null): NativeLibrary;
  view(pointer: bigint, length: number): ArrayBuffer;
  address(pointer: unknown): bigint;
  /** Memory outside of the heap, for good. */
  alloc(type: string, count: number): unknown;
  /** The error number that the last call left. */
  errno(): number;
}

let loaded: Native | null = null;

/** Why processes cannot share memory here, and what works instead. */
export function unavailable(reason: string): RuntimeError {
  return new RuntimeError(
    `Processes cannot share memory here: ${reason}. The objects of a manager (multiprocessing.Manager) work everywhere: its values, arrays, lists and dicts are kept by a server process.`,
  );
}

/** How long the end of a thread waits for others: milliseconds. Who was terminated there says nothing more. */
const PATIENCE_MS = 5000;

/** How long a thread gives its process to end, before it begins what must not be interrupted: milliseconds. */
const CLOSING_MS = 1000;

/** How deep this thread is in {@link whole}. */
let depth = 0;

/** Runs what must not be interrupted by the end of the thread. */
export function whole<T>(body: () => T): T {
  if (isMainThread || depth > 0) return body();
  words.add(HeapWord.NativeWork, 1);
  if (words.load(HeapWord.Closing) !== 0) {
    // The process ends, and this thread with it. Not if somebody still waits for this thread at its end.
    endWork();
    words.wait(HeapWord.Closing, 1, CLOSING_MS);
    words.add(HeapWord.NativeWork, 1);
  }
  depth++;
  try {
    return body();
  } finally {
    depth--;
    endWork();
  }
}

function endWork(): void {
  words.add(HeapWord.NativeWork, -1);
  words.notify(HeapWord.NativeWork);
}

/** Blocks until no thread is in {@link whole}: before one is terminated. */
export function awaitNativeWork(): void {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const count = words.load(HeapWord.NativeWork);
    const left = deadline - performance.now();
    if (count <= 0 || left <= 0) return;
    words.wait(HeapWord.NativeWork, count, Math.min(left, 100));
  }
}

function close(): void {
  words.store(HeapWord.Closing, 1);
  awaitNativeWork();
}

if (isMainThread) process.on("exit", close);

/** Has the end of the main thread look for this behind all listeners so far: one of them may wait for threads. */
export function closeLast(): void {
  if (isMainThread) process.off("exit", close).on("exit", close);
}

/** The bridge. Throws `RuntimeError` where it cannot be loaded. */
export function native(): Native {
  loaded ??= whole(load);
  return loaded;
}

function load(): Native {
  try {
    return createRequire(__filename)("koffi") as Native;
  } catch (error) {
    const [reason] = (error as Error).message.split("\n");
    throw unavailable(`the native bridge koffi could not be loaded (${reason})`);
  }
}
