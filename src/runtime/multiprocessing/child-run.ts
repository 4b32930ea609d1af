/** What a child process does: becomes who it is, imports the script again, runs, and ends as Python's processes do. */
import { Socket } from "node:net";
import { RuntimeError } from "../core/errors.js";
import { type FunctionReference, resolveReference } from "../core/function-reference.js";
import { importMainScript } from "../core/main-script.js";
import { installMainOutput } from "../core/output.js";
import { decode } from "../core/structured-clone.js";
import { closePools } from "../futures/open-pools.js";
import { childrenEnded } from "../threading/started-workers.js";
import { CHANNEL_FD } from "./channel-fd.js";
import { reportUncaught, serveTasks } from "./pool-worker.js";
import { becomeProcess, type Process, takeWork } from "./process.js";
import { reportDeath } from "./report-death.js";
import { abandonChildren } from "./service-client.js";
import type { ProcessWork, StartMessage } from "./start-message.js";

type AnyFunction = (...args: unknown[]) => unknown;

/** Opens the channel. When it ends the parent is gone, and so are we. */
function openChannel(): Socket {
  const channel = new Socket({ fd: CHANNEL_FD, readable: true, writable: true });
  const gone = () => {
    abandonChildren();
    process.exit(1);
  };
  channel.on("end", gone);
  channel.on("error", gone);
  return channel;
}

/** The function of a reference, or null. */
export function resolve(reference: FunctionReference | null): Promise<AnyFunction> | AnyFunction | null {
  return reference === null ? null : (resolveReference(reference) as Promise<AnyFunction> | AnyFunction);
}

/** Resolves when no thread that this one started is left but daemons. */
function threadsEnded(): Promise<void> {
  return new Promise((resolve) => {
    void childrenEnded(resolve).then(resolve);
  });
}

async function runProcess(start: StartMessage, work: ProcessWork, channel: Socket): Promise<void> {
  const { name } = start.who;
  // Runs only where nothing else is left to run: the channel itself is not worth staying for.
  channel.resume();
  channel.unref();
  let settled = false;
  process.on("beforeExit", () => {
    if (settled) return;
    reportDeath(name, new RuntimeError("its run() returned a promise that nothing is left to settle"));
    process.exit(1);
  });
  try {
    await importMainScript();
    const target = await resolve(work.target);
    const type = (await resolve(work.type)) as unknown as typeof Process | null;
    const origin = { origin: `process ${start.who.parent.name} (pid ${start.who.parent.pid})` };
    const args = decode(work.args, origin) as unknown[];
    const fields = decode(work.fields, origin) as object;
    await takeWork(type, fields, target, args).run();
    settled = true;
    // A promise that was rejected and left alone is found at the end of this turn of the loop, as in a script of one file.
    await new Promise((resolve) => setImmediate(resolve));
    await closePools();
    await threadsEnded();
    process.exit();
  } catch (error) {
    settled = true;
    reportDeath(name, error);
    await closePools();
    await threadsEnded();
    process.exit(1);
  }
}

/** Runs this process to its end. */
export function runChild(start: StartMessage): void {
  const { name } = start.who;
  process.on("uncaughtException", (error) => {
    // The user's own handler decides, as it would in the script itself.
    if (process.listenerCount("uncaughtException") > 1) return;
    if (start.work.kind === "worker") reportUncaught(name, error);
    else reportDeath(name, error);
    process.exit(1);
  });
  becomeProcess(start.who);
  // Directly to the descriptor: what was written before the end is there after it.
  installMainOutput();
  const channel = openChannel();
  if (start.work.kind === "process") void runProcess(start, start.work, channel);
  else void serveTasks(start, start.work, channel);
}
