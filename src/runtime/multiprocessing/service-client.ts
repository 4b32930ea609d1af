/** A thread's end of its io-service: starts it when it is first needed, and asks. */
import { join } from "node:path";
import { type Transferable, Worker } from "node:worker_threads";
import { threadExists } from "../core/heap-lock.js";
import { installMainOutput } from "../core/output.js";
import { closeLast } from "../platform/native-work.js";
import { tellFatalError, watchForFatalError } from "../threading/fatal-error.js";
import { beforeStayingForDaemons } from "../threading/started-workers.js";
import { ANSWERED, type Request } from "./requests.js";

/** How long the end of a thread waits for its children in silence, if an error ended it: milliseconds. */
const SILENCE_MS = 20;

/** How often a blocked thread asks whether its service is there: milliseconds. */
const ASK_MS = 200;

let service: Worker | null = null;
/** What the service tells of itself: its number in the system, and that it ends. */
let life = new Int32Array(new SharedArrayBuffer(8));
const atExit: (() => void)[] = [];

function start(): Worker {
  // From now on the service writes too, what the children say.
  installMainOutput();
  const own = new Int32Array(new SharedArrayBuffer(8));
  life = own;
  const worker = new Worker(join(__dirname, "io-service.cjs"), {
    name: "heddle io-service",
    workerData: own,
    // It is a part of the library: neither the user's preloads nor the recorder belong in it.
    execArgv: [],
  });
  // What keeps a thread alive is what it waits for, never the service itself.
  worker.unref();
  worker.on("error", (error) => {
    service = null;
    throw error;
  });
  watchForFatalError();
  process.on("exit", finishChildren);
  beforeStayingForDaemons(finishChildren);
  closeLast();
  return worker;
}

/** Posts a request. Starts the service if it is the first. */
export function request(request: Request, moved: readonly Transferable[] = []): void {
  service ??= start();
  service.postMessage(request, moved);
}

/** Posts a request and blocks until it is answered. `late` is called when that takes longer than a moment. */
function ask(make: (answer: SharedArrayBuffer) => Request, late: () => void): void {
  const answer = new SharedArrayBuffer(4);
  const word = new Int32Array(answer);
  request(make(answer));
  if (Atomics.wait(word, 0, 0, SILENCE_MS) === "timed-out") late();
  while (Atomics.load(word, 0) !== ANSWERED && !isServiceGone()) Atomics.wait(word, 0, 0, ASK_MS);
}

/**
 * True if the service of this thread has ended before it, as when it ran out of memory. Its children end with it, and
 * nobody will answer or tell of them: whoever blocks the thread and waits for that asks here from time to time.
 */
export function isServiceGone(): boolean {
  const nativeId = Atomics.load(life, 0);
  return Atomics.load(life, 1) !== 0 || (nativeId !== 0 && !threadExists(nativeId));
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
function finishChildren(): void {
  if (service === null) return;
  ask((answer) => ({ kind: "exit", answer }), tellFatalError);
  for (const callback of atExit.splice(0)) callback();
}
