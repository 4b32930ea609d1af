/**
 * The collector: a worker that drains its process's rings every few milliseconds, also those of blocked threads.
 *
 * It sleeps in Atomics.wait and has no event loop to speak of. It holds the drain lock while it drains, and stops when
 * the main thread says that the process closes.
 */
import { getEnvironmentData, workerData } from "node:worker_threads";
import { acquireDrainLock, Drain, DrainHolder, releaseDrainLock } from "./drain.js";
import { HangWatch } from "./hang-watch.js";
import { ProcessWord, processWords } from "./ring-memory.js";
import { COLLECTOR_MARK, ENVIRONMENT_KEY, type RecorderEnvironment } from "./session.js";
import { systemThreadId } from "./system-thread-id.js";

const PERIOD_MS = 10;
/** The least time between two ticks, since threads with full rings wake the collector far more often. */
const TICK_MS = 4;

function collect(environment: RecorderEnvironment): void {
  const words = processWords(environment.memory);
  const drain = new Drain(environment);
  drain.announceCollector(systemThreadId());
  const hangs = new HangWatch(environment.memory, (hung, since) => drain.tellHang(hung, performance.now(), since));
  for (;;) {
    const wake = Atomics.load(words, ProcessWord.Wake);
    if (Atomics.load(words, ProcessWord.Closing) !== 0) return;
    Atomics.store(words, ProcessWord.Tick, 1 + ((performance.now() / TICK_MS) & 0x3fffffff));
    if (acquireDrainLock(words, DrainHolder.Collector, PERIOD_MS)) {
      if (Atomics.load(words, ProcessWord.Closing) === 0) {
        const t = performance.now();
        drain.run(t, false);
        hangs.look(t);
      }
      Atomics.store(words, ProcessWord.Collecting, 1);
      releaseDrainLock(words);
    }
    Atomics.wait(words, ProcessWord.Wake, wake, PERIOD_MS);
  }
}

const environment = getEnvironmentData(ENVIRONMENT_KEY) as unknown as RecorderEnvironment | undefined;
if (workerData === COLLECTOR_MARK && environment !== undefined) collect(environment);
