/**
 * The tests of test/host/in-host in a desktop VS Code that @vscode/test-electron downloads: `npm run test:electron`.
 * Where it cannot be downloaded, `node scripts/test-host.mjs` runs the same tests in VS Code's server.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { downloadAndUnzipVSCode, resolveCliArgsFromVSCodeExecutablePath, runTests } from "@vscode/test-electron";
import { bundleInHostTests } from "./in-host-tests.mjs";
import { root } from "./install.mjs";

const vsix = join(root, "out", "heddle-test.vsix");
const home = mkdtempSync(join(tmpdir(), "heddle-electron-"));
const workspace = join(home, "a workspace – ünïcode");
mkdirSync(workspace);
mkdirSync(join(root, "out"), { recursive: true });

must(process.execPath, [join(root, "scripts", "package.mjs"), "--out", "out/heddle-test.vsix"]);
const bundle = await bundleInHostTests();
try {
  const vscodeExecutablePath = await downloadAndUnzipVSCode({ cachePath: join(root, ".test-cache", "vscode") });
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

function must(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: "inherit", ...options });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ended with code ${status}`);
}
