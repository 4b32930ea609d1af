import { match, ok, rejects, strictEqual } from "node:assert/strict";
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as vscode from "vscode";
import type { HeddleApi } from "../../../src/extension/extension.js";
import type { HangNotice } from "../../../src/extension/hang-notice.js";
import type { TraceRun } from "../../../src/extension/trace-run.js";
import { readSummary } from "../../../src/extension/trace-summary.js";
import { closeAll, heddle, isAlive, set, until, workspace, write } from "./support.js";

/** Two threads that take turns at a lock until the file `stop` is there; says their process on disk. */
const longScript = `import { Lock, Thread } from "heddle/threading";
import { existsSync, writeFileSync } from "node:fs";
import { isMain } from "heddle";
const lock = new Lock({ name: "turns" });
function work(lock: Lock, stop: string) {
  while (!existsSync(stop)) {
    lock.acquireSync();
    const end = Date.now() + 5;
    while (Date.now() < end);
    lock.release();
  }
}
if (isMain) {
  writeFileSync(process.argv[1] + ".pid", String(process.pid));
  const threads = [1, 2].map(() => new Thread({ target: work, args: [lock, process.argv[1] + ".stop"] }));
  for (const thread of threads) thread.start();
  for (const thread of threads) await thread.join();
  console.log("finished");
}
`;

/** Waits for an item that nobody puts. */
const stuckScript = `import { Queue } from "heddle/queue";
const jobs = new Queue({ name: "jobs" });
await jobs.get();
`;

describe("a run", () => {
  let api: HeddleApi;
  before(async () => {
    api = await heddle();
  });
  beforeEach(async () => {
    await set("nodePath", process.env.HEDDLE_TEST_NODE);
  });
  afterEach(async () => {
    await api.runs.stopAll();
    for (const name of ["nodePath", "traceFolder", "keepTraces", "environment", "nodeArguments", "onHang"])
      await set(name, undefined);
    await closeAll();
  });

  const ended = (run: TraceRun) => until("the run ends", () => !run.isActive, [run.onDidChange]);
  async function start(path: string): Promise<TraceRun> {
    const run = await api.runs.start(vscode.Uri.file(path));
    ok(run);
    return run;
  }

  it("saves a dirty file, shows the timeline at once, grows live, and ends with the script's exit code", async () => {
    const path = write("läuft 1.ts", "process.exit(9);\n");
    const document = await vscode.workspace.openTextDocument(path);
    const editor = await vscode.window.showTextDocument(document);
    await editor.edit((edit) => edit.replace(new vscode.Range(0, 0, document.lineCount, 0), longScript));
    ok(document.isDirty);
    await vscode.commands.executeCommand("heddle.run", document.uri);
    await until("the document is saved", () => !document.isDirty, [vscode.workspace.onDidSaveTextDocument]);
    strictEqual(readFileSync(path, "utf8"), longScript);
    const run = api.runs.active[0];
    ok(run);
    const view = api.views().find((one) => one.source?.path === run.plan.tracePath);
    ok(view, "no timeline was opened");
    const first = await until("the timeline has something", () => view.headline?.durationNs || undefined, [], 30_000);
    await until("the timeline grows", () => (view.headline?.durationNs ?? 0) > first);
    ok(run.isActive && view.headline?.live, "it grew only after the end");
    writeFileSync(`${path}.stop`, "");
    await ended(run);
    strictEqual(run.exitCode, 0);
    const state = await until("the whole trace is shown", () => view.state?.complete && view.state, [
      view.onDidChangeState,
    ]);
    ok(state.lanes >= 4, `${state.lanes} lanes`);
    const summary = await readSummary(run.plan.tracePath);
    strictEqual(summary.exitCode, 0);
    ok(summary.complete);
  });

  it("is stopped with all that it started, and its trace opens", async () => {
    const path = write("endless.ts", longScript);
    const run = await start(path);
    const pid = Number(
      await until(
        "the script runs",
        () => existsSync(`${path}.pid`) && readFileSync(`${path}.pid`, "utf8"),
        [],
        30_000,
      ),
    );
    ok(isAlive(pid));
    const before = Date.now();
    await vscode.commands.executeCommand("heddle.stop");
    await until("the script is gone", () => !isAlive(pid));
    const took = Date.now() - before;
    ok(took < 2000, `it took ${took} ms`);
    strictEqual(run.isActive, false);
    const summary = await readSummary(run.plan.tracePath);
    strictEqual(summary.problem, "");
    ok(summary.complete, "the end mark is missing");
  });

  it("passes settings on: arguments of Node, environment, and variables taken away", async () => {
    await set("nodeArguments", ["--no-deprecation"]);
    await set("environment", { HEDDLE_GREETING: "grüß dich", HOME: null });
    const path = write(
      "settings.ts",
      `import { writeFileSync } from "node:fs";
writeFileSync(process.argv[1] + ".json", JSON.stringify([process.env.HEDDLE_GREETING, process.env.HOME ?? null, process.execArgv, process.cwd()]));
process.exit(7);\n`,
    );
    const run = await start(path);
    await ended(run);
    strictEqual(run.exitCode, 7);
    const [greeting, home, execArgv, cwd] = JSON.parse(readFileSync(`${path}.json`, "utf8"));
    strictEqual(greeting, "grüß dich");
    strictEqual(home, null);
    ok(execArgv.includes("--no-deprecation"), execArgv.join(" "));
    strictEqual(cwd, workspace);
  });

  it("that can never go on is stopped, and the user is told why, once", async () => {
    const told: HangNotice[] = [];
    const listener = api.hangs.onDidTell((notice) => told.push(notice));
    const run = await start(write("stuck.ts", stuckScript));
    await ended(run);
    strictEqual(run.exitCode, 86);
    await until("the user is told", () => told.length > 0, [api.hangs.onDidTell]);
    strictEqual(
      told[0]!.message,
      "stuck.ts can never go on, so it was stopped: “main” waits for an item of Queue “jobs”, which is empty.",
    );
    strictEqual(told[0]!.run, run);
    ok((await readSummary(run.plan.tracePath)).hung);
    const node = (await api.tree.list()).find(({ path }) => path === run.plan.tracePath);
    match(String((await api.tree.getTreeItem(node!)).description), / · hung$/);
    listener.dispose();
    strictEqual(told.length, 1);
  });

  it("that can never go on waits where that is set, is told of while it does, and can be stopped", async () => {
    await set("onHang", "wait");
    const told: HangNotice[] = [];
    const listener = api.hangs.onDidTell((notice) => told.push(notice));
    const run = await start(write("waiting.ts", stuckScript));
    await until("the user is told", () => told.length > 0, [api.hangs.onDidTell], 30_000);
    ok(run.isActive && run.isHung);
    strictEqual(
      told[0]!.message,
      "waiting.ts can never go on: “main” waits for an item of Queue “jobs”, which is empty.",
    );
    await run.stop();
    strictEqual(run.isHung, false);
    ok((await readSummary(run.plan.tracePath)).hung);
    listener.dispose();
    strictEqual(told.length, 1);
  });

  it("with an exit code that is only the same as that of a standstill is not taken for one", async () => {
    const told: HangNotice[] = [];
    const listener = api.hangs.onDidTell((notice) => told.push(notice));
    const run = await start(write("same.ts", "process.exit(86);\n"));
    await ended(run);
    strictEqual(run.exitCode, 86);
    const node = (await api.tree.list()).find(({ path }) => path === run.plan.tracePath);
    match(String((await api.tree.getTreeItem(node!)).description), / · exit code 86$/);
    listener.dispose();
    strictEqual(told.length, 0);
  });

  it("refuses a Node that is too old, saying what was found", async () => {
    const old = process.env.HEDDLE_TEST_NODE_TOO_OLD!;
    writeFileSync(old, "#!/bin/sh\necho 18.20.4\n");
    chmodSync(old, 0o755);
    await set("nodePath", old);
    const path = write("never.ts", "");
    await rejects(api.runs.start(vscode.Uri.file(path)), (error: Error) => {
      match(error.message, /Node 18\.20\.4\. Heddle needs Node 20\.19/);
      return true;
    });
    await set("nodePath", "/no/such/node");
    await rejects(api.runs.start(vscode.Uri.file(path)), /“\/no\/such\/node”.* was not found/);
  });

  it("of what is not on disk is refused, saying what to do", async () => {
    await rejects(api.runs.start(vscode.Uri.parse("vscode-vfs://github/a/b.ts")), /files on disk.*vscode-vfs:/);
    await rejects(api.runs.start(vscode.Uri.parse("untitled:Untitled-9")), /never been saved.*Save it first/);
  });

  it("goes on beside another one, and Stop ends both", async () => {
    const paths = ["one.ts", "two.ts"].map((name) => write(name, longScript));
    const one = await start(paths[0]!);
    const two = await start(paths[1]!);
    // A run that is stopped before it has begun has no trace.
    await until("both scripts run", () => paths.every((path) => existsSync(`${path}.pid`)), [], 30_000);
    ok([one, two].every((run) => run.state === "running"));
    strictEqual(api.runs.active.length, 2);
    await vscode.commands.executeCommand("heddle.stop");
    await until("both end", () => api.runs.active.length === 0, [api.runs.onDidChange]);
    ok((await readSummary(one.plan.tracePath)).complete && (await readSummary(two.plan.tracePath)).complete);
  });

  it("can be taken up by another window, by what it keeps, and is forgotten when it has ended", async () => {
    const run = await start(write("kept.ts", longScript));
    const record = await until("there is something to keep", () => run.record, [run.onDidChange], 30_000);
    ok(isAlive(record.pid));
    strictEqual(record.plan.tracePath, run.plan.tracePath);
    await run.stop();
    strictEqual(run.record, undefined);
  });

  it("goes to the extension's own folder where the trace folder cannot be written", async () => {
    write("in-the-way", "a file, not a folder");
    await set("traceFolder", "in-the-way");
    const run = await start(write("short.ts", "console.log(1);\n"));
    await ended(run);
    strictEqual(run.exitCode, 0);
    ok(!run.plan.tracePath.startsWith(join(workspace, "in-the-way")));
    ok((await readSummary(run.plan.tracePath)).complete);
    const nodes = await api.tree.list();
    ok(
      nodes.some((node) => node.path === run.plan.tracePath),
      "the list does not show it",
    );
  });

  it("deletes old traces of its own and nothing else", async () => {
    await set("traceFolder", "kept");
    await set("keepTraces", 2);
    write("kept/mine.heddle", "renamed by the user");
    write("kept/other-2020-01-01-00-00-00.txt", "");
    for (const day of ["01", "02", "03"]) write(`kept/a-2020-01-${day}-00-00-00.heddle`, "");
    const run = await start(write("short.ts", "console.log(1);\n"));
    await ended(run);
    const left = readdirSync(dirname(run.plan.tracePath)).sort();
    strictEqual(left.filter((name) => /^a-2020/.test(name)).length, 1, left.join(" "));
    ok(left.includes("mine.heddle") && left.includes("other-2020-01-01-00-00-00.txt"), left.join(" "));
  });

  it("of a script that does not compile ends with an error and says so in the timeline's status", async () => {
    const run = await start(write("broken.ts", "const = 3;\n"));
    await ended(run);
    ok(run.exitCode !== 0 && run.exitCode !== undefined, `${run.exitCode}`);
  });
});
