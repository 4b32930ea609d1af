/** A thread's end of its io-service: starts it when it is first needed, and asks. */
import { join } from "node:path";
import { type Transferable, Worker } from "node:worker_threads";
import { installMainOutput } from "../core/output.js";
import { closeLast } from "../platform/native-work.js";
import { ANSWERED, type Request } from "./requests.js";

let service: Worker | null = null;
const atExit: (() => void)[] = [];

function start(): Worker {
  // From now on the service writes too, what the children say.
  installMainOutput();
  const worker = new Worker(join(__dirname, "io-service.cjs"), {
    name: "heddle io-service",
    // It is a part of the library: neither the user's preloads nor the recorder belong in it.
    execArgv: [],
  });
  // What keeps a thread alive is what it waits for, never the service itself.
  worker.unref();
  worker.on("error", (error) => {
    service = null;
    throw error;
  });
  process.on("exit", finishChildren);
  closeLast();
  return worker;
}

/** Posts a request. Starts the service if it is the first. */
export function request(request: Request, moved: readonly Transferable[] = []): void {
  service ??= start();
  service.postMessage(request, moved);
}

/** Posts a request and blocks until it is answered. */
function ask(make: (answer: SharedArrayBuffer) => Request): void {
  const answer = new SharedArrayBuffer(4);
  const word = new Int32Array(answer);
  request(make(answer));
  while (Atomics.load(word, 0) !== ANSWERED) Atomics.wait(word, 0, 0);
}

/** Forgets the children: they are not waited for. For a process whose parent is gone, whose own end is theirs too. */
export function abandonChildren(): void {
  service = null;
}

/** Has `callback` called when this thread ends and all of its children have ended. */
export function whenChildrenAreFinished(callback: () => void): void {
  atExit.push(callback);
}

/**
 * The end of a thread, as Python's at-exit function has it: daemons are terminated, pools finish what they were given,
 * and the other children are waited for.
 */
export function finishChildren(): void {
  if (service === null) return;
  ask((answer) => ({ kind: "exit", answer }));
  for (const callback of atExit.splice(0)) callback();
}
