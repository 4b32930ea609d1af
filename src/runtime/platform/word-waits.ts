/** Promises that wait for words of memory that processes share. */
import { deadlineIn } from "../core/deadline.js";
import { holdLoop, releaseLoop, type SharedWords, type WaitAsyncOptions, type WaitOutcome } from "../core/words.js";

export async function waitForWord(
  words: SharedWords,
  index: number,
  expected: number,
  options: WaitAsyncOptions,
): Promise<WaitOutcome> {
  const { signal, timeout = Number.POSITIVE_INFINITY } = options;
  signal?.throwIfAborted();
  if (words.load(index) !== expected) return "not-equal";
  const deadline = deadlineIn(timeout);
  holdLoop();
  try {
    for (let pause = 1; ; pause = Math.min(16, pause * 2)) {
      const left = deadline - performance.now();
      if (left <= 0) return "timed-out";
      await new Promise((resolve) => setTimeout(resolve, Math.min(pause, left)));
      signal?.throwIfAborted();
      if (words.load(index) !== expected) return "ok";
    }
  } finally {
    releaseLoop();
  }
}
