/** Words in the heap for the states of a pool's tasks: taken one by one, in pages, and used again. */
import { allocate, free, words } from "../core/heap.js";

const PAGE = 1024;

export class TaskStateWords {
  readonly #pages: number[] = [];
  readonly #unused: number[] = [];

  /** A word, set to 0. */
  take(): number {
    if (this.#unused.length === 0) {
      const page = allocate(PAGE);
      this.#pages.push(page);
      for (let i = PAGE - 1; i >= 0; i--) this.#unused.push(page + i);
    }
    const word = this.#unused.pop()!;
    Atomics.store(words.view, word, 0);
    return word;
  }

  /** Nobody looks at this word any more. */
  giveBack(word: number): void {
    this.#unused.push(word);
  }

  /** Gives all memory back. */
  dispose(): void {
    for (const page of this.#pages) free(page, PAGE);
    this.#pages.length = 0;
    this.#unused.length = 0;
  }
}
