/**
 * What the runner's process finds out about the script's threads and cores, from the best source the system allows:
 *
 * - perf: every context switch from the kernel, plus the scheduler's totals per thread a few times a second.
 * - sampled: Linux without that; state, core and times of every thread from `/proc`, every 20 ms.
 * Both also look now and then at why a thread is off its core (`off-reason.ts`) and at how long each core was busy with
 * anything (`core-times.ts`).
 * - process-only: other systems; each traced process reports its own CPU time (see `drain.ts`).
 *
 * Start it before the script is spawned, on the thread that spawns it, and call `watch` right after the spawn.
 */
import { SwitchFlag, type SystemThread } from "../trace/frames.js";
import {
  coreSourceFrame,
  coreTimesFrame,
  offCoreFrame,
  processEndFrame,
  processStartFrame,
  samplesFrame,
  switchesFrame,
  systemThreadsFrame,
} from "../trace/writer.js";
import { readCoreTimes } from "./core-times.js";
import { openPerfEvents, type PerfEvents, type PerfSink, PerfUnavailable } from "./perf-events.js";
import { ProcThreads } from "./proc-threads.js";

export interface SystemSamplerOptions {
  /** Appends one frame to the trace. */
  write(frame: Uint8Array): void;
  /** The trace's origin, as in its header. */
  readonly originNs: bigint | string;
  /** Take at most this source; for tests and for those who do not trust the kernel's. */
  readonly atMost?: "perf" | "sampled" | "process-only";
}

export interface SystemSampler {
  readonly source: "perf" | "sampled" | "process-only";
  /** Follows this process and all that it starts. */
  watch(pid: number): void;
  /** Takes the last samples and ends. Call it when the script is over, before the end mark. */
  stop(): Promise<void>;
}

const POLL_MS = 20;
/** Polls between looks for new processes, and between totals of threads when switches are exact. */
const SLOW_POLLS = 10;
/** Records can come a little later than their time. */
const SLACK_NS = 200_000;
/** A thread that left its core less than this ago, in nanoseconds, is not asked why: it may be back before the answer. */
const LOOK_AFTER_NS = 2e6;
/** Looks a poll, at the most. */
const MOST_LOOKS = 64;

/** Starts sampling; never fails: a source that is not to be had is replaced by the next, and a frame says why. */
export function startSystemSampler(options: SystemSamplerOptions): SystemSampler {
  const originNs = BigInt(options.originNs);
  const atMost = options.atMost ?? "perf";
  let reason = "";
  let perf: PerfEvents | null = null;
  if (atMost === "perf") {
    try {
      perf = openPerfEvents(originNs);
    } catch (error) {
      if (!(error instanceof PerfUnavailable)) throw error;
      reason = error.message;
    }
  } else reason = "Not asked for.";
  const source =
    perf !== null ? "perf" : process.platform === "linux" && atMost !== "process-only" ? "sampled" : "process-only";
  options.write(coreSourceFrame({ source, reason }));
  if (source === "process-only") return { source, watch() {}, async stop() {} };

  const sampler = new LinuxSampler(options.write, originNs, perf);
  const timer = setInterval(() => sampler.poll(false), POLL_MS);
  timer.unref();
  return {
    source,
    watch: (pid) => sampler.watch(pid),
    async stop() {
      clearInterval(timer);
      sampler.poll(true);
      sampler.close();
    },
  };
}

/** As many as one poll may look at; of more, others at each turn. */
function inTurns<T>(all: readonly T[], turn: number): readonly T[] {
  if (all.length <= MOST_LOOKS) return all;
  const from = (turn * MOST_LOOKS) % all.length;
  return [...all.slice(from), ...all.slice(0, from)].slice(0, MOST_LOOKS);
}

interface Switch {
  readonly pid: number;
  readonly tid: number;
  readonly core: number;
  readonly t: number;
  readonly flags: number;
}

class LinuxSampler {
  readonly #write: (frame: Uint8Array) => void;
  readonly #originNs: bigint;
  readonly #perf: PerfEvents | null;
  readonly #proc: ProcThreads;
  /** Processes of the trace that live. */
  readonly #pids = new Set<number>();
  /** Threads of this poll, by tid: what is to be told of them. */
  readonly #threads = new Map<string, { -readonly [K in keyof SystemThread]: SystemThread[K] }>();
  #switches: Switch[] = [];
  /** Where switches are seen: since when threads are off their cores, that were not asked why yet. By tid. */
  readonly #offCore = new Map<number, { pid: number; t: number }>();
  #polls = 0;
  #lost = 0;

  constructor(write: (frame: Uint8Array) => void, originNs: bigint, perf: PerfEvents | null) {
    this.#write = write;
    this.#originNs = originNs;
    this.#perf = perf;
    this.#proc = new ProcThreads({
      threadSeen: (pid, tid, name) => {
        const thread = this.#thread(pid, tid);
        // A thread without a name of its own has its program's, which tells nothing; the collector tells its own in full.
        if (tid === pid || !/^(node|MainThread|heddle collect)/.test(name)) thread.name = name;
        // The kernel's records know both better.
        if (perf !== null) return;
        thread.startNs ??= this.#now();
        if (tid === pid && !/^(node|MainThread)/.test(name)) this.#named(pid, name, this.#now());
      },
      threadGone: (pid, tid) => {
        if (perf !== null) return;
        this.#thread(pid, tid).endNs = this.#now();
        if (tid === pid) this.#processGone(pid, this.#now());
      },
      processSeen: (pid, parentPid) => this.#processSeen(pid, parentPid, this.#now()),
    });
  }

  watch(pid: number): void {
    this.#pids.add(pid);
    this.#proc.watch(pid);
    this.#writeCoreTimes();
  }

  /** `all`: also what is only looked at now and then. */
  poll(all: boolean): void {
    const turn = this.#polls++;
    const slow = all || turn % SLOW_POLLS === 0;
    const now = this.#now();
    try {
      if (this.#perf !== null) this.#pollPerf(this.#perf, now);
      // A script is at its busiest in starting threads when it is young.
      if (slow || (this.#perf === null && turn % 2 === 0) || turn < SLOW_POLLS) {
        this.#proc.discover(this.#perf === null);
      }
      if (slow || this.#perf === null) {
        const frame = this.#proc.sample(now);
        if (frame.count > 0) this.#write(samplesFrame(frame));
        if (this.#perf === null) this.#look(inTurns(this.#proc.asleep(frame), turn));
      }
      if (this.#perf !== null) this.#lookAtOffCore(now);
      if (slow) this.#writeCoreTimes();
      this.#writeThreads();
    } catch {
      // The disk is full or the folder is gone: the runner finds out by its own writes.
    }
  }

  close(): void {
    if (this.#lost > 0) {
      const reason = `${this.#lost} context switches were lost: the runner was too late to read them.`;
      this.#write(coreSourceFrame({ source: "perf", reason }));
    }
    this.#perf?.close();
    this.#proc.close();
  }

  #now(): number {
    return Number(process.hrtime.bigint() - this.#originNs);
  }

  #thread(pid: number, tid: number) {
    const key = `${pid}:${tid}`;
    let thread = this.#threads.get(key);
    if (thread === undefined) {
      thread = { pid, tid, name: "", startNs: null, endNs: null };
      this.#threads.set(key, thread);
    }
    return thread;
  }

  #processSeen(pid: number, parentPid: number, t: number): void {
    this.#pids.add(pid);
    this.#proc.watch(pid);
    this.#write(processStartFrame({ pid, parentPid, name: "", t }));
  }

  #processGone(pid: number, t: number): void {
    this.#pids.delete(pid);
    this.#proc.unwatch(pid);
    this.#write(processEndFrame({ pid, t, exitCode: null, signal: null }));
  }

  /** A process runs a program that says nothing of itself. */
  #named(pid: number, name: string, t: number): void {
    this.#write(processStartFrame({ pid, parentPid: -1, name, t }));
  }

  /** Asks each thread that has been off its core for a while for the reason: once for each time it is off. */
  #lookAtOffCore(now: number): void {
    const threads: { pid: number; tid: number }[] = [];
    for (const [tid, { pid, t }] of this.#offCore) {
      if (now - t < LOOK_AFTER_NS) continue;
      threads.push({ pid, tid });
      this.#offCore.delete(tid);
      if (threads.length === MOST_LOOKS) break;
    }
    this.#look(threads);
  }

  #look(threads: readonly { pid: number; tid: number }[]): void {
    const rows: { pid: number; tid: number; t: number; reason: number }[] = [];
    for (const { pid, tid } of threads) {
      const reason = this.#proc.offReason(pid, tid);
      if (reason !== 0) rows.push({ pid, tid, t: this.#now(), reason });
    }
    if (rows.length === 0) return;
    this.#write(
      offCoreFrame({
        count: rows.length,
        t: Float64Array.from(rows, (row) => row.t),
        pid: Uint32Array.from(rows, (row) => row.pid),
        tid: Uint32Array.from(rows, (row) => row.tid),
        reason: Uint8Array.from(rows, (row) => row.reason),
      }),
    );
  }

  #writeCoreTimes(): void {
    const t = this.#now();
    const busyNs = readCoreTimes();
    if (busyNs !== null) this.#write(coreTimesFrame({ t, busyNs }));
  }

  #pollPerf(perf: PerfEvents, now: number): void {
    const forks: { pid: number; tid: number; parentPid: number; t: number }[] = [];
    const exits: { pid: number; tid: number; t: number }[] = [];
    const names: { pid: number; tid: number; name: string; exec: boolean }[] = [];
    const own = process.pid;
    const sink: PerfSink = {
      fork: (pid, tid, parentPid, t) => forks.push({ pid, tid, parentPid, t }),
      exit: (pid, tid, t) => exits.push({ pid, tid, t }),
      named: (pid, tid, name, exec) => names.push({ pid, tid, name, exec }),
      switched: (pid, tid, core, t, out, preempted) => {
        if (pid === own) return;
        const flags = (out ? SwitchFlag.Out : 0) | (out && preempted ? SwitchFlag.Preempted : 0);
        this.#switches.push({ pid, tid, core, t, flags });
      },
      lost: (count) => {
        this.#lost += count;
      },
    };
    perf.poll(sink);

    // Cores are read one after the other, so a fork may come behind what its child did on another core.
    forks.sort((x, y) => x.t - y.t);
    for (const { pid, tid, parentPid, t } of forks) {
      if (pid !== tid || this.#pids.has(pid)) {
        if (this.#pids.has(pid)) this.#thread(pid, tid).startNs = t;
      } else if (this.#pids.has(parentPid)) {
        this.#processSeen(pid, parentPid, t);
        this.#thread(pid, tid).startNs = t;
      }
    }
    for (const { pid, tid, name, exec } of names) {
      if (!this.#pids.has(pid)) continue;
      if (!name.startsWith("heddle collect")) this.#thread(pid, tid).name = name;
      // Traced processes say their name themselves; a helper of ours gives itself one after it began.
      if ((exec || name.startsWith("heddle-")) && tid === pid && !/^node|MainThread/.test(name)) {
        this.#named(pid, name, now);
      }
    }
    // Before the switches, which say up to when all is known: an end is also the last time a thread leaves its core.
    for (const { pid, tid, t } of exits) if (this.#pids.has(pid)) this.#thread(pid, tid).endNs = t;
    this.#writeThreads();
    this.#writeSwitches(now);
    for (const { pid, tid, t } of exits) {
      this.#offCore.delete(tid);
      if (pid === tid && this.#pids.has(pid)) this.#processGone(pid, t);
    }
  }

  #writeThreads(): void {
    if (this.#threads.size === 0) return;
    this.#write(systemThreadsFrame({ threads: [...this.#threads.values()] }));
    this.#threads.clear();
  }

  #writeSwitches(now: number): void {
    const rows = this.#switches.filter(({ pid }) => this.#pids.has(pid)).sort((x, y) => x.t - y.t);
    this.#switches = [];
    const n = rows.length;
    const frame = {
      completeTo: Math.max(0, now - SLACK_NS),
      count: n,
      t: new Float64Array(n),
      core: new Uint16Array(n),
      pid: new Uint32Array(n),
      tid: new Uint32Array(n),
      flags: new Uint8Array(n),
    };
    for (let i = 0; i < n; i++) {
      const row = rows[i] as Switch;
      frame.t[i] = row.t;
      frame.core[i] = row.core;
      frame.pid[i] = row.pid;
      frame.tid[i] = row.tid;
      frame.flags[i] = row.flags;
      if (row.flags === SwitchFlag.Out) this.#offCore.set(row.tid, { pid: row.pid, t: row.t });
      else this.#offCore.delete(row.tid);
    }
    // An empty one still moves the watermark of a script that only waits, though not at every poll.
    if (n > 0 || this.#polls % SLOW_POLLS === 0) this.#write(switchesFrame(frame));
  }
}
