// biome-ignore-all lint/suspicious/noExplicitAny: any future, whatever its result
/** Waiting for several futures, of any executors: `wait` and `waitSync`. */

import { WaitReason } from "../../trace/events.js";
import { checkOptions, knownOptions, refuseSignal } from "../core/check-options.js";
import { atDeadline, deadlineAfter } from "../core/deadline.js";
import { timedBy } from "../core/stuck-loop.js";
import type { TimeoutOptions, WaitOptions } from "../core/types.js";
import { type Future, hasFailed, isDone, neverDone, subscribe, unsubscribe } from "./future.js";
import { requireFutures } from "./given-futures.js";
import { blockUntil, takeInArrivals } from "./inbox.js";
import { beginWait, endWait } from "./recorded-wait.js";

const OPTIONS = knownOptions("{ timeout: 1000 }", "timeout", "returnWhen", "signal");

/** As soon as one is done or cancelled. */
export const FIRST_COMPLETED = "FIRST_COMPLETED";
/** As soon as one has failed, or when all are done. */
export const FIRST_EXCEPTION = "FIRST_EXCEPTION";
/** When all are done or cancelled. */
export const ALL_COMPLETED = "ALL_COMPLETED";

/** When {@link wait} returns. */
export type ReturnWhen = typeof FIRST_COMPLETED | typeof FIRST_EXCEPTION | typeof ALL_COMPLETED;

/** What {@link wait} gives, by position and by name. */
export type DoneAndNotDoneFutures<F> = readonly [done: Set<F>, notDone: Set<F>] & {
  readonly done: Set<F>;
  readonly notDone: Set<F>;
};

interface Waiting<F> {
  readonly futures: Set<F>;
  /** Told whenever one more future is done. */
  onChange: () => void;
  satisfied(): boolean;
  /** Ends the subscriptions and gives the outcome. */
  finish(): DoneAndNotDoneFutures<F>;
}

/**
 * Waits for futures, of any executors, given twice or not. A timeout (milliseconds) is no error and cancels nothing.
 * Throws `TypeError` for what is no future, `RangeError` for an unknown `returnWhen`.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { FIRST_COMPLETED, ThreadPoolExecutor, wait } from "heddle/futures";
 * import { Event } from "heddle/threading";
 *
 * async function until(go: Event) {
 *   await go.wait();
 * }
 *
 * if (isMain) {
 *   await using pool = new ThreadPoolExecutor({ maxWorkers: 2 });
 *   const [now, later] = [new Event(), new Event()];
 *   const futures = [pool.submit(until, later), pool.submit(until, now)];
 *   now.set();
 *   const { done, notDone } = await wait(futures, { returnWhen: FIRST_COMPLETED });
 *   console.log(done.has(futures[1]!), notDone.size); // prints true 1
 *   later.set();
 * }
 * ```
 */
export async function wait<F extends Future<any>>(
  futures: Iterable<F>,
  options?: WaitOptions & { returnWhen?: ReturnWhen },
): Promise<DoneAndNotDoneFutures<F>> {
  checkOptions(options, OPTIONS);
  const signal = options?.signal;
  signal?.throwIfAborted();
  const deadline = deadlineAfter(options?.timeout);
  const waiting = begin(futures, options?.returnWhen);
  if (!waiting.satisfied()) {
    const recorded = beginWait(WaitReason.Futures, 0, true);
    const endTimed = timedBy(signal);
    let disarm = () => {};
    let aborted = () => {};
    try {
      await new Promise<void>((resolve, reject) => {
        waiting.onChange = () => {
          if (waiting.satisfied()) resolve();
        };
        disarm = atDeadline(deadline, resolve);
        aborted = () => reject(signal!.reason);
        signal?.addEventListener("abort", aborted, { once: true });
      });
    } catch (error) {
      waiting.finish();
      throw error;
    } finally {
      disarm();
      endTimed();
      signal?.removeEventListener("abort", aborted);
      endWait(recorded, !waiting.satisfied());
    }
  }
  return waiting.finish();
}

/** Blocking {@link wait}. Throws `RuntimeError` when nothing is under way that could ever end the wait. */
export function waitSync<F extends Future<any>>(
  futures: Iterable<F>,
  options?: TimeoutOptions & { returnWhen?: ReturnWhen },
): DoneAndNotDoneFutures<F> {
  refuseSignal(options);
  checkOptions(options, OPTIONS);
  const deadline = deadlineAfter(options?.timeout);
  const waiting = begin(futures, options?.returnWhen);
  try {
    if (!waiting.satisfied()) {
      const recorded = beginWait(WaitReason.Futures, 0, false);
      const end = blockUntil(() => waiting.satisfied(), deadline);
      endWait(recorded, end !== "done");
      if (end === "never") throw neverDone("One of these futures");
    }
  } finally {
    waiting.finish();
  }
  return waiting.finish();
}

function begin<F extends Future<any>>(given: Iterable<F>, returnWhen: ReturnWhen = ALL_COMPLETED): Waiting<F> {
  if (returnWhen !== FIRST_COMPLETED && returnWhen !== FIRST_EXCEPTION && returnWhen !== ALL_COMPLETED) {
    throw new RangeError(`Invalid return condition: ${String(returnWhen)}`);
  }
  const futures = requireFutures(given);
  takeInArrivals();
  let left = 0;
  let failed = false;
  const subscribed = new Map<F, () => void>();
  const waiting: Waiting<F> = {
    futures,
    onChange: () => {},
    satisfied: () =>
      left === 0 ||
      (returnWhen === FIRST_COMPLETED && left < futures.size) ||
      (returnWhen === FIRST_EXCEPTION && failed),
    finish: () => {
      for (const [future, waiter] of subscribed) unsubscribe(future, waiter);
      subscribed.clear();
      const done = new Set<F>();
      const notDone = new Set<F>();
      for (const future of futures) (isDone(future) ? done : notDone).add(future);
      return Object.assign([done, notDone] as const, { done, notDone });
    },
  };
  for (const future of futures) {
    if (isDone(future)) {
      failed ||= hasFailed(future);
      continue;
    }
    left++;
    const waiter = () => {
      subscribed.delete(future);
      left--;
      failed ||= hasFailed(future);
      waiting.onChange();
    };
    subscribed.set(future, waiter);
    subscribe(future, waiter);
  }
  return waiting;
}
