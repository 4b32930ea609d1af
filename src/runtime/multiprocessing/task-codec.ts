/**
 * A task on its way to a worker process: the function's reference and its arguments.
 *
 *   u32     bytes of the reference
 *   u8      1 for a chunk of calls
 *   …       the reference, as JSON: equal functions have equal bytes, so a worker resolves each once
 *   …       the arguments, encoded
 */
import { type FunctionReference, referenceName, referenceTo } from "../core/function-reference.js";
import { encode } from "../core/structured-clone.js";

/** A function as tasks name it. */
export interface TaskFunction {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const functions = new WeakMap<object, TaskFunction>();

/** How tasks name a function. Throws `DataCloneError` if it cannot cross. */
export function taskFunction(fn: (...args: never[]) => unknown): TaskFunction {
  let known = functions.get(fn);
  if (known === undefined) {
    const reference = referenceTo(fn, "fn");
    known = { name: referenceName(reference), bytes: Buffer.from(JSON.stringify(reference)) };
    functions.set(fn, known);
  }
  return known;
}

/** The body of a task. `chunk`: `args` is a list of argument lists, and the result the list of the results. */
export function encodeTask(fn: TaskFunction, args: readonly unknown[], chunk: boolean): Uint8Array {
  const encoded = encode(args, { crossing: "process", once: true, path: "args" });
  const { length } = fn.bytes;
  const body = new Uint8Array(5 + length + encoded.length);
  new DataView(body.buffer).setUint32(0, length, true);
  body[4] = chunk ? 1 : 0;
  body.set(fn.bytes, 5);
  body.set(encoded, 5 + length);
  return body;
}

/** The parts of a task's body. */
export function splitTask(body: Uint8Array): { key: string; chunk: boolean; args: Uint8Array } {
  const buffer = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const end = 5 + buffer.readUInt32LE(0);
  return { key: buffer.toString("latin1", 5, end), chunk: buffer[4] === 1, args: body.subarray(end) };
}

/** The reference behind the key of {@link splitTask}. */
export function referenceOfKey(key: string): FunctionReference {
  return JSON.parse(Buffer.from(key, "latin1").toString()) as FunctionReference;
}
