/**
 * What the io-service tells the thread that owns a pool, through that thread's inbox: what came of tasks, many together,
 * and what happens to the pool.
 *
 *   u32  id of the task
 *   u32  kind, of `FromChild`
 *   u32  bytes of the body, or LARGE: then it came through the port
 *   …    the body
 */
import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import { postTo } from "../futures/inbox.js";
import { LARGE_BYTES, postLarge } from "./task-stream.js";

/** Where a pool's messages go: the inbox of its thread, and a receiver there for each kind. */
export interface PoolAddress {
  readonly inbox: number;
  /** payload: what came of tasks. */
  readonly results: number;
  /** number: one of {@link PoolEvent}. */
  readonly events: number;
}

export const PoolEvent = {
  /** The pool broke: payload, the message as text. */
  Broken: 1,
  /** What failed in a worker: payload, the error; comes before Broken. */
  Cause: 2,
  /** It was shut down and no worker is left. */
  Closed: 3,
  /** A worker was started: payload, its pid (i32) and name. */
  Started: 4,
  /** A worker ended: payload, its pid and exit code (i32). */
  Ended: 5,
  /** A worker died with a task: payload, its pid and exit code (i32), the task's number (u32), what it ended by if that is known. */
  Lost: 6,
} as const;

/** Bytes before the error of a worker that died with a task. */
export const LOST_HEADER = 12;
/** Bytes before the body of a result. */
const RESULT_HEADER = 12;
/** In the place of a length. */
const LARGE = 0xffff_ffff;

interface Message {
  readonly receiver: number;
  readonly number: number;
  readonly payload: Uint8Array;
}

/** How long to wait for room in the heap, in milliseconds. */
const RETRY_MS = 5;
const TOGETHER = 32 * 1024;
const nothing = new Uint8Array(0);

export class PoolPost {
  readonly #to: PoolAddress;
  readonly #port: MessagePort;
  readonly #bytes = Buffer.alloc(TOGETHER + LARGE_BYTES + RESULT_HEADER);
  #at = 0;
  /** What found no room in the heap, in order. */
  readonly #kept: Message[] = [];

  constructor(to: PoolAddress, port: MessagePort) {
    this.#to = to;
    this.#port = port;
  }

  /** Says what came of a task, at the next {@link flush}. */
  finished(id: number, kind: number, body: Uint8Array): void {
    const { length } = body;
    const bytes = this.#bytes;
    const large = length > LARGE_BYTES;
    if (large) postLarge(this.#port, body);
    bytes.writeUInt32LE(id, this.#at);
    bytes.writeUInt32LE(kind, this.#at + 4);
    bytes.writeUInt32LE(large ? LARGE : length, this.#at + 8);
    this.#at += RESULT_HEADER;
    if (!large) {
      bytes.set(body, this.#at);
      this.#at += length;
    }
    if (this.#at >= TOGETHER) this.flush();
  }

  flush(): void {
    if (this.#at === 0) return;
    const end = this.#at;
    this.#at = 0;
    this.#post({ receiver: this.#to.results, number: 0, payload: this.#bytes.subarray(0, end) });
  }

  /** Posts, or keeps it until there is room: the owner may take nothing in for long while others fill the heap. */
  #post(message: Message): void {
    if (this.#kept.length === 0 && this.#try(message)) return;
    if (this.#kept.length === 0) setTimeout(this.#retry, RETRY_MS);
    this.#kept.push({ ...message, payload: new Uint8Array(message.payload) });
  }

  #try({ receiver, number, payload }: Message): boolean {
    try {
      postTo(this.#to.inbox, receiver, number, payload);
      return true;
    } catch (error) {
      if (error instanceof RangeError) return false;
      throw error;
    }
  }

  readonly #retry = (): void => {
    while (this.#kept.length > 0 && this.#try(this.#kept[0] as Message)) this.#kept.shift();
    if (this.#kept.length > 0) setTimeout(this.#retry, RETRY_MS);
  };

  started(pid: number, name: string): void {
    const payload = Buffer.from(`    ${name}`);
    payload.writeInt32LE(pid, 0);
    this.#event(PoolEvent.Started, payload);
  }

  ended(pid: number, exitCode: number): void {
    const payload = Buffer.alloc(8);
    payload.writeInt32LE(pid, 0);
    payload.writeInt32LE(exitCode, 4);
    this.#event(PoolEvent.Ended, payload);
  }

  lost(id: number, pid: number, exitCode: number, error: Uint8Array | null): void {
    const payload = Buffer.alloc(LOST_HEADER + (error?.length ?? 0));
    payload.writeInt32LE(pid, 0);
    payload.writeInt32LE(exitCode, 4);
    payload.writeUInt32LE(id, 8);
    if (error !== null) payload.set(error, LOST_HEADER);
    this.#event(PoolEvent.Lost, payload);
  }

  broken(message: string, error: Uint8Array | null): void {
    if (error !== null) this.#event(PoolEvent.Cause, error);
    this.#event(PoolEvent.Broken, new TextEncoder().encode(message));
  }

  closed(): void {
    this.#event(PoolEvent.Closed, nothing);
  }

  #event(kind: number, payload: Uint8Array): void {
    this.flush();
    this.#post({ receiver: this.#to.events, number: kind, payload });
  }
}

/** The owner's end: what came of tasks, one after the other. */
export class ArrivedResults {
  readonly #port: MessagePort | null;
  /** The first is being read at `#at`. */
  readonly #batches: Buffer[] = [];
  #at = 0;
  /** Of the result read last. */
  id = 0;
  kind = 0;
  body: Uint8Array = nothing;

  /** `port`: where large bodies come from. */
  constructor(port: MessagePort | null) {
    this.#port = port;
  }

  /** Takes in what the service told. */
  push(payload: Uint8Array): void {
    this.#batches.push(Buffer.from(payload.buffer, payload.byteOffset, payload.length));
  }

  /** True if there are results. */
  get pending(): boolean {
    return this.#batches.length > 0;
  }

  /** Goes to the next, which is there. */
  next(): void {
    const bytes = this.#batches[0] as Buffer;
    this.id = bytes.readUInt32LE(this.#at);
    this.kind = bytes.readUInt32LE(this.#at + 4);
    const length = bytes.readUInt32LE(this.#at + 8);
    const from = this.#at + RESULT_HEADER;
    const end = length === LARGE ? from : from + length;
    const isLarge = length === LARGE && this.#port !== null;
    this.body = isLarge ? (receiveMessageOnPort(this.#port)?.message as Uint8Array) : bytes.subarray(from, end);
    this.#at = end;
    if (end < bytes.length) return;
    this.#batches.shift();
    this.#at = 0;
  }
}
