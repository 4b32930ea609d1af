/**
 * Watches for the moment when no thread of the process can go on by itself.
 *
 * Each thread says in its slot whether it waits for something that only another thread can bring (`StuckState`). When
 * all say so, for a while, and the process uses no time on any core, then nobody will ever bring it: unless another
 * process does, which is for the runner to find out, who sees all of them.
 *
 * On a machine with too much to do, what is awaited may be there and the thread that hands it on only have no core yet.
 * So if threads of the process stood in line for a core for much of the time, it is watched for longer, and nothing is
 * told while one stands there. And what a process told some time ago says nothing about now, if another has handed
 * something to it since: so it is told again and again as long as it is so.
 */
import { readdirSync, readFileSync } from "node:fs";
import { StuckState } from "./emit.js";
import { ProcessWord, processWords, type Slot, SlotState, SlotWord, slotAt } from "./ring-memory.js";
import { systemThreadId } from "./system-thread-id.js";

/** Milliseconds for which it must be so. */
const CONFIRM_MS = 1500;
/** The same where the process's threads waited for cores. */
const CONFIRM_BUSY_MS = 12_000;
/** So much waiting for cores, as a share of the time, is much. */
const MAX_DELAY = 0.1;
/** Milliseconds between looks. */
const LOOK_MS = 50;
/** Milliseconds after which it is told again. */
const AGAIN_MS = 250;
/** More of one core than this in that time, as a share, is work: the collector itself needs a hundredth or two. */
const MAX_LOAD = 0.2;

/** What the system says of the process's threads, but for the calling one. */
export interface ThreadsOnCores {
  /** Milliseconds for which they were ready and had no core, in all; 0 where that is not known. */
  delayMs(): number;
  /** Whether one of them is on a core, or ready to be. False where that is not known. */
  anyReady(): boolean;
}

export class HangWatch {
  readonly #words: Int32Array;
  readonly #slots: Slot[] = [];
  #lookedMs = Number.NEGATIVE_INFINITY;
  #sinceMs = 0;
  #cpuUs = 0;
  #delayMs = 0;
  #stuck = false;
  #hung = false;
  #toldMs = 0;

  /**
   * `tell` is called when a hang is found, again and again while it lasts, and when the process goes on after all. Times
   * are `performance.now()`.
   */
  constructor(
    private readonly memory: SharedArrayBuffer,
    private readonly tell: (hung: boolean, sinceMs: number) => void,
    private readonly threads: ThreadsOnCores = linuxThreads,
  ) {
    this.#words = processWords(memory);
  }

  /** To be called every few milliseconds. */
  look(t: number): void {
    if (t - this.#lookedMs < LOOK_MS) return;
    this.#lookedMs = t;
    if (!this.#allStuck()) {
      this.#stuck = false;
      if (this.#hung) this.#tell(false, t, t);
      return;
    }
    if (this.#hung) {
      if (t - this.#toldMs >= AGAIN_MS && !this.threads.anyReady()) this.#tell(true, this.#sinceMs, t);
      return;
    }
    if (!this.#stuck) {
      this.#stuck = true;
      this.#begin(t);
    } else if (t - this.#sinceMs >= CONFIRM_MS) {
      const elapsed = t - this.#sinceMs;
      const spentMs = (cpuUs() - this.#cpuUs) / 1000;
      if (spentMs > elapsed * MAX_LOAD) this.#begin(t);
      else if (elapsed >= CONFIRM_BUSY_MS || this.threads.delayMs() - this.#delayMs <= elapsed * MAX_DELAY) {
        if (!this.threads.anyReady()) this.#tell(true, this.#sinceMs, t);
      }
    }
  }

  #begin(t: number): void {
    this.#sinceMs = t;
    this.#cpuUs = cpuUs();
    this.#delayMs = this.threads.delayMs();
  }

  #tell(hung: boolean, sinceMs: number, t: number): void {
    this.#hung = hung;
    this.#toldMs = t;
    this.tell(hung, sinceMs);
  }

  #allStuck(): boolean {
    const used = Atomics.load(this.#words, ProcessWord.UsedSlots);
    let living = 0;
    for (let i = 0; i < used; i++) {
      this.#slots[i] ??= slotAt(this.memory, i);
      const { words } = this.#slots[i] as Slot;
      if (Atomics.load(words, SlotWord.State) === SlotState.Free) continue;
      if (Atomics.load(words, SlotWord.Stuck) === StuckState.No) return false;
      living++;
    }
    // Threads beyond the last slot are not seen, and those that begin have none yet.
    return (
      living > 0 &&
      Atomics.load(this.#words, ProcessWord.Refused) === 0 &&
      Atomics.load(this.#words, ProcessWord.Starting) <= 0
    );
  }
}

function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** The other threads of this process, as a file of theirs in `/proc` has them. */
function* otherThreads(file: string): Generator<string> {
  try {
    const own = systemThreadId();
    for (const tid of readdirSync("/proc/self/task")) {
      if (Number(tid) !== own) yield readFileSync(`/proc/self/task/${tid}/${file}`, "latin1");
    }
  } catch {
    // Not Linux, or a thread that has just ended: the next look tells.
  }
}

const linuxThreads: ThreadsOnCores = {
  delayMs() {
    let ns = 0;
    for (const line of otherThreads("schedstat")) ns += Number(line.split(" ")[1]) || 0;
    return ns / 1e6;
  },
  anyReady() {
    // The state stands behind the name, which may have any characters.
    for (const line of otherThreads("stat")) if (line[line.lastIndexOf(")") + 2] === "R") return true;
    return false;
  },
};
