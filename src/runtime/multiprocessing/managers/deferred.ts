/**
 * A result to come, told by a callback at once when it is there. Promises tell only when the thread gets to its event
 * loop; a server that blocks its thread (`serveForeverSync`) never does, and serves all the same.
 */
import { atDeadline } from "../../core/deadline.js";

type Outcome<T> = { readonly value: T } | { readonly error: unknown };

export class Deferred<T> {
  #outcome: Outcome<T> | null = null;
  #listener: ((outcome: Outcome<T>) => void) | null = null;

  get settled(): boolean {
    return this.#outcome !== null;
  }

  resolve(value: T): void {
    this.#settle({ value });
  }

  reject(error: unknown): void {
    this.#settle({ error });
  }

  #settle(outcome: Outcome<T>): void {
    if (this.#outcome !== null) return;
    this.#outcome = outcome;
    this.#listener?.(outcome);
  }

  /** Calls one of the two, now or later. There is one listener. */
  whenSettled(resolved: (value: T) => void, rejected: (error: unknown) => void): void {
    const tell = (outcome: Outcome<T>) => {
      if ("error" in outcome) rejected(outcome.error);
      else resolved(outcome.value);
    };
    if (this.#outcome !== null) tell(this.#outcome);
    else this.#listener = tell;
  }
}

/** What is to happen at some time, by whatever drives the server: its event loop, or {@link callDue}. */
const alarms = new Set<{ readonly deadline: number; readonly ring: () => void }>();

/** Calls `ring` at a deadline. Returns how to take that back. */
export function alarmAt(deadline: number, ring: () => void): () => void {
  if (deadline === Number.POSITIVE_INFINITY) return () => {};
  const alarm = { deadline, ring: () => {} };
  const disarm = atDeadline(deadline, () => alarm.ring());
  const off = () => {
    disarm();
    alarms.delete(alarm);
  };
  alarm.ring = () => {
    off();
    ring();
  };
  alarms.add(alarm);
  return off;
}

/** Calls what is due, where no event loop does. Returns when to come again, at the latest. */
export function callDue(): number {
  const now = performance.now();
  let next = Number.POSITIVE_INFINITY;
  for (const alarm of [...alarms]) {
    if (alarm.deadline <= now) alarm.ring();
    else next = Math.min(next, alarm.deadline);
  }
  return next;
}
