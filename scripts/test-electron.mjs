/**
 * The tests of test/host/in-host in a desktop VS Code that @vscode/test-electron downloads: `npm run test:electron`.
 * `HEDDLE_TEST_VSCODE` names the program of one that is there already (`…/VSCode-linux-x64/code`), `HEDDLE_TEST_VSIX` a
 * package that is there already.
 *
 * Ends with 0 if they passed, with 1 if they failed, and with 2, before anything is built, where VS Code cannot be
 * downloaded or has no screen to show itself on (on Linux `xvfb-run` gives it one, and is used by itself if it is
 * installed). There `npm test -- host` runs the same bundle of tests in the extension host of VS Code's server.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  downloadAndUnzipVSCode,
  resolveCliArgsFromVSCodeExecutablePath,
  runTests,
  SilentReporter,
} from "@vscode/test-electron";
import { bundleInHostTests } from "./in-host-tests.mjs";
import { root } from "./install.mjs";

const isWindows = process.platform === "win32";
/** On Windows both VS Code and its command line are started through a shell. */
const quoted = (text) => (isWindows ? `"${text}"` : text);

const vscodeExecutablePath = process.env.HEDDLE_TEST_VSCODE ?? (await download());
needScreen();
const vsix = process.env.HEDDLE_TEST_VSIX ?? join(root, "out", "heddle-test.vsix");
const home = mkdtempSync(join(tmpdir(), "heddle-electron-"));
const workspace = join(home, "a workspace – ünïcode");
mkdirSync(workspace);
mkdirSync(join(root, "out"), { recursive: true });

try {
  if (process.env.HEDDLE_TEST_VSIX === undefined)
    must(process.execPath, [join(root, "scripts", "package.mjs"), "--out", "out/heddle-test.vsix"]);
  const bundle = await bundleInHostTests();
  const [cli] = resolveCliArgsFromVSCodeExecutablePath(vscodeExecutablePath);
  // Two words each, so that the launcher sees that it need not add folders of its own.
  const folders = [
    ["--extensions-dir", quoted(join(home, "extensions"))],
    // Without it the command line refuses to work for root.
    ["--user-data-dir", quoted(join(home, "data"))],
  ].flat();
  must(quoted(cli), [...folders, "--install-extension", quoted(vsix)], { shell: isWindows });
  await runTests({
    vscodeExecutablePath,
    extensionDevelopmentPath: quoted(join(root, "test", "host", "driver")),
    extensionTestsPath: quoted(bundle),
    extensionTestsEnv: {
      HEDDLE_TEST_NODE: process.execPath,
      HEDDLE_TEST_NODE_TOO_OLD: join(home, "old-node"),
      HEDDLE_TEST_MARK: "",
    },
    // --no-sandbox, for root, and --disable-workspace-trust are among what the launcher adds. In containers /dev/shm is
    // too small for Chromium.
    launchArgs: [quoted(workspace), ...folders, ...(process.platform === "linux" ? ["--disable-dev-shm-usage"] : [])],
  });
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  rmSync(home, { recursive: true, force: true, maxRetries: 5 });
}

/** The path of a VS Code; ends this program where there is none to be had. */
async function download() {
  try {
    return await downloadAndUnzipVSCode({
      cachePath: join(root, ".test-cache", "vscode"),
      reporter: new SilentReporter(),
    });
  } catch (error) {
    const reasons = error instanceof AggregateError ? error.errors : [error];
    const why = [...new Set(reasons.map((reason) => reason?.message ?? String(reason)))].join("; ");
    console.error(`The tests were not run: VS Code could not be downloaded (${why}).`);
    console.error("`npm test -- host` runs the same tests in VS Code's server, which comes from the npm registry.");
    process.exit(2);
  }
}

/** On Linux a window needs a screen: a real one, or Xvfb's, under which this program then starts itself again. */
function needScreen() {
  if (process.platform !== "linux" || process.env.DISPLAY || process.env.WAYLAND_DISPLAY) return;
  const again = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const env = { ...process.env, HEDDLE_TEST_VSCODE: vscodeExecutablePath };
  const { status, error } = spawnSync("xvfb-run", ["-a", ...again], { stdio: "inherit", env });
  if (error === undefined) process.exit(status ?? 1);
  console.error("The tests were not run: VS Code has no screen here. Install xvfb, or set DISPLAY.");
  console.error("`npm test -- host` runs the same tests in VS Code's server, which needs none.");
  process.exit(2);
}

function must(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: "inherit", ...options });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ended with code ${status}`);
}
