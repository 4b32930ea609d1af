/**
 * The inbox of a thread: the one place to which everything that works for it delivers what happened.
 *
 * A thread may have several executors, of threads and of processes, and may block in `resultSync`, `waitSync` or
 * `shutdownSync` over futures of all of them. A thread can block on one word only, so all deliveries to it go through
 * one queue with one doorbell. Each executor registers a handler and gets a receiver number; whoever works for it, in
 * any thread of the process, calls `postTo(inbox, receiver, number, payload)`. Messages lie in shared memory: a sender
 * may die, and a receiver may block, and neither loses anything.
 *
 * Messages are handled in the owner's thread: in a turn of its event loop, inside of a blocking call
 * ({@link blockUntil}), or when somebody looks ({@link takeInArrivals}). The event loop is kept alive exactly while
 * deliveries are expected: {@link expect} when something is begun, {@link fulfil} when its message was handled.
 *
 * Besides the queue there are sources: channels that one sender writes and the owner reads in place, for what comes by
 * the hundred thousand (`result-channel.ts`). Their senders call {@link ring} when they have published.
 *
 * The block in the heap: [offset of the queue, doorbell, sleeping]. `sleeping` is 1 when the owner waits for the
 * doorbell: it says so, looks once more, and waits. Who delivers publishes first and then looks at `sleeping`; the first
 * that finds it 1 takes it away, changes the doorbell and wakes the owner. The other senders of a burst pay for no wake.
 */
import { SharedFifo } from "../core/fifo.js";
import { allocate, words } from "../core/heap.js";
import { holdLoop, releaseLoop } from "../core/words.js";

const view = words.view;

const Word = { Queue: 0, Bell: 1, Sleeping: 2 } as const;
const WORDS = 4;
/** Bytes before the payload: receiver and message number, both u32. */
const HEADER_BYTES = 8;
/** How long a turn of the event loop may be spent on deliveries before others get theirs, in milliseconds. */
const TURN_MS = 8;
/** While blocked, every so many milliseconds the watchers look for workers that died without a word. */
const WATCH_MS = 50;
/** Messages taken out of the queue, and out of each source, at once. */
const BATCH = 256;
/** So many turns of the event loop that find nothing pass, after one that found something, before the thread sleeps. */
const IDLE_TURNS = 2;

/** Called in the owner's thread with the message number and the payload, which it may keep. It must not throw. */
export type Receiver = (number: number, payload: Uint8Array) => void;

/** A channel to this thread that is read in place. */
export interface Source {
  /** True if there is something. Called often. */
  pending(): boolean;
  /** Handles up to `max` deliveries. It must not throw. */
  take(max: number): void;
}

let offset = 0;
let queue: SharedFifo;
let expected = 0;
let armed = false;
let nextReceiver = 1;
const receivers = new Map<number, Receiver>();
const watchers = new Set<() => void>();
let sources: readonly Source[] = [];

/** Where this thread's inbox is in the heap: what senders need. Made at the first call. */
export function inboxOffset(): number {
  if (offset === 0) {
    queue = SharedFifo.create();
    const block = allocate(WORDS);
    view[block + Word.Queue] = queue.offset;
    offset = block;
  }
  return offset;
}

/** Registers a handler in this thread. Returns the receiver number to give to senders. */
export function register(receiver: Receiver): number {
  inboxOffset();
  receivers.set(nextReceiver, receiver);
  return nextReceiver++;
}

/** Ends a registration; what still arrives for it is dropped. */
export function unregister(receiver: number): void {
  receivers.delete(receiver);
}

/** Has a source looked at whenever deliveries are taken in. */
export function addSource(source: Source): void {
  inboxOffset();
  sources = [...sources, source];
}

/** Ends {@link addSource}. */
export function removeSource(source: Source): void {
  sources = sources.filter((each) => each !== source);
}

const attached = new Map<number, SharedFifo>();

/** Delivers a message to the inbox of any thread of this process, from any thread of it. `number` is any u32. */
export function postTo(inbox: number, receiver: number, number: number, payload: Uint8Array): void {
  let target = attached.get(inbox);
  if (target === undefined) {
    target = SharedFifo.attach(view[inbox + Word.Queue] as number);
    attached.set(inbox, target);
  }
  const message = Buffer.allocUnsafe(HEADER_BYTES + payload.length);
  message.writeUInt32LE(receiver, 0);
  message.writeUInt32LE(number, 4);
  message.set(payload, HEADER_BYTES);
  target.push(message);
  ring(inbox);
}

/** Wakes the owner of an inbox if it sleeps, so that it looks around; {@link postTo} does it by itself. */
export function ring(inbox: number): void {
  if (Atomics.load(view, inbox + Word.Sleeping) === 0) return;
  if (Atomics.exchange(view, inbox + Word.Sleeping, 0) === 0) return;
  Atomics.add(view, inbox + Word.Bell, 1);
  Atomics.notify(view, inbox + Word.Bell);
}

/** Says that `count` more deliveries are expected. Until they are fulfilled, the event loop stays alive. */
export function expect(count = 1): void {
  inboxOffset();
  if (expected === 0) holdLoop();
  expected += count;
  if (!armed) arm();
}

/** Takes {@link expect} back, when the delivery was handled or will not come. */
export function fulfil(count = 1): void {
  expected -= count;
  if (expected === 0) releaseLoop();
}

/**
 * Has `look` called now and then while this thread blocks: the place to find out that a worker died without a word,
 * which otherwise only the event loop would tell. Returns its end.
 */
export function watch(look: () => void): () => void {
  watchers.add(look);
  return () => watchers.delete(look);
}

/** Handles what has arrived. Never waits. */
export function takeInArrivals(): void {
  if (offset === 0) return;
  while (anythingLeft()) handleBatch();
}

function handleBatch(): void {
  for (const source of sources) if (source.pending()) source.take(BATCH);
  // Handlers run users' callbacks, which may block in here again: they find the rest of the batch in the backlog.
  if (backlogAt >= backlog.length) {
    if (queue.length === 0) return;
    backlog = queue.popBatch(BATCH);
    backlogAt = 0;
  }
  while (backlogAt < backlog.length) handle(backlog[backlogAt++]!);
}

let backlog: Uint8Array[] = [];
let backlogAt = 0;

function handle(message: Uint8Array): void {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.length);
  receivers.get(bytes.readUInt32LE(0))?.(bytes.readUInt32LE(4), message.subarray(HEADER_BYTES));
}

function anythingLeft(): boolean {
  for (let i = 0; i < sources.length; i++) if ((sources[i] as Source).pending()) return true;
  return backlogAt < backlog.length || queue.length > 0;
}

/** Turns of the event loop since something was found. */
let idleTurns = 0;

/** A turn of the event loop. */
function turn(): void {
  const until = performance.now() + TURN_MS;
  if (anythingLeft()) idleTurns = 0;
  else idleTurns++;
  while (anythingLeft()) {
    handleBatch();
    if (performance.now() > until) break;
  }
  if (expected > 0 && idleTurns < IDLE_TURNS) {
    // What comes next is likely to be on its way: a look at the next turn is cheaper than a sleep and a wake.
    setImmediate(turn);
    return;
  }
  armed = false;
  if (expected > 0 || anythingLeft()) arm();
}

/** Has the next delivery handled by the event loop. */
function arm(): void {
  armed = true;
  const seen = Atomics.load(view, offset + Word.Bell);
  Atomics.store(view, offset + Word.Sleeping, 1);
  if (anythingLeft()) {
    setImmediate(turn);
    return;
  }
  const wait = Atomics.waitAsync(view, offset + Word.Bell, seen);
  if (wait.async) wait.value.then(turn);
  else setImmediate(turn);
}

/**
 * Blocks the thread until `satisfied`, handling what arrives meanwhile. Returns "timeout" at the deadline (a reading of
 * `performance.now()`, Infinity for none), and "never" if there is no deadline and nothing is expected that could
 * change anything.
 */
export function blockUntil(satisfied: () => boolean, deadline: number): "done" | "timeout" | "never" {
  inboxOffset();
  for (;;) {
    const seen = Atomics.load(view, offset + Word.Bell);
    while (anythingLeft()) {
      handleBatch();
      if (satisfied()) return "done";
    }
    if (satisfied()) return "done";
    if (expected === 0 && deadline === Number.POSITIVE_INFINITY) return "never";
    const left = deadline - performance.now();
    if (left <= 0) return "timeout";
    Atomics.store(view, offset + Word.Sleeping, 1);
    if (anythingLeft()) continue;
    const endless = deadline === Number.POSITIVE_INFINITY;
    if (words.wait(offset + Word.Bell, seen, Math.min(left, WATCH_MS), endless) === "timed-out") {
      for (const look of [...watchers]) look();
    }
  }
}
