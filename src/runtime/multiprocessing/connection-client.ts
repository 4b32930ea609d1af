/**
 * A thread's end of its connection service: a port, and a word that the service changes whenever it has said something,
 * so that the thread can block until it does. What it says is taken from the port by the event loop or, while the thread
 * blocks, by {@link ConnectionClient.next}; both hand it on in the order in which it came.
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import { now, recording, StuckState, setStuck } from "../../recorder/emit.js";
import { writeOutAll } from "../core/brief-holds.js";
import { atDeadline, checkTimeout, deadlineIn, SLICE } from "../core/deadline.js";
import { AuthenticationError, TimeoutError } from "../core/errors.js";
import { beginTimedWait, endTimedWait } from "../core/stuck-loop.js";
import { holdLoop, releaseLoop } from "../core/words.js";
import { remadeError } from "../platform/system-error.js";
import type { TimeoutOptions, WaitOptions } from "../types.js";
import type { CallAnswer, CarriedError, ConnectionReply, ConnectionRequest } from "./connection-requests.js";
import { beginWait, endWait, type RecordedWait } from "./recorded-end.js";
import { request } from "./service-client.js";

/** Makes an error of what came over from the service. */
export function errorOf({ code, message }: CarriedError): Error {
  if (code === "AUTH") return new AuthenticationError(message);
  return remadeError({ code, message });
}

/** Takes what is said of a connection. */
export interface ConnectionListener {
  reply(reply: ConnectionReply): void;
  /** This thread is about to block; only called after {@link ConnectionClient.readByLoop}. */
  beforeBlocking(): void;
}

/** What is waited for: calls back once, at once or later, and can be taken back until then. */
export type Begin<T> = (done: (error: Error | null, value?: T) => void) => () => void;

export class ConnectionClient {
  readonly #port: MessagePort;
  readonly #word: Int32Array<SharedArrayBuffer>;
  readonly #calls = new Map<number, (answer: CallAnswer) => void>();
  readonly #listeners = new Map<number, WeakRef<ConnectionListener>>();
  /** Those that the event loop reads. */
  readonly #readByLoop = new Set<number>();
  /** What promises wait for: keeps it from being collected. */
  readonly #pending = new Set<() => void>();
  #lastCall = 0;
  #waits = 0;
  /** Called whenever anything was said. */
  readonly onWake = new Set<() => void>();

  constructor(port: MessagePort, word: SharedArrayBuffer) {
    this.#port = port;
    this.#word = new Int32Array(word);
    port.on("message", (reply: ConnectionReply) => this.#take(reply));
    port.unref();
  }

  /** Hears what is said of a connection, as long as that one is in use. */
  listen(id: number, listener: ConnectionListener): void {
    this.#listeners.set(id, new WeakRef(listener));
  }

  unlisten(id: number): void {
    this.#listeners.delete(id);
    this.#readByLoop.delete(id);
  }

  /** The event loop of this thread reads a connection: it is told before the loop stops. */
  readByLoop(id: number): void {
    this.#readByLoop.add(id);
  }

  /** Asks, without an answer. */
  post(request: ConnectionRequest, moved: (ArrayBuffer | MessagePort)[] = []): void {
    this.#port.postMessage(request, moved);
  }

  /** Asks something that is answered. Returns the call's number; `answered` gets the answer, unless it is forgotten. */
  call(
    make: (call: number) => ConnectionRequest,
    answered: (answer: CallAnswer) => void,
    moved: ArrayBuffer[] = [],
  ): number {
    const call = ++this.#lastCall;
    this.#calls.set(call, answered);
    this.post(make(call), moved);
    return call;
  }

  /** Wants no answer any more. */
  forget(call: number): void {
    if (this.#calls.delete(call)) this.post({ op: "forget", call });
  }

  /** Asks and blocks until it is answered. Throws the error of the answer. */
  ask(make: (call: number) => ConnectionRequest): CallAnswer {
    return this.waitSync<CallAnswer>((done) => {
      this.call(make, (answer) => done(answer.error === null ? null : errorOf(answer.error), answer));
      return () => {};
    });
  }

  #take(reply: ConnectionReply): void {
    if (reply.type === "answer") {
      const answered = this.#calls.get(reply.call);
      this.#calls.delete(reply.call);
      // Accepted for somebody who has given up meanwhile: the next one gets it.
      if (answered === undefined) for (const { id } of reply.ends ?? []) this.post({ op: "return", id });
      answered?.(reply);
    } else if (reply.type !== "wake") {
      this.#listeners.get(reply.id)?.deref()?.reply(reply);
    }
    for (const wake of [...this.onWake]) wake();
  }

  /** Takes in what has been said, without waiting. */
  drain(): void {
    for (;;) {
      const next = receiveMessageOnPort(this.#port) as { message: ConnectionReply } | undefined;
      if (next === undefined) return;
      this.#take(next.message);
    }
  }

  /**
   * Blocks until the service has said something, and takes it in. Returns false at the deadline. `stuck`: only another
   * thread of this program can make it say something.
   */
  next(deadline: number, stuck = false): boolean {
    for (;;) {
      const seen = Atomics.load(this.#word, 0);
      const next = receiveMessageOnPort(this.#port) as { message: ConnectionReply } | undefined;
      if (next !== undefined) {
        this.#take(next.message);
        return true;
      }
      const left = deadline - performance.now();
      if (left <= 0) return false;
      for (const id of this.#readByLoop) this.#listeners.get(id)?.deref()?.beforeBlocking();
      if (recording) {
        writeOutAll();
        if (stuck) setStuck(StuckState.Blocked);
      }
      Atomics.wait(this.#word, 0, seen, Math.min(left, SLICE));
      if (recording && stuck) setStuck(StuckState.No);
    }
  }

  /**
   * Blocks until `begin` calls back. Throws its error, or `TimeoutError`, having taken it back. `recorded` is what the
   * trace is to say of it, if it comes to waiting.
   */
  waitSync<T>(begin: Begin<T>, options: TimeoutOptions = {}, recorded: RecordedWait | null = null): T {
    const deadline = deadlineIn(checkTimeout(options.timeout));
    let outcome: { error: Error | null; value?: T | undefined } | null = null;
    let wait = 0;
    const t = recorded === null ? 0 : now();
    const cancel = begin((error, value) => {
      outcome = { error, value };
      endWait(wait, error !== null);
      wait = 0;
    });
    const settled = () => outcome as { error: Error | null; value?: T } | null;
    if (recorded !== null && settled() === null) wait = beginWait(t, recorded, false);
    const stuck = recorded?.own === true && deadline === Number.POSITIVE_INFINITY;
    while (settled() === null) {
      if (this.next(deadline, stuck)) continue;
      cancel();
      endWait(wait, true);
      throw new TimeoutError("the connection's time is up");
    }
    const { error, value } = settled()!;
    if (error !== null) throw error;
    return value as T;
  }

  /** As {@link waitSync}, by a promise that keeps the event loop alive; rejects with a signal's reason when aborted. */
  wait<T>(begin: Begin<T>, options: WaitOptions = {}, recorded: RecordedWait | null = null): Promise<T> {
    return new Promise((resolve, reject) => {
      const { signal } = options;
      const deadline = deadlineIn(checkTimeout(options.timeout));
      if (signal?.aborted) throw signal.reason;
      let over = false;
      let clear = () => {};
      let wait = 0;
      const t = recorded === null ? 0 : now();
      const finish = (failed: boolean, settle: () => void) => {
        if (over) return;
        over = true;
        endWait(wait, failed);
        clear();
        settle();
      };
      const cancel = begin((error, value) =>
        finish(error !== null, () => (error === null ? resolve(value as T) : reject(error))),
      );
      if (over) return;
      if (recorded !== null) wait = beginWait(t, recorded, true);
      const giveUp = (reason: unknown) => {
        finish(true, () => {
          cancel();
          reject(reason);
        });
      };
      const onAbort = () => giveUp(signal!.reason);
      signal?.addEventListener("abort", onAbort, { once: true });
      const disarm = atDeadline(deadline, () => giveUp(new TimeoutError("the connection's time is up")));
      // Who is at the other end of a socket is not known here: the wait may end at any time.
      const stuck = recorded?.own === true && deadline === Number.POSITIVE_INFINITY && signal === undefined;
      if (stuck) holdLoop();
      else beginTimedWait();
      this.#hold();
      this.#pending.add(cancel);
      clear = () => {
        this.#pending.delete(cancel);
        signal?.removeEventListener("abort", onAbort);
        disarm();
        if (stuck) releaseLoop();
        else endTimedWait();
        this.#release();
      };
    });
  }

  #hold(): void {
    if (this.#waits++ === 0) this.#port.ref();
  }

  #release(): void {
    if (--this.#waits === 0) this.#port.unref();
  }
}

let client: ConnectionClient | null = null;

/** The client of this thread; starts the service if it is the first to ask. */
export function connectionClient(): ConnectionClient {
  if (client === null) {
    const { port1, port2 } = new MessageChannel();
    const word = new SharedArrayBuffer(4);
    request({ kind: "connections", port: port2, word }, [port2]);
    client = new ConnectionClient(port1, word);
  }
  return client;
}
