/**
 * The processes of a pool as its owner sees them: how they are started, what is told of them, and how they end. All of it
 * is done by the thread's io-service (`pool-dispatcher.ts`); here is what goes there and comes from there.
 */

import { MessageChannel, type MessagePort } from "node:worker_threads";
import { emit, intern, recording } from "../../recorder/emit.js";
import { EventKind, WaitReason } from "../../trace/events.js";
import { deadlineAfter } from "../core/deadline.js";
import { TimeoutError } from "../core/errors.js";
import type { FunctionReference } from "../core/function-reference.js";
import { assertMayStart, mainScriptUrl } from "../core/main-script.js";
import { decode } from "../core/structured-clone.js";
import type { TimeoutOptions, WaitOptions } from "../core/types.js";
import { Future, linkToPool, settle } from "../futures/future.js";
import {
  addSource,
  blockUntil,
  expect,
  fulfil,
  inboxOffset,
  register,
  removeSource,
  type Source,
  takeInArrivals,
  unregister,
} from "../futures/inbox.js";
import { beginWait, endWait } from "../futures/recorded-wait.js";
import { childSettings } from "./child-settings.js";
import { takeLastingOffers, withdraw } from "./offers.js";
import { ArrivedResults, LOST_HEADER, PoolEvent } from "./pool-post.js";
import { identityOfWorker } from "./process.js";
import { request, whenChildrenAreFinished } from "./service-client.js";
import { encodeStart } from "./start-message.js";
import { TaskStreamWriter } from "./task-stream.js";

export interface ProcessPoolSettings {
  /** For the names of the processes, and messages. */
  readonly name: string;
  readonly maxWorkers: number;
  readonly maxTasksPerChild: number;
  /** For a `Pool`: all workers start at once, are daemons, and one that ends is replaced. Else its end breaks the pool. */
  readonly replaces: boolean;
  readonly initializer: FunctionReference | null;
  /** Encoded. */
  readonly initArgs: Uint8Array;
}

/** The pool that the processes work for: its tasks. */
export interface ProcessWork extends Source {
  /** Its number in the trace. */
  readonly poolNumber: number;
  /** Who is to be named as the origin of errors. */
  readonly origin: string;
  /** A process died with a task. `cause`: the error it died of, if that is known. */
  lost(id: number, pid: number, exitCode: number, cause: unknown): void;
  /** Nothing can be run any more. `cause`: what failed in a process, if that is known. */
  broke(message: string, cause: unknown): void;
}

export class PoolProcesses {
  readonly #work: ProcessWork;
  readonly #settings: ProcessPoolSettings;
  /** Connections among the arguments of the initializer. */
  readonly #lasting = takeLastingOffers();
  #stream: TaskStreamWriter | null = null;
  #port: MessagePort | null = null;
  #receivers: readonly number[] = [];
  /** What came of tasks. */
  arrived = new ArrivedResults(null);
  /** What failed in the process of which the next event tells. */
  #cause: unknown = undefined;
  #closed = false;
  #expectsClose = false;
  readonly #whenClosed: (() => void)[] = [];

  constructor(work: ProcessWork, settings: ProcessPoolSettings) {
    this.#work = work;
    this.#settings = settings;
  }

  /** Where its tasks go, once it was told of. */
  get stream(): TaskStreamWriter | null {
    return this.#stream;
  }

  /** Tells the io-service of the pool, if that was not done. Returns where its tasks go. */
  start(): TaskStreamWriter {
    if (this.#stream !== null) return this.#stream;
    const { name, maxWorkers, maxTasksPerChild, replaces, initializer, initArgs } = this.#settings;
    assertMayStart("process");
    const pool = this.#work.poolNumber;
    const who = identityOfWorker(name, replaces);
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.arrived = new ArrivedResults(port1);
    this.#stream = new TaskStreamWriter(port1);
    const results = register((_, payload) => this.arrived.push(payload));
    const events = register((event, payload) => this.#event(event, payload));
    this.#receivers = [results, events];
    addSource(this.#work);
    if (recording) whenChildrenAreFinished(takeInArrivals);
    request(
      {
        kind: "pool",
        pool,
        address: { inbox: inboxOffset(), results, events },
        stream: this.#stream.offset,
        port: port2,
        options: { maxWorkers, maxTasksPerChild, replaces },
        settings: childSettings(),
        start: encodeStart({
          main: mainScriptUrl,
          argv: process.argv,
          who,
          work: { kind: "worker", pool, initializer, initArgs },
        }),
      },
      [port2],
    );
    return this.#stream;
  }

  /** Says that there are tasks. */
  poke(): void {
    request({ kind: "tasks", pool: this.#work.poolNumber });
  }

  #event(event: number, payload: Uint8Array): void {
    // What came before the event is in line before it.
    this.#work.take(Number.POSITIVE_INFINITY);
    const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
    switch (event) {
      case PoolEvent.Cause:
        this.#cause = this.#causeIn(payload);
        return;
      case PoolEvent.Broken:
        this.#work.broke(bytes.toString(), this.#cause);
        return;
      case PoolEvent.Lost: {
        const cause = bytes.length > LOST_HEADER ? this.#causeIn(payload.subarray(LOST_HEADER)) : undefined;
        this.#work.lost(bytes.readUInt32LE(8), bytes.readInt32LE(0), bytes.readInt32LE(4), cause);
        return;
      }
      case PoolEvent.Started:
        if (recording) {
          emit(EventKind.ProcessSpawn, 0, 0, bytes.readInt32LE(0), intern(bytes.toString("utf8", 4)), 0);
        }
        return;
      case PoolEvent.Ended:
        if (recording) emit(EventKind.ProcessExit, 0, 0, bytes.readInt32LE(0), bytes.readInt32LE(4) + 1000, 0);
        return;
      case PoolEvent.Closed:
        this.#close();
        return;
    }
  }

  /** What failed in a process. */
  #causeIn(bytes: Uint8Array): unknown {
    try {
      return decode(bytes, { origin: this.#work.origin });
    } catch (error) {
      return error;
    }
  }

  /** Has the processes end: when all tasks are done, or at once. */
  end(kind: "shutdown" | "terminate"): void {
    if (this.#stream === null) this.#close();
    if (this.#closed) return;
    // The end of the processes is a delivery too.
    if (!this.#expectsClose) expect();
    this.#expectsClose = true;
    request({ kind, pool: this.#work.poolNumber });
  }

  #close(): void {
    this.#closed = true;
    for (const receiver of this.#receivers) unregister(receiver);
    removeSource(this.#work);
    this.#port?.close();
    this.#stream?.dispose();
    withdraw(this.#lasting);
    if (this.#expectsClose) fulfil();
    this.#expectsClose = false;
    for (const resolve of this.#whenClosed.splice(0)) resolve();
  }

  /** Resolves when all have ended. Rejects with `TimeoutError` or the signal's reason if that comes first. */
  async ended(options?: WaitOptions): Promise<void> {
    takeInArrivals();
    if (this.#closed) return;
    const gate = new Future<void>();
    linkToPool(gate, this.#work.poolNumber);
    this.#whenClosed.push(() => settle(gate, false, undefined));
    await gate.result(options);
  }

  /** Blocks until all have ended. Throws `TimeoutError` if it takes longer. */
  endedSync(options?: TimeoutOptions): void {
    const deadline = deadlineAfter(options?.timeout);
    takeInArrivals();
    if (this.#closed) return;
    const wait = beginWait(WaitReason.Shutdown, this.#work.poolNumber, false);
    const ended = blockUntil(() => this.#closed, deadline) === "done";
    endWait(wait, !ended);
    if (!ended) throw new TimeoutError("The processes of the pool did not end in time");
  }
}
