/**
 * One measurement of one pool in a process of its own: `node pool.mjs NAME COUNT`. Prints nanoseconds a task.
 * All tasks are submitted at once (a burst) to two workers and return what they are given.
 */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const require = createRequire(import.meta.url);
const here = dirname(fileURLToPath(import.meta.url));
const [, , name, countText] = process.argv;
const count = Number(countText);
const echo = join(here, "echo.cjs");

const pools = {
  "heddle threads": async () => {
    const { ThreadPoolExecutor } = require("heddle/futures");
    const { echo } = await import(pathToFileURL(join(here, "echo-module.mjs")).href);
    const pool = new ThreadPoolExecutor({ maxWorkers: 2 });
    return { run: (n) => pool.submit(echo, n), end: () => pool.shutdown() };
  },
  "heddle processes": async () => {
    const { ProcessPoolExecutor } = require("heddle/futures");
    const { echo } = await import(pathToFileURL(join(here, "echo-module.mjs")).href);
    const pool = new ProcessPoolExecutor({ maxWorkers: 2 });
    return { run: (n) => pool.submit(echo, n), end: () => pool.shutdown() };
  },
  piscina: async () => {
    const { Piscina } = await import("piscina");
    const pool = new Piscina({ filename: echo, minThreads: 2, maxThreads: 2, concurrentTasksPerWorker: 1 });
    return { run: (n) => pool.run(n), end: () => pool.destroy() };
  },
  tinypool: async () => {
    const { default: Tinypool } = await import("tinypool");
    const pool = new Tinypool({ filename: echo, minThreads: 2, maxThreads: 2 });
    return { run: (n) => pool.run(n), end: () => pool.destroy() };
  },
  workerpool: async () => {
    const { default: workerpool } = await import("workerpool");
    const pool = workerpool.pool(join(here, "echo-workerpool.cjs"), {
      minWorkers: 2,
      maxWorkers: 2,
      workerType: "thread",
    });
    return { run: (n) => pool.exec("echo", [n]), end: () => pool.terminate() };
  },
  "plain workers": async () => {
    const { Worker } = await import("node:worker_threads");
    const workers = [0, 1].map(() => new Worker(join(here, "echo-worker.cjs")));
    const waiting = new Map();
    for (const worker of workers) {
      worker.on("message", ([id, value]) => {
        waiting.get(id)(value);
        waiting.delete(id);
      });
    }
    let id = 0;
    return {
      run: (n) =>
        new Promise((resolve) => {
          waiting.set(++id, resolve);
          workers[id & 1].postMessage([id, n]);
        }),
      end: () => Promise.all(workers.map((worker) => worker.terminate())),
    };
  },
};

async function main() {
  const pool = await pools[name]();
  await Promise.all(Array.from({ length: 200 }, (_, i) => pool.run(i)));
  const begin = process.hrtime.bigint();
  const results = await Promise.all(Array.from({ length: count }, (_, i) => pool.run(i)));
  const end = process.hrtime.bigint();
  if (results.length !== count || results.some((value, i) => value !== i)) throw new Error(`${name} lost a result`);
  console.log(`RESULT ${Number(end - begin) / count}`);
  await pool.end();
}

if (require("heddle").isMain) await main();
