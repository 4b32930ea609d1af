import { ok, strictEqual } from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Frame } from "playwright-core";
import { readSummary } from "../../../src/extension/trace-summary.js";
import { Workbench } from "./workbench.js";

/** Takes a lock again and again and counts aloud, until a file beside it says stop. */
const counts = `import { Lock } from "heddle/threading";
import { existsSync, writeFileSync } from "node:fs";
const lock = new Lock({ name: "turns" });
writeFileSync(process.argv[1] + ".pid", String(process.pid));
let n = 0;
const timer = setInterval(() => {
  lock.acquireSync();
  console.log("tick " + ++n);
  lock.release();
  if (existsSync(process.argv[1] + ".stop")) end();
}, 200);
process.stdin.once("data", (typed) => {
  console.log("heard " + typed);
  end();
});
function end() {
  clearInterval(timer);
  process.stdin.unref();
}
process.exitCode = 7;
`;

describe("a run while the window is loaded again", function () {
  // A window takes long to load on a busy machine, and each test loads it once more.
  this.timeout(300_000);
  let bench: Workbench;
  before(async function () {
    this.timeout(180_000);
    bench = await Workbench.start({
      "stopped.ts": counts,
      "ends.ts": counts,
      "unseen.ts": counts,
    });
  });
  after(async () => {
    for (const name of ["stopped", "ends", "unseen"]) writeFileSync(join(bench.workspace, `${name}.ts.stop`), "");
    await bench?.stop();
  });
  afterEach(async function () {
    if (this.currentTest?.state === "failed") await bench.picture(`failed-${this.currentTest.title.slice(0, 40)}`);
  });
  const pidOf = async (script: string) => {
    const path = join(bench.workspace, `${script}.ts.pid`);
    while (!existsSync(path)) await bench.page.waitForTimeout(50);
    return Number(readFileSync(path, "utf8"));
  };
  const summaryOf = async (script: string) => {
    const folder = join(bench.workspace, ".heddle");
    const file = readdirSync(folder).find((name) => name.startsWith(`${script}-`));
    ok(file, `no trace of ${script}`);
    return await readSummary(join(folder, file));
  };
  /** The end of the time axis: it moves while the timeline follows. */
  const reaches = async (timeline: Frame) => (await timeline.locator(".axis text").allTextContents()).join();
  /** The terminal on the screen shows a tick, and then a later one. */
  async function ticksOn(): Promise<void> {
    const rows = bench.page
      .locator(".terminal-wrapper.active .xterm-rows")
      .filter({ visible: true, hasText: /tick \d/ })
      .last();
    const last = async () => Number([...((await rows.textContent()) ?? "").matchAll(/tick\s(\d+)/g)].pop()?.[1] ?? 0);
    await rows.waitFor({ timeout: 60_000 });
    const before = await last();
    while ((await last()) <= before) await bench.page.waitForTimeout(100);
  }
  async function run(script: string): Promise<void> {
    await bench.open(`${script}.ts`);
    await bench.command("Heddle: Run with Concurrency Trace");
    await bench.running(`${script}.ts`).waitFor();
    await ticksOn();
    await (await bench.timeline()).locator(".badge.live").waitFor();
  }
  const isAlive = (pid: number) => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };

  it("is known again: status bar, terminal, list and both timelines go on, and Stop ends it", async () => {
    await run("stopped");
    const pid = await pidOf("stopped");
    await bench.sidebar();
    await bench.reload();
    await bench.running("stopped.ts").waitFor({ timeout: 60_000 });
    const timeline = await bench.timeline("full", 60_000);
    await timeline.locator(".badge.live").waitFor();
    await bench.trace(/stopped.*running since/).waitFor();
    await (await bench.timeline("compact")).locator(".badge.live").waitFor();
    const before = await reaches(timeline);
    while ((await reaches(timeline)) === before) await bench.page.waitForTimeout(100);
    await bench.picture("taken up");
    ok(isAlive(pid));
    await ticksOn();
    await bench.command("Heddle: Stop Traced Scripts");
    await bench.running("stopped.ts").waitFor({ state: "detached" });
    await timeline.locator(".badge:not(.live)", { hasText: "SIGTERM" }).waitFor();
    await bench.trace(/stopped.*SIGTERM/).waitFor();
    strictEqual(isAlive(pid), false);
    ok((await summaryOf("stopped")).complete);
  });

  it("still reads what is typed, and shows its exit code in the end, also with no timeline open before", async () => {
    await run("ends");
    await bench.command("View: Close All Editors");
    await bench.command("View: Show Explorer");
    await bench.reload();
    await bench.running("ends.ts").waitFor({ timeout: 60_000 });
    await bench.running("ends.ts").click();
    await bench.page.locator(".quick-input-list .monaco-list-row", { hasText: "Show Timeline" }).click();
    const timeline = await bench.timeline();
    await timeline.locator(".badge.live").waitFor();
    const heard = () =>
      bench.terminalShows("heard good bye", 5000).then(
        () => true,
        () => false,
      );
    do {
      // The timeline that has just opened may take the keys once more.
      await bench.intoTerminal();
      await bench.page.keyboard.type("good bye");
      await bench.page.keyboard.press("Enter");
    } while (!(await heard()));
    await bench.running("ends.ts").waitFor({ state: "detached" });
    await timeline.locator(".badge:not(.live)", { hasText: "exit 7" }).waitFor();
    await bench.sidebar();
    await bench.trace(/ends.*exit code 7/).waitFor();
    await bench.picture("ended after a reload");
    await bench.command("View: Close All Editors");
  });

  it("that ended while there was no window shows as ended", async () => {
    await run("unseen");
    const pid = await pidOf("unseen");
    await bench.reload(async () => {
      writeFileSync(join(bench.workspace, "unseen.ts.stop"), "");
      while (isAlive(pid) || !(await summaryOf("unseen")).complete) await new Promise((done) => setTimeout(done, 50));
    });
    const timeline = await bench.timeline("full", 60_000);
    await timeline.locator(".badge:not(.live)", { hasText: "exit 7" }).waitFor();
    await bench.sidebar();
    await bench.trace(/unseen.*exit code 7/).waitFor();
    strictEqual(await bench.running("unseen.ts").isVisible(), false);
    ok(!(await bench.offered("Heddle: ")).some((title) => title.includes("Show or Stop")));
    await bench.picture("ended unseen");
    await bench.command("View: Close All Editors");
  });
});
