/**
 * First in, first out: records in a chain of segments of shared memory. One store puts an item in, one takes it out, and
 * memory is allocated and given back by the segment, not by the item.
 *
 * A segment is [size, record, record, …]; a record [tag, number, data…]. The tag is 0 where nothing has been written yet,
 * the length of the data plus one, the same with `OUTSIDE` if the data is a block of its own, or `LINK` where the chain
 * goes on in another segment. Who puts writes number and data, the 0 behind them, and last the tag.
 *
 * Who puts and who takes have a lock each, so one producer and one consumer never meet. What is derived: `Pushed` and
 * `Tail` from the records behind `Tail`, `Popped` from the number of the record at `Head`.
 *
 * Segments grow with the queue, from 1 KiB to 16 KiB, so that many short queues stay small.
 */
import { ObjectKind } from "../../trace/events.js";
import { HeapLock } from "../core/heap-lock.js";
import type { HeapMemory } from "../core/heap-memory.js";
import {
  CLOSED,
  copyIn,
  copyOut,
  FULL,
  H,
  type MovedItem,
  NOTHING,
  placed,
  SharedQueue,
  taken,
} from "./shared-queue.js";

const FIRST_SEGMENT = 256;
const LARGEST_SEGMENT = 4096;
/** Larger items get a block of their own. */
const INLINE_BYTES = 1024;
const RECORD_WORDS = 2;
const OUTSIDE = 1 << 30;
/** [LINK, the next segment, this one]. */
const LINK = -1;
const LINK_WORDS = 3;
/** A queue with fewer items than this when a segment is full goes on with one of the same size. */
const SHORT = 16;

const dataWords = (bytes: number): number => (bytes + 3) >> 2;

export class Segments extends SharedQueue {
  private readonly takeLock: HeapLock;

  private constructor(heap: HeapMemory, offset: number) {
    super(heap, offset);
    this.takeLock = new HeapLock(heap.words, offset + H.TakeLock, () => this.repairTaking());
  }

  static create(heap: HeapMemory): Segments {
    const offset = SharedQueue.allocateHeader(heap, ObjectKind.Queue);
    const segment = newSegment(heap, FIRST_SEGMENT);
    const { view } = heap.words;
    view[offset + H.TailSegment] = segment;
    view[offset + H.Tail] = segment + 1;
    view[offset + H.Head] = segment + 1;
    return new Segments(heap, offset);
  }

  /** One that another thread made. */
  static attach(heap: HeapMemory, offset: number): Segments {
    return new Segments(heap, offset);
  }

  override tryPush(bytes: Uint8Array, length: number, limit: number): number {
    const { view, offset: o } = this;
    // Without the lock, so that a full queue costs no copy; what counts is the look under it.
    if (view[o + H.Closed] !== 0) return CLOSED;
    if (limit > 0 && this.length >= limit) return FULL;
    const outside = length > INLINE_BYTES;
    let block = 0;
    if (outside) {
      block = this.heap.allocate(dataWords(length), false);
      copyIn(this.bytes, block, bytes, length);
    }
    const need = RECORD_WORDS + (outside ? 1 : dataWords(length));
    this.lock.lock();
    const pushed = view[o + H.Pushed] as number;
    const before = Atomics.load(view, o + H.Popped);
    const closed = view[o + H.Closed] !== 0;
    if (closed || (limit > 0 && ((pushed - before) | 0) >= limit)) {
      this.lock.unlock();
      if (outside) this.heap.free(block, dataWords(length));
      return closed ? CLOSED : FULL;
    }
    let at = view[o + H.Tail] as number;
    const segment = view[o + H.TailSegment] as number;
    if (at + need + LINK_WORDS > segment + (view[segment] as number)) {
      try {
        at = this.grow(at, segment, need);
      } catch (error) {
        this.lock.unlock();
        if (outside) this.heap.free(block, dataWords(length));
        throw error;
      }
    }
    const number = (pushed + 1) | 0;
    view[at + 1] = number;
    if (outside) view[at + RECORD_WORDS] = block;
    else copyIn(this.bytes, at + RECORD_WORDS, bytes, length);
    view[at + need] = 0;
    Atomics.store(view, at, (length + 1) | (outside ? OUTSIDE : 0));
    Atomics.store(view, o + H.Pushed, number);
    view[o + H.Tail] = at + need;
    placed.depth = Math.max(1, (number - before) | 0);
    this.lock.unlock();
    return number >>> 0;
  }

  /** Goes on in a new segment. Returns where its first record goes. */
  private grow(at: number, segment: number, need: number): number {
    const { view, offset: o } = this;
    const size = view[segment] as number;
    let next = this.length < SHORT ? size : Math.min(size * 2, LARGEST_SEGMENT);
    while (next < need * 4) next *= 2;
    const created = newSegment(this.heap, next);
    view[at + 1] = created;
    view[at + 2] = segment;
    Atomics.store(view, at, LINK);
    view[o + H.TailSegment] = created;
    view[o + H.Tail] = created + 1;
    return created + 1;
  }

  protected override repair(): void {
    const { view, offset: o } = this;
    for (;;) {
      const at = view[o + H.Tail] as number;
      const tag = Atomics.load(view, at);
      if (tag === 0) return;
      if (tag === LINK) {
        view[o + H.TailSegment] = view[at + 1] as number;
        view[o + H.Tail] = (view[at + 1] as number) + 1;
      } else {
        Atomics.store(view, o + H.Pushed, view[at + 1] as number);
        view[o + H.Tail] = at + RECORD_WORDS + recordData(tag);
      }
    }
  }

  override tryTake(): number {
    const { view, offset: o } = this;
    if (this.length === 0) return NOTHING;
    this.takeLock.lock();
    const pushed = Atomics.load(view, o + H.Pushed);
    if (((pushed - (view[o + H.Popped] as number)) | 0) <= 0) {
      this.takeLock.unlock();
      return NOTHING;
    }
    let at = view[o + H.Head] as number;
    let tag = Atomics.load(view, at);
    let segment = 0;
    if (tag === LINK) {
      segment = view[at + 2] as number;
      at = (view[at + 1] as number) + 1;
      tag = Atomics.load(view, at);
      Atomics.store(view, o + H.Head, at);
    }
    const number = view[at + 1] as number;
    const length = (tag & ~OUTSIDE) - 1;
    const block = (tag & OUTSIDE) === 0 ? 0 : (view[at + RECORD_WORDS] as number);
    if (block === 0) copyOut(this.bytes, at + RECORD_WORDS, length);
    Atomics.store(view, o + H.Head, at + RECORD_WORDS + recordData(tag));
    Atomics.store(view, o + H.Popped, number);
    this.takeLock.unlock();
    if (segment !== 0) this.heap.free(segment, view[segment] as number);
    if (block !== 0) {
      copyOut(this.bytes, block, length);
      this.heap.free(block, dataWords(length));
    }
    taken.left = (pushed - number) | 0;
    return number >>> 0;
  }

  private repairTaking(): void {
    const { view, offset: o } = this;
    // Read first: what is put meanwhile is behind it.
    const pushed = Atomics.load(view, o + H.Pushed);
    let at = view[o + H.Head] as number;
    if (Atomics.load(view, at) === LINK) at = (view[at + 1] as number) + 1;
    const empty = Atomics.load(view, at) === 0;
    Atomics.store(view, o + H.Popped, empty ? pushed : ((view[at + 1] as number) - 1) | 0);
  }

  override adoptItems(items: readonly MovedItem[]): void {
    const { view, offset: o } = this;
    const [pushed, popped] = [view[o + H.Pushed] as number, view[o + H.Popped] as number];
    view[o + H.Pushed] = popped;
    for (const { bytes } of items) this.tryPush(bytes, bytes.length, 0);
    view[o + H.Pushed] = pushed;
  }

  override dispose(): void {
    while (this.tryTake() !== NOTHING);
    const { view } = this;
    const head = view[this.offset + H.Head] as number;
    let segment = view[this.offset + H.TailSegment] as number;
    // A thread that died after it had linked a new segment has put nothing into it.
    if (view[head] === LINK) {
      segment = view[head + 1] as number;
      const before = view[head + 2] as number;
      this.heap.free(before, view[before] as number);
    }
    this.heap.free(segment, view[segment] as number);
    this.freeHeader();
  }
}

function newSegment(heap: HeapMemory, size: number): number {
  const segment = heap.allocate(size, false);
  const { view } = heap.words;
  view[segment] = size;
  view[segment + 1] = 0;
  return segment;
}

/** How many words of data a record with this tag has. */
function recordData(tag: number): number {
  return (tag & OUTSIDE) !== 0 ? 1 : dataWords(tag - 1);
}
