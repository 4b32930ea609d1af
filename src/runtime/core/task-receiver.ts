/** A worker's end of a task channel (`task-channel.ts`). */
import { availableParallelism } from "node:os";
import { readHeap, words } from "./heap.js";
import { NOT_SIMPLE, readSimpleList } from "./simple-values.js";
import { type DecodeOptions, decode } from "./structured-clone.js";
import {
  BYTES_MASK,
  ChannelWord,
  endSleep,
  INLINE_BYTES,
  SEGMENT_BITS,
  SEGMENT_SLOTS,
  SLOT_WORDS,
  SlotWord,
  TaskState,
  WITH_EXTRAS,
  WorkerWord,
} from "./task-channel.js";

const { view } = words;

/** How long a worker looks for a task before it sleeps, in milliseconds: about what a sleep and a wake take. */
const HUNT_MS = 0.03;
/** Looks between two readings of the clock. */
const LOOKS = 50;
/** With one core, who looks keeps the one it looks for from running. */
const mayHunt = availableParallelism() > 1;

export class TaskReceiver {
  readonly #channel: number;
  readonly #worker: number;
  /** The ticket claimed last. */
  ticket = 0;
  #slot = 0;

  constructor(channel: number, worker: number) {
    this.#channel = channel;
    this.#worker = worker;
  }

  /**
   * Claims the next ticket. False when there seems to be none: {@link sleep} makes sure.
   *
   * Plain reads cost a fraction of atomic ones. Here they suffice: one that is out of date makes the exchange fail, or
   * shows too few tasks; and what is read after an exchange that succeeded is no older than the ticket.
   */
  claim(): boolean {
    const channel = this.#channel;
    for (;;) {
      const ticket = view[channel + ChannelWord.Claimed] as number;
      if (ticket === view[channel + ChannelWord.Published]) return false;
      const next = (ticket + 1) | 0;
      if (Atomics.compareExchange(view, channel + ChannelWord.Claimed, ticket, next) !== ticket) continue;
      const directory = view[channel + ChannelWord.Directory] as number;
      const number = (ticket >>> SEGMENT_BITS) & (view[directory] as number);
      this.#slot = (view[directory + 1 + number] as number) + (ticket & (SEGMENT_SLOTS - 1)) * SLOT_WORDS;
      this.ticket = ticket;
      return true;
    }
  }

  /** Begins the claimed task. False if it was cancelled: then only that has to be told. */
  begin(): boolean {
    // First, so that the owner finds out which task died with a worker that is killed right after.
    view[this.#worker + WorkerWord.Task] = (this.ticket + 1) | 0;
    const state = this.#slot + SlotWord.State;
    return Atomics.compareExchange(view, state, TaskState.Pending, TaskState.Running) === TaskState.Pending;
  }

  /** Nothing is run any more. Call it when the result was published. */
  end(): void {
    view[this.#worker + WorkerWord.Task] = 0;
  }

  /** The number of the claimed task's function. */
  get fn(): number {
    return view[this.#slot + SlotWord.Function] as number;
  }

  /** True if something that belongs to the arguments comes through the port. */
  get hasExtras(): boolean {
    return ((view[this.#slot + SlotWord.Bytes] as number) & WITH_EXTRAS) !== 0;
  }

  /** The claimed task's arguments. Throws what decoding them throws. */
  args(options: DecodeOptions): unknown[] {
    const bytes = (view[this.#slot + SlotWord.Bytes] as number) & BYTES_MASK;
    if (bytes === 0) return [];
    let from = this.#slot + SlotWord.Inline;
    if (bytes <= INLINE_BYTES) {
      const list = readSimpleList(from * 4);
      if (list !== NOT_SIMPLE) return list;
    } else from = view[this.#slot + SlotWord.Address] as number;
    return decode(readHeap(from, bytes), options) as unknown[];
  }

  /** True once no task will come any more. */
  get closed(): boolean {
    return Atomics.load(view, this.#channel + ChannelWord.Closed) !== 0;
  }

  /** True once no task is to be begun any more; to be asked after {@link claim}. */
  get broken(): boolean {
    return view[this.#channel + ChannelWord.Broken] !== 0;
  }

  get #anything(): boolean {
    const claimed = Atomics.load(view, this.#channel + ChannelWord.Claimed);
    return claimed !== Atomics.load(view, this.#channel + ChannelWord.Published);
  }

  /**
   * Looks for a task for a moment, if nobody else does. Returns whether there was one. A task that comes at once is
   * served without the many microseconds that putting a thread to sleep and waking it take on both sides.
   */
  hunt(): boolean {
    const hunting = this.#channel + ChannelWord.Hunting;
    if (!mayHunt || Atomics.compareExchange(view, hunting, 0, 1) !== 0) return false;
    const until = performance.now() + HUNT_MS;
    let found = false;
    do {
      for (let i = 0; i < LOOKS && !found; i++) found = this.#anything;
    } while (!found && performance.now() < until);
    Atomics.store(view, hunting, 0);
    return found || this.#anything;
  }

  /** Sleeps, without blocking the event loop, until there may be a task. Returns false when none will come. */
  async sleep(): Promise<boolean> {
    const word = this.#worker + WorkerWord.Sleeping;
    for (;;) {
      // In this order: a thread that is ended in between leaves one too many, which costs the owner a look. One too few
      // would leave somebody asleep.
      Atomics.add(view, this.#channel + ChannelWord.Sleepers, 1);
      Atomics.store(view, word, 1);
      if (this.#anything || this.closed) {
        endSleep(this.#channel, this.#worker);
        return this.#anything;
      }
      await words.waitAsync(word, 1);
      // Unless the owner did, as when it is woken by mistake.
      endSleep(this.#channel, this.#worker);
      if (this.#anything) return true;
      if (this.closed) return false;
    }
  }
}
