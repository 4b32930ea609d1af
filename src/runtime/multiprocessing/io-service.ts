/**
 * The io-service: the worker that owns the children of a thread, their channels, their output and their end.
 *
 * It exists because the thread itself may block. While that one waits for a result or for a process, the service still
 * starts processes, hands out tasks, takes results in and sees who ended. What the thread asks arrives as messages,
 * which need nothing from a thread once they are posted; what the thread is to know goes to shared memory.
 */
import { parentPort, workerData } from "node:worker_threads";
import { nativeThreadId } from "../core/native-id.js";
import { ChildrenTable, startChild } from "./children-table.js";
import { serveConnections } from "./connection-service.js";
import { functionOf, kindOf, ToChild } from "./messages.js";
import { withName } from "./named-session.js";
import { PoolDispatcher, type PoolHost } from "./pool-dispatcher.js";
import { PoolPost } from "./pool-post.js";
import { ANSWERED, type PoolRequest, type Request } from "./requests.js";
import { decodeStart, encodeStart } from "./start-message.js";
import { TaskStreamReader } from "./task-stream.js";

interface ServedPool {
  readonly dispatcher: PoolDispatcher;
  /** Its workers are daemons, which a thread does not wait for at its end. */
  readonly daemons: boolean;
}

const pools = new Map<number, ServedPool>();
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
  const { port } = request;
  const post = new PoolPost(request.address, port);
  const message = decodeStart(request.start);
  const { name, daemon } = message.who;
  const functions: Uint8Array[] = [];
  const stream = new TaskStreamReader(request.stream, port, (head, read) => {
    if (kindOf(head) !== ToChild.Function) return false;
    functions[functionOf(head)] = read();
    return true;
  });
  let workers = 0;
  const host: PoolHost = {
    startWorker: (events) => {
      const who = { ...message.who, name: `${name}_${workers++}` };
      let pid = 0;
      return startChild({ ...withName(request.settings, who.name), tells: true }, encodeStart({ ...message, who }), {
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
    finished: (id, kind, body) => post.finished(id, kind, body),
    flush: () => post.flush(),
    lost: (id, pid, exitCode, error) => post.lost(id, pid, exitCode, error),
    broken: (message, error) => post.broken(message, error),
    closed: () => {
      pools.delete(request.pool);
      post.closed();
      answerExits();
    },
  };
  const dispatcher = new PoolDispatcher(host, stream, functions, request.options);
  pools.set(request.pool, { dispatcher, daemons: daemon });
  dispatcher.dispatch();
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
    case "tasks":
      pools.get(request.pool)?.dispatcher.dispatch();
      return;
    case "shutdown":
      pools.get(request.pool)?.dispatcher.shutdown();
      return;
    case "terminate":
      pools.get(request.pool)?.dispatcher.terminate();
      return;
    case "connections":
      serveConnections(request.port, request.word);
      return;
    case "exit":
      exits.push(request.answer);
      children.terminateDaemons();
      for (const { dispatcher, daemons } of [...pools.values()]) {
        if (daemons) dispatcher.terminate();
        else dispatcher.shutdown();
      }
      answerExits();
      return;
  }
}

const life = workerData as Int32Array;
Atomics.store(life, 0, nativeThreadId());
process.on("exit", () => Atomics.store(life, 1, 1));
parentPort!.on("message", serve);
