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

/** Timers that fire without keeping the loop alive, such as those of `AbortSignal.timeout`. */
const unreferenced = new Set<NodeJS.Timeout>();
/** When there are so many, those that are over are thrown out. */
let manyUnreferenced = 256;
const unref: Unref = watchUnreferenced();

/** Handles of the loop through which only another process of the program says something. */
let ownHandles = 0;
let waits = 0;
let timedWaits = 0;
let look: NodeJS.Timeout | null = null;

/** The loop is now kept alive by a promise of ours. */
export function loopHeld(): void {
  if (!recording) return;
  waits = 1;
  look ??= unrefOwn(setInterval(lookAround, LOOK_MS));
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

/**
 * As {@link beginTimedWait} for a wait by a promise that the signal may abort; without one it is none. Returns its end,
 * which may be called once.
 */
export function timedBy(signal: AbortSignal | undefined): () => void {
  if (signal === undefined) return () => {};
  beginTimedWait();
  return endTimedWait;
}

/** The loop has a handle through which only another process of the program says something, to the end. */
export function ownHandle(): void {
  ownHandles++;
}

/** Unreferences a timer of the runtime's own, which brings nothing to the program. */
export function unrefOwn(timer: NodeJS.Timeout): NodeJS.Timeout {
  return unref.call(timer);
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
  const own = 1 + ownHandles + Number(hasHandle(process.stdout)) + Number(hasHandle(process.stderr));
  // Ports get their messages from threads, and of all threads it is asked whether they can go on.
  const others = process.getActiveResourcesInfo().filter((type) => type !== "MessagePort");
  if (others.length > own || unreferencedToCome()) return false;
  // A listener for a signal does not show among the resources. Node's own tells a terminal's new size.
  return !process
    .eventNames()
    .some((name) => typeof name === "string" && name.startsWith("SIG") && name !== "SIGWINCH");
}

type Unref = (this: NodeJS.Timeout) => NodeJS.Timeout;

/**
 * Nothing tells of timers without reference, so that they are noted where they lose it. Returns what takes it away
 * without that.
 */
function watchUnreferenced(): Unref {
  const timer = setTimeout(() => {}, 0);
  clearTimeout(timer);
  const prototype = Object.getPrototypeOf(timer) as NodeJS.Timeout;
  const { unref } = prototype;
  if (!recording) return unref;
  prototype.unref = function (this: NodeJS.Timeout) {
    unreferenced.add(this);
    if (unreferenced.size >= manyUnreferenced) {
      for (const timer of unreferenced) if (isOver(timer)) unreferenced.delete(timer);
      manyUnreferenced = Math.max(256, 2 * unreferenced.size);
    }
    return unref.call(this);
  };
  return unref;
}

function unreferencedToCome(): boolean {
  for (const timer of unreferenced) {
    if (!isOver(timer)) return true;
    unreferenced.delete(timer);
  }
  return false;
}

/** It will not fire, or the loop's own list has it again. */
function isOver(timer: NodeJS.Timeout): boolean {
  return (timer as unknown as { _destroyed: boolean })._destroyed || timer.hasRef();
}

/** Whether a stream for output counts as a resource: pipes and terminals do, though they keep no loop alive. */
function hasHandle(stream: unknown): boolean {
  return (stream as { _handle?: object | null })._handle != null;
}
