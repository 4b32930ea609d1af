/**
 * Heaps that processes share. Each is one segment, mapped once in a thread that knows anything in it, and there as long
 * as anybody has it mapped: that who made it has ended matters to nobody.
 *
 * A thread makes one when it makes its first object of processes, and another one when that is full. Only what is
 * written takes memory; but V8 counts a buffer of mapped memory as a whole among what asks for a garbage collection, so
 * it is not reserved larger than some hundred thousand locks need. An object's handle carries the segment's, so that a
 * thread can have objects of any number of heaps.
 */
import { traceClockOffset } from "../../../recorder/emit.js";
import type { Pins } from "../../core/handles.js";
import { Heap } from "../../core/shared-heap.js";
import { FutexWords } from "../../platform/futex-words.js";
import { Segment, type SegmentHandle } from "../../platform/segment.js";
import { ProcessHolders } from "./process-holders.js";

const RESERVED_BYTES = 16 * 1024 * 1024;
/** With less than this left, the next objects go to another heap. */
const ENOUGH_BYTES = 64 * 1024;
const LEAST_BYTES = 1024 * 1024;

/** The heaps that this thread has mapped, by the segments they are. */
const mapped = new Map<string, WeakRef<ProcessHeap>>();
const collected = new FinalizationRegistry<string>((id) => {
  if (mapped.get(id)?.deref() === undefined) mapped.delete(id);
});
let own: ProcessHeap | null = null;

export class ProcessHeap extends Heap {
  readonly #segment: Segment;

  private constructor(segment: Segment) {
    const { buffer, start } = segment.area();
    const { size } = segment;
    const bytes = new Uint8Array(buffer, start, size);
    super(
      new FutexWords(buffer, segment.addressOf(0), start, size),
      bytes,
      (heap) => new ProcessHolders(heap),
      traceClockOffset,
    );
    this.#segment = segment;
    mapped.set(segment.id, new WeakRef(this));
    collected.register(this, segment.id);
  }

  /** Makes one. Throws `RuntimeError` where processes cannot share memory. */
  static create(reservedBytes: number = RESERVED_BYTES): ProcessHeap {
    for (let size = reservedBytes; ; size /= 2) {
      try {
        const heap = new ProcessHeap(Segment.create(size, true));
        heap.begin();
        return heap;
      } catch (error) {
        // Where address space is limited, less must do.
        if ((error as NodeJS.ErrnoException).code !== "ENOMEM" || size / 2 < LEAST_BYTES) throw error;
      }
    }
  }

  /** The heap of a handle. Throws `RuntimeError` if nobody has it any more. */
  static of(handle: SegmentHandle): ProcessHeap {
    const segment = Segment.of(handle, true);
    return mapped.get(segment.id)?.deref() ?? new ProcessHeap(segment);
  }

  /** What leads another thread or process to it. `pins` as the codec has it. */
  handle(pins: Pins): SegmentHandle {
    return this.#segment.handle(pins);
  }
}

/** The heap in which this thread makes its objects of processes. */
export function ownProcessHeap(): ProcessHeap {
  if (own === null || own.room < ENOUGH_BYTES) own = ProcessHeap.create();
  return own;
}
