/**
 * All of the runtime: `dist/runtime.cjs`. Every entry point and every program of `dist/` that runs user code goes
 * through this one file, so a thread has one instance of it. The build writes the entry files from `namespaces`.
 *
 * A new library adds one line to each of the two objects.
 */
import * as functionReference from "./core/function-reference.js";
import * as mainScript from "./core/main-script.js";
import * as futures from "./futures/index.js";
import { serveThreadPool } from "./futures/thread-pool-worker.js";
import * as index from "./index.js";
import { runChild } from "./multiprocessing/child-run.js";
import * as multiprocessing from "./multiprocessing/index.js";
import * as queue from "./queue/index.js";
import * as subprocess from "./subprocess/index.js";
import * as threading from "./threading/index.js";
import { runThread } from "./threading/thread-run.js";
import * as trace from "./trace/index.js";

/** What user scripts import, by entry point. */
export const namespaces: Record<string, Record<string, unknown>> = {
  threading,
  queue,
  futures,
  multiprocessing,
  subprocess,
  trace,
};
namespaces.index = { ...index };

/** For the programs of `dist/` that run a thread or process. */
export const internal = {
  runThread,
  runChild,
  functionReference,
  mainScript,
};

// The target of a pool's threads crosses like any function of the library, though nobody imports it.
functionReference.setLibraryNamespaces({ ...namespaces, "thread pool": { serveThreadPool } });

// The bundler calls a class that names itself `_Thread` and one of two with the same name `Queue2`; users see the name in
// stacks and reports.
for (const members of Object.values(namespaces)) {
  for (const [name, value] of Object.entries(members)) {
    if (typeof value === "function" && value.name !== name && new RegExp(`^_?${name}\\d*$`).test(value.name)) {
      Object.defineProperty(value, "name", { value: name, configurable: true });
    }
  }
}
