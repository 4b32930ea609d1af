/** The owner's end of a task channel (`task-channel.ts`). */
import { allocate, free, readHeap, words, writeHeap } from "./heap.js";
import { writeSimpleItem, writeSimpleList } from "./simple-values.js";
import { encode } from "./structured-clone.js";
import {
  allocateChannel,
  BYTES_MASK,
  ChannelWord,
  endSleep,
  INLINE_BYTES,
  LARGE_BYTES,
  SEGMENT_BITS,
  SEGMENT_SLOTS,
  SEGMENT_WORDS,
  SLOT_WORDS,
  SlotWord,
  TaskState,
  unclaimed,
  WITH_EXTRAS,
  WorkerWord,
} from "./task-channel.js";

const { view } = words;

const FIRST_DIRECTORY = 64;
const CHUNK_WORDS = 1 << 14;
const PUBLISHED_AT_ONCE = 32;

interface Segment<T> {
  readonly number: number;
  readonly index: number;
  /** What the caller gave for each task that is open. */
  readonly owners: (T | null)[];
  /** Slots whose end was not told yet. */
  left: number;
  /** Chunks of arguments. */
  readonly chunks: number[];
  /** How many arguments have blocks of their own. Without any, a slot that a worker has changed is not read again. */
  large: number;
}

const blockWords = (bytes: number): number => (bytes + 3) >> 2;

/** `T` is what the owner of the pool keeps for each open task. */
export class TaskSender<T extends object> {
  /** Where the channel is in the heap. */
  readonly index: number;
  readonly #block = allocateChannel();
  /** By number under the mask, as in the shared directory. */
  #segments: (Segment<T> | undefined)[] = [];
  #directory = 0;
  #mask = FIRST_DIRECTORY - 1;
  readonly #directories: { readonly index: number; readonly words: number }[] = [];
  #current: Segment<T> | null = null;
  #chunkAt = 0;
  #chunkEnd = 0;
  #next = 0;
  readonly #workers: number[] = [];

  constructor() {
    this.index = this.#block.index;
    this.#openDirectory();
  }

  /** Adds a worker's words to those that are woken for tasks. */
  addWorker(worker: number): void {
    this.#workers.push(worker);
  }

  /** Wakes a worker no more: it has died, maybe while it slept. */
  removeWorker(worker: number): void {
    const at = this.#workers.indexOf(worker);
    if (at >= 0) this.#workers.splice(at, 1);
    endSleep(this.index, worker);
    // It may have looked for tasks in the place of one that sleeps, or have been woken for one.
    Atomics.store(view, this.index + ChannelWord.Hunting, 0);
    if (unclaimed(this.index) > 0) this.wakeAll();
  }

  #wokeForAll = false;

  /** True if workers that had nothing to do were there for the task pushed last, or all pushed at once. */
  get servedAtOnce(): boolean {
    return this.#wokeForAll || this.#isHunted;
  }

  /** True if a worker that is awake looks for the only task there is. */
  get #isHunted(): boolean {
    return Atomics.load(view, this.index + ChannelWord.Hunting) !== 0 && unclaimed(this.index) <= 1;
  }

  /**
   * Queues a task and wakes a worker if one has to be. Returns its ticket. `sendExtras` is called before the task can be
   * taken if something in the arguments has to go through a port. Throws `DataCloneError` for arguments that cannot
   * cross and `RangeError` when the heap is full; nothing is queued then.
   */
  push(
    fn: number,
    args: readonly unknown[],
    owner: T,
    sendExtras: (ticket: number, extras: unknown[]) => void,
  ): number {
    const ticket = this.#next;
    const at = ticket & (SEGMENT_SLOTS - 1);
    // The current segment is null at the beginning of each.
    const segment = this.#current ?? this.#openSegment();
    const slot = segment.index + at * SLOT_WORDS;
    let bytes = 0;
    if (args.length > 0) {
      const from = (slot + SlotWord.Inline) * 4;
      bytes = writeSimpleList(args, from, from + INLINE_BYTES) - from;
      if (bytes < 0) return this.#pushLong(fn, args, owner, sendExtras);
    }
    view[slot + SlotWord.Bytes] = bytes;
    this.#publish(segment, slot, fn, owner);
    return ticket;
  }

  /** The ticket that the next task gets. */
  get next(): number {
    return this.#next;
  }

  /**
   * Queues a task with one argument for each item from `from` on, as far as the items are simple. Returns how many.
   * They are published some at a time, which costs a fraction of a microsecond of delay and much less for each.
   */
  pushSimple(fn: number, items: readonly unknown[], from: number, owner: T): number {
    let done = from;
    let woken = 0;
    let atOnce = PUBLISHED_AT_ONCE;
    while (done < items.length) {
      const segment = this.#current ?? this.#openSegment();
      const at = this.#next & (SEGMENT_SLOTS - 1);
      const most = Math.min(atOnce, SEGMENT_SLOTS - at, items.length - done);
      let count = 0;
      for (; count < most; count++) {
        const slot = segment.index + (at + count) * SLOT_WORDS;
        const start = (slot + SlotWord.Inline) * 4;
        const end = writeSimpleItem(items[done + count], start, start + INLINE_BYTES);
        if (end < 0) break;
        view[slot + SlotWord.State] = TaskState.Pending;
        view[slot + SlotWord.Function] = fn;
        view[slot + SlotWord.Bytes] = end - start;
        segment.owners[at + count] = owner;
      }
      if (count > 0) {
        if (at + count === SEGMENT_SLOTS) this.#current = null;
        this.#next = (this.#next + count) | 0;
        Atomics.store(view, this.index + ChannelWord.Published, this.#next);
        // Each task may need a worker of its own.
        for (let i = 0; i < count && Atomics.load(view, this.index + ChannelWord.Sleepers) > 0; i++) {
          if (this.#wakeOne()) woken++;
        }
        done += count;
        // Workers that keep pace would fall asleep between small lots, and waking them takes longer than a lot does.
        atOnce *= 2;
      }
      if (count < most) break;
    }
    this.#wokeForAll = woken >= done - from;
    return done - from;
  }

  #publish(segment: Segment<T>, slot: number, fn: number, owner: T): void {
    const at = this.#next & (SEGMENT_SLOTS - 1);
    view[slot + SlotWord.State] = TaskState.Pending;
    view[slot + SlotWord.Function] = fn;
    segment.owners[at] = owner;
    if (at === SEGMENT_SLOTS - 1) this.#current = null;
    this.#next = (this.#next + 1) | 0;
    Atomics.store(view, this.index + ChannelWord.Published, this.#next);
    this.#wokeForAll = false;
    if (Atomics.load(view, this.index + ChannelWord.Sleepers) > 0 && !this.#isHunted)
      this.#wokeForAll = this.#wakeOne();
  }

  /** Encoding may run code of the user, which may push as well: so it comes before a slot is taken. */
  #pushLong(
    fn: number,
    args: readonly unknown[],
    owner: T,
    sendExtras: (ticket: number, extras: unknown[]) => void,
  ): number {
    const extras: unknown[] = [];
    const bytes = encode(args, { path: "args", extras });
    return this.#pushBytes(fn, bytes, extras.length > 0, (ticket) => {
      if (extras.length > 0) sendExtras(ticket, extras);
      return owner;
    });
  }

  /** `ownerOf` is called when the arguments have found room, just before the task can be taken. */
  #pushBytes(fn: number, bytes: Uint8Array, withExtras: boolean, ownerOf: (ticket: number) => T): number {
    const segment = this.#current ?? this.#openSegment();
    const ticket = this.#next;
    const slot = segment.index + (ticket & (SEGMENT_SLOTS - 1)) * SLOT_WORDS;
    if (bytes.length <= INLINE_BYTES) writeHeap(slot + SlotWord.Inline, bytes);
    else {
      const address = this.#room(segment, bytes.length);
      writeHeap(address, bytes);
      view[slot + SlotWord.Address] = address;
    }
    view[slot + SlotWord.Bytes] = withExtras ? bytes.length | WITH_EXTRAS : bytes.length;
    let owner: T;
    try {
      owner = ownerOf(ticket);
    } catch (error) {
      this.#freeLarge(segment, slot);
      throw error;
    }
    this.#publish(segment, slot, fn, owner);
    return ticket;
  }

  /** Room for long arguments: a block of their own, or part of a chunk that lives as long as the segment. */
  #room(segment: Segment<T>, bytes: number): number {
    const count = blockWords(bytes);
    if (bytes > LARGE_BYTES) {
      segment.large++;
      return allocate(count, false);
    }
    // A chunk belongs to one segment: what is left of it when the next begins is not used.
    if (segment.chunks.length === 0 || this.#chunkAt + count > this.#chunkEnd) {
      this.#chunkAt = allocate(CHUNK_WORDS, false);
      this.#chunkEnd = this.#chunkAt + CHUNK_WORDS;
      segment.chunks.push(this.#chunkAt);
    }
    const address = this.#chunkAt;
    this.#chunkAt += count;
    return address;
  }

  #openSegment(): Segment<T> {
    const number = this.#next >>> SEGMENT_BITS;
    // A task that takes very long keeps its place in the directory while others go by.
    while (this.#segments[number & this.#mask] !== undefined) this.#growDirectory();
    const segment: Segment<T> = {
      number,
      index: allocate(SEGMENT_WORDS, false),
      owners: new Array<T | null>(SEGMENT_SLOTS).fill(null),
      left: SEGMENT_SLOTS,
      chunks: [],
      large: 0,
    };
    this.#segments[number & this.#mask] = segment;
    Atomics.store(view, this.#directory + 1 + (number & this.#mask), segment.index);
    this.#current = segment;
    return segment;
  }

  #openDirectory(): void {
    const size = this.#mask + 2;
    const index = allocate(size);
    view[index] = this.#mask;
    this.#directories.push({ index, words: size });
    this.#directory = index;
    const segments: (Segment<T> | undefined)[] = new Array(this.#mask + 1).fill(undefined);
    for (const segment of this.#segments) {
      if (segment === undefined) continue;
      segments[segment.number & this.#mask] = segment;
      view[index + 1 + (segment.number & this.#mask)] = segment.index;
    }
    this.#segments = segments;
    // A worker that still has the old directory finds its segment there: the owner does not write to it any more.
    Atomics.store(view, this.index + ChannelWord.Directory, index);
  }

  #growDirectory(): void {
    this.#mask = this.#mask * 2 + 1;
    this.#openDirectory();
  }

  #segmentOf(ticket: number): Segment<T> {
    return this.#segments[(ticket >>> SEGMENT_BITS) & this.#mask] as Segment<T>;
  }

  /** The slot of a ticket that was not told about yet. */
  #slotOf(ticket: number): number {
    return this.#segmentOf(ticket).index + (ticket & (SEGMENT_SLOTS - 1)) * SLOT_WORDS;
  }

  /** Wakes the first worker that sleeps. Returns whether there is one. */
  #wakeOne(): boolean {
    for (const worker of this.#workers) {
      if (!endSleep(this.index, worker)) continue;
      Atomics.notify(view, worker + WorkerWord.Sleeping);
      return true;
    }
    return false;
  }

  /** Wakes all workers, to look at what has changed. */
  wakeAll(): void {
    for (const worker of this.#workers) {
      if (endSleep(this.index, worker)) Atomics.notify(view, worker + WorkerWord.Sleeping);
    }
  }

  /** Takes a task back that nobody has begun: returns whether it could. Its owner is forgotten. */
  cancel(ticket: number): boolean {
    const segment = this.#segmentOf(ticket);
    const at = ticket & (SEGMENT_SLOTS - 1);
    const state = segment.index + at * SLOT_WORDS + SlotWord.State;
    if (Atomics.compareExchange(view, state, TaskState.Pending, TaskState.Cancelled) !== TaskState.Pending) {
      return false;
    }
    segment.owners[at] = null;
    return true;
  }

  /** True if a worker runs the task, which is open. */
  isRunning(ticket: number): boolean {
    return Atomics.load(view, this.#slotOf(ticket) + SlotWord.State) === TaskState.Running;
  }

  /** A worker told the end of this ticket. Returns what was kept for it, null if it was cancelled. */
  finish(ticket: number): T | null {
    const segment = this.#segmentOf(ticket);
    const at = ticket & (SEGMENT_SLOTS - 1);
    const owner = segment.owners[at] as T | null;
    segment.owners[at] = null;
    if (segment.large > 0) this.#freeLarge(segment, segment.index + at * SLOT_WORDS);
    if (--segment.left === 0) {
      this.#segments[segment.number & this.#mask] = undefined;
      this.#freeSegment(segment);
    }
    return owner;
  }

  /** Gives the block of a slot's arguments back, if they have one. */
  #freeLarge(segment: Segment<T>, slot: number): void {
    const bytes = (view[slot + SlotWord.Bytes] as number) & BYTES_MASK;
    if (bytes <= LARGE_BYTES) return;
    segment.large--;
    free(view[slot + SlotWord.Address] as number, blockWords(bytes));
    view[slot + SlotWord.Bytes] = 0;
  }

  #freeSegment(segment: Segment<T>): void {
    free(segment.index, SEGMENT_WORDS);
    for (const chunk of segment.chunks) free(chunk, CHUNK_WORDS);
  }

  /** What is kept for a task that is open, else null. */
  ownerOf(ticket: number): T | null {
    const segment = this.#segments[(ticket >>> SEGMENT_BITS) & this.#mask];
    // A ticket that is over may be of a segment that is no more, whose place another has.
    if (segment === undefined || segment.number !== ticket >>> SEGMENT_BITS) return null;
    return segment.owners[ticket & (SEGMENT_SLOTS - 1)] as T | null;
  }

  /**
   * After the death of a worker: queues again what was claimed by somebody and not begun, so that what the dead worker
   * had claimed is not lost. Another worker that claimed such a task just now finds it cancelled. Nobody may ever tell
   * the end of the old ticket, so its segment is kept. `again` gives the owner for the new ticket, just before anybody
   * can have it; what goes through ports has to be sent for that one. `refused` is told of one that found no room.
   */
  requeueUnbegun(
    again: (owner: T, from: number, to: number) => T,
    refused: (owner: T, from: number, error: unknown) => void,
  ): void {
    const claimed = Atomics.load(view, this.index + ChannelWord.Claimed);
    for (const ticket of [...this.open()]) {
      const owner = this.ownerOf(ticket);
      if (((claimed - ticket) | 0) <= 0 || owner === null || !this.cancel(ticket)) continue;
      const slot = this.#slotOf(ticket);
      const bytes = view[slot + SlotWord.Bytes] as number;
      const length = bytes & BYTES_MASK;
      const inline = slot + SlotWord.Inline;
      const body = readHeap(length <= INLINE_BYTES ? inline : (view[slot + SlotWord.Address] as number), length);
      const fn = view[slot + SlotWord.Function] as number;
      try {
        this.#pushBytes(fn, body, (bytes & WITH_EXTRAS) !== 0, (to) => again(owner, ticket, to));
      } catch (error) {
        refused(owner, ticket, error);
      }
    }
  }

  /** Claims all that nobody has claimed. Returns the open ones' tickets; those cancelled before are over. */
  claimRest(): number[] {
    const word = this.index + ChannelWord.Claimed;
    let claimed = Atomics.load(view, word);
    for (;;) {
      const before = Atomics.compareExchange(view, word, claimed, this.#next);
      if (before === claimed) break;
      claimed = before;
    }
    const open: number[] = [];
    for (let ticket = claimed; ticket !== this.#next; ticket = (ticket + 1) | 0) {
      if (this.ownerOf(ticket) === null) this.finish(ticket);
      else open.push(ticket);
    }
    return open;
  }

  /** The tickets of all tasks that are open: queued or running. */
  *open(): Generator<number> {
    for (const segment of this.#segments) {
      if (segment === undefined) continue;
      for (let at = 0; at < SEGMENT_SLOTS; at++) {
        if (segment.owners[at] !== null) yield (segment.number << SEGMENT_BITS) | at | 0;
      }
    }
  }

  /** No task will come any more: workers end when none is left. */
  close(): void {
    Atomics.store(view, this.index + ChannelWord.Closed, 1);
    this.wakeAll();
  }

  /** No task is to be begun any more. */
  break(): void {
    Atomics.store(view, this.index + ChannelWord.Broken, 1);
    this.close();
  }

  /** Gives all memory back; no worker may use it any more. */
  dispose(): void {
    for (const segment of this.#segments) {
      if (segment === undefined) continue;
      // What lies behind the last task was never written.
      const used = segment === this.#current ? this.#next & (SEGMENT_SLOTS - 1) : SEGMENT_SLOTS;
      for (let at = 0; at < used && segment.large > 0; at++) this.#freeLarge(segment, segment.index + at * SLOT_WORDS);
      this.#freeSegment(segment);
    }
    this.#segments = [];
    for (const directory of this.#directories.splice(0)) free(directory.index, directory.words);
    this.#block.free();
  }
}
