/**
 * A thread's offers of ends that it sends to processes that run (`descriptor-server.ts` tells how they get there), and
 * how whoever sends a message finds out which offers are in it, to withdraw them when it is over.
 */
import { type ConnectionClient, connectionClient } from "./connection-client.js";
import type { OfferedEnd } from "./connection-requests.js";
import { whenChildrenAreFinished } from "./service-client.js";

/** An offer at a connection service. */
export interface Offer {
  readonly client: ConnectionClient;
  readonly number: number;
}

/** How long the end of a thread waits for those who take what it sent, in milliseconds. */
const LAST_CHANCE_MS = 1000;
const NONE: readonly Offer[] = [];
/** The latest offers, this many at most: a message is encoded in one go, and has not more. */
const MOST_RECENT = 8192;
let recent: Offer[] = [];
let lastNumber = 0;
/** Those in messages that may be read any number of times, which nobody has taken charge of. */
let lasting: Offer[] = [];

/** Offers a copy of an end. Throws what the service says. */
export function offer(client: ConnectionClient, id: number, stays: boolean): { offer: Offer; end: OfferedEnd } {
  const made: Offer = { client, number: lastNumber + 1 };
  const { offered } = client.ask((call) => ({ op: "offer", call, id, number: made.number, stays }));
  lastNumber++;
  if (lastNumber === 1) whenChildrenAreFinished(awaitTakers);
  if (stays) lasting.push(made);
  else {
    if (recent.length >= MOST_RECENT) recent = recent.slice(MOST_RECENT / 2);
    recent.push(made);
  }
  return { offer: made, end: offered! };
}

/** At the end of this thread: leaves others time to take what it sent last. */
function awaitTakers(): void {
  connectionClient().ask((call) => ({ op: "taken", call, ms: LAST_CHANCE_MS }));
}

/** The number of the latest offer. */
export function latestOffer(): number {
  return lastNumber;
}

/** The offers in what was encoded since the offer of this number was the latest. */
export function offersSince(number: number): readonly Offer[] {
  return number === lastNumber ? NONE : recent.filter((made) => made.number > number);
}

/** The offers in what was just encoded for any number of readers: to be withdrawn when there will be none any more. */
export function takeLastingOffers(): readonly Offer[] {
  if (lasting.length === 0) return NONE;
  const made = lasting;
  lasting = [];
  return made;
}

/** Takes offers back. Does nothing for those that were taken. */
export function withdraw(offers: readonly Offer[]): void {
  for (const { client, number } of offers) client.post({ op: "withdraw", number });
}

/** The offers among the arguments of calls, which are gone when the call is over, whether it was begun or not. */
export class OffersOfCalls {
  #before = 0;
  readonly #open = new Map<number, readonly Offer[]>();

  /** The arguments of a call will be encoded. */
  begin(): void {
    this.#before = lastNumber;
  }

  /** They were, and the call has this number. */
  keep(call: number): void {
    if (this.#before !== lastNumber) this.#open.set(call, offersSince(this.#before));
  }

  /** A call is over. */
  over(call: number): void {
    if (this.#open.size === 0) return;
    withdraw(this.#open.get(call) ?? NONE);
    this.#open.delete(call);
  }
}
