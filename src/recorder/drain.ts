/**
 * Takes the records out of all rings of a process and appends them to the trace, one frame a drain.
 *
 * It keeps nothing between drains that is not in the shared memory, so the exiting main thread can go on where the
 * collector stopped. Only the holder of the drain lock may run it.
 */
import { closeSync, constants, existsSync, openSync, writeSync } from "node:fs";
import { ByteWriter } from "../trace/byte-writer.js";
import { EventFlag, EventKind, RECORD_BYTES } from "../trace/events.js";
import { encodeEventsHead, encodeThreadEvents } from "../trace/events-codec.js";
import { FrameType, type ThreadEvents } from "../trace/frames.js";
import {
  beginFrame,
  endFrame,
  hangFrame,
  processEndFrame,
  processStartFrame,
  samplesFrame,
  systemThreadsFrame,
} from "../trace/writer.js";
import {
  EndedBit,
  LEDGER_ENTRIES,
  LedgerF64,
  LedgerU32,
  ProcessWord,
  processWords,
  type Slot,
  SlotState,
  SlotWord,
  slotAt,
} from "./ring-memory.js";
import type { RecorderEnvironment, RecorderSession } from "./session.js";

export const DrainHolder = {
  Collector: 1,
  /** The exiting main thread: takes it at last even from a holder that does not answer. */
  Main: 2,
  /** A main thread with a full ring. */
  Busy: 3,
} as const;

/** Waits up to `patienceMs` for the lock. After that the holder is taken for dead and the lock is taken from it. */
export function acquireDrainLock(words: Int32Array, holder: number, patienceMs: number): boolean {
  for (;;) {
    const before = Atomics.compareExchange(words, ProcessWord.DrainLock, 0, holder);
    if (before === 0) return true;
    if (Atomics.wait(words, ProcessWord.DrainLock, before, patienceMs) === "timed-out") {
      if (holder !== DrainHolder.Main) return false;
      Atomics.store(words, ProcessWord.DrainLock, holder);
      return true;
    }
  }
}

export function releaseDrainLock(words: Int32Array): void {
  Atomics.store(words, ProcessWord.DrainLock, 0);
  Atomics.notify(words, ProcessWord.DrainLock);
}

/** Records that can still come with a time before the watermark's: nanoseconds held back from it. */
const WATERMARK_SLACK_NS = 2e6;
/** A process without events still says that it is there: milliseconds between empty frames. */
const HEARTBEAT_MS = 250;
/** Where the system cannot tell that a thread is gone: drains before its slot is used again. */
const GRACE_DRAINS = 200;
/** Where nobody can sample the threads from outside: milliseconds between the process's own readings of its CPU time. */
const CPU_PERIOD_MS = 20;
const STANDARD_FRAME_BYTES = 1 << 20;

export class Drain {
  readonly #memory: SharedArrayBuffer;
  readonly #session: RecorderSession;
  readonly #name: string;
  readonly #words: Int32Array;
  readonly #slots: Slot[] = [];
  readonly #offsetNs: number;
  #fd = -1;
  #lastWriteMs = 0;
  #drains = 0;
  #lastCpuMs = Number.NEGATIVE_INFINITY;
  #columns: Columns | null = null;
  /** What the last drain cost; told by the frame of the next. */
  #costNs = 0;

  constructor({ memory, session, name }: RecorderEnvironment) {
    this.#memory = memory;
    this.#session = session;
    this.#name = name;
    this.#words = processWords(memory);
    // All threads of a process share performance.now()'s origin.
    this.#offsetNs = slotAt(memory, 0).wordsF64[SlotWord.OffsetNs / 2] as number;
  }

  /** Drains all rings; `final` makes the watermark exact. Returns nothing and never throws. `t` is performance.now(). */
  run(t: number, final: boolean): void {
    try {
      this.#run(t, final);
    } catch {
      // A full disk or a removed folder must not break the script; the reader sees a trace without an end mark.
    }
  }

  /** Appends the end of the process. */
  processEnd(t: number, exitCode: number): void {
    try {
      this.#write(processEndFrame({ pid: process.pid, t: Math.round(this.#ns(t)), exitCode, signal: null }));
    } catch {
      // As above.
    }
  }

  /** Says that no thread of the process can go on, or that one can after all. Times are performance.now(). */
  tellHang(hung: boolean, t: number, sinceMs: number): void {
    try {
      const sinceNs = Math.round(this.#ns(sinceMs));
      this.#write(hangFrame({ pid: process.pid, t: Math.round(this.#ns(t)), hung, sinceNs }));
    } catch {
      // As above.
    }
  }

  /** Says which of the system's threads is the collector, so that it is not taken for one of the user's. */
  announceCollector(tid: number): void {
    try {
      const thread = { pid: process.pid, tid, name: "heddle collector", startNs: null, endNs: null };
      if (tid !== 0) this.#write(systemThreadsFrame({ threads: [thread] }));
    } catch {
      // As above.
    }
  }

  close(): void {
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
  }

  #ns(t: number): number {
    return t * 1e6 + this.#offsetNs;
  }

  #run(t: number, final: boolean): void {
    const begun = spentNs();
    if (this.#words[ProcessWord.Announced] === 0) {
      this.#words[ProcessWord.Announced] = 1;
      const { parentPid } = this.#session;
      const origin = Math.max(0, Math.round(this.#offsetNs));
      this.#write(processStartFrame({ pid: process.pid, parentPid, name: this.#name, t: origin }));
    }
    const used = Atomics.load(this.#words, ProcessWord.UsedSlots);
    const sections = new ByteWriter(1 << 14);
    let count = 0;
    // Asking the system for each of many threads costs more than the drain.
    const askAll = final || used <= 16 || ++this.#drains % 8 === 0;
    for (let i = 0; i < used; i++) {
      this.#slots[i] ??= slotAt(this.#memory, i);
      const slot = this.#slots[i] as Slot;
      if (Atomics.load(slot.words, SlotWord.State) !== SlotState.Live) continue;
      if (this.#drainSlot(slot, t, askAll, final, sections)) count++;
      if (sections.length > STANDARD_FRAME_BYTES) {
        this.#writeEvents(sections, count, 0);
        sections.length = 0;
        count = 0;
      }
    }
    if (count > 0 || final || t - this.#lastWriteMs >= HEARTBEAT_MS) {
      this.#writeEvents(sections, count, this.#ns(t) - (final ? 0 : WATERMARK_SLACK_NS));
      this.#lastWriteMs = t;
    }
    if (process.platform !== "linux" && (final || t - this.#lastCpuMs >= CPU_PERIOD_MS)) {
      this.#lastCpuMs = t;
      this.#write(processCpuFrame(Math.round(this.#ns(t))));
    }
    this.#costNs += spentNs() - begun;
  }

  #writeEvents(sections: ByteWriter, count: number, completeTo: number): void {
    const w = beginFrame(sections.length + 64);
    encodeEventsHead(w, process.pid, completeTo, this.#costNs, count);
    w.raw(sections.bytes.subarray(0, sections.length));
    this.#write(endFrame(w, FrameType.Events));
    this.#costNs = 0;
  }

  #write(frame: Uint8Array): void {
    // Not made anew: where the user has deleted the trace, one without a beginning would say nothing.
    if (this.#fd < 0) this.#fd = openSync(this.#session.file, constants.O_WRONLY | constants.O_APPEND);
    writeSync(this.#fd, frame);
  }

  /** Encodes what a ring holds; whether that was anything. Frees the slot of a thread that is gone. */
  #drainSlot(slot: Slot, t: number, ask: boolean, final: boolean, out: ByteWriter): boolean {
    const { words } = slot;
    // Asked before the head is read: a thread that is gone writes no more.
    const gone = ask && isGone(words);
    const head = Atomics.load(words, SlotWord.Head);
    const tail = Atomics.load(words, SlotWord.Tail);
    const length = (head - tail) | 0;
    const lost = gone ? Atomics.exchange(words, SlotWord.Dropped, 0) : 0;
    const endMissing = gone && (Atomics.load(words, SlotWord.Ended) & EndedBit.Said) === 0;
    // A thread that is gone, or goes with the process, tells nothing of these any more.
    const untold = gone || final ? untoldEntries(slot) : 0;
    const some = length > 0 || lost > 0 || endMissing || untold > 0;
    if (some) {
      this.#columns ??= makeColumns(slot.records + 2 + 2 * LEDGER_ENTRIES);
      const columns = this.#columns;
      const texts: { number: number; text: string }[] = [];
      let count = copyRecords(slot, tail, length, columns, texts);
      if (lost > 0) count = addRecord(columns, count, this.#ns(t), EventKind.Dropped, 0, lost);
      const thread = words[SlotWord.Thread] as number;
      if (untold > 0) count = this.#tellLedger(slot, t, thread, columns, count);
      if (endMissing) count = addRecord(columns, count, this.#ns(t), EventKind.ThreadEnd, thread, 0);
      encodeThreadEvents(out, { thread, texts, count, ...columns });
    }
    if (length > 0) {
      Atomics.store(words, SlotWord.Tail, head);
      Atomics.notify(words, SlotWord.Tail);
    }
    if (gone) Atomics.store(words, SlotWord.State, SlotState.Free);
    return some;
  }

  /** Writes what a ledger holds as records of its thread, and empties it. */
  #tellLedger(slot: Slot, t: number, thread: number, columns: Columns, row: number): number {
    const { ledgerF64, ledgerU32 } = slot;
    for (let i = 0; i < LEDGER_ENTRIES; i++) {
      const f = i * LedgerF64.Size;
      const u = i * LedgerU32.Size;
      const object = ledgerU32[u + LedgerU32.Object] as number;
      const times = ledgerU32[u + LedgerU32.Count] as number;
      const began = ledgerF64[f + LedgerF64.Began] as number;
      if (times !== 0) {
        const until = ledgerF64[f + LedgerF64.Until] as number;
        const us = Math.round((until - (ledgerF64[f + LedgerF64.Since] as number)) * 1000);
        row = addRecord(columns, row, this.#ns(until), EventKind.LockHolds, object, times, us);
      }
      if (began !== 0) row = addRecord(columns, row, this.#ns(t), EventKind.LockHeld, object, t - began, thread);
    }
    ledgerU32.fill(0);
    return row;
  }
}

/** How many entries of a slot's ledger tell what no record does. */
function untoldEntries({ ledgerF64, ledgerU32 }: Slot): number {
  let count = 0;
  for (let i = 0; i < LEDGER_ENTRIES; i++) {
    if (ledgerU32[i * LedgerU32.Size + LedgerU32.Count] !== 0) count++;
    else if (ledgerF64[i * LedgerF64.Size + LedgerF64.Began] !== 0) count++;
  }
  return count;
}

/** Nanoseconds of CPU time of this thread where Node tells them (22.19 on), else of the clock. */
function spentNs(): number {
  const usage = (process as { threadCpuUsage?: () => { user: number; system: number } }).threadCpuUsage?.();
  return usage === undefined ? performance.now() * 1e6 : (usage.user + usage.system) * 1000;
}

/** The CPU time of the whole process, as it reads it itself. */
function processCpuFrame(t: number): Uint8Array {
  const { user, system } = process.cpuUsage();
  return samplesFrame({
    completeTo: t,
    count: 1,
    t: Float64Array.of(t),
    pid: Uint32Array.of(process.pid),
    tid: Uint32Array.of(0),
    core: Int16Array.of(-1),
    state: Uint8Array.of("?".charCodeAt(0)),
    runNs: Float64Array.of((user + system) * 1000),
    waitNs: Float64Array.of(Number.NaN),
  });
}

type Columns = Omit<ThreadEvents, "thread" | "texts" | "count">;

function makeColumns(n: number): Columns {
  return {
    t: new Float64Array(n),
    kind: new Uint8Array(n),
    flags: new Uint8Array(n),
    object: new Uint32Array(n),
    site: new Uint32Array(n),
    a: new Float64Array(n),
    b: new Uint32Array(n),
  };
}

/** Copies `length` records from `tail` on, texts apart; returns how many rows that made. */
function copyRecords(
  slot: Slot,
  tail: number,
  length: number,
  columns: Columns,
  texts: { number: number; text: string }[],
): number {
  const { f64, u32 } = slot;
  const { t, kind, flags, object, site, a, b } = columns;
  const offset = slot.wordsF64[SlotWord.OffsetNs / 2] as number;
  const mask = slot.records - 1;
  let count = 0;
  for (let k = 0; k < length; k++) {
    const i = (tail + k) & mask;
    const f = i << 2;
    const u = i << 3;
    const what = u32[u + 4] as number;
    if ((what & 0xff) === EventKind.Text) {
      const bytes = f64[f + 1] as number;
      texts.push({ number: u32[u + 7] as number, text: copyText(slot, i + 1, bytes) });
      k += Math.ceil(bytes / RECORD_BYTES);
      continue;
    }
    t[count] = (f64[f] as number) * 1e6 + offset;
    kind[count] = what & 0xff;
    flags[count] = (what >>> 8) & 0xff;
    object[count] = u32[u + 5] as number;
    site[count] = u32[u + 6] as number;
    a[count] = f64[f + 1] as number;
    b[count] = u32[u + 7] as number;
    count++;
  }
  return count;
}

function copyText(slot: Slot, index: number, length: number): string {
  const bytes = new Uint8Array(length);
  const at = (index & (slot.records - 1)) * RECORD_BYTES;
  const first = Math.min(length, slot.bytes.length - at);
  bytes.set(slot.bytes.subarray(at, at + first));
  if (first < length) bytes.set(slot.bytes.subarray(0, length - first), first);
  return new TextDecoder().decode(bytes);
}

function addRecord(columns: Columns, row: number, ns: number, kind: number, object: number, a: number, b = 0): number {
  columns.t[row] = ns;
  columns.kind[row] = kind;
  columns.flags[row] = EventFlag.InexactTime;
  columns.object[row] = object;
  columns.site[row] = 0;
  columns.a[row] = a;
  columns.b[row] = b;
  return row + 1;
}

/** Whether the slot's thread can write no more. */
function isGone(words: Int32Array): boolean {
  const tid = words[SlotWord.Tid] as number;
  if (tid !== 0) return !existsSync(`/proc/self/task/${tid}`);
  const ended = Atomics.load(words, SlotWord.Ended);
  if ((ended & EndedBit.Told) !== 0) return true;
  // It said that it ends; its own exit handlers may still run.
  if (ended === 0) return false;
  words[SlotWord.Grace] = (words[SlotWord.Grace] as number) + 1;
  return (words[SlotWord.Grace] as number) > GRACE_DRAINS;
}
