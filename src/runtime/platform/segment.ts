/**
 * Segments: memory without a name that crosses to other threads and processes by a reference, and how long it lives.
 *
 * A segment begins with a header and is mapped once in a thread, however often it arrives there. Pages live as long as
 * anybody has them mapped; that the kernel counts. What it does not count is a reference that is under way: it leads to
 * a descriptor of the sender, which therefore must not be closed before the receiver has opened it. So the header has a
 * count of references under way. The sender adds one, the receiver takes it away when it has mapped the segment, and a
 * sender that lets go of a segment keeps its descriptor until the count is zero. A receiver that is killed before leaves
 * the count up, which costs that descriptor until the sender's process ends.
 *
 * A view must never be touched after its mapping has ended. Whoever makes a view of a segment holds the segment with it
 * (see {@link Segment.view}); only when the segment itself is garbage, and so all views are, is it unmapped.
 */

import { randomBytes } from "node:crypto";
import { isMainThread } from "node:worker_threads";
import { RuntimeError } from "../core/errors.js";
import type { Pins } from "../core/handles.js";
import { unrefOwn } from "../core/stuck-loop.js";
import type { AnonymousMapping, Reference } from "./shared-memory-system.js";
import { sharedMemorySystem } from "./system.js";

/** Bytes before the first that can be used: a cache line. */
export const HEADER_BYTES = 64;
/** Words of the header. The four from Id on tell this segment from all others. */
const Header = { UnderWay: 0, Id: 4, IdEnd: 8 } as const;
/** V8 looks for garbage whenever some 64 MiB have come: here, with some hundred descriptors. */
const WEIGHT_BYTES = 256 * 1024;
/** How often a descriptor that is kept for a reference under way is looked at, in milliseconds. */
const LOOK_MS = 1000;

/** What leads to a segment. */
export interface SegmentHandle {
  readonly id: string;
  readonly reference: Reference;
  /** Whether whoever reads this takes one from the count of references under way. */
  readonly counted: boolean;
}

/** What outlives the object, to be let go of behind it. */
interface Hold {
  readonly mapping: AnonymousMapping;
  readonly header: Int32Array;
  /** A reference was handed out that may be read at any time. */
  kept: boolean;
}

const known = new Map<string, WeakRef<Segment>>();
const holds = new Set<Hold>();
const lingering = new Set<Hold>();
let look: NodeJS.Timeout | null = null;

const collected = new FinalizationRegistry<{ hold: Hold; id: string }>(({ hold, id }) => {
  if (known.get(id)?.deref() === undefined) known.delete(id);
  letGo(hold);
});
const views = new FinalizationRegistry<Segment>(() => {
  // Nothing to do: that the segment was held by the registry, as long as there was the view, is what it is for.
});

function referenced(hold: Hold): boolean {
  return hold.kept || Atomics.load(hold.header, Header.UnderWay) > 0;
}

function letGo(hold: Hold): void {
  if (referenced(hold)) {
    if (hold.kept) return;
    lingering.add(hold);
    look ??= unrefOwn(setInterval(lookAgain, LOOK_MS));
    return;
  }
  lingering.delete(hold);
  holds.delete(hold);
  release(hold.mapping);
}

function release(mapping: AnonymousMapping): void {
  const system = sharedMemorySystem();
  system.closeReference(mapping.reference);
  if (mapping.host === undefined) system.unmap(mapping);
}

function lookAgain(): void {
  for (const hold of lingering) letGo(hold);
  if (lingering.size > 0 || look === null) return;
  clearInterval(look);
  look = null;
}

// The descriptors are the process's and would outlive the thread.
if (!isMainThread) {
  process.on("exit", () => {
    for (const hold of holds) if (!referenced(hold)) sharedMemorySystem().closeReference(hold.mapping.reference);
    holds.clear();
  });
}

export class Segment {
  readonly id: string;
  /** Bytes that can be used. */
  readonly size: number;
  readonly #hold: Hold;
  /** What a hosted one weighs for the garbage collector, so that it comes by in time for those that were dropped. */
  readonly weight: ArrayBuffer | null;

  private constructor(id: string, mapping: AnonymousMapping, header: Int32Array) {
    this.id = id;
    this.size = mapping.size - HEADER_BYTES;
    this.#hold = { mapping, header, kept: false };
    this.weight = mapping.host === undefined ? null : sharedMemorySystem().view(mapping.address, WEIGHT_BYTES);
    holds.add(this.#hold);
    known.set(id, new WeakRef(this));
    collected.register(this, { hold: this.#hold, id });
  }

  /**
   * Makes one, zeroed. Throws `RuntimeError` where memory cannot be shared, and the system's error for no room. `hosted`:
   * it is large, and seen by its {@link area} only.
   */
  static create(size: number, hosted = false): Segment {
    const mapping = sharedMemorySystem().createAnonymous(HEADER_BYTES + size, hosted);
    const header = headerOf(mapping);
    const id = randomBytes(16);
    header.set(new Int32Array(id.buffer.slice(id.byteOffset, id.byteOffset + 16)), Header.Id);
    return new Segment(idOf(header), mapping, header);
  }

  /** The segment that a handle leads to. Throws `RuntimeError` if nobody is there any more that has it. */
  static of(handle: SegmentHandle, hosted = false): Segment {
    const segment = known.get(handle.id)?.deref() ?? Segment.#open(handle, hosted);
    if (handle.counted) Atomics.sub(segment.#hold.header, Header.UnderWay, 1);
    return segment;
  }

  static #open({ id, reference }: SegmentHandle, hosted: boolean): Segment {
    const system = sharedMemorySystem();
    let mapping: AnonymousMapping;
    try {
      mapping = system.openAnonymous(reference, hosted);
    } catch (error) {
      throw gone(error);
    }
    const header = headerOf(mapping);
    if (mapping.size > HEADER_BYTES && idOf(header) === id) return new Segment(id, mapping, header);
    release(mapping);
    throw gone(undefined);
  }

  /** A view of a part. It, and all that is made of its buffer, holds the segment. */
  view(offset: number, size: number): ArrayBuffer {
    const buffer = sharedMemorySystem().view(this.addressOf(offset), size);
    views.register(buffer, this);
    return buffer;
  }

  /** All of it, as a part of a buffer. Whoever has a view of that has to hold the segment, too. */
  area(): { readonly buffer: ArrayBufferLike; readonly start: number } {
    const { host } = this.#hold.mapping;
    return host === undefined ? { buffer: this.view(0, this.size), start: 0 } : { buffer: host, start: HEADER_BYTES };
  }

  /** Where a part is in the address space of this process: for system calls, by whoever has a view of it. */
  addressOf(offset: number): bigint {
    return this.#hold.mapping.address + BigInt(HEADER_BYTES + offset);
  }

  /** What leads another thread or process to it. `pins` as the codec has it. */
  handle(pins: Pins): SegmentHandle {
    const hold = this.#hold;
    if (pins === null) {
      hold.kept = true;
    } else {
      Atomics.add(hold.header, Header.UnderWay, 1);
      pins.push(() => Atomics.sub(hold.header, Header.UnderWay, 1));
    }
    return { id: this.id, reference: hold.mapping.reference, counted: pins !== null };
  }
}

function headerOf({ address, host }: AnonymousMapping): Int32Array {
  return new Int32Array(host ?? sharedMemorySystem().view(address, HEADER_BYTES), 0, HEADER_BYTES / 4);
}

function idOf(header: Int32Array): string {
  return header.subarray(Header.Id, Header.IdEnd).join(":");
}

function gone(cause: unknown): RuntimeError {
  return new RuntimeError(
    "the shared memory is gone: the process or thread that sent it has ended before it could be mapped here",
    { cause },
  );
}
