// A worker: takes tasks from the server until there are none, and may be killed at any time.
//
//     heddle run examples/distributed/worker.ts 50000 our-secret
//
// Look for: the worker waits for a request to get a task, works, and waits for another to hand in the result.

import { isMain } from "heddle";
import { BaseManager } from "heddle/multiprocessing";
import { LEASE_MS, type TaskQueue } from "./task-queue.js";

// What the server registers is known here by its name and type only.
const Queues = BaseManager.register<"getTaskQueue", TaskQueue>("getTaskQueue");

function isPrime(n: number) {
  for (let i = 2; i * i <= n; i++) if (n % i === 0) return false;
  return n > 1;
}

/** Counts primes; lets the event loop turn now and then, so that `stillHere` can be told. */
async function countPrimes(limit: number, stillHere: () => Promise<unknown>) {
  let primes = 0;
  let told = performance.now();
  for (let n = 0; n < limit; n++) {
    if (isPrime(n)) primes++;
    if (n % 1000 === 0 && performance.now() - told > LEASE_MS / 4) {
      await stillHere();
      told = performance.now();
    }
  }
  return primes;
}

if (isMain) {
  const [port = "50000", authkey = "our-secret", host = "127.0.0.1"] = process.argv.slice(2);
  const manager = new Queues({ address: [host, Number(port)], authkey });
  await manager.connect();
  const tasks = await manager.getTaskQueue();
  const worker = `worker ${process.pid}`;
  for (let task = await tasks.get(); task !== null; task = await tasks.get()) {
    const { id, limit } = task;
    console.log(`${worker} has task ${id}`);
    const primes = await countPrimes(limit, () => tasks.keep(id));
    if (!(await tasks.done({ id, limit, primes, worker }))) console.log(`task ${id} was somebody else's`);
  }
  console.log(`${worker} has nothing left to do`);
}
