/** Linux: how long each core was busy with anything, from `/proc/stat`. */
import { readFileSync } from "node:fs";

/** A tick of the system's counters as user programs see them (USER_HZ is 100 on every Linux that Node runs on). */
const TICK_NS = 1e7;

/**
 * Nanoseconds each core was busy since the system started, by core; 0 for one that is off. Time a hypervisor took away
 * counts as busy: it was not to be had. null where the system does not tell.
 */
export function readCoreTimes(): Float64Array | null {
  try {
    return parseCoreTimes(readFileSync("/proc/stat", "latin1"));
  } catch {
    return null;
  }
}

export function parseCoreTimes(text: string): Float64Array | null {
  const busy: number[] = [];
  for (const line of text.split("\n")) {
    const match = /^cpu(\d+) (.*)/.exec(line);
    if (match === null) continue;
    // user nice system idle iowait irq softirq steal (guest time is within user)
    const ticks = match[2]!.split(" ").map(Number);
    const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = ticks;
    const core = Number(match[1]);
    while (busy.length < core) busy.push(0);
    busy[core] = (user + nice + system + irq + softirq + steal) * TICK_NS;
  }
  return busy.length === 0 ? null : Float64Array.from(busy);
}
