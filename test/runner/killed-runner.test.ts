import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { analyseFile } from "../../src/analysis/index.js";
import { dist, testNode } from "../harness/run-script.js";

/** Says the number of its process, on stdout and so that all processes of a script can. */
const say = `import { appendFileSync } from "node:fs"; import { join } from "node:path";
  const say = (who: string) => appendFileSync(join(process.argv[2]!, "pids"), who + " " + process.pid + "\\n");`;

const scripts: Record<string, { source: string; processes: number }> = {
  "waits for a timer": { source: `${say} say("main"); setInterval(() => {}, 1000);`, processes: 1 },
  "is busy from its first line": { source: `${say} say("main"); for (;;);`, processes: 1 },
  "does not heed SIGTERM": {
    source: `${say} process.on("SIGTERM", () => {}); say("main"); setInterval(() => {}, 1000);`,
    processes: 1,
  },
  "has processes of the library, one of them blocked, and a program of its own": {
    source: `import { isMain } from "heddle"; import { Process } from "heddle/multiprocessing"; import { spawn } from "node:child_process"; ${say}
      export function blocked() { say("blocked"); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); }
      export function turning() { say("turning"); return new Promise(() => setInterval(() => {}, 1000)); }
      if (isMain) {
        say("main");
        new Process({ target: blocked }).start();
        new Process({ target: turning }).start();
        spawn("/bin/sh", ["-c", 'echo own $$ >> "$0/pids"; while :; do sleep 1; done', process.argv[2]!]);
      }`,
    processes: 4,
  },
};

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    // Ended, and nobody has asked for its code yet.
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return process.platform !== "linux";
  }
}

describe("a run whose runner is killed", function () {
  this.timeout(60_000);
  let folder: string;
  let runner: ChildProcess | undefined;
  const pids: number[] = [];

  before(function () {
    if (process.platform === "win32") this.skip();
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "heddle-killed-"));
  });
  afterEach(() => {
    runner?.kill("SIGKILL");
    for (const pid of pids.splice(0)) if (lives(pid)) process.kill(pid, "SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });
  const said = (): Map<string, number> => {
    try {
      const lines = readFileSync(join(folder, "pids"), "utf8").trim().split("\n");
      return new Map(lines.map((line) => [line.split(" ")[0]!, Number(line.split(" ")[1])]));
    } catch {
      return new Map();
    }
  };
  const until = async (what: () => boolean): Promise<void> => {
    while (!what()) await delay(10);
  };
  /** The guard of this run, among the children of the runner. */
  const hasGuard = (): boolean => {
    if (process.platform !== "linux") return true;
    const children = readFileSync(`/proc/${runner!.pid}/task/${runner!.pid}/children`, "latin1").trim().split(" ");
    return children.some((pid) => readFileSync(`/proc/${pid}/cmdline`, "latin1").includes("heddle-guard"));
  };

  for (const [what, { source, processes }] of Object.entries(scripts)) {
    it(`ends, and its trace opens, where the script ${what}`, async () => {
      const [script, trace] = [join(folder, "script.ts"), join(folder, "cut.heddle")];
      writeFileSync(script, source);
      const command = [join(dist, "cli.cjs"), "run", "--report", "none", "--out", trace, script, folder];
      runner = spawn(testNode, command, { stdio: "ignore" });
      await until(() => said().size === processes && hasGuard());
      pids.push(...said().values());
      for (const pid of pids) assert.ok(lives(pid));
      runner.kill("SIGKILL");
      await until(() => !pids.some(lives));
      const { model, problem } = analyseFile(readFileSync(trace));
      assert.equal(problem, null);
      assert.notEqual(model.cut, "", "it says that its end is missing");
      assert.deepEqual(model.command, [script, folder]);
    });
  }

  it("leaves no guard behind when it ends by itself", async function () {
    if (process.platform !== "linux") this.skip();
    const script = join(folder, "script.ts");
    writeFileSync(script, `${say} say("main"); process.stdin.on("data", () => process.exit(3));`);
    const command = [
      join(dist, "cli.cjs"),
      "run",
      "--report",
      "none",
      "--out",
      join(folder, "t.heddle"),
      script,
      folder,
    ];
    const child = spawn(testNode, command, { stdio: ["pipe", "ignore", "ignore"] });
    runner = child;
    await until(() => said().size === 1 && hasGuard());
    const children = readFileSync(`/proc/${runner.pid}/task/${runner.pid}/children`, "latin1")
      .trim()
      .split(" ")
      .map(Number);
    const ended = new Promise((resolve) => child.on("exit", resolve));
    child.stdin.write("x");
    assert.equal(await ended, 3);
    await until(() => !children.some(lives));
  });
});
