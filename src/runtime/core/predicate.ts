/** The functions of users that are called under a lock: what they return counts, so they must not be asynchronous. */
import { describe } from "./describe-value.js";
import { keepLocalFrames } from "./local-frames.js";

/**
 * Calls what a condition waits for. Throws `TypeError` for what is no function, and for one that returns a promise: that
 * would count as true at once.
 */
export function ask<T>(predicate: () => T): T {
  if (typeof predicate !== "function") {
    throw refusal(`the predicate must be a function, not ${describe(predicate)}`);
  }
  const value = predicate();
  if (isPromise(value)) {
    throw refusal(
      "the predicate returned a promise, which always counts as true: it is called under the lock and must be synchronous",
    );
  }
  return value;
}

/** Calls a barrier's action. Throws `TypeError` if it returns a promise: nobody would wait for it. */
export function act(action: () => unknown): void {
  if (isPromise(action())) {
    throw refusal("the action of a barrier returned a promise, for which nobody waits: it must be synchronous");
  }
}

/** Whether it is a promise, whose failure is then nobody's any more. */
function isPromise(value: unknown): boolean {
  if (typeof value !== "object" || value === null || !("then" in value) || typeof value.then !== "function")
    return false;
  if (value instanceof Promise) value.catch(() => {});
  return true;
}

function refusal(message: string): TypeError {
  const error = new TypeError(message);
  keepLocalFrames(error, undefined, refusal);
  return error;
}
