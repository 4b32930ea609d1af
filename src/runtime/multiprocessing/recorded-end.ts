/**
 * What the trace is told of an end of a connection: that it is there, its messages, and the waits for them.
 *
 * Two ends in different processes know by an identity that they belong together: a random number that a pipe's ends get
 * when they are made and take along; of a socket, a number that both sides find by themselves (see `socket-identity.ts`).
 */

import type { OnStack } from "../../recorder/call-site.js";
import { emit, emitAt, intern, newObjectNumber, newWaitNumber, recording, recordObject } from "../../recorder/emit.js";
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

export class RecordedEnd {
  /** This end's number in the trace. */
  readonly object = newObjectNumber();
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
