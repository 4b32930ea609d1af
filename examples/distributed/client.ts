// A client: gives the server tasks and waits for the results.
//
//     heddle run examples/distributed/client.ts 50000 our-secret 8
//
// Look for: one long request: the client waits for the next result, and the server for a worker.

import { isMain } from "heddle";
import { type AutoProxy, BaseManager, type QueueProxy } from "heddle/multiprocessing";
import type { Result, TaskQueue } from "./task-queue.js";

// What the server registers is known here by its name and type only.
class Queues extends BaseManager {
  declare getTaskQueue: () => Promise<AutoProxy<TaskQueue>>;
  declare getResultQueue: () => Promise<QueueProxy<Result>>;
}
Queues.register("getTaskQueue").register("getResultQueue");

if (isMain) {
  const [port = "50000", authkey = "our-secret", count = "8", host = "127.0.0.1"] = process.argv.slice(2);
  const manager = new Queues({ address: [host, Number(port)], authkey });
  await manager.connect();
  const tasks = await manager.getTaskQueue();
  const results = await manager.getResultQueue();
  // The largest first, so that no worker is left alone with it at the end.
  for (let i = Number(count); i > 0; i--) await tasks.put(i * 250_000);
  for (let i = 0; i < Number(count); i++) {
    const { limit, primes, worker } = await results.get({ timeout: 60_000 });
    console.log(`${primes} primes below ${limit}, says ${worker}`);
  }
  const { again } = await tasks.state();
  console.log(`all ${count} results are there; ${again} tasks were handed out again`);
}
