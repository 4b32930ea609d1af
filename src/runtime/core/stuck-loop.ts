/**
 * Finds out that an event loop can do nothing any more: all that keeps it alive are promises of ours that only another
 * thread can settle. Who watches the program (the collector) puts that together for all threads; when none can go on,
 * the program hangs for ever.
 *
 * While such promises wait, the thread looks now and then at what else its loop has: timers, sockets, files, workers'
 * messages, listeners for signals. With any of these, or with a wait that has a deadline or can be aborted, something
 * may still happen. Only in recorded threads; it costs some microseconds a look, and nothing on any path of a wait.
 */
import { recording, StuckState, setStuck } from "../../recorder/emit.js";

/** Milliseconds between looks. */
const LOOK_MS = 250;

let waits = 0;
let timedWaits = 0;
let look: NodeJS.Timeout | null = null;

/** The loop is now kept alive by a promise of ours. */
export function loopHeld(): void {
  if (!recording) return;
  waits = 1;
  look ??= setInterval(lookAround, LOOK_MS).unref();
}

/** One of them is settled, or (`again`) comes back at once since nothing has happened; `left` are not settled. */
export function loopReleased(left: number, again: boolean): void {
  waits = left;
  if (recording && !again) setStuck(StuckState.No);
}

/** A wait begins that has a deadline or can be aborted. */
export function beginTimedWait(): void {
  timedWaits++;
}

/** It is over. */
export function endTimedWait(): void {
  timedWaits--;
}

/** Something happens in the loop after all. */
export function loopTurns(): void {
  if (recording) setStuck(StuckState.No);
}

function lookAround(): void {
  if (waits === 0) {
    if (look !== null) clearInterval(look);
    look = null;
    setStuck(StuckState.No);
    return;
  }
  const stuck = timedWaits === 0 && nothingElseToCome();
  setStuck(stuck ? StuckState.Idle : StuckState.No);
}

/** True if the loop has nothing but the timer that keeps it alive for our promises. */
function nothingElseToCome(): boolean {
  const own = 1 + Number(hasHandle(process.stdout)) + Number(hasHandle(process.stderr));
  // Ports get their messages from threads, and of all threads it is asked whether they can go on.
  const others = process.getActiveResourcesInfo().filter((type) => type !== "MessagePort");
  if (others.length > own) return false;
  // A listener for a signal does not show among the resources. Node's own tells a terminal's new size.
  return !process
    .eventNames()
    .some((name) => typeof name === "string" && name.startsWith("SIG") && name !== "SIGWINCH");
}

/** Whether a stream for output counts as a resource: pipes and terminals do, though they keep no loop alive. */
function hasHandle(stream: unknown): boolean {
  return (stream as { _handle?: object | null })._handle != null;
}
