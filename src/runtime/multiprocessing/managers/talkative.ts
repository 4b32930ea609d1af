/**
 * Whether this thread says so much to managers, or their clients, that it should read what comes by its own event loop
 * (`../loop-reader.ts`). That makes a request several times faster, but to be able to costs some milliseconds, which a
 * thread with a few requests would never get back.
 */

/** So many messages: what they lose together is what it costs. */
const MANY = 64;

let messages = 0;

/** To be asked at each message. */
export function isTalkative(): boolean {
  return messages >= MANY || ++messages >= MANY;
}
