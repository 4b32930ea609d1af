/**
 * Where anonymous shared memory comes from. Much of it gets a segment of its own; little of it is a block in a segment of
 * 1 MiB, since a segment costs a descriptor, a page at least and some microseconds.
 *
 * Blocks are whole cache lines, so that two counters that two processes write do not slow each other down, in sizes of
 * powers of two. A block of which no view is left is given out again, unless it has crossed: then nobody knows who else
 * has it, and it stays.
 */
import { constants } from "node:buffer";
import type { Pins } from "../core/handles.js";
import { HEADER_BYTES, Segment, type SegmentHandle } from "./segment.js";

const ARENA_BYTES = 1 << 20;
const SMALLEST = 64;
const LARGEST = 16 * 1024;
/** A larger view is not an error but the end of the process, in some versions of Node. */
const MOST = constants.MAX_LENGTH - HEADER_BYTES;

/** What leads to memory. */
export interface MemoryHandle {
  readonly segment: SegmentHandle;
  readonly offset: number;
  readonly size: number;
}

/** A block of an arena of this thread. */
interface Block {
  readonly segment: Segment;
  readonly offset: number;
  readonly size: number;
  crossed: boolean;
}

/** Blocks that can be given out again, by size. */
const free = new Map<number, Block[]>();
const blocks = new FinalizationRegistry<Block>((block) => {
  if (!block.crossed) listOf(block.size).push(block);
});
let arena: { readonly segment: Segment; top: number } | null = null;

function listOf(size: number): Block[] {
  let list = free.get(size);
  if (list === undefined) {
    list = [];
    free.set(size, list);
  }
  return list;
}

function takeBlock(bytes: number): Block {
  let size = SMALLEST;
  while (size < bytes) size *= 2;
  const freed = listOf(size).pop();
  if (freed !== undefined) return freed;
  if (arena === null || arena.top + size > arena.segment.size) {
    arena = { segment: Segment.create(ARENA_BYTES), top: 0 };
  }
  const offset = arena.top;
  arena.top += size;
  return { segment: arena.segment, offset, size, crossed: false };
}

/** Memory that any thread and process may have, as one buffer. */
export class AnonymousMemory {
  /** The memory itself. All that is made of it keeps it. */
  readonly buffer: ArrayBuffer;
  readonly #segment: Segment;
  readonly #offset: number;
  readonly #block: Block | null;

  private constructor(segment: Segment, offset: number, size: number, block: Block | null) {
    this.#segment = segment;
    this.#offset = offset;
    this.#block = block;
    this.buffer = size === 0 ? new ArrayBuffer(0) : segment.view(offset, size);
    if (block !== null) blocks.register(this.buffer, block);
  }

  /** Makes some, zeroed. Throws `RuntimeError` where memory cannot be shared, the system's error for no room. */
  static create(size: number): AnonymousMemory {
    if (size > MOST) throw new RangeError(`${size} bytes are too many: this Node has buffers of at most ${MOST} bytes`);
    if (size > LARGEST) return new AnonymousMemory(Segment.create(size), 0, size, null);
    const block = takeBlock(size);
    const memory = new AnonymousMemory(block.segment, block.offset, size, block);
    new Uint8Array(memory.buffer).fill(0);
    return memory;
  }

  /** The memory that a handle leads to. Throws `RuntimeError` if nobody has it any more. */
  static of({ segment, offset, size }: MemoryHandle): AnonymousMemory {
    return new AnonymousMemory(Segment.of(segment), offset, size, null);
  }

  /** What leads another thread or process to it. */
  handle(pins: Pins): MemoryHandle {
    if (this.#block !== null) this.#block.crossed = true;
    return { segment: this.#segment.handle(pins), offset: this.#offset, size: this.buffer.byteLength };
  }
}
