/** The items of a queue in one thread, last in, first out. */
import type { Entry, LocalStore } from "./local-store.js";

export class LocalStack<T> implements LocalStore<T> {
  private readonly items: T[] = [];
  private readonly numbers: number[] = [];
  pushed = 0;
  number = 0;

  get length(): number {
    return this.items.length;
  }

  push(item: T): void {
    this.items.push(item);
    this.numbers.push(++this.pushed);
  }

  pop(): T {
    this.number = this.numbers.pop() as number;
    return this.items.pop() as T;
  }

  entries(): Entry<T>[] {
    return this.items.map((item, i) => ({ item, number: this.numbers[i] as number })).reverse();
  }

  clear(): void {
    this.items.length = 0;
    this.numbers.length = 0;
  }
}
