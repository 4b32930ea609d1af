/**
 * Tests the packaged and installed extension in a real extension host: `node scripts/test-host.mjs [--no-build] [PART [FILE…]]`.
 *
 * Parts: `in-host` (mocha inside the extension host, on the extension's own objects) and `user` (mocha out here, which
 * drives the workbench in a browser as a user does; FILEs are some of its tests). The exit code is 0 if all passed.
 */
import { spawn, spawnSync } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { format } from "node:util";
import { chromium } from "playwright-core";
import { bundleInHostTests } from "./in-host-tests.mjs";
import { root } from "./install.mjs";
import { findChromium } from "./test-tools.mjs";
import { ensureServer, startServer } from "./vscode-server.mjs";

const chromiumArgs = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"].concat([
  "--disable-background-networking",
  "--disable-component-update",
]);
const options = process.argv.slice(2).filter((arg) => arg.startsWith("--"));
const [part, ...files] = process.argv.slice(2).filter((arg) => !arg.startsWith("--"));
const vsix = join(root, "out", "heddle-test.vsix");
const wants = (name) => part === undefined || part === name;

const packageArgs = ["scripts/package.mjs", "--out", "out/heddle-test.vsix"];
mkdirSync(join(root, "out"), { recursive: true });
if (options.includes("--no-build")) packageArgs.push("--no-build");
const packed = spawnSync(process.execPath, packageArgs, { cwd: root, encoding: "utf8" });
if (packed.status !== 0) {
  console.error(packed.stdout + packed.stderr);
  process.exit(1);
}
console.log(packed.stdout.trim().split("\n").pop());
ensureServer();

let failed = false;
if (wants("in-host") && (await testInHost()) !== 0) {
  failed = true;
  // Which file it was is known in there only: all of them are one.
  const list = process.env.HEDDLE_FAILED_FILES;
  if (list) appendFileSync(list, "test/host/in-host\n");
}
if (wants("user")) failed = (await testAsUser()) !== 0 || failed;
process.exit(failed ? 1 : 0);

/** mocha in the extension host; resolves to the number it gave to VS Code as the exit code. */
async function testInHost() {
  const bundle = await bundleInHostTests();
  const home = mkdtempSync(join(tmpdir(), "heddle-host-"));
  const workspace = join(home, "a workspace – ünïcode");
  mkdirSync(workspace);
  const server = await startServer(join(home, "vscode"), {
    vsix,
    driver: true,
    settings: { "terminal.integrated.defaultProfile.linux": "bash", "window.autoDetectColorScheme": false },
    env: { HEDDLE_TEST_NODE_TOO_OLD: join(home, "old-node"), HEDDLE_TEST_NODE: process.execPath },
  });
  const browser = await chromium.launch({ executablePath: findChromium(), args: chromiumArgs });
  try {
    const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
    const code = new Promise((resolve, reject) => {
      page.exposeFunction("codeAutomationLog", (_type, args) => {
        const line = format(...args);
        // The workbench talks too: only the tests' own lines are shown.
        const mark = "heddle-test:";
        if (line.startsWith(mark)) console.log(line.slice(mark.length));
      });
      page.exposeFunction("codeAutomationExit", (result) => resolve(result));
      page.on("crash", () => reject(new Error("the page crashed")));
      setTimeout(() => reject(new Error(`the tests did not end\n${server.log()}`)), 480_000).unref();
    });
    const remote = (path) => `vscode-remote://127.0.0.1:${server.port}${path}`;
    const payload = [
      ["extensionDevelopmentPath", remote(join(root, "test", "host", "driver"))],
      ["extensionTestsPath", remote(bundle)],
      ["skipWelcome", "true"],
    ];
    const query = `?folder=${encodeURIComponent(workspace)}&payload=${encodeURIComponent(JSON.stringify(payload))}`;
    await page.goto(server.url + query);
    return await code;
  } catch (error) {
    console.error(error);
    return 1;
  } finally {
    await browser.close();
    await server.stop();
    rmSync(home, { recursive: true, force: true });
  }
}

/** mocha out here; the tests start servers themselves. */
function testAsUser() {
  const mocha = join(root, "node_modules", "mocha", "bin", "mocha.js");
  const child = spawn(
    process.execPath,
    [mocha, "--require", "tsx/cjs", "--timeout", "180000", "--reporter", "scripts/failed-files-reporter.cjs"].concat(
      files.length > 0 ? files : ["test/host/user/**/*.test.ts"],
    ),
    {
      cwd: root,
      stdio: "inherit",
      env: { ...process.env, HEDDLE_TEST_VSIX: vsix, HEDDLE_TEST_CHROMIUM: findChromium() },
    },
  );
  return new Promise((resolve) => child.on("close", resolve));
}
