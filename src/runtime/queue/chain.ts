/**
 * Last in, first out: a chain of nodes [next, number, bytes, data…], made ready outside of the lock and put in front, or
 * taken from there, by a single store. Both counters can be found again by walking the chain.
 */
import { ObjectKind } from "../../trace/events.js";
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

const N = { Next: 0, Number: 1, Bytes: 2, Data: 3 } as const;
const nodeWords = (bytes: number): number => N.Data + ((bytes + 3) >> 2);

export class Chain extends SharedQueue {
  private constructor(heap: HeapMemory, offset: number) {
    super(heap, offset);
  }

  static create(heap: HeapMemory): Chain {
    return new Chain(heap, SharedQueue.allocateHeader(heap, ObjectKind.LifoQueue));
  }

  /** One that another thread made. */
  static attach(heap: HeapMemory, offset: number): Chain {
    return new Chain(heap, offset);
  }

  override tryPush(bytes: Uint8Array, length: number, limit: number): number {
    const { view, offset: o } = this;
    if (view[o + H.Closed] !== 0) return CLOSED;
    if (limit > 0 && this.length >= limit) return FULL;
    const node = this.newNode(bytes, length);
    this.lock.lock();
    const pushed = view[o + H.Pushed] as number;
    const closed = view[o + H.Closed] !== 0;
    if (closed || (limit > 0 && ((pushed - (view[o + H.Popped] as number)) | 0) >= limit)) {
      this.lock.unlock();
      this.heap.free(node, nodeWords(length));
      return closed ? CLOSED : FULL;
    }
    const number = (pushed + 1) | 0;
    view[node + N.Number] = number;
    view[node + N.Next] = view[o + H.Head] as number;
    Atomics.store(view, o + H.Head, node);
    Atomics.store(view, o + H.Pushed, number);
    placed.depth = (number - (view[o + H.Popped] as number)) | 0;
    this.lock.unlock();
    return number >>> 0;
  }

  override tryTake(): number {
    const { view, offset: o } = this;
    if (this.length === 0) return NOTHING;
    this.lock.lock();
    const node = view[o + H.Head] as number;
    if (node === 0) {
      this.lock.unlock();
      return NOTHING;
    }
    Atomics.store(view, o + H.Head, view[node + N.Next] as number);
    const popped = ((view[o + H.Popped] as number) + 1) | 0;
    Atomics.store(view, o + H.Popped, popped);
    taken.left = ((view[o + H.Pushed] as number) - popped) | 0;
    this.lock.unlock();
    const number = view[node + N.Number] as number;
    const length = view[node + N.Bytes] as number;
    copyOut(this.bytes, node + N.Data, length);
    this.heap.free(node, nodeWords(length));
    return number >>> 0;
  }

  protected override repair(): void {
    this.recount(this.view[this.offset + H.Head] as number, N.Next, N.Number);
  }

  override adoptItems(items: readonly MovedItem[]): void {
    const { view } = this;
    for (const { bytes, number } of [...items].reverse()) {
      const node = this.newNode(bytes, bytes.length);
      view[node + N.Number] = number | 0;
      view[node + N.Next] = view[this.offset + H.Head] as number;
      view[this.offset + H.Head] = node;
    }
  }

  override dispose(): void {
    while (this.tryTake() !== NOTHING);
    this.freeHeader();
  }

  private newNode(bytes: Uint8Array, length: number): number {
    const node = this.heap.allocate(nodeWords(length), false);
    this.view[node + N.Bytes] = length;
    copyIn(this.bytes, node + N.Data, bytes, length);
    return node;
  }
}
