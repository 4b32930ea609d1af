/**
 * A thread's connection to a manager's server as messages go over it: requests have numbers and are answered in any
 * order. While anybody waits for an answer one message is being taken from the connection, by the event loop or by the
 * thread that blocks; whoever takes it hands it to the one it is for.
 */

import { AuthenticationError, RemoteError } from "../../core/errors.js";
import { errorWithCode, remadeError } from "../../platform/system-error.js";
import { ConnectionChannel } from "../connection-channel.js";
import { type Begin, connectionClient } from "../connection-client.js";
import type { EndOfWire } from "../connection-requests.js";
import { type Address, connectingQuietly } from "../listener.js";
import { LONGEST_MESSAGE, message, parts, Reply } from "./protocol.js";
import type { RecordedCall } from "./recorded-lock.js";
import { isTalkative } from "./talkative.js";

/** An answer: what kind of one, and what it holds. */
export interface Answer {
  readonly kind: number;
  readonly payload: Uint8Array;
}

export type Answered = (error: Error | null, answer?: Answer) => void;

/** How long an answer is waited for in the kernel, in milliseconds; then the thread hears of other things, too. */
const SOON_MS = 5;

/** Where an address is to be found from here: a server that listens everywhere is on this machine, too. */
export function reachable(address: Address): Address {
  if (typeof address === "string") return address;
  return address[0] === "0.0.0.0" || address[0] === "" ? ["127.0.0.1", address[1]] : address;
}

/** Whether the keys could not be compared since the peer went away, as one that is killed does. */
function isCut({ message }: AuthenticationError): boolean {
  return /closed the connection|end of file|ECONNRESET|EPIPE/.test(message);
}

export function shown(address: Address): string {
  return typeof address === "string" ? address : `${address[0]}:${address[1]}`;
}

/** What the messages of a link mean. */
export interface LinkOwner {
  /** There is a new connection: says who this is. */
  greet(): void;
  /** The error that a refusal tells of. */
  errorOf(answer: Answer): unknown;
  /** What an answer holds. */
  decode(payload: Uint8Array): unknown;
}

export class ServerLink {
  readonly #address: Address;
  readonly #key: Uint8Array;
  readonly #owner: LinkOwner;
  #channel: ConnectionChannel | null = null;
  /** Who waits for the connection; null while nobody is connecting. */
  #opening: ((error: Error | null) => void)[] | null = null;
  readonly #answers = new Map<number, Answered>();
  /** Those that want to hear that they wait for a lock. */
  readonly #waiting = new Map<number, RecordedCall>();
  #last = 0;
  #taking = false;
  #looping = false;

  constructor(address: Address, key: Uint8Array, owner: LinkOwner) {
    this.#address = address;
    this.#key = key;
    this.#owner = owner;
  }

  get isOpen(): boolean {
    return this.#channel !== null;
  }

  /** Calls back when there is a connection. Who gives up waiting ends nothing. */
  open(): Begin<void> {
    return (done) => {
      connectionClient().drain();
      if (this.#channel !== null) {
        done(null);
        return () => {};
      }
      const waiting = this.#opening ?? [];
      waiting.push(done);
      if (this.#opening === null) {
        this.#opening = waiting;
        this.#connect();
      }
      return () => {
        const at = waiting.indexOf(done);
        if (at >= 0) waiting.splice(at, 1);
      };
    };
  }

  #connect(): void {
    const opened = (error: Error | null) => {
      const waiting = this.#opening ?? [];
      this.#opening = null;
      for (const done of waiting.splice(0)) done(error);
    };
    try {
      connectingQuietly(
        reachable(this.#address),
        this.#key,
      )((error, answer) => {
        if (error !== null) {
          opened(this.#unreachable(error));
          return;
        }
        this.#channel = new ConnectionChannel(connectionClient(), answer!.ends![0] as EndOfWire, null);
        this.#owner.greet();
        opened(null);
      });
    } catch (error) {
      opened(error as Error);
    }
  }

  /** The path of a server that is gone is gone, too. One that ends while it is connected to says nothing more. */
  #unreachable(error: Error): Error {
    const { code } = error as NodeJS.ErrnoException;
    const server = `the manager's server at ${shown(this.#address)}`;
    if (code === "ENOENT" || code === "ECONNREFUSED")
      return errorWithCode("ECONNREFUSED", `no manager's server listens at ${shown(this.#address)}`);
    if (!(error instanceof AuthenticationError)) {
      return code === undefined
        ? error
        : remadeError({ code, message: `${server} cannot be reached (${error.message})` });
    }
    return isCut(error)
      ? errorWithCode("ECONNRESET", `${server} closed the connection before the keys were proven (${error.message})`)
      : new AuthenticationError(`${error.message} (${server})`);
  }

  /** The connection is of no use any more: all who wait for an answer get an error. */
  close(error: Error): void {
    this.#channel?.close();
    this.#channel = null;
    this.#taking = false;
    this.#waiting.clear();
    const answers = [...this.#answers.values()];
    this.#answers.clear();
    for (const answered of answers) answered(error);
  }

  #gone(error: Error): Error {
    if ((error as NodeJS.ErrnoException).code === "ECONNREFUSED") return error;
    return errorWithCode("ECONNRESET", `the manager's server at ${shown(this.#address)} is gone (${error.message})`);
  }

  /**
   * Asks. `recorded` hears what it waits for. Returns the number of the request, 0 if there is no connection.
   */
  request(kind: number, payload: Uint8Array, answered: Answered, recorded: RecordedCall | null = null): number {
    if (this.#channel === null) {
      answered(this.#gone(new Error("the connection was closed")));
      return 0;
    }
    this.#last = (this.#last + 1) >>> 0 || 1;
    const number = this.#last;
    this.#answers.set(number, answered);
    // Before it is sent: the server may be faster than this thread.
    if (recorded !== null) this.#waiting.set(number, recorded);
    if (isTalkative()) this.#channel.readByLoop(LONGEST_MESSAGE);
    this.send(message(kind, number, payload));
    this.#read();
    return number;
  }

  /** Sends a message, if there is a connection. */
  send(bytes: Uint8Array): void {
    const channel = this.#channel;
    channel?.put(
      bytes,
      true,
      0,
    )((error) => {
      // An end that can be read still tells why, so that what was answered before comes first.
      if (error !== null && this.#answers.size === 0 && this.#channel === channel) this.close(this.#gone(error));
    });
  }

  #read(): void {
    // What takes a message at once comes back here: the loop below goes on instead.
    if (this.#looping) return;
    this.#looping = true;
    try {
      while (!this.#taking && this.#answers.size > 0 && this.#channel !== null) {
        this.#taking = true;
        const channel = this.#channel;
        channel.take(
          LONGEST_MESSAGE,
          0,
        )((error, bytes) => {
          if (this.#channel !== channel) return;
          this.#taking = false;
          if (error !== null) this.close(this.#gone(error));
          else this.#arrived(bytes as Uint8Array);
          this.#read();
        });
      }
    } finally {
      this.#looping = false;
    }
  }

  #arrived(bytes: Uint8Array): void {
    const answer = parts(bytes);
    if (answer === null || (answer.request === 0 && answer.kind === Reply.Refused)) {
      const why =
        answer === null
          ? new RemoteError("the server sent something else than an answer")
          : this.#owner.errorOf(answer);
      this.close(why as Error);
      return;
    }
    if (answer.kind === Reply.Waiting || answer.kind === Reply.Woken) {
      const thread = Number(this.#owner.decode(answer.payload));
      const waiting = this.#waiting.get(answer.request);
      if (answer.kind === Reply.Waiting) waiting?.waiting(thread);
      else waiting?.woken(thread);
      return;
    }
    this.#waiting.delete(answer.request);
    const answered = this.#answers.get(answer.request);
    this.#answers.delete(answer.request);
    answered?.(null, answer);
  }

  /** A request as something to wait for. Who gives up waiting gets its answer thrown away. */
  begin(
    kind: number,
    encoded: () => Uint8Array,
    recorded: RecordedCall | null = null,
    begun: (number: number) => void = () => {},
  ): Begin<Answer> {
    return (done) => {
      begun(this.request(kind, encoded(), done, recorded));
      return () => {};
    };
  }

  /** As something to wait for that is waited for in the kernel first, for a while, since most answers come soon. */
  soon(begin: Begin<Answer>): Begin<Answer> {
    return (done) => {
      let over = false;
      const cancel = begin((error, answer) => {
        over = true;
        done(error, answer);
      });
      const until = performance.now() + SOON_MS;
      while (!over && this.#channel?.waitBriefly(until - performance.now()) === true);
      return cancel;
    };
  }
}
