/**
 * Watches for the moment when no thread of the process can go on by itself.
 *
 * Each thread says in its slot whether it waits for something that only another thread can bring (`StuckState`). When
 * all say so, for a while, and the process uses no time on any core, then nobody will ever bring it: unless another
 * process does, which is for the runner to find out, who sees all of them.
 *
 * On a machine with too much to do, what is awaited may be there and the thread that hands it on only have no core yet.
 * So if threads of the process stood in line for a core for much of the time, it is watched for longer.
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
/** More of one core than this in that time, as a share, is work: the collector itself needs a hundredth or two. */
const MAX_LOAD = 0.2;

export class HangWatch {
  readonly #words: Int32Array;
  readonly #slots: Slot[] = [];
  #lookedMs = Number.NEGATIVE_INFINITY;
  #sinceMs = 0;
  #cpuUs = 0;
  #delayMs = 0;
  #stuck = false;
  #hung = false;

  /**
   * `changed` is told when a hang is found, and when the process goes on after all. Times are `performance.now()`.
   * `delayMs` gives for how long the process's threads have waited for cores, in all.
   */
  constructor(
    private readonly memory: SharedArrayBuffer,
    private readonly changed: (hung: boolean, sinceMs: number) => void,
    private readonly delayMs: () => number = coreDelayMs,
  ) {
    this.#words = processWords(memory);
  }

  /** To be called every few milliseconds. */
  look(t: number): void {
    if (t - this.#lookedMs < LOOK_MS) return;
    this.#lookedMs = t;
    if (!this.#allStuck()) {
      this.#stuck = false;
      if (this.#hung) this.#tell(false, t);
      return;
    }
    if (this.#hung) return;
    if (!this.#stuck) {
      this.#stuck = true;
      this.#begin(t);
    } else if (t - this.#sinceMs >= CONFIRM_MS) {
      const elapsed = t - this.#sinceMs;
      const spentMs = (cpuUs() - this.#cpuUs) / 1000;
      if (spentMs > elapsed * MAX_LOAD) this.#begin(t);
      else if (elapsed >= CONFIRM_BUSY_MS || this.delayMs() - this.#delayMs <= elapsed * MAX_DELAY)
        this.#tell(true, this.#sinceMs);
    }
  }

  #begin(t: number): void {
    this.#sinceMs = t;
    this.#cpuUs = cpuUs();
    this.#delayMs = this.delayMs();
  }

  #tell(hung: boolean, sinceMs: number): void {
    this.#hung = hung;
    this.changed(hung, sinceMs);
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

/** Milliseconds that this process's threads were ready and had no core, but for the calling one; 0 where that is not known. */
function coreDelayMs(): number {
  let ns = 0;
  try {
    const own = systemThreadId();
    for (const tid of readdirSync("/proc/self/task")) {
      if (Number(tid) === own) continue;
      ns += Number(readFileSync(`/proc/self/task/${tid}/schedstat`, "latin1").split(" ")[1]) || 0;
    }
  } catch {
    // Not Linux, or a thread that has just ended: the next look tells.
  }
  return ns / 1e6;
}
