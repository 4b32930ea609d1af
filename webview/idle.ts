/** Time that nothing else wants: between frames, and after input. */
import type { Turns } from "./model/findings.js";

/** The most milliseconds of work at a time: who presses a key meanwhile does not notice. */
const SLICE_MS = 6;
/** After so long without idle time a slice is taken all the same, milliseconds. */
const LATEST_MS = 400;

export const turns: Turns = {
  now: () => performance.now(),
  whenIdle(work) {
    const slice = (idleLeft: () => number): void => {
      const until = performance.now() + SLICE_MS;
      work(() => Math.min(until - performance.now(), idleLeft()));
    };
    const all = (): number => SLICE_MS;
    // Safari has no idle callbacks.
    if (typeof requestIdleCallback !== "function") setTimeout(() => slice(all), 8);
    else
      requestIdleCallback((deadline) => slice(deadline.didTimeout ? all : () => deadline.timeRemaining()), {
        timeout: LATEST_MS,
      });
  },
  after: (ms, work) => void setTimeout(work, ms),
};
