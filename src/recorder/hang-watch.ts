/**
 * Watches for the moment when no thread of the process can go on by itself.
 *
 * Each thread says in its slot whether it waits for something that only another thread can bring (`StuckState`). When
 * all say so, for a while, and the process uses no time on any core, then nobody will ever bring it: unless another
 * process does, which is for the runner to find out, who sees all of them.
 */
import { StuckState } from "./emit.js";
import { ProcessWord, processWords, type Slot, SlotState, SlotWord, slotAt } from "./ring-memory.js";

/** Milliseconds for which it must be so. */
const CONFIRM_MS = 1500;
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
  #stuck = false;
  #hung = false;

  /** `changed` is told when a hang is found, and when the process goes on after all. Times are `performance.now()`. */
  constructor(
    private readonly memory: SharedArrayBuffer,
    private readonly changed: (hung: boolean, sinceMs: number) => void,
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
      const spentMs = (cpuUs() - this.#cpuUs) / 1000;
      if (spentMs <= (t - this.#sinceMs) * MAX_LOAD) this.#tell(true, this.#sinceMs);
      else this.#begin(t);
    }
  }

  #begin(t: number): void {
    this.#sinceMs = t;
    this.#cpuUs = cpuUs();
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
