/**
 * The first thing a traced process runs (`--require`), and every thread of it, since workers inherit the arguments of
 * their process: starts recording, then the loader. Both do nothing where they are not wanted.
 */
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { register } from "../loader/index.js";
import { COLLECTOR_MARK } from "../recorder/session.js";
import { startRecorder } from "../recorder/start.js";

/** Node's own threads, as those that run module hooks on Node 20: the only workers without a port to their parent. */
const isNodesOwn = !isMainThread && parentPort === null;

if (workerData !== COLLECTOR_MARK && !isNodesOwn) {
  startRecorder();
  register();
}
