import assert from "node:assert/strict";
import { StuckState } from "../../src/recorder/emit.js";
import { HangWatch } from "../../src/recorder/hang-watch.js";
import { claimSlot, createRingMemory, type Slot, SlotState, SlotWord } from "../../src/recorder/ring-memory.js";

describe("the watch for hangs", () => {
  /** Looks every 50 ms from 0 on at a process of two threads, which are stuck from `stuckAt` on. */
  function watch(
    delayMs: (t: number) => number,
    until: number,
    stuckAt = 0,
    goesOnAt = Number.POSITIVE_INFINITY,
    ready: (t: number) => boolean = () => false,
  ) {
    const memory = createRingMemory([[2, 64]]) as SharedArrayBuffer;
    const slots = [claimSlot(memory), claimSlot(memory)] as Slot[];
    for (const { words } of slots) Atomics.store(words, SlotWord.State, SlotState.Live);
    const told: [t: number, hung: boolean, since: number][] = [];
    let t = 0;
    const hangs = new HangWatch(memory, (hung, since) => told.push([t, hung, since]), {
      delayMs: () => delayMs(t),
      anyReady: () => ready(t),
    });
    for (; t <= until; t += 50) {
      const state = t >= stuckAt && t < goesOnAt ? StuckState.Blocked : StuckState.No;
      for (const { words } of slots) Atomics.store(words, SlotWord.Stuck, state);
      hangs.look(t);
    }
    return told;
  }

  it("tells when all threads were stuck for a while, since when, again while they are, and that one goes on", () => {
    assert.deepEqual(
      watch(() => 0, 6000, 1000, 3100),
      [
        [2500, true, 1000],
        [2750, true, 1000],
        [3000, true, 1000],
        [3100, false, 3100],
      ],
    );
  });

  it("tells nothing, and nothing again, while a thread is ready to run", () => {
    assert.deepEqual(
      watch(
        () => 0,
        3000,
        0,
        Number.POSITIVE_INFINITY,
        (t) => t < 1800 || (t >= 2000 && t < 2900),
      ),
      [
        [1800, true, 0],
        [2900, true, 0],
      ],
    );
  });

  it("waits longer where threads have no core, but not for ever", () => {
    // A thread stands in line for a fifth of the time.
    assert.deepEqual(watch((t) => t / 5, 20_000)[0], [12_000, true, 0]);
    // It does so for two seconds; then these are no more than a tenth after a while.
    const [[t, hung, since]] = watch((at) => Math.min(at, 800), 20_000) as [[number, boolean, number]];
    assert.deepEqual([t, hung, since], [8000, true, 0]);
  });
});
