/** How long a frame takes with a million events: `tsx test/ui/frame-time.ts [EVENTS]`. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { largeTrace } from "../analysis/synthetic-trace.js";
import { launchBrowser } from "./browser.js";
import { oneFileHtml } from "./one-file-html.js";

async function main(): Promise<void> {
  const folder = join(__dirname, "../../out/screenshots");
  mkdirSync(folder, { recursive: true });
  const events = Number(process.argv[2] ?? 1_000_000);
  const path = join(folder, "large.html");
  writeFileSync(path, oneFileHtml({ bytes: largeTrace({ events }).bytes(), theme: "dark" }));
  const browser = await launchBrowser();
  const page = await browser.newPage({ viewport: { width: 1600, height: 1000 } });
  page.on("pageerror", (error) => console.error(error));
  const begin = Date.now();
  await page.goto(pathToFileURL(path).href);
  await page.waitForSelector("body[data-lanes]", { timeout: 120_000 });
  await page.waitForFunction(() => globalThis.heddleFrameStats!().frames > 1, undefined, { timeout: 120_000 });
  console.log(`loaded in ${Date.now() - begin} ms`);
  await page.screenshot({ path: join(folder, "large.png") });
  const measure = async (what: string, move: string): Promise<void> => {
    const statistics = await page.evaluate(async (key) => {
      globalThis.heddleFrameStats!().reset();
      for (let i = 0; i < 60; i++) {
        window.dispatchEvent(new KeyboardEvent("keydown", { key: i % 20 < 10 ? key[0]! : key[1]! }));
        await new Promise((resolve) => requestAnimationFrame(resolve));
      }
      const { frames, mean, median, p95, max } = globalThis.heddleFrameStats!();
      return { frames, mean, median, p95, max };
    }, move);
    console.log(what, JSON.stringify(statistics));
  };
  await measure("zoom at everything", "ws");
  await page.evaluate(() => window.dispatchEvent(new KeyboardEvent("keydown", { key: "f" })));
  for (let i = 0; i < 8; i++) await page.keyboard.press("w");
  await measure("pan at a tenth", "da");
  for (let i = 0; i < 14; i++) await page.keyboard.press("w");
  await measure("pan at a thousandth", "da");
  await page.screenshot({ path: join(folder, "large-zoomed.png") });
  await browser.close();
}

void main();
