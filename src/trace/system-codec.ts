/** The columns of what the runner samples: context switches and the system's accounting of threads. */
import type { ByteReader } from "./byte-reader.js";
import type { ByteWriter } from "./byte-writer.js";
import type { CoreTimesFrame, OffCoreFrame, SamplesFrame, SwitchesFrame } from "./frames.js";

/** Threads of a frame are written once, in a table; rows name them by their place in it. */
class ThreadTable {
  readonly #places = new Map<number, number>();
  readonly #rows: number[] = [];

  place(pid: number, tid: number): number {
    const key = pid * 2 ** 24 + tid;
    let place = this.#places.get(key);
    if (place === undefined) {
      place = this.#rows.length / 2;
      this.#rows.push(pid, tid);
      this.#places.set(key, place);
    }
    return place;
  }

  write(w: ByteWriter): void {
    w.varint(this.#rows.length / 2);
    for (const n of this.#rows) w.varint(n);
  }
}

function readTable(r: ByteReader): { pid: number; tid: number }[] {
  const table: { pid: number; tid: number }[] = [];
  for (let left = r.count(); left > 0; left--) table.push({ pid: r.varint(), tid: r.varint() });
  return table;
}

function encodeThreads(w: ByteWriter, frame: { count: number; pid: Uint32Array; tid: Uint32Array }): void {
  const table = new ThreadTable();
  const places: number[] = [];
  for (let i = 0; i < frame.count; i++) places.push(table.place(frame.pid[i] as number, frame.tid[i] as number));
  table.write(w);
  w.varint(frame.count);
  for (const place of places) w.varint(place);
}

function decodeThreads(r: ByteReader): { count: number; pid: Uint32Array; tid: Uint32Array } {
  const table = readTable(r);
  const count = r.count();
  const pid = new Uint32Array(count);
  const tid = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    const row = table[r.varint()];
    if (row === undefined) throw new RangeError("no such thread in the table");
    pid[i] = row.pid;
    tid[i] = row.tid;
  }
  return { count, pid, tid };
}

function encodeTimes(w: ByteWriter, count: number, t: Float64Array): void {
  let before = 0;
  for (let i = 0; i < count; i++) {
    const ns = Math.round(t[i] as number);
    w.signed(ns - before);
    before = ns;
  }
}

function decodeTimes(r: ByteReader, count: number): Float64Array {
  const t = new Float64Array(count);
  let time = 0;
  for (let i = 0; i < count; i++) {
    time += r.signed();
    t[i] = time;
  }
  return t;
}

export function encodeSwitches(w: ByteWriter, frame: Omit<SwitchesFrame, "type">): void {
  w.varint(Math.max(0, Math.floor(frame.completeTo)));
  encodeThreads(w, frame);
  encodeTimes(w, frame.count, frame.t);
  for (let i = 0; i < frame.count; i++) w.varint((frame.core[i] as number) * 4 + ((frame.flags[i] as number) & 3));
}

export function decodeSwitches(r: ByteReader): SwitchesFrame {
  const completeTo = r.varint();
  const { count, pid, tid } = decodeThreads(r);
  const t = decodeTimes(r, count);
  const core = new Uint16Array(count);
  const flags = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const value = r.varint();
    core[i] = value >>> 2;
    flags[i] = value & 3;
  }
  return { type: "switches", completeTo, count, t, core, pid, tid, flags };
}

export function encodeSamples(w: ByteWriter, frame: Omit<SamplesFrame, "type">): void {
  w.varint(Math.max(0, Math.floor(frame.completeTo)));
  encodeThreads(w, frame);
  encodeTimes(w, frame.count, frame.t);
  for (let i = 0; i < frame.count; i++) {
    w.varint((frame.core[i] as number) + 1);
    w.u8(frame.state[i] as number);
    w.varint(Math.max(0, Math.round(frame.runNs[i] as number)));
    const wait = frame.waitNs[i] as number;
    w.varint(Number.isNaN(wait) ? 0 : Math.max(0, Math.round(wait)) + 1);
  }
}

export function decodeSamples(r: ByteReader): SamplesFrame {
  const completeTo = r.varint();
  const { count, pid, tid } = decodeThreads(r);
  const t = decodeTimes(r, count);
  const core = new Int16Array(count);
  const state = new Uint8Array(count);
  const runNs = new Float64Array(count);
  const waitNs = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    core[i] = r.varint() - 1;
    state[i] = r.u8();
    runNs[i] = r.varint();
    const wait = r.varint();
    waitNs[i] = wait === 0 ? Number.NaN : wait - 1;
  }
  return { type: "samples", completeTo, count, t, pid, tid, core, state, runNs, waitNs };
}

export function encodeCoreTimes(w: ByteWriter, frame: Omit<CoreTimesFrame, "type">): void {
  w.varint(Math.max(0, Math.round(frame.t)));
  w.varint(frame.busyNs.length);
  for (const ns of frame.busyNs) w.varint(Math.max(0, Math.round(ns / 1000)));
}

export function decodeCoreTimes(r: ByteReader): CoreTimesFrame {
  const t = r.varint();
  const busyNs = new Float64Array(r.count());
  for (let i = 0; i < busyNs.length; i++) busyNs[i] = r.varint() * 1000;
  return { type: "core-times", t, busyNs };
}

export function encodeOffCore(w: ByteWriter, frame: Omit<OffCoreFrame, "type">): void {
  encodeThreads(w, frame);
  encodeTimes(w, frame.count, frame.t);
  for (let i = 0; i < frame.count; i++) w.u8(frame.reason[i] as number);
}

export function decodeOffCore(r: ByteReader): OffCoreFrame {
  const { count, pid, tid } = decodeThreads(r);
  const t = decodeTimes(r, count);
  const reason = new Uint8Array(count);
  for (let i = 0; i < count; i++) reason[i] = r.u8();
  return { type: "off-core", count, t, pid, tid, reason };
}
