/**
 * Counts each hold of a lock once, though it may be told twice.
 *
 * A hold that began without a word is told by whoever comes to wait for its end ("found"), so that it is seen while it
 * lasts. Its own record comes when it ends: alone, or, if the lock was given back before the waiter had asked to be
 * woken, among the brief holds that are told together. Between the two, another thread's acquisition may have ended it in
 * the model. So a found hold counts at once, but what its thread's own records say counts instead as soon as they come;
 * what was found and never told again counts only if it never ended.
 */
export class FoundHolds {
  /** By thread, rows that were found and not yet told by a record of their own, oldest first. */
  readonly #rows = new Map<number, number[]>();

  add(thread: number, row: number): void {
    const rows = this.#rows.get(thread);
    if (rows === undefined) this.#rows.set(thread, [row]);
    else rows.push(row);
  }

  has(thread: number, row: number): boolean {
    return this.#rows.get(thread)?.includes(row) ?? false;
  }

  /** A record tells a hold of a thread. Returns the row of the one that was counted when it was found, or -1. */
  take(thread: number): number {
    return this.#rows.get(thread)?.shift() ?? -1;
  }

  /** A record tells many holds of a thread, of which those `among` are some. Returns their rows, which counted already. */
  confirmAll(thread: number, among: (row: number) => boolean): number[] {
    const rows = this.#rows.get(thread);
    if (rows === undefined || rows.length === 0) return [];
    const confirmed = rows.filter(among);
    if (confirmed.length > 0)
      this.#rows.set(
        thread,
        rows.filter((row) => !among(row)),
      );
    return confirmed;
  }

  /** A hold did not end before its thread did. */
  keep(thread: number, row: number): void {
    const rows = this.#rows.get(thread);
    const at = rows?.indexOf(row) ?? -1;
    if (at >= 0) rows!.splice(at, 1);
  }

  /** No record will come any more. Returns how many counted that came to their end, and so were told otherwise. */
  finish(): number {
    let twice = 0;
    for (const rows of this.#rows.values()) twice += rows.length;
    this.#rows.clear();
    return twice;
  }
}
