// biome-ignore-all lint/suspicious/noExplicitAny: any future, whatever its result
/** Futures in the order in which they get done: `asCompleted`. */

import { WaitReason } from "../../trace/events.js";
import { checkBlockingOptions, checkOptions, WAIT_OPTIONS } from "../core/check-options.js";
import { atDeadline, deadlineAfter } from "../core/deadline.js";
import { TimeoutError } from "../core/errors.js";
import { timedBy } from "../core/stuck-loop.js";
import type { ResultIterator, TimeoutOptions, WaitOptions } from "../core/types.js";
import { type Future, isDone, neverDone, outcome, subscribe, unsubscribe } from "./future.js";
import { listFutures } from "./given-futures.js";
import { blockUntil, takeInArrivals } from "./inbox.js";
import { beginWait, endWait } from "./recorded-wait.js";

/**
 * A future that is done, as {@link asCompleted} hands it over. It is no promise itself, since `for await` would be
 * typed as unwrapping one; its members answer at once.
 */
export interface Completed<F extends Future<any>> {
  /** The future, the very one that was given. */
  readonly future: F;
  /** Its place among those given; the first, if it was given twice. */
  readonly index: number;
  /** The task's value. Throws the task's own error or `CancelledError`. */
  result(): F extends Future<infer T> ? T : never;
  /** What the task threw, or null if it returned. Throws `CancelledError`. */
  exception(): unknown;
  /** True if it was cancelled. */
  cancelled(): boolean;
}

/**
 * Gives the futures, each once, as they are done: `for await (const done of asCompleted(futures)) done.result()`, or
 * `for` over its `.sync()`. The timeout (milliseconds) counts from the call; when it expires while futures are not done
 * the iteration throws `TimeoutError`. Throws `TypeError` for what is no future.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { asCompleted, ThreadPoolExecutor } from "heddle/futures";
 * import { Event } from "heddle/threading";
 *
 * async function answer(name: string, go: Event) {
 *   await go.wait();
 *   return name;
 * }
 *
 * if (isMain) {
 *   await using pool = new ThreadPoolExecutor({ maxWorkers: 2 });
 *   const [first, second] = [new Event(), new Event()];
 *   const futures = [pool.submit(answer, "second", second), pool.submit(answer, "first", first)];
 *   first.set();
 *   for await (const done of asCompleted(futures)) {
 *     console.log(done.result(), done.index);
 *     // prints first 1
 *     // prints second 0
 *     second.set();
 *   }
 * }
 * ```
 */
export function asCompleted<F extends Future<any>>(
  futures: Iterable<F>,
  options?: WaitOptions,
): ResultIterator<Completed<F>> {
  return new AsCompleted(futures, options);
}

class AsCompleted<F extends Future<any>> implements ResultIterator<Completed<F>> {
  readonly #total: number;
  readonly #deadline: number;
  readonly #signal: AbortSignal | undefined;
  /** Done and not handed over. */
  readonly #ready: Completed<F>[] = [];
  #readyFrom = 0;
  /** Not done, with how each is subscribed to. */
  readonly #open = new Map<F, () => void>();
  /** Those in `next` who look again when one more is done. */
  readonly #lookers = new Set<() => void>();
  #ended = false;

  constructor(given: Iterable<F>, options: WaitOptions | undefined) {
    checkOptions(options, WAIT_OPTIONS);
    this.#deadline = deadlineAfter(options?.timeout);
    this.#signal = options?.signal;
    // The index is the place of the first occurrence among all that were given, repetitions counted.
    const list = listFutures(given);
    const futures = new Set(list);
    this.#total = futures.size;
    takeInArrivals();
    list.forEach((future, index) => {
      if (!futures.delete(future)) return;
      const completed = new CompletedFuture(future, index);
      if (isDone(future)) {
        this.#ready.push(completed);
        return;
      }
      const waiter = () => {
        this.#open.delete(future);
        this.#ready.push(completed);
        for (const look of this.#lookers) look();
      };
      this.#open.set(future, waiter);
      subscribe(future, waiter);
    });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(options?: WaitOptions): Promise<IteratorResult<Completed<F>, undefined>> {
    checkOptions(options, WAIT_OPTIONS);
    const own = deadlineAfter(options?.timeout);
    takeInArrivals();
    let answer = this.#look();
    if (answer !== null) return answer;
    const signals = [this.#signal, options?.signal].filter((signal) => signal !== undefined);
    for (const signal of signals) signal.throwIfAborted();
    const recorded = beginWait(WaitReason.Futures, 0, true);
    const leave: (() => void)[] = [];
    try {
      await new Promise<void>((resolve, reject) => {
        // Several may be in `next` at once: whoever looks first takes it.
        const look = () => {
          answer ??= this.#look();
          if (answer !== null) resolve();
        };
        // At once: what is done between this and the end of the wait is for others.
        const giveUp = (reason: unknown) => {
          this.#lookers.delete(look);
          reject(reason);
        };
        this.#lookers.add(look);
        leave.push(() => this.#lookers.delete(look));
        leave.push(atDeadline(Math.min(own, this.#deadline), () => giveUp(this.#timedOut())));
        for (const signal of signals) {
          leave.push(timedBy(signal));
          const aborted = () => giveUp(signal.reason);
          signal.addEventListener("abort", aborted, { once: true });
          leave.push(() => signal.removeEventListener("abort", aborted));
        }
      });
    } finally {
      for (const end of leave) end();
      endWait(recorded, answer === null);
    }
    return answer!;
  }

  nextSync(options?: TimeoutOptions): IteratorResult<Completed<F>, undefined> {
    checkBlockingOptions(options);
    const deadline = Math.min(deadlineAfter(options?.timeout), this.#deadline);
    takeInArrivals();
    let answer = this.#look();
    if (answer === null) {
      const recorded = beginWait(WaitReason.Futures, 0, false);
      const end = blockUntil(() => this.#readyFrom < this.#ready.length || this.#open.size === 0, deadline);
      endWait(recorded, end !== "done");
      if (end === "timeout") throw this.#timedOut();
      if (end === "never") throw neverDone("One of these futures");
      answer = this.#look()!;
    }
    return answer;
  }

  *sync(): Generator<Completed<F>, undefined> {
    try {
      for (;;) {
        const step = this.nextSync();
        if (step.done) return;
        yield step.value;
      }
    } finally {
      this.#end();
    }
  }

  /** The end of a `for await` that breaks. */
  async return(): Promise<IteratorResult<Completed<F>, undefined>> {
    this.#end();
    return { done: true, value: undefined };
  }

  /** What `next` answers as things stand; null: nothing yet. */
  #look(): IteratorResult<Completed<F>, undefined> | null {
    if (this.#ended) return { done: true, value: undefined };
    const completed = this.#ready[this.#readyFrom];
    if (completed !== undefined) {
      this.#readyFrom++;
      if (this.#readyFrom > 1024 && this.#readyFrom * 2 > this.#ready.length) {
        this.#ready.splice(0, this.#readyFrom);
        this.#readyFrom = 0;
      }
      return { done: false, value: completed };
    }
    return this.#open.size === 0 ? { done: true, value: undefined } : null;
  }

  #end(): void {
    this.#ended = true;
    for (const [future, waiter] of this.#open) unsubscribe(future, waiter);
    this.#open.clear();
    for (const look of this.#lookers) look();
  }

  #timedOut(): TimeoutError {
    return new TimeoutError(`${this.#open.size} (of ${this.#total}) futures unfinished`);
  }
}

class CompletedFuture<F extends Future<any>> implements Completed<F> {
  constructor(
    readonly future: F,
    readonly index: number,
  ) {}

  result(): F extends Future<infer T> ? T : never {
    return outcome(this.future);
  }

  exception(): unknown {
    return this.future.exceptionSync();
  }

  cancelled(): boolean {
    return this.future.cancelled();
  }
}
