/**
 * The key of a process, one for all of its threads: a few bytes of memory that every thread inherits. Made when somebody
 * asks for it first; most programs never do.
 */
import { randomBytes } from "node:crypto";
import { getEnvironmentData, setEnvironmentData } from "node:worker_threads";

const NAME = "heddle.authkey";
/** Words before the bytes: the state, and how many bytes there are. */
const HEADER_BYTES = 8;
const LONGEST_KEY = 4096;
const State = { None: 0, BeingWritten: 1, There: 2 } as const;
const RANDOM_BYTES = 32;

function obtain(): SharedArrayBuffer {
  const given = getEnvironmentData(NAME) as unknown;
  if (given instanceof SharedArrayBuffer) return given;
  const made = new SharedArrayBuffer(HEADER_BYTES + LONGEST_KEY);
  setEnvironmentData(NAME, made as never);
  return made;
}

const memory = obtain();
const words = new Int32Array(memory, 0, HEADER_BYTES / 4);
const bytes = new Uint8Array(memory, HEADER_BYTES);

/** Writes the key if its state is `from` still. */
function write(from: number, key: () => Uint8Array): void {
  if (Atomics.compareExchange(words, 0, from, State.BeingWritten) !== from) return;
  const written = key();
  bytes.set(written);
  words[1] = written.length;
  Atomics.store(words, 0, State.There);
}

function state(): number {
  // It is written in no time.
  for (;;) {
    const now = Atomics.load(words, 0);
    if (now !== State.BeingWritten) return now;
  }
}

/** The key of this process. */
export function processKey(): Uint8Array {
  while (state() !== State.There) write(State.None, () => randomBytes(RANDOM_BYTES));
  return bytes.slice(0, words[1]);
}

/** Gives this process another key. Throws `RangeError` for one of more than 4096 bytes. */
export function setProcessKey(key: Uint8Array): void {
  if (key.length > LONGEST_KEY) throw new RangeError(`an authkey has ${LONGEST_KEY} bytes at most`);
  write(state(), () => key);
}
