/**
 * How the end of a connection gets to a process that runs already, in the connection service.
 *
 * A message cannot carry a descriptor: it may lie in shared memory, go through a pipe, or be a task that waits for a
 * process. So it carries a token. The service of the thread that sends has a copy of the end on offer under that token;
 * whoever reads the message connects to the service, both prove that they have its key, and gets the descriptor by a
 * message of the system's (`platform/descriptor-messages.ts`), as in CPython's resource_sharer.
 *
 * What keeps an offered copy, and so the end, open:
 *
 * - An offer is for one who reads a message that is read once; the copy is gone when it is taken. A message that may be
 *   read any number of times (the arguments of an initializer) has an offer that stays until it is withdrawn.
 * - It is withdrawn when the message was not sent after all, when the call of a pool that it was for is over, when the
 *   pool whose initializer it was for is, and when nobody has the other end of the connection any more that carried it
 *   ({@link carriedBy}): that is looked for each second, as long as our end is open.
 * - All end with the process, or the thread, that offers: the service lives there. The address has no name in the file
 *   system on Linux, so nothing is left behind by one that is killed. A process that ends in order gives the others some
 *   time to take what it offers.
 */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { descriptorMessages } from "../platform/descriptor-messages.js";
import { descriptors } from "../platform/descriptors.js";
import { answerChallenge, deliverChallenge } from "./authentication.js";
import type { OfferedEnd } from "./connection-requests.js";
import { socketBase } from "./socket-base.js";
import { connectSocket, SocketServer } from "./socket-server.js";
import { Dialogue, Wire } from "./wire.js";

interface Offer {
  readonly wire: Wire;
  /** May be taken any number of times. */
  readonly stays: boolean;
  /** Gives up the copy. */
  readonly release: () => void;
  /** What the message went out by, while that is open here. */
  carrier: Wire | null;
}

const KEY_BYTES = 32;
const TOKEN_BYTES = 16;
/** The bytes of a socket's name on Linux. */
const SOCKET_NAME = 108;
const LONGEST_ANSWER = 1024;
/** How often those who carry offers are looked at, in milliseconds. */
const LOOK_MS = 1000;
/** The descriptor comes right behind the answer. It is looked for so often at once, and then so many milliseconds apart. */
const LOOKS_AT_ONCE = 20;
const LOOK_AGAIN_MS = 1;

const offers = new Map<string, Offer>();
let listening: Promise<{ readonly path: string; readonly key: Uint8Array }> | null = null;
let look: NodeJS.Timeout | null = null;
/** How many are being handed over. */
let handing = 0;
const waiting: (() => void)[] = [];

function freePath(): string {
  // As long as such a name can be: versions of Node differ in how they fill a shorter one up.
  if (process.platform === "linux") return `\0heddle-${process.pid}-${crypto.randomUUID()}-`.padEnd(SOCKET_NAME, "x");
  const folder = mkdtempSync(join(socketBase(), "heddle-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "s");
}

async function listen(): Promise<{ readonly path: string; readonly key: Uint8Array }> {
  const key = randomBytes(KEY_BYTES);
  const server = new SocketServer(key);
  const path = freePath();
  try {
    await server.listen({ path }, 128);
  } catch (error) {
    listening = null;
    server.close();
    if (!path.startsWith("\0")) rmSync(dirname(path), { recursive: true, force: true });
    throw error;
  }
  const serveNext = (): void => {
    server.accept((arrival) => {
      serveNext();
      if ("wire" in arrival) void hand(arrival.wire);
    });
  };
  serveNext();
  return { path, key };
}

/** Gives a peer, who has the key, what it asks for. */
async function hand(peer: Wire): Promise<void> {
  const dialogue = new Dialogue(peer);
  try {
    const token = Buffer.from(await dialogue.read(LONGEST_ANSWER)).toString();
    const offer = offers.get(token);
    if (offer === undefined) {
      await dialogue.write(Buffer.from("it was taken before, or its message was given up by who sent it"));
      return;
    }
    // It is ours to release from here on: nobody else finds it.
    if (!offer.stays) offers.delete(token);
    handing++;
    try {
      await dialogue.write(new Uint8Array(0));
      descriptorMessages().send(peer.fd, offer.wire.fd);
    } finally {
      handing--;
      if (!offer.stays) offer.release();
      lookIfTaken();
    }
  } catch {
    // The peer is gone, or sees that nothing comes.
  } finally {
    peer.close();
  }
}

/**
 * Offers a copy of an end, which `release` gives up. Rejects with `RuntimeError` where descriptors cannot be sent, and
 * with the system's error if there can be no socket.
 */
export async function offerEnd(wire: Wire, stays: boolean, release: () => void): Promise<OfferedEnd> {
  descriptorMessages();
  listening ??= listen();
  const { path, key } = await listening;
  const token = randomBytes(TOKEN_BYTES).toString("hex");
  offers.set(token, { wire, stays, release, carrier: null });
  return { path, key, token };
}

/** Takes an offer back. Does nothing if it was taken. */
export function withdrawOffer(token: string): void {
  const offer = offers.get(token);
  if (offers.delete(token)) offer!.release();
  lookIfTaken();
}

function allTaken(): boolean {
  return handing === 0 && [...offers.values()].every(({ stays }) => stays);
}

function lookIfTaken(): void {
  if (waiting.length > 0 && allTaken()) for (const taken of waiting.splice(0)) taken();
}

/** Resolves when all that is offered once was taken, or after so many milliseconds. */
export async function whenTaken(ms: number): Promise<void> {
  if (allTaken()) return;
  await new Promise<void>((resolve) => {
    waiting.push(resolve);
    setTimeout(resolve, ms);
  });
}

/** An offer is in a message that a connection carries: with the other end of that, it is gone. */
export function carriedBy(token: string, carrier: Wire): void {
  const offer = offers.get(token);
  if (offer === undefined) return;
  offer.carrier = carrier;
  look ??= setInterval(lookAtCarriers, LOOK_MS).unref();
}

function hasHungUp({ fd }: Wire): boolean {
  return descriptors()?.hasHungUp(fd) === true;
}

function lookAtCarriers(): void {
  let watched = 0;
  for (const [token, { carrier }] of offers) {
    if (carrier === null) continue;
    if (hasHungUp(carrier)) withdrawOffer(token);
    else watched++;
  }
  if (watched > 0 || look === null) return;
  clearInterval(look);
  look = null;
}

/** A connection is closed here: what it carried is seen to for the last time. */
export function carrierCloses(carrier: Wire): void {
  for (const [token, offer] of offers) {
    if (offer.carrier !== carrier) continue;
    if (hasHungUp(carrier)) withdrawOffer(token);
    else offer.carrier = null;
  }
}

/**
 * Takes an end that is on offer. Rejects if who offered it is gone, or the offer. There is no time limit: who offers may
 * be stopped, and what came with the message would be lost.
 */
export async function takeOffered({ path, key, token }: OfferedEnd): Promise<Wire> {
  const messages = descriptorMessages();
  const peer = new Wire(await connectSocket({ path }));
  try {
    const dialogue = new Dialogue(peer);
    await answerChallenge(dialogue, key);
    await deliverChallenge(dialogue, key);
    await dialogue.write(Buffer.from(token));
    const refusal = await dialogue.read(LONGEST_ANSWER);
    if (refusal.length > 0) throw new Error(Buffer.from(refusal).toString());
    for (let looks = 1; ; looks++) {
      const descriptor = messages.receive(peer.fd);
      if (descriptor !== null) return new Wire(descriptor);
      await new Promise<void>((resolve) => {
        if (looks < LOOKS_AT_ONCE) setImmediate(resolve);
        else setTimeout(resolve, LOOK_AGAIN_MS);
      });
    }
  } finally {
    peer.close();
  }
}
