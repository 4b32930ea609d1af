/**
 * The calls of `map` on a pool of threads: each is a task like any other (claimed, recorded, cancelled by itself), but
 * has no future, since nobody could see it. Its result goes from the worker's channel into a list here.
 */
import { recording } from "../../recorder/emit.js";
import type { Executor } from "./executor.js";
import { Future, linkToPool, settle } from "./future.js";
import { takeInArrivals } from "./inbox.js";
import { type MapOptions, MapSequence, NOT_YET } from "./map-results.js";
import type { TaskSink, ThreadPool } from "./thread-pool.js";
import { TicketRuns } from "./ticket-runs.js";

type AnyFunction = (...items: unknown[]) => unknown;

/** What a call threw, in the place of its result. */
class Thrown {
  constructor(readonly error: unknown) {}
}

/** Longer arrays are made by growing, as V8 would make a table of one that begins with this length. */
const LONGEST_AT_ONCE = 10_000_000;

function allNotYet(length: number): unknown[] {
  if (length <= LONGEST_AT_ONCE) return new Array<unknown>(length).fill(NOT_YET);
  const list: unknown[] = [];
  for (let i = 0; i < length; i++) list.push(NOT_YET);
  return list;
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
  readonly #tickets = new TicketRuns();
  #gate: Future<unknown> | null = null;

  /** `executor` is kept: its pool is shut down when nobody has it, and there may be calls to hand in yet. */
  constructor(
    readonly executor: Executor,
    pool: ThreadPool,
    fn: AnyFunction,
    iterables: readonly Iterable<unknown>[],
    options: MapOptions,
  ) {
    super(iterables, options);
    this.#pool = pool;
    this.#fn = fn;
    this.fill(this.buffered);
  }

  protected submitNext(): boolean {
    const whole = recording ? null : this.wholeInput();
    if (whole !== null) {
      this.#submitAll(whole);
      return false;
    }
    const round = this.nextRound();
    if (round === null) return false;
    const ticket = this.#pool.push(this.#pool.functionFor(this.#fn as never), round, this);
    this.#tickets.add(ticket, this.#results.push(NOT_YET) - 1);
    return true;
  }

  /** The calls of an array, in one go. */
  #submitAll(items: readonly unknown[]): void {
    if (items.length === 0) return;
    const fn = this.#pool.functionFor(this.#fn as never);
    const results = allNotYet(items.length);
    this.#results = results;
    let place = 0;
    try {
      while (place < items.length) {
        // Nothing of the user's runs in here, so their tickets follow each other.
        const ticket = this.#pool.nextTicket;
        const count = this.#pool.pushSimple(fn, items, place, this);
        if (count > 0) this.#tickets.addRun(ticket, place, count);
        place += count;
        if (place >= items.length) return;
        const next = this.#pool.push(fn, [items[place]], this);
        this.#tickets.add(next, place++);
      }
    } finally {
      // Those after one that cannot cross were not handed in.
      results.length = place;
    }
  }

  settle(ticket: number, failed: boolean, value: unknown): void {
    const place = this.#tickets.placeOf(ticket);
    // After the end nobody wants it.
    if (place < 0) return;
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

  protected override readReady(into: unknown[]): void {
    const results = this.#results;
    let at = this.#first;
    for (; at < results.length; at++) {
      const result = results[at];
      if (result === NOT_YET || result instanceof Thrown) break;
      into.push(result);
    }
    this.#first = at;
    if (at > SLACK && at * 2 > results.length) this.#cut();
  }

  /** Forgets what was read. */
  #cut(): void {
    this.#results = this.#results.slice(this.#first);
    this.#tickets.forget(this.#first);
    this.#first = 0;
  }

  protected gate(): Future<unknown> {
    if (this.#gate === null) {
      this.#gate = new Future<unknown>();
      linkToPool(this.#gate, this.#pool.poolNumber);
    }
    return this.#gate;
  }

  protected cancelRest(): void {
    for (let place = this.#first; place < this.#results.length; place++) {
      if (this.#results[place] === NOT_YET) this.#pool.tryCancel(this.#tickets.ticketOf(place));
    }
    this.#tickets.clear();
    this.#results = [];
    this.#first = 0;
    if (this.#gate !== null) settle(this.#gate, false, undefined);
    this.#gate = null;
  }
}
