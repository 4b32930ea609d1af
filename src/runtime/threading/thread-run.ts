/** What runs in the worker of a thread, from its first line to its end. */
import { parentPort, workerData } from "node:worker_threads";
import { recording } from "../../recorder/emit.js";
import { arrivedFunctionsLoaded } from "../core/crossing-function.js";
import { RuntimeError } from "../core/errors.js";
import { resolveReference } from "../core/function-reference.js";
import { importMainScript, mainScriptPath } from "../core/main-script.js";
import { nativeThreadId } from "../core/native-id.js";
import { installThreadOutput } from "../core/output.js";
import { decode, encode } from "../core/structured-clone.js";
import { closePools } from "../futures/open-pools.js";
import { currentRecord, type ThreadWorkerData } from "./current-record.js";
import { describeError, excepthook } from "./excepthook.js";
import { childrenEnded } from "./started-workers.js";
import { adoptThread, currentThread, Thread, type ThreadStart } from "./thread.js";

let reported = false;
/** The script's own top level has run in this thread. */
let imported = false;
/** From its end on, that nothing is left to run is no news. */
let ending = false;

/** Tells of an error that ended this thread: to its pool or the hook of who started it, if there is one, else on stderr. */
function report(error: unknown): void {
  if (reported) return;
  reported = true;
  const record = currentRecord();
  const { watched } = (workerData as ThreadWorkerData).heddleThread;
  if (watched || record.starterHasHook) {
    let bytes: Uint8Array;
    try {
      bytes = encode(error);
    } catch {
      bytes = encode(new Error(describeError(error)));
    }
    record.leaveError(bytes);
  } else {
    excepthook({ excType: Object, excValue: error, thread: currentThread() });
  }
}

async function end(): Promise<never> {
  ending = true;
  currentRecord().end();
  await closePools();
  // Node ends the workers of a worker with it, Python's threads live on: so this one stays until its own have ended.
  await childrenEnded(() => {
    currentRecord().markOnlyDaemons();
    parentPort?.postMessage({ heddle: "unref" });
  });
  // Node tells of garbage collections when the loop turns.
  if (recording) await new Promise((resolve) => setImmediate(resolve));
  process.exit();
}

/** Runs the thread whose worker this is. Never throws; the worker ends with it. */
export async function runThread(): Promise<void> {
  const record = currentRecord();
  record.begin(nativeThreadId());
  installThreadOutput();
  if (mainScriptPath !== null) process.argv[1] = mainScriptPath;
  process.on("exit", () => record.end());
  process.on("uncaughtException", (error) => {
    report(error);
    void end();
  });
  process.on("beforeExit", () => {
    if (ending) return;
    const what = imported
      ? "its run() returned a promise that nothing is left to settle"
      : "the script, which every thread imports, awaits at its top level what nothing in this thread is left to settle";
    report(new RuntimeError(what));
    void end();
  });
  try {
    const { payload, extras } = (workerData as ThreadWorkerData).heddleThread;
    await importMainScript();
    imported = true;
    const { type, fields, target, args } = await readStart(payload, extras);
    const thread = adoptThread(record, type, target, args, fields);
    await thread.run();
    record.markReturned();
  } catch (error) {
    report(error);
  }
  await end();
}

async function readStart(payload: Uint8Array, extras: readonly unknown[]) {
  const start = decode(payload, { extras }) as ThreadStart;
  await arrivedFunctionsLoaded();
  const type = start.type === null ? Thread : ((await resolveReference(start.type)) as unknown as typeof Thread);
  const target =
    start.target === null ? null : ((await resolveReference(start.target)) as (...a: unknown[]) => unknown);
  return { type, fields: start.fields, target, args: start.args };
}
