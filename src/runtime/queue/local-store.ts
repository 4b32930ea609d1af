/** The items of a queue that never left its thread: plain values, of any kind, in the order in which they leave. */

/** An item and its number. */
export interface Entry<T> {
  readonly item: T;
  readonly number: number;
}

export interface LocalStore<T> {
  readonly length: number;
  /** How many were ever put: the number of the item put last. */
  readonly pushed: number;
  /** The number of the item taken last. */
  readonly number: number;
  /** Adds an item. A comparison that throws leaves everything as it was. */
  push(item: T): void;
  /** Takes the next item; there must be one. The same holds for comparisons. */
  pop(): T;
  /** All items in the order in which they would leave; they stay. */
  entries(): Entry<T>[];
  clear(): void;
}
