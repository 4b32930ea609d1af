/** Names of shared memory after the end of the program, however it ended. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { dist, runScript, testNode } from "../../harness/run-script.js";

const head = `
import { isMain } from "heddle";
import { Process, ShareableList, SharedMemory } from "heddle/multiprocessing";
import { Thread } from "heddle/threading";
import { writeSync } from "node:fs";
const say = (text: string) => writeSync(1, text + "\\n");
`;

async function gone(names: readonly string[]): Promise<void> {
  for (const start = performance.now(); performance.now() - start < 20_000; await pause(20)) {
    if (names.every((name) => !existsSync(`/dev/shm/${name}`))) return;
  }
  assert.fail(`still there: ${names.filter((name) => existsSync(`/dev/shm/${name}`))}`);
}

interface Program {
  /** What it printed, in lines, once there are that many. */
  lines(count: number): Promise<string[]>;
  kill(): void;
  /** Resolves when so many of its trackers have found where to write what they have to say. */
  trackers(count: number): Promise<void>;
  /** What it wrote to stderr, once that is as expected. */
  errors(expected: RegExp): Promise<void>;
}

/** Runs a program that the test kills. It is no group of its own with its helpers: only it is killed. */
async function running(source: string, body: (program: Program) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "heddle-test-"));
  const file = join(folder, "script.ts");
  writeFileSync(file, head + source);
  const errFile = join(folder, "stderr");
  const err = openSync(errFile, "a");
  const child = spawn(testNode, ["--require", join(dist, "preload.cjs"), file], {
    // A file, which all helpers can open: a pipe of Node's is a socket.
    stdio: ["ignore", "pipe", err],
    env: { ...process.env, NODE_OPTIONS: "" },
  });
  closeSync(err);
  let out = "";
  let changed = () => {};
  child.stdout!.on("data", (part: Buffer) => {
    out += part;
    changed();
  });
  child.on("close", () => changed());
  try {
    await body({
      async lines(count) {
        while (out.split("\n").length <= count) {
          assert.equal(child.exitCode ?? child.signalCode, null, `it ended early: ${out}${readFileSync(errFile)}`);
          await new Promise<void>((resolve) => {
            changed = resolve;
          });
        }
        return out.trimEnd().split("\n");
      },
      kill: () => child.kill("SIGKILL"),
      async trackers(count) {
        const ready = (pid: string) => {
          try {
            const isTracker = readFileSync(`/proc/${pid}/comm`, "utf8") === "heddle-tracker\n";
            return isTracker && readlinkSync(`/proc/${pid}/fd/3`) === errFile;
          } catch {
            return false; // it has ended, or is another user's
          }
        };
        while (readdirSync("/proc").filter((name) => /^\d+$/.test(name) && ready(name)).length < count) await pause(20);
      },
      async errors(expected) {
        for (const start = performance.now(); performance.now() - start < 10_000; await pause(20)) {
          if (expected.test(readFileSync(errFile, "utf8"))) return;
        }
        assert.match(readFileSync(errFile, "utf8"), expected);
      },
    });
  } finally {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
}

const warning = (count: number) =>
  new RegExp(
    `resource_tracker: There appear to be ${count} leaked shared_memory objects to clean up at shutdown: \\{'/psm_`,
  );

describe("names of shared memory", () => {
  it("are removed when the program is killed", () =>
    running(
      `for (let i = 0; i < 3; i++) say(new SharedMemory({ create: true, size: 10 }).name);
say(new ShareableList([1]).shm.name);
setInterval(() => {}, 1000);`,
      async (program) => {
        const names = await program.lines(4);
        assert.ok(names.every((name) => existsSync(`/dev/shm/${name}`)));
        program.kill();
        await gone(names);
        await program.errors(warning(4));
      },
    ));

  const blocking = `function hold(block: SharedMemory) {
  say(block.name);
  say(new SharedMemory({ create: true, size: 10 }).name);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
if (isMain) {
  const child = new Process({ target: hold, args: [new SharedMemory({ create: true, size: 10 })] });
  child.start();
  child.joinSync();
}`;

  it("are removed when the program is killed while it blocks and its children hold them", () =>
    running(blocking, async (program) => {
      const names = await program.lines(2);
      await program.trackers(2);
      program.kill();
      await gone(names);
      await program.errors(/resource_tracker: There.*\nresource_tracker: There/);
    }));

  it("are removed when the program is killed as soon as a child has made one", async () => {
    for (let round = 0; round < 6; round++) {
      await running(blocking, async (program) => {
        const names = await program.lines(2);
        program.kill();
        await gone(names);
      });
    }
  });

  it("are removed at whatever moment it is killed", async () => {
    for (let round = 0; round < 10; round++) {
      const mark = `heddle_kill_${process.pid}_${round}_`;
      await running(
        `let number = 0;
const kept: SharedMemory[] = [];
say("up");
for (;;) {
  const block = new SharedMemory({ create: true, size: 100, name: "${mark}" + number++ });
  if (number % 50 === 0 && kept.length < 10) { kept.push(block); continue; }
  block.close();
  block.unlink();
}`,
        async (program) => {
          await program.lines(1);
          await pause(Math.random() * 100);
          program.kill();
          const left = () => readdirSync("/dev/shm").filter((name) => name.startsWith(mark));
          for (const start = performance.now(); left().length > 0 && performance.now() - start < 10_000; )
            await pause(20);
          assert.deepEqual(left(), []);
        },
      );
    }
  });

  it("are removed with a warning when the program just ends", async () => {
    const { stdout, stderr, code } = await runScript(`${head}say(new SharedMemory({ create: true, size: 10 }).name);`, {
      timeout: 50_000,
    });
    assert.equal(code, 0);
    assert.match(stderr, warning(1));
    await gone([stdout.trim()]);
  });

  it("are no reason for a warning when they were unlinked, wherever", async () => {
    const { stdout, stderr, code } = await runScript(
      `${head}
function unlink(block: SharedMemory) { block.unlink(); }
if (isMain) {
  const own = new SharedMemory({ create: true, size: 10 });
  const thread = new Thread({ target: unlink, args: [new SharedMemory({ create: true, size: 10 })] });
  const child = new Process({ target: unlink, args: [new SharedMemory({ create: true, size: 10 })] });
  own.unlink();
  for (const it of [thread, child]) it.start();
  for (const it of [thread, child]) await it.join();
  say("done");
}`,
      { timeout: 50_000 },
    );
    assert.deepEqual([code, stdout, stderr], [0, "done\n", ""]);
  });

  for (const [how, end] of [
    ["ends", ""],
    ["is killed", 'process.kill(process.pid, "SIGKILL");'],
  ] as const) {
    it(`outlive a child that made them and ${how}, and are removed with the program`, () =>
      running(
        `import { existsSync } from "node:fs";
function make(name: string) {
  const block = new SharedMemory({ create: true, size: 10, name });
  block.buf[0] = 42;
  ${end}
}
if (isMain) {
  const name = "psm_of_child_" + process.pid;
  const child = new Process({ target: make, args: [name] });
  child.start();
  await child.join();
  // Longer than the child's helper looks between two times.
  await new Promise((resolve) => setTimeout(resolve, 2500));
  const block = new SharedMemory({ name });
  say(block.name);
  say(String(block.buf[0]));
  setInterval(() => {}, 1000);
}`,
        async (program) => {
          const [name, value] = await program.lines(2);
          assert.equal(value, "42");
          program.kill();
          await gone([name!]);
          await program.errors(warning(1));
        },
      ));
  }

  it("outlive the thread that made them", () =>
    running(
      `function make(name: string) { new SharedMemory({ create: true, size: 10, name }).buf[0] = 42; }
if (isMain) {
  const name = "psm_of_thread_" + process.pid;
  const thread = new Thread({ target: make, args: [name] });
  thread.start();
  await thread.join();
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const block = new SharedMemory({ name });
  say(block.name);
  setInterval(() => {}, 1000);
}`,
      async (program) => {
        const [name] = await program.lines(1);
        program.kill();
        await gone([name!]);
      },
    ));

  it("that were given to another block meanwhile are not removed", () =>
    running(
      `import { writeFileSync, unlinkSync } from "node:fs";
const block = new SharedMemory({ create: true, size: 10, name: "psm_taken over $(x) " + process.pid });
unlinkSync("/dev/shm/" + block.name);
writeFileSync("/dev/shm/" + block.name, "somebody else's");
say(block.name);
say(new SharedMemory({ create: true, size: 10, name: "psm_  odd 'na\\\\me' * \\"$HOME\\" " + process.pid }).name);
setInterval(() => {}, 1000);`,
      async (program) => {
        const [taken, odd] = await program.lines(2);
        try {
          program.kill();
          await gone([odd!]);
          assert.ok(existsSync(`/dev/shm/${taken}`));
          await program.errors(warning(1));
        } finally {
          rmSync(`/dev/shm/${taken}`, { force: true });
        }
      },
    ));
});
