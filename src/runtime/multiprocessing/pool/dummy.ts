import { Thread } from "../../threading/thread.js";
import { ThreadPool } from "./thread-pool.js";

/**
 * Threads under the names of processes: Python's `multiprocessing.dummy`.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { dummy } from "heddle/multiprocessing";
 *
 * function greet(name: string) {
 *   return `hello ${name}`;
 * }
 *
 * if (isMain) {
 *   using pool = new dummy.Pool({ processes: 2 }); // threads, with the face of a pool of processes
 *   console.log(await pool.map(greet, ["Ada", "Alan"])); // prints [ 'hello Ada', 'hello Alan' ]
 * }
 * ```
 */
export const dummy: { readonly Pool: typeof ThreadPool; readonly Process: typeof Thread } = {
  Pool: ThreadPool,
  Process: Thread,
};
