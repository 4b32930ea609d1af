/**
 * The columns of an events frame.
 *
 * Events of a thread look like the ones just before of the same kind: same lock, same line, a count one higher. So all
 * fields but the time are written as the difference to the last record of the same kind (most often the byte 0), and
 * column by column. An event takes 7 to 9 bytes.
 */
import type { ByteReader } from "./byte-reader.js";
import type { ByteWriter } from "./byte-writer.js";
import type { EventsFrame, ThreadEvents } from "./frames.js";

/** Integers beyond this are written as eight raw bytes: differences of two must stay exact. */
const MAX_DELTA_OPERAND = 2 ** 50;

/** Writes pid, watermark, cost and the number of threads that follow, each by {@link encodeThreadEvents}. */
export function encodeEventsHead(
  w: ByteWriter,
  pid: number,
  completeTo: number,
  costNs: number,
  threads: number,
): void {
  w.varint(pid);
  w.varint(Math.max(0, Math.floor(completeTo)));
  w.varint(Math.max(0, Math.floor(costNs)));
  w.varint(threads);
}

const last = new Float64Array(256);

/** Writes one thread's texts and columns. Times are rounded to whole nanoseconds. */
export function encodeThreadEvents(w: ByteWriter, events: ThreadEvents): void {
  const { count, t, kind, flags, object, site, a, b } = events;
  w.varint(events.thread);
  w.varint(events.texts.length);
  for (const { number, text } of events.texts) {
    w.varint(number);
    w.text(text);
  }
  w.varint(count);
  // Flags are rarely there: bit 7 of the kind says so.
  w.reserve(count * 2);
  for (let i = 0; i < count; i++) w.u8((kind[i] as number) | (flags[i] === 0 ? 0 : 128));
  for (let i = 0; i < count; i++) if (flags[i] !== 0) w.u8(flags[i] as number);
  let before = 0;
  for (let i = 0; i < count; i++) {
    const ns = Math.round(t[i] as number);
    w.signed(ns - before);
    before = ns;
  }
  for (const column of [object, site, b]) {
    last.fill(0);
    for (let i = 0; i < count; i++) {
      const k = kind[i] as number;
      const value = column[i] as number;
      w.signed(value - (last[k] as number));
      last[k] = value;
    }
  }
  last.fill(0);
  for (let i = 0; i < count; i++) {
    const k = kind[i] as number;
    const value = a[i] as number;
    if (Number.isInteger(value) && Math.abs(value) < MAX_DELTA_OPERAND && !Object.is(value, -0)) {
      const delta = value - (last[k] as number);
      w.varint((delta < 0 ? -delta * 2 - 1 : delta * 2) + 1);
      last[k] = value;
    } else {
      w.u8(0);
      w.f64(value);
    }
  }
}

export function decodeEvents(r: ByteReader): EventsFrame {
  const pid = r.varint();
  const completeTo = r.varint();
  const costNs = r.varint();
  const sections = r.count();
  const threads: ThreadEvents[] = [];
  for (let s = 0; s < sections; s++) threads.push(decodeThreadEvents(r));
  return { type: "events", pid, completeTo, costNs, threads };
}

function decodeThreadEvents(r: ByteReader): ThreadEvents {
  const thread = r.varint();
  const texts: { number: number; text: string }[] = [];
  for (let left = r.count(); left > 0; left--) texts.push({ number: r.varint(), text: r.text() });
  const count = r.count();
  const kind = new Uint8Array(count);
  const flags = new Uint8Array(count);
  const t = new Float64Array(count);
  const object = new Uint32Array(count);
  const site = new Uint32Array(count);
  const a = new Float64Array(count);
  const b = new Uint32Array(count);
  kind.set(r.raw(count));
  for (let i = 0; i < count; i++) {
    const k = kind[i] as number;
    if (k < 128) continue;
    kind[i] = k & 127;
    flags[i] = r.u8();
  }
  let time = 0;
  for (let i = 0; i < count; i++) {
    time += r.signed();
    t[i] = time;
  }
  for (const column of [object, site, b]) {
    last.fill(0);
    for (let i = 0; i < count; i++) {
      const k = kind[i] as number;
      const value = (last[k] as number) + r.signed();
      last[k] = value;
      column[i] = value;
    }
  }
  last.fill(0);
  for (let i = 0; i < count; i++) {
    const k = kind[i] as number;
    const code = r.varint();
    if (code === 0) {
      a[i] = r.f64();
      continue;
    }
    const zigzag = code - 1;
    const value = (last[k] as number) + (zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2);
    last[k] = value;
    a[i] = value;
  }
  return { thread, texts, count, t, kind, flags, object, site, a, b };
}
