/**
 * How tasks measure what is too short for a clock: in batches, the median of which counts.
 *
 * Recorded events go into a ring that another thread empties. `nsEach` measures what an event costs the thread that
 * writes it: batches that fit in the ring, with a rest in between in which it is emptied. The rests are the same when
 * nothing is recorded, so that both are measured alike.
 */
import { isMainThread } from "node:worker_threads";

/** How long the ring is given to be emptied: milliseconds. The collector looks every 10. */
const REST_MS = 15;
const pillow = new Int32Array(new SharedArrayBuffer(4));

/** Blocks the thread. */
export function rest(ms = REST_MS) {
  Atomics.wait(pillow, 0, 0, ms);
}

/** True under trace. */
export const traced = globalThis[Symbol.for("heddle.recorder")] !== undefined;

export const quick = process.env.HEDDLE_BENCH_QUICK === "1";

const BATCHES = quick ? 3 : 11;
const WARM_UP = quick ? 2 : 4;

export function median(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}

/** Calls of `body(n)` that {@link nsEach} makes in all, each of `batch` operations. */
export const operations = (batch) => (BATCHES + WARM_UP) * batch;

/** Nanoseconds of one of the operations of which `body(n)` does `n`: the median batch. `after` follows each, untimed. */
export function nsEach(body, batch = 10_000, after = () => {}) {
  const times = [];
  for (let i = -WARM_UP; i < BATCHES; i++) {
    rest();
    const begin = process.hrtime.bigint();
    body(batch);
    const end = process.hrtime.bigint();
    if (i >= 0) times.push(Number(end - begin) / batch);
    after();
  }
  return median(times);
}

/** The same of a body that returns a promise. */
export async function nsEachAsync(body, batch = 10_000) {
  const times = [];
  for (let i = -WARM_UP; i < BATCHES; i++) {
    rest();
    const begin = process.hrtime.bigint();
    await body(batch);
    const end = process.hrtime.bigint();
    if (i >= 0) times.push(Number(end - begin) / batch);
  }
  return median(times);
}

/** True in the thread and process that were started as the task, false where they are imported again. */
export async function isMain() {
  // A child of ours is the main thread of its process; only the library knows better, and only these tasks load it.
  const usesProcesses = process.argv.some((argument) => argument.startsWith("Process"));
  return isMainThread && (!usesProcesses || (await import("heddle")).isMain);
}

/** Tells the program that runs the task. */
export function result(values) {
  process.stdout.write(`RESULT ${JSON.stringify(values)}\n`);
}

/** The class of a module, or the end of the task if there is none yet. */
export function need(module, name) {
  if (module?.[name] !== undefined) return module[name];
  result({ missing: name });
  process.exit(0);
}

/** As `import`, but null for an entry point that does not exist yet. */
export async function importIfThere(specifier) {
  try {
    return await import(specifier);
  } catch (error) {
    if (error.code === "ERR_PACKAGE_PATH_NOT_EXPORTED") return null;
    throw error;
  }
}
