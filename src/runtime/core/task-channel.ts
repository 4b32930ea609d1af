/**
 * The channel by which tasks go from the one thread that owns a pool to the threads that work for it: first in, first
 * out, without a lock and without an allocation for a task.
 *
 * Tasks have tickets, counting up from 0 (and around at 2^32). Each has a slot of one cache line in a segment of 1024;
 * a directory tells where the segments are. The owner fills a slot and publishes it by storing the next ticket; a
 * worker claims one by moving the word `Claimed` from its ticket to the next with one compare-and-swap. Who claimed a
 * ticket has the right to its slot until it has told the owner about it (a result, or that it skipped a cancelled
 * task); when all slots of a segment are told about, the owner gives the segment back. So a thread that is killed
 * anywhere leaves nothing half done: at most a ticket that was claimed and never told of, which the owner gives up.
 *
 * The state in the slot decides who has the task: a worker changes it from Pending to Running, the owner cancels by
 * changing it from Pending to Cancelled, and whoever comes second finds it changed.
 *
 * Arguments that fit are in the slot. Others are in chunks that belong to the segment, large ones in blocks of their
 * own. Functions are named by numbers in a table of the channel (`FunctionTable`), each sent once.
 *
 * Sleep and wake: each worker has a word to sleep on, 1 while it does, and the channel counts the sleepers. The owner
 * looks at the count after it has published; a worker counts itself before it looks for a task the last time. Whoever
 * changes a worker's word from 1 to 0, the owner to wake it or the worker itself, takes it off the count. One worker at
 * a time may look for a new task a little longer before it sleeps (`Hunting`): then a single new task wakes nobody.
 */
import { allocate, free, words } from "./heap.js";

const { view } = words;

/** Words of a channel; each group that different threads write has a cache line of its own. */
export const ChannelWord = {
  /** The next ticket to be published. Written by the owner, as all of its line. */ Published: 0,
  /** Not 0: no task will come any more. */ Closed: 1,
  /** Not 0: no task is to be begun any more. */ Broken: 2,
  /** The directory: its mask, then the segments by their numbers under the mask. */ Directory: 3,
  /** The table of functions: pairs of an address and a number of bytes. */ Functions: 4,
  /** The next ticket to be claimed. */ Claimed: 16,
  /** How many workers sleep. */ Sleepers: 32,
  /** 1 while a worker looks for a task without sleeping. */ Hunting: 33,
} as const;
const CHANNEL_WORDS = 48;

/** Words of a slot. Its arguments are from `Inline` on, or where `Address` says. */
export const SlotWord = { State: 0, Function: 1, Bytes: 2, Address: 3, Inline: 3 } as const;
export const SLOT_WORDS = 16;
/** Bytes of arguments that fit into a slot. */
export const INLINE_BYTES: number = (SLOT_WORDS - SlotWord.Inline) * 4;
/** Arguments above this have a block of their own, given back when the task is done. */
export const LARGE_BYTES = 4096;
/** Flag in `Bytes`: something that had to go through the worker's port belongs to the arguments. */
export const WITH_EXTRAS = 0x8000_0000 | 0;
export const BYTES_MASK = 0x7fff_ffff;

export const SEGMENT_BITS = 10;
export const SEGMENT_SLOTS: number = 1 << SEGMENT_BITS;
export const SEGMENT_WORDS: number = SEGMENT_SLOTS * SLOT_WORDS;

export const TaskState = { Pending: 0, Running: 1, Cancelled: 2 } as const;

/** Words that belong to one worker of a channel. */
export const WorkerWord = {
  /** 1 + the ticket of the task it runs, as u32; 0 for none. Written by the worker, as all of its line. */ Task: 0,
  /** Its OS thread, 0 until it runs. */ NativeId: 1,
  /** How many results it has published. */ Results: 2,
  /** Where its results begin. */ FirstResults: 3,
  /** 1 while it sleeps. */ Sleeping: 16,
  /** Counts what the owner sends through the worker's port because it was asked to. */ Mail: 17,
} as const;
const WORKER_WORDS = 32;

const LINE = 16;

/** A block that begins at a cache line, and what to give back for it. */
export interface LineBlock {
  readonly index: number;
  free(): void;
}

function allocateLines(count: number): LineBlock {
  const block = allocate(count + LINE);
  return { index: (block + LINE - 1) & -LINE, free: () => free(block, count + LINE) };
}

/** Makes the words of a channel. */
export const allocateChannel = (): LineBlock => allocateLines(CHANNEL_WORDS);
/** Makes the words of a worker. */
export const allocateWorker = (): LineBlock => allocateLines(WORKER_WORDS);

/** How many tasks of a channel nobody has claimed. */
export function unclaimed(channel: number): number {
  const claimed = Atomics.load(view, channel + ChannelWord.Claimed);
  return (Atomics.load(view, channel + ChannelWord.Published) - claimed) | 0;
}

/**
 * Ends a worker's sleep, once: who gets true has to wake it, or is the worker that need not sleep. The owner calls it
 * to wake, the worker to get up by itself.
 */
export function endSleep(channel: number, worker: number): boolean {
  if (Atomics.compareExchange(view, worker + WorkerWord.Sleeping, 1, 0) !== 1) return false;
  Atomics.sub(view, channel + ChannelWord.Sleepers, 1);
  return true;
}
