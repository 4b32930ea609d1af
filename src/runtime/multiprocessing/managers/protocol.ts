/**
 * What a client and a manager's server say to each other, once both have proven that they have the key
 * (`../authentication.ts`). Every message is whole (`../message-frames.ts`): one byte for what it is, four for the number
 * of the request, then what belongs to it, encoded as everywhere in the library but with no handles other than those of
 * `wire-values.ts`.
 *
 *   Hello      [version, who, pid, thread]                                  Value  the version, and who serves
 *   Call       [object, method, args, context, blocking, signal, pid, traced]
 *   Create     [typeId, args, name, context, blocking, signal, pid, traced]
 *   Cancel     the number of a request that is not wanted any more: that one is then answered by Cancelled, if it is not
 *              done already. Has no answer of its own
 *   Incref     [object, arrived]: this client has a proxy of it; `arrived` by a handle. Has no answer
 *   Decref     object: it has one proxy less. No answer
 *   Pin        object: a handle of it is under way to somebody. No answer
 *   Ask        "objects": how many there are
 *
 * Requests of one client begin in the order in which they come, and end in any: one that waits holds up no other.
 */

export const PROTOCOL_VERSION = 1;

/** The longest message in bytes; what is longer is refused where it is to be sent, and not read where it arrives. */
export const LONGEST_MESSAGE: number = 256 * 1024 * 1024;

export const Request = { Hello: 1, Call: 2, Create: 3, Cancel: 4, Incref: 5, Decref: 6, Pin: 7, Ask: 8 } as const;

export const Reply = {
  /** What it gives. */ Value: 1,
  /** The token of an object that stays at the server. */ Token: 2,
  /** What the method threw. */ Threw: 3,
  /** [message, stack]: the server does not do it. */ Refused: 4,
  /** It was cancelled in time: nothing was done. */ Cancelled: 5,
  /** Not the answer yet: it waits for a lock that the thread with this number has, 0 if that is not known. */ Waiting: 6,
  /** Not the answer yet: what it waited for has come, by the thread with this number, 0 if that is not known. */ Woken: 7,
} as const;

const PREFIX = 5;

/** A message as it goes out. */
export function message(kind: number, request: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(PREFIX + payload.length);
  bytes[0] = kind;
  new DataView(bytes.buffer).setUint32(1, request, true);
  bytes.set(payload, PREFIX);
  return bytes;
}

/** A message that came in, in parts; null for one that is too short to be any. */
export function parts(bytes: Uint8Array): { kind: number; request: number; payload: Uint8Array } | null {
  if (bytes.length < PREFIX) return null;
  const request = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1, true);
  return { kind: bytes[0] as number, request, payload: bytes.subarray(PREFIX) };
}

/** What stands for an object at a server. */
export interface Token {
  /** Its number there; unique among all servers. */
  readonly id: string;
  readonly typeId: string;
  /** Its name on the timeline. */
  readonly name: string;
  /** The methods that may be called. */
  readonly exposed: readonly string[];
  /** The class of its proxies, if it is one of the library. */
  readonly proxy: string | null;
  /** What the trace calls it: by the server's pid, its number there and its kind; null if nothing is told of it. */
  readonly trace: readonly [pid: number, object: number, kind: number] | null;
}
