/**
 * Nanoseconds of giving up one thing that waits: `cancel.mjs NAME COUNT`. Tasks queued behind two blocked workers, or
 * awaited acquires of a lock that is held, each given up by `Future.cancel` or by its own AbortController. All of them
 * must then be over. The reason of an abort is made beforehand: making one costs `abort()` microseconds by itself.
 */
import { blockWorkers, pools } from "./pools.mjs";
import { isMain, median, quick, result } from "./timing.mjs";

const ROUNDS = quick ? 2 : 7;

const reason = new Error("given up");

/** Submits, gives up in the timed part, and checks. Returns nanoseconds each. */
async function timeEach(count, submit, giveUp, check) {
  const waiting = Array.from({ length: count }, (_, i) => submit(i));
  // What was begun is under way.
  await new Promise((resolve) => setImmediate(resolve));
  const begin = process.hrtime.bigint();
  for (const each of waiting) giveUp(each);
  const ns = Number(process.hrtime.bigint() - begin) / count;
  for (const each of waiting) await check(each);
  return ns;
}

async function rejected(promise) {
  try {
    await promise;
  } catch {
    return;
  }
  throw new Error("something was not given up");
}

/** What is given up by an AbortSignal. */
const byAbort = (begin) => ({
  submit: (i) => {
    const controller = new AbortController();
    const promise = begin(i, controller.signal);
    promise.catch(() => {});
    return { controller, promise };
  },
  giveUp: ({ controller }) => controller.abort(reason),
  check: ({ promise }) => rejected(promise),
});

const subjects = {
  "Future.cancel": async () => {
    const pool = await pools.ThreadPoolExecutor();
    const { open, passed } = await blockWorkers(pool);
    return {
      submit: (i) => pool.run(i),
      giveUp: (future) => {
        if (!future.cancel()) throw new Error("a queued task was not cancelled");
      },
      check: (future) => {
        if (!future.cancelled()) throw new Error("a queued task is not cancelled");
      },
      end: async () => {
        open();
        await Promise.all(passed);
        if ((await pool.run(7)) !== 7) throw new Error("the pool does not work any more");
        await pool.end();
      },
    };
  },
  "piscina, abort": async () => {
    const pool = await pools.piscina();
    const { open, passed } = await blockWorkers(pool);
    return {
      ...byAbort((i, signal) => pool.run(i, { signal })),
      end: async () => {
        open();
        await Promise.all(passed);
        if ((await pool.run(7)) !== 7) throw new Error("the pool does not work any more");
        await pool.end();
      },
    };
  },
  "Lock.acquire, abort": async () => {
    const { Lock } = await import("heddle/threading");
    const lock = new Lock();
    await lock.acquire();
    return {
      ...byAbort((_, signal) => lock.acquire({ signal })),
      end: async () => {
        lock.release();
        if (lock.locked() || !(await lock.acquire({ timeout: 1000 }))) throw new Error("the lock was left taken");
        lock.release();
      },
    };
  },
  "AbortController alone": () => ({
    ...byAbort(
      (_, signal) => new Promise((__, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    ),
    end: () => {},
  }),
};

async function main() {
  const [, , name, countText] = process.argv;
  const { submit, giveUp, check, end } = await subjects[name]();
  const times = [];
  for (let round = -1; round < ROUNDS; round++) {
    const ns = await timeEach(Number(countText), submit, giveUp, check);
    if (round >= 0) times.push(ns);
  }
  await end();
  result({ ns: median(times) });
}

if (await isMain()) await main();
