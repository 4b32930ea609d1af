/**
 * Two threads that wake each other in turn: `hand-over.mjs NAME TURNS`. Nanoseconds of one hand-over, which is half of
 * a turn. The main thread and one other, both blocking.
 *
 * With locks, each thread gives one back that the other waits for; two locks, so that neither can take its own again.
 */
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { median, quick, result } from "./timing.mjs";

const [, , name, turnsText] = process.argv;
const turns = Number(turnsText);
const ROUNDS = quick ? 2 : 5;

/** The other thread's half with locks: waits for `mine`, gives `yours` back. */
export function answerWithLocks(mine, yours, count) {
  for (let i = 0; i < count; i++) {
    mine.acquireSync();
    yours.release();
  }
}

/** The other thread's half with semaphores. */
export const answerWithSemaphores = (mine, yours, count) => answerWithLocks(mine, yours, count);

/** The other thread's half with queues. */
export function answerWithQueues(mine, yours, count) {
  for (let i = 0; i < count; i++) yours.putSync(mine.getSync());
}

/** Waits until word `i` is `value`, then sets it to 0. */
function take(words, i) {
  while (Atomics.compareExchange(words, i, 1, 0) !== 1) Atomics.wait(words, i, 0);
}

function give(words, i) {
  Atomics.store(words, i, 1);
  Atomics.notify(words, i, 1);
}

function answerBare(words, count) {
  for (let i = 0; i < count; i++) {
    take(words, 0);
    give(words, 16);
  }
}

/** Each gives: what the main thread does in a turn, and the end. */
const subjects = {
  bare: (all) => {
    const words = new Int32Array(new SharedArrayBuffer(128));
    const worker = new Worker(new URL(import.meta.url), { workerData: { words, count: all } });
    return {
      turn: () => {
        give(words, 0);
        take(words, 16);
      },
      end: () => new Promise((resolve) => worker.on("exit", resolve)),
    };
  },
  postMessage: (all) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: { count: all, messages: true } });
    let answered;
    worker.on("message", () => answered());
    return {
      turn: () =>
        new Promise((resolve) => {
          answered = resolve;
          worker.postMessage(0);
        }),
      end: () => new Promise((resolve) => worker.on("exit", resolve)),
    };
  },
  Lock: async (all) => {
    const { Lock, Thread } = await import("heddle/threading");
    const [here, there] = [new Lock(), new Lock()];
    here.acquireSync();
    there.acquireSync();
    const thread = new Thread({ target: answerWithLocks, args: [there, here, all] });
    thread.start();
    return {
      turn: () => {
        there.release();
        here.acquireSync();
      },
      end: async () => {
        await thread.join();
        // A hold may be written down when it ends.
        here.release();
        there.release();
      },
      expect: { acquisitions: 2 + 2 * all },
    };
  },
  Semaphore: async (all) => {
    const { need } = await import("./timing.mjs");
    const threading = await import("heddle/threading");
    const Semaphore = need(threading, "Semaphore");
    const [here, there] = [new Semaphore(0), new Semaphore(0)];
    const thread = new threading.Thread({ target: answerWithSemaphores, args: [there, here, all] });
    thread.start();
    return {
      turn: () => {
        there.release();
        here.acquireSync();
      },
      end: () => thread.join(),
      expect: { acquisitions: 2 * all },
    };
  },
  Queue: async (all) => {
    const { Thread } = await import("heddle/threading");
    const { Queue } = await import("heddle/queue");
    const [here, there] = [new Queue(), new Queue()];
    const thread = new Thread({ target: answerWithQueues, args: [there, here, all] });
    thread.start();
    return {
      turn: () => {
        there.putSync(1);
        if (here.getSync() !== 1) throw new Error("not what was put");
      },
      end: () => thread.join(),
      expect: { puts: 2 * all, gets: 2 * all },
    };
  },
};

async function main() {
  const all = turns * (ROUNDS + 1);
  const { turn, end, expect = {} } = await subjects[name](all);
  const asynchronous = name === "postMessage";
  const times = [];
  // The first round waits for the start of the thread.
  for (let round = -1; round < ROUNDS; round++) {
    const begin = process.hrtime.bigint();
    if (asynchronous) for (let i = 0; i < turns; i++) await turn();
    else for (let i = 0; i < turns; i++) turn();
    if (round >= 0) times.push(Number(process.hrtime.bigint() - begin) / turns / 2);
  }
  await end();
  result({ ns: median(times), expect });
}

if (isMainThread) await main();
else if (workerData?.words !== undefined) answerBare(workerData.words, workerData.count);
else if (workerData?.messages) {
  let left = workerData.count;
  parentPort.on("message", (message) => {
    parentPort.postMessage(message);
    if (--left === 0) parentPort.close();
  });
}
