import { deepStrictEqual, match, ok } from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { largeTrace } from "../../analysis/large-trace.js";
import { Workbench } from "./workbench.js";

const script = `import { isMain } from "heddle";
import { Lock, Thread } from "heddle/threading";
import { trace } from "heddle";

/** Takes turns at the lock, and works without it in between. */
function work(lock: Lock, rounds: number) {
  for (let round = 0; round < rounds; round++) {
    lock.acquireSync();
    spin(6);
    lock.release();
    spin(2);
  }
}
function spin(ms: number) {
  const end = performance.now() + ms;
  while (performance.now() < end);
}
if (isMain) {
  const lock = new Lock({ name: "account" });
  const threads = [1, 2, 3].map((n) => new Thread({ name: \`teller \${n}\`, target: work, args: [lock, 150] }));
  for (const thread of threads) thread.start();
  for (const thread of threads) await thread.join();
  console.log("all done");
}
`;

describe("the workbench", () => {
  let bench: Workbench;
  const saved = largeTrace({ events: 20_000 }).bytes();
  before(async function () {
    this.timeout(180_000);
    bench = await Workbench.start({
      "short.ts": "console.log(1);\n",
      "tellers.ts": script.replace('import { trace } from "heddle";\n', ""),
      "saved.heddle": saved,
      "cut.heddle": saved.subarray(0, saved.length >> 1),
      "broken.heddle": "this is no trace, but it has some text in it",
      "empty.heddle": "",
    });
  });
  after(() => bench?.stop());
  afterEach(async function () {
    if (this.currentTest?.state === "failed") await bench.picture(`failed-${this.currentTest.title.slice(0, 40)}`);
  });

  it("runs the open script, unsaved changes included, and its timeline grows beside it", async () => {
    await bench.open("tellers.ts");
    await bench.page.locator(".monaco-editor .view-line").first().click();
    await bench.page.keyboard.press("Control+Home");
    await bench.page.keyboard.insertText("/* changed */ ");
    await bench.command("Heddle: Run with Concurrency Trace");
    const timeline = await bench.timeline();
    match(readFileSync(join(bench.workspace, "tellers.ts"), "utf8"), /^\/\* changed \*\/ import/);
    await timeline.locator(".label", { hasText: "teller 1" }).first().waitFor({ timeout: 30_000 });
    const running = bench.running("tellers.ts");
    ok(await running.isVisible(), "the lanes came only after the run");
    await bench.picture("live");
    await bench.page.locator(".terminal-wrapper, .xterm").first().waitFor();
    await running.waitFor({ state: "detached", timeout: 80_000 });
    await bench.sidebar();
    await bench.trace("tellers").first().waitFor();
    match((await bench.trace("tellers").first().textContent()) ?? "", /exit code 0/);
    await bench.timeline("compact");
    await bench.picture("ended");
  });

  it("stops a run from the status bar", async () => {
    await bench.open("tellers.ts");
    await bench.command("Heddle: Run with Concurrency Trace");
    const running = bench.running("tellers.ts");
    const timeline = await bench.timeline();
    await timeline.locator(".badge.live").waitFor();
    await timeline.locator(".label", { hasText: "teller 1" }).first().waitFor();
    await running.click();
    await bench.page.locator(".quick-input-list .monaco-list-row", { hasText: "Stop" }).click();
    // The processes are gone within a second (tested in the host); the report and the end mark may take a busy machine longer.
    await running.waitFor({ state: "detached", timeout: 15_000 });
  });

  it("renames and deletes a trace from the list", async () => {
    await bench.sidebar();
    const row = bench.trace(/tellers.*(exit code|SIGTERM)/).first();
    await row.click({ button: "right" });
    await bench.menu("Rename…");
    const input = bench.page.locator(".quick-input-widget input");
    await input.fill("a/b");
    await bench.page.locator(".quick-input-message", { hasText: "cannot hold" }).waitFor();
    await input.fill("my best run");
    await bench.page.keyboard.press("Enter");
    await bench.trace("my best run").waitFor();
    const folder = join(bench.workspace, ".heddle");
    ok(existsSync(join(folder, "my best run.heddle")));
    const before = readdirSync(folder).length;
    const yes = bench.page.locator(".monaco-dialog-box .monaco-button", { hasText: "Delete" });
    // The list notices the new name by itself, too: a menu that is open at that moment belongs to a row that is gone.
    do {
      await bench.trace("my best run").click({ button: "right" });
      await bench.menu("Delete");
    } while (
      !(await yes.waitFor({ timeout: 5000 }).then(
        () => true,
        () => false,
      ))
    );
    await yes.click();
    await bench.trace("my best run").waitFor({ state: "detached" });
    deepStrictEqual(readdirSync(folder).length, before - 1);
  });

  it("opens a saved trace in the timeline, and a cut one up to the cut", async () => {
    for (const name of ["saved.heddle", "cut.heddle"]) {
      await bench.command("View: Close All Editors");
      await bench.open(name);
      const timeline = await bench.timeline();
      await timeline.locator("canvas").first().waitFor();
      await timeline.locator(".label", { hasText: "worker" }).first().waitFor();
      await bench.picture(name);
    }
  });

  it("says of a broken file what is wrong with it", async () => {
    for (const [name, message] of [
      ["broken.heddle", /not a Heddle trace/],
      ["empty.heddle", /empty/],
    ] as const) {
      await bench.command("View: Close All Editors");
      await bench.open(name);
      const timeline = await bench.timeline();
      await timeline.getByText(message).first().waitFor({ timeout: 10_000 });
      await bench.picture(name);
    }
  });

  it("follows the theme: light, dark, high contrast", async () => {
    await bench.command("View: Close All Editors");
    await bench.open("saved.heddle");
    for (const theme of ["Light Modern", "Dark Modern", "Dark High Contrast", "Light High Contrast"]) {
      await bench.command("Preferences: Color Theme");
      const input = bench.page.locator(".quick-input-widget input");
      await input.fill(theme);
      await bench.page.locator(".quick-input-list .monaco-list-row", { hasText: theme }).first().click();
      const timeline = await bench.timeline();
      await timeline.locator("canvas").first().waitFor();
      const plain = theme.startsWith("Dark") ? "vscode-dark" : "vscode-light";
      const kind = theme.includes("Contrast") ? "vscode-high-contrast" : plain;
      await timeline.locator(`body.${kind}`).waitFor();
      await bench.picture(`theme ${theme}`);
    }
  });
});

describe("the workbench without trust", () => {
  let bench: Workbench;
  before(async function () {
    this.timeout(120_000);
    bench = await Workbench.start(
      { "a.ts": "console.log(1);\n", "saved.heddle": largeTrace({ events: 2000 }).bytes() },
      { trust: true },
    );
  });
  after(() => bench?.stop());

  it("shows traces but runs no script", async () => {
    await bench.open("saved.heddle");
    const timeline = await bench.timeline();
    await timeline.locator("canvas").first().waitFor();
    await bench.open("a.ts");
    ok(!(await bench.offered("Heddle: Run with")).some((title) => title.includes("Run with Concurrency Trace")));
    await bench.sidebar();
    await bench.page.getByText("This workspace is not trusted").first().waitFor();
    await bench.picture("untrusted");
    ok(!existsSync(join(bench.workspace, ".heddle")));
  });
});
