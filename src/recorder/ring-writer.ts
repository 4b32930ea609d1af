/**
 * A thread's own side of its ring: the hot path of recording.
 *
 * `head` and `limit` are plain variables of the closure: the thread is the only writer, and looks at the shared tail
 * only when it reaches the limit, first at half a ring (to wake the collector early), then at a full one. There it
 * waits a moment for the collector; if none comes it drops records and counts them, and does not wait again until it
 * found room. A record is published by storing the head after it, so it is never seen half-written.
 */
import { EventKind, RECORD_BYTES } from "../trace/events.js";
import { ProcessWord, processWords, type Slot, SlotWord } from "./ring-memory.js";

/** How long a thread waits for room in a full ring: milliseconds. A busy machine lets a collector wait for its core. */
const PATIENCE_MS = 50;
/** The same while the collector is still starting. */
const START_PATIENCE_MS = 500;
/** Strings beyond this are not kept for reuse: they are details, not names. */
const MAX_KEPT_TEXT = 1024;
const MAX_KEPT_TEXTS = 1 << 16;
/** Bytes of the longest string; what is longer is cut. */
const MAX_TEXT_BYTES = 1 << 16;

export interface RingWriter {
  emitAt(t: number, kind: number, object: number, site: number, a: number, b: number, flags: number): void;
  emit(kind: number, object: number, site: number, a: number, b: number, flags: number): void;
  /** As emitAt, but does not call what {@link setAfter} set: for what the recorder observes by itself. */
  emitQuietlyAt(t: number, kind: number, object: number, site: number, a: number, b: number, flags: number): void;
  intern(text: string): number;
  /** `after` is called behind each record until it is set to null. */
  setAfter(after: (() => void) | null): void;
}

/**
 * @param whenFull called when the ring is full, to get a collector going or to drain at once, and once more when the
 * collector did not come in time.
 */
export function makeRingWriter(
  memory: SharedArrayBuffer,
  slot: Slot,
  clock: () => number,
  whenFull: (waitedInVain: boolean) => void,
): RingWriter {
  const { words, f64, u32, bytes, records } = slot;
  const process = processWords(memory);
  const mask = records - 1;
  const half = records >> 1;
  let head = words[SlotWord.Head] as number;
  /** Where `head` must stop to look again; at most tail + records. */
  let limit = (head + half) | 0;
  let gaveUp = false;
  let hasAfter = false;
  let after: (() => void) | null = null;

  function wakeCollector(): void {
    Atomics.add(process, ProcessWord.Wake, 1);
    Atomics.notify(process, ProcessWord.Wake);
  }

  /** Makes room for `n` more records, if it can. */
  function room(n: number): boolean {
    let tail = Atomics.load(words, SlotWord.Tail);
    let used = (head - tail) | 0;
    if (used + n > records && !gaveUp) {
      whenFull(false);
      const patience = Atomics.load(process, ProcessWord.Collecting) === 0 ? START_PATIENCE_MS : PATIENCE_MS;
      const until = clock() + patience;
      for (;;) {
        tail = Atomics.load(words, SlotWord.Tail);
        used = (head - tail) | 0;
        if (used + n <= records) break;
        const left = until - clock();
        if (left <= 0 || Atomics.load(process, ProcessWord.Closing) !== 0) break;
        wakeCollector();
        Atomics.wait(words, SlotWord.Tail, tail, left);
      }
      if (used + n > records) {
        whenFull(true);
        tail = Atomics.load(words, SlotWord.Tail);
        used = (head - tail) | 0;
      }
    }
    if (used + n > records) {
      gaveUp = true;
      return false;
    }
    gaveUp = false;
    if (used >= half) {
      wakeCollector();
      limit = (tail + records) | 0;
    } else limit = (tail + (used + n > half ? records : half)) | 0;
    return true;
  }

  function put(t: number, kind: number, object: number, site: number, a: number, b: number, flags: number): void {
    const i = head & mask;
    const f = i << 2;
    const u = i << 3;
    f64[f] = t;
    f64[f + 1] = a;
    u32[u + 4] = kind | (flags << 8);
    u32[u + 5] = object;
    u32[u + 6] = site;
    u32[u + 7] = b;
    head = (head + 1) | 0;
    Atomics.store(words, SlotWord.Head, head);
  }

  function drop(): void {
    Atomics.add(words, SlotWord.Dropped, 1);
  }

  function tellDropped(t: number): void {
    const lost = Atomics.exchange(words, SlotWord.Dropped, 0);
    if (lost > 0) put(t, EventKind.Dropped, 0, 0, lost, 0, 0);
  }

  function emitAt(t: number, kind: number, object: number, site: number, a: number, b: number, flags: number): void {
    if (head === limit) {
      const wasLost = gaveUp;
      if (!room(wasLost ? 2 : 1)) {
        drop();
        return;
      }
      if (wasLost) tellDropped(t);
    }
    const i = head & mask;
    const f = i << 2;
    const u = i << 3;
    f64[f] = t;
    f64[f + 1] = a;
    u32[u + 4] = kind | (flags << 8);
    u32[u + 5] = object;
    u32[u + 6] = site;
    u32[u + 7] = b;
    head = (head + 1) | 0;
    Atomics.store(words, SlotWord.Head, head);
    if (hasAfter) after?.();
  }

  const texts = new Map<string, number>();
  let lastText = 0;
  let scratch: Uint8Array | null = null;
  let encoder: TextEncoder | null = null;

  function intern(text: string): number {
    if (text === "") return 0;
    const known = texts.get(text);
    if (known !== undefined) return known;
    encoder ??= new TextEncoder();
    scratch ??= new Uint8Array(MAX_TEXT_BYTES);
    const length = encoder.encodeInto(text, scratch).written;
    const slots = Math.ceil(length / RECORD_BYTES);
    const wasLost = gaveUp;
    const needed = slots + 1 + (wasLost ? 1 : 0);
    if (((limit - head) | 0) < needed && !room(needed)) {
      drop();
      return 0;
    }
    const t = clock();
    if (wasLost) tellDropped(t);
    const number = ++lastText;
    const i = head & mask;
    f64[i << 2] = t;
    f64[(i << 2) + 1] = length;
    u32[(i << 3) + 4] = EventKind.Text;
    u32[(i << 3) + 5] = 0;
    u32[(i << 3) + 6] = 0;
    u32[(i << 3) + 7] = number;
    const at = ((i + 1) & mask) * RECORD_BYTES;
    const first = Math.min(length, bytes.length - at);
    bytes.set(scratch.subarray(0, first), at);
    if (first < length) bytes.set(scratch.subarray(first, length), 0);
    head = (head + 1 + slots) | 0;
    Atomics.store(words, SlotWord.Head, head);
    if (text.length <= MAX_KEPT_TEXT) {
      if (texts.size >= MAX_KEPT_TEXTS) texts.clear();
      texts.set(text, number);
    }
    return number;
  }

  return {
    emitAt,
    emit: (kind, object, site, a, b, flags) => emitAt(clock(), kind, object, site, a, b, flags),
    emitQuietlyAt(t, kind, object, site, a, b, flags) {
      const before = hasAfter;
      hasAfter = false;
      emitAt(t, kind, object, site, a, b, flags);
      hasAfter = before;
    },
    intern,
    setAfter(callback) {
      after = callback;
      hasAfter = callback !== null;
    },
  };
}
