/** Nanoseconds of an awaited acquire and release that nobody else wants: `async-lock-operation.mjs NAME`. */
import { nsEachAsync, operations, result } from "./timing.mjs";

const name = process.argv[2];
const BATCH = 10_000;

const subjects = {
  "resolved await": () => {
    const resolved = Promise.resolve(true);
    return async (n) => {
      for (let i = 0; i < n; i++) await resolved;
    };
  },
  "Lock.acquire": async () => {
    const { Lock } = await import("heddle/threading");
    const lock = new Lock();
    return async (n) => {
      for (let i = 0; i < n; i++) {
        await lock.acquire();
        lock.release();
      }
    };
  },
  "async-mutex": async () => {
    const { Mutex } = (await import("async-mutex")).default ?? (await import("async-mutex"));
    const mutex = new Mutex();
    return async (n) => {
      for (let i = 0; i < n; i++) {
        const release = await mutex.acquire();
        release();
      }
    };
  },
  "async-lock": async () => {
    const { default: AsyncLock } = await import("async-lock");
    const lock = new AsyncLock();
    const nothing = () => {};
    return async (n) => {
      for (let i = 0; i < n; i++) await lock.acquire("key", nothing);
    };
  },
  "multithreading Mutex": async () => {
    await import("./multithreading-on-old-node.mjs");
    const { Mutex } = await import("multithreading");
    const mutex = new Mutex();
    return async (n) => {
      for (let i = 0; i < n; i++) {
        const guard = await mutex.lock();
        guard.dispose();
      }
    };
  },
};

const body = await subjects[name]();
const ns = await nsEachAsync(body, BATCH);
const ours = name === "Lock.acquire";
result({ ns, expect: ours ? { acquisitions: operations(BATCH) } : {} });
