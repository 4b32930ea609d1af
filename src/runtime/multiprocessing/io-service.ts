/**
 * The io-service: the worker that owns the children of a thread, their channels, their output and their end.
 *
 * It exists because the thread itself may block. While that one waits for a result or for a process, the service still
 * starts processes, hands out tasks, takes results in and sees who ended. What the thread asks arrives as messages,
 * which need nothing from a thread once they are posted; what the thread is to know goes to shared memory.
 */
import { parentPort } from "node:worker_threads";
import { ChildrenTable, startChild } from "./children-table.js";
import { serveConnections } from "./connection-service.js";
import { withName } from "./named-session.js";
import { PoolDispatcher } from "./pool-dispatcher.js";
import { PoolPost } from "./pool-post.js";
import { ANSWERED, type PoolRequest, type Request } from "./requests.js";
import { decodeStart, encodeStart } from "./start-message.js";

const pools = new Map<number, PoolDispatcher>();
const exits: SharedArrayBuffer[] = [];
const children = new ChildrenTable(answerExits);

function answerExits(): void {
  if (children.size > 0 || pools.size > 0) return;
  for (const buffer of exits.splice(0)) {
    const word = new Int32Array(buffer);
    Atomics.store(word, 0, ANSWERED);
    Atomics.notify(word, 0);
  }
}

function makePool(request: PoolRequest): void {
  const post = new PoolPost(request.address);
  const message = decodeStart(request.start);
  const { name } = message.who;
  let workers = 0;
  const dispatcher = new PoolDispatcher(
    {
      startWorker: (events) => {
        const who = { ...message.who, name: `${name}_${workers++}` };
        let pid = 0;
        return startChild(withName(request.settings, who.name), encodeStart({ ...message, who }), {
          ...events,
          started: (number) => {
            pid = number;
            events.started(pid);
            post.started(pid, who.name);
          },
          ended: (exitCode) => {
            post.ended(pid, exitCode);
            events.ended(exitCode);
          },
        });
      },
      finished: (id, failed, body) => post.finished(id, failed, body),
      broken: (message, error) => post.broken(message, error),
      closed: () => {
        pools.delete(request.pool);
        post.closed();
        answerExits();
      },
    },
    request.maxWorkers,
    request.maxTasksPerChild,
  );
  pools.set(request.pool, dispatcher);
}

/** Pools that got tasks in this turn of the loop. */
const touched = new Set<PoolDispatcher>();

function dispatchTouched(): void {
  for (const pool of touched) pool.dispatch();
  touched.clear();
}

function serve(request: Request): void {
  switch (request.kind) {
    case "spawn":
      children.start(request.record, request.settings, request.start, request.daemon);
      return;
    case "signal":
      children.signal(request.pid, request.name);
      return;
    case "pool":
      makePool(request);
      return;
    case "task": {
      const pool = pools.get(request.pool);
      if (pool === undefined) return;
      if (request.states !== null) pool.states.attach(request.states.block, request.states.buffer);
      pool.submit(request.id, request.body);
      // Messages that wait are all served before the tasks are handed out, so that they go out together.
      if (touched.size === 0) setImmediate(dispatchTouched);
      touched.add(pool);
      return;
    }
    case "forget":
      pools.get(request.pool)?.forget(request.id);
      return;
    case "shutdown":
      pools.get(request.pool)?.shutdown();
      return;
    case "connections":
      serveConnections(request.port, request.word);
      return;
    case "exit":
      exits.push(request.answer);
      children.terminateDaemons();
      for (const pool of [...pools.values()]) pool.shutdown();
      answerExits();
      return;
  }
}

parentPort!.on("message", serve);
