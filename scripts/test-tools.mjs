/** What the tests need beyond npm's packages: other Node versions and Chromium. Fetched once, kept in .test-cache/. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./install.mjs";

const cache = join(root, ".test-cache");
const platform = `${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;

/** The path of Node `major`, from npm's `node-PLATFORM` package. */
export function fetchNode(major) {
  const folder = join(cache, `node-${major}`);
  const binary = join(
    folder,
    "node_modules",
    `node-${platform}`,
    "bin",
    process.platform === "win32" ? "node.exe" : "node",
  );
  if (existsSync(binary)) return binary;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
  const { status } = spawnSync(
    "npm",
    ["install", "--no-audit", "--no-fund", "--loglevel=error", `node-${platform}@${major}`],
    {
      cwd: folder,
      stdio: "inherit",
      shell: process.platform === "win32",
    },
  );
  if (status !== 0 || !existsSync(binary))
    throw new Error(`Node ${major} could not be fetched from npm (node-${platform}@${major}).`);
  return binary;
}

const browsers = [
  process.env.HEDDLE_TEST_CHROMIUM,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
];

/** The path of a Chromium: one that is installed, else Debian's, where this may install it. */
export function findChromium() {
  const installed = browsers.find((path) => path && existsSync(path));
  if (installed) return installed;
  if (existsSync("/usr/bin/apt-get") && process.getuid?.() === 0) {
    const apt = (...args) =>
      spawnSync("apt-get", args, {
        stdio: ["ignore", "ignore", "inherit"],
        env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
      });
    apt("update", "-qq");
    apt("install", "-y", "-qq", "--no-install-recommends", "chromium", "fonts-dejavu-core");
    if (existsSync("/usr/bin/chromium")) return "/usr/bin/chromium";
  }
  throw new Error("No Chromium found. Install Chromium or Chrome, or set HEDDLE_TEST_CHROMIUM to its path.");
}
