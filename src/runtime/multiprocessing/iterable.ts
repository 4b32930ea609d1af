/** What a user gives to be gone over: something that is no sequence would otherwise count as an empty one. */
import { describe } from "../core/describe-value.js";

/** Throws `TypeError` with `what` for what cannot be iterated over. */
export function requireIterable(value: unknown, what: string): Iterable<unknown> {
  if (value === null || value === undefined || typeof (value as Iterable<unknown>)[Symbol.iterator] !== "function") {
    throw new TypeError(`${what} must be iterable, not ${describe(value)}`);
  }
  return value as Iterable<unknown>;
}
