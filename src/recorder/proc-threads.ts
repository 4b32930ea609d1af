/** Linux: threads of processes as `/proc` tells them, sampled with files kept open. */
import { closeSync, openSync, readdirSync, readFileSync, readSync } from "node:fs";
import type { SamplesFrame } from "../trace/frames.js";
import { reasonOfSyscall, reasonOfWchan } from "./off-reason.js";

/** A thread that was seen. */
interface Watched {
  readonly pid: number;
  readonly tid: number;
  readonly statFd: number;
  readonly schedFd: number;
  /** -1: not opened yet, -2: cannot be. */
  syscallFd: number;
  /** The system's name for it. */
  name: string;
}

export interface ProcSink {
  /** Also when it has a new name, as a child that now runs its program. */
  threadSeen(pid: number, tid: number, name: string): void;
  threadGone(pid: number, tid: number): void;
  processSeen(pid: number, parentPid: number): void;
}

const buffer = Buffer.alloc(1024);

export class ProcThreads {
  readonly #pids = new Set<number>();
  readonly #threads = new Map<number, Watched>();
  readonly #sink: ProcSink;

  constructor(sink: ProcSink) {
    this.#sink = sink;
  }

  watch(pid: number): void {
    this.#pids.add(pid);
  }

  unwatch(pid: number): void {
    this.#pids.delete(pid);
  }

  /** Looks for new threads, and for new children of the processes when `children` is set. */
  discover(children: boolean): void {
    // A set yields what is added while it is walked: children of children are found in the same turn.
    for (const pid of this.#pids) {
      const tids = taskIds(pid);
      if (tids === null) {
        this.#pids.delete(pid);
        continue;
      }
      for (const tid of tids) {
        if (!this.#threads.has(tid)) this.#open(pid, tid);
        if (!children) continue;
        for (const child of childPids(pid, tid)) {
          if (this.#pids.has(child)) continue;
          this.#pids.add(child);
          this.#sink.processSeen(child, pid);
        }
      }
    }
  }

  /** A row for each thread that lives, at time `t`. */
  sample(t: number): Omit<SamplesFrame, "type"> {
    const n = this.#threads.size;
    const frame = {
      completeTo: t,
      count: 0,
      t: new Float64Array(n).fill(t),
      pid: new Uint32Array(n),
      tid: new Uint32Array(n),
      core: new Int16Array(n),
      state: new Uint8Array(n),
      runNs: new Float64Array(n),
      waitNs: new Float64Array(n),
    };
    for (const thread of this.#threads.values()) {
      const stat = readAgain(thread.statFd);
      if (stat === null || !this.#fill(frame, frame.count, thread, stat)) {
        this.#forget(thread);
        continue;
      }
      frame.count++;
    }
    return frame;
  }

  /** Why the thread is off its core: an OffReason, or 0 if it is not or cannot be told. */
  offReason(pid: number, tid: number): number {
    if (!this.#threads.has(tid)) this.#open(pid, tid);
    const thread = this.#threads.get(tid);
    if (thread === undefined || thread.pid !== pid) return 0;
    const folder = `/proc/${pid}/task/${tid}`;
    try {
      if (thread.syscallFd === -1) thread.syscallFd = openSync(`${folder}/syscall`, "r");
      if (thread.syscallFd >= 0) {
        const length = readSync(thread.syscallFd, buffer, 0, buffer.length, 0);
        return reasonOfSyscall(buffer.toString("latin1", 0, length));
      }
    } catch {
      // Gone, or not allowed: then the next question goes to wchan.
      if (thread.syscallFd >= 0) closeSync(thread.syscallFd);
      thread.syscallFd = -2;
    }
    try {
      return reasonOfWchan(readFileSync(`${folder}/wchan`, "latin1"));
    } catch {
      return 0;
    }
  }

  /** Threads that the last sample saw asleep. */
  asleep(frame: Omit<SamplesFrame, "type">): { pid: number; tid: number }[] {
    const found: { pid: number; tid: number }[] = [];
    for (let i = 0; i < frame.count; i++) {
      if (frame.state[i] !== 0x52 /* R */) found.push({ pid: frame.pid[i] as number, tid: frame.tid[i] as number });
    }
    return found;
  }

  close(): void {
    for (const thread of this.#threads.values()) this.#forget(thread, false);
  }

  #fill(
    frame: Omit<SamplesFrame, "type" | "count" | "completeTo">,
    row: number,
    thread: Watched,
    stat: string,
  ): boolean {
    // The name stands in brackets and may hold anything; behind it come the state (field 3) and numbers.
    const nameEnd = stat.lastIndexOf(")");
    const name = stat.slice(stat.indexOf("(") + 1, nameEnd);
    if (name !== thread.name) {
      thread.name = name;
      this.#sink.threadSeen(thread.pid, thread.tid, name);
    }
    const fields = stat.slice(nameEnd + 2).split(" ");
    const state = (fields[0] ?? "?").charCodeAt(0);
    if (state === 0x5a /* Z */ || state === 0x58 /* X */) return false;
    const sched = thread.schedFd < 0 ? null : readAgain(thread.schedFd);
    const times = sched?.split(" ") ?? [];
    frame.pid[row] = thread.pid;
    frame.tid[row] = thread.tid;
    frame.state[row] = state;
    frame.core[row] = Number(fields[36] ?? -1);
    // Without schedstat: utime + stime in ticks of 10 ms.
    frame.runNs[row] = times.length > 1 ? Number(times[0]) : (Number(fields[11]) + Number(fields[12])) * 1e7;
    frame.waitNs[row] = times.length > 1 ? Number(times[1]) : Number.NaN;
    return true;
  }

  #open(pid: number, tid: number): void {
    const folder = `/proc/${pid}/task/${tid}`;
    try {
      const statFd = openSync(`${folder}/stat`, "r");
      let schedFd = -1;
      try {
        schedFd = openSync(`${folder}/schedstat`, "r");
      } catch {
        // Kernels without CONFIG_SCHED_INFO.
      }
      const name = readFileSync(`${folder}/comm`, "latin1").trimEnd();
      this.#threads.set(tid, { pid, tid, statFd, schedFd, syscallFd: -1, name });
      this.#sink.threadSeen(pid, tid, name);
    } catch {
      // Gone already.
    }
  }

  #forget(thread: Watched, tell = true): void {
    closeSync(thread.statFd);
    if (thread.schedFd >= 0) closeSync(thread.schedFd);
    if (thread.syscallFd >= 0) closeSync(thread.syscallFd);
    this.#threads.delete(thread.tid);
    if (tell) this.#sink.threadGone(thread.pid, thread.tid);
  }
}

function taskIds(pid: number): number[] | null {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return null;
  }
}

function childPids(pid: number, tid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${tid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function readAgain(fd: number): string | null {
  try {
    const length = readSync(fd, buffer, 0, buffer.length, 0);
    return length > 0 ? buffer.toString("latin1", 0, length) : null;
  } catch {
    return null;
  }
}
