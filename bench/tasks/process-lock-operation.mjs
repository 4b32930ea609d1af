/**
 * Nanoseconds of one uncontended operation of an object that processes share: `process-lock-operation.mjs NAME`. CPython's
 * are measured by itself; where there is no python3, they are missing.
 */
import { spawnSync } from "node:child_process";
import { importIfThere, need, nsEach, operations, result } from "./timing.mjs";

const name = process.argv[2];
const BATCH = 10_000;

/** The same batches in CPython. */
const python = (kind) => `
import multiprocessing, statistics, time
def pairs(lock, n):
    acquire, release = lock.acquire, lock.release
    for _ in range(n):
        acquire()
        release()
lock = multiprocessing.${kind}()
times = []
for i in range(-4, 11):
    begin = time.perf_counter_ns()
    pairs(lock, ${BATCH})
    if i >= 0:
        times.append((time.perf_counter_ns() - begin) / ${BATCH})
print(statistics.median(times))
`;

function measurePython(kind) {
  const { status, stdout } = spawnSync("python3", ["-c", python(kind)], { encoding: "utf8" });
  result(status === 0 ? { ns: Number(stdout) } : { missing: "python3" });
}

const pairs = (lock) => (n) => {
  for (let i = 0; i < n; i++) {
    lock.acquireSync();
    lock.release();
  }
};

const special = {
  Event: (event) => (n) => {
    for (let i = 0; i < n; i++) {
      event.set();
      event.waitSync();
      event.clear();
    }
  },
  Condition: (condition) => (n) => {
    for (let i = 0; i < n; i++) {
      condition.acquireSync();
      condition.notify();
      condition.release();
    }
  },
  Barrier: (barrier) => (n) => {
    for (let i = 0; i < n; i++) barrier.waitSync();
  },
};

if (name.startsWith("CPython ")) measurePython(name.slice("CPython ".length));
else if (name === "clock") {
  // What a traced operation costs at least.
  const { now } = performance;
  let sum = 0;
  const body = (n) => {
    for (let i = 0; i < n; i++) sum += performance.now();
  };
  result({ ns: nsEach(body, BATCH), sum, now: typeof now });
} else {
  const object = new (need(await importIfThere("heddle/multiprocessing"), name))(
    ...(name.endsWith("Lock") || name === "Event" || name === "Condition" ? [] : [1]),
  );
  const body = (special[name] ?? pairs)(object);
  const ns = nsEach(body, BATCH);
  result({ ns, expect: special[name] === undefined ? { acquisitions: operations(BATCH) } : {} });
}
