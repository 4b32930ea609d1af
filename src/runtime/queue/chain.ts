/**
 * Last in, first out: a chain of nodes [next, number, bytes, data…], made ready outside of the lock and put in front, or
 * taken from there, by a single store. Both counters can be found again by walking the chain.
 */
import { ObjectKind } from "../../trace/events.js";
import { allocate, free, words } from "../core/heap.js";
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

const { view } = words;

const N = { Next: 0, Number: 1, Bytes: 2, Data: 3 } as const;
const nodeWords = (bytes: number): number => N.Data + ((bytes + 3) >> 2);

export class Chain extends SharedQueue {
  private constructor(offset: number) {
    super(offset);
  }

  static create(): Chain {
    return new Chain(SharedQueue.allocateHeader(ObjectKind.LifoQueue));
  }

  /** One that another thread made. */
  static attach(offset: number): Chain {
    return new Chain(offset);
  }

  override tryPush(bytes: Uint8Array, length: number, limit: number): number {
    const o = this.offset;
    if (view[o + H.Closed] !== 0) return CLOSED;
    if (limit > 0 && this.length >= limit) return FULL;
    const node = newNode(bytes, length);
    this.lock.lock();
    const pushed = view[o + H.Pushed] as number;
    const closed = view[o + H.Closed] !== 0;
    if (closed || (limit > 0 && ((pushed - (view[o + H.Popped] as number)) | 0) >= limit)) {
      this.lock.unlock();
      free(node, nodeWords(length));
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
    const o = this.offset;
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
    copyOut(node + N.Data, length);
    free(node, nodeWords(length));
    return number >>> 0;
  }

  protected override repair(): void {
    this.recount(view[this.offset + H.Head] as number, N.Next, N.Number);
  }

  override adoptItems(items: readonly MovedItem[]): void {
    for (const { bytes, number } of [...items].reverse()) {
      const node = newNode(bytes, bytes.length);
      view[node + N.Number] = number | 0;
      view[node + N.Next] = view[this.offset + H.Head] as number;
      view[this.offset + H.Head] = node;
    }
  }

  override dispose(): void {
    while (this.tryTake() !== NOTHING);
    this.freeHeader();
  }
}

function newNode(bytes: Uint8Array, length: number): number {
  const node = allocate(nodeWords(length), false);
  view[node + N.Bytes] = length;
  copyIn(node + N.Data, bytes, length);
  return node;
}
