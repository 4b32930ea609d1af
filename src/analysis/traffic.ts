/**
 * What goes over one connection: which receive belongs to which send.
 *
 * Each end counts what it sends and what it receives, and a connection keeps order, so that a message has the same number
 * at both ends. But an end can have copies, in several threads or processes, which count each for itself. As soon as that
 * shows (a number comes again), messages are put together by their order and size instead.
 */
import { type GrowingFlows, GrowingMessages } from "./columns.js";
import { FlowKind, type ObjectTally } from "./model.js";

/** How much earlier than its sending a message's receiving can be told of: by clocks that differ, or a late drain. */
const EARLY_NS = 5e6;
/** Messages on their way that are remembered: a receiver may not be recorded. */
const MOST_PENDING = 1 << 16;
const MOST_EARLY = 1 << 10;

interface Received {
  readonly t: number;
  readonly thread: number;
  readonly site: number;
  readonly bytes: number;
  readonly number: number;
}

interface Sent {
  readonly row: number;
  readonly bytes: number;
  readonly number: number;
}

/** The messages from one end to the other. */
class Direction {
  /** Sent and not received, in order; from `first` on. */
  pending: Sent[] = [];
  first = 0;
  /** Received, as far as told, before they were sent. */
  readonly early: Received[] = [];
  sent = 0;
  received = 0;
  sentBytes = 0;
  receivedBytes = 0;
  #lastSent = 0;
  #lastReceived = 0;
  #counted = true;

  countSent(number: number, bytes: number): void {
    if (number <= this.#lastSent) this.#counted = false;
    this.#lastSent = number;
    this.sent++;
    this.sentBytes += bytes;
  }

  countReceived(number: number, bytes: number): void {
    if (number <= this.#lastReceived) this.#counted = false;
    this.#lastReceived = number;
    this.received++;
    this.receivedBytes += bytes;
  }

  isOne(sent: { bytes: number; number: number }, received: { bytes: number; number: number }): boolean {
    return sent.bytes === received.bytes && (!this.#counted || sent.number === received.number);
  }

  /** Takes the message out that was sent first of those that this can be. */
  take(received: Received): Sent | undefined {
    const { pending } = this;
    for (let i = this.first; i < pending.length; i++) {
      const sent = pending[i]!;
      if (!this.isOne(sent, received)) continue;
      if (i === this.first) this.first++;
      else pending.splice(i, 1);
      this.#compact();
      return sent;
    }
    return undefined;
  }

  wait(sent: Sent): void {
    this.pending.push(sent);
    if (this.pending.length - this.first > MOST_PENDING) this.first++;
    this.#compact();
  }

  #compact(): void {
    if (this.first < 1024 || this.first * 2 < this.pending.length) return;
    this.pending = this.pending.slice(this.first);
    this.first = 0;
  }

  takeEarly(t: number, sent: { bytes: number; number: number }): Received | undefined {
    const at = this.early.findIndex((received) => received.t >= t - EARLY_NS && this.isOne(sent, received));
    return at < 0 ? undefined : this.early.splice(at, 1)[0];
  }
}

export class Traffic {
  readonly columns = new GrowingMessages();
  /** By the end that sends. */
  readonly #directions = [new Direction(), new Direction()] as const;

  constructor(
    private readonly object: number,
    private readonly tally: ObjectTally,
  ) {}

  #count(): void {
    const [a, b] = this.#directions;
    this.tally.messages = Math.max(a.sent, a.received) + Math.max(b.sent, b.received);
    this.tally.received = a.received + b.received;
    this.tally.bytes = Math.max(a.sentBytes, a.receivedBytes) + Math.max(b.sentBytes, b.receivedBytes);
  }

  /** `end` sent its message `number`. */
  sent(t: number, thread: number, site: number, end: 0 | 1, bytes: number, number: number, flows: GrowingFlows): void {
    const direction = this.#directions[end];
    direction.countSent(number, bytes);
    this.#count();
    const row = this.columns.push(t, thread, site, bytes);
    const sent = { row, bytes, number };
    const early = direction.early.length === 0 ? undefined : direction.takeEarly(t, sent);
    if (early === undefined) direction.wait(sent);
    else this.#arrive(row, early, flows);
  }

  /** `end` received its message `number`. */
  received(
    t: number,
    thread: number,
    site: number,
    end: 0 | 1,
    bytes: number,
    number: number,
    flows: GrowingFlows,
  ): void {
    const direction = this.#directions[end === 0 ? 1 : 0];
    direction.countReceived(number, bytes);
    this.#count();
    const received = { t, thread, site, bytes, number };
    const sent = direction.take(received);
    if (sent !== undefined) this.#arrive(sent.row, received, flows);
    else {
      direction.early.push(received);
      if (direction.early.length > MOST_EARLY) direction.early.shift();
    }
  }

  #arrive(row: number, { t, thread, site, bytes }: Received, flows: GrowingFlows): void {
    const { columns } = this;
    columns.end[row] = Math.max(t, columns.start[row]!);
    columns.toThread[row] = thread;
    columns.toSite[row] = site;
    const { thread: from, start, site: fromSite } = columns;
    flows.push(FlowKind.Message, from[row]!, start[row]!, thread, t, this.object, bytes, fromSite[row]!);
  }

  /** Nobody has an end any more: what is on its way is lost. */
  finish(t: number): void {
    for (const direction of this.#directions) {
      for (const { row } of direction.pending.slice(direction.first)) {
        this.columns.end[row] = Math.max(t, this.columns.start[row]!);
      }
      direction.pending = [];
      direction.first = 0;
    }
  }
}
