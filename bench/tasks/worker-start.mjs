/**
 * Milliseconds from the start of a thread or process to the first line of its function, and to its end as the starter
 * sees it: `worker-start.mjs NAME STARTS`, one after the other.
 *
 * A `Thread` imports this file, the script, again; so does "plain Worker". "bare Worker" loads a file that imports
 * nothing but Node's own modules.
 */
import { fork } from "node:child_process";
import { isMainThread, Worker, workerData } from "node:worker_threads";
import { Thread } from "heddle/threading";
import { arrive } from "./arrive.mjs";
import { importIfThere, isMain, median, need, quick, result } from "./timing.mjs";

const DISCARDED = quick ? 1 : 3;

/** Each starts one with the words to write its time of arrival to, and resolves at its end. */
const subjects = {
  Thread: (clock) => {
    const thread = new Thread({ target: arrive, args: [clock] });
    thread.start();
    return thread.join();
  },
  "plain Worker": (clock) => endOf(new Worker(new URL(import.meta.url), { workerData: { clock } })),
  "bare Worker": (clock) => endOf(new Worker(new URL("./arrive.mjs", import.meta.url), { workerData: { clock } })),
  Process: async () => {
    const Process = need(await importIfThere("heddle/multiprocessing"), "Process");
    const child = new Process({ target: nothing });
    child.start();
    return child.join();
  },
  "child_process.fork": () =>
    new Promise((resolve) => fork(new URL("./nothing.mjs", import.meta.url), { silent: false }).on("exit", resolve)),
};

function endOf(worker) {
  return new Promise((resolve, reject) => {
    worker.on("exit", resolve);
    worker.on("error", reject);
  });
}

/** What a process does. */
export function nothing() {}

async function main() {
  const [, , name, startsText] = process.argv;
  const [first, whole, busy] = [[], [], []];
  for (let i = -DISCARDED; i < Number(startsText); i++) {
    const clock = new BigInt64Array(new SharedArrayBuffer(8));
    const cpu = process.cpuUsage();
    const begin = process.hrtime.bigint();
    await subjects[name](clock);
    if (i < 0) continue;
    whole.push(Number(process.hrtime.bigint() - begin) / 1e6);
    const { user, system } = process.cpuUsage(cpu);
    busy.push((user + system) / 1000);
    if (clock[0] !== 0n) first.push(Number(clock[0] - begin) / 1e6);
  }
  if (!/rocess/.test(name) && first.length !== whole.length) throw new Error("a thread never arrived");
  // The time on the cores is of this process only, so it says nothing of a child.
  const ofThreads = first.length > 0 ? { first: median(first), busy: median(busy) } : {};
  result({ whole: median(whole), ...ofThreads });
}

if (await isMain()) await main();
else if (!isMainThread && workerData?.clock !== undefined) arrive(workerData.clock);
