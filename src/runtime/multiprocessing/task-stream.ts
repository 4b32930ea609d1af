/**
 * The way of tasks from the thread that owns a pool of processes to its io-service: one writer, one reader, in the heap,
 * without a lock and without a message for each.
 *
 * Tasks follow each other in segments, each naming the next. The writer publishes one by counting up; the reader takes
 * them in order, and only when a process is to have them, so what waits is nothing but these bytes. The state in a task
 * decides who has it: the reader changes it from Waiting to Taken, the writer cancels by changing it from Waiting to
 * Cancelled, and who comes second finds it changed. The reader says how many segments it has left behind; the writer
 * gives them back, so the writer knows which states may still be looked at.
 *
 * A body above {@link LARGE_BYTES} is moved through a port, in the order of the tasks; in the segment stands that it is.
 *
 * The reader is woken by a message only when it asked for one: it clears `Poked` when it would have something to do with
 * a further task, and the writer that finds it cleared sends the message.
 */
import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import { allocate, free, heapBytes, words, writeHeap } from "../core/heap.js";
import { writeSimpleList } from "../core/simple-values.js";

const { view } = words;

/** Words of a stream. The writer's and the reader's have cache lines of their own. */
const StreamWord = { Published: 0, First: 1, Left: 32, Poked: 33 } as const;
const STREAM_WORDS = 48;

const SEGMENT_WORDS = 1 << 14;
/** Words of a task before its body. */
const Entry = { State: 0, Id: 1, Head: 2, Bytes: 3, Body: 4 } as const;
/** Words at the end of a segment for the way to the next. */
const NEXT_WORDS = 2;

const State = { Waiting: 0, Taken: 1, Cancelled: 2, /** The stream goes on at the address in Id. */ Next: 3 } as const;

/** Bodies above this do not lie in the heap. */
export const LARGE_BYTES: number = 16 * 1024;
const LARGE = -1;
/** Arguments written in place have at most so many bytes. */
const SIMPLE_BYTES = 1024;

const bodyWords = (bytes: number): number => (bytes + 3) >> 2;

/** Where a task is: enough to ask about it, or to cancel it. */
export interface TaskPlace {
  readonly at: number;
  readonly segment: number;
}

/** The owner's end. */
export class TaskStreamWriter {
  /** Where the stream is in the heap. */
  readonly offset: number = allocate(STREAM_WORDS);
  readonly #port: MessagePort;
  /** Segments that may still be read, the oldest first, and the number of that one. */
  readonly #segments: number[] = [];
  #firstSegment = 0;
  #at = 0;
  #end = 0;
  #published = 0;
  /** The task pushed last. */
  lastAt = 0;
  lastSegment = 0;

  /** `port`: the writer's end of the channel of large bodies. */
  constructor(port: MessagePort) {
    this.#port = port;
    this.#open();
    view[this.offset + StreamWord.First] = this.#at;
    view[this.offset + StreamWord.Poked] = 1;
  }

  #open(): void {
    const segment = allocate(SEGMENT_WORDS, false);
    this.#segments.push(segment);
    this.#at = segment;
    this.#end = segment + SEGMENT_WORDS;
  }

  #room(count: number): void {
    if (this.#at + Entry.Body + count + NEXT_WORDS <= this.#end) return;
    const left = Atomics.load(view, this.offset + StreamWord.Left);
    for (; this.#firstSegment < left; this.#firstSegment++) free(this.#segments.shift() as number, SEGMENT_WORDS);
    const end = this.#at;
    this.#open();
    view[end + Entry.Id] = this.#at;
    view[end + Entry.State] = State.Next;
  }

  /** Adds a task with the list of its arguments, if these are simple. Returns whether they are. */
  pushSimple(id: number, head: number, args: readonly unknown[]): boolean {
    this.#room(bodyWords(SIMPLE_BYTES));
    const from = (this.#at + Entry.Body) * 4;
    const bytes = writeSimpleList(args, from, from + SIMPLE_BYTES) - from;
    if (bytes < 0) return false;
    this.#publish(id, head, bytes, bodyWords(bytes));
    return true;
  }

  /** Adds a task. A large body is moved if it fills its buffer, and may not be used any more. */
  push(id: number, head: number, body: Uint8Array): void {
    const { length } = body;
    if (length <= LARGE_BYTES) {
      this.#room(bodyWords(length));
      writeHeap(this.#at + Entry.Body, body);
      this.#publish(id, head, length, bodyWords(length));
      return;
    }
    this.#room(0);
    postLarge(this.#port, body);
    this.#publish(id, head, LARGE, 0);
  }

  #publish(id: number, head: number, bytes: number, count: number): void {
    const at = this.#at;
    view[at + Entry.State] = State.Waiting;
    view[at + Entry.Id] = id;
    view[at + Entry.Head] = head;
    view[at + Entry.Bytes] = bytes;
    this.lastAt = at;
    this.lastSegment = this.#firstSegment + this.#segments.length - 1;
    this.#at = at + Entry.Body + count;
    this.#published = (this.#published + 1) | 0;
    Atomics.store(view, this.offset + StreamWord.Published, this.#published);
  }

  /** True, once, if the reader is to be told that there are tasks. */
  mustPoke(): boolean {
    const poked = this.offset + StreamWord.Poked;
    return Atomics.load(view, poked) === 0 && Atomics.exchange(view, poked, 1) === 0;
  }

  /** Takes a task back that the reader has not taken. Returns whether it could. */
  cancel({ at, segment }: TaskPlace): boolean {
    if (segment < this.#firstSegment) return false;
    return Atomics.compareExchange(view, at + Entry.State, State.Waiting, State.Cancelled) === State.Waiting;
  }

  /** True if the reader took the task. */
  isTaken({ at, segment }: TaskPlace): boolean {
    return segment < this.#firstSegment || Atomics.load(view, at + Entry.State) === State.Taken;
  }

  /** Gives the memory back; nobody reads any more. */
  dispose(): void {
    for (const segment of this.#segments.splice(0)) free(segment, SEGMENT_WORDS);
    free(this.offset, STREAM_WORDS);
  }
}

/** The io-service's end. */
export class TaskStreamReader {
  readonly #offset: number;
  readonly #port: MessagePort;
  readonly #passed: (head: number) => boolean;
  #at: number;
  #count = 0;
  #left = 0;
  /** The task taken last. Its body is good until the next call, if it is not {@link isOwn}. */
  id = 0;
  head = 0;
  body: Uint8Array = new Uint8Array(0);
  /** True if the body is a buffer of its own, that stays as it is. */
  isOwn = false;

  /** `passed` is asked about each entry that comes by: true if it is none for a process, and was dealt with. */
  constructor(offset: number, port: MessagePort, passed: (head: number, read: () => Uint8Array) => boolean) {
    this.#offset = offset;
    this.#port = port;
    this.#passed = (head) => passed(head, () => this.#read().slice());
    this.#at = view[offset + StreamWord.First] as number;
  }

  /** How many tasks wait, with some that were cancelled. */
  get waiting(): number {
    this.#skip();
    return (this.published - this.#count) | 0;
  }

  /** How many were pushed, around at 2^32. */
  get published(): number {
    return Atomics.load(view, this.#offset + StreamWord.Published);
  }

  /** Asks for a message at the next task. One that came just before sends none: look at {@link published} again. */
  askForPoke(): void {
    Atomics.store(view, this.#offset + StreamWord.Poked, 0);
  }

  /** Goes over what needs no process, so that a task stands at the front, if there is any. */
  #skip(): void {
    while (this.published !== this.#count) {
      const state = Atomics.load(view, this.#at + Entry.State);
      if (state === State.Next) {
        this.#at = view[this.#at + Entry.Id] as number;
        Atomics.store(view, this.#offset + StreamWord.Left, ++this.#left);
      } else if (state === State.Cancelled) this.#pass(true);
      else if (this.#passed(view[this.#at + Entry.Head] as number)) this.#pass(false);
      else return;
    }
  }

  /** Takes the next task. False if there is none. */
  take(): boolean {
    for (;;) {
      this.#skip();
      if (this.published === this.#count) return false;
      const at = this.#at + Entry.State;
      if (Atomics.compareExchange(view, at, State.Waiting, State.Taken) !== State.Waiting) continue;
      this.id = view[this.#at + Entry.Id] as number;
      this.head = view[this.#at + Entry.Head] as number;
      this.isOwn = view[this.#at + Entry.Bytes] === LARGE;
      this.body = this.#read();
      this.#pass(false);
      return true;
    }
  }

  #read(): Uint8Array {
    const bytes = view[this.#at + Entry.Bytes] as number;
    if (bytes === LARGE) return receiveMessageOnPort(this.#port)?.message as Uint8Array;
    const from = (this.#at + Entry.Body) * 4;
    return heapBytes.subarray(from, from + bytes);
  }

  #pass(drop: boolean): void {
    const bytes = view[this.#at + Entry.Bytes] as number;
    if (drop && bytes === LARGE) receiveMessageOnPort(this.#port);
    this.#at += Entry.Body + (bytes === LARGE ? 0 : bodyWords(bytes));
    this.#count = (this.#count + 1) | 0;
  }
}

/** Posts a large body, moved if nothing else is in its buffer. */
export function postLarge(port: MessagePort, body: Uint8Array): void {
  const { buffer } = body;
  const whole = buffer instanceof ArrayBuffer && body.byteLength === buffer.byteLength;
  const moved = whole ? body : new Uint8Array(body);
  // A Buffer would arrive as a Uint8Array anyway.
  port.postMessage(new Uint8Array(moved.buffer, moved.byteOffset, moved.byteLength), [moved.buffer as ArrayBuffer]);
}
