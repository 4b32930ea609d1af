/**
 * The program of a thread's waiter: `dist/word-waiter.cjs`, a worker that is blocked in the kernel in the place of the
 * thread's promises, so that they wait in the same line as blocked threads of other processes, and are woken by the same
 * calls.
 */
import { workerData } from "node:worker_threads";
import { FutexWaitv, LOOK, NOTHING } from "./futex-waitv.js";
import { LONGEST_WAIT } from "./kernel-wait.js";
import { whole } from "./native-work.js";
import { type WaiterData, WaiterState, WORDS_AT_ONCE, WordList } from "./word-list.js";

const { list: buffer, control } = workerData as WaiterData;
const list = new WordList(buffer);

/** How long it waits for each part of a list that is too long to be waited for at once: milliseconds. */
const TURN_MS = 2;

/** Waits for the list's words until something is found, or its version is another. Returns a place, LOOK or NOTHING. */
function waitForList(waitv: FutexWaitv, version: number): number {
  const { count } = list;
  const parts = Math.ceil(count / WORDS_AT_ONCE);
  for (let part = 0; ; part = (part + 1) % parts) {
    const first = part * WORDS_AT_ONCE;
    const some = Math.min(WORDS_AT_ONCE, count - first);
    waitv.set(0, control, version);
    for (let i = 0; i < some; i++) waitv.set(1 + i, list.addressAt(first + i), list.expectedAt(first + i));
    if (list.version !== version) return NOTHING;
    do {
      const woken = waitv.wait(1 + some, parts === 1 ? LONGEST_WAIT : TURN_MS);
      if (woken > 0) return first + woken - 1;
      if (list.version !== version) return NOTHING;
      if (woken === LOOK) return LOOK;
    } while (parts === 1);
  }
}

function makeWaitv(): FutexWaitv {
  if (!FutexWaitv.isKnown()) throw new Error("this system has no futex_waitv");
  return new FutexWaitv();
}

function run(): void {
  let waitv: FutexWaitv;
  try {
    waitv = whole(makeWaitv);
  } catch {
    list.ring(NOTHING, 0, WaiterState.Unable);
    return;
  }
  list.ring(NOTHING, 0, WaiterState.Ready);
  for (;;) {
    const { version } = list;
    const written = version % 2 === 0;
    if (written && list.count > 0) {
      const found = waitForList(waitv, version);
      if (found !== NOTHING) list.ring(found, version, WaiterState.Ready);
    }
    list.waitForOther(version);
  }
}

run();
