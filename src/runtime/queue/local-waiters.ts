/** Promises of one thread that wait for a change of a queue that never left it, in order of arrival. */
import { deadlineIn } from "../core/deadline.js";
import { holdLoop, releaseLoop } from "../core/words.js";

const LONGEST_TIMER = 0x7fffffff;

export class LocalWaiters {
  private readonly waiting = new Set<() => void>();

  /** Wakes who waits longest. */
  wakeOne(): void {
    for (const wake of this.waiting) {
      wake();
      return;
    }
  }

  wakeAll(): void {
    for (const wake of [...this.waiting]) wake();
  }

  /** Resolves when woken or when `timeout` milliseconds are over; rejects with the signal's reason. */
  wait(timeout: number, signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const deadline = deadlineIn(timeout);
      let timer: NodeJS.Timeout | undefined;
      holdLoop();
      const over = () => {
        this.waiting.delete(wake);
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
        releaseLoop();
      };
      const wake = () => {
        over();
        resolve();
      };
      const onAbort = () => {
        over();
        reject(signal?.reason);
      };
      const arm = () => {
        const left = deadline - performance.now();
        if (left <= 0) wake();
        else if (left !== Number.POSITIVE_INFINITY) timer = setTimeout(arm, Math.min(Math.ceil(left), LONGEST_TIMER));
      };
      this.waiting.add(wake);
      signal?.addEventListener("abort", onAbort, { once: true });
      arm();
    });
  }
}
