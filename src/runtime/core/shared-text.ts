/**
 * Short texts that all who share a heap can read by number, such as the places where locks were acquired: each is in the
 * heap once and stays there. A table of chains in the heap finds a text again; a new one becomes visible whole, by a
 * single compare-and-swap, so a thread that dies in between leaves nothing half-written.
 */
import { type HeapMemory, HeapWord } from "./heap-memory.js";

/** Words of an entry; the bytes follow. */
const Entry = { Next: 0, Hash: 1, Length: 2, Bytes: 3 } as const;

export class SharedTexts {
  /** The texts that this thread knows, by either side. */
  readonly #known = new Map<string, number>();
  readonly #texts = new Map<number, string>();

  constructor(private readonly heap: HeapMemory) {}

  /** The number of a text, the same for all; 0 for "". */
  numberOf(text: string): number {
    if (text === "") return 0;
    let number = this.#known.get(text);
    if (number === undefined) {
      number = this.#find(Buffer.from(text));
      this.#known.set(text, number);
    }
    return number;
  }

  /** The text with this number; "" for 0. */
  textOf(number: number): string {
    if (number === 0) return "";
    let text = this.#texts.get(number);
    if (text === undefined) {
      const length = this.heap.words.load(number + Entry.Length);
      text = Buffer.from(this.heap.read(number + Entry.Bytes, length)).toString();
      this.#texts.set(number, text);
    }
    return text;
  }

  #find(bytes: Buffer): number {
    const { heap } = this;
    const { words } = heap;
    let hash = 0;
    for (const byte of bytes) hash = (Math.imul(hash, 31) + byte) | 0;
    const chain = HeapWord.Texts + ((hash >>> 0) % HeapWord.TextChains);
    let mine = 0;
    for (;;) {
      const first = words.load(chain);
      for (let at = first; at !== 0; at = words.load(at + Entry.Next)) if (this.#isAt(at, hash, bytes)) return at;
      if (mine === 0) {
        mine = heap.allocate(Entry.Bytes + ((bytes.length + 3) >> 2));
        words.note(mine + Entry.Hash, hash);
        words.note(mine + Entry.Length, bytes.length);
        heap.write(mine + Entry.Bytes, bytes);
      }
      words.note(mine + Entry.Next, first);
      if (words.compareExchange(chain, first, mine) === first) return mine;
    }
  }

  #isAt(at: number, hash: number, bytes: Buffer): boolean {
    const { words, bytes: all } = this.heap;
    if (words.load(at + Entry.Hash) !== hash || words.load(at + Entry.Length) !== bytes.length) return false;
    const start = (at + Entry.Bytes) * 4;
    for (let i = 0; i < bytes.length; i++) if (all[start + i] !== bytes[i]) return false;
    return true;
  }
}
