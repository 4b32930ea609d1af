/**
 * The memory that a process's threads record into: one SharedArrayBuffer with a directory and a ring per thread.
 *
 * It is reserved large, because the system commits pages only when they are touched. The directory begins with words
 * of the process, then follow the slots: control words of a ring each. A thread claims a free slot by compare-and-swap
 * and is the only writer of its ring; head and tail stand in cache lines of their own. Whoever holds the drain lock
 * (the collector, or the exiting main thread) is the only reader, and frees the slot when its thread is gone.
 */
import { RECORD_BYTES } from "../trace/events.js";

/** Words (Int32) of the process, at the start of the memory. */
export const ProcessWord = {
  /** Slots that exist. */
  Slots: 0,
  /** Records in a ring, a power of two. */
  RingRecords: 1,
  /** Counts up to wake the collector, which waits on it. */
  Wake: 2,
  /** 0: free, else held: by the collector (1) or the main thread (2). */
  DrainLock: 3,
  /** 1: the main thread exits; the collector must stop, and no one waits for room. */
  Closing: 4,
  /** The last object number given out. */
  ObjectNumber: 5,
  /** Slots that were ever claimed: only these are looked at. */
  UsedSlots: 6,
  /** 1: the process was announced in the file. */
  Announced: 7,
  /** Threads that found no free slot. */
  Refused: 8,
  /** 1: the collector is up and has drained. */
  Collecting: 9,
  /** Another number every few milliseconds; 0 while there is no collector. */
  Tick: 10,
  /** Threads of the runtime that were started and have not claimed a slot yet. */
  Starting: 11,
} as const;

/** Words (Int32) of a slot. */
export const SlotWord = {
  /** {@link SlotState}. */
  State: 0,
  /** The thread's number. */
  Thread: 1,
  /** The OS thread id, 0 if not known. */
  Tid: 2,
  /** 1: the thread wrote ThreadEnd itself. 2: it was told dead by who started it. Bits. */
  Ended: 3,
  /** Records lost that no Dropped record tells of yet. */
  Dropped: 4,
  /** Counts the drains since Ended was seen, where the system cannot tell whether the thread is gone. */
  Grace: 5,
  /** Bytes 24–31: float64, nanoseconds from the trace's origin to 0 of the thread's clock. */
  OffsetNs: 6,
  /** `StuckState` of the thread. */
  Stuck: 8,
  /** Records written, modulo 2^32; published after the record. */
  Head: 16,
  /** Records drained, modulo 2^32. */
  Tail: 32,
} as const;

export const SlotState = { Free: 0, Claiming: 1, Live: 2 } as const;

/** Bits of {@link SlotWord.Ended}. */
export const EndedBit = { Said: 1, Told: 2 } as const;

/**
 * A slot's ledger: what its thread tells of only later (`runtime/core/mutex.ts`), so that whoever drains can tell it when
 * the thread cannot any more. An entry is of one lock: 32 bytes, of which these are places as float64 and as uint32.
 */
export const LEDGER_ENTRIES = 32;
export const LedgerF64 = {
  /** When the hold began that goes on, or 0. */ Began: 0,
  /** Brief holds that are not told: when the first began, */ Since: 1,
  /** and the last. */ Until: 2,
  Size: 4,
} as const;
export const LedgerU32 = { Object: 6, /** How many brief holds are not told. */ Count: 7, Size: 8 } as const;
const LEDGER_BYTES = LEDGER_ENTRIES * LedgerU32.Size * 4;

const PROCESS_BYTES = 256;
const SLOT_WORDS = 64;

/** Sizes to try: slots and records per ring. 512 MiB, 32 MiB, 4 MiB. */
const SIZES = [
  [256, 1 << 16],
  [64, 1 << 14],
  [16, 1 << 13],
] as const;

/** Reserves the memory; null if there is no room even for the smallest. */
export function createRingMemory(sizes: readonly (readonly [number, number])[] = SIZES): SharedArrayBuffer | null {
  for (const [slots, records] of sizes) {
    try {
      const memory = new SharedArrayBuffer(ringStart(slots) + slots * records * RECORD_BYTES);
      const words = new Int32Array(memory, 0, PROCESS_BYTES / 4);
      words[ProcessWord.Slots] = slots;
      words[ProcessWord.RingRecords] = records;
      return memory;
    } catch {
      // Too large for this machine or its limits.
    }
  }
  return null;
}

function ledgerStart(slots: number): number {
  return PROCESS_BYTES + slots * SLOT_WORDS * 4;
}

function ringStart(slots: number): number {
  return ledgerStart(slots) + slots * LEDGER_BYTES;
}

export function processWords(memory: SharedArrayBuffer): Int32Array {
  return new Int32Array(memory, 0, PROCESS_BYTES / 4);
}

/** Views of one slot and its ring. */
export interface Slot {
  readonly words: Int32Array;
  /** Float64 view of `words`, for OffsetNs at index OffsetNs / 2. */
  readonly wordsF64: Float64Array;
  readonly ledgerF64: Float64Array;
  readonly ledgerU32: Uint32Array;
  readonly records: number;
  readonly f64: Float64Array;
  readonly u32: Uint32Array;
  readonly bytes: Uint8Array;
}

export function slotAt(memory: SharedArrayBuffer, index: number): Slot {
  const process = processWords(memory);
  const slots = process[ProcessWord.Slots] as number;
  const records = process[ProcessWord.RingRecords] as number;
  const start = PROCESS_BYTES + index * SLOT_WORDS * 4;
  const ledger = ledgerStart(slots) + index * LEDGER_BYTES;
  const ring = ringStart(slots) + index * records * RECORD_BYTES;
  return {
    words: new Int32Array(memory, start, SLOT_WORDS),
    wordsF64: new Float64Array(memory, start, SLOT_WORDS / 2),
    ledgerF64: new Float64Array(memory, ledger, LEDGER_BYTES / 8),
    ledgerU32: new Uint32Array(memory, ledger, LEDGER_BYTES / 4),
    records,
    f64: new Float64Array(memory, ring, (records * RECORD_BYTES) / 8),
    u32: new Uint32Array(memory, ring, (records * RECORD_BYTES) / 4),
    bytes: new Uint8Array(memory, ring, records * RECORD_BYTES),
  };
}

/** Takes a free slot for the calling thread; null if all are taken. The caller fills in its words and sets it Live. */
export function claimSlot(memory: SharedArrayBuffer): Slot | null {
  const process = processWords(memory);
  const slots = process[ProcessWord.Slots] as number;
  for (let i = 0; i < slots; i++) {
    const slot = slotAt(memory, i);
    if (Atomics.compareExchange(slot.words, SlotWord.State, SlotState.Free, SlotState.Claiming) !== SlotState.Free) {
      continue;
    }
    for (;;) {
      const used = Atomics.load(process, ProcessWord.UsedSlots);
      if (used > i || Atomics.compareExchange(process, ProcessWord.UsedSlots, used, i + 1) === used) break;
    }
    return slot;
  }
  Atomics.add(process, ProcessWord.Refused, 1);
  return null;
}
