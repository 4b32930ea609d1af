/** A worker process of a pool: takes tasks from the channel, one after the other, and sends back what came of them. */
import type { Socket } from "node:net";
import { emit, intern, recording } from "../../recorder/emit.js";
import { EventFlag, EventKind } from "../../trace/events.js";
import { type FunctionReference, referenceName, resolveReference } from "../core/function-reference.js";
import { importMainScript, isStartRefused } from "../core/main-script.js";
import { decode, encode } from "../core/structured-clone.js";
import { loopTurns, ownHandle } from "../core/stuck-loop.js";
import { holdLoop } from "../core/words.js";
import { sendToParent } from "./channel-writer.js";
import { decodeList, encodeList } from "./chunk-codec.js";
import { FrameReader } from "./frames.js";
import { Form, FromChild, formOf, functionOf, kindOf, LONGEST_REPORTED_US, ToChild } from "./messages.js";
import { reportDeath } from "./report-death.js";
import type { StartMessage, WorkerWork } from "./start-message.js";

type AnyFunction = (...args: unknown[]) => unknown;

interface Task {
  readonly id: number;
  readonly head: number;
  readonly body: Uint8Array;
}

interface Known {
  readonly fn: AnyFunction;
  readonly name: string;
}

const nothing = new Uint8Array(0);
const errorOptions = { crossing: "process", path: "error" } as const;
const resultOptions = { crossing: "process", once: true, path: "result" } as const;

/** An error as bytes, whatever it is. */
function encodeError(error: unknown): Uint8Array {
  try {
    return encode(error, errorOptions);
  } catch (problem) {
    return encode(problem, errorOptions);
  }
}

class TaskLoop {
  readonly #queue: Task[] = [];
  #next = 0;
  #running = false;
  #stopping = false;
  readonly #origin: { readonly origin: string };
  readonly #pool: number;
  /** By the numbers that tasks name them by. */
  readonly #references: FunctionReference[] = [];
  readonly #functions: (Known | undefined)[] = [];

  constructor(pool: number, origin: string) {
    this.#pool = pool;
    this.#origin = { origin };
  }

  /** Takes a frame from the parent. */
  take(head: number, id: number, body: Uint8Array): void {
    loopTurns();
    const kind = kindOf(head);
    if (kind === ToChild.Task) this.#queue.push({ id, head, body });
    else if (kind === ToChild.Stop) this.#stopping = true;
    else if (kind === ToChild.Function) {
      this.#references[functionOf(head)] = JSON.parse(Buffer.from(body).toString()) as FunctionReference;
    }
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

  #run(task: Task): Promise<void> | undefined {
    const known = this.#functions[functionOf(task.head)];
    return known === undefined ? this.#resolveAndCall(task) : this.#call(task, known);
  }

  async #resolveAndCall(task: Task): Promise<void> {
    const number = functionOf(task.head);
    const reference = this.#references[number] as FunctionReference;
    let known: Known;
    try {
      known = { fn: (await resolveReference(reference)) as AnyFunction, name: referenceName(reference) };
    } catch (error) {
      this.#begin(task.id, referenceName(reference));
      this.#fail(task.id, error, performance.now());
      return;
    }
    this.#functions[number] = known;
    await this.#call(task, known);
  }

  #call(task: Task, { fn, name }: Known): Promise<void> | undefined {
    const { id, body } = task;
    const form = formOf(task.head);
    this.#begin(id, name);
    const began = performance.now();
    try {
      if (form !== Form.Call) return this.#callEach(task, fn, began);
      const args = decode(body, this.#origin) as unknown[];
      const value = args.length === 1 ? fn(args[0]) : fn(...args);
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

  #callEach({ id, head, body }: Task, fn: AnyFunction, began: number): Promise<void> | undefined {
    const form = formOf(head);
    const items = decodeList(body, this.#origin.origin);
    const calls = new Calls(fn, items, form === Form.Lists || form === Form.ListsTogether);
    const together = form === Form.ItemsTogether || form === Form.ListsTogether;
    const told = () => {
      const { failures } = calls;
      if (together && failures.length > 0) this.#fail(id, failures[0]!.error, began);
      else this.#tell(id, calls, began, together);
    };
    const pending = calls.run(together);
    if (pending === undefined) told();
    else return pending.then(told);
    return undefined;
  }

  #begin(id: number, name: string): void {
    if (recording) emit(EventKind.TaskStart, this.#pool, 0, id, intern(name), EventFlag.Remote);
  }

  #succeed(id: number, value: unknown, began: number): void {
    let body: Uint8Array;
    try {
      body = encode(value, resultOptions);
    } catch (error) {
      this.#fail(id, error, began);
      return;
    }
    this.#end(FromChild.Result, id, body, began, 0);
  }

  /** Sends what came of each call. */
  #tell(id: number, calls: Calls, began: number, together: boolean): void {
    let kind: number = FromChild.Result;
    let body: Uint8Array;
    try {
      if (calls.failures.length === 0) body = encodeList(calls.values, { path: "result" });
      else {
        kind = FromChild.Mixed;
        body = calls.encodeMixed();
      }
    } catch (error) {
      if (together) {
        this.#fail(id, error, began);
        return;
      }
      calls.findUnsendable();
      kind = FromChild.Mixed;
      body = calls.encodeMixed();
    }
    this.#end(kind, id, body, began, kind === FromChild.Mixed ? EventFlag.Failed : 0);
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

/** Calls of one function, one after the other. */
class Calls {
  readonly values: unknown[] = [];
  readonly failures: { readonly place: number; error: unknown }[] = [];
  readonly #fn: AnyFunction;
  readonly #items: readonly unknown[];
  /** Each item is a list of arguments. */
  readonly #spread: boolean;

  constructor(fn: AnyFunction, items: readonly unknown[], spread: boolean) {
    this.#fn = fn;
    this.#items = items;
    this.#spread = spread;
  }

  /** Calls it for all that are left, or until the first error. Gives a promise as soon as one call gives one. */
  run(untilError: boolean): Promise<void> | undefined {
    const { values } = this;
    const items = this.#items;
    const fn = this.#fn;
    const { length } = items;
    while (values.length < length) {
      const item = items[values.length];
      try {
        const value = this.#spread ? fn(...(item as unknown[])) : fn(item);
        if (isThenable(value)) return this.#runRest(value, untilError);
        values.push(value);
      } catch (error) {
        this.#failed(error);
        if (untilError) return undefined;
      }
    }
    return undefined;
  }

  async #runRest(first: PromiseLike<unknown>, untilError: boolean): Promise<void> {
    let pending = first;
    for (;;) {
      try {
        this.values.push(await pending);
      } catch (error) {
        this.#failed(error);
        if (untilError) return;
      }
      const place = this.values.length;
      if (place >= this.#items.length) return;
      const item = this.#items[place];
      // What it throws is what awaiting it throws.
      pending = (async () => (this.#spread ? this.#fn(...(item as unknown[])) : this.#fn(item)))();
    }
  }

  #failed(error: unknown): void {
    this.failures.push({ place: this.values.length, error });
    this.values.push(undefined);
  }

  /** What came of the calls when some failed. Throws `DataCloneError` if something in it cannot cross. */
  encodeMixed(): Uint8Array {
    const { values, failures } = this;
    const mixed = [values, failures.map(({ place }) => place), failures.map(({ error }) => error)];
    return encode(mixed, resultOptions);
  }

  /** Makes failures of the results that cannot cross, and of errors that cannot what says so. */
  findUnsendable(): void {
    this.values.forEach((value, place) => {
      try {
        encode(value, resultOptions);
      } catch (error) {
        this.values[place] = undefined;
        this.failures.push({ place, error });
      }
    });
    for (const failure of this.failures) {
      try {
        encode(failure.error, errorOptions);
      } catch (problem) {
        failure.error = problem;
      }
    }
  }
}

/** Tells the pool of an error that nobody caught, by which its worker ends. */
export function reportUncaught(name: string, error: unknown): void {
  // A script that starts its pool in a function that it does not await has been imported, all the same not as it should.
  if (isStartRefused(error)) sendToParent(FromChild.ImportFailed, 0, encodeError(error));
  else {
    reportDeath(name, error);
    sendToParent(FromChild.Uncaught, 0, encodeError(error));
  }
}

/** Serves a pool until it is told to stop. */
export async function serveTasks(start: StartMessage, work: WorkerWork, channel: Socket): Promise<void> {
  const { name, parent } = start.who;
  const origin = `process ${parent.name} (pid ${parent.pid})`;
  if (recording) emit(EventKind.PoolWorker, work.pool, 0, parent.pid, 0, 0);
  try {
    await importMainScript();
    // What the script leaves rejected is found out before the first task.
    await new Promise((resolve) => setImmediate(resolve));
  } catch (error) {
    // Told by the pool, once, and not by each of its workers.
    sendToParent(FromChild.ImportFailed, 0, encodeError(error));
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
  const take = (head: number, id: number, body: Uint8Array) => loop.take(head, id, body);
  channel.on("data", (piece: Uint8Array) => {
    reader.push(piece, take);
    void loop.work();
  });
  // With nothing but the channel it has nothing to do until the parent says something.
  ownHandle();
  holdLoop();
  sendToParent(FromChild.Ready, 0, nothing);
}
