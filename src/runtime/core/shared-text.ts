/**
 * Short texts that all threads can read by number, such as the places where locks were acquired: each is in the heap
 * once and stays there. A table of chains in the heap finds a text again; a new one becomes visible whole, by a single
 * compare-and-swap, so a thread that dies in between leaves nothing half-written.
 */
import { allocate, HeapWord, heapBytes, readHeap, words } from "./heap.js";

/** Words of an entry; the bytes follow. */
const Entry = { Next: 0, Hash: 1, Length: 2, Bytes: 3 } as const;

/** The texts that this thread knows, by either side. */
const known = new Map<string, number>();
const texts = new Map<number, string>();

/** The number of a text, the same in all threads; 0 for "". */
export function sharedText(text: string): number {
  if (text === "") return 0;
  let number = known.get(text);
  if (number === undefined) {
    number = find(Buffer.from(text));
    known.set(text, number);
  }
  return number;
}

/** The text with this number; "" for 0. */
export function textOf(number: number): string {
  if (number === 0) return "";
  let text = texts.get(number);
  if (text === undefined) {
    text = Buffer.from(readHeap(number + Entry.Bytes, words.load(number + Entry.Length))).toString();
    texts.set(number, text);
  }
  return text;
}

function find(bytes: Buffer): number {
  let hash = 0;
  for (const byte of bytes) hash = (Math.imul(hash, 31) + byte) | 0;
  const chain = HeapWord.Texts + ((hash >>> 0) % HeapWord.TextChains);
  let mine = 0;
  for (;;) {
    const first = words.load(chain);
    for (let at = first; at !== 0; at = words.load(at + Entry.Next)) if (isAt(at, hash, bytes)) return at;
    if (mine === 0) {
      mine = allocate(Entry.Bytes + ((bytes.length + 3) >> 2));
      words.note(mine + Entry.Hash, hash);
      words.note(mine + Entry.Length, bytes.length);
      heapBytes.set(bytes, (mine + Entry.Bytes) * 4);
    }
    words.note(mine + Entry.Next, first);
    if (words.compareExchange(chain, first, mine) === first) return mine;
  }
}

function isAt(at: number, hash: number, bytes: Buffer): boolean {
  if (words.load(at + Entry.Hash) !== hash || words.load(at + Entry.Length) !== bytes.length) return false;
  const start = (at + Entry.Bytes) * 4;
  for (let i = 0; i < bytes.length; i++) if (heapBytes[start + i] !== bytes[i]) return false;
  return true;
}
