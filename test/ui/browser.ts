import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const candidates = [
  process.env.HEDDLE_CHROMIUM,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
];

/** The system's Chromium, or undefined if it has none. */
export const chromiumPath = candidates.find((path) => path && existsSync(path));

export function launchBrowser(): Promise<Browser> {
  if (!chromiumPath) throw new Error("No Chromium was found; set HEDDLE_CHROMIUM to one.");
  return chromium.launch({
    executablePath: chromiumPath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}
