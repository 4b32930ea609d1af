/** heddle/queue: queues between the threads of a process. */
export { Empty, Full, ShutDown } from "../core/errors.js";
export { Queue } from "./queue.js";
