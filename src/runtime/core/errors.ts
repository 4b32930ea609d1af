/**
 * All error classes of the library, one each, whichever namespace exports them. They cross between threads and
 * processes by class (see `structured-clone.ts`), so `instanceof` tells them apart everywhere.
 */
import { LocalError, TimeoutError } from "./base-errors.js";
import { DEEP, keepLocalFrames } from "./local-frames.js";
import { CalledProcessError, TimeoutExpired } from "./program-errors.js";

export { TimeoutError } from "./base-errors.js";
export { CalledProcessError, TimeoutExpired } from "./program-errors.js";

/**
 * The library or one of its objects is used in a way its state does not allow.
 *
 * @example
 * ```ts
 * import { RuntimeError } from "heddle";
 * import { Lock } from "heddle/threading";
 *
 * try {
 *   new Lock().release(); // nobody holds it
 * } catch (error) {
 *   console.log(error instanceof RuntimeError); // prints true
 * }
 * ```
 */
export class RuntimeError extends LocalError {}

/** Several tasks failed; `errors` holds what they threw. */
export class ExceptionGroup extends AggregateError {}

/** A key, attribute or stored result does not exist. */
export class KeyError extends RangeError {
  /** What was looked for. */
  readonly key: unknown;
  constructor(key?: unknown, message?: string) {
    super(message ?? String(key));
    this.key = key;
    keepLocalFrames(this);
  }
}

/**
 * The task or future was cancelled.
 *
 * @example
 * ```ts
 * import { CancelledError } from "heddle";
 * import { Future } from "heddle/futures";
 *
 * const future = new Future();
 * future.cancel();
 * try {
 *   await future;
 * } catch (error) {
 *   console.log(error instanceof CancelledError); // prints true
 * }
 * ```
 */
export class CancelledError extends LocalError {}

/**
 * A future that already has its outcome was given another one, or was asked too early.
 *
 * @example
 * ```ts
 * import { InvalidStateError } from "heddle";
 * import { Future } from "heddle/futures";
 *
 * const future = new Future<number>();
 * future.setResult(1);
 * try {
 *   future.setResult(2);
 * } catch (error) {
 *   console.log(error instanceof InvalidStateError); // prints true
 * }
 * ```
 */
export class InvalidStateError extends LocalError {}

/**
 * The barrier was aborted, reset or timed out while somebody waited, or its action threw.
 *
 * @example
 * ```ts
 * import { BrokenBarrierError } from "heddle";
 * import { Barrier } from "heddle/threading";
 *
 * const meeting = new Barrier(2);
 * try {
 *   await meeting.wait({ timeout: 10 }); // the other one does not come
 * } catch (error) {
 *   console.log(error instanceof BrokenBarrierError, meeting.broken); // prints true true
 * }
 * ```
 */
export class BrokenBarrierError extends RuntimeError {}

/**
 * A queue had no item in time.
 *
 * @example
 * ```ts
 * import { Empty } from "heddle";
 * import { Queue } from "heddle/queue";
 *
 * try {
 *   new Queue().getNowait();
 * } catch (error) {
 *   console.log(error instanceof Empty); // prints true
 * }
 * ```
 */
export class Empty extends LocalError {}

/**
 * A queue had no free place in time.
 *
 * @example
 * ```ts
 * import { Full } from "heddle";
 * import { Queue } from "heddle/queue";
 *
 * const queue = new Queue<string>({ maxSize: 1 });
 * await queue.put("fits");
 * try {
 *   await queue.put("does not", { timeout: 10 });
 * } catch (error) {
 *   console.log(error instanceof Full); // prints true
 * }
 * ```
 */
export class Full extends LocalError {}

/**
 * The queue was shut down.
 *
 * @example
 * ```ts
 * import { ShutDown } from "heddle";
 * import { Queue } from "heddle/queue";
 *
 * const queue = new Queue<number>();
 * await queue.put(1);
 * queue.shutdown();
 * console.log(await queue.get()); // prints 1
 * try {
 *   await queue.get();
 * } catch (error) {
 *   console.log(error instanceof ShutDown); // prints true
 * }
 * ```
 */
export class ShutDown extends LocalError {}

/**
 * An executor can no longer run tasks.
 *
 * @example
 * ```ts
 * import { BrokenExecutor, isMain } from "heddle";
 * import { ProcessPoolExecutor } from "heddle/futures";
 *
 * function crash() {
 *   process.exit(1);
 * }
 *
 * if (isMain) {
 *   const pool = new ProcessPoolExecutor({ maxWorkers: 1 });
 *   const error = await pool.submit(crash).exception();
 *   console.log(error instanceof BrokenExecutor); // prints true
 *   await pool.shutdown();
 * }
 * ```
 */
export class BrokenExecutor extends RuntimeError {}

/**
 * A thread of the executor failed in its initializer.
 *
 * @example
 * ```ts
 * import { BrokenThreadPool, isMain } from "heddle";
 * import { ThreadPoolExecutor } from "heddle/futures";
 *
 * function connect() {
 *   throw new Error("no database");
 * }
 *
 * function query() {}
 *
 * if (isMain) {
 *   const pool = new ThreadPoolExecutor({ maxWorkers: 1, initializer: connect });
 *   const error = await pool.submit(query).exception();
 *   console.log(error instanceof BrokenThreadPool); // prints true
 *   await pool.shutdown();
 * }
 * ```
 */
export class BrokenThreadPool extends BrokenExecutor {}

/**
 * A process of the executor died or failed in its initializer.
 *
 * @example
 * ```ts
 * import { BrokenProcessPool, isMain } from "heddle";
 * import { ProcessPoolExecutor } from "heddle/futures";
 *
 * function crash() {
 *   process.kill(process.pid, "SIGKILL");
 * }
 *
 * if (isMain) {
 *   const pool = new ProcessPoolExecutor({ maxWorkers: 1 });
 *   const error = await pool.submit(crash).exception();
 *   console.log(error instanceof BrokenProcessPool); // prints true
 *   await pool.shutdown();
 * }
 * ```
 */
export class BrokenProcessPool extends BrokenExecutor {}

/** Base of the errors of multiprocessing. */
export class ProcessError extends LocalError {}

/** The two ends of a connection do not have the same `authkey`. */
export class AuthenticationError extends ProcessError {}

/**
 * A message is larger than the buffer meant to receive it.
 *
 * @example
 * ```ts
 * import { BufferTooShort } from "heddle";
 * import { Pipe } from "heddle/multiprocessing";
 *
 * const [receiver, sender] = Pipe({ duplex: false });
 * await sender.sendBytes(new Uint8Array([1, 2, 3]));
 * try {
 *   await receiver.recvBytesInto(new Uint8Array(2));
 * } catch (error) {
 *   if (error instanceof BufferTooShort) console.log(error.data.join()); // prints 1,2,3
 * }
 * ```
 */
export class BufferTooShort extends ProcessError {
  /** The whole message; the connection has moved on to the next one. */
  readonly data: Uint8Array;
  constructor(data: Uint8Array = new Uint8Array(0), message = "the message is larger than the buffer") {
    super(message);
    this.data = data;
  }
}

/** A manager's server refused a request, or failed outside the method that was called. */
export class RemoteError extends LocalError {
  /** The stack on the server's side. */
  readonly remoteStack: string;
  constructor(message?: string, remoteStack = "") {
    super(message);
    this.remoteStack = remoteStack;
  }
}

/**
 * The other end of the connection is closed and everything it sent has been received.
 *
 * @example
 * ```ts
 * import { EOFError } from "heddle";
 * import { Pipe } from "heddle/multiprocessing";
 *
 * const [receiver, sender] = Pipe<string>({ duplex: false });
 * await sender.send("hello");
 * sender.close();
 * console.log(await receiver.recv()); // prints hello
 * try {
 *   await receiver.recv();
 * } catch (error) {
 *   console.log(error instanceof EOFError); // prints true
 * }
 * ```
 */
export class EOFError extends LocalError {}

/**
 * A function or value cannot cross to another thread or process; the message says how to mend it.
 *
 * @example
 * ```ts
 * import { DataCloneError, isMain } from "heddle";
 * import { Thread } from "heddle/threading";
 *
 * if (isMain) {
 *   const greeting = "hello";
 *   try {
 *     new Thread({ target: () => console.log(greeting) }); // a closure: its variable stays here
 *   } catch (error) {
 *     if (error instanceof DataCloneError) console.log(error.variables); // prints [ 'greeting' ]
 *   }
 * }
 * ```
 */
export class DataCloneError extends Error {
  /** The name of the function that cannot cross, or null when it is a value that cannot. */
  readonly functionName: string | null;
  /** The local variables the function closes over. */
  readonly variables: readonly string[];
  /** Where the offending value sits in what was sent, such as `args[0].socket`. */
  readonly path: string;
  constructor(
    message?: string,
    details: { functionName?: string | null; variables?: readonly string[]; path?: string } = {},
  ) {
    super(message);
    this.functionName = details.functionName ?? null;
    this.variables = details.variables ?? [];
    this.path = details.path ?? "";
    keepLocalFrames(this, DEEP);
  }
}

/** Every class by its name: the names are their identity when they cross. */
export const errorClasses = {
  RuntimeError,
  ExceptionGroup,
  KeyError,
  TimeoutError,
  CancelledError,
  InvalidStateError,
  BrokenBarrierError,
  Empty,
  Full,
  ShutDown,
  BrokenExecutor,
  BrokenThreadPool,
  BrokenProcessPool,
  ProcessError,
  AuthenticationError,
  BufferTooShort,
  RemoteError,
  EOFError,
  DataCloneError,
  CalledProcessError,
  TimeoutExpired,
} as const;

// On the prototype, so that it is no field of each error and survives a minifier.
for (const [name, type] of Object.entries(errorClasses)) {
  Object.defineProperty(type.prototype, "name", { value: name, writable: true, configurable: true });
  Object.defineProperty(type, "name", { value: name, configurable: true });
}
