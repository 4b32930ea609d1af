/**
 * The items of a queue in one thread, smallest first, and of equal ones the one put first: a binary heap.
 *
 * Comparing may throw, since it is the user's function or meets values without an order. So the way of an item through
 * the heap is found first, by comparisons alone, and only then gone.
 */
import { RuntimeError } from "../core/errors.js";
import type { Entry, LocalStore } from "./local-store.js";

export class LocalHeap<T> implements LocalStore<T> {
  private items: T[] = [];
  private numbers: number[] = [];
  private comparing = false;
  pushed = 0;
  number = 0;

  constructor(private readonly compare: (a: T, b: T) => number) {}

  get length(): number {
    return this.items.length;
  }

  /** True if an item leaves before the one at a place. */
  private before(item: T, number: number, at: number): boolean {
    const order = this.compare(item, this.items[at] as T);
    return order < 0 || (!(order > 0) && number < (this.numbers[at] as number));
  }

  private guard<R>(way: () => R): R {
    if (this.comparing) throw new RuntimeError("a compare function cannot put into or take from its own queue");
    this.comparing = true;
    try {
      return way();
    } finally {
      this.comparing = false;
    }
  }

  push(item: T): void {
    const { items, numbers } = this;
    const number = this.pushed + 1;
    let at = items.length;
    if (at > 0) {
      at = this.guard(() => {
        let place = items.length;
        while (place > 0) {
          const parent = (place - 1) >> 1;
          if (!this.before(item, number, parent)) break;
          place = parent;
        }
        return place;
      });
    }
    this.pushed = number;
    let hole = items.length;
    while (hole > at) {
      const parent = (hole - 1) >> 1;
      items[hole] = items[parent] as T;
      numbers[hole] = numbers[parent] as number;
      hole = parent;
    }
    items[hole] = item;
    numbers[hole] = number;
  }

  pop(): T {
    const { items, numbers } = this;
    const first = items[0] as T;
    const way = items.length > 2 ? this.guard(() => this.wayDown()) : [];
    const last = items.pop() as T;
    const lastNumber = numbers.pop() as number;
    this.number = numbers[0] ?? lastNumber;
    if (items.length === 0) return first;
    let hole = 0;
    for (const child of way) {
      items[hole] = items[child] as T;
      numbers[hole] = numbers[child] as number;
      hole = child;
    }
    items[hole] = last;
    numbers[hole] = lastNumber;
    return first;
  }

  /** The places that move up one after the other when the first item has left and the last one takes its place. */
  private wayDown(): number[] {
    const { items, numbers } = this;
    const end = items.length - 1;
    const [last, lastNumber] = [items[end] as T, numbers[end] as number];
    const way: number[] = [];
    let hole = 0;
    for (;;) {
      let child = hole * 2 + 1;
      if (child >= end) return way;
      if (child + 1 < end && this.before(items[child + 1] as T, numbers[child + 1] as number, child)) child++;
      if (this.before(last, lastNumber, child)) return way;
      way.push(child);
      hole = child;
    }
  }

  entries(): Entry<T>[] {
    const all = this.items.map((item, i) => ({ item, number: this.numbers[i] as number }));
    return this.guard(() =>
      all.sort((a, b) => {
        const order = this.compare(a.item, b.item);
        return order < 0 ? -1 : order > 0 ? 1 : a.number - b.number;
      }),
    );
  }

  clear(): void {
    this.items = [];
    this.numbers = [];
  }
}
