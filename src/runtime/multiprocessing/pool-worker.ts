/** A worker process of a pool: takes tasks from the channel, one after the other, and sends back what came of them. */
import type { Socket } from "node:net";
import { emit, intern, recording } from "../../recorder/emit.js";
import { EventFlag, EventKind } from "../../trace/events.js";
import { referenceName, resolveReference } from "../core/function-reference.js";
import { importMainScript } from "../core/main-script.js";
import { decode, encode } from "../core/structured-clone.js";
import { loopTurns, ownHandle } from "../core/stuck-loop.js";
import { holdLoop } from "../core/words.js";
import { sendToParent } from "./channel-writer.js";
import { FrameReader } from "./frames.js";
import { FromChild, LONGEST_REPORTED_US, ToChild } from "./messages.js";
import { reportDeath } from "./report-death.js";
import type { StartMessage, WorkerWork } from "./start-message.js";
import { referenceOfKey, splitTask } from "./task-codec.js";

type AnyFunction = (...args: unknown[]) => unknown;

interface Task {
  readonly id: number;
  readonly body: Uint8Array;
}

interface Known {
  readonly fn: AnyFunction;
  readonly name: string;
}

const functions = new Map<string, Known>();
const nothing = new Uint8Array(0);

/** An error as bytes, whatever it is. */
function encodeError(error: unknown): Uint8Array {
  try {
    return encode(error, { crossing: "process", path: "error" });
  } catch (problem) {
    return encode(problem, { crossing: "process", path: "error" });
  }
}

class TaskLoop {
  readonly #queue: Task[] = [];
  #next = 0;
  #running = false;
  #stopping = false;
  readonly #origin: { readonly origin: string };
  readonly #pool: number;

  constructor(pool: number, origin: string) {
    this.#pool = pool;
    this.#origin = { origin };
  }

  /** Takes a frame from the parent. */
  take(kind: number, id: number, body: Uint8Array): void {
    loopTurns();
    if (kind === ToChild.Task) this.#queue.push({ id, body });
    else if (kind === ToChild.Stop) this.#stopping = true;
  }

  /** Runs what is there. */
  async work(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    while (this.#next < this.#queue.length) {
      const task = this.#queue[this.#next++]!;
      const pending = this.#run(task);
      // Tasks that return at once take no turn of the loop between them.
      if (pending !== undefined) await pending;
    }
    this.#queue.length = 0;
    this.#next = 0;
    this.#running = false;
    if (this.#stopping) process.exit();
  }

  #run({ id, body }: Task): Promise<void> | undefined {
    const { key, chunk, args } = splitTask(body);
    const known = functions.get(key);
    return known === undefined ? this.#resolveAndCall(id, key, chunk, args) : this.#call(id, known, chunk, args);
  }

  async #resolveAndCall(id: number, key: string, chunk: boolean, args: Uint8Array): Promise<void> {
    const reference = referenceOfKey(key);
    try {
      const known = { fn: (await resolveReference(reference)) as AnyFunction, name: referenceName(reference) };
      functions.set(key, known);
      await this.#call(id, known, chunk, args);
    } catch (error) {
      this.#begin(id, referenceName(reference));
      this.#fail(id, error, performance.now());
    }
  }

  #call(id: number, { fn, name }: Known, chunk: boolean, encoded: Uint8Array): Promise<void> | undefined {
    this.#begin(id, name);
    const began = performance.now();
    try {
      const args = decode(encoded, this.#origin) as unknown[];
      const value = chunk ? callEach(fn, args as unknown[][]) : fn(...args);
      if (isThenable(value)) {
        return Promise.resolve(value).then(
          (settled) => this.#succeed(id, settled, began),
          (error) => this.#fail(id, error, began),
        );
      }
      this.#succeed(id, value, began);
    } catch (error) {
      this.#fail(id, error, began);
    }
    return undefined;
  }

  #begin(id: number, name: string): void {
    if (recording) emit(EventKind.TaskStart, this.#pool, 0, id, intern(name), EventFlag.Remote);
  }

  #succeed(id: number, value: unknown, began: number): void {
    let body: Uint8Array;
    try {
      body = encode(value, { crossing: "process", once: true, path: "result" });
    } catch (error) {
      this.#fail(id, error, began);
      return;
    }
    this.#end(FromChild.Result, id, body, began, 0);
  }

  #fail(id: number, error: unknown, began: number): void {
    this.#end(FromChild.Failure, id, encodeError(error), began, EventFlag.Failed);
  }

  #end(kind: number, id: number, body: Uint8Array, began: number, flags: number): void {
    if (recording) emit(EventKind.TaskEnd, this.#pool, 0, id, 0, EventFlag.Remote | flags);
    const us = Math.min(LONGEST_REPORTED_US, Math.round((performance.now() - began) * 1000));
    sendToParent(((us << 8) | kind) >>> 0, id, body);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}

/** Calls the function once for each list of arguments; a promise as soon as one call gives one. */
function callEach(fn: AnyFunction, lists: readonly unknown[][]): unknown {
  const results: unknown[] = [];
  for (let i = 0; i < lists.length; i++) {
    const value = fn(...lists[i]!);
    if (isThenable(value)) return callRest(fn, lists, results, value);
    results.push(value);
  }
  return results;
}

async function callRest(
  fn: AnyFunction,
  lists: readonly unknown[][],
  results: unknown[],
  first: PromiseLike<unknown>,
): Promise<unknown[]> {
  results.push(await first);
  while (results.length < lists.length) results.push(await fn(...lists[results.length]!));
  return results;
}

/** Serves a pool until it is told to stop. */
export async function serveTasks(start: StartMessage, work: WorkerWork, channel: Socket): Promise<void> {
  const { name, parent } = start.who;
  const origin = `process ${parent.name} (pid ${parent.pid})`;
  if (recording) emit(EventKind.PoolWorker, work.pool, 0, parent.pid, 0, 0);
  try {
    await importMainScript();
  } catch (error) {
    reportDeath(name, error);
    process.exit(1);
  }
  try {
    if (work.initializer !== null) {
      const initializer = (await resolveReference(work.initializer)) as AnyFunction;
      await initializer(...(decode(work.initArgs, { origin }) as unknown[]));
    }
  } catch (error) {
    reportDeath(name, error);
    sendToParent(FromChild.InitializerFailed, 0, encodeError(error));
    process.exit(1);
  }
  const reader = new FrameReader();
  const loop = new TaskLoop(work.pool, origin);
  channel.on("data", (piece: Uint8Array) => {
    reader.push(piece, (kind, id, body) => loop.take(kind, id, body));
    void loop.work();
  });
  // With nothing but the channel it has nothing to do until the parent says something.
  ownHandle();
  holdLoop();
  sendToParent(FromChild.Ready, 0, nothing);
}
