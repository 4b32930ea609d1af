// The server of a task queue for programs on any number of machines: it keeps the tasks and the results.
//
//     heddle run examples/distributed/server.ts 50000 our-secret
//
// Look for: the requests of workers and clients, each as long as the server was at it; what is left is the network.

import { isMain } from "heddle";
import { BaseManager } from "heddle/multiprocessing";
import { Queue } from "heddle/queue";
import { type Result, TaskQueue } from "./task-queue.js";

const resultQueue = new Queue<Result>({ name: "result_queue" });
const taskQueue = new TaskQueue(resultQueue);

class QueueManager extends BaseManager {}
QueueManager.register("getTaskQueue", { callable: () => taskQueue });
QueueManager.register("getResultQueue", { callable: () => resultQueue });

if (isMain) {
  const [port = "50000", authkey = "our-secret"] = process.argv.slice(2);
  // 127.0.0.1 is this machine; "" would be all of its addresses.
  const server = new QueueManager({ address: ["127.0.0.1", Number(port)], authkey }).getServer();
  console.log(`serving at port ${server.address[1]}`);
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
  await server.serveForever({ signal: stop.signal });
  console.log("stopped");
}
