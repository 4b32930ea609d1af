/** The process the user started: what outlives all that its children leave behind. */
import { getEnvironmentData, setEnvironmentData } from "node:worker_threads";

const KEY = "heddle.root";

/** Its pid; in that process itself, and outside of all of ours, the own one. */
export function rootPid(): number {
  return (getEnvironmentData(KEY) as unknown as number | undefined) ?? process.pid;
}

/** Tells this process, and the threads it will start, which it is. */
export function setRootPid(pid: number): void {
  setEnvironmentData(KEY, pid as never);
}
