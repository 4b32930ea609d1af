import { Thread } from "../../threading/thread.js";
import { ThreadPool } from "./thread-pool.js";

/** Threads under the names of processes: Python's `multiprocessing.dummy`. */
export const dummy: { readonly Pool: typeof ThreadPool; readonly Process: typeof Thread } = {
  Pool: ThreadPool,
  Process: Thread,
};
