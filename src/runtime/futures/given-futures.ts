import { Future } from "./future.js";

/** The futures given, each once, in order. Throws `TypeError` for anything else. */
export function requireFutures<F extends Future<any>>(given: Iterable<F>): Set<F> {
  if (given instanceof Future) throw new TypeError("Several futures are waited for: give them as an array or Set");
  const futures = new Set(given);
  for (const future of futures) {
    if (!(future instanceof Future)) throw new TypeError(`Only futures can be waited for, not ${typeof future}`);
  }
  return futures;
}
