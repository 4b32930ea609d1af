/** heddle/queue: queues between the threads of a process. */
export { Empty, Full, ShutDown } from "../core/errors.js";
export { LifoQueue } from "./lifo-queue.js";
export { PriorityQueue } from "./priority-queue.js";
export { Queue } from "./queue.js";
export { SimpleQueue } from "./simple-queue.js";
