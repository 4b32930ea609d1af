/**
 * States of a thread from samples: every few milliseconds the system says how long it ran and how long it was ready
 * but had no core. Where in between that was is not known. When it was blocked in a wait is known exactly, from its
 * events; so the time between two samples is first split by those, and what is left is filled with running, then
 * ready, then neither. Sums are right; borders within one sample's time are a guess.
 */
import { ThreadState } from "./model.js";

export class SampledStates {
  /** Up to where states were made; NaN before the first. */
  #to = Number.NaN;
  #ran = 0;
  #waited = 0;
  #core = -1;
  /** The state when off its core, and whether it is known to be off, at `#to` and at the changes since then. */
  #off: number = ThreadState.Idle;
  #blocked = false;
  readonly #changes: { t: number; off: number; blocked: boolean }[] = [];

  change(t: number, off: number, blocked: boolean): void {
    const last = this.#changes.at(-1);
    if (last ? last.off === off && last.blocked === blocked : this.#off === off && this.#blocked === blocked) return;
    this.#changes.push({ t, off, blocked });
  }

  /** Returns how long it ran since the last sample. */
  sample(
    startNs: number,
    t: number,
    runNs: number,
    waitNs: number,
    core: number,
    set: (t: number, state: number, core: number) => void,
  ): number {
    const ran = Math.max(0, runNs - this.#ran);
    const waited = Number.isNaN(waitNs) ? 0 : Math.max(0, waitNs - this.#waited);
    this.#ran = runNs;
    if (!Number.isNaN(waitNs)) this.#waited = waitNs;
    this.#core = core;
    this.#spread(startNs, t, ran, waited, set);
    return ran;
  }

  /** No more samples: where it was not blocked it is taken to have run. */
  settle(startNs: number, t: number, set: (t: number, state: number, core: number) => void): void {
    this.#spread(startNs, t, Number.POSITIVE_INFINITY, 0, set);
  }

  #spread(
    startNs: number,
    t: number,
    ran: number,
    waited: number,
    set: (t: number, state: number, core: number) => void,
  ): void {
    let from = Number.isNaN(this.#to) ? startNs : this.#to;
    if (!(t > from)) return;
    let used = 0;
    for (let i = 0; i <= this.#changes.length; i++) {
      const change = this.#changes[i];
      if (change && change.t > t) break;
      const until = change ? Math.max(change.t, from) : t;
      if (until > from) {
        if (this.#blocked) set(from, this.#off, -1);
        else {
          let at = from;
          if (ran > 0) {
            set(at, ThreadState.Running, this.#core);
            const length = Math.min(ran, until - at);
            ran -= length;
            at += length;
          }
          if (at < until && waited > 0) {
            set(at, ThreadState.Runnable, this.#core);
            const length = Math.min(waited, until - at);
            waited -= length;
            at += length;
          }
          if (at < until) set(at, this.#off, -1);
        }
        from = until;
      }
      if (change) {
        this.#off = change.off;
        this.#blocked = change.blocked;
        used = i + 1;
      }
    }
    this.#changes.splice(0, used);
    if (from < t) {
      // A change beyond t ended the loop: the rest of the time is as before it.
      if (this.#blocked) set(from, this.#off, -1);
      else {
        const running = Math.min(ran, t - from);
        if (running > 0) set(from, ThreadState.Running, this.#core);
        if (from + running < t) set(from + running, this.#off, -1);
      }
    }
    this.#to = t;
  }
}
