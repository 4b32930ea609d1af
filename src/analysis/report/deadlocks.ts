/**
 * Who waits for whom at the end, and in a circle: each of the circle's threads waits for a lock that the next one
 * holds, or for the next one's end. Waits that could still end (others hold nothing) are no circle.
 */
import { joinedThread } from "../joined-thread.js";
import { SliceKind, type ThreadTrack, type TraceModel } from "../model.js";
import { withoutColumn } from "../strings.js";
import { SliceFlag } from "../thread-lane.js";

/** A wait that was not over when its thread, its process or the trace ended. */
export interface UnfinishedWait {
  readonly thread: ThreadTrack;
  readonly row: number;
  /** When it was given up on. */
  readonly endNs: number;
  readonly async: boolean;
}

export interface CycleStep {
  readonly wait: UnfinishedWait;
  /** Index of the thread that this one waits for. */
  readonly heldBy: number;
}

export function unfinishedWaits(model: TraceModel): UnfinishedWait[] {
  const found: UnfinishedWait[] = [];
  for (const thread of model.threads) {
    const { slices } = thread;
    for (let row = 0; row < slices.count; row++) {
      const kind = slices.kind[row]!;
      if (kind < SliceKind.LockWait || kind > SliceKind.OtherWait) continue;
      const end = slices.end[row]!;
      const flags = slices.flags[row]!;
      if (!Number.isNaN(end) && (flags & SliceFlag.CutShort) === 0) continue;
      found.push({
        thread,
        row,
        endNs: Number.isNaN(end) ? model.endNs : end,
        async: (flags & SliceFlag.Async) !== 0,
      });
    }
  }
  return found;
}

/** Threads that hold the lock when the wait was given up on, or whose process ended before that without giving it back. */
export function holdersAt(model: TraceModel, object: number, endNs: number): number[] {
  const holds = model.objects[object]?.holds;
  if (!holds) return [];
  const holders: number[] = [];
  for (let i = holds.count - 1; i >= 0; i--) {
    const end = holds.end[i]!;
    if (holds.start[i]! <= endNs && (Number.isNaN(end) || end >= endNs || holds.cut[i] === 1))
      holders.push(holds.thread[i]!);
  }
  return [...new Set(holders)];
}

/** Each circle once. */
export function findCycles(model: TraceModel, waits: readonly UnfinishedWait[]): CycleStep[][] {
  const edges = new Map<number, CycleStep[]>();
  for (const wait of waits) {
    const { thread, row } = wait;
    const kind = thread.slices.kind[row]!;
    const joined = joinedThread(model, thread, row);
    const others =
      kind === SliceKind.LockWait
        ? holdersAt(model, thread.slices.object[row]!, wait.endNs)
        : joined
          ? [joined.index]
          : [];
    for (const heldBy of others) {
      // Another promise of the same thread holds it, and may well go on.
      if (wait.async && heldBy === thread.index) continue;
      const steps = edges.get(thread.index);
      if (steps) steps.push({ wait, heldBy });
      else edges.set(thread.index, [{ wait, heldBy }]);
    }
  }
  const cycles: CycleStep[][] = [];
  const seen = new Set<string>();
  const done = new Set<number>();
  for (const start of edges.keys()) {
    if (done.has(start)) continue;
    const path: CycleStep[] = [];
    const onPath = new Map<number, number>();
    // Depth first, without recursion: threads can be many.
    const stack: { thread: number; next: number }[] = [{ thread: start, next: 0 }];
    onPath.set(start, 0);
    while (stack.length > 0) {
      const top = stack[stack.length - 1]!;
      const step = edges.get(top.thread)?.[top.next++];
      if (step === undefined) {
        stack.pop();
        path.pop();
        onPath.delete(top.thread);
        done.add(top.thread);
        continue;
      }
      const from = onPath.get(step.heldBy);
      if (from !== undefined) {
        const cycle = [...path.slice(from), step];
        const key = cycle
          .map((s) => s.wait.thread.index)
          .sort((x, y) => x - y)
          .join();
        if (!seen.has(key) && atOneTime(cycle)) {
          seen.add(key);
          cycles.push(cycle);
        }
      } else if (!done.has(step.heldBy) && edges.has(step.heldBy)) {
        path.push(step);
        onPath.set(step.heldBy, path.length);
        stack.push({ thread: step.heldBy, next: 0 });
      }
    }
  }
  return cycles;
}

/** Whether there was a time when all of them waited: of processes that were killed one after the other it is not sure. */
function atOneTime(cycle: readonly CycleStep[]): boolean {
  const began = Math.max(...cycle.map(({ wait }) => wait.thread.slices.start[wait.row]!));
  return began <= Math.min(...cycle.map(({ wait }) => wait.endNs));
}

export function siteOfWait(model: TraceModel, wait: UnfinishedWait): string {
  return withoutColumn(model.strings[wait.thread.slices.site[wait.row]!] ?? "");
}
