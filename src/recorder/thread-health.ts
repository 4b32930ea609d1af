/** Garbage collections and event-loop delay of the calling thread, as events in its ring. */
import { type PerformanceEntry, PerformanceObserver } from "node:perf_hooks";
import { EventKind } from "../trace/events.js";

const LOOP_PERIOD_MS = 20;
/** Less is the system's own jitter. */
const LOOP_TOLERANCE_MS = 5;

type EmitAt = (t: number, kind: number, object: number, site: number, a: number, b: number, flags: number) => void;

/** Never keeps the thread alive. What was observed but not delivered yet is taken at the thread's exit. */
export function watchHealth(emitAt: EmitAt, clock: () => number): void {
  const take = (entries: PerformanceEntry[]): void => {
    for (const entry of entries) {
      const kind = (entry as unknown as { detail?: { kind?: number } }).detail?.kind ?? 0;
      emitAt(entry.startTime + entry.duration, EventKind.Gc, 0, 0, entry.duration, 0, kind & 0xff);
    }
  };
  const observer = new PerformanceObserver((list) => take(list.getEntries()));
  observer.observe({ entryTypes: ["gc"] });

  let due = clock() + LOOP_PERIOD_MS;
  const check = (): void => {
    const t = clock();
    const late = t - due;
    if (late > LOOP_TOLERANCE_MS) emitAt(t, EventKind.LoopDelay, 0, 0, late, 0, 0);
    due = t + LOOP_PERIOD_MS;
  };
  setInterval(check, LOOP_PERIOD_MS).unref();

  process.on("exit", () => {
    take(observer.takeRecords());
    check();
  });
}
