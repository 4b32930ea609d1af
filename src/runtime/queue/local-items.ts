/** The items of a queue in one thread: an array read from the front, whose read part is cut off now and then. */
export class LocalItems<T> {
  private items: (T | undefined)[] = [];
  private first = 0;
  /** How many were ever taken. */
  popped = 0;

  get length(): number {
    return this.items.length - this.first;
  }

  /** Adds an item. Returns its number, from 1. */
  push(item: T): number {
    this.items.push(item);
    return this.popped + this.length;
  }

  /** Takes the first item; undefined if there is none. */
  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.items[this.first];
    this.items[this.first++] = undefined;
    this.popped++;
    if (this.first > 64 && this.first * 2 > this.items.length) {
      this.items = this.items.slice(this.first);
      this.first = 0;
    }
    return item;
  }

  toArray(): T[] {
    return this.items.slice(this.first) as T[];
  }

  clear(): void {
    this.items = [];
    this.first = 0;
  }
}
