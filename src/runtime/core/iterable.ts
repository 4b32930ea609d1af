/** What a user gives to be gone over: something that is no sequence would otherwise count as an empty one. */
import { describe } from "./describe-value.js";

/** True for what can be gone over at once: not for what can only be read asynchronously. */
export function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof (value as Partial<Iterable<unknown>> | null | undefined)?.[Symbol.iterator] === "function";
}

/** Throws `TypeError` with `what` for what cannot be iterated over. */
export function requireIterable(value: unknown, what: string): Iterable<unknown> {
  if (!isIterable(value)) throw new TypeError(`${what} must be iterable, not ${describe(value)}`);
  return value;
}
