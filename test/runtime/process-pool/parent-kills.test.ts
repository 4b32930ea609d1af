/**
 * The program that owns pools, executors, queues and shared memory is killed at random moments: of all that it started,
 * at any depth, no process is left, the helpers that clean up neither, no name in /dev/shm and no file in the folder of
 * sockets, but for what the next one removes. `HEDDLE_KILLS` is how often.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { dist, testNode } from "../../harness/run-script.js";

const kills = Number(process.env.HEDDLE_KILLS ?? 3);

const source = `
import { isMain } from "heddle";
import { ProcessPoolExecutor, ThreadPoolExecutor } from "heddle/futures";
import { Pool, Process, Queue, ShareableList, SharedMemory, SyncManager } from "heddle/multiprocessing";
import { writeSync } from "node:fs";

const named = (what: string) => process.argv[2] + "-" + what + "-" + process.pid;
function slow() { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10); }
function spin(ms: number) { for (const end = performance.now() + ms; performance.now() < end; ); }
function never() { for (;;); }
const grow = (bytes: Uint8Array) => new Uint8Array(bytes.length + 1);
function fills(q: Queue<unknown>) { for (;;) q.putSync("x".repeat(100)); }
async function deep(q: Queue<unknown>) {
  const memory = new SharedMemory({ name: named("deep"), create: true, size: 100 });
  const executor = new ProcessPoolExecutor({ maxWorkers: 2, initializer: slow });
  for (;;) { await executor.submit(spin, 3); q.putSync(memory.name); }
}
if (isMain) {
  const keep = [new SharedMemory({ name: named("block"), create: true, size: 4096 }), new ShareableList([1, "two"], { name: named("list") })];
  const q = new Queue<unknown>({ maxSize: 10 });
  for (const target of [fills, deep]) new Process<any>({ target, args: [q] }).start();
  const pool = new Pool({ processes: 2, initializer: slow });
  const executor = new ProcessPoolExecutor({ maxWorkers: 2 });
  const threads = new ThreadPoolExecutor({ maxWorkers: 2 });
  void executor.submit(never).exception();
  const manager = new SyncManager();
  await manager.start();
  const list = manager.list([1]);
  await Promise.all([pool.apply(grow, [new Uint8Array(10)]), executor.submit(spin, 1), threads.submit(spin, 1), q.get()]);
  writeSync(1, "up\\n");
  for (;;) {
    const large = new Uint8Array(3_000_000);
    await Promise.all([pool.apply(grow, [large]), pool.map(spin, [0, 1, 2, 3]), executor.submit(grow, large), threads.submit(spin, 1), q.get(), list.append(keep.length)]);
  }
}
`;

/** Processes of a session, without those that are dead and not yet taken notice of by whoever has them now. */
function processesOf(session: number): string[] {
  const found: string[] = [];
  for (const pid of readdirSync("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
      const [state, , , itsSession] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      if (Number(itsSession) !== session || state === "Z" || state === "X") continue;
      found.push(`${pid} ${readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ").slice(0, 60)}`);
    } catch {
      // It has just ended.
    }
  }
  return found;
}

describe("a program with pools, queues and shared memory that is killed", function () {
  this.timeout(60_000 + kills * 20_000);
  before(function () {
    if (process.platform !== "linux") this.skip();
  });

  it("leaves no process, no shared memory and no socket", async () => {
    const folder = mkdtempSync(join(tmpdir(), "heddle-test-"));
    const file = join(folder, "script.ts");
    writeFileSync(file, source);
    let longest = 0;
    let upAfter = 0;
    let early = 0;
    for (let round = 0; round < kills; round++) {
      const tag = `heddle-kill-${process.pid}-${round}`;
      const sockets = mkdtempSync(join(folder, "s"));
      const program = spawn(testNode, ["--require", join(dist, "preload.cjs"), file, tag], {
        stdio: ["ignore", "pipe", "ignore"],
        // A session of its own, by which all that belongs to it is found.
        detached: true,
        env: { ...process.env, NODE_OPTIONS: "", TMPDIR: sockets },
      });
      const ended = new Promise((resolve) => program.once("exit", resolve));
      const began = performance.now();
      const up = new Promise<void>((resolve) => program.stdout.once("data", () => resolve()));
      if (round % 2 === 0) {
        await Promise.race([up, ended]);
        assert.equal(program.exitCode, null, "it does not end by itself");
        upAfter = performance.now() - began;
        await pause(Math.random() * 100);
      } else {
        await Promise.race([up, pause(Math.random() * upAfter * 1.1)]);
        early++;
      }
      program.kill("SIGKILL");
      await ended;
      const killed = performance.now();
      const left = () => [
        ...processesOf(program.pid!),
        ...readdirSync("/dev/shm").filter((name) => name.includes(tag)),
        // What a manager's server, or a pair of sockets, had no time to remove is removed by the next one.
        ...readdirSync(sockets).filter((name) => !/^heddle-(manager|pair)-/.test(name)),
      ];
      for (let still = left(); still.length > 0; still = left()) {
        if (performance.now() - killed > 30_000) {
          for (const each of processesOf(program.pid!)) process.kill(Number.parseInt(each, 10), "SIGKILL");
          assert.fail(`round ${round} left ${still.join("; ")}`);
        }
        await pause(20);
      }
      longest = Math.max(longest, performance.now() - killed);
    }
    rmSync(folder, { recursive: true });
    if (process.env.HEDDLE_KILLS !== undefined) {
      console.log(`${kills} killed, ${early} while they started; all gone after ${Math.round(longest)} ms at most`);
    }
  });
});
