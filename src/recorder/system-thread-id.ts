import { readlinkSync } from "node:fs";

/** The calling thread's id in the system (Linux); 0 elsewhere. */
export function systemThreadId(): number {
  if (process.platform !== "linux") return 0;
  try {
    return Number(readlinkSync("/proc/thread-self").split("/").pop()) || 0;
  } catch {
    return 0;
  }
}
