/**
 * A number for a connection by a socket that both of its ends find without a word more on the wire, so that a trace can
 * put them together. Two ends that proved their key to each other both know the listener's challenge, forty random bytes;
 * the ends of a TCP connection know both addresses. The ends of a Unix socket without a key know nothing of each other.
 */
import { createHash } from "node:crypto";
import type { Socket } from "node:net";

/** Bytes of a number that JavaScript and the trace hold exactly. */
const BYTES = 6;

function numberOf(text: string | Uint8Array): number {
  return createHash("sha256").update(text).digest().readUIntBE(0, BYTES);
}

/** By the challenge with which the listener asked for the key. */
export function identityOfChallenge(challenge: Uint8Array): number {
  return numberOf(challenge);
}

/** By the addresses of a connected socket; 0 if it has none. */
export function identityOfSocket({ localAddress, localPort, remoteAddress, remotePort }: Socket): number {
  if (localAddress === undefined || remoteAddress === undefined) return 0;
  // One end may see an IPv4 address as the IPv6 one that stands for it.
  const ends = [
    [localAddress, localPort],
    [remoteAddress, remotePort],
  ].map(([host, port]) => `${String(host).replace(/^::ffff:/, "")} ${port}`);
  return numberOf(ends.sort().join(" "));
}
