/**
 * Garbage collections and event-loop delay of the calling thread, as events in its ring.
 *
 * Node tells a collection when the loop turns: a thread that never returns to its loop tells all of them at its end, for
 * which the loop turns once more (`turnOnceBeforeExit`; the runtime's threads do the same before they end). What was
 * not told when somebody calls `process.exit` or terminates the thread is lost. `v8.GCProfiler` would know how many
 * these were, but not when.
 *
 * The loop was late if it was busy although work waited: it has begun to turn, the script is loaded, and there is a
 * timer, a socket or the like that it keeps. A thread that computes with nothing else to do delays nobody.
 */
import { type PerformanceEntry, PerformanceObserver } from "node:perf_hooks";
import { EventKind } from "../trace/events.js";

/** How long the loop of a recorded thread waits at the most: `off-reason.ts` builds on it. */
export const LOOP_PERIOD_MS = 20;
/** From here on people notice, and browsers call it a long task. */
const LOOP_TOLERANCE_MS = 50;
/** A script that registers nothing is taken for loaded after so many turns. */
const TURNS_TO_LOAD = 10;
/** Where the loader registers the modules of the user that begin to run. */
const MODULES = Symbol.for("heddle.modules");

type EmitAt = (t: number, kind: number, object: number, site: number, a: number, b: number, flags: number) => void;

/** Never keeps the thread alive. */
export function watchHealth(emitAt: EmitAt, clock: () => number): void {
  const take = (entries: PerformanceEntry[]): void => {
    for (const entry of entries) {
      const kind = (entry as unknown as { detail?: { kind?: number } }).detail?.kind ?? 0;
      emitAt(entry.startTime + entry.duration, EventKind.Gc, 0, 0, entry.duration, 0, kind & 0xff);
    }
  };
  const observer = new PerformanceObserver((list) => take(list.getEntries()));
  observer.observe({ entryTypes: ["gc"] });
  process.on("exit", () => take(observer.takeRecords()));
  let ending = false;
  turnOnceBeforeExit(() => {
    ending = true;
  });

  let due = Number.POSITIVE_INFINITY;
  let turns = 0;
  let loaded = false;
  setInterval(() => {
    const t = clock();
    const late = t - due;
    if (late > LOOP_TOLERANCE_MS && !ending && keepsSomething()) emitAt(t, EventKind.LoopDelay, 0, 0, late, 0, 0);
    // The turn in which the script was loaded is not counted yet.
    if (loaded) due = t + LOOP_PERIOD_MS;
    else loaded = someModuleRuns() || ++turns >= TURNS_TO_LOAD;
  }, LOOP_PERIOD_MS).unref();
}

function someModuleRuns(): boolean {
  const modules = (globalThis as unknown as Record<symbol, Map<string, unknown> | undefined>)[MODULES];
  return modules !== undefined && modules.size > 0;
}

/** Whether the loop has something that it stays for: asked afterwards, since what it had before may be what was busy. */
function keepsSomething(): boolean {
  return (process.getActiveResourcesInfo?.().length ?? 1) > 0;
}

function turnOnceBeforeExit(whenTurning: () => void): void {
  let turned = false;
  process.on("beforeExit", () => {
    // With a listener of the user's, one more turn would call it a second time.
    if (turned || process.listenerCount("beforeExit") > 1) return;
    turned = true;
    whenTurning();
    setImmediate(() => {});
  });
}
