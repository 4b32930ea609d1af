import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { dist, expectScript, runScript, testNode } from "../../harness/run-script.js";

const head = `
import assert from "node:assert/strict";
import { isMain } from "heddle";
import { Process } from "heddle/multiprocessing";
import { writeSync } from "node:fs";
`;

/** True while a process with this pid runs; a zombie does not. */
function lives(pid: number): boolean {
  if (!existsSync(`/proc/${pid}/stat`)) return false;
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

/** Waits until none of these lives; fails after five seconds. */
async function allGone(pids: readonly number[]): Promise<void> {
  for (const start = performance.now(); performance.now() - start < 5000; await pause(20)) {
    if (!pids.some(lives)) return;
  }
  assert.fail(`still alive: ${pids.filter(lives)}`);
}

describe("The life of processes", () => {
  before(function () {
    if (process.platform !== "linux") this.skip();
  });

  it("leaves no orphan when the parent is killed, not even children that never look up", async () => {
    const folder = mkdtempSync(join(tmpdir(), "heddle-test-"));
    const file = join(folder, "script.ts");
    writeFileSync(
      file,
      `${head}
function spins() { writeSync(1, process.pid + "\\n"); for (;;); }
function blocks() { writeSync(1, process.pid + "\\n"); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); }
async function waits() { writeSync(1, process.pid + "\\n"); await new Promise((r) => setTimeout(r, 60_000)); }
async function nests() { new Process({ target: spins }).start(); await waits(); }
if (isMain) {
  for (const target of [spins, blocks, waits, nests]) new Process({ target }).start();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}`,
    );
    const parent = spawn(testNode, ["--require", join(dist, "preload.cjs"), file], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    const pids = await new Promise<number[]>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`only ${text}`)), 15_000);
      parent.stdout.on("data", (part: Buffer) => {
        text += part;
        const numbers = text.trimEnd().split("\n").map(Number);
        if (numbers.length < 5) return;
        clearTimeout(timer);
        resolve(numbers);
      });
    });
    assert.ok(pids.every(lives));
    parent.kill("SIGKILL");
    await allGone(pids);
    rmSync(folder, { recursive: true });
  });

  it("ends all children with a parent that throws or is terminated", async () => {
    const { stdout, code } = await runScript(`${head}
function spins() { writeSync(1, process.pid + "\\n"); for (;;); }
if (isMain) {
  const p = new Process({ target: spins, daemon: true });
  p.start();
  throw new Error("the end");
}`);
    assert.equal(code, 1);
    await allGone(stdout.trim() === "" ? [] : stdout.trim().split("\n").map(Number));
  });

  it("survives fifty children that are killed at any moment", () =>
    expectScript(
      `${head}
async function talks() { for (let i = 0; ; i++) { console.log("x".repeat(i % 200)); if (i % 50 === 0) await null; } }
if (isMain) {
  let seed = 1;
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  for (let round = 0; round < 25; round++) {
    const pair = [new Process({ target: talks }), new Process({ target: talks })];
    for (const p of pair) p.start();
    for (const p of pair) {
      await new Promise((r) => setTimeout(r, random() * 60));
      if (random() < 0.5) p.kill(); else process.kill(p.pid!, "SIGKILL");
    }
    for (const p of pair) { if (round % 2) p.joinSync(); else await p.join(); assert.equal(p.exitCode, -9); }
  }
  console.log("\\ndone");
}`,
      { timeout: 40_000 },
    ));

  it("never tears a line, however long, between processes and threads", async () => {
    const { stdout, code } = await runScript(
      `${head}
import { Thread } from "heddle/threading";
function lines(letter: string) {
  for (let i = 0; i < 40; i++) console.log(letter.repeat(20_000));
  process.stdout.write(letter + "!");
  process.stdout.write("\\n");
}
if (isMain) {
  const all = [..."abc"].map((letter) => new Process({ target: lines, args: [letter] }));
  const thread = new Thread({ target: lines, args: ["d"] });
  for (const p of all) p.start();
  thread.start();
  lines("e");
  for (const p of all) p.joinSync();
  thread.joinSync();
}`,
      { timeout: 30_000 },
    );
    assert.equal(code, 0);
    const counts = new Map<string, number>();
    for (const line of stdout.trimEnd().split("\n")) {
      if (/^.!$/.test(line)) continue;
      assert.equal(line.length, 20_000);
      assert.equal(line, line[0]!.repeat(20_000));
      counts.set(line[0]!, (counts.get(line[0]!) ?? 0) + 1);
    }
    assert.deepEqual(
      [...counts].sort(),
      [..."abcde"].map((letter) => [letter, 40]),
    );
  });

  it("shows output while the parent blocks, the beginning of a line too", async () => {
    const folder = mkdtempSync(join(tmpdir(), "heddle-test-"));
    const file = join(folder, "script.ts");
    writeFileSync(
      file,
      `${head}
function asks() { process.stdout.write("name? "); process.stderr.write("err\\n"); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); }
if (isMain) { const p = new Process({ target: asks }); p.start(); p.joinSync(); }`,
    );
    const parent = spawn(testNode, ["--require", join(dist, "preload.cjs"), file]);
    let text = "";
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`only ${JSON.stringify(text)}`)), 10_000);
      const look = (part: Buffer) => {
        text += part;
        if (!text.includes("name? ") || !text.includes("err\n")) return;
        clearTimeout(timer);
        resolve();
      };
      parent.stdout.on("data", look);
      parent.stderr.on("data", look);
    });
    parent.kill("SIGKILL");
    rmSync(folder, { recursive: true });
  });

  it("loses nothing of 20 MB that a child writes before it exits", async () => {
    const { stdout, code } = await runScript(
      `${head}
function floods() { const line = "y".repeat(999); for (let i = 0; i < 20_000; i++) console.log(line); process.exit(0); }
if (isMain) { const p = new Process({ target: floods }); p.start(); p.joinSync(); console.log("end", p.exitCode); }`,
      { timeout: 30_000 },
    );
    assert.equal(code, 0);
    assert.equal(stdout.length, 20_000_000 + 6);
    assert.ok(stdout.endsWith("\nend 0\n"));
  });
});
