/** The items of a queue in one thread, first in, first out: an array whose read part is cut off now and then. */
import type { Entry, LocalStore } from "./local-store.js";

export class LocalItems<T> implements LocalStore<T> {
  private items: (T | undefined)[] = [];
  private first = 0;
  private popped = 0;

  get length(): number {
    return this.items.length - this.first;
  }

  get pushed(): number {
    return this.popped + this.length;
  }

  get number(): number {
    return this.popped;
  }

  push(item: T): void {
    this.items.push(item);
  }

  pop(): T {
    const item = this.items[this.first] as T;
    this.items[this.first++] = undefined;
    this.popped++;
    if (this.first > 64 && this.first * 2 > this.items.length) {
      this.items = this.items.slice(this.first);
      this.first = 0;
    }
    return item;
  }

  entries(): Entry<T>[] {
    return this.items.slice(this.first).map((item, i) => ({ item: item as T, number: this.popped + 1 + i }));
  }

  clear(): void {
    this.popped += this.length;
    this.items = [];
    this.first = 0;
  }
}
