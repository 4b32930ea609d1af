/** Files that `heddle run` was told to write: nothing of the user's is lost to them, and no run writes into another's. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { analyseFile } from "../../src/analysis/index.js";
import { createTraceFile } from "../../src/recorder/trace-file.js";
import { otherThanTrace, worthKeeping } from "../../src/runner/output-file.js";

const cli = resolve(__dirname, "../../dist/cli.cjs");
const SCRIPT = "console.log('ran');\n";
const HEADER = {
  command: ["a.ts"],
  cwd: "/",
  startedAt: 0,
  originNs: "0",
  node: "v20.19.0",
  platform: "linux",
  cores: 2,
} as const;

describe("files that a run was told to write", function () {
  this.timeout(30_000);
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "heddle-outputs-"));
    writeFileSync(join(folder, "a.ts"), SCRIPT);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const run = (...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> =>
    new Promise((done) => {
      const child = spawn(process.execPath, [cli, "run", ...args], { cwd: folder });
      let [stdout, stderr] = ["", ""];
      child.stdout.on("data", (data: Buffer) => (stdout += data));
      child.stderr.on("data", (data: Buffer) => (stderr += data));
      child.on("close", (code) => done({ code, stdout, stderr }));
    });

  it("never replace a source, a trace, or each other, and nothing runs then", async () => {
    writeFileSync(join(folder, "notes.md"), "mine");
    createTraceFile(join(folder, "old.heddle"), HEADER).close();
    for (const [args, message] of [
      [["--out", "a.ts"], /a\.ts is there already and is source code: it is not overwritten/],
      [["--out", "notes.md"], /notes\.md is there already and is no trace/],
      [["--html", "a.ts"], /a\.ts is there already and is source code/],
      [["--html", "old.heddle"], /old\.heddle is there already and is a trace/],
      [["--report-file", "a.ts"], /a\.ts is there already and is source code/],
      [["--html", "x", "--report-file", "./x"], /x was named twice/],
      [["--out", "a.ts/x.heddle"], /Cannot write .*a part of its path is a file/],
    ] as const) {
      const { code, stdout, stderr } = await run(...args, "a.ts");
      assert.equal(code, 1, stderr);
      assert.equal(stdout, "");
      assert.match(stderr, message);
      assert.match(stderr, /^heddle: [^\n]+\n$/);
    }
    assert.equal(readFileSync(join(folder, "a.ts"), "utf8"), SCRIPT);
    assert.equal(readFileSync(join(folder, "notes.md"), "utf8"), "mine");
  });

  it("replace what they wrote before, and get their folders", async () => {
    const wanted = ["--out", "o/t.heddle", "--html", "h/t.html", "--report-file", "r/t.txt"];
    for (let i = 0; i < 2; i++) {
      const { code, stdout, stderr } = await run(...wanted, "a.ts");
      assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: "ran\n", stderr: "" });
    }
    assert.equal(analyseFile(readFileSync(join(folder, "o/t.heddle"))).model.cut, "");
    assert.match(readFileSync(join(folder, "h/t.html"), "utf8"), /^<!DOCTYPE html>/);
    assert.match(readFileSync(join(folder, "r/t.txt"), "utf8"), /^Heddle {2}a\.ts/);
  });

  it("are a file for each of the runs that begin together", async () => {
    const runs = 6;
    await Promise.all(Array.from({ length: runs }, () => run("--report", "none", "a.ts")));
    const traces = readdirSync(join(folder, ".heddle")).filter((name) => name.endsWith(".heddle"));
    assert.equal(traces.length, runs, traces.join());
    for (const name of traces) assert.equal(analyseFile(readFileSync(join(folder, ".heddle", name))).model.cut, "");
  });

  it("are told apart by what is in them; devices and empty files hold nothing", () => {
    const path = (name: string): string => join(folder, name);
    createTraceFile(path("t.heddle"), HEADER, true).close();
    assert.throws(() => createTraceFile(path("t.heddle"), HEADER, true), { code: "EEXIST" });
    writeFileSync(path("empty.ts"), "");
    writeFileSync(path("text"), "text");
    mkdirSync(path("folder.ts"));
    const both = (name: string): string[] => [otherThanTrace(path(name)), worthKeeping(path(name))];
    assert.deepEqual(both("t.heddle"), ["", "a trace"]);
    assert.deepEqual(both("a.ts"), ["source code", "source code"]);
    assert.deepEqual(both("text"), ["no trace", ""]);
    for (const name of ["empty.ts", "folder.ts", "none.ts"]) assert.deepEqual(both(name), ["", ""], name);
    if (existsSync("/dev/null")) assert.equal(otherThanTrace("/dev/null"), "");
  });
});
