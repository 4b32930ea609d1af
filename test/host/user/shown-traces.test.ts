import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Frame } from "playwright-core";
import { Workbench } from "./workbench.js";

const script = `import { isMain } from "heddle";
import { ThreadPoolExecutor } from "heddle/futures";
import { Lock, Thread } from "heddle/threading";

export function pause(ms: number) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
function customer(till: Lock, isHere: Int32Array) {
  Atomics.store(isHere, 0, 1);
  till.acquireSync();
  till.release();
}
export function square(n: number) {
  pause(800);
  return n * n;
}
if (isMain) {
  const till = new Lock({ name: "till" });
  till.acquireSync();
  const isHere = new Int32Array(new SharedArrayBuffer(4));
  const ann = new Thread({ name: "ann", target: customer, args: [till, isHere] });
  ann.start();
  while (Atomics.load(isHere, 0) === 0) pause(10);
  pause(800);
  till.release();
  await ann.join();
  const pool = new ThreadPoolExecutor({ maxWorkers: 1, threadNamePrefix: "solver" });
  console.log(await pool.submit(square, 3));
  await pool.shutdown();
}
`;
const line = (text: string) => script.split("\n").findIndex((one) => one.includes(text)) + 1;

describe("a trace on the screen", () => {
  let bench: Workbench;
  before(async function () {
    this.timeout(180_000);
    bench = await Workbench.start({ "shop.ts": script, "other.md": "Something else.\n" });
    await bench.open("shop.ts");
    await bench.command("Heddle: Run with Concurrency Trace");
    await bench.running("shop.ts").waitFor();
    await bench.running("shop.ts").waitFor({ state: "detached", timeout: 60_000 });
    await bench.command("View: Hide Panel");
  });
  after(() => bench?.stop());
  afterEach(async function () {
    if (this.currentTest?.state === "failed") await bench.picture(`failed-${this.currentTest.title.slice(0, 40)}`);
  });

  const traces = () => readdirSync(join(bench.workspace, ".heddle")).filter((name) => name.endsWith(".heddle"));
  const cursorIn = (line: number) => bench.lineWithCursor("shop.ts").filter({ hasText: new RegExp(`^${line}$`) });
  /** The lock wait and the task, each clicked: the cursor stands in the line it comes from. */
  async function clickSlices(): Promise<void> {
    const timeline = await bench.timeline();
    const wait = await bench.pointAt(timeline, "ann", /till.*waits for lock/);
    await bench.page.mouse.click(wait.x, wait.y);
    await cursorIn(line("till.acquireSync();")).waitFor();
    await timeline.locator(".details", { hasText: "waits for lock" }).waitFor();
    const task = await bench.pointAt(await bench.timeline(), "solver", /square.*task/);
    await bench.page.mouse.click(task.x, task.y);
    await cursorIn(line("pool.submit")).waitFor();
    strictEqual(await bench.page.locator(".editor-group-container").count(), 2);
  }
  const axis = async (timeline: Frame) => (await timeline.locator(".axis text").allTextContents()).join();

  it("opens the line of a lock's wait and of a task that is clicked, beside the panel", async () => {
    await clickSlices();
    await bench.picture("clicked");
  });

  it("is as it was left when its tab is shown again, and when the window is loaded again", async () => {
    const timeline = await bench.timeline();
    const wait = await bench.pointAt(timeline, "ann", /till.*waits for lock/);
    await bench.page.mouse.click(wait.x, wait.y);
    await bench.page.keyboard.down("Control");
    await bench.page.mouse.wheel(0, -400);
    await bench.page.keyboard.up("Control");
    await timeline.locator(".label.group", { hasText: "Cores" }).click();
    const look = async (shown: Frame) => ({
      axis: await axis(shown),
      details: await shown.locator(".details-title").textContent(),
      cores: await shown.locator(".label.group", { hasText: "Cores" }).getAttribute("aria-expanded"),
      scrolled: await shown.locator(".scroller").evaluate((element) => element.scrollTop),
    });
    await bench.page.mouse.move(wait.x, wait.y);
    await bench.page.mouse.wheel(0, 60);
    const left = await look(timeline);
    strictEqual(left.cores, "true");
    match(left.details ?? "", /till/);

    // The timeline's group is the active one: the file comes before it.
    await bench.open("other.md");
    await bench.page.locator(".tab.active", { hasText: "other.md" }).waitFor();
    ok(await bench.page.locator(".tab:not(.active)", { hasText: "Timeline" }).isVisible());
    await bench.page.locator(".tab", { hasText: "Timeline" }).click();
    deepStrictEqual(await look(await bench.timeline()), left);

    await bench.reload();
    const again = await bench.timeline("full", 60_000);
    await again.locator(".details-title", { hasText: "till" }).waitFor();
    deepStrictEqual(await look(again), left);
    await bench.picture("loaded again");
  });

  it("opens the line from the custom editor of the saved trace", async () => {
    await bench.command("View: Close All Editors");
    await bench.sidebar();
    await bench.trace("shop").click();
    await bench.page.locator(".tab.active", { hasText: traces()[0]! }).waitFor();
    await clickSlices();
    await bench.picture("clicked in a saved trace");
  });

  it("is exported as one HTML file from the list", async () => {
    await bench.sidebar();
    await bench.trace("shop").click({ button: "right" });
    await bench.menu("Export as HTML…");
    const target = join(bench.workspace, "for all.html");
    await bench.saveAs(traces()[0]!.replace(".heddle", ".html"), target);
    await bench.notification("exported to").waitFor({ timeout: 30_000 });
    await bench.picture("exported");
    const html = readFileSync(target, "utf8");
    match(html, /<!doctype html>/i);
    const page = await bench.otherPage();
    try {
      await page.goto(pathToFileURL(target).href);
      await page.locator(".label", { hasText: "solver" }).first().waitFor();
      await page.locator(".label", { hasText: "ann" }).first().waitFor();
    } finally {
      await page.close();
    }
  });

  it("is revealed in the explorer", async () => {
    await bench.sidebar();
    await bench.trace("shop").click({ button: "right" });
    await bench.menu("Reveal in File Explorer");
    await bench.page
      .locator(".explorer-viewlet .monaco-list-row.selected, .explorer-folders-view .monaco-list-row.focused", {
        hasText: traces()[0]!,
      })
      .first()
      .waitFor();
    await bench.picture("revealed");
  });
});
