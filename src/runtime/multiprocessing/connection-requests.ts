/** What a thread asks of its connection service, and what that answers. Each is one message on a port. */
import type { MessagePort } from "node:worker_threads";

/** An address as the service takes it. */
export type SocketAddress = { readonly host: string; readonly port: number } | { readonly path: string };

/** An error on its way between threads: a system's code, or "AUTH" for a failed authentication. */
export interface CarriedError {
  readonly code: string;
  readonly message: string;
}

/**
 * A connected end: its number in the service, its descriptor, -1 where there is none, and what both ends of a socket are
 * known by, 0 if by nothing.
 */
export interface EndOfWire {
  readonly id: number;
  readonly fd: number;
  readonly identity: number;
}

/** Where an end is that was sent to a process: at whose address, by which key, and under which token. */
export interface OfferedEnd {
  readonly path: string;
  readonly key: Uint8Array;
  readonly token: string;
}

export type ConnectionRequest =
  /** Makes two connected ends. */
  | { readonly op: "pipe"; readonly call: number }
  /** Takes in a descriptor this process was started with. */
  | { readonly op: "open"; readonly call: number; readonly fd: number }
  | {
      readonly op: "connect";
      readonly call: number;
      readonly address: SocketAddress;
      readonly key: Uint8Array | null;
    }
  | {
      readonly op: "listen";
      readonly call: number;
      readonly address: SocketAddress;
      readonly key: Uint8Array | null;
      readonly backlog: number;
    }
  /** Wants the next connection of a listener; it comes as the answer to `call`. */
  | { readonly op: "accept"; readonly call: number; readonly listener: number }
  /** Wants no answer to a call any more. What it would have got stays where it is, or is closed. */
  | { readonly op: "forget"; readonly call: number }
  /** Nobody wanted the end any more that was the answer to a call. */
  | { readonly op: "return"; readonly id: number }
  | { readonly op: "unlisten"; readonly call: number; readonly listener: number }
  /**
   * Wants one message, of which `header` has been read already. With `missing` >= 0: the rest of one whose length is
   * known. One longer than `max` is left after its header.
   */
  | {
      readonly op: "read";
      readonly id: number;
      readonly header: Uint8Array | null;
      readonly missing: number;
      readonly max: number;
    }
  /** Wants no message any more, if none has begun. */
  | { readonly op: "stop"; readonly id: number }
  | {
      readonly op: "write";
      readonly id: number;
      readonly call: number;
      readonly bytes: Uint8Array;
      readonly begun: boolean;
    }
  /** Takes a write back, if it has not begun. */
  | { readonly op: "unwrite"; readonly id: number; readonly call: number }
  | { readonly op: "close"; readonly id: number }
  /** Another thread gets a copy of an end, and asks by a port of its own. */
  | { readonly op: "share"; readonly id: number; readonly port: MessagePort; readonly word: SharedArrayBuffer }
  /**
   * Offers a copy of an end to a process that runs, as the offer of this number of the thread's; to any number of
   * processes if it `stays`.
   */
  | {
      readonly op: "offer";
      readonly call: number;
      readonly id: number;
      readonly number: number;
      readonly stays: boolean;
    }
  /** Takes an offer back, if it was not taken. */
  | { readonly op: "withdraw"; readonly number: number }
  /** Offers are in a message that is sent by an end: with its peer, they are gone. */
  | { readonly op: "carried"; readonly numbers: readonly number[]; readonly by: number }
  /** Wants to know when all that was offered is taken; the answer comes after so many milliseconds at the latest. */
  | { readonly op: "taken"; readonly call: number; readonly ms: number }
  /** Takes an end that another process, or thread, offers. */
  | { readonly op: "take"; readonly call: number; readonly offered: OfferedEnd }
  /** Wakes the thread when a process has ended. */
  | { readonly op: "watch"; readonly watch: number; readonly record: SharedArrayBuffer }
  | { readonly op: "unwatch"; readonly watch: number };

/** The answer to a call. */
export interface CallAnswer {
  readonly type: "answer";
  readonly call: number;
  readonly error: CarriedError | null;
  readonly ends?: readonly EndOfWire[];
  readonly listener?: number;
  readonly address?: SocketAddress;
  readonly offered?: OfferedEnd;
}

export type ConnectionReply =
  | CallAnswer
  /** The message that was asked for, or its missing part. */
  | { readonly type: "message"; readonly id: number; readonly bytes: Uint8Array }
  /** Its header says that it is longer than was asked for; nothing of it was read. */
  | { readonly type: "header"; readonly id: number; readonly bytes: Uint8Array }
  /** The stream is at its end: between two messages if `error` is null. */
  | { readonly type: "end"; readonly id: number; readonly error: CarriedError | null }
  /** The answer to "stop". `reading`: a message has begun, and comes. */
  | { readonly type: "stopped"; readonly id: number; readonly reading: boolean }
  /** A process that is watched has ended. */
  | { readonly type: "wake" };
