/**
 * What the trace is told of an end of a connection: that it is there, its messages, and the waits for them.
 *
 * Two ends in different processes know by an identity that they belong together: a random number that a pipe's ends get
 * when they are made and take along; of a socket, a number that both sides find by themselves (see `socket-identity.ts`).
 */

import type { OnStack } from "../../recorder/call-site.js";
import {
  emit,
  emitAt,
  intern,
  newObjectNumber,
  newWaitNumber,
  recording,
  recordObject,
  tick,
} from "../../recorder/emit.js";
import { EventFlag, EventKind, ObjectKind, type WaitReason } from "../../trace/events.js";
import { userSite } from "../core/user-site.js";

/** What goes along when an end crosses. */
export interface EndInTrace {
  readonly kind: typeof ObjectKind.Pipe | typeof ObjectKind.Socket;
  /** The same at both ends; 0 if they cannot know. */
  readonly identity: number;
  readonly side: 0 | 1;
  /** How many messages it has sent and received. */
  readonly sent: number;
  readonly received: number;
}

/** A wait that begins, for the trace. */
export interface RecordedWait {
  readonly reason: WaitReason;
  readonly object: number;
  readonly site: number;
  /** Only another thread of this program can end it. */
  readonly own: boolean;
}

/** The line of the user's that called, for the trace; `above` is a function of ours on the stack close to it. */
export function siteAbove(above: OnStack): number {
  return recording ? intern(userSite(above)) : 0;
}

/** After so many calls from one line in a row it is looked up at every so many only. */
const SURE = 32;
const SKIPPED = 8;

/**
 * The lines that call an operation of an end. To look one up takes longer than to send a small message, so of a loop that
 * sends thousands only some messages have theirs looked up, and the others are told with the same: at most seven in a
 * row, and none once some milliseconds have passed. As soon as another line calls, all are looked up again.
 */
class Callers {
  #line = 0;
  #same = 0;
  #skipped = 0;
  #tick = 0;

  /** The line that called `above`, a method of the end that is on the stack. */
  lineAbove(above: OnStack): number {
    const time = tick[0] as number;
    if (this.#same >= SURE && this.#tick === time && time !== 0 && ++this.#skipped < SKIPPED) return this.#line;
    this.#skipped = 0;
    this.#tick = time;
    const line = siteAbove(above);
    if (line === this.#line) this.#same++;
    else {
      this.#line = line;
      this.#same = 0;
    }
    return line;
  }
}

export class RecordedEnd {
  /** This end's number in the trace. */
  readonly object = newObjectNumber();
  readonly sends = new Callers();
  readonly receives = new Callers();
  readonly #end: EndInTrace;
  #sent: number;
  #received: number;

  constructor(end: EndInTrace) {
    this.#end = end;
    this.#sent = end.sent;
    this.#received = end.received;
    emit(EventKind.ConnectionEnd, this.object, 0, end.identity, end.side, end.kind);
  }

  /** Tells where the connection was made. */
  made(name: string, site: number): void {
    recordObject(this.object, this.#end.kind, name, site, 0);
  }

  /** A message of so many bytes was sent, from then on. */
  sent(t: number, site: number, bytes: number): void {
    emitAt(t, EventKind.MessageSend, this.object, site, bytes, ++this.#sent, 0);
  }

  received(site: number, bytes: number): void {
    emit(EventKind.MessageReceive, this.object, site, bytes, ++this.#received, 0);
  }

  /** A wait for a message, or for room. Both ends of a pipe are in this program. */
  wait(reason: WaitReason, site: number): RecordedWait {
    return { reason, object: this.object, site, own: this.#end.kind === ObjectKind.Pipe };
  }

  /** How it crosses. */
  get crossing(): EndInTrace {
    return { ...this.#end, sent: this.#sent, received: this.#received };
  }
}

/** Tells that a wait began then, a time of {@link now}. Returns its number. */
export function beginWait(t: number, { reason, object, site }: RecordedWait, async: boolean): number {
  const wait = newWaitNumber();
  emitAt(t, EventKind.WaitBegin, object, site, wait, reason, async ? EventFlag.Async : 0);
  return wait;
}

/** Tells that it is over. Does nothing for the wait 0. */
export function endWait(wait: number, failed: boolean): void {
  if (wait !== 0) emit(EventKind.WaitEnd, 0, 0, wait, 0, failed ? EventFlag.Failed : 0);
}
