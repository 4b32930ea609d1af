/**
 * Pools of two workers under one face: `run(n)` gives a promise of the result of the empty task, `end()` stops it.
 * Each with the settings its documentation recommends for many small tasks, and its own way to load the same function.
 */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const echoFile = join(here, "echo.cjs");

async function executor(Executor) {
  const futures = await import("heddle/futures");
  const { echo } = await import("./echo.mjs");
  const pool = new futures[Executor]({ maxWorkers: 2 });
  return { run: (n) => pool.submit(echo, n), end: () => pool.shutdown(), block: () => blockOurs(pool) };
}

/** As {@link blockWorkers}, by what crosses to the threads of our pools. */
async function blockOurs(pool) {
  const { Lock } = await import("heddle/threading");
  const { Queue } = await import("heddle/queue");
  const { waitAtGate } = await import("./echo.mjs");
  const [gate, arrived] = [new Lock(), new Queue()];
  gate.acquireSync();
  const passed = [0, 1].map(() => pool.submit(waitAtGate, arrived, gate));
  for (const _ of passed) await arrived.get();
  return { open: () => gate.release(), passed };
}

async function piscina(options) {
  const { Piscina } = await import("piscina");
  const pool = new Piscina({ filename: echoFile, minThreads: 2, maxThreads: 2, ...options });
  return { run: (n, more) => pool.run(n, more), end: () => pool.destroy() };
}

/** Two workers that are sent [id, value] in turns by `send(worker, id, value)`. */
async function plainWorkers(makeSend) {
  const { Worker } = await import("node:worker_threads");
  const workers = [0, 1].map(() => new Worker(join(here, "echo-worker.cjs")));
  const waiting = new Map();
  const settle = ([id, value]) => {
    waiting.get(id)(value);
    waiting.delete(id);
  };
  for (const worker of workers) {
    worker.on("message", (message) => {
      if (typeof message[0] === "number") settle(message);
      else for (const answer of message) settle(answer);
    });
  }
  const send = makeSend(workers);
  let id = 0;
  return {
    run: (n) =>
      new Promise((resolve) => {
        waiting.set(++id, resolve);
        send(id & 1, id, n);
      }),
    end: () => Promise.all(workers.map((worker) => worker.terminate())),
  };
}

export const pools = {
  ThreadPoolExecutor: () => executor("ThreadPoolExecutor"),
  ProcessPoolExecutor: () => executor("ProcessPoolExecutor"),
  piscina: () => piscina({}),
  "piscina, 64 a worker": () => piscina({ concurrentTasksPerWorker: 64 }),
  tinypool: async () => {
    const { default: Tinypool } = await import("tinypool");
    const pool = new Tinypool({ filename: echoFile, minThreads: 2, maxThreads: 2 });
    return { run: (n) => pool.run(n), end: () => pool.destroy() };
  },
  workerpool: async () => {
    const { default: workerpool } = await import("workerpool");
    const settings = { minWorkers: 2, maxWorkers: 2, workerType: "thread" };
    const pool = workerpool.pool(join(here, "echo-workerpool.cjs"), settings);
    return { run: (n) => pool.exec("echo", [n]), end: () => pool.terminate() };
  },
  "tinypool, processes": async () => {
    const { default: Tinypool } = await import("tinypool");
    const pool = new Tinypool({ runtime: "child_process", filename: echoFile, minThreads: 2, maxThreads: 2 });
    return { run: (n) => pool.run(n), end: () => pool.destroy() };
  },
  "workerpool, processes": async () => {
    const { default: workerpool } = await import("workerpool");
    const settings = { minWorkers: 2, maxWorkers: 2, workerType: "process" };
    const pool = workerpool.pool(join(here, "echo-workerpool.cjs"), settings);
    return { run: (n) => pool.exec("echo", [n]), end: () => pool.terminate() };
  },
  "child_process.fork": async () => {
    const { fork } = await import("node:child_process");
    const children = [0, 1].map(() => fork(join(here, "echo-child.cjs")));
    const waiting = new Map();
    for (const child of children) {
      child.on("message", ([id, value]) => {
        waiting.get(id)(value);
        waiting.delete(id);
      });
    }
    let id = 0;
    const run = (n) =>
      new Promise((resolve) => {
        waiting.set(++id, resolve);
        children[id & 1].send([id, n]);
      });
    const end = () => {
      for (const child of children) child.disconnect();
    };
    return { run, end };
  },
  poolifier: async () => {
    const { FixedThreadPool } = await import("poolifier");
    const pool = new FixedThreadPool(2, join(here, "echo-poolifier.mjs"));
    return { run: (n) => pool.execute(n), end: () => pool.destroy() };
  },
  multithreading: async () => {
    await import("./multithreading-on-old-node.mjs");
    const { initRuntime, move, shutdown, spawn } = await import("multithreading");
    initRuntime({ maxWorkers: 2 });
    // It sends the text of the function, which therefore cannot share the module that the others load.
    const echo = (n) => {
      if (typeof n !== "object") return n;
      const until = performance.now() + 3;
      while (performance.now() < until);
      return import("node:worker_threads").then(({ threadId }) => `${process.pid}:${threadId}`);
    };
    const run = async (n) => {
      const { ok, value, error } = await spawn(move(n), echo).join();
      if (!ok) throw error;
      return value;
    };
    return { run, end: () => shutdown() };
  },
  "plain workers": () =>
    plainWorkers((workers) => (worker, id, value) => {
      workers[worker].postMessage([id, value]);
    }),
  "plain workers, batched": () =>
    plainWorkers((workers) => {
      const batches = [[], []];
      const flush = () => {
        for (const i of [0, 1]) if (batches[i].length > 0) workers[i].postMessage(batches[i].splice(0));
      };
      return (worker, id, value) => {
        if (batches[0].length + batches[1].length === 0) queueMicrotask(flush);
        batches[worker].push([id, value]);
      };
    }),
};

/** How long both workers are given to start: milliseconds. */
const START_PATIENCE = 20_000;

/** Waits until two workers do the work; throws if they do not. Returns how many tasks it took. */
export async function awaitTwoWorkers(name, run) {
  const seen = new Set();
  let tasks = 0;
  const until = performance.now() + START_PATIENCE;
  while (seen.size < 2 && performance.now() < until) {
    const answers = await Promise.all(Array.from({ length: 8 }, () => run({ where: true })));
    for (const answer of answers) seen.add(answer);
    tasks += answers.length;
  }
  if (seen.size !== 2) throw new Error(`${name} used ${seen.size} workers instead of 2`);
  if (seen.has(`${process.pid}:0`)) throw new Error(`${name} ran a task in the main thread`);
  return tasks;
}

/**
 * Blocks both workers of a pool, so that what is submitted then waits. `open` lets them go on, `passed` are the tasks
 * that blocked them.
 */
export async function blockWorkers({ run, block }) {
  if (block !== undefined) return block();
  const gate = new Int32Array(new SharedArrayBuffer(8));
  const passed = [run({ gate }), run({ gate })];
  while (Atomics.load(gate, 1) < 2) await new Promise((resolve) => setTimeout(resolve, 1));
  const open = () => {
    Atomics.store(gate, 0, 1);
    Atomics.notify(gate, 0);
  };
  return { open, passed };
}
