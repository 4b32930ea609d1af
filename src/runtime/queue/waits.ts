/**
 * Waiting to put, to take, or for the end of all tasks of a queue, once it was found that it cannot be done at once.
 *
 * Who waits has a place in one of the channel's lines, taken before the look that decides to wait, so that no wake can
 * come between the two. Woken, it looks again: a passer-by may have been faster, and then it waits on, in front. Whoever
 * gives up leaves its place, which passes a wake on that it did not use. The queue may become a shared one meanwhile
 * (`Channel.placeIn`); a thread that is blocked cannot share it, so its place stays.
 */
import { callSite, emitAt, newWaitNumber, now, recording } from "../../recorder/emit.js";
import { EventFlag, EventKind, WaitReason } from "../../trace/events.js";
import { deadlineIn, slice } from "../core/deadline.js";
import { discard } from "../core/structured-clone.js";
import { type Channel, NONE } from "./channel.js";
import type { Place } from "./place.js";

/** Tells that this thread begins to wait; returns the wait's number, 0 untraced. */
function beginWait(object: number, kind: number, site: number, reason: number, flags: number): number {
  if (!recording) return 0;
  const wait = newWaitNumber();
  emitAt(now(), kind, object, site, wait, reason, flags);
  return wait;
}

function endWait(object: number, kind: number, wait: number, flags: number): void {
  if (recording) emitAt(now(), kind, object, 0, wait, 0, flags);
}

/**
 * Puts an item in as soon as there is a place, as it was when this was called if the queue is shared by then. `timeout`
 * is in milliseconds. Rejects with `Full`, `ShutDown`, the signal's reason, and what encoding or comparing throws.
 */
export async function putLater<T>(
  channel: Channel<T>,
  item: T,
  timeout: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const site = recording ? callSite() : 0;
  const deadline = deadlineIn(timeout);
  let kept = channel.isShared ? channel.keep(item) : null;
  const wait = beginWait(channel.object, EventKind.QueuePutWait, site, 0, EventFlag.Async);
  let place: Place | null = null;
  let put = false;
  try {
    for (;;) {
      place = channel.placeIn("spaces", place);
      if (place.shared) kept ??= channel.keep(item);
      put = channel.put(kept?.item ?? item, kept?.unsent ?? null, site, wait, EventFlag.Async);
      if (put) return;
      const left = slice(deadline);
      if (left <= 0) throw channel.full();
      await place.wait(left, signal);
    }
  } finally {
    if (!put) endWait(channel.object, EventKind.QueueWaitEnd, wait, EventFlag.Async | EventFlag.Failed);
    if (!put && kept !== null) discard(kept.unsent);
    place?.leave(channel.hasSpace);
  }
}

/** Blocking {@link putLater}. */
export function putLaterSync<T>(channel: Channel<T>, item: T, timeout: number): void {
  const site = recording ? callSite() : 0;
  const deadline = deadlineIn(timeout);
  const kept = channel.isShared ? channel.keep(item) : null;
  const wait = beginWait(channel.object, EventKind.QueuePutWait, site, 0, 0);
  const place = channel.placeIn("spaces", null);
  let put = false;
  try {
    for (;;) {
      put = channel.put(kept?.item ?? item, kept?.unsent ?? null, site, wait, 0);
      if (put) return;
      const left = slice(deadline);
      if (left <= 0) throw channel.full();
      place.waitSync(left);
    }
  } finally {
    if (!put) endWait(channel.object, EventKind.QueueWaitEnd, wait, EventFlag.Failed);
    if (!put && kept !== null) discard(kept.unsent);
    place.leave(channel.hasSpace);
  }
}

/**
 * Takes an item out as soon as there is one. `timeout` is in milliseconds. Rejects with `Empty`, `ShutDown` or the
 * signal's reason.
 */
export async function takeLater<T>(channel: Channel<T>, timeout: number, signal: AbortSignal | undefined): Promise<T> {
  const site = recording ? callSite() : 0;
  const deadline = deadlineIn(timeout);
  const wait = beginWait(channel.object, EventKind.QueueGetWait, site, 0, EventFlag.Async);
  let place: Place | null = null;
  let item: T | typeof NONE = NONE;
  try {
    for (;;) {
      place = channel.placeIn("items", place);
      item = channel.take(site, wait, EventFlag.Async);
      if (item !== NONE) return item;
      const left = slice(deadline);
      if (left <= 0) throw channel.empty();
      await place.wait(left, signal);
    }
  } finally {
    if (item === NONE) endWait(channel.object, EventKind.QueueWaitEnd, wait, EventFlag.Async | EventFlag.Failed);
    place?.leave(channel.length > 0);
  }
}

/** Blocking {@link takeLater}. */
export function takeLaterSync<T>(channel: Channel<T>, timeout: number): T {
  const site = recording ? callSite() : 0;
  const deadline = deadlineIn(timeout);
  const wait = beginWait(channel.object, EventKind.QueueGetWait, site, 0, 0);
  const place = channel.placeIn("items", null);
  let item: T | typeof NONE = NONE;
  try {
    for (;;) {
      item = channel.take(site, wait, 0);
      if (item !== NONE) return item;
      const left = slice(deadline);
      if (left <= 0) throw channel.empty();
      place.waitSync(left);
    }
  } finally {
    if (item === NONE) endWait(channel.object, EventKind.QueueWaitEnd, wait, EventFlag.Failed);
    place.leave(channel.length > 0);
  }
}

/** Waits until all items are done, `timeout` milliseconds at the most. Rejects with `TimeoutError` or the signal's reason. */
export async function joinLater<T>(
  channel: Channel<T>,
  timeout: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const deadline = deadlineIn(timeout);
  const site = recording ? callSite() : 0;
  const wait = beginWait(channel.object, EventKind.WaitBegin, site, WaitReason.QueueJoin, EventFlag.Async);
  let place: Place | null = null;
  let failed: number = EventFlag.Failed;
  try {
    for (;;) {
      place = channel.placeIn("doneLine", place);
      if (channel.unfinished === 0) break;
      const left = slice(deadline);
      if (left <= 0) throw channel.notDone(timeout);
      await place.wait(left, signal);
    }
    failed = 0;
  } finally {
    endWait(channel.object, EventKind.WaitEnd, wait, EventFlag.Async | failed);
    place?.leave(false);
  }
}

/** Blocking {@link joinLater}. */
export function joinLaterSync<T>(channel: Channel<T>, timeout: number): void {
  const deadline = deadlineIn(timeout);
  const site = recording ? callSite() : 0;
  const wait = beginWait(channel.object, EventKind.WaitBegin, site, WaitReason.QueueJoin, 0);
  const place = channel.placeIn("doneLine", null);
  let failed: number = EventFlag.Failed;
  try {
    while (channel.unfinished !== 0) {
      const left = slice(deadline);
      if (left <= 0) throw channel.notDone(timeout);
      place.waitSync(left);
    }
    failed = 0;
  } finally {
    endWait(channel.object, EventKind.WaitEnd, wait, failed);
    place.leave(false);
  }
}
