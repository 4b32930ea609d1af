// biome-ignore-all lint/suspicious/noExplicitAny: any future, whatever its result
import { describe } from "../core/describe-value.js";
import { isIterable } from "../core/iterable.js";
import { Future } from "./future.js";

/** All that were given, in order. Throws `TypeError` for what is no list of futures. */
export function listFutures<F extends Future<any>>(given: Iterable<F>): F[] {
  if (given instanceof Future || !isIterable(given)) {
    const what = given instanceof Future ? "" : `, not ${describe(given)}`;
    throw new TypeError(`Several futures are waited for: give them as an array or Set${what}`);
  }
  const list = [...given];
  for (const future of list) {
    if (!(future instanceof Future)) throw new TypeError(`Only futures can be waited for, not ${typeof future}`);
  }
  return list;
}

/** The same, each once. */
export function requireFutures<F extends Future<any>>(given: Iterable<F>): Set<F> {
  return new Set(listFutures(given));
}
