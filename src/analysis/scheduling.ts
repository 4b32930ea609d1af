/** Cores: from exact context switches, or from samples of what the system counts for each thread. */
import {
  type CoreTimesFrame,
  type OffCoreFrame,
  type SamplesFrame,
  type SwitchesFrame,
  SwitchFlag,
} from "../trace/frames.js";
import type { GrowingModel } from "./growing-model.js";
import { isHelperThread } from "./model.js";
import type { ThreadLane } from "./thread-lane.js";

/** Cores beyond this are a broken file's. */
const MOST_CORES = 4096;

export class Scheduling {
  /** Per core: the open row of its column, or -1. */
  readonly #rows: number[] = [];
  readonly #lanes: (ThreadLane | null)[] = [];
  #inUse = 0;
  /** Per thread index: time on cores so far, and the core of its open row. */
  readonly #ran: number[] = [];
  readonly #coreOf: number[] = [];

  constructor(readonly model: GrowingModel) {}

  readonly applySwitch = (t: number, frame: SwitchesFrame, row: number): void => {
    const core = frame.core[row]!;
    if (core >= MOST_CORES) return;
    const flags = frame.flags[row]!;
    const lane = this.model.systemThread(frame.pid[row]!, frame.tid[row]!);
    const running = this.#lanes[core] ?? null;
    if ((flags & SwitchFlag.Out) !== 0) {
      if (running === lane) this.#leave(core, t);
      lane.switchOut(t, (flags & SwitchFlag.Preempted) !== 0);
    } else {
      if (running === lane) return;
      // A switch that was lost: nobody is on two cores, and no core runs two threads.
      if (running !== null) {
        this.#leave(core, t);
        running.switchOut(t, false);
      }
      const elsewhere = this.#coreOf[lane.index] ?? -1;
      if (elsewhere >= 0 && this.#lanes[elsewhere] === lane) this.#leave(elsewhere, t);
      this.#lanes[core] = lane;
      this.#coreOf[lane.index] = core;
      const helper = isHelperThread(this.model, lane);
      this.#rows[core] = this.model.core(core).push(t, Number.NaN, helper ? -1 : lane.index);
      if (!helper) this.model.coresInUse.push(t, ++this.#inUse);
      lane.switchIn(t, core);
    }
  };

  /** A thread has ended: the system tells no switch of how it leaves its core. */
  gone(lane: ThreadLane, t: number): void {
    const core = this.#coreOf[lane.index] ?? -1;
    if (core >= 0 && this.#lanes[core] === lane)
      this.#leave(core, Math.max(t, this.model.core(core).start[this.#rows[core]!]!));
  }

  #leave(core: number, t: number): void {
    const lane = this.#lanes[core]!;
    const columns = this.model.core(core);
    const row = this.#rows[core]!;
    columns.end[row] = t;
    this.#lanes[core] = null;
    this.#coreOf[lane.index] = -1;
    if (columns.thread[row]! >= 0) this.model.coresInUse.push(t, --this.#inUse);
    const ran = (this.#ran[lane.index] ?? 0) + t - columns.start[row]!;
    this.#ran[lane.index] = ran;
    lane.cpuNs = ran;
  }

  coreTimes({ t, busyNs }: CoreTimesFrame): void {
    // Not a lane for each core of a large machine of which the program may use a few.
    const count = Math.min(busyNs.length, Math.max(this.model.coresAvailable, this.model.cores.length), MOST_CORES);
    for (let core = 0; core < count; core++) this.model.core(core).busyNs.push(t, busyNs[core]!);
  }

  /** Where the time on cores stops being known. */
  finish(t: number): void {
    for (let core = 0; core < this.#lanes.length; core++) if (this.#lanes[core]) this.#leave(core, t);
    this.#closeBatch();
  }

  readonly applyLook = (t: number, frame: OffCoreFrame, row: number): void => {
    this.model.systemThread(frame.pid[row]!, frame.tid[row]!).offCore(t, frame.reason[row]!);
  };

  // ---- samples

  /** Rows of one look at the system, all at about one time. */
  #batchAt = Number.NaN;
  #batchFrom = Number.NaN;
  #batchRan = 0;
  /** Per core: up to where this batch filled it. */
  readonly #filled: number[] = [];
  readonly #processRan = new Map<number, number>();

  readonly applySample = (t: number, frame: SamplesFrame, row: number): void => {
    const { model } = this;
    const pid = frame.pid[row]!;
    const tid = frame.tid[row]!;
    const runNs = frame.runNs[row]!;
    if (model.coreSource === "perf") {
      // Switches tell more; before any was seen of a thread, its sample is better than nothing.
      if (tid !== 0) {
        const lane = model.systemThread(pid, tid);
        if (!((this.#ran[lane.index] ?? 0) > 0)) lane.cpuNs = runNs;
      }
      return;
    }
    if (!(t < this.#batchAt + 2e6)) {
      this.#closeBatch();
      this.#batchFrom = Number.isNaN(this.#batchAt) ? t : this.#batchAt;
      this.#batchAt = t;
    }
    if (tid === 0) {
      const before = this.#processRan.get(pid);
      this.#processRan.set(pid, runNs);
      if (before !== undefined && runNs > before) this.#batchRan += runNs - before;
      return;
    }
    const lane = model.systemThread(pid, tid);
    lane.useSamples();
    lane.cpuNs = runNs;
    const core = frame.core[row]!;
    const ran = lane.sample(t, runNs, frame.waitNs[row]!, core);
    if (isHelperThread(model, lane)) return;
    this.#batchRan += ran;
    if (ran > 0 && core >= 0 && core < MOST_CORES && this.#batchAt > this.#batchFrom) {
      const from = Math.max(this.#filled[core] ?? 0, this.#batchFrom);
      const until = Math.min(from + ran, this.#batchAt);
      if (until > from) {
        model.core(core).push(from, until, lane.index);
        this.#filled[core] = until;
      }
    }
  };

  #closeBatch(): void {
    const length = this.#batchAt - this.#batchFrom;
    if (length > 0) this.model.coresInUse.push(this.#batchFrom, Math.round((this.#batchRan / length) * 100) / 100);
    this.#batchRan = 0;
  }
}
