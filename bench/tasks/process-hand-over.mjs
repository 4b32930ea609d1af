/**
 * Two processes that wake each other in turn: `process-hand-over.mjs NAME TURNS`. Nanoseconds of one hand-over, which is
 * half of a turn. Both block. With locks, each gives one back that the other waits for; two, so that neither can take
 * its own again.
 */
import { fork, spawnSync } from "node:child_process";
import { closeSync, ftruncateSync } from "node:fs";
import { createRequire } from "node:module";
import { median, need, quick, result } from "./timing.mjs";

const [, , name, turnsText, bareOf] = process.argv;
const turns = Number(turnsText);
const ROUNDS = quick ? 2 : 5;
const all = turns * (ROUNDS + 1);

/** The other process's half with locks or semaphores: waits for `mine`, gives `yours` back. */
export function answerWithLocks(mine, yours, count) {
  for (let i = 0; i < count; i++) {
    mine.acquireSync();
    yours.release();
  }
}

/** As many futex calls as there must be, by the same bridge to native code: no slices, no names, no records. */
function bareWords(reference) {
  const koffi = createRequire(import.meta.url)("koffi");
  const libc = koffi.load(null);
  const open = libc.func("int open(const char *path, int flags, ...)");
  const memfd = libc.func("int memfd_create(const char *name, unsigned int flags)");
  const mmap = libc.func("void *mmap(void *address, size_t length, int prot, int flags, int fd, int64_t offset)");
  const futex = libc.func(
    "int64_t syscall(int64_t number, uint64_t address, int64_t op, int64_t value, void *time, int64_t, int64_t)",
  );
  const fd = reference === undefined ? memfd("bench", 0) : open(reference, 2);
  if (reference === undefined) ftruncateSync(fd, 4096);
  const address = koffi.address(mmap(null, 4096, 3, 1, fd, 0));
  const words = new Int32Array(koffi.view(address, 4096));
  const number = process.arch === "x64" ? 202 : 98;
  return {
    fd,
    take(i) {
      while (Atomics.compareExchange(words, i, 1, 0) !== 1) futex(number, Number(address) + i * 4, 0, 0, null, 0, 0);
    },
    give(i) {
      Atomics.store(words, i, 1);
      futex(number, Number(address) + i * 4, 1, 1, null, 0, 0);
    },
  };
}

const python = `
import multiprocessing, statistics, time
def answer(mine, yours, n):
    for _ in range(n):
        mine.acquire()
        yours.release()
if __name__ == "__main__":
    here, there = multiprocessing.Lock(), multiprocessing.Lock()
    here.acquire()
    there.acquire()
    child = multiprocessing.Process(target=answer, args=(there, here, ${all}))
    child.start()
    times = []
    for r in range(-1, ${ROUNDS}):
        begin = time.perf_counter_ns()
        for _ in range(${turns}):
            there.release()
            here.acquire()
        if r >= 0:
            times.append((time.perf_counter_ns() - begin) / ${turns} / 2)
    child.join()
    print(statistics.median(times))
`;

const withLocks = (kind, make) => async () => {
  const multiprocessing = await import("heddle/multiprocessing");
  const [here, there] = [0, 0].map(() => make(need(multiprocessing, kind)));
  const child = new multiprocessing.Process({ target: answerWithLocks, args: [there, here, all] });
  child.start();
  return {
    turn: () => {
      there.release();
      here.acquireSync();
    },
    end: async () => {
      await child.join();
      // A hold may be written down when it ends.
      if (kind === "Lock") for (const lock of [here, there]) lock.release();
    },
    expect: { acquisitions: (kind === "Lock" ? 2 : 0) + 2 * all },
  };
};

const subjects = {
  "Process bare futex": () => {
    const words = bareWords();
    const child = fork(new URL(import.meta.url), [
      "Process bare futex",
      turnsText,
      `/proc/${process.pid}/fd/${words.fd}`,
    ]);
    return {
      turn: () => {
        words.give(0);
        words.take(16);
      },
      end: () => new Promise((resolve) => child.on("exit", resolve)),
    };
  },
  "Process Lock": withLocks("Lock", (Lock) => {
    const lock = new Lock();
    lock.acquireSync();
    return lock;
  }),
  "Process Semaphore": withLocks("Semaphore", (Semaphore) => new Semaphore(0)),
};

async function main() {
  const { turn, end, expect = {} } = await subjects[name]();
  const times = [];
  // The first round waits for the start of the process.
  for (let round = -1; round < ROUNDS; round++) {
    const begin = process.hrtime.bigint();
    for (let i = 0; i < turns; i++) turn();
    if (round >= 0) times.push(Number(process.hrtime.bigint() - begin) / turns / 2);
  }
  await end();
  result({ ns: median(times), expect });
}

if (bareOf !== undefined) {
  const words = bareWords(bareOf);
  for (let i = 0; i < all; i++) {
    words.take(0);
    words.give(16);
  }
  closeSync(words.fd);
  process.disconnect();
} else if (name === "CPython Lock") {
  const { status, stdout } = spawnSync("python3", ["-c", python], { encoding: "utf8" });
  result(status === 0 ? { ns: Number(stdout) } : { missing: "python3" });
} else if (name === "Process bare futex" || (await import("heddle")).isMain) await main();
