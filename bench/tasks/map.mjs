/**
 * Nanoseconds an item of a trivial function mapped over a sequence by two workers: `map.mjs NAME COUNT CHUNK`. The
 * results are checked.
 */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { isMain, median, quick, result } from "./timing.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const LONG_ENOUGH = quick ? 0 : 500;
const MOST = 7;

async function executor(Executor, chunkSize) {
  const futures = await import("heddle/futures");
  const { increment } = await import("./echo.mjs");
  const pool = new futures[Executor]({ maxWorkers: 2 });
  const options = chunkSize > 1 ? [{ chunkSize }] : [];
  return { map: async (items) => await pool.map(increment, items, ...options), end: () => pool.shutdown() };
}

const subjects = {
  ThreadPoolExecutor: (chunk) => executor("ThreadPoolExecutor", chunk),
  ProcessPoolExecutor: (chunk) => executor("ProcessPoolExecutor", chunk),
  "plain workers": async (chunk) => {
    const { Worker } = await import("node:worker_threads");
    const workers = [0, 1].map(() => new Worker(join(here, "increment-worker.cjs")));
    return {
      map: (items) =>
        new Promise((resolve) => {
          const results = new Array(items.length);
          let left = items.length;
          workers.forEach((worker) => {
            worker.removeAllListeners("message");
            worker.on("message", ([from, values]) => {
              for (let i = 0; i < values.length; i++) results[from + i] = values[i];
              left -= values.length;
              if (left === 0) resolve(results);
            });
          });
          for (let from = 0, turn = 0; from < items.length; from += chunk, turn++) {
            workers[turn & 1].postMessage([from, items.slice(from, from + chunk)]);
          }
        }),
      end: () => Promise.all(workers.map((worker) => worker.terminate())),
    };
  },
};

async function main() {
  const [, , name, countText, chunkText] = process.argv;
  const count = Number(countText);
  const items = Array.from({ length: count }, (_, i) => i);
  const { map, end } = await subjects[name](Number(chunkText));
  await map(items.slice(0, Math.min(count, 10_000)));
  const times = [];
  const until = performance.now() + LONG_ENOUGH;
  do {
    const begin = process.hrtime.bigint();
    const results = await map(items);
    times.push(Number(process.hrtime.bigint() - begin) / count);
    if (results.length !== count || results.some((value, i) => value !== i + 1)) throw new Error("a wrong result");
  } while (times.length < MOST && performance.now() < until);
  result({ ns: median(times), expect: {} });
  await end();
}

if (await isMain()) await main();
