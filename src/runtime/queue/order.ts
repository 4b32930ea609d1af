/** The order in which a queue gives its items: how it is kept in one thread and in shared memory, and how it crosses. */
import { ObjectKind } from "../../trace/events.js";
import type { CrossingFunction } from "../core/crossing-function.js";
import { describe } from "../core/describe-value.js";
import type { FunctionReference } from "../core/function-reference.js";
import type { HeapMemory } from "../core/heap-memory.js";
import { Chain } from "./chain.js";
import { LocalHeap } from "./local-heap.js";
import { LocalItems } from "./local-items.js";
import { LocalStack } from "./local-stack.js";
import type { LocalStore } from "./local-store.js";
import { compareNaturally } from "./natural-order.js";
import { setAttach } from "./queue-memory.js";
import { Segments } from "./segments.js";
import type { SharedQueue } from "./shared-queue.js";
import { type Compare, SkipList } from "./skip-list.js";

export interface Order<T> {
  readonly kind: ObjectKind;
  /** Under which tag handles of such queues are read. */
  readonly tag: string;
  /** True if the place of an item depends on the item. */
  readonly sorted: boolean;
  local(): LocalStore<T>;
  create(heap: HeapMemory): SharedQueue;
  attach(heap: HeapMemory, offset: number): SharedQueue;
  /** What crosses with the queue. Throws `DataCloneError` if it cannot. */
  reference(): FunctionReference | null;
}

setAttach((heap, offset, kind) => {
  if (kind === ObjectKind.LifoQueue) return Chain.attach(heap, offset);
  return kind === ObjectKind.PriorityQueue ? SkipList.attach(heap, offset, null) : Segments.attach(heap, offset);
});

const unsorted = { sorted: false, reference: () => null };

export const fifo: Order<never> = {
  ...unsorted,
  kind: ObjectKind.Queue,
  tag: "Queue",
  local: () => new LocalItems(),
  create: (heap) => Segments.create(heap),
  attach: (heap, offset) => Segments.attach(heap, offset),
};

export const simple: Order<never> = { ...fifo, kind: ObjectKind.SimpleQueue, tag: "SimpleQueue" };

export const lifo: Order<never> = {
  ...unsorted,
  kind: ObjectKind.LifoQueue,
  tag: "LifoQueue",
  local: () => new LocalStack(),
  create: (heap) => Chain.create(heap),
  attach: (heap, offset) => Chain.attach(heap, offset),
};

/**
 * A compare function that has to return a number. Anything else has no order that anybody could mean: `a > b` is never
 * below 0, and a promise is never a number.
 */
function checking(compare: Compare): Compare {
  return (a, b) => {
    const order: unknown = compare(a, b);
    if (typeof order === "number") return order;
    throw new TypeError(
      `compare must return a number, below 0 if its first argument comes first, as in (a, b) => a.rank - b.rank; it returned ${describe(order)}`,
    );
  };
}

/** The order of a PriorityQueue; `compare` null is the natural one. */
export function priority<T>(compare: CrossingFunction<Compare> | null): Order<T> {
  let checked: Compare | null = null;
  const get = compare === null ? null : () => (checked ??= checking(compare.get()));
  return {
    kind: ObjectKind.PriorityQueue,
    tag: "PriorityQueue",
    sorted: true,
    // Asked for at the first comparison: a queue that arrives may be here before its function is.
    local: () => new LocalHeap<T>(get === null ? compareNaturally : (a, b) => get()(a, b)),
    create: (heap) => SkipList.create(heap, get),
    attach: (heap, offset) => SkipList.attach(heap, offset, get),
    reference: () => compare?.reference("options.compare") ?? null,
  };
}
