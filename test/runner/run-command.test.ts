import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { analyseFile } from "../../src/analysis/index.js";

const cli = resolve(__dirname, "../../dist/cli.cjs");

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly bytes: number;
}

describe("heddle run", function () {
  this.timeout(30_000);
  let folder: string;
  let children: ChildProcess[];

  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), "heddle-run-")));
    children = [];
  });
  afterEach(() => {
    for (const child of children) child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });

  const write = (name: string, text: string): string => {
    const file = join(folder, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  };

  function start(
    args: string[],
    options: { input?: string; env?: NodeJS.ProcessEnv; cwd?: string; program?: string[] } = {},
  ) {
    const [program = process.execPath, ...before] = options.program ?? [
      process.execPath,
      cli,
      "run",
      "--report",
      "none",
    ];
    const child = spawn(program, [...before, ...args], { cwd: options.cwd ?? folder, env: options.env ?? process.env });
    children.push(child);
    let stdout = "";
    let stderr = "";
    let bytes = 0;
    child.stdout.on("data", (data: Buffer) => {
      bytes += data.length;
      if (stdout.length < 1e6) stdout += data;
      child.emit("said");
    });
    child.stderr.on("data", (data: Buffer) => (stderr += data));
    child.stdin.end(options.input ?? "");
    const ended = new Promise<Ended>((done) => {
      child.on("close", (code, signal) => done({ code, signal, stdout, stderr, bytes }));
    });
    const said = (text: string): Promise<void> =>
      new Promise((done) => {
        const look = (): void => {
          if (stdout.includes(text)) done();
        };
        child.on("said", look);
        look();
      });
    return { child, ended, said, output: () => stdout };
  }
  const heddle = (args: string[], options = {}): Promise<Ended> => start(args, options).ended;
  const traces = (): string[] => readdirSync(join(folder, ".heddle")).filter((name) => name.endsWith(".heddle"));
  const model = (file: string) => {
    const { model, problem } = analyseFile(readFileSync(file));
    assert.equal(problem, null);
    return model;
  };
  const isAlive = (pid: number): boolean => {
    try {
      return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
    } catch {
      return false;
    }
  };

  it("gives the script what node gives it: arguments, environment, folder, stdin, exit code", async () => {
    write(
      "same.ts",
      `let input = ""; process.stdin.on("data", (d) => (input += d)).on("end", () => {
        console.log(JSON.stringify([process.argv, process.env, process.cwd(), input])); process.exitCode = 42; }); export {};`,
    );
    const env = { PATH: process.env.PATH, HOME: folder, FOO: "b ä r", NODE_OPTIONS: "--no-deprecation", EMPTY: "" };
    const args = ["same.ts", "--report", "-x", "--", "a b", "--html", "--help"];
    const ours = await heddle(args, { env, input: "in\nput" });
    write("same.mjs", readFileSync(join(folder, "same.ts"), "utf8").replace("export {};", ""));
    const plain = await start(["same.mjs", ...args.slice(1)], { env, input: "in\nput", program: [process.execPath] })
      .ended;
    assert.equal(ours.stderr, "");
    assert.equal(ours.code, 42);
    assert.deepEqual(JSON.parse(ours.stdout), JSON.parse(plain.stdout.replaceAll("same.mjs", "same.ts")));
  });

  it("writes a trace with an end mark, a report and a report file", async () => {
    write("ok.ts", "console.log('out' as string); process.exit(3);");
    const { code, stdout, stderr } = await start(["--out", "deep/t.heddle", "ok.ts"], {
      program: [process.execPath, cli, "run"],
    }).ended;
    assert.deepEqual({ code, stdout }, { code: 3, stdout: "out\n" });
    assert.match(stderr, /ok\.ts {2}exit code 3/);
    assert.match(stderr, /deep\/t\.heddle/);
    const trace = model(join(folder, "deep/t.heddle"));
    assert.equal(trace.cut, "");
    const json = await heddle(["--report", "json", "--report-file", "r.json", "ok.ts"]);
    assert.equal(json.stderr, "");
    const report = JSON.parse(readFileSync(join(folder, "r.json"), "utf8"));
    assert.equal(report.exitCode, 3);
    assert.equal(report.processes.length, 1);
    assert.deepEqual(readdirSync(join(folder, ".heddle")).includes(".gitignore"), true);
  });

  it("says what is wrong with a script that is not there, or a folder, and with its own options", async () => {
    const missing = await heddle(["no such.ts"]);
    assert.equal(missing.code, 1);
    assert.equal(missing.stderr, `heddle: There is no script at ${join(folder, "no such.ts")}.\n`);
    mkdirSync(join(folder, "dir"));
    assert.match((await heddle(["dir"])).stderr, /dir is a folder/);
    write("old.heddle", "anything");
    assert.match((await heddle(["old.heddle"])).stderr, /^heddle: .*old\.heddle is a trace, not a script: heddle view/);
    const typo = await heddle(["--htm", "x.html", "a.ts"]);
    assert.equal(typo.code, 1);
    assert.match(typo.stderr, /unknown option '--htm'[\s\S]*Did you mean --html\?/);
    const command = await start(["rnu", "a.ts"], { program: [process.execPath, cli] }).ended;
    assert.match(command.stderr, /unknown command 'rnu'[\s\S]*run/);
    const none = await start(["run"], { program: [process.execPath, cli] }).ended;
    assert.match(none.stderr, /missing required argument 'script'/);
    assert.equal(existsSync(join(folder, ".heddle")), false);
  });

  it("says which Node was found when it is none, or too old, and where to set it", async () => {
    write("a.ts", "");
    const missing = await heddle(["--node", "/no/such/node", "a.ts"]);
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /not found at \/no\/such\/node.*--node PATH.*heddle\.nodePath/);
    chmodSync(write("old-node", "#!/bin/sh\necho v18.20.4\n"), 0o755);
    const old = await heddle(["--node", join(folder, "old-node"), "a.ts"]);
    assert.equal(old.code, 1);
    assert.match(old.stderr, /old-node is Node\.js 18\.20\.4; Heddle needs 20\.19 or newer.*heddle\.nodePath/);
    chmodSync(write("fake", "#!/bin/sh\necho hello\n"), 0o755);
    assert.match((await heddle(["--node", join(folder, "fake"), "a.ts"])).stderr, /fake is not Node\.js/);
  });

  it("shows a compile error with its place, and ends with 1", async () => {
    write("bad.ts", "const a = 1;\nconst b = ;\n");
    const { code, stderr } = await heddle(["bad.ts"]);
    assert.equal(code, 1);
    assert.ok(stderr.includes(`${join(folder, "bad.ts")}:2:11: `), stderr);
    assert.ok(stderr.includes("> 2 | const b = ;\n    |           ^"), stderr);
    assert.equal(traces().length, 1);
  });

  it("ends as a script that throws or rejects ends, with a whole trace", async () => {
    write("throws.ts", "\nthrow new Error('boom' as string);");
    write("rejects.ts", "Promise.reject(new Error('no')); setInterval(() => {}, 1000); export {};");
    for (const name of ["throws", "rejects"]) {
      const { code, stderr } = await heddle(["--out", `${name}.heddle`, `${name}.ts`]);
      assert.equal(code, 1);
      assert.match(stderr, new RegExp(`${name}\\.ts:\\d:\\d+`));
      assert.equal(model(join(folder, `${name}.heddle`)).cut, "");
    }
  });

  it("ends by the signal that ended the script", async () => {
    write("killed.ts", "process.kill(process.pid, 'SIGKILL'); setInterval(() => {}, 1000);");
    const { signal } = await heddle(["--out", "k.heddle", "killed.ts"]);
    assert.equal(signal, "SIGKILL");
    assert.equal(model(join(folder, "k.heddle")).cut, "");
  });

  it("passes SIGINT to a script that has its own opinion of it", async () => {
    write(
      "own.ts",
      "process.on('SIGINT', () => { console.log('tidy'); process.exit(5); }); setInterval(() => {}, 1000); console.log('ready');",
    );
    const { child, ended, said } = start(["own.ts"]);
    await said("ready");
    child.kill("SIGINT");
    const { code, stdout } = await ended;
    assert.deepEqual({ code, stdout }, { code: 5, stdout: "ready\ntidy\n" });
  });

  it("passes on the signals that a script may have of its own", async () => {
    write(
      "signals.ts",
      "process.on('SIGUSR2', () => console.log('two')); process.on('SIGQUIT', () => process.exit(6)); setInterval(() => {}, 1000); console.log('ready');",
    );
    const { child, ended, said } = start(["--out", "s.heddle", "signals.ts"]);
    await said("ready");
    child.kill("SIGUSR2");
    await said("two");
    child.kill("SIGQUIT");
    const { code, stdout } = await ended;
    assert.deepEqual({ code, stdout }, { code: 6, stdout: "ready\ntwo\n" });
    assert.equal(model(join(folder, "s.heddle")).cut, "");
  });

  it("stops a script and all that it started within a second, also what ignores it and what was left behind", async () => {
    write(
      "stubborn.ts",
      `import { spawn } from "node:child_process";
       process.on("SIGTERM", () => {});
       const inner = 'process.on("SIGTERM", () => {}); process.on("SIGHUP", () => {}); process.stdout.write(process.pid + " "); setInterval(() => {}, 1000)';
       const middle = "const { spawn } = require('child_process'); spawn(process.execPath, ['-e', " + JSON.stringify(inner) + "], { stdio: 'inherit' }); process.stdout.write(process.pid + ' '); setInterval(() => {}, 1000)";
       spawn(process.execPath, ["-e", middle], { stdio: "inherit", detached: true });
       process.stdout.write(process.pid + " ");
       setInterval(() => {}, 1000);`,
    );
    // On a busy machine a stop may be late for want of a core; it is not so every time.
    let shortestMs = Number.POSITIVE_INFINITY;
    for (let tries = 0; tries < 5 && shortestMs >= 1000; tries++) {
      const { child, ended, output } = start(["--out", "s.heddle", "stubborn.ts"]);
      await new Promise<void>((done) => child.on("said", () => output().trim().split(" ").length === 3 && done()));
      const pids = output().trim().split(" ").map(Number);
      assert.ok(pids.every(isAlive));
      const begun = performance.now();
      child.kill("SIGTERM");
      const { code, signal } = await ended;
      shortestMs = Math.min(shortestMs, performance.now() - begun);
      assert.deepEqual(pids.filter(isAlive), []);
      assert.ok(signal !== null || code !== 0);
      assert.equal(model(join(folder, "s.heddle")).cut, "");
    }
    assert.ok(shortestMs < 1000, `${shortestMs} ms`);
  });

  it("records a child that is killed", async () => {
    write(
      "parent.ts",
      `import { Process } from "heddle/multiprocessing"; import { isMain } from "heddle";
       export function work(): void { process.kill(process.pid, "SIGKILL"); }
       if (isMain) { const p = new Process({ target: work }); p.start(); await p.join(); console.log("exit", p.exitCode); }`,
    );
    const { code, stdout, stderr } = await heddle(["--report", "json", "--report-file", "r.json", "parent.ts"]);
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: "exit -9\n", stderr: "" });
    const { processes } = JSON.parse(readFileSync(join(folder, "r.json"), "utf8"));
    const child = processes.find((one: { name: string }) => one.name === "Process-1");
    assert.deepEqual({ exitCode: child.exitCode, signal: child.signal }, { exitCode: null, signal: "SIGKILL" });
  });

  it("takes paths with spaces and other letters", async () => {
    write("mein Ordner/größe ✓/скрипт #1.ts", "console.log(__filename as string, process.argv[2]);");
    const script = "mein Ordner/größe ✓/скрипт #1.ts";
    const { code, stdout } = await heddle(["--out", "ä ö/трасса.heddle", script, "ü"]);
    assert.deepEqual({ code, stdout }, { code: 0, stdout: `${join(folder, script)} ü\n` });
    assert.equal(model(join(folder, "ä ö/трасса.heddle")).cut, "");
  });

  it("writes to the temporary folder when the workspace cannot be written, and says so", async () => {
    write("a.ts", "console.log(1)");
    // A file in its place stops everybody, the superuser too.
    write(".heddle", "in the way");
    const temporary = join(folder, "tmp");
    mkdirSync(temporary);
    const { code, stdout, stderr } = await heddle(["a.ts"], { env: { ...process.env, TMPDIR: temporary } });
    assert.deepEqual({ code, stdout }, { code: 0, stdout: "1\n" });
    const place = /Cannot write .*; the trace is (\S+\.heddle)/.exec(stderr)?.[1];
    assert.ok(place, stderr);
    assert.ok(place.startsWith(temporary), stderr);
    assert.equal(model(place).cut, "");
    const named = await heddle(["--out", ".heddle/x.heddle", "a.ts"]);
    assert.equal(named.code, 1);
    assert.match(named.stderr, /^heddle: Cannot write .*x\.heddle: a part of its path is a file \(\w+\)\.\n$/);
  });

  it("passes 100 MB of output on", async () => {
    write(
      "loud.ts",
      "const line = 'x'.repeat(1023) + '\\n'; const block = line.repeat(1024); for (let i = 0; i < 100; i++) if (!process.stdout.write(block)) await new Promise((done) => process.stdout.once('drain', done));",
    );
    const { code, bytes } = await heddle(["loud.ts"]);
    assert.deepEqual({ code, bytes }, { code: 0, bytes: 100 * 1024 * 1024 });
  });
});
