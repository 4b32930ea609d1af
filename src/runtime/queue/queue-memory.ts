/**
 * When the memory of a shared queue is given back: when no thread has an object for it any more and no message with it is
 * under way. `Refs` in its header counts both.
 *
 * - Each object in JavaScript that uses the memory holds one reference, until the garbage collector finds it gone.
 * - A message that is read exactly once (an item of a queue, the arguments of a thread) holds one from its writing to its
 *   reading, where it becomes that of the object made there. If it is never read, for its reader was killed, the queue
 *   stays: rather too much memory than too little.
 * - Any other message (such as the arguments of an executor's task) may be read several times or not at all, and nobody
 *   could tell when the last one is. A queue that crossed in one is `KEPT`, until the process ends.
 *
 * A thread that ends runs no finalizers. So each notes in shared memory which references its objects hold, in blocks of a
 * list of all threads; who adds a block, or now and then shares a queue, looks whether the system still knows the thread
 * of every block, and releases for those that are gone. A reference is noted after it is counted and its note removed
 * before it is given up: a thread killed in between leaves a queue that stays, never one that is used after its end.
 */

import type { Pins } from "../core/handles.js";
import { allocate, free, HeapWord, words } from "../core/heap.js";
import { HeapLock, threadExists } from "../core/heap-lock.js";
import type { HeapMemory } from "../core/heap-memory.js";
import { nativeThreadId } from "../core/native-id.js";
import { decodeFrom } from "../core/structured-clone.js";
import { threadHeap } from "../core/thread-heap.js";
import { H, NOTHING, type SharedQueue, taken } from "./shared-queue.js";

const { view } = words;
/** Never counted down to nothing. */
const KEPT = 1 << 30;

/** Words of a block: [next block, its OS thread, queue, queue, …]. */
const B = { Next: 0, NativeId: 1, Slots: 2 } as const;
const BLOCK_WORDS = 32;
const list = new HeapLock(words, HeapWord.QueueHoldersLock);
/** Words of this thread's blocks that note nothing. */
const freeSlots: number[] = [];
/** A look for dead threads comes after so many queues at the latest. */
const LOOK_EVERY = 64;
let heldSinceLook = 0;

/** Makes an object for a queue of which only the memory is known, to end it. Set by `order.ts`, which knows the kinds. */
type Attach = (heap: HeapMemory, offset: number, kind: number) => SharedQueue;
let attach: Attach;

export function setAttach(attacher: Attach): void {
  attach = attacher;
}

const gone = new FinalizationRegistry<{ offset: number; slot: number }>(({ offset, slot }) => {
  Atomics.store(view, slot, 0);
  freeSlots.push(slot);
  release(offset);
});

/** From now on `shared` holds a reference that is already counted, until it is collected. */
export function hold(shared: SharedQueue): void {
  if (freeSlots.length === 0) addBlock();
  else if (++heldSinceLook >= LOOK_EVERY) releaseForTheDead();
  const slot = freeSlots.pop() as number;
  Atomics.store(view, slot, shared.offset);
  gone.register(shared, { offset: shared.offset, slot });
}

/** Counts a reference for a message. Returns whether whoever reads it gets that reference. */
export function pin(offset: number, pins: Pins): boolean {
  if (pins === null) {
    Atomics.or(view, offset + H.Refs, KEPT);
    return false;
  }
  Atomics.add(view, offset + H.Refs, 1);
  pins.push(() => release(offset));
  return true;
}

/** Gives a reference up; the last one ends the queue. */
export function release(offset: number): void {
  if (Atomics.sub(view, offset + H.Refs, 1) === 1) end(offset);
}

function end(offset: number): void {
  const shared = attach(threadHeap, offset, view[offset + H.Kind] as number);
  while (shared.tryTake() !== NOTHING) read();
  shared.dispose();
}

/** Makes the item that was taken last again, for the sake of what it keeps alive only. */
export function read(): void {
  try {
    decodeFrom(taken.bytes);
  } catch {
    // It will not be missed.
  }
}

function addBlock(): void {
  releaseForTheDead();
  const block = allocate(BLOCK_WORDS);
  view[block + B.NativeId] = nativeThreadId();
  list.lock();
  view[block + B.Next] = view[HeapWord.QueueHolders] as number;
  Atomics.store(view, HeapWord.QueueHolders, block);
  list.unlock();
  for (let slot = block + B.Slots; slot < block + BLOCK_WORDS; slot++) freeSlots.push(slot);
}

function releaseForTheDead(): void {
  heldSinceLook = 0;
  const dead: number[] = [];
  list.lock();
  let before: number = HeapWord.QueueHolders;
  for (let block = view[before] as number; block !== 0; block = view[before] as number) {
    if (threadExists(view[block + B.NativeId] as number)) {
      before = block + B.Next;
    } else {
      Atomics.store(view, before, view[block + B.Next] as number);
      dead.push(block);
    }
  }
  list.unlock();
  for (const block of dead) {
    for (let slot = block + B.Slots; slot < block + BLOCK_WORDS; slot++) {
      const offset = view[slot] as number;
      if (offset !== 0) release(offset);
    }
    free(block, BLOCK_WORDS);
  }
}
