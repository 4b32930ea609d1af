import { SliceKind, ThreadState } from "./model.js";
import type { StringTable } from "./strings.js";
import type { ThreadLane } from "./thread-lane.js";
import { timeInState } from "./time-in-state.js";

/** Less is no delay that anybody notices. */
const LEAST_LOOP_DELAY_NS = 50e6;

/** The thread's event loop was late. That is a slice if the thread was busy for most of the time. */
export function loopWasLate(lane: ThreadLane, start: number, end: number, table: StringTable): void {
  // A pool's worker has one task at a time: nobody else's work waits for its loop.
  if (lane.pool >= 0) return;
  // What it spent in blocking waits, or ready without a core, is shown as such. A loop in its poll with a timer due is
  // ready as well: the system tells when a thread comes onto a core, but not when it was woken.
  const { states } = lane;
  const ready =
    timeInState(states, start, end, ThreadState.Runnable) + timeInState(states, start, end, ThreadState.Idle);
  const busy = end - start - ready - lane.blockedWithin(start, end);
  if (busy < LEAST_LOOP_DELAY_NS || busy < (end - start) / 2) return;
  lane.past(start, end, SliceKind.LoopDelay, table.index("event loop blocked"), 0);
}
