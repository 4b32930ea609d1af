/**
 * What a pool stands on: the workers, and how calls get to them. `PoolBase` is written once above it, for threads and
 * for processes. All that an engine tells comes in the thread that owns the pool, through its inbox
 * (`futures/inbox.ts`), so it comes also while that thread blocks.
 */
import type { TimeoutOptions, WaitOptions } from "../../core/types.js";

export type AnyFunction = (...args: never[]) => unknown;

/** Told the end of a call: its place among those handed in together, and its value or what it threw. Must not throw. */
export type CallEnded = (place: number, failed: boolean, value: unknown) => void;

/** What calls are made with: the one argument of each or, with `spread`, the list of its arguments. */
export interface Items {
  readonly list: readonly unknown[];
  readonly spread: boolean;
}

export interface PoolEngine {
  /** How many workers it has. */
  readonly workers: number;
  /** Its number in the trace. */
  readonly poolNumber: number;
  /**
   * Hands in calls of one function, one for each item, with places from `place` on; at most `chunk` of them travel
   * together where that saves something. Throws if none can be handed in: the function cannot cross, or the pool is
   * broken. A call whose arguments cannot cross is told as ended at once, with the `DataCloneError`.
   */
  call(fn: AnyFunction, items: Items, place: number, chunk: number, ended: CallEnded): void;
  /** No more calls will come: the workers end when what was handed in is done. */
  close(): void;
  /** Ends the workers at once; nothing is told any more. */
  terminate(): void;
  /** Resolves when the workers have ended. Rejects with `TimeoutError`, or the signal's reason. */
  ended(options?: WaitOptions): Promise<void>;
  /** Blocking {@link ended}. */
  endedSync(options?: TimeoutOptions): void;
}

/** The workers under an engine, of threads or processes. */
interface Workers {
  readonly poolNumber: number;
  beginShutdown(cancelFutures: boolean): void;
  terminate(): void;
  ended(options?: WaitOptions): Promise<void>;
  endedSync(options?: TimeoutOptions): void;
}

/** What engines of threads and of processes have in common: how their workers end. */
export abstract class WorkersEngine<W extends Workers> implements PoolEngine {
  constructor(
    protected readonly pool: W,
    readonly workers: number,
  ) {}

  abstract call(fn: AnyFunction, items: Items, place: number, chunk: number, ended: CallEnded): void;

  get poolNumber(): number {
    return this.pool.poolNumber;
  }

  close(): void {
    this.pool.beginShutdown(false);
  }

  terminate(): void {
    this.pool.terminate();
  }

  ended(options?: WaitOptions): Promise<void> {
    return this.pool.ended(options);
  }

  endedSync(options?: TimeoutOptions): void {
    this.pool.endedSync(options);
  }
}
