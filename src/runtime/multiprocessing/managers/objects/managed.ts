/** What the objects of a `SyncManager` have in common: they live in one thread, the server's, and know who calls them. */
import { deadlineIn } from "../../../core/deadline.js";
import { CANCELLED, type Caller } from "../caller.js";
import { alarmAt, Deferred } from "../deferred.js";

/** An object whose methods take the {@link Caller} first, and give a {@link Deferred} where they may wait. */
export abstract class Managed {
  /** The methods that may be called. */
  static readonly exposed: readonly string[] = [];
  /** Its name on the timeline. */
  name = "";
  /** Its number in the trace, 0 if nothing is told of it. */
  traced = 0;

  /** What the trace knows as its capacity, 0 for nothing. */
  get capacity(): number {
    return 0;
  }

  /** A copy of the whole. Throws where there is no such thing. */
  toValue(): unknown {
    throw new TypeError(`a ${this.constructor.name.replace(/^_?Managed/, "")} has no value that could be copied`);
  }

  /** Nobody has a proxy of it any more. */
  dropped(): void {}
}

/** One who waits. */
export interface Waiter<D> {
  readonly caller: Caller;
  readonly data: D;
}

interface Entry<T, D> extends Waiter<D> {
  readonly deferred: Deferred<T>;
  end(): void;
}

/** Those who wait for the same, in order of arrival. */
export class WaitLine<T, D = undefined> {
  readonly #line = new Set<Entry<T, D>>();

  /** How many wait. */
  get length(): number {
    this.first();
    return this.#line.size;
  }

  /**
   * Waits until {@link serve}d. After `timeout` milliseconds `late` gives, or throws, what it ends with. `left` is called
   * when it ends otherwise than by being served.
   */
  wait(caller: Caller, timeout: number, data: D, late: () => T, left: () => void = () => {}): Deferred<T> {
    const deferred = new Deferred<T>();
    const entry: Entry<T, D> = { caller, data, deferred, end: () => {} };
    const disarm = alarmAt(deadlineIn(timeout), () => {
      entry.end();
      left();
      try {
        deferred.resolve(late());
      } catch (error) {
        deferred.reject(error);
      }
    });
    const forget = caller.onCancel(() => {
      entry.end();
      left();
      deferred.reject(CANCELLED);
    });
    entry.end = () => {
      this.#line.delete(entry);
      disarm();
      forget();
    };
    this.#line.add(entry);
    return deferred;
  }

  /** Who waits longest, or undefined. Forgets those who are gone. */
  first(): Waiter<D> | undefined {
    for (const entry of this.#line) {
      if (!entry.caller.client.gone) return entry;
      entry.end();
    }
    return undefined;
  }

  /** Gives `value` to the one who waits longest, if anybody does. `by`: the thread that has brought it, if known. */
  serve(value: T, by = 0): void {
    this.serveBy(() => value, by);
  }

  /** Gives the one who waits longest, if anybody does, what `make` makes for it. */
  serveBy(make: (waiter: Waiter<D>) => T, by = 0): void {
    const entry = this.first() as Entry<T, D> | undefined;
    if (entry === undefined) return;
    entry.end();
    entry.caller.woken?.(by);
    entry.deferred.resolve(make(entry));
  }

  /** Serves all who wait now. */
  serveAll(make: (waiter: Waiter<D>) => T, by = 0): void {
    for (let rest = this.length; rest > 0; rest--) this.serveBy(make, by);
  }

  /** Ends all waits with an error. */
  failAll(error: () => unknown): void {
    for (const entry of [...this.#line]) {
      entry.end();
      entry.deferred.reject(error());
    }
  }
}
