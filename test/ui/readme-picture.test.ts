/**
 * The picture at the top of the README: the pipeline example, traced now, in the timeline. It is written to
 * out/pictures/timeline.png; with HEDDLE_UPDATE_PICTURES=1 also to media/timeline.png.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { launchBrowser } from "./browser.js";

const root = join(__dirname, "..", "..");

describe("the README's picture", () => {
  it("shows a real run of the pipeline example", async () => {
    const folder = join(root, "out", "pictures");
    mkdirSync(folder, { recursive: true });
    const html = join(folder, "timeline.html");
    const trace = join(folder, "timeline.heddle");
    const { status, stderr } = spawnSync(
      process.execPath,
      [join(root, "dist", "cli.cjs"), "run", "--out", trace, "--html", html, join(root, "examples", "pipeline.ts")],
      { encoding: "utf8" },
    );
    assert.equal(status, 0, stderr);
    const browser = await launchBrowser();
    try {
      const page = await browser.newPage({
        viewport: { width: 1280, height: 720 },
        colorScheme: "dark",
        deviceScaleFactor: 2,
      });
      await page.goto(pathToFileURL(html).href);
      await page.waitForSelector("body[data-complete=true]");
      await page.waitForSelector("body[data-findings]");
      await page.waitForFunction(() => globalThis.heddleFrameStats!().frames > 1);
      const lanes = await page.evaluate(() => document.body.dataset.lanes);
      assert.ok(Number(lanes) > 5, `only ${lanes} lanes`);
      const picture = join(folder, "timeline.png");
      await page.screenshot({ path: picture });
      assert.ok(statSync(picture).size > 50_000);
      if (process.env.HEDDLE_UPDATE_PICTURES) copyFileSync(picture, join(root, "media", "timeline.png"));
    } finally {
      await browser.close();
    }
  });
});
