/**
 * How two ends find out that both have the same key, as CPython 3.13's `multiprocessing.connection` does it, byte for
 * byte, with SHA-256 only:
 *
 *   asks     #CHALLENGE#{sha256}<40 random bytes>
 *   answers  {sha256}<HMAC-SHA-256 of the key over all after #CHALLENGE#>
 *   asks     #WELCOME# or #FAILURE#
 *
 * First the listener asks, then the client. A challenge is never used twice, so an answer that was overheard is of no
 * use. All messages of it are short: a longer one is refused by its header. Nothing is deserialised before both agreed.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

const CHALLENGE = Buffer.from("#CHALLENGE#");
const WELCOME = Buffer.from("#WELCOME#");
const FAILURE = Buffer.from("#FAILURE#");
const DIGEST = Buffer.from("{sha256}");
const RANDOM_BYTES = 40;
const LONGEST_MESSAGE = 256;

/** Where messages come from and go to. */
export interface Messages {
  read(max: number): Promise<Uint8Array>;
  write(body: Uint8Array): Promise<void>;
}

function response(key: Uint8Array, challenge: Uint8Array): Buffer {
  return Buffer.concat([DIGEST, createHmac("sha256", key).update(challenge).digest()]);
}

/** Asks the other end to prove that it has the key. Resolves with the challenge; rejects if it does not have it. */
export async function deliverChallenge(messages: Messages, key: Uint8Array): Promise<Uint8Array> {
  const challenge = Buffer.concat([DIGEST, randomBytes(RANDOM_BYTES)]);
  await messages.write(Buffer.concat([CHALLENGE, challenge]));
  const answer = await messages.read(LONGEST_MESSAGE);
  const expected = response(key, challenge);
  if (answer.length !== expected.length || !timingSafeEqual(answer, expected)) {
    await messages.write(FAILURE);
    throw new Error("digest received was wrong");
  }
  await messages.write(WELCOME);
  return challenge;
}

/** Proves to the other end that this one has the key. Resolves with the challenge; rejects if it is not believed. */
export async function answerChallenge(messages: Messages, key: Uint8Array): Promise<Uint8Array> {
  const message = Buffer.from(await messages.read(LONGEST_MESSAGE));
  const challenge = message.subarray(CHALLENGE.length);
  if (!message.subarray(0, CHALLENGE.length).equals(CHALLENGE)) {
    throw new Error("protocol error: the peer asked for no proof; does it have an authkey?");
  }
  if (!challenge.subarray(0, DIGEST.length).equals(DIGEST)) {
    throw new Error("the peer asks for a digest other than SHA-256");
  }
  if (challenge.length < DIGEST.length + RANDOM_BYTES / 2) throw new Error("the challenge is too short");
  await messages.write(response(key, challenge));
  if (!Buffer.from(await messages.read(LONGEST_MESSAGE)).equals(WELCOME)) throw new Error("digest sent was rejected");
  return challenge;
}
