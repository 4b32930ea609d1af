/** Traces that change behind the list's back, and runs that end in unusual ways. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { demoTrace } from "../../ui/demo-trace.js";
import { Workbench } from "./workbench.js";

const cli = join(__dirname, "..", "..", "..", "dist", "cli.cjs");
const runTitle = "Heddle: Run with Concurrency Trace";
/** Takes a lock again and again until a file beside it says stop. */
const ticks = `import { Lock } from "heddle/threading";
import { existsSync } from "node:fs";
const lock = new Lock({ name: "turns" });
const timer = setInterval(() => {
  lock.acquireSync();
  console.log("tick");
  lock.release();
  if (existsSync(process.argv[1] + ".stop")) clearInterval(timer);
}, 100);
`;
/** Itself, a process of the library and a program, none of which ends. */
const endless = `import { isMain } from "heddle";
import { Process } from "heddle/multiprocessing";
import { spawn } from "node:child_process";
import { appendFileSync } from "node:fs";
const say = (pid: number) => appendFileSync(process.argv[2] ?? "pids", pid + "\\n");
export function child() {
  say(process.pid);
  return new Promise(() => setInterval(() => {}, 1000));
}
if (isMain) {
  say(process.pid);
  say(spawn("sleep", ["1000"]).pid!);
  new Process({ target: child }).start();
}
`;
const longName = `${"long ".repeat(49)}.ts`;

describe("traces and runs that change unseen", () => {
  let bench: Workbench;
  before(async function () {
    this.timeout(180_000);
    const trace = demoTrace().bytes();
    bench = await Workbench.start({
      ".heddle/first.heddle": trace,
      ".heddle/second.heddle": trace,
      "ticks.ts": ticks,
      "in-terminal.ts": ticks,
      "endless.ts": endless,
      "short.ts": "process.exitCode = 3;\n",
      [longName]: "process.exitCode = 4;\n",
    });
    // A run takes its time on a busy machine.
    bench.page.setDefaultTimeout(90_000);
  });
  after(() => bench?.stop());
  afterEach(async function () {
    if (this.currentTest?.state === "failed") await bench.picture(`failed-${this.currentTest.title.slice(0, 40)}`);
  });
  const folder = () => join(bench.workspace, ".heddle");
  const tabs = () => bench.tabs.allTextContents();
  const isAlive = (pid: number) => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  /** Opens a row's menu and chooses from it; the list may be renewed in that moment, by what happened before. */
  async function choose(row: string, entry: string, wanted: string): Promise<void> {
    const shown = bench.page.locator(wanted).first();
    do {
      await bench.trace(row).click({ button: "right" });
      await bench.menu(entry);
      await shown.waitFor({ timeout: 5000 }).catch(() => {});
    } while (!(await shown.isVisible()));
  }

  it("say so when a row goes while its menu is open, and no other trace is taken for it", async () => {
    await bench.sidebar();
    await bench.trace("second").click();
    await bench.page.locator(".tab.active", { hasText: "second.heddle" }).waitFor();
    // Before that it may still take the focus, which closes a menu.
    await (await bench.timeline()).locator("body[data-findings]").waitFor();
    await bench.trace("first").click({ button: "right" });
    await bench.page.locator(".context-view .action-item", { hasText: "Rename…" }).waitFor();
    const [there, elsewhere] = [folder(), bench.workspace].map((one) => join(one, "first.heddle"));
    renameSync(there!, elsewhere!);
    await bench.trace("first").waitFor({ state: "detached" });
    await bench.menu("Rename…");
    await bench.notification("The list of traces has just changed").waitFor();
    strictEqual(await bench.page.locator(".quick-input-widget").filter({ visible: true }).count(), 0);
    await bench.picture("a row that went");
    renameSync(elsewhere!, there!);
    await bench.trace("first").waitFor();
    await bench.command("Notifications: Clear All Notifications");
  });

  it("are shown on under a new name, and no more when they are deleted", async () => {
    await bench.command("View: Close All Editors");
    await bench.open("short.ts");
    await bench.command(runTitle);
    await bench.sidebar();
    await bench.trace(/short.*exit code 3/).waitFor();
    await bench.trace("short").click();
    await bench.page.locator(".tab.active", { hasText: /short-.*\.heddle/ }).waitFor();
    await (await bench.timeline()).locator("body[data-findings]").waitFor();
    await choose("short", "Rename…", ".quick-input-widget input");
    await bench.page.locator(".quick-input-widget input").fill("the best");
    await bench.page.keyboard.press("Enter");
    await bench.trace("the best").waitFor();
    await bench.page.locator(".tab", { hasText: "the best.heddle" }).waitFor();
    await bench.page.locator(".tab", { hasText: "the best — Timeline" }).waitFor();
    await (await bench.timeline()).locator(".badge", { hasText: "exit 3" }).waitFor();
    await bench.picture("renamed");
    deepStrictEqual(
      (await tabs()).filter((tab) => /short-|short\.ts —/.test(tab)),
      [],
    );
    await choose("the best", "Delete", ".monaco-dialog-box");
    await bench.page.locator(".monaco-dialog-box .monaco-button", { hasText: "Delete" }).click();
    await bench.trace("the best").waitFor({ state: "detached" });
    await bench.tabs.filter({ hasText: "the best" }).first().waitFor({ state: "detached" });
    await bench.tabs.filter({ hasText: "the best" }).first().waitFor({ state: "detached" });
    await (await bench.timeline("compact")).locator(".run-name", { hasText: "pipeline.ts" }).waitFor();
  });

  it("of a run in a terminal are seen to be recorded, and then how they ended", async () => {
    const run = spawn(process.execPath, [cli, "run", "in-terminal.ts"], { cwd: bench.workspace, stdio: "ignore" });
    const ended = new Promise((done) => run.on("exit", done));
    await bench.sidebar();
    await bench.trace(/^in-terminal.*recording since/).waitFor();
    await bench.picture("recorded elsewhere");
    writeFileSync(join(bench.workspace, "in-terminal.ts.stop"), "");
    strictEqual(await ended, 0);
    await bench.trace(/^in-terminal.*exit code 0/).waitFor();
  });

  it("stay on the screen, whole, when trace and script are deleted during the run", async () => {
    await bench.command("View: Close All Editors");
    await bench.open("ticks.ts");
    await bench.command(runTitle);
    await bench.terminalShows("tick");
    const timeline = await bench.timeline();
    await timeline.locator(".label", { hasText: "turns" }).first().waitFor();
    const traces = () => readdirSync(folder()).filter((name) => name.startsWith("ticks-"));
    for (const name of traces()) rmSync(join(folder(), name));
    rmSync(join(bench.workspace, "ticks.ts"));
    await bench.trace("ticks").waitFor({ state: "detached" });
    writeFileSync(join(bench.workspace, "ticks.ts.stop"), "");
    await bench.running("ticks.ts").waitFor({ state: "detached" });
    await timeline.locator(".badge:not(.live)", { hasText: "exit 0" }).waitFor();
    ok(await timeline.locator(".label", { hasText: "turns" }).first().isVisible());
    deepStrictEqual(traces(), []);
    await bench.picture("deleted while written");
  });

  it("a run that comes to no trace says where to look", async () => {
    await bench.command("View: Close All Editors");
    const settings = join(bench.workspace, ".vscode", "settings.json");
    mkdirSync(join(settings, ".."), { recursive: true });
    writeFileSync(settings, JSON.stringify({ "heddle.nodeArguments": ["--no-such-option"] }));
    await bench.open("short.ts");
    const said = async () => {
      await bench.command(runTitle);
      const timeline = await bench.timeline();
      await bench.running("short.ts").waitFor({ state: "detached" });
      const text = timeline.getByText("Its terminal says why.").first();
      return text.waitFor({ timeout: 5000 }).then(
        () => true,
        () => false,
      );
    };
    // The editor notices the file a moment later.
    while (!(await said())) await bench.command("View: Close All Editors").then(() => bench.open("short.ts"));
    await bench.terminalShows("--no-such-option");
    await bench.picture("no trace");
    rmSync(settings);
  });

  it("say once that their folder cannot be written, and where they go instead", async () => {
    await bench.command("View: Close All Editors");
    const settings = join(bench.workspace, ".vscode", "settings.json");
    mkdirSync(join(settings, ".."), { recursive: true });
    // A file is in the way.
    writeFileSync(settings, JSON.stringify({ "heddle.traceFolder": "short.ts" }));
    await bench.open("short.ts");
    await bench.sidebar();
    const rows = bench.trace(/^short.*exit code 3/);
    const run = async () => {
      const before = await rows.count();
      await bench.command(runTitle);
      await rows.nth(before).waitFor();
    };
    const toast = bench.notification(/trace folder .*short\.ts cannot be written .* The trace goes to /);
    do await run();
    while (!(await toast.isVisible()));
    await bench.picture("cannot be written");
    await bench.command("Notifications: Clear All Notifications");
    await toast.waitFor({ state: "detached" });
    await run();
    strictEqual(await toast.count(), 0);
    rmSync(settings);
  });

  it("of a script with as long a name as there can be", async () => {
    await bench.command("View: Close All Editors");
    await bench.command("View: Show Explorer");
    await bench.page.locator(".explorer-folders-view .monaco-list-row", { hasText: "long long" }).dblclick();
    await bench.page.locator(".tab.active", { hasText: "long long" }).waitFor();
    const isDone = async () => {
      await bench.command(runTitle);
      await bench.sidebar();
      const row = bench.trace(/^long long/).locator(".codicon-error");
      return row.waitFor({ timeout: 10_000 }).then(
        () => true,
        () => false,
      );
    };
    while (!(await isDone()));
    await (await bench.timeline()).locator(".badge", { hasText: "exit 4" }).waitFor();
    await bench.picture("long name");
  });

  it("a run whose terminal is thrown away ends with all that it started", async () => {
    await bench.command("View: Close All Editors");
    await bench.open("endless.ts");
    await bench.command(runTitle);
    const pids = () => {
      const path = join(bench.workspace, "pids");
      return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n").map(Number) : [];
    };
    while (pids().length < 3) await bench.page.waitForTimeout(50);
    ok(pids().every(isAlive));
    await bench.page.locator(".panel .action-label.codicon-trash").first().click();
    await bench.running("endless.ts").waitFor({ state: "detached" });
    while (pids().some(isAlive)) await bench.page.waitForTimeout(50);
    await bench.sidebar();
    await bench.trace(/endless.*SIGHUP/).waitFor();
  });
});
