/** Takes the pictures a person looks at: `tsx test/ui/screenshots.ts [FILE.heddle | processes]`, into out/screenshots/. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { launchBrowser } from "./browser.js";
import { demoTrace } from "./demo-trace.js";
import { oneFileHtml } from "./one-file-html.js";
import { processesTrace } from "./processes-trace.js";

const folder = join(__dirname, "../../out/screenshots");
const file = process.argv[2];

async function main(): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const bytes = file === "processes" ? processesTrace().bytes() : file ? readFileSync(file) : demoTrace().bytes();
  const browser = await launchBrowser();
  const shots: [string, number, number, string, "full" | "compact"][] = [
    ["dark", 1280, 800, "dark", "full"],
    ["light", 1280, 800, "light", "full"],
    ["hc-dark", 1280, 800, "hc-dark", "full"],
    ["hc-light", 1280, 800, "hc-light", "full"],
    ["narrow", 400, 800, "dark", "full"],
    ["wide", 1600, 1000, "dark", "full"],
    ["compact", 300, 420, "dark", "compact"],
  ];
  for (const [name, width, height, theme, mode] of shots) {
    const path = join(folder, `${name}.html`);
    writeFileSync(path, oneFileHtml({ bytes, mode, theme }));
    const page = await browser.newPage({
      viewport: { width, height },
      colorScheme: theme.endsWith("light") ? "light" : "dark",
    });
    page.on("pageerror", (error) => console.error(name, error));
    page.on("console", (message) => console.error(name, message.text()));
    await page.goto(pathToFileURL(path).href);
    await page.waitForSelector("body[data-complete=true]");
    await page.waitForSelector("body[data-findings]");
    await page.waitForFunction(() => globalThis.heddleFrameStats!().frames > 1);
    await page.screenshot({ path: join(folder, `${name}.png`) });
    if (mode === "full" && name !== "narrow") {
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("ArrowDown");
      for (let i = 0; i < 14; i++) await page.keyboard.press(".");
      for (let i = 0; i < 8; i++) await page.keyboard.press("w");
      await page.waitForTimeout(100);
      await page.screenshot({ path: join(folder, `${name}-zoomed.png`) });
    }
    await page.close();
  }
  await browser.close();
}

void main();
