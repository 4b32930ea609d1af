/**
 * The tests of test/host/in-host in a desktop VS Code that @vscode/test-electron downloads: `npm run test:electron`.
 *
 * Ends with 0 if they passed, with 1 if they failed, and with 2, before anything is built, where VS Code cannot be
 * downloaded. There `npm test -- host` runs the same bundle of tests in the extension host of VS Code's server.
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

const vscodeExecutablePath = await download();
const vsix = join(root, "out", "heddle-test.vsix");
const home = mkdtempSync(join(tmpdir(), "heddle-electron-"));
const workspace = join(home, "a workspace – ünïcode");
mkdirSync(workspace);
mkdirSync(join(root, "out"), { recursive: true });

try {
  must(process.execPath, [join(root, "scripts", "package.mjs"), "--out", "out/heddle-test.vsix"]);
  const bundle = await bundleInHostTests();
  const [cli, ...args] = resolveCliArgsFromVSCodeExecutablePath(vscodeExecutablePath);
  const folders = ["--extensions-dir", join(home, "extensions"), "--user-data-dir", join(home, "data")];
  const own = args.filter((arg) => !/^--(extensions-dir|user-data-dir)/.test(arg));
  must(cli, [...own, ...folders, "--install-extension", vsix], { shell: process.platform === "win32" });
  await runTests({
    vscodeExecutablePath,
    extensionDevelopmentPath: join(root, "test", "host", "driver"),
    extensionTestsPath: bundle,
    extensionTestsEnv: { HEDDLE_TEST_NODE: process.execPath, HEDDLE_TEST_NODE_TOO_OLD: join(home, "old-node") },
    launchArgs: [workspace, ...folders, "--disable-workspace-trust"],
  });
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  rmSync(home, { recursive: true, force: true });
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

function must(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: "inherit", ...options });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ended with code ${status}`);
}
