/**
 * Increments a second of one shared value by two processes under its lock: `shared-counter.mjs NAME COUNT`, COUNT by each.
 * Both begin at the same time; none may be lost. CPython's does the same by itself; where there is no python3, it is
 * missing.
 */
import { spawnSync } from "node:child_process";
import { median, need, quick, result } from "./timing.mjs";

const ROUNDS = quick ? 2 : 5;

const steps = {
  /** Holds the lock over the read and the write. */
  hold(counter) {
    const held = counter.holdSync();
    counter.value += 1;
    held.release();
  },
  acquire(counter) {
    counter.acquireSync();
    counter.value += 1;
    counter.release();
  },
  /** The lock once, the memory without it. */
  getObj(counter) {
    counter.acquireSync();
    counter.getObj().value += 1;
    counter.release();
  },
};

/** Each of the two processes. */
export function increment(counter, gate, form, count, times) {
  const step = steps[form];
  for (let round = 0; round < times; round++) {
    gate.waitSync();
    for (let i = 0; i < count; i++) step(counter);
    gate.waitSync();
  }
}

const python = (count) => `
import multiprocessing, statistics, time
def increment(counter, gate, count, times):
    for _ in range(times):
        gate.wait()
        for _ in range(count):
            with counter.get_lock():
                counter.value += 1
        gate.wait()
if __name__ == "__main__":
    counter, gate = multiprocessing.Value("i", 0), multiprocessing.Barrier(3)
    children = [multiprocessing.Process(target=increment, args=(counter, gate, ${count}, ${ROUNDS + 1})) for _ in range(2)]
    for child in children:
        child.start()
    times = []
    for r in range(${ROUNDS + 1}):
        gate.wait()
        begin = time.perf_counter_ns()
        gate.wait()
        if r > 0:
            times.append((time.perf_counter_ns() - begin) / ${count} / 2)
    for child in children:
        child.join()
    if counter.value != ${2 * count * (ROUNDS + 1)}:
        raise SystemExit("updates were lost")
    print(statistics.median(times))
`;

async function main() {
  const [, , name, countText] = process.argv;
  const count = Number(countText);
  if (name === "CPython") {
    const { status, stdout } = spawnSync("python3", ["-c", python(count)], { encoding: "utf8" });
    return result(status === 0 ? { ns: Number(stdout) } : { missing: "python3" });
  }
  const multiprocessing = await import("heddle/multiprocessing");
  const { Barrier, Process } = multiprocessing;
  const counter = new (need(multiprocessing, "Value"))("i");
  const gate = new Barrier(3);
  const two = [1, 2].map(() => new Process({ target: increment, args: [counter, gate, name, count, ROUNDS + 1] }));
  for (const child of two) child.start();
  const times = [];
  for (let round = 0; round <= ROUNDS; round++) {
    gate.waitSync();
    const begin = process.hrtime.bigint();
    gate.waitSync();
    if (round > 0) times.push(Number(process.hrtime.bigint() - begin) / count / 2);
  }
  for (const child of two) await child.join();
  const expected = 2 * count * (ROUNDS + 1);
  if (counter.value !== expected) throw new Error(`${counter.value} of ${expected} increments are there`);
  result({ ns: median(times) });
}

// The other processes import this file, too.
const { isMain } = await import("heddle");
if (isMain) await main();
