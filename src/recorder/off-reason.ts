/**
 * Linux: why a thread is off its core, from the system call it is in (`/proc/PID/task/TID/syscall`).
 *
 * A thread with nothing to do waits in its event loop's `epoll_pwait`. But so does one that is blocked in `spawnSync`,
 * which turns a loop of its own. They are told apart by how long they are willing to wait: every recorded thread has a
 * timer (`thread-health.ts`) that lets its loop wait for its period at the most.
 *
 * Where that file may not be read (no right to trace the process), `wchan` beside it tells the function of the kernel
 * that the thread sleeps in; then `spawnSync` cannot be told from an idle loop. Where neither tells, 0 is the answer.
 */
import { OffReason } from "../trace/frames.js";
import { LOOP_PERIOD_MS } from "./thread-health.js";

interface Calls {
  readonly epoll: readonly number[];
  readonly futex: readonly number[];
  readonly sleep: readonly number[];
}

/** epoll_wait, epoll_pwait · futex, futex_waitv, futex_wait · nanosleep, clock_nanosleep */
const CALLS: Partial<Record<NodeJS.Architecture, Calls>> = {
  x64: { epoll: [232, 281], futex: [202, 449, 455], sleep: [35, 230] },
  arm64: { epoll: [22], futex: [98, 449, 455], sleep: [101, 115] },
};

/** The text of `syscall`: "running", "-1 …" (off its core, but in no call: a page fault), or the call and its arguments. */
export function reasonOfSyscall(text: string, arch: NodeJS.Architecture = process.arch): number {
  const calls = CALLS[arch];
  if (calls === undefined || text.startsWith("running")) return 0;
  const fields = text.split(" ");
  const call = Number(fields[0]);
  if (Number.isNaN(call)) return 0;
  if (calls.futex.includes(call)) return OffReason.Lock;
  if (calls.sleep.includes(call)) return OffReason.Sleep;
  if (!calls.epoll.includes(call)) return OffReason.Io;
  // An int in a register: its upper half means nothing.
  const timeout = Number(BigInt.asIntN(32, BigInt(fields[4] ?? "0")));
  return timeout >= 0 && timeout <= LOOP_PERIOD_MS ? OffReason.Loop : OffReason.Io;
}

/** The text of `wchan`: a function's name, or "0". */
export function reasonOfWchan(text: string): number {
  const name = text.trim();
  if (name === "" || name === "0") return 0;
  if (/ep(oll)?_?(poll|wait)/.test(name)) return OffReason.Loop;
  if (/futex/.test(name)) return OffReason.Lock;
  if (/nanosleep/.test(name)) return OffReason.Sleep;
  return OffReason.Io;
}
