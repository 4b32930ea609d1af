import { ok, strictEqual } from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { chromiumPath, launchBrowser } from "./browser.js";
import { demoTrace } from "./demo-trace.js";
import { oneFileHtml } from "./one-file-html.js";

describe("the timeline's page", function () {
  this.timeout(60_000);
  let browser: Browser;
  let folder: string;
  let page: Page;
  before(async function () {
    if (!chromiumPath) this.skip();
    folder = mkdtempSync(join(tmpdir(), "heddle-layout-"));
    writeFileSync(join(folder, "page.html"), oneFileHtml({ bytes: demoTrace().bytes({ exitCode: 3 }) }));
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
    if (folder) rmSync(folder, { recursive: true });
  });
  afterEach(() => page?.close());

  async function open(options: BrowserContextOptions): Promise<void> {
    page = await browser.newPage(options);
    await page.goto(pathToFileURL(join(folder, "page.html")).href);
    await page.waitForSelector("body[data-complete=true]");
    await page.locator(".badge:visible").first().waitFor();
  }

  it("gives shares of all of the threads' time, idle time included, which make a whole", async () => {
    await open({ viewport: { width: 1280, height: 800 } });
    const shares = page.locator(".split-legend .share:visible");
    const texts = await shares.allTextContents();
    ok(
      texts.some((text) => text.endsWith(" idle")),
      texts.join(),
    );
    const sum = texts.reduce((all, text) => all + Number(/\d+/.exec(text)?.[0] ?? Number.NaN), 0);
    ok(Math.abs(sum - 100) <= texts.length, texts.join());
  });

  it("lets nothing in its head lie on anything else, however narrow it is", async () => {
    for (const width of [320, 420, 560, 700, 1000, 2400]) {
      await open({ viewport: { width, height: 800 } });
      const boxes = await page.locator(".header :is(.badge, .tool, .figure, .split)").evaluateAll((all) =>
        all
          .filter((one) => one.checkVisibility())
          .map((one) => {
            const { left, right, top, bottom } = one.getBoundingClientRect();
            return { name: one.className, left, right, top, bottom };
          }),
      );
      ok(boxes.length >= 5, `${width}: ${boxes.length} parts`);
      for (const a of boxes) {
        ok(a.right <= width + 0.5, `${width}: ${a.name} is cut off`);
        for (const b of boxes) {
          const apart = a === b || a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
          ok(apart, `${width}: ${a.name} and ${b.name}`);
        }
      }
      await page.close();
    }
  });

  it("keeps the colours that mean something where the system has its own", async () => {
    await open({ viewport: { width: 1280, height: 800 }, forcedColors: "active" });
    const colours = await page
      .locator(".legend .key")
      .evaluateAll((all) => all.map((one) => getComputedStyle(one).backgroundColor));
    ok(new Set(colours).size >= 4, colours.join());
  });

  it("has its names in the order of the lanes for the Tab key and screen readers", async () => {
    await open({ viewport: { width: 1280, height: 800 } });
    const inOrder = () =>
      page.locator(".labels > .label").evaluateAll((all) => {
        const tops = all.map((one) => one.getBoundingClientRect().top);
        return tops.every((top, i) => i === 0 || top > tops[i - 1]!);
      });
    ok(await inOrder());
    const group = page.locator(".label.group", { hasText: "Locks" });
    await group.focus();
    await page.keyboard.press("Enter");
    await page.locator(".label.group[aria-expanded=false]", { hasText: "Locks" }).waitFor();
    ok(await inOrder());
    strictEqual(await group.evaluate((element) => element === document.activeElement), true);
  });
});
