/**
 * Milliseconds until four processes are ready for work: `pool-start.mjs Pool`, or `fork`, whose processes load this same
 * module, which imports what ours import, and do nothing else.
 */
import { fork } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isMain } from "heddle";
import { Pool } from "heddle/multiprocessing";
import { median, quick, result } from "./timing.mjs";

const PROCESSES = 4;
const ROUNDS = quick ? 1 : 3;
const now = () => performance.timeOrigin + performance.now();
const pillow = new Int32Array(new SharedArrayBuffer(4));

/** Says when and where it began, when all have begun: so nobody does two of them. */
export function arrive(folder) {
  const arrived = now();
  writeFileSync(join(folder, String(process.pid)), "");
  while (readdirSync(folder).length < PROCESSES) Atomics.wait(pillow, 0, 0, 5);
  return [process.pid, arrived];
}

const subjects = {
  Pool: async () => {
    const folder = mkdtempSync(join(tmpdir(), "heddle-bench-start-"));
    const pool = new Pool({ processes: PROCESSES });
    const arrivals = await pool.map(arrive, Array(PROCESSES).fill(folder), { chunkSize: 1 });
    pool.close();
    await pool.join();
    rmSync(folder, { recursive: true });
    return arrivals;
  },
  fork: () =>
    Promise.all(
      Array.from({ length: PROCESSES }, async () => {
        const child = fork(fileURLToPath(import.meta.url), ["child"]);
        const ended = new Promise((resolve) => child.on("exit", resolve));
        const arrival = await new Promise((resolve) => child.on("message", resolve));
        child.disconnect();
        await ended;
        return arrival;
      }),
    ),
};

async function main() {
  const times = [];
  for (let i = -1; i < ROUNDS; i++) {
    const begin = now();
    const arrivals = await subjects[process.argv[2]]();
    if (new Set(arrivals.map(([pid]) => pid)).size !== PROCESSES) throw new Error("not four processes");
    if (i >= 0) times.push(Math.max(...arrivals.map(([, arrived]) => arrived)) - begin);
  }
  result({ ms: median(times), expect: {} });
}

if (process.argv[2] === "child" && isMain) process.send([process.pid, now()]);
else if (isMain) await main();
