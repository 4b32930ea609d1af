/**
 * Who holds a lock. A lock's word carries the place of the holder's record in the heap, so that who waits can see
 * whether the holder still lives, and tell its name, also after its end.
 *
 * Nobody tells the locks of a thread that it died: a terminated worker runs no code any more. So those who wait look
 * after the holder, first soon and then every half second. Elsewhere than on Linux, where the system is not asked, a
 * thread's end is known from who started it, which works for the threads of this library only.
 */
import { currentRecord } from "../threading/current-record.js";
import { ThreadRecord, ThreadState } from "../threading/thread-record.js";
import { threadExists } from "./heap-lock.js";

/** The calling thread as a holder, or 0 before the first call of {@link enterHolder}. */
export let self = 0;

/** Makes the calling thread known as a holder. Returns {@link self}. */
export function enterHolder(): number {
  const record = currentRecord();
  // Locks will name it, also after its end.
  record.markKnown();
  self = record.index;
  return self;
}

/**
 * Whether a holder can give nothing back any more. A thread whose `run` returned has ended well: what it left held may
 * be given back by others, so that counts as dead only where nobody else may (`strict`).
 */
export function isDead(holder: number, strict: boolean): boolean {
  const record = new ThreadRecord(holder);
  if (record.returned) return strict && record.state === ThreadState.Ended;
  return record.state === ThreadState.Ended || !threadExists(record.nativeId);
}

/** The number that the trace knows the holder's thread by; 0 for nobody. */
export function numberOf(holder: number): number {
  return holder === 0 ? 0 : new ThreadRecord(holder).ident;
}

/** Name and number of the holder's thread, for a message. */
export function describeHolder(holder: number): string {
  const record = new ThreadRecord(holder);
  return `thread “${record.name}” (number ${record.ident})`;
}

/** The OS's number of the holder's thread. */
export function nativeIdOf(holder: number): number {
  return new ThreadRecord(holder).nativeId;
}

/** Milliseconds for which to wait before looking after the holder for the next time. */
export function lookAfter(looks: number): number {
  return looks < 3 ? 50 << looks : 500;
}
