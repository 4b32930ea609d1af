/**
 * Which chain of promises is calling: what an RLock taken by `acquire` belongs to, since the thread alone does not tell
 * two tasks apart that take turns in it.
 *
 * Without tasks the whole of a thread is one context, and a thread of a pool has a new one with each task it begins.
 * Node's tracking of contexts costs something at every `await`, so it is switched on only when {@link runInContext} is
 * called for the first time.
 */
import { AsyncLocalStorage } from "node:async_hooks";

let storage: AsyncLocalStorage<number> | null = null;
let outermost = 1;
let last = 1;

/** The number of the calling context, unique in its thread; never 0. */
export function currentContext(): number {
  return storage === null ? outermost : (storage.getStore() ?? outermost);
}

/** The thread begins with something new that has nothing to do with what it did before: a pool's next task. */
export function beginContext(): void {
  outermost = ++last;
}

/** Calls `body` in a context of its own, to which also belongs all that it awaits. */
export function runInContext<T>(body: () => T): T {
  storage ??= new AsyncLocalStorage<number>();
  return storage.run(++last, body);
}
