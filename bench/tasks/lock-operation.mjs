/** Nanoseconds of one uncontended operation in one thread: `lock-operation.mjs NAME`. */
import { importIfThere, need, nsEach, operations, result } from "./timing.mjs";

const name = process.argv[2];
const BATCH = 10_000;
/** Takes and gives back, `n` times. */
const pairs = (lock) => (n) => {
  for (let i = 0; i < n; i++) {
    lock.acquireSync();
    lock.release();
  }
};

/** What a batch is made of, and how many acquisitions an operation makes. */
const subjects = {
  "bare CAS": () => {
    const word = new Int32Array(new SharedArrayBuffer(4));
    return {
      body: (n) => {
        for (let i = 0; i < n; i++) {
          if (Atomics.compareExchange(word, 0, 0, 1) !== 0) throw new Error("held");
          Atomics.store(word, 0, 0);
        }
      },
    };
  },
  clock: () => ({
    body: (n) => {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += performance.now();
      if (!(sum > 0)) throw new Error("the clock stands still");
    },
  }),
  "multithreading Mutex": async () => {
    await import("./multithreading-on-old-node.mjs");
    const { Mutex } = await import("multithreading");
    const mutex = new Mutex();
    return {
      body: (n) => {
        for (let i = 0; i < n; i++) mutex.blockingLock().dispose();
      },
    };
  },
  Condition: async () => {
    const condition = new (need(await importIfThere("heddle/threading"), "Condition"))();
    return {
      body: (n) => {
        for (let i = 0; i < n; i++) {
          condition.acquireSync();
          condition.notify();
          condition.release();
        }
      },
    };
  },
  Event: async () => {
    const event = new (need(await importIfThere("heddle/threading"), "Event"))();
    return {
      body: (n) => {
        for (let i = 0; i < n; i++) {
          event.set();
          event.waitSync();
          event.clear();
        }
      },
    };
  },
  Barrier: async () => {
    const barrier = new (need(await importIfThere("heddle/threading"), "Barrier"))(1);
    return {
      body: (n) => {
        for (let i = 0; i < n; i++) barrier.waitSync();
      },
    };
  },
};
for (const kind of ["Lock", "RLock", "Semaphore", "BoundedSemaphore"]) {
  subjects[kind] = async () => {
    const lock = new (need(await importIfThere("heddle/threading"), kind))();
    return { body: pairs(lock), acquisitions: 1, free: () => !lock.locked() };
  };
}

const { body, acquisitions = 0, free = () => true } = await subjects[name]();
const ns = nsEach(body, BATCH);
if (!free()) throw new Error(`${name} is still held`);
result({ ns, expect: acquisitions > 0 ? { acquisitions: acquisitions * operations(BATCH) } : {} });
