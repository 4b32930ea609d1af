// A client: gives the server tasks and waits for the results.
//
//     heddle run examples/distributed/client.ts 50000 our-secret 20
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
  const [port = "50000", authkey = "our-secret", count = "20", host = "127.0.0.1"] = process.argv.slice(2);
  const manager = new Queues({ address: [host, Number(port)], authkey });
  await manager.connect();
  const tasks = await manager.getTaskQueue();
  const results = await manager.getResultQueue();
  for (let i = 1; i <= Number(count); i++) await tasks.put(i * 20_000);
  for (let i = 0; i < Number(count); i++) {
    const { limit, primes, worker } = await results.get({ timeout: 60_000 });
    console.log(`${primes} primes below ${limit}, says ${worker}`);
  }
  const { again } = await tasks.state();
  console.log(`all ${count} results are there; ${again} tasks were handed out again`);
}
