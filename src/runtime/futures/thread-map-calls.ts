/**
 * The calls of `map` on a pool of threads: each is a task like any other (claimed, recorded, cancelled by itself), but
 * has no future, since nobody could see it. Its result goes from the worker's channel into a list here.
 */
import { Future, settle } from "./future.js";
import { takeInArrivals } from "./inbox.js";
import { type MapOptions, MapSequence, NOT_YET } from "./map-results.js";
import type { TaskSink, ThreadPool } from "./thread-pool.js";

type AnyFunction = (...items: unknown[]) => unknown;

/** What a call threw, in the place of its result. */
class Thrown {
  constructor(readonly error: unknown) {}
}

/** So many results that were read are kept in the list until it is cut. */
const SLACK = 4096;

export class ThreadMapCalls extends MapSequence implements TaskSink {
  readonly #pool: ThreadPool;
  readonly #fn: AnyFunction;
  /** Results in the order of the input, or {@link NOT_YET}. */
  #results: unknown[] = [];
  /** The first unread. */
  #first = 0;
  /**
   * Tickets mostly follow each other as the calls do; where they do not, because the input itself hands in tasks, a new
   * run begins: its first ticket, and the place of its result.
   */
  readonly #runs: { ticket: number; place: number }[] = [];
  #nextTicket = 0;
  #gate: Future<unknown> | null = null;

  constructor(pool: ThreadPool, fn: AnyFunction, iterables: readonly Iterable<unknown>[], options: MapOptions) {
    super(iterables, options);
    this.#pool = pool;
    this.#fn = fn;
    this.fill(this.buffered);
  }

  protected submitNext(): boolean {
    const round = this.nextRound();
    if (round === null) return false;
    const ticket = this.#pool.push(this.#pool.functionFor(this.#fn as never), round, this);
    if (ticket !== this.#nextTicket || this.#runs.length === 0) {
      this.#runs.push({ ticket, place: this.#results.length });
    }
    this.#nextTicket = (ticket + 1) | 0;
    this.#results.push(NOT_YET);
    return true;
  }

  settle(ticket: number, failed: boolean, value: unknown): void {
    let i = this.#runs.length - 1;
    // After the end there is none.
    if (i < 0) return;
    while (((ticket - (this.#runs[i] as { ticket: number }).ticket) | 0) < 0) i--;
    const run = this.#runs[i] as { ticket: number; place: number };
    const place = run.place + ((ticket - run.ticket) | 0);
    this.#results[place] = failed ? new Thrown(value) : value;
    if (place === this.#first && this.#gate !== null) {
      const gate = this.#gate;
      this.#gate = null;
      settle(gate, false, undefined);
    }
  }

  protected hasUnread(): boolean {
    return this.#first < this.#results.length;
  }

  protected read(): unknown {
    let result = this.#results[this.#first];
    if (result === NOT_YET) {
      takeInArrivals();
      result = this.#results[this.#first];
      if (result === NOT_YET) return NOT_YET;
    }
    this.#results[this.#first++] = undefined;
    if (this.#first > SLACK && this.#first * 2 > this.#results.length) this.#cut();
    if (result instanceof Thrown) throw result.error;
    return result;
  }

  /** Forgets what was read. */
  #cut(): void {
    this.#results = this.#results.slice(this.#first);
    for (const run of this.#runs) run.place -= this.#first;
    // Of a run that was read to its end nothing can be told any more.
    while (this.#runs.length > 1 && (this.#runs[1] as { place: number }).place <= 0) this.#runs.shift();
    this.#first = 0;
  }

  protected gate(): Future<unknown> {
    this.#gate ??= new Future<unknown>();
    return this.#gate;
  }

  protected cancelRest(): void {
    const runs = this.#runs.splice(0);
    runs.forEach((run, i) => {
      const end = runs[i + 1]?.place ?? this.#results.length;
      for (let place = Math.max(run.place, this.#first); place < end; place++) {
        if (this.#results[place] === NOT_YET) this.#pool.tryCancel((run.ticket + place - run.place) | 0);
      }
    });
    this.#results = [];
    this.#first = 0;
    if (this.#gate !== null) settle(this.#gate, false, undefined);
    this.#gate = null;
  }
}
