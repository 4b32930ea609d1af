// biome-ignore-all lint/suspicious/noExplicitAny: any result, whatever its type
/** The handle on the result of a pool's call: `multiprocessing.pool.AsyncResult`. */
import { DataCloneError, TimeoutError } from "../../core/errors.js";
import { type Handle, toHandle } from "../../core/handles.js";
import type { TimeoutOptions, WaitOptions } from "../../core/types.js";
import { Future, hasFailed, linkToPool, settle } from "../../futures/future.js";

export interface CallbackOptions<T> {
  /** Called with the result, once, before it can be got. */
  callback?: ((value: T) => unknown) | undefined;
  /** Called with the error instead. */
  errorCallback?: ((error: any) => unknown) | undefined;
}

/** Gives a result its value; only its pool does. */
export let finish: (result: AsyncResult<any>, failed: boolean, value: unknown) => void;

/**
 * The outcome, still to come, of a pool's call.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { ThreadPool } from "heddle/multiprocessing";
 *
 * function half(n: number) {
 *   if (n % 2 !== 0) throw new RangeError(`${n} is odd`);
 *   return n / 2;
 * }
 *
 * if (isMain) {
 *   using pool = new ThreadPool({ processes: 2 });
 *   const good = pool.applyAsync(half, [8], { callback: (value) => console.log(`half: ${value}`) }); // prints half: 4
 *   const bad = pool.applyAsync(half, [7]);
 *   await good.wait();
 *   await bad.wait();
 *   console.log(good.successful(), bad.successful()); // prints true false
 *   console.log(await good.get()); // prints 4
 * }
 * ```
 */
export class AsyncResult<T> {
  readonly #future = new Future<T>();
  readonly #options: CallbackOptions<T>;

  static {
    finish = (result, failed, value) => result.#finish(failed, value);
  }

  /** `poolNumber`: of its pool in the trace. Throws `TypeError` for callbacks that are no functions. */
  constructor(options: CallbackOptions<T> = {}, poolNumber: number) {
    for (const name of ["callback", "errorCallback"] as const) {
      const given = options[name];
      if (given !== undefined && given !== null && typeof given !== "function") {
        throw new TypeError(`${name} must be a function`);
      }
    }
    this.#options = options;
    linkToPool(this.#future, poolNumber);
  }

  /** Resolves with the value, as often as asked. Rejects with the call's own error, or `TimeoutError`; it runs on. */
  get(options?: WaitOptions): Promise<T> {
    return this.#future.result(options);
  }

  /** Blocking {@link get}. */
  getSync(options?: TimeoutOptions): T {
    return this.#future.resultSync(options);
  }

  /** Waits for it without asking how it went. Resolves also on timeout. */
  async wait(options?: WaitOptions): Promise<void> {
    try {
      await this.#future.exception(options);
    } catch (error) {
      if (!(error instanceof TimeoutError) || options?.signal?.reason === error) throw error;
    }
  }

  /** Blocking {@link wait}. */
  waitSync(options?: TimeoutOptions): void {
    try {
      this.#future.exceptionSync(options);
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
    }
  }

  /** True when it is there. */
  ready(): boolean {
    return this.#future.done();
  }

  /** True if the call returned, false if it threw. Throws `RangeError` before it is ready. */
  successful(): boolean {
    if (!this.ready()) throw new RangeError("The result is not ready");
    return !hasFailed(this.#future);
  }

  /** It does not cross: what makes it ready comes to the thread that has it. */
  [toHandle](): Handle {
    throw new DataCloneError("the result of a pool's call belongs to its thread; pass on its value");
  }

  #finish(failed: boolean, value: unknown): void {
    const callback = failed ? this.#options.errorCallback : this.#options.callback;
    if (callback) {
      try {
        const returned = callback(value as T);
        if (returned instanceof Promise) returned.catch(logged);
      } catch (error) {
        logged(error);
      }
    }
    settle(this.#future, failed, value);
  }
}

function logged(error: unknown): void {
  console.error("A callback of a pool's result failed:", error);
}
