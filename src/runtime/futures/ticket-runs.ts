/**
 * Which call a ticket is of, for many calls that were handed in one after the other. Their tickets mostly follow each
 * other as the calls do; where they do not, because reading the input hands in tasks of its own, a new run begins.
 */
interface Run {
  readonly ticket: number;
  /** The place of the call with this ticket. */
  place: number;
}

export class TicketRuns {
  readonly #runs: Run[] = [];
  #nextTicket = 0;
  #nextPlace = 0;

  /** The call with this place, which is the next, has this ticket. */
  add(ticket: number, place: number): void {
    if (this.#runs.length === 0 || ticket !== this.#nextTicket || place !== this.#nextPlace) {
      this.#runs.push({ ticket, place });
    }
    this.#nextTicket = (ticket + 1) | 0;
    this.#nextPlace = place + 1;
  }

  /** As {@link add}, for `count` calls and their tickets. */
  addRun(ticket: number, place: number, count: number): void {
    this.add(ticket, place);
    this.#nextTicket = (ticket + count) | 0;
    this.#nextPlace = place + count;
  }

  /** The place of the call with this ticket; -1 if all was forgotten. */
  placeOf(ticket: number): number {
    let i = this.#runs.length - 1;
    if (i < 0) return -1;
    while (i > 0 && ((ticket - (this.#runs[i] as Run).ticket) | 0) < 0) i--;
    const run = this.#runs[i] as Run;
    return run.place + ((ticket - run.ticket) | 0);
  }

  /** The ticket of the call at a place that was added. */
  ticketOf(place: number): number {
    let i = this.#runs.length - 1;
    while (i > 0 && (this.#runs[i] as Run).place > place) i--;
    const run = this.#runs[i] as Run;
    return (run.ticket + (place - run.place)) | 0;
  }

  /** The first `count` places are of no interest any more: the others count from there. */
  forget(count: number): void {
    for (const run of this.#runs) run.place -= count;
    this.#nextPlace -= count;
    while (this.#runs.length > 1 && (this.#runs[1] as Run).place <= 0) this.#runs.shift();
  }

  /** Forgets all. */
  clear(): void {
    this.#runs.length = 0;
  }
}
