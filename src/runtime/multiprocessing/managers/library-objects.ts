/**
 * Objects of the library's own that users put behind a manager, such as a `queue.Queue`: where their methods wait, a
 * request that is cancelled, or whose client is gone, has to stop waiting, or it would take an item that nobody gets.
 */
import { Empty, Full, TimeoutError } from "../../core/errors.js";
import { Queue, SimpleQueue } from "../../queue/index.js";
import { Barrier, Condition, Event, Lock, RLock, Semaphore } from "../../threading/index.js";
import { CANCELLED, type Caller } from "./caller.js";
import { alarmAt, Deferred } from "./deferred.js";

const KINDS = [Queue, SimpleQueue, Lock, RLock, Semaphore, Condition, Event, Barrier] as const;

/** The methods that wait, and the place of their options. */
const WAITING = new Map([
  ["get", 0],
  ["put", 1],
  ["join", 0],
  ["acquire", 0],
  ["wait", 0],
]);

/** Whether a call is of a method that waits, of an object of the library. */
export function waits(object: object, method: string): boolean {
  return WAITING.has(method) && KINDS.some((kind) => object instanceof kind);
}

/** The arguments of such a call, with a signal that ends it when the request does. */
export function withSignal(method: string, args: readonly unknown[], caller: Caller): unknown[] {
  const at = WAITING.get(method) as number;
  const all = [...args];
  const options = all[at];
  if (options !== undefined && (typeof options !== "object" || options === null)) return all;
  while (all.length < at) all.push(undefined);
  all[at] = { ...(options as object | undefined), signal: caller.signal };
  return all;
}

/** Requests that wait while the server blocks its thread: each looks whether it can go on. */
const looking = new Set<() => void>();

/** Lets them look. Returns whether any are left. */
export function lookAgain(): boolean {
  for (const look of [...looking]) look();
  return looking.size > 0;
}

type Method = (...args: unknown[]) => unknown;

/**
 * Calls such a method where no promise can ever settle, by trying its blocking form without waiting again and again.
 * Returns null if there is no such form that would not wait.
 */
export function callByTrying(
  object: object,
  method: string,
  args: readonly unknown[],
  caller: Caller,
): Deferred<unknown> | null {
  const twin = (object as Record<string, unknown>)[`${method}Sync`] as Method | undefined;
  const at = WAITING.get(method) as number;
  const options = (args[at] ?? {}) as { timeout?: number; blocking?: boolean };
  const tries = method === "join" || method === "wait" ? { timeout: 0 } : { blocking: false };
  if (twin === undefined || object instanceof Barrier || (object instanceof Condition && method === "wait"))
    return null;
  const before = args.slice(0, at);
  const deferred = new Deferred<unknown>();
  const isLate = (error: unknown) => error instanceof Empty || error instanceof Full || error instanceof TimeoutError;
  const end = () => {
    looking.delete(look);
    disarm();
    forget();
  };
  const attempt = (last: boolean) => {
    try {
      const result = twin.call(object, ...before, tries);
      if (result === false && !last) return;
      end();
      deferred.resolve(result);
    } catch (error) {
      if (isLate(error) && !last) return;
      end();
      deferred.reject(error);
    }
  };
  const look = () => attempt(false);
  const { timeout = Number.POSITIVE_INFINITY, blocking = true } = options;
  let disarm = () => {};
  let forget = () => {};
  attempt(!blocking || timeout <= 0);
  if (deferred.settled) return deferred;
  looking.add(look);
  disarm = alarmAt(performance.now() + timeout, () => attempt(true));
  forget = caller.onCancel(() => {
    end();
    deferred.reject(CANCELLED);
  });
  return deferred;
}
