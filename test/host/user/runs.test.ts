import { match, ok } from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Workbench } from "./workbench.js";

/** Goes on until a file beside it says stop. */
const ticker = `import { existsSync } from "node:fs";
const timer = setInterval(() => {
  if (existsSync(process.argv[1] + ".stop")) clearInterval(timer);
}, 50);
`;
/** Waits for an item that nobody puts. */
const stuck = `import { Queue } from "heddle/queue";
const jobs = new Queue({ name: "jobs" });
await jobs.get();
`;
const folder = "mit Leerzeichen – ünïcode";
const runTitle = "Run with Concurrency Trace";

describe("runs in the workbench", () => {
  let bench: Workbench;
  before(async function () {
    this.timeout(180_000);
    bench = await Workbench.start(
      {
        "first.ts": ticker,
        "second.ts": ticker,
        "short.ts": "process.exitCode = 5;\n",
        "stuck.ts": stuck,
        [`${folder}/zähler 1.js`]:
          "process.exitCode = require('node:path').basename(__filename) === 'zähler 1.js' ? 4 : 1;\n",
      },
      { settings: { "files.defaultLanguage": "typescript", "explorer.compactFolders": false } },
    );
  });
  after(() => bench?.stop());
  afterEach(async function () {
    if (this.currentTest?.state === "failed") await bench.picture(`failed-${this.currentTest.title.slice(0, 40)}`);
  });
  const finish = (script: string) => writeFileSync(join(bench.workspace, `${script}.stop`), "");
  const closeTimeline = async () => {
    // Other runs may have a timeline, too; this one is in front.
    const all = bench.tabs.filter({ hasText: "Timeline" });
    const count = await all.count();
    await bench.page
      .locator(".tabs-container .tab.active", { hasText: "Timeline" })
      .first()
      .click({ button: "middle" });
    await all.nth(count - 1).waitFor({ state: "detached" });
  };

  it("go on when their panel is closed, and show it again, live, from the status bar and from the list", async () => {
    await bench.open("first.ts");
    await bench.command(`Heddle: ${runTitle}`);
    await (await bench.timeline()).locator(".badge.live").waitFor();
    await closeTimeline();
    await bench.running("first.ts").click();
    await bench.page.locator(".quick-input-list .monaco-list-row", { hasText: "Show Timeline" }).click();
    await (await bench.timeline()).locator(".badge.live").waitFor();
    await closeTimeline();
    await bench.sidebar();
    await bench.trace(/first.*running/).click();
    await (await bench.timeline()).locator(".badge.live").waitFor();
    ok(await bench.running("first.ts").isVisible());
  });

  it("go on beside each other, each in its own terminal and panel, and end right", async () => {
    await bench.open("second.ts");
    await bench.command(`Heddle: ${runTitle}`);
    await bench.running("second.ts +1").waitFor();
    await bench.open("first.ts");
    await bench.command(`Heddle: ${runTitle}`);
    await bench.notification("is still running").getByRole("button", { name: "Run Both" }).click();
    await bench.running("first.ts +2").waitFor();
    const timelines = bench.tabs.filter({ hasText: "Timeline" });
    await timelines.nth(2).waitFor();
    await bench.sidebar();
    await bench.trace("running").nth(2).waitFor();
    await bench.picture("three runs");
    finish("second.ts");
    await bench.trace(/second.*exit code 0/).waitFor();
    ok(await bench.running("first.ts +1").isVisible());
    finish("first.ts");
    await bench.running("first.ts").waitFor({ state: "detached", timeout: 30_000 });
    await bench
      .trace(/first.*exit code 0/)
      .nth(1)
      .waitFor();
    await bench.command("View: Close All Editors");
  });

  it("start from the run button of the editor", async () => {
    await bench.open("short.ts");
    await bench.page.locator(`.editor-actions .action-label[aria-label^="${runTitle}"]`).click();
    await bench.sidebar();
    await bench.trace(/short.*exit code 5/).waitFor();
  });

  it("start from the explorer, JavaScript in a path with spaces and letters of all kinds", async () => {
    await bench.command("View: Show Explorer");
    const row = (name: string) => bench.page.locator(".explorer-folders-view .monaco-list-row", { hasText: name });
    // The list still changes: a click may meet another row.
    while ((await row(folder).getAttribute("aria-expanded")) !== "true") {
      await row(folder).click();
      await row("zähler 1.js")
        .waitFor({ timeout: 3000 })
        .catch(() => {});
    }
    await row("zähler 1.js").click({ button: "right" });
    await bench.menu(runTitle);
    await bench.sidebar();
    await bench.trace(/zähler 1.*exit code 4/).waitFor();
  });

  it("do not start of what was never saved, but offer to save it", async () => {
    await bench.command("File: New Untitled Text File");
    await bench.page.locator(".tab.active", { hasText: "Untitled-1" }).waitFor();
    await bench.page.keyboard.insertText("process.exitCode = 6;\n");
    await bench.command(`Heddle: ${runTitle}`);
    const toast = bench.notification("Untitled-1 has never been saved");
    await toast.waitFor();
    await bench.picture("never saved");
    await toast.getByRole("button", { name: "Save and Run" }).click();
    await bench.saveAs(".ts", join(bench.workspace, "saved.ts"));
    await bench.sidebar();
    await bench.trace(/saved.*exit code 6/).waitFor();
  });

  it("that can never go on are stopped, and say why in a notification, the list and both timelines", async () => {
    await bench.open("stuck.ts");
    await bench.command(`Heddle: ${runTitle}`);
    const stopped = bench.notification(/stuck\.ts can never go on, so it was stopped: “main” waits/);
    await stopped.waitFor({ timeout: 40_000 });
    await bench.sidebar();
    await bench.trace(/stuck.* · hung/).waitFor();
    await (await bench.timeline()).locator(".standstill").waitFor();
    await (await bench.timeline("compact")).locator(".standstill").waitFor();
    await bench.picture("hung and stopped");
    await bench.command("Notifications: Clear All Notifications");
    await bench.command("View: Close All Editors");
  });

  it("say which setting is wrong, and open it", async () => {
    const settings = join(bench.workspace, ".vscode", "settings.json");
    mkdirSync(join(settings, ".."), { recursive: true });
    await bench.open("short.ts");
    for (const [name, value, says, label] of [
      ["nodePath", "/no/such/node", /“\/no\/such\/node” .*heddle\.nodePath was not found/, "Node Path"],
      ["keepTraces", "many", /heddle\.keepTraces is "many", but must be a whole number/, "Keep Traces"],
      ["nodeArguments", "--inspect", /heddle\.nodeArguments is "--inspect", but must be a list/, "Node Arguments"],
    ] as const) {
      writeFileSync(settings, JSON.stringify({ [`heddle.${name}`]: value }));
      const toast = bench.notification(says);
      // The editor notices the file a moment later.
      while (!(await toast.isVisible())) {
        await bench.command(`Heddle: ${runTitle}`);
        await toast.waitFor({ timeout: 3000 }).catch(() => bench.command("Notifications: Clear All Notifications"));
      }
      match((await toast.textContent()) ?? "", says);
      await toast.getByRole("button", { name: "Open Settings" }).click();
      await bench.page.locator(".settings-editor .setting-item-label", { hasText: label }).first().waitFor();
      await bench.picture(`setting ${name}`);
      await bench.page.keyboard.press("Control+w");
      await bench.open("short.ts");
      await bench.command("Notifications: Clear All Notifications");
    }
    rmSync(settings);
  });
});
