/**
 * The semaphores of a server.
 *
 * Who has a permit is not known in general: one may be taken here and given back there. But as long as every client gives
 * back only what it took, the permits of one that is gone are known to be lost. They are not put back, for what they
 * stand for may be left halfway; but when nobody is left who could give one back, whoever wants one, or waits, gets an
 * error that names the client, and `release` makes up for what was lost. A semaphore that is used to tell news (released
 * by those who took nothing) has no holders, and none of this applies.
 */
import { acquireTimeout } from "../../../core/acquirable.js";
import type { AcquireSyncOptions } from "../../../types.js";
import type { Caller, Client, Holdable } from "../caller.js";
import type { Deferred } from "../deferred.js";
import { abandoned } from "./lock.js";
import { Managed, WaitLine } from "./managed.js";

const MOST_PERMITS = 0x7fff_ffff;

function count(n: unknown, what: string, least: number): number {
  if (typeof n !== "number") throw new TypeError(`${what} must be a number`);
  if (!Number.isInteger(n) || n < least || n > MOST_PERMITS) {
    throw new RangeError(`${what} must be a whole number from ${least} to ${MOST_PERMITS}, not ${n}`);
  }
  return n;
}

export class ManagedSemaphore extends Managed implements Holdable {
  static override readonly exposed: readonly string[] = ["acquire", "release", "locked", "getValue"];
  #value: number;
  readonly #line = new WaitLine<boolean>();
  /** How many permits each living client has. */
  readonly #taken = new Map<Client, number>();
  /** How many are lost, and with whom. */
  #lost = 0;
  #lostWith = "";
  /** It was released by somebody who had taken nothing. */
  #tellsNews = false;

  constructor(
    value: number,
    readonly bound: number = MOST_PERMITS,
  ) {
    super();
    this.#value = count(value, "the initial value", 0);
  }

  acquire(caller: Caller, options?: AcquireSyncOptions): boolean | Deferred<boolean> {
    const timeout = acquireTimeout(options);
    if (this.#value > 0) {
      this.#value--;
      this.#take(caller.client);
      return true;
    }
    if (timeout <= 0) return false;
    if (this.#isAbandoned()) throw abandoned(this.name, this.#lostWith);
    return this.#line.wait(caller, timeout, undefined, () => false);
  }

  #take(client: Client): void {
    this.#taken.set(client, (this.#taken.get(client) ?? 0) + 1);
    client.holds.add(this);
  }

  release(caller: Caller, n: number = 1): void {
    count(n, "n", 1);
    if (this.#value + n > this.bound) {
      throw new RangeError(
        this.bound === MOST_PERMITS ? "a semaphore has too many permits" : "semaphore released too many times",
      );
    }
    for (let i = 0; i < n; i++) this.#giveBack(caller.client);
    this.#value += n;
    while (this.#value > 0 && this.#line.length > 0) {
      this.#value--;
      this.#line.serveBy(({ caller: next }) => {
        this.#take(next.client);
        return true;
      });
    }
    if (this.#value === 0 && this.#isAbandoned()) this.#fail();
  }

  #giveBack(client: Client): void {
    const has = this.#taken.get(client) ?? 0;
    if (has > 1) this.#taken.set(client, has - 1);
    else if (has === 1) {
      this.#taken.delete(client);
      client.holds.delete(this);
    } else if (this.#lost > 0) this.#lost--;
    else this.#tellsNews = true;
  }

  #isAbandoned(): boolean {
    return this.#lost > 0 && this.#taken.size === 0 && !this.#tellsNews;
  }

  #fail(): void {
    this.#line.failAll(() => abandoned(this.name, this.#lostWith));
  }

  override get capacity(): number {
    return this.#value;
  }

  locked(): boolean {
    return this.#value === 0;
  }

  getValue(): number {
    return this.#value;
  }

  clientGone(client: Client): void {
    const had = this.#taken.get(client) ?? 0;
    this.#taken.delete(client);
    if (had === 0) return;
    this.#lost += had;
    this.#lostWith = client.name;
    if (this.#value === 0 && this.#isAbandoned()) this.#fail();
  }
}

/** One that never has more permits than it began with. */
export class ManagedBoundedSemaphore extends ManagedSemaphore {
  constructor(value: number) {
    super(value, value);
  }
}
