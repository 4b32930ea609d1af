/** Time that nothing else wants: between frames, and after input. */
import type { Turns } from "./model/findings.js";

/** Milliseconds of work at a time where the browser does not say how many there are. */
const SLICE_MS = 5;
/** After so long without idle time a slice is taken all the same, milliseconds. */
const LATEST_MS = 400;

export const turns: Turns = {
  now: () => performance.now(),
  whenIdle(work) {
    const slice = (): void => {
      const until = performance.now() + SLICE_MS;
      work(() => until - performance.now());
    };
    // Safari has no idle callbacks.
    if (typeof requestIdleCallback !== "function") setTimeout(slice, 8);
    else
      requestIdleCallback((deadline) => (deadline.didTimeout ? slice() : work(() => deadline.timeRemaining())), {
        timeout: LATEST_MS,
      });
  },
  after: (ms, work) => void setTimeout(work, ms),
};
