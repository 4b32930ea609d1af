/** Why nothing stands out, where there is no finding: what to think of it depends on how the run went. */
import type { Summary } from "./summary.js";

/** Shorter runs than that, in nanoseconds, are mostly the start of Node and of its threads. */
const SHORT_NS = 50e6;
/** The part of the cores in use from which on they are the limit. */
const BUSY = 0.75;

export interface Verdict {
  readonly title: string;
  readonly advice: string;
}

/** @param pools How many pools there were. */
export function verdictWithoutFindings({ headline, states, workers }: Summary, pools: number): Verdict {
  const { coresUsed, coresAvailable, durationNs } = headline;
  const [running, , , io, asleep, idle] = [...states];
  const title = "Nothing stands in its way";
  if (durationNs < SHORT_NS)
    return {
      title,
      advice:
        "The run is so short that most of it is starting up. Let it do more work before you judge how it uses its cores.",
    };
  if (coresUsed >= coresAvailable * BUSY)
    return {
      title,
      advice:
        "Its threads keep the cores busy, and hardly wait for each other. To be faster it has to do less: a CPU profile says where.",
    };
  if (running! < (io! + asleep! + idle!) * 0.5)
    return {
      title,
      advice:
        "Its threads hardly wait for each other: most of the time they have nothing to do, or wait for files, the network or a timer. Start such waits sooner, and several at once.",
    };
  if (workers <= 1 && pools === 0)
    return {
      title,
      advice:
        "One thread does all the work, and a thread uses one core. Hand parts of it to a pool: `new ThreadPoolExecutor()`, then `executor.map(work, items)`.",
    };
  return {
    title,
    advice:
      "No lock, queue, pool or pause costs enough to be worth a look. Add `trace.span` around the parts of the work to see which of them take long.",
  };
}
