/** The number the operating system gave the calling thread. */
import { readlinkSync } from "node:fs";
import { isMainThread, threadId } from "node:worker_threads";

let cached = 0;

/**
 * The OS thread id, without native code: Linux shows it under `/proc`. Elsewhere the main thread's process id, or a
 * number made of it and the worker's, which is unique though no tool of the system knows it.
 */
export function nativeThreadId(): number {
  if (cached !== 0) return cached;
  try {
    cached = Number(readlinkSync("/proc/thread-self").split("/").pop());
  } catch {
    cached = isMainThread ? process.pid : process.pid * 4096 + threadId;
  }
  return cached;
}
